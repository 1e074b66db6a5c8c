/** Where base images come from: the little that this room needs of a registry. */
import type { ImageDescriptor } from "../../source/image/manifest.ts";
import type { Store } from "../../store/store.ts";

/** The repository that a reference is in. */
export interface ImageSource {
  /** The index or manifest that the reference names now, or the one of `digest` in the same repository, as it is served; nothing is checked. */
  document(digest?: string): Promise<{ readonly bytes: Uint8Array; readonly mediaType: string }>;
  /** Brings a blob into the store, checked by its digest and size. */
  blob(store: Store, blob: ImageDescriptor): Promise<void>;
  /** Ends its connections. */
  close(): void;
}

export type OpenImage = (reference: string) => Promise<ImageSource>;
