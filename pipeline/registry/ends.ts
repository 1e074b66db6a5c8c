/** Where images come from and go to when they are copied: what a layout on disk and a repository of a registry have in common. */
import type { Digest } from "../store/digest.ts";
import type { BlobSource } from "./blobs.ts";
import type { Manifest, RemoteDescriptor } from "./manifest.ts";
import type { Reference } from "./reference.ts";
import type { Pushed, UploadOptions } from "./upload.ts";

/** A tag's state that a push of it relies on: a digest, or that there is no such tag. */
export type Expected = Digest | "absent";

interface End {
  /** The registry and repository, between which blobs may be taken over; none for a layout. */
  readonly origin?: Pick<Reference, "host" | "repository">;
}

export interface ImageSource extends End {
  /** What is to be copied. */
  root(): Promise<Manifest>;
  /** A manifest that another one names. */
  manifest(descriptor: RemoteDescriptor): Promise<Manifest>;
  /** A blob; fetched when it is opened, and checked. */
  blob(descriptor: RemoteDescriptor): BlobSource;
  referrers(digest: Digest): Promise<readonly RemoteDescriptor[]>;
  /** Throws LS3217 when the name means something else by now. */
  confirm(digest: Digest): Promise<void>;
}

export interface ImageTarget extends End {
  has(manifest: Manifest): Promise<boolean>;
  putBlob(source: BlobSource, options: UploadOptions): Promise<Pushed>;
  putManifest(manifest: Manifest): Promise<void>;
  /** Gives what is there a name: the last thing that is done. Throws LS3216 when the name is not what was expected. */
  tag(manifest: Manifest, name: string, expected: Expected | undefined): Promise<void>;
}
