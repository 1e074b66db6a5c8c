/** Opens two subjects and takes stock of both: for `report`, and for the sizes on the page of a comparison. */
import { LockstepError } from "../../host/errors.ts";
import { loadEcosystems } from "../../advisory/affects.ts";
import { pairImages } from "../compare/images.ts";
import { type SubjectRun, withSubjects } from "../compare/open-subject.ts";
import { compared, type Subject, type SubjectImage } from "../compare/subject.ts";
import type { Sizes } from "../report/sizes-page.ts";
import { type Inventory, inventoryOf } from "./inventory.ts";
import { compareImages, type ImageChange, type ReleaseReport } from "./release.ts";
import { sizesOf } from "./sizes.ts";

export interface Releases {
  readonly report: ReleaseReport;
  /** Of each platform that both have, in the order of the report. */
  readonly sizes: readonly Sizes[];
}

function imagesOf({ kind, images, blob, name }: Subject): readonly SubjectImage[] {
  if (kind === "file")
    throw new LockstepError({
      code: "LS5301",
      message: `${name} is neither an image nor a layer`,
      hint: "name a layout, an archive of an image, a layer, or a reference",
    });
  return blob === undefined ? images : [{ layers: [blob] }];
}

/** Takes stock of two opened subjects. LS5301 for what is no image; what cannot be read within one is named in the report. */
export async function reportOpened(a: Subject, b: Subject): Promise<Releases> {
  const ecosystems = await loadEcosystems();
  const images: ImageChange[] = [];
  const sizes: Sizes[] = [];
  const unread: { a: Inventory["missed"]; b: Inventory["missed"] } = { a: [], b: [] };
  for (const pair of pairImages(imagesOf(a), imagesOf(b))) {
    const left = pair.a === undefined ? undefined : await inventoryOf(pair.a);
    const right = pair.b === undefined ? undefined : await inventoryOf(pair.b);
    images.push(compareImages(left, right, ecosystems));
    unread.a = [...unread.a, ...(left?.missed ?? [])];
    unread.b = [...unread.b, ...(right?.missed ?? [])];
    const named = (name: string): string => [name, ...(pair.platform === undefined ? [] : [pair.platform])].join(" ");
    if (left !== undefined && right !== undefined)
      sizes.push({ a: sizesOf(left, named(a.name)), b: sizesOf(right, named(b.name)) });
  }
  return { report: { schema: 1, a: compared(a), b: compared(b), images, unread }, sizes };
}

/** Takes stock of two subjects, see `openSubject` for what they are called, and `reportOpened`. */
export async function reportReleases(
  run: SubjectRun,
  nameA: string,
  nameB: string,
  options: { readonly platform?: string } = {},
): Promise<Releases> {
  return withSubjects(run, [nameA, nameB], options, ([a, b]) => reportOpened(a, b));
}
