/** What dpkg keeps of one package in /var/lib/dpkg/info: part of the package's own fragment, because it depends on nothing else. */
import type { PackageFacts } from "../../source/debian/facts.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { GeneratedFile } from "../../tree/generated.ts";
import { textFile } from "./generated.ts";

export const infoDirectory = "var/lib/dpkg/info";

/** `libc6:amd64` for packages that several architectures may have at once (Multi-Arch: same), else the plain name. */
export function infoName(facts: PackageFacts): string {
  const name = facts.control["Package"] ?? "";
  return facts.control["Multi-Arch"] === "same" ? `${name}:${facts.control["Architecture"] ?? ""}` : name;
}

function list(facts: PackageFacts): string {
  const paths = facts.entries.map(({ path }) => `/${path}\n`);
  return `/.\n${paths.join("")}`;
}

/** Sums of files that are not conffiles, as md5sums members have them; hard links have those of their files. */
function sums(facts: PackageFacts): string {
  const conffiles = new Set(facts.conffiles.map((path) => path.slice(1)));
  const links = facts.entries.flatMap((entry) => {
    const sum = entry.type === "hardlink" ? facts.md5[entry.target] : undefined;
    return sum === undefined ? [] : [[entry.path, sum] as const];
  });
  return [...Object.entries(facts.md5), ...links]
    .filter(([path]) => !conffiles.has(path))
    .toSorted(([a], [b]) => comparePaths(a, b))
    .map(([path, sum]) => `${sum}  ${path}\n`)
    .join("");
}

/** `<name>.list`, `.md5sums` and `.conffiles`, sorted by path (dpkg, "info" directory). */
export function infoFiles(facts: PackageFacts): readonly GeneratedFile[] {
  const base = `${infoDirectory}/${infoName(facts)}`;
  const conffiles = facts.conffiles.map((path) => `${path}\n`).join("");
  const md5sums = sums(facts);
  return [
    ...(conffiles === "" ? [] : [{ path: `${base}.conffiles`, ...textFile(conffiles) }]),
    { path: `${base}.list`, ...textFile(list(facts)) },
    ...(md5sums === "" ? [] : [{ path: `${base}.md5sums`, ...textFile(md5sums) }]),
  ];
}
