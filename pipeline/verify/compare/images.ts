/** Compares two subjects from the outside in: index, manifest, configuration, layers; what is equal by digest is passed over. */
import type { Spool } from "../archive/spool.ts";
import { compareDocuments } from "./documents.ts";
import { compareLayers, type LayerSink } from "./layers.ts";
import type { Subject, SubjectDocument, SubjectImage } from "./subject.ts";

/** `linux/arm64/v8` as `linux/arm64`: some tools fill the variant in. */
function withoutVariant(platform: string | undefined): string | undefined {
  return platform?.split("/").slice(0, 2).join("/");
}

export interface ImagePair {
  readonly platform?: string;
  readonly a?: SubjectImage;
  readonly b?: SubjectImage;
}

/** Pairs images by their platform, then by platform without variant, then by position. */
export function pairImages(a: readonly SubjectImage[], b: readonly SubjectImage[]): readonly ImagePair[] {
  const [left, right] = [[...a], [...b]];
  const pairs: ImagePair[] = [];
  const take = (same: (x: SubjectImage, y: SubjectImage) => boolean): void => {
    for (const x of left.slice()) {
      const y = right.find((other) => same(x, other));
      if (y === undefined) continue;
      left.splice(left.indexOf(x), 1);
      right.splice(right.indexOf(y), 1);
      pairs.push({ ...(x.platform === undefined ? {} : { platform: x.platform }), a: x, b: y });
    }
  };
  take((x, y) => x.manifest !== undefined && x.manifest.digest === y.manifest?.digest && x.platform === y.platform);
  take((x, y) => x.platform === y.platform);
  take((x, y) => withoutVariant(x.platform) === withoutVariant(y.platform));
  if (left.length === 1 && right.length === 1) take(() => true);
  const alone = (image: SubjectImage, side: "a" | "b"): ImagePair => ({
    ...(image.platform === undefined ? {} : { platform: image.platform }),
    [side]: image,
  });
  return [...pairs, ...left.map((image) => alone(image, "a")), ...right.map((image) => alone(image, "b"))];
}

function compareDocument(
  part: "index" | "manifest" | "config",
  a: SubjectDocument | undefined,
  b: SubjectDocument | undefined,
  platform: string | undefined,
  sink: LayerSink,
): void {
  const where = platform === undefined ? {} : { platform };
  if (a !== undefined && b !== undefined) {
    for (const finding of compareDocuments(part, a.bytes, b.bytes, where)) sink.found(finding);
    // A manifest names the type of its configuration, and the index that of its manifests.
    if (a.mediaType !== b.mediaType && part !== "index")
      sink.found({
        where: { ...where, part, field: "mediaType (as named)" },
        grade: "encoding",
        a: a.mediaType,
        b: b.mediaType,
      });
    return;
  }
  const [x, y] = [a?.digest, b?.digest];
  if (x === undefined && y === undefined) return;
  sink.found({
    where: { ...where, part, field: "presence" },
    grade: "encoding",
    ...(x === undefined ? {} : { a: x }),
    ...(y === undefined ? {} : { b: y }),
  });
}

async function compareImage({ platform, a, b }: ImagePair, spool: Spool, sink: LayerSink): Promise<void> {
  const where = platform === undefined ? {} : { platform };
  if (a === undefined || b === undefined) {
    const digest = a?.manifest?.digest ?? b?.manifest?.digest ?? "an image";
    const side = a === undefined ? { b: digest } : { a: digest };
    sink.found({ where: { ...where, part: "manifest", field: "presence" }, grade: "content", ...side });
    return;
  }
  if (a.manifest !== undefined && a.manifest.digest === b.manifest?.digest) return;
  compareDocument("manifest", a.manifest, b.manifest, platform, sink);
  compareDocument("config", a.config, b.config, platform, sink);
  await compareLayers(a.layers, b.layers, platform, spool, sink);
}

/** Compares two subjects, neither of which is a file of an unknown kind. */
export async function compareSubjects(a: Subject, b: Subject, spool: Spool, sink: LayerSink): Promise<void> {
  if (a.digest === b.digest) return;
  if (a.blob !== undefined && b.blob !== undefined) {
    await compareLayers([a.blob], [b.blob], undefined, spool, sink);
    return;
  }
  if (a.blob !== undefined || b.blob !== undefined) {
    // A layer against an image: the image's layers are the other side.
    const layers = (subject: Subject) =>
      subject.blob === undefined ? (subject.images[0]?.layers ?? []) : [subject.blob];
    sink.found({ where: { part: "manifest", field: "presence" }, grade: "encoding", a: a.kind, b: b.kind });
    await compareLayers(layers(a), layers(b), undefined, spool, sink);
    return;
  }
  compareDocument("index", a.index, b.index, undefined, sink);
  for (const pair of pairImages(a.images, b.images)) await compareImage(pair, spool, sink);
}
