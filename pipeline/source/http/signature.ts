/** Signatures of files from the web: by keys that are in the repository, in the forms that projects publish. */
import { LockstepError, type Place } from "../../host/errors.ts";
import type { Digest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";

export type SignatureKind = "minisign" | "gpg" | "sigstore";

/** What is signed: a blob of the store, which is checked by its digest when it is read. */
export interface SignedFile {
  /** What problems call it. */
  readonly name: string;
  readonly store: Store;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Verifies a signature; gives what names the key that made it. LS2706 when it does not hold, LS2707 when it or the key is not of its kind. */
export type Verify = (file: SignedFile, signature: Buffer, key: Buffer, place: Place) => Promise<string>;

/** Bytes of the largest signature that is read. */
export const signatureLimit = 1 << 20;

export function unsigned(file: SignedFile, place: Place, why: string, cause?: unknown): LockstepError {
  const hint = "do not use the file; ask who publishes it, over another way than the one it came";
  return new LockstepError(
    { code: "LS2706", message: `the signature of ${file.name} does not hold: ${why}`, place, hint },
    { cause },
  );
}

export function malformed(file: SignedFile, place: Place, what: string, cause?: unknown): LockstepError {
  const hint = "look at what is at the address of the signature, and at the key in the repository";
  return new LockstepError({ code: "LS2707", message: `${file.name}: ${what}`, place, hint }, { cause });
}

/** The verifier of a kind; loaded on use. */
export async function verifierOf(kind: SignatureKind): Promise<Verify> {
  switch (kind) {
    case "minisign":
      return (await import("./minisign.ts")).verifyMinisign;
    case "gpg":
      return (await import("./gpg.ts")).verifyGpg;
    case "sigstore":
      return (await import("./sigstore.ts")).verifySigstore;
  }
}
