/** A store that is shared: a repository of a registry with inputs as blobs, and with records as artefacts that are signed. */
import { LockstepError } from "../host/errors.ts";
import { inParallel } from "../host/parallel.ts";
import { bundleMediaType } from "../evidence/evidence.ts";
import type { SigningKey, VerificationKey } from "../evidence/keys.ts";
import { signStatement } from "../evidence/sign.ts";
import { verifyBundle } from "../evidence/verify.ts";
import { type BlobSource, readFilePart, sourceOfBytes } from "../registry/blobs.ts";
import { type Manifest, parseManifest, type RemoteDescriptor } from "../registry/manifest.ts";
import type { Repository } from "../registry/repository.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, digestOf } from "../store/digest.ts";
import type { Blob, Store } from "../store/store.ts";
import {
  blobsOf,
  type RecordName,
  recordIn,
  recordStatement,
  recordTag,
  recordType,
  type SharedRecord,
} from "./record.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
/** The media type of everything whose form only Lockstep knows. */
const octets = "application/octet-stream";
const empty = Buffer.from("{}");
/** The configuration of an artefact that needs none (OCI image-spec, manifest.md, "Guidance for an Empty Descriptor"). */
const emptyConfig = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(empty), size: empty.length };
/** Bytes; no bundle of a record comes near. */
const largestBundle = 1 << 20;

function artefact(artifactType: string, layers: readonly RemoteDescriptor[], place: string): Manifest {
  const value = { artifactType, config: emptyConfig, layers, mediaType: manifestType, schemaVersion: 2 };
  return parseManifest(Buffer.from(canonicalJson(value)), manifestType, place);
}

function fromStore(store: Store, { digest, size }: Blob): BlobSource {
  return {
    digest,
    size,
    open: (start, end) =>
      start === 0 && end === size ? store.stream(digest) : readFilePart(store.pathOf(digest), start, end),
  };
}

/** Pushes blobs and the artefact that keeps them from being cleaned away; the bytes that were sent. */
async function pushArtefact(
  repository: Repository,
  manifest: Manifest,
  tag: string,
  sources: readonly BlobSource[],
): Promise<number> {
  let sent = 0;
  await inParallel([sourceOfBytes(emptyConfig.digest, empty), ...sources], 4, async (source) => {
    if ((await repository.pushBlob(source)) === "pushed") sent += source.size;
  });
  if ((await repository.digestOf(manifest.descriptor.digest)) === undefined) await repository.pushManifest(manifest);
  await repository.tag(manifest, tag);
  return sent;
}

/** Shares inputs that the store has, held together by one artefact. The bytes that were sent. */
export async function pushInputs(
  repository: Repository,
  store: Store,
  inputs: readonly Blob[],
  tag: string,
): Promise<number> {
  const layers = inputs.map(({ digest, size }) => ({ mediaType: octets, digest, size }));
  const manifest = artefact("application/vnd.dev.lockstep.inputs.v1", layers, repository.place(tag));
  return pushArtefact(
    repository,
    manifest,
    tag,
    inputs.map((blob) => fromStore(store, blob)),
  );
}

/** Shares a record with its blobs, signed. The bytes that were sent; undefined when it was there, or is not whole here. */
export async function pushRecord(
  repository: Repository,
  store: Store,
  key: SigningKey,
  record: SharedRecord,
): Promise<number | undefined> {
  const tag = recordTag(record, key.hint);
  if ((await repository.digestOf(tag)) !== undefined) return undefined;
  const digests = blobsOf(record.kind, record.value) ?? [];
  const blobs: Blob[] = [];
  for (const digest of digests) {
    const blob = await store.find(digest);
    if (blob === undefined) return undefined;
    blobs.push(blob);
  }
  const { bundle } = await signStatement(key, recordStatement(record, digests));
  const signed = { mediaType: bundleMediaType, digest: digestOf(bundle), size: bundle.length };
  const layers = [signed, ...blobs.map(({ digest, size }) => ({ mediaType: octets, digest, size }))];
  const manifest = artefact(recordType, layers, repository.place(tag));
  const sources = [sourceOfBytes(signed.digest, bundle), ...blobs.map((blob) => fromStore(store, blob))];
  return pushArtefact(repository, manifest, tag, sources);
}

/** What a repository has for a record, and why what it had was refused. */
export interface PulledRecord {
  readonly found: boolean;
  readonly refused: readonly LockstepError[];
}

async function pullSigned(
  repository: Repository,
  store: Store,
  wanted: RecordName,
  key: VerificationKey,
  manifest: Manifest,
  place: string,
): Promise<void> {
  const [, bundle, ...layers] = manifest.blobs;
  if (manifest.artifactType !== recordType || bundle?.mediaType !== bundleMediaType || bundle.size > largestBundle) {
    throw new LockstepError({
      code: "LS3303",
      message: `${place}: this is no record of a store`,
      hint: "it was not used; find out who writes to the shared store",
    });
  }
  await repository.blob(store, bundle);
  const expected = { keys: [key], subjects: [], predicateType: recordType, file: place };
  const { value, blobs } = recordIn(await verifyBundle(await store.read(bundle.digest), expected), wanted, place);
  const sizes = new Map<Digest, number>(layers.map(({ digest, size }) => [digest, size]));
  for (const digest of blobs) await repository.blob(store, { digest, size: sizes.get(digest) ?? 0 });
  // Last, so that a record is never there without what it is about.
  await store.putRecord(wanted.kind, wanted.key, value);
}

/** Whether an error is about what a repository holds, and not about the machine, the network or an interrupt. */
export function isAboutContent({ code }: LockstepError): boolean {
  return /^LS(?:32(?:07|08|09|10)|33|61)/.test(code);
}

/** Brings a record by one of the trusted keys into the store, with its blobs. What is not right is refused, and the next key's is tried. */
export async function pullRecord(
  repository: Repository,
  store: Store,
  trusted: readonly VerificationKey[],
  wanted: RecordName,
): Promise<PulledRecord> {
  const refused: LockstepError[] = [];
  for (const key of trusted) {
    const tag = recordTag(wanted, key.hint);
    try {
      const manifest = await repository.findManifest(tag);
      if (manifest === undefined) continue;
      await pullSigned(repository, store, wanted, key, manifest, repository.place(tag));
      return { found: true, refused };
    } catch (error) {
      if (!(error instanceof LockstepError) || !isAboutContent(error)) throw error;
      refused.push(error);
    }
  }
  return { found: false, refused };
}
