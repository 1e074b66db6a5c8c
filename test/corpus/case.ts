/** The corpus: pairs of images of which it is known why they differ. This file says what a pair is. */
import type { ImageOf, IndexOf } from "../verify/image-of.ts";

/** A side of a pair: an image or index of few bytes, the bytes of any other subject, or an archive of `docker save`. */
export type Side = ImageOf | IndexOf | Uint8Array | { readonly saved: ImageOf };

export interface Case {
  /** The row of the catalogue that was forced; `none` when the two are the same. */
  readonly cause: string;
  /** Rows that say the same of this pair, where the catalogue has two names for it. */
  readonly or?: readonly string[];
  /** What was done: unique in the corpus. */
  readonly what: string;
  readonly a: Side;
  readonly b: Side;
}
