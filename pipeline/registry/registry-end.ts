/** A repository of a registry as an end of a copy. Blobs go through the store, where they are checked and kept. */
import { LockstepError } from "../host/errors.ts";
import type { Store } from "../store/store.ts";
import { type OnBytes, readFilePart } from "./blobs.ts";
import type { ImageSource, ImageTarget } from "./ends.ts";
import type { Repository } from "./repository.ts";

/** The image under a tag or digest of a repository. `onBytes` is told what is put in place. */
export function registrySource(repository: Repository, reference: string, store: Store, onBytes: OnBytes): ImageSource {
  return {
    origin: repository.reference,
    root: () => repository.manifest(reference),
    manifest: (descriptor) => repository.manifest(descriptor.digest, descriptor),
    referrers: (digest) => repository.referrers(digest),
    blob: ({ digest, size }) => ({
      digest,
      size,
      async *open(start, end) {
        await repository.blob(store, { digest, size });
        // What is read whole is checked again: the store may have been damaged since.
        if (start === 0 && end === size) yield* store.stream(digest);
        else yield* readFilePart(store.pathOf(digest), start, end);
      },
      place: async (path) => {
        if (!(await repository.blob(store, { digest, size }, onBytes))) onBytes(size);
        await store.place(digest, path);
      },
    }),
    confirm: async (digest) => {
      const now = await repository.digestOf(reference);
      if (now === digest) return;
      throw new LockstepError({
        code: "LS3217",
        message: `${repository.place(reference)} was ${digest} and is ${now ?? "not there"} now`,
        hint: "name the digest, or run the command again",
      });
    },
  };
}

export function registryTarget(repository: Repository): ImageTarget {
  return {
    origin: repository.reference,
    has: async ({ descriptor }) => (await repository.digestOf(descriptor.digest)) === descriptor.digest,
    putBlob: (source, options) => repository.pushBlob(source, options),
    putManifest: (manifest) => repository.pushManifest(manifest),
    tag: (manifest, name, expected) => repository.tag(manifest, name, expected),
  };
}
