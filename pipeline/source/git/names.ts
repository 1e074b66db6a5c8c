/** Names in git's trees: which of them no tree may have, because a program that checks the tree out would write into its own repository. */

/** Code points that HFS+ takes for nothing, so that `.g\u200cit` is `.git` there. */
const ignorable = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;

/** Whether some file system takes the name for `.git` or the short name that NTFS gives it. */
function meansGit(name: string): boolean {
  // NTFS: dots and blanks at the end count for nothing, and what follows a colon is a stream of the file.
  const plain = name
    .replace(ignorable, "")
    .toLowerCase()
    .replace(/:.*$/s, "")
    .replace(/[ .]+$/, "");
  return plain === ".git" || plain === "git~1";
}

/** Why a name cannot be one component of a path, as a clause that follows it; undefined when it can. */
export function wrongName(name: string): string | undefined {
  if (name === "" || name === "." || name === "..") return "is no name";
  if (name.includes("/") || name.includes("\0")) return "is more than one name";
  // A backslash is a separator on some systems; parts between them are looked at like names of their own.
  if (name.split("\\").some(meansGit)) return "means git's own directory";
  if (name.split("\\").includes("..")) return "leads out of the tree on some systems";
  return undefined;
}
