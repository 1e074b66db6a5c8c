/** One resolution for all platforms: a package must come from the same version of its source on each, or nothing is pinned. */
import type { Place, Problem } from "../../host/errors.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { Candidate } from "./candidate.ts";

export interface ResolvedImage {
  readonly image: string;
  readonly place: Place;
  readonly platforms: ReadonlyMap<string, readonly Candidate[]>;
}

/**
 * The packages whose platforms disagree (LS2105), each once, sorted by name. Source versions are compared, because an architecture may
 * rebuild a package (`+b1`) from the same source. Also refuses one name, version and architecture with two contents.
 */
export function differingVersions(images: readonly ResolvedImage[]): readonly Problem[] {
  const problems = new Map<string, Problem>();
  const hashes = new Map<string, string>();
  for (const { place, platforms } of images) {
    const seen = new Map<string, { readonly platform: string; readonly candidate: Candidate }>();
    for (const [platform, candidates] of platforms) {
      for (const candidate of candidates) {
        const { name, version, architecture, sha256, source, sourceVersion } = candidate;
        const key = `${name}_${version}_${architecture}`;
        const hash = hashes.get(key);
        if (hash !== undefined && hash !== sha256) {
          problems.set(name, {
            code: "LS2105",
            message: `the archive has two different files for ${key}`,
            place,
            hint: "the archive's indexes are at fault; try another mirror",
          });
        }
        hashes.set(key, sha256);
        const other = seen.get(name);
        if (other === undefined) {
          seen.set(name, { platform, candidate });
        } else if (other.candidate.sourceVersion !== sourceVersion || other.candidate.source !== source) {
          const there = `${other.candidate.version} on ${other.platform} (source ${other.candidate.source} ${other.candidate.sourceVersion})`;
          problems.set(name, {
            code: "LS2105",
            message: `package "${name}" is ${there} and ${version} on ${platform} (source ${source} ${sourceVersion})`,
            place,
            hint: "the archive has not built it for every platform yet; pin again later",
          });
        }
      }
    }
  }
  return [...problems].toSorted(([a], [b]) => comparePaths(a, b)).map(([, problem]) => problem);
}
