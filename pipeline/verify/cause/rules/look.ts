/** What several rules look at in a finding. */
import type { Finding } from "../../compare/finding.ts";

/** Whether a name within a content is that of a file; sections of programs, accounts and packages are named as well. */
const isFile = (name: string): boolean => /[/.]/.test(name) && !/^\.[\w.-]*$/.test(name);

/** The name of the file that directly holds the difference: a member of an archive, or the path. */
export function innermost({ where: { path = "", inside } }: Finding): string {
  return inside?.findLast(isFile) ?? path;
}

/** The name of the archive that the innermost file is in. */
export function outermost({ where: { path = "", inside } }: Finding): string {
  return inside?.filter(isFile).at(-2) ?? path;
}

/** The text that a finding shows of both sides: the values, or what is around the difference where they are not shown. */
export function shownText({ a, b, excerpt }: Finding): string {
  const around = a === undefined && b === undefined && excerpt?.text === true ? excerpt : undefined;
  return `${around?.a ?? a ?? ""}\n${around?.b ?? b ?? ""}`;
}

/** Kinds of tokens that differ, as comparers of text name them: `date`, `address`, `locale`, `uuid`. */
export function kindsOf({ facts }: Finding): readonly string[] {
  const kinds = facts?.["kinds"];
  return typeof kinds === "string" ? kinds.split(" ") : [];
}
