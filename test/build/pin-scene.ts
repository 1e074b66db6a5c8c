/** What the tests of pin share: an archive on this machine with keys of its own, and specs in a short form. */
import { onTestFinished } from "vitest";
import { type PinOptions, type Pinned, pin } from "../../pipeline/build/pin.ts";
import type { Host } from "../../pipeline/host/host.ts";
import type { Lock } from "../../pipeline/lock/types.ts";
import { emptyLock } from "../../pipeline/lock/types.ts";
import { silent } from "../../pipeline/report/report.ts";
import type { ImageSpec, Platform } from "../../pipeline/spec/types.ts";
import { type Scene, scene } from "../support.ts";
import {
  type Fields,
  type SigningKey,
  type SuiteContent,
  clearsign,
  suiteFiles,
} from "../source/debian/tiny-archive.ts";
import { type WebServer, startWebServer } from "../source/web-server.ts";

const platforms: readonly Platform[] = ["linux/amd64", "linux/arm64"];

/** The time at which everything happens. */
const now = new Date("2026-11-20T12:00:00Z");

type Packages = readonly (Fields | string)[];

/** Packages of a suite for both architectures; a list for one alone replaces the common one. */
export interface Content {
  readonly main: Packages | { readonly amd64: Packages; readonly arm64: Packages };
  readonly updates?: Packages;
  readonly security?: Packages;
  readonly date?: Date;
  readonly validUntil?: Date;
}

function perArchitecture(packages: Content["main"]): SuiteContent["packages"] {
  if ("amd64" in packages) return packages;
  // The short form says amd64 where it says nothing.
  const forArm = packages.map((item) =>
    typeof item === "string" ? item.replace(/^(\S+ \S+)(?= \||$)/, "$1 arm64") : { ...item, Architecture: "arm64" },
  );
  return { amd64: packages, arm64: forArm };
}

export class TinyMirror {
  readonly web: WebServer;
  readonly #key: SigningKey;

  constructor(web: WebServer, key: SigningKey) {
    this.web = web;
    this.#key = key;
  }

  get mirrors(): PinOptions["mirrors"] {
    return { debian: [`${this.web.base}/debian`], "debian-security": [`${this.web.base}/debian-security`] };
  }

  /** Puts a new state of the archive up; indexes of earlier states go away unless `keep`. */
  async publish(content: Content, options: { readonly keep?: boolean; readonly key?: SigningKey } = {}): Promise<void> {
    if (options.keep !== true) this.web.files.clear();
    const date = content.date ?? new Date("2026-11-20T00:00:00Z");
    const parts = [
      ["debian", "trixie", content.main],
      ["debian", "trixie-updates", content.updates ?? []],
      ["debian-security", "trixie-security", content.security ?? []],
    ] as const;
    for (const [archive, codename, packages] of parts) {
      const suite = suiteFiles({
        codename,
        date,
        packages: perArchitecture(packages),
        ...(content.validUntil === undefined ? {} : { validUntil: content.validUntil }),
      });
      const base = `/${archive}/dists/${codename}`;
      for (const [path, bytes] of suite.files) this.web.files.set(`${base}/${path}`, bytes);
      this.web.files.set(
        `${base}/InRelease`,
        Buffer.from(await clearsign(suite.text, [options.key ?? this.#key], date)),
      );
    }
  }
}

export async function startMirror(key: SigningKey): Promise<TinyMirror> {
  const web = await startWebServer();
  onTestFinished(() => web.close());
  return new TinyMirror(web, key);
}

export interface ShortSpec {
  readonly packages?: readonly string[];
  readonly from?: string;
  readonly dependencies?: "all" | "none";
  readonly suite?: string;
  readonly platforms?: readonly Platform[];
}

/** Specs by name; the package at position n is written in line 10 + n. */
export function specsOf(images: Readonly<Record<string, ShortSpec>>): readonly ImageSpec[] {
  return Object.entries(images).map(([name, short]): ImageSpec => {
    const file = `images/${name}/image.yaml`;
    const { packages, from, dependencies = "all", suite = "trixie" } = short;
    return {
      name,
      file,
      platforms: short.platforms ?? platforms,
      ...(from === undefined ? {} : { from }),
      layers:
        packages === undefined
          ? []
          : [
              {
                kind: "debian",
                place: { file, line: 3, column: 5 },
                suite,
                packages: packages.map((item, position) => ({
                  name: item,
                  place: { file, line: 10 + position, column: 9 },
                })),
                dependencies,
                split: 1,
              },
            ],
      users: [],
      groups: [],
      config: { ports: [], env: {}, labels: {}, volumes: [] },
    };
  });
}

/** The implied packages, which every archive has to have. */
export const base: Packages = ["base-files 13 | Pre-Depends: awk", "base-passwd 3 | Depends: libc6"];

export interface PinScene extends Scene {
  readonly warnings: string[];
  pin(options: Partial<PinOptions> & Pick<PinOptions, "specs">): Promise<Pinned>;
  /** The lines of the error. */
  failure(options: Partial<PinOptions> & Pick<PinOptions, "specs">): Promise<string>;
}

export function pinScene(mirror: TinyMirror, key: SigningKey): PinScene {
  const at = scene();
  const host: Host = { ...at.host, now: () => now.getTime(), sleep: () => Promise.resolve() };
  const warnings: string[] = [];
  const report = { ...silent, warn: (line: string) => void warnings.push(line) };
  const run: PinScene["pin"] = ({ lock = emptyLock, ...options }) =>
    pin(host, at.store, report, {
      root: at.directory,
      lock,
      ...(mirror.mirrors === undefined ? {} : { mirrors: mirror.mirrors }),
      keys: [key.key],
      ...options,
    });
  return {
    ...at,
    host,
    warnings,
    pin: run,
    failure: async (options) => {
      const result = await run(options).catch((error: unknown) => error);
      if (!(result instanceof Error)) throw new Error("it did not fail");
      return result.message;
    },
  };
}

/** The packages of an image on a platform: `name version`. */
export function packagesOf(lock: Lock, image: string, platform: Platform = "linux/amd64"): readonly string[] {
  return (lock.images.get(image)?.platforms[platform] ?? []).map((key) => {
    const item = lock.packages.get(key);
    return `${item?.name} ${item?.version}`;
  });
}
