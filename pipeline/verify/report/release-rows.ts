/** What a comparison of two releases says, as lines and tables that text, Markdown and the page show in their ways. */
import { counted, humanBytes, humanCount, signedBytes } from "../../report/format.ts";
import type { FileChange, ImageChange, LayerChange, PackageChange, ReleaseReport } from "../inventory/release.ts";

export interface ReportTable {
  readonly title: string;
  readonly columns: readonly { readonly title: string; readonly number?: boolean }[];
  readonly rows: readonly (readonly string[])[];
}

export interface ReportChapter {
  readonly title: string;
  readonly summary: readonly string[];
  readonly tables: readonly ReportTable[];
}

const number = (title: string) => ({ title, number: true });
const text = (title: string) => ({ title });

function size(bytes: number | undefined): string {
  return bytes === undefined ? "" : humanBytes(bytes);
}

function difference(a: number | undefined, b: number | undefined): string {
  if (a === undefined) return "added";
  return b === undefined ? "removed" : signedBytes(b - a);
}

function countDifference(a: number, b: number): string {
  return a === b ? "same" : `${b > a ? "+" : "-"}${humanCount(Math.abs(b - a))}`;
}

function layerRow({ number: index, a, b }: LayerChange): readonly string[] {
  return [
    String(index),
    size(a?.download),
    size(b?.download),
    a !== undefined && a.digest === b?.digest ? "same layer" : difference(a?.download, b?.download),
    size(a?.size),
    size(b?.size),
    a === undefined || b === undefined ? "" : signedBytes(b.size - a.size),
  ];
}

function packageRow({ kind, name, change, a, b }: PackageChange): readonly string[] {
  const version = change === "size" ? "same version" : change === "version" ? "other version" : change;
  return [
    version,
    kind,
    name,
    a?.version ?? "",
    b?.version ?? "",
    a === undefined ? size(b?.size) : b === undefined ? `-${humanBytes(a.size)}` : signedBytes(b.size - a.size),
  ];
}

function fileRow({ path, a, b }: FileChange): readonly string[] {
  return [`/${path}`, size(a), size(b), difference(a, b)];
}

function totals({ a, b }: ImageChange): ReportTable {
  const row = (
    title: string,
    of: (side: NonNullable<ImageChange["a"]>) => number,
    bytes: boolean,
  ): readonly string[] => {
    const [x, y] = [a === undefined ? undefined : of(a), b === undefined ? undefined : of(b)];
    const told = (value: number | undefined): string =>
      value === undefined ? "" : bytes ? humanBytes(value) : humanCount(value);
    const change = x === undefined || y === undefined ? "" : bytes ? signedBytes(y - x) : countDifference(x, y);
    return [title, told(x), told(y), change];
  };
  return {
    title: "in all",
    columns: [text("amount"), number("A"), number("B"), number("change")],
    rows: [
      row("download", ({ download }) => download, true),
      row("files together", ({ files }) => files.size, true),
      row("files", ({ files }) => files.count, false),
      row("packages", ({ packages }) => packages, false),
    ],
  };
}

function packagesLine(packages: readonly PackageChange[]): string {
  const count = (change: PackageChange["change"]): number => packages.filter((one) => one.change === change).length;
  const said = (["added", "removed", "upgraded", "downgraded"] as const).flatMap((change) =>
    count(change) === 0 ? [] : [`${humanCount(count(change))} ${change}`],
  );
  const others = count("version");
  const sizes = count("size");
  const all = [
    ...said,
    ...(others === 0 ? [] : [`${humanCount(others)} of another version`]),
    ...(sizes === 0 ? [] : [`${humanCount(sizes)} of another size`]),
  ];
  return `packages: ${all.length === 0 ? "no change" : all.join(", ")}`;
}

function filesLine({ added, removed, grown, shrunk }: ImageChange["files"]): string {
  const part = (word: string, { count, size: bytes }: typeof added): readonly string[] =>
    count === 0 ? [] : [`${humanCount(count)} ${word} (${humanBytes(bytes)})`];
  const all = [
    ...part("added", added),
    ...part("removed", removed),
    ...part("grown", grown),
    ...part("shrunk", shrunk),
  ];
  return `files: ${all.length === 0 ? "none came, went, or has another size" : all.join(", ")}`;
}

function chapterOf(image: ImageChange): ReportChapter {
  const { platform, a, b, layers, packages, files } = image;
  const missing = a === undefined ? ["only B has this platform"] : b === undefined ? ["only A has this platform"] : [];
  const download =
    a === undefined || b === undefined
      ? []
      : [`download: ${humanBytes(a.download)} → ${humanBytes(b.download)} (${signedBytes(b.download - a.download)})`];
  return {
    title: platform ?? "image",
    summary: [...missing, ...download, packagesLine(packages), filesLine(files)],
    tables: [
      totals(image),
      {
        title: "layers",
        columns: [
          number("layer"),
          number("A"),
          number("B"),
          number("change"),
          number("files in A"),
          number("files in B"),
          number("change"),
        ],
        rows: layers.map(layerRow),
      },
      {
        title: "packages",
        columns: [text("change"), text("kind"), text("name"), text("A"), text("B"), number("size")],
        rows: packages.map(packageRow),
      },
      {
        title: "files that changed most",
        columns: [text("path"), number("A"), number("B"), number("change")],
        rows: files.largest.map(fileRow),
      },
    ],
  };
}

/** A chapter for each platform. */
export function chaptersOf({ images }: ReleaseReport): readonly ReportChapter[] {
  return images.map(chapterOf);
}

/** The first line of every report. */
export function releaseHeadline({ a, b, images }: ReleaseReport): string {
  if (a.digest === b.digest) return `${a.name} and ${b.name} are the same`;
  const changed = images.filter(({ packages }) => packages.length > 0).length;
  return `${a.name} → ${b.name}: packages changed for ${counted(changed, "platform")}`;
}
