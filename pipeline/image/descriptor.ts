/** Descriptors in documents that anybody may have written: what each must have (OCI image-spec, descriptor.md). */
import { isDigest } from "../store/digest.ts";
import type { Descriptor } from "./oci.ts";

/** What every descriptor has; or what is wrong with a value as one, as a clause that follows its name. */
export function readDescriptor(
  value: unknown,
): (Pick<Descriptor, "mediaType" | "digest" | "size"> & { readonly wrong?: never }) | { readonly wrong: string } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { wrong: "is not a descriptor" };
  const { mediaType, digest, size } = value as Readonly<Record<string, unknown>>;
  if (typeof mediaType !== "string") return { wrong: "has no media type" };
  if (typeof digest !== "string" || !isDigest(digest))
    return { wrong: `has the digest ${JSON.stringify(digest)}, which is no SHA-256` };
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return { wrong: "has no usable size" };
  return { mediaType, digest, size };
}
