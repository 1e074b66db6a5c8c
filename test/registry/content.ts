/** What the registry for tests holds: blobs, manifests, tags and uploads of repositories, in memory. */
import { createHash } from "node:crypto";

export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ManifestDocument {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function digestWith(algorithm: string, bytes: Uint8Array): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Whether the text is a digest of an algorithm that is known here. */
export function isKnownDigest(text: string): boolean {
  return /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

export function matches(digest: string, bytes: Uint8Array): boolean {
  return isKnownDigest(digest) && digestWith(digest.split(":")[0] ?? "", bytes) === digest;
}

export class RepositoryContent {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, StoredManifest>();
  readonly tags = new Map<string, string>();

  /** The manifest under a tag or digest. */
  find(reference: string): StoredManifest | undefined {
    return this.manifests.get(this.tags.get(reference) ?? reference);
  }

  /** Descriptors of the manifests whose subject this is, by digest. */
  referrers(subject: string): readonly Descriptor[] {
    const found: Descriptor[] = [];
    for (const { digest, mediaType, bytes } of this.manifests.values()) {
      const document = JSON.parse(bytes.toString()) as ManifestDocument;
      if (document.subject?.digest !== subject) continue;
      const artifactType = document.artifactType ?? document.config?.mediaType;
      found.push({
        mediaType,
        digest,
        size: bytes.length,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(document.annotations === undefined ? {} : { annotations: document.annotations }),
      });
    }
    return found.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  }
}

export interface UploadState {
  readonly repository: string;
  readonly pieces: Buffer[];
  size: number;
}

export class Content {
  readonly repositories = new Map<string, RepositoryContent>();
  readonly uploads = new Map<string, UploadState>();
  #uploads = 0;

  repository(name: string): RepositoryContent {
    const known = this.repositories.get(name);
    if (known !== undefined) return known;
    const made = new RepositoryContent();
    this.repositories.set(name, made);
    return made;
  }

  beginUpload(repository: string): string {
    const id = `upload-${++this.#uploads}`;
    this.uploads.set(id, { repository, pieces: [], size: 0 });
    return id;
  }
}
