/** Images as rendered manifests name them: what a release recorded of its digests. */

export interface RecordedImage {
  /** With registry: `registry.example/team/web`. */
  readonly repository: string;
  /** The last part of that: the name of an image of the repository. */
  readonly image: string;
  readonly tag: string;
  readonly digest: string;
}

/** `image: registry.example/team/web:0.1.0@sha256:…`, quoted or not. */
const pinned =
  /^[ \t]*(?:-[ \t]+)?image:[ \t]*["']?((?:[A-Za-z0-9._:[\]/-]*\/)?([a-z0-9._-]+)):([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})@(sha256:[0-9a-f]{64})["']?[ \t\r]*$/gm;

/** The images that the text of manifests names with tag and digest, in its order. */
export function recordedImages(text: string): readonly RecordedImage[] {
  return [...text.matchAll(pinned)].map(([, repository = "", image = "", tag = "", digest = ""]) => ({
    repository,
    image,
    tag,
    digest,
  }));
}
