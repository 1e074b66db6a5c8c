/** What a git layer of the right shape may still have wrong: its repository, its ref, its path. */
import type { Problem } from "../host/errors.ts";
import { isCommitId, isRefName, readAddress } from "./git-address.ts";
import { type LocatedDocument, type Path, placeOf, showPath } from "./located.ts";
import type { RawLayer } from "./schema.ts";

/** Problems LS2050 (repository), LS2051 (ref) and LS2052 (path) of a git layer; `at` leads to it. */
export function checkGit(raw: NonNullable<RawLayer["git"]>, at: Path, document: LocatedDocument): readonly Problem[] {
  const problems: Problem[] = [];
  const refuse = (
    code: "LS2050" | "LS2051" | "LS2052",
    name: "repository" | "ref" | "path",
    must: string,
    hint: string,
  ): void => {
    const path = [...at, name];
    problems.push({ code, message: `${showPath(path)} ${must}`, place: placeOf(document, path), hint });
  };
  const address = readAddress(raw.repository);
  if (!address.ok) refuse("LS2050", "repository", address.must, "docs/git.md has the forms of addresses");
  if (!isCommitId(raw.ref) && !isRefName(raw.ref)) {
    refuse(
      "LS2051",
      "ref",
      "must be the name of a tag or a branch, or the id of a commit with all its digits",
      "write it as `git ls-remote` lists it",
    );
  }
  const parts = raw.path?.replace(/\/+$/, "").split("/") ?? [];
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) {
    refuse(
      "LS2052",
      "path",
      "must be a path from the root of the commit, without empty parts, `.` and `..`",
      "leave it out to take the whole commit",
    );
  }
  return problems;
}
