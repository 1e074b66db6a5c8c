/** One repository of a registry (OCI distribution-spec 1.1): manifests, tags and blobs, each checked against what names it. */
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { type Digest, digestOf, isDigest } from "../store/digest.ts";
import type { Blob, Store } from "../store/store.ts";
import { readBody } from "./answer.ts";
import { type BlobSource, type OnBytes, pullBlob } from "./blobs.ts";
import { Client, type RegistryOptions } from "./client.ts";
import { type Answer, TransferError } from "./connection.ts";
import type { Expected } from "./ends.ts";
import {
  isIndexType,
  largestManifest,
  type Manifest,
  acceptedTypes,
  parseManifest,
  type RemoteDescriptor,
} from "./manifest.ts";
import { isTag, type Reference } from "./reference.ts";
import { addReferrer, listReferrers } from "./referrers.ts";
import { pushBlob, type Pushed, type UploadOptions } from "./upload.ts";

function digestHeader({ headers }: Answer): Digest | undefined {
  const value = headers["docker-content-digest"];
  return typeof value === "string" && isDigest(value) ? value : undefined;
}

export class Repository {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get reference(): Reference {
    return this.#client.reference;
  }

  /** `registry.example/path`. */
  get name(): string {
    return this.#client.name;
  }

  close(): void {
    this.#client.close();
  }

  /** `registry.example/path:tag` or `…@digest`. */
  place(reference: string): string {
    return `${this.name}${isDigest(reference) ? "@" : ":"}${reference}`;
  }

  /**
   * The manifest or index under a tag or digest. Throws LS3208 when its bytes are not those of the digest (or not of `expected`, the
   * descriptor that led here), LS3209 for another media type, LS3210 when it is malformed, LS3207 when it is not there.
   */
  async manifest(reference: string, expected?: RemoteDescriptor): Promise<Manifest> {
    const found = await this.findManifest(reference, expected);
    if (found !== undefined) return found;
    throw new LockstepError({
      code: "LS3207",
      message: `${this.place(reference)} is not there`,
      hint: "look at the name, the tag and the digest",
    });
  }

  /** The same; undefined when it is not there. */
  async findManifest(reference: string, expected?: RemoteDescriptor): Promise<Manifest | undefined> {
    const place = this.place(reference);
    const answer = await this.#client.request({
      method: "GET",
      to: `manifests/${reference}`,
      what: `the manifest ${reference}`,
      headers: { accept: acceptedTypes.join(", ") },
      expected: [200, 404],
      action: "pull",
    });
    if (answer.status === 404) {
      answer.body.resume();
      return undefined;
    }
    const bytes = await this.#manifestBytes(answer, place);
    const wanted = expected?.digest ?? (isDigest(reference) ? reference : digestHeader(answer));
    const found = digestOf(bytes);
    if (wanted !== undefined && found !== wanted)
      throw this.#wrong(place, `the registry sends ${found} instead of ${wanted}`);
    if (expected !== undefined && expected.size !== bytes.length)
      throw this.#wrong(place, `it has ${bytes.length} bytes instead of ${expected.size}`);
    const manifest = parseManifest(bytes, answer.headers["content-type"], place);
    if (expected !== undefined && expected.mediaType !== manifest.descriptor.mediaType) {
      throw new LockstepError({
        code: "LS3209",
        message: `${place}: the media type is ${manifest.descriptor.mediaType} instead of ${expected.mediaType}`,
        hint: "the index that names it is wrong: make the image again, or take another",
      });
    }
    return manifest;
  }

  /** What a tag or digest names now; undefined when there is nothing. Reads the whole manifest only when the registry does not say. */
  async digestOf(reference: string): Promise<Digest | undefined> {
    const answer = await this.#client.request({
      method: "HEAD",
      to: `manifests/${reference}`,
      what: `the manifest ${reference}`,
      headers: { accept: acceptedTypes.join(", ") },
      expected: [200, 404],
      action: "pull",
    });
    answer.body.resume();
    if (answer.status === 404) return undefined;
    return digestHeader(answer) ?? (await this.findManifest(reference))?.descriptor.digest;
  }

  /** Brings a blob into the store; whether it was fetched. */
  blob(store: Store, blob: Blob, onBytes?: OnBytes): Promise<boolean> {
    return pullBlob(this.#client, store, blob, onBytes);
  }

  pushBlob(source: BlobSource, options?: UploadOptions): Promise<Pushed> {
    return pushBlob(this.#client, source, options);
  }

  /**
   * Puts a manifest under its digest, and lists it for its subject where the registry does not do that itself. Throws LS3215 when the
   * registry calls it something else.
   */
  async pushManifest(manifest: Manifest): Promise<void> {
    const answer = await this.#put(manifest, manifest.descriptor.digest, {});
    if (manifest.subject !== undefined && answer.headers["oci-subject"] === undefined)
      await addReferrer(this.#client, this, manifest.subject.digest, manifest);
  }

  /**
   * Gives a manifest that is there a tag, and reads it back. With `expected` the tag must be that before. Throws LS3216 when it is
   * something else then or afterwards: another publisher was there. LS3215 when the registry has other bytes under the digest.
   */
  async tag(manifest: Manifest, tag: string, expected?: Expected): Promise<void> {
    const { digest } = manifest.descriptor;
    const before = await this.digestOf(tag);
    // Already what it shall be: whoever did it did the same.
    if (before === digest) return;
    if (expected !== undefined && before !== (expected === "absent" ? undefined : expected))
      throw this.#moved(tag, expected, before);
    const unchanged: Record<string, string> =
      before === undefined ? { "if-none-match": "*" } : { "if-match": `"${before}"` };
    const answer = await this.#put(manifest, tag, expected === undefined ? {} : unchanged);
    if (answer.status === 412) throw this.#moved(tag, expected ?? "absent", await this.digestOf(tag));
    const after = await this.findManifest(tag);
    if (after?.descriptor.digest === digest) return;
    if (after !== undefined && expected !== undefined) throw this.#moved(tag, digest, after.descriptor.digest);
    throw new LockstepError({
      code: "LS3215",
      message: `${this.place(tag)} is ${after?.descriptor.digest ?? "not there"} after ${digest} was pushed`,
      hint: "the registry changed it, or another publisher was there at the same time: look at what it has, and say what the tag must be with --expect",
    });
  }

  /** Descriptors of what refers to a manifest (distribution-spec, "Listing Referrers"), also where the registry has no such list. */
  referrers(digest: Digest, artifactType?: string): Promise<readonly RemoteDescriptor[]> {
    return listReferrers(this.#client, this, digest, artifactType);
  }

  async #put(manifest: Manifest, reference: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { bytes, descriptor } = manifest;
    if (!isDigest(reference) && !isTag(reference))
      throw new LockstepError({
        code: "LS3201",
        message: `"${reference}" is not a tag`,
        hint: "a tag has letters, digits and . _ -",
      });
    const answer = await this.#client.request({
      method: "PUT",
      to: `manifests/${reference}`,
      what: `pushing ${isIndexType(descriptor.mediaType) ? "the index" : "the manifest"} ${reference}`,
      headers: { ...headers, "content-type": descriptor.mediaType },
      body: {
        size: bytes.length,
        async *open() {
          yield bytes;
        },
      },
      expected: [201, 412],
      action: "push",
    });
    answer.body.resume();
    const named = answer.headers["docker-content-digest"];
    if (answer.status === 201 && named !== undefined && named !== descriptor.digest) {
      throw new LockstepError({
        code: "LS3215",
        message: `${this.place(reference)}: the registry calls ${descriptor.digest} ${String(named)}`,
        hint: "this registry changes what is pushed to it: use another",
      });
    }
    return answer;
  }

  async #manifestBytes(answer: Answer, place: string): Promise<Buffer> {
    try {
      return await readBody(answer, largestManifest);
    } catch (error) {
      if (!(error instanceof TransferError)) throw this.#client.unreachable(place, error);
      throw this.#wrong(place, `the manifest is larger than ${largestManifest} bytes`);
    }
  }

  #wrong(place: string, why: string): LockstepError {
    return new LockstepError({
      code: "LS3208",
      message: `${place}: ${why}`,
      hint: "nothing of it was kept; try another registry, or ask whoever runs this one",
    });
  }

  #moved(tag: string, expected: Expected, found: Digest | undefined): LockstepError {
    const was = expected === "absent" ? "not to be there" : `expected to be ${expected}`;
    return new LockstepError({
      code: "LS3216",
      message: `${this.place(tag)} was ${was} and is ${found ?? "not there"}: another publisher was there`,
      hint: "look at what is there now, then publish again and expect that",
    });
  }
}

/** Opens the repository of a reference. Loads the user's settings; credentials are looked for when the registry asks for them. */
export async function openRepository(
  host: Host,
  reference: Reference,
  options: RegistryOptions = {},
): Promise<Repository> {
  return new Repository(await Client.open(host, reference, options));
}
