/** Commits as npm's lock files name them: `git+ssh://git@host/team/project.git#<commit>`. */
import { isCommitId, readAddress } from "../../spec/git-address.ts";

/** A commit of a git repository that is a package. */
export interface NpmCommit {
  /** Address of the repository, without npm's prefix. */
  readonly repository: string;
  readonly commit: string;
}

/** Whether `resolved` of an entry of a lock file leads to a git repository. */
export function isGitOrigin(resolved: string): boolean {
  return /^git(?:\+|:|@)|^(?:github|gitlab|bitbucket|gist):|^ssh:/.test(resolved);
}

/** The commit that `resolved` names; a text with where that is, when nobody could fetch it. What it says is never a secret. */
export function readGitOrigin(resolved: string): NpmCommit | string {
  const [, text = "", commit = ""] = /^(?:git\+)?([^#]*)(?:#(.*))?$/.exec(resolved) ?? [];
  // npm writes `user@host:path` as if it were an address.
  const repository = text.replace(/^ssh:\/\/([^/@]+@[^/:]+):(?![0-9]+(?:\/|$))([^/])/, "$1:$2");
  const read = readAddress(repository);
  if (!read.ok || read.address.protocol === "own")
    return `a git repository whose address ${read.ok ? "is missing" : read.must}`;
  return isCommitId(commit) ? { repository, commit } : "a git repository, without the id of a commit";
}
