/** Every package that one suite (with its updates and security fixes) offers for one architecture. */
import { comparePaths } from "../../tree/entry.ts";
import { type Candidate, type IndexOrigin, parseCandidate } from "./candidate.ts";
import type { PackagesIndex } from "./packages-index.ts";
import { compareVersions } from "./version.ts";

export interface IndexSource {
  readonly index: PackagesIndex;
  readonly origin: IndexOrigin;
}

/** One package among all of its name. */
export type Exact = Pick<Candidate, "version" | "sha256">;

/** Which exact package to prefer for a name, before the newest one: what a lock holds. */
export type Preference = (name: string) => Exact | undefined;

function candidates(sources: readonly IndexSource[], name: string): readonly Candidate[] {
  return sources.flatMap(({ index, origin }) => index.stanzas(name).map((stanza) => parseCandidate(stanza, origin)));
}

export class Universe {
  readonly suite: string;
  readonly architecture: string;
  readonly #sources: readonly IndexSource[];
  readonly #recalled: readonly IndexSource[];
  readonly #offered = new Map<string, readonly Candidate[]>();

  /**
   * `sources`: what the archive offers, in the order in which they win when they have the same version. `recalled`: earlier indexes,
   * from which only packages that are asked for by version and hash are taken.
   */
  constructor(
    suite: string,
    architecture: string,
    sources: readonly IndexSource[],
    recalled: readonly IndexSource[] = [],
  ) {
    this.suite = suite;
    this.architecture = architecture;
    this.#sources = sources;
    this.#recalled = recalled;
  }

  /** Every version on offer, newest first. */
  offered(name: string): readonly Candidate[] {
    const known = this.#offered.get(name);
    if (known !== undefined) return known;
    const found = candidates(this.#sources, name).toSorted((a, b) => compareVersions(b.version, a.version));
    this.#offered.set(name, found);
    return found;
  }

  /** Exactly that package, on offer or recalled. */
  find(name: string, wanted: Exact): Candidate | undefined {
    const fits = ({ version, sha256 }: Candidate): boolean => version === wanted.version && sha256 === wanted.sha256;
    return this.offered(name).find(fits) ?? candidates(this.#recalled, name).find(fits);
  }

  /** Every version on offer or recalled, newest first, each file once. */
  known(name: string): readonly Candidate[] {
    const all = [...this.offered(name), ...candidates(this.#recalled, name)];
    return [...new Map(all.toReversed().map((candidate) => [candidate.sha256, candidate])).values()]
      .toReversed()
      .toSorted((a, b) => compareVersions(b.version, a.version));
  }

  /** The same universe with earlier indexes to recall packages from. */
  recalling(recalled: readonly IndexSource[]): Universe {
    return new Universe(this.suite, this.architecture, this.#sources, recalled);
  }

  /** Names of packages of which some version provides `name`, sorted. */
  providers(name: string): readonly string[] {
    const sources = [...this.#sources, ...this.#recalled];
    return [...new Set(sources.flatMap(({ index }) => index.providers(name)))].toSorted(comparePaths);
  }

  /** Every package name, for suggestions. */
  *names(): Generator<string, void> {
    for (const { index } of this.#sources) yield* index.names;
  }
}

/** What decides between the versions of a package. */
export interface Wish {
  readonly prefer?: Preference;
  /** Versions that packages must have, by name. */
  readonly exact?: ReadonlyMap<string, string>;
}

/** A version without the number of a rebuild that one architecture alone has: `1.2-3+b1` → `1.2-3`. */
function withoutRebuild(version: string): string {
  return version.replace(/\+b\d+$/, "");
}

/** The packages of exactly that version; where an architecture has none, its rebuilds of the same. */
export function exactly(found: readonly Candidate[], version: string): readonly Candidate[] {
  const same = found.filter((candidate) => candidate.version === version);
  if (same.length > 0) return same;
  return found.filter((candidate) => withoutRebuild(candidate.version) === withoutRebuild(version));
}

/**
 * The packages that may be chosen for a name, best first: the newest version, as apt's candidate; with a preference that can be had,
 * that one and then the newest. Where exact versions are asked for, those alone, and of other packages every version that is known: an older
 * package may need older ones.
 */
export function candidatesOf(universe: Universe, name: string, { prefer, exact }: Wish): readonly Candidate[] {
  const version = exact?.get(name);
  if (version !== undefined) return exactly(universe.known(name), version);
  const newest = exact === undefined ? universe.offered(name).slice(0, 1) : universe.known(name);
  const wanted = prefer?.(name);
  const kept = wanted === undefined ? undefined : universe.find(name, wanted);
  return kept === undefined ? newest : [kept, ...newest.filter((candidate) => candidate.sha256 !== kept.sha256)];
}
