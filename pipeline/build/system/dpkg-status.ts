/** The stanzas of /var/lib/dpkg/status, in the form in which dpkg itself writes them (dpkg, lib/dpkg/parse.c and dump.c). */
import type { PackageFacts } from "../../source/debian/facts.ts";
import { comparePaths } from "../../tree/entry.ts";

/** Fields in dpkg's order; others follow in the order in which the package has them. */
const order = (
  "Package Essential Protected Status Priority Section Installed-Size Origin Maintainer Bugs Architecture Multi-Arch Source Version " +
  "Replaces Provides Depends Pre-Depends Recommends Suggests Breaks Conflicts Enhances Conffiles Description"
).split(" ");

const relationFields = new Set(
  "Replaces Provides Depends Pre-Depends Recommends Suggests Breaks Conflicts Enhances".split(" "),
);

/** A relation field with dpkg's spacing: `a (>= 1) | b, c`. */
function normaliseRelations(value: string): string {
  return value
    .replaceAll(/\s+/g, " ")
    .trim()
    .replace(/,$/, "")
    .split(/ ?, ?/)
    .map((group) =>
      group
        .split(/ ?\| ?/)
        .map((each) => each.replace(/ ?\( ?([<>=]+) ?([^\s)]+) ?\)/, " ($1 $2)"))
        .join(" | "),
    )
    .join(", ");
}

/** Conffiles with the sums of their contents; dpkg knows no other way to tell a changed one later. */
function conffiles(facts: PackageFacts): string | undefined {
  const lines = facts.conffiles.flatMap((path) => {
    const sum = facts.md5[path.slice(1)];
    return sum === undefined ? [] : [`\n ${path} ${sum}`];
  });
  return lines.length === 0 ? undefined : lines.join("");
}

/** One stanza without the empty line behind it; `complete` tells whether all that its scripts do is done. */
function statusStanza(facts: PackageFacts, complete: boolean): string {
  const { control } = facts;
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(control))
    values.set(name, relationFields.has(name) ? normaliseRelations(value) : value);
  values.set("Status", `install ok ${complete ? "installed" : "unpacked"}`);
  values.delete("Conffiles");
  const listed = conffiles(facts);
  if (listed !== undefined) values.set("Conffiles", listed);
  const names = [
    ...order.filter((name) => values.has(name)),
    ...Object.keys(control).filter((name) => !order.includes(name)),
  ];
  return names
    .map((name) => {
      const value = values.get(name) ?? "";
      return `${name}:${value.startsWith("\n") ? "" : " "}${value}\n`;
    })
    .join("");
}

function key({ control }: PackageFacts): string {
  return `${control["Package"] ?? ""} ${control["Architecture"] ?? ""}`;
}

/** The whole file: stanzas sorted by name, then architecture (peers.md S9). */
export function statusFile(packages: readonly PackageFacts[], incomplete: ReadonlySet<string>): string {
  return packages
    .toSorted((a, b) => comparePaths(key(a), key(b)))
    .map((facts) => `${statusStanza(facts, !incomplete.has(facts.control["Package"] ?? ""))}\n`)
    .join("");
}
