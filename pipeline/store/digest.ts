/** Digests: the names of bytes. Only SHA-256 is used. */
import { createHash, hash } from "node:crypto";

/** `sha256:` and 64 lowercase hexadecimal digits (OCI image-spec, descriptor.md "Digests"). */
export type Digest = `sha256:${string}`;

const pattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** The digest of some bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${hash("sha256", bytes, "hex")}`;
}

/** The 64 hexadecimal digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** A digest that is fed piece by piece. */
export class Digester {
  readonly #hash = createHash("sha256");
  #size = 0;

  get size(): number {
    return this.#size;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  finish(): Digest {
    return `sha256:${this.#hash.digest("hex")}`;
  }
}
