/** Capsules as OCI artefacts: every locked input of some images in one manifest (OCI image-spec 1.1, "Guidelines for Artifact Usage"). */
import { LockstepError } from "../../host/errors.ts";
import type { Document } from "../../image/oci.ts";
import type { LockedBytes } from "../../lock/blobs.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import { type Digest, digestOf, isDigest } from "../../store/digest.ts";
import { comparePaths } from "../../tree/entry.ts";

const capsuleType = "application/vnd.dev.lockstep.capsule.v1";
const inputType = "application/vnd.dev.lockstep.input.v1";
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const emptyType = "application/vnd.oci.empty.v1+json";
const title = "org.opencontainers.image.title";

/** Bytes; what registries take for sure (distribution-spec, "Pushing Manifests"). */
const largestManifest = 4 << 20;

/** A blob of a capsule, and what it is called: the key of its entry in the lock. */
export interface CapsuleBlob extends LockedBytes {
  readonly name: string;
}

function document(bytes: Buffer, mediaType: string): Document {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}

/** What an artefact has in the place of a config: two bytes that are the same everywhere. */
export const emptyConfig: Document = document(Buffer.from("{}"), emptyType);

/** The manifest; it depends on the blobs and their names alone. LS3353 when it is larger than registries take. */
export function capsuleManifest(blobs: readonly CapsuleBlob[]): Document {
  const layers = blobs
    .toSorted((a, b) => comparePaths(a.digest, b.digest))
    .map(({ digest, size, name }) => ({ annotations: { [title]: name }, digest, mediaType: inputType, size }));
  const bytes = Buffer.from(
    canonicalJson({
      artifactType: capsuleType,
      config: emptyConfig.descriptor,
      layers: layers.length === 0 ? [emptyConfig.descriptor] : layers,
      mediaType: manifestType,
      schemaVersion: 2,
    }),
  );
  if (bytes.length > largestManifest) {
    throw new LockstepError({
      code: "LS3353",
      message: `${blobs.length} inputs make a manifest of ${bytes.length} bytes, and registries take ${largestManifest}`,
      hint: "make a capsule for each image",
    });
  }
  const made = document(bytes, manifestType);
  return { ...made, descriptor: { ...made.descriptor, artifactType: capsuleType } };
}

/** The blobs that a manifest lists, by digest; undefined when it is no capsule's. */
export function readCapsuleManifest(bytes: Uint8Array): ReadonlyMap<Digest, CapsuleBlob> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  const { artifactType, layers } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (artifactType !== capsuleType || !Array.isArray(layers)) return undefined;
  const found = new Map<Digest, CapsuleBlob>();
  for (const item of layers as readonly unknown[]) {
    const { mediaType, digest, size, annotations } = (item ?? {}) as Readonly<Record<string, unknown>>;
    if (mediaType === emptyType) continue;
    if (mediaType !== inputType || typeof digest !== "string" || !isDigest(digest) || typeof size !== "number")
      return undefined;
    const name = (annotations as Readonly<Record<string, unknown>> | undefined)?.[title];
    found.set(digest, { digest, size, name: typeof name === "string" ? name : digest });
  }
  return found;
}
