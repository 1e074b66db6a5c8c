/** The message for the commit of a rendered tree: which images change, whether they were reproduced, and who answers for what differs. */
import { displayWidth, printable } from "../report/format.ts";
import { comparePaths } from "../tree/entry.ts";
import type { RecordedImage } from "../verify/recorded.ts";
import type { Waiver } from "../verify/waivers/parse.ts";

export interface Delivery {
  /** What the rendered tree named before, and what it names now; each may be there several times. */
  readonly before: readonly RecordedImage[];
  readonly after: readonly RecordedImage[];
  /** Images of which a rebuild is known that gave the digest of `after`. */
  readonly reproduced: ReadonlySet<string>;
  /** Those of the repository; what is about images that are not delivered is left out. */
  readonly waivers: readonly Waiver[];
}

/** What a rendered tree says of one image, sorted and each once. */
interface Change {
  readonly image: string;
  readonly before: readonly RecordedImage[];
  readonly after: readonly RecordedImage[];
}

/** Columns of a line where it can be broken; references and long words go beyond them. */
const columns = 72;

/** Images that the text tells of; the trailers have all. */
const mostImages = 50;

function referenceOf({ repository, tag, digest }: RecordedImage): string {
  return `${repository}:${tag}@${digest}`;
}

/** By image; each reference once, in their order. */
function byImage(all: readonly RecordedImage[]): ReadonlyMap<string, readonly RecordedImage[]> {
  const unique = [...new Map(all.map((each) => [referenceOf(each), each])).values()];
  return Map.groupBy(
    unique.toSorted((a, b) => comparePaths(referenceOf(a), referenceOf(b))),
    ({ image }) => image,
  );
}

function changesOf({ before, after }: Delivery): readonly Change[] {
  const [left, right] = [byImage(before), byImage(after)];
  const images = [...new Set([...left.keys(), ...right.keys()])].toSorted(comparePaths);
  return images.flatMap((image): readonly Change[] => {
    const change = { image, before: left.get(image) ?? [], after: right.get(image) ?? [] };
    const [a, b] = [change.before, change.after].map((each) => each.map(referenceOf).join(" "));
    return a === b ? [] : [change];
  });
}

function tagsOf(images: readonly RecordedImage[]): string {
  return [...new Set(images.map(({ tag }) => tag))].join(", ");
}

function digestsOf(images: readonly RecordedImage[]): string {
  return [...new Set(images.map(({ digest }) => digest))].join(" ");
}

/** As many of the names as one line holds. */
function listed(verb: string, names: readonly string[]): string {
  for (let shown = names.length; shown > 0; shown--) {
    const more = shown < names.length ? ` and ${names.length - shown} more` : "";
    const line = `${verb} ${names.slice(0, shown).join(", ")}${more}`;
    if (displayWidth(line) <= columns) return line;
  }
  return `${verb} ${names.length} image${names.length === 1 ? "" : "s"}`;
}

function subjectOf(changes: readonly Change[]): string {
  if (changes.length === 0) return "Render the manifests anew";
  const delivered = changes.filter(({ after }) => after.length > 0);
  if (delivered.length === 0)
    return listed(
      "Stop delivering",
      changes.map(({ image }) => image),
    );
  return listed(
    "Deliver",
    delivered.map(({ image, after }) => `${image} ${tagsOf(after)}`),
  );
}

function titleOf({ image, before, after }: Change): string {
  const [was, now] = [tagsOf(before), tagsOf(after)];
  if (before.length === 0) return `${image} ${now}, new`;
  if (after.length === 0) return `${image} ${was}, not delivered any more`;
  if (was !== now) return `${image} ${was} -> ${now}`;
  return `${image} ${now}, ${digestsOf(before) === digestsOf(after) ? "from another registry" : "another digest"}`;
}

function paragraphOf(change: Change, reproduced: boolean): string {
  const verdict = reproduced
    ? "reproduced: a rebuild in other surroundings gave the same digest"
    : "not verified: no rebuild that gave this digest is known here";
  return [
    titleOf(change),
    ...change.before.map((image) => `  was ${referenceOf(image)}`),
    ...change.after.map((image) => `  now ${referenceOf(image)}`),
    ...(change.after.length === 0 ? [] : [`  ${verdict}`]),
  ].join("\n");
}

/** One word of a trailer: what would not be read back as one is put in quotes. */
function word(text: string): string {
  return /^[^\s"][^\s]*$/.test(text) && !text.endsWith(":") && printable(text) === text
    ? text
    : printable(JSON.stringify(text));
}

/** Text in words: a line that it begins is no line of ours, so it has none. */
function words(text: string): readonly string[] {
  return printable(text.trim().replaceAll(/\s+/g, " ")).split(" ");
}

/** One Git trailer, folded as RFC 822 has it: what goes on in another line begins with a space. */
function trailer(name: string, content: readonly string[]): string {
  const lines: string[] = [];
  let line = `${name}:`;
  for (const next of content) {
    if (line !== `${name}:` && displayWidth(line) + 1 + displayWidth(next) > columns) {
      lines.push(line);
      line = "";
    }
    line += ` ${next}`;
  }
  return [...lines, line].join("\n");
}

function waiverTrailer({ image, platform, layer, path, field, cause, reason, owner, expires }: Waiver): string {
  const place = [platform, layer === undefined ? undefined : `layer ${layer}`];
  return trailer("Lockstep-Waiver", [
    image,
    ...place.filter((each) => each !== undefined),
    ...[path, field].filter((each) => each !== undefined).map(word),
    cause,
    "until",
    expires,
    "owner",
    `${word(owner)}:`,
    ...words(reason),
  ]);
}

/**
 * The message as `git commit -F` takes it: a subject, a paragraph for each image that changes, and trailers: `Lockstep-Image` for each that
 * is delivered anew, `Lockstep-Waiver` for each waiver of an image that the tree names. Equal values give equal text; whatever is in them, no
 * line of it can be taken for a trailer of its own.
 */
export function commitMessage(delivery: Delivery): string {
  const changes = changesOf(delivery);
  const named = new Set(delivery.after.map(({ image }) => image));
  const shown = changes
    .slice(0, mostImages)
    .map((change) => paragraphOf(change, delivery.reproduced.has(change.image)));
  const more = changes.length - shown.length;
  const trailers = [
    ...changes.flatMap(({ after }) => after.map((image) => trailer("Lockstep-Image", [referenceOf(image)]))),
    ...delivery.waivers
      .filter(({ image }) => named.has(image))
      .map(waiverTrailer)
      .toSorted(comparePaths),
  ];
  const paragraphs = [
    subjectOf(changes),
    ...(changes.length === 0 ? ["No image changes."] : shown),
    ...(more > 0 ? [`${more} more, which the trailers name`] : []),
    ...(trailers.length === 0 ? [] : [trailers.join("\n")]),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}
