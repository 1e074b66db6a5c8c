/** Wheels by their file names, and which of several is the one for a target (binary distribution format, "File name convention"). */
import { memoize } from "../../host/memoize.ts";
import { normalizedName } from "./markers.ts";
import type { Requirement } from "./requirements.ts";
import { type PythonTarget, supportedTags } from "./target.ts";
import { sameVersion } from "./version.ts";

export interface WheelName {
  /** Normalized. */
  readonly name: string;
  readonly version: string;
  /** The number that decides between builds of one version, and what follows it; absent sorts first. */
  readonly build?: readonly [number: number, rest: string];
  /** `cp313-cp313-manylinux_2_28_x86_64`, every one that the name stands for. */
  readonly tags: readonly string[];
}

/** What a file name says; undefined when it is not that of a wheel. */
export function parseWheelName(file: string): WheelName | undefined {
  // Only what is safe in a path, in a lock and in an address: nothing of an index is believed.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.+!-]{0,250}\.whl$/.test(file)) return undefined;
  const parts = file.slice(0, -".whl".length).split("-");
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  const [name = "", version = ""] = parts;
  const [python = "", abi = "", platform = ""] = parts.slice(-3);
  const build = parts.length === 6 ? /^([0-9]{1,15})(.*)$/.exec(parts[2] ?? "") : undefined;
  if (build === null || name === "") return undefined;
  const tags = python
    .split(".")
    .flatMap((p) => abi.split(".").flatMap((a) => platform.split(".").map((l) => `${p}-${a}-${l}`)));
  return {
    name: normalizedName(name),
    version,
    ...(build === undefined ? {} : { build: [Number(build[1]), build[2] ?? ""] as const }),
    tags,
  };
}

export interface WheelFile {
  readonly file: string;
  readonly sha256: string;
}

/** How good wheels are for a target. */
export class Ranking {
  readonly #ranks: ReadonlyMap<string, number>;

  constructor(target: PythonTarget) {
    this.#ranks = new Map(supportedTags(target).map((tag, index) => [tag, index]));
  }

  /** The place of a wheel's best tag, 0 the best; undefined when the target takes none of them. */
  rank(wheel: WheelName): number | undefined {
    const ranks = wheel.tags.flatMap((tag) => this.#ranks.get(tag) ?? []);
    return ranks.length === 0 ? undefined : Math.min(...ranks);
  }

  /** The best of the files that a requirement allows; undefined when there is none. */
  choose<File extends WheelFile>(requirement: Requirement, files: Iterable<File>): File | undefined {
    let best: { readonly file: File; readonly order: readonly [number, number, string, string] } | undefined;
    for (const file of files) {
      const wheel = parseWheelName(file.file);
      if (wheel?.name !== requirement.name || !requirement.hashes.includes(file.sha256)) continue;
      const rank = sameVersion(wheel.version.replaceAll("_", "-"), requirement.version) ? this.rank(wheel) : undefined;
      if (rank === undefined) continue;
      // The better tag, then the higher build; names decide what is left, so that the order of files never does.
      const order = [rank, -(wheel.build?.[0] ?? -1), wheel.build?.[1] ?? "", file.file] as const;
      if (best === undefined || precedes(order, best.order)) best = { file, order };
    }
    return best?.file;
  }
}

type Order = readonly [number, number, string, string];

function precedes(a: Order, b: Order): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  if (a[1] !== b[1]) return a[1] < b[1];
  if (a[2] !== b[2]) return a[2] > b[2];
  return a[3] < b[3];
}

const rankings = memoize((target: string) => new Ranking(JSON.parse(target) as PythonTarget), 16);

/** The ranking of a target; those asked for last are remembered, because each has some thousand tags. */
export function rankingFor({ platform, python, glibc }: PythonTarget): Ranking {
  return rankings(JSON.stringify({ platform, python, glibc }));
}
