/** Which blobs from outside images need, and what they are called in a capsule. */
import { blobsOf } from "../../lock/blobs.ts";
import type { Digest } from "../../store/digest.ts";
import { basesOf } from "../base/fetch.ts";
import type { PlannedImage } from "../plan.ts";
import type { Repository } from "../repository.ts";
import type { CapsuleBlob } from "./document.ts";

/** Each blob once, under the first of its names, whatever the order of images. */
function unique(blobs: readonly CapsuleBlob[]): readonly CapsuleBlob[] {
  const found = new Map<Digest, CapsuleBlob>();
  for (const blob of blobs) {
    const other = found.get(blob.digest);
    if (other === undefined || blob.name < other.name) found.set(blob.digest, blob);
  }
  return [...found.values()];
}

/** Everything that the plans need. */
export function capsuleBlobs(images: readonly Pick<PlannedImage, "packages" | "inputs">[]): readonly CapsuleBlob[] {
  const entries = images.flatMap(({ packages, inputs }) => [
    ...packages,
    ...Object.values(inputs).flatMap((section) => [...section]),
  ]);
  return unique(entries.flatMap(([name, entry]) => blobsOf(entry).map((blob) => ({ ...blob, name }))));
}

/** What base images of the named images (all when none is named) are made of. */
export function repositoryBaseBlobs({ specs, lock }: Repository, names: readonly string[]): readonly CapsuleBlob[] {
  const references = [...basesOf(specs, names).keys()];
  return unique(
    references.flatMap((name) => {
      const base = lock.bases.get(name);
      return base === undefined ? [] : blobsOf(base).map((blob) => ({ ...blob, name }));
    }),
  );
}
