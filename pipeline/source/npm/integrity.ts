/** Subresource Integrity as npm uses it: hashes of a tarball with the names of their algorithms (W3C SRI, section 3). */
import { createHash, type Hash } from "node:crypto";

/** Bytes of a hash of each algorithm that npm has written, strongest first. */
const algorithms: ReadonlyMap<string, number> = new Map([
  ["sha512", 64],
  ["sha384", 48],
  ["sha256", 32],
  ["sha1", 20],
]);

interface Claim {
  readonly algorithm: string;
  readonly hash: string;
}

function claimsOf(integrity: string): readonly Claim[] {
  return integrity
    .trim()
    .split(/\s+/)
    .flatMap((text) => {
      const [, algorithm = "", hash = ""] =
        /^([a-z0-9]+)-([A-Za-z0-9+/]+={0,2})(?:\?[\u0021-\u007e]*)?$/.exec(text) ?? [];
      const bytes = Buffer.from(hash, "base64");
      return bytes.length === algorithms.get(algorithm) && bytes.toString("base64") === hash
        ? [{ algorithm, hash }]
        : [];
    });
}

/** Why a text is no integrity that can be checked, as a clause; undefined when it is one. */
export function integrityProblem(integrity: string): string | undefined {
  return claimsOf(integrity).length > 0 ? undefined : "must have a sha512, sha384, sha256 or sha1 hash";
}

/** The hashes of the strongest algorithm, which are the ones that count; any one of them is enough. Sorted. */
export function strongest(integrity: string): readonly string[] {
  const claims = claimsOf(integrity);
  const algorithm = [...algorithms.keys()].find((name) => claims.some((claim) => claim.algorithm === name));
  return claims
    .filter((claim) => claim.algorithm === algorithm)
    .map((claim) => `${claim.algorithm}-${claim.hash}`)
    .toSorted();
}

/** Checks bytes against an integrity as they come. */
export class IntegrityCheck {
  readonly #wanted: readonly string[];
  readonly #algorithm: string;
  readonly #hash: Hash;

  constructor(integrity: string) {
    this.#wanted = strongest(integrity);
    this.#algorithm = this.#wanted[0]?.split("-")[0] ?? "sha512";
    this.#hash = createHash(this.#algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** Whether all bytes together are those of the integrity; to be asked once. */
  finish(): boolean {
    return this.#wanted.includes(`${this.#algorithm}-${this.#hash.digest("base64")}`);
  }
}
