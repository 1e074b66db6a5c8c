/** Every package that one suite (with its updates and security fixes) offers for one architecture. */
import { comparePaths } from "../../tree/entry.ts";
import { type Candidate, type IndexOrigin, parseCandidate } from "./candidate.ts";
import type { PackagesIndex } from "./packages-index.ts";
import { compareVersions } from "./version.ts";

export interface IndexSource {
  readonly index: PackagesIndex;
  readonly origin: IndexOrigin;
}

/** Which exact package to prefer for a name, before the newest one: what a lock holds. */
export type Preference = (name: string) => Pick<Candidate, "version" | "sha256"> | undefined;

export class Universe {
  readonly suite: string;
  readonly architecture: string;
  readonly #sources: readonly IndexSource[];
  readonly #offered = new Map<string, readonly Candidate[]>();

  /** `sources`: in the order in which they win when they have the same version. */
  constructor(suite: string, architecture: string, sources: readonly IndexSource[]) {
    this.suite = suite;
    this.architecture = architecture;
    this.#sources = sources;
  }

  /** Every version on offer, newest first. */
  offered(name: string): readonly Candidate[] {
    const known = this.#offered.get(name);
    if (known !== undefined) return known;
    const found = this.#sources
      .flatMap(({ index, origin }) => index.stanzas(name).map((stanza) => parseCandidate(stanza, origin)))
      .toSorted((a, b) => compareVersions(b.version, a.version));
    this.#offered.set(name, found);
    return found;
  }

  /** The same universe with one more source, which wins over none of the others. */
  with(sources: readonly IndexSource[]): Universe {
    return new Universe(this.suite, this.architecture, [...this.#sources, ...sources]);
  }

  /** Names of packages of which some version provides `name`, sorted. */
  providers(name: string): readonly string[] {
    return [...new Set(this.#sources.flatMap(({ index }) => index.providers(name)))].toSorted(comparePaths);
  }

  /** Every package name, for suggestions. */
  *names(): Generator<string, void> {
    for (const { index } of this.#sources) yield* index.names;
  }
}

/**
 * The packages that may be chosen for a name, best first: the newest version, as apt's candidate; with a preference that is on offer,
 * that one and then the newest.
 */
export function candidatesOf(universe: Universe, name: string, prefer: Preference | undefined): readonly Candidate[] {
  const offered = universe.offered(name);
  const newest = offered[0];
  if (newest === undefined) return [];
  const wanted = prefer?.(name);
  if (wanted === undefined) return [newest];
  const kept = offered.find(({ version, sha256 }) => version === wanted.version && sha256 === wanted.sha256);
  return kept === undefined || kept === newest ? [newest] : [kept, newest];
}
