/** The branch that Argo CD or Flux follows: moved forward to a commit by compare-and-swap, or left as it is. */
import { LockstepError, type Problem } from "../host/errors.ts";
import { said } from "../source/git/said.ts";
import { isRefName } from "../spec/git-address.ts";
import type { Delivering } from "./remote.ts";

/** How the commit is to what the branch has; `unknown` where the history that would tell is not in the clone. */
export type Relation = "absent" | "same" | "forward" | "behind" | "apart" | "unknown";

/** The full name of a branch. LS1002 when git allows no such branch. */
export function branchReference(name: string): string {
  if (isRefName(name) && name !== "HEAD" && !name.startsWith("refs/")) return `refs/heads/${name}`;
  throw new LockstepError({
    code: "LS1002",
    message: `${JSON.stringify(name)} is not the name of a branch`,
    hint: "write it without refs/heads/, such as delivered",
  });
}

/** What a listing of `git ls-remote` has for a ref. */
function tipIn(listing: string, reference: string): string | undefined {
  for (const line of listing.split("\n")) {
    const [, id, name] = /^([0-9a-f]{40}|[0-9a-f]{64})\t(.+)$/.exec(line) ?? [];
    if (name === reference) return id;
  }
  return undefined;
}

/** What the remote has as the branch; undefined when there is none. LS7206 when it cannot be read. */
export async function tipOf(git: Delivering, reference: string): Promise<string | undefined> {
  const listed = await git.run(["ls-remote", "--quiet", "--refs", "--", git.remote.url, reference]);
  if (listed.code === 0) return tipIn(listed.stdout.toString("utf8"), reference);
  throw new LockstepError({
    code: "LS7206",
    message: `${git.remote.url} cannot be read: ${said(listed)}`,
    hint: "the address must answer without a redirect, and the login must be one that may write",
  });
}

/** Asks the history of the clone; nothing is fetched. */
export async function relationOf(git: Delivering, before: string | undefined, commit: string): Promise<Relation> {
  if (before === undefined) return "absent";
  if (before === commit) return "same";
  const leadsTo = async (from: string, to: string): Promise<boolean> =>
    (await git.run(["merge-base", "--is-ancestor", from, to])).code === 0;
  if (await leadsTo(before, commit)) return "forward";
  if (await leadsTo(commit, before)) return "behind";
  const shallow = await git.run(["rev-parse", "--is-shallow-repository"]);
  return shallow.stdout.toString("utf8").trim() === "false" ? "apart" : "unknown";
}

/** Why a branch is not moved; undefined when it may be, or is there already. */
export function refusalOf(relation: Relation, reference: string, before = "", commit = ""): Problem | undefined {
  const why: Partial<Record<Relation, readonly [string, string]>> = {
    behind: [`which follows ${commit}`, "deliver that commit or a later one; to go back, commit what was there before"],
    apart: [
      `which is no ancestor of ${commit} in this clone`,
      "fetch the branch, and deliver a commit that follows what it has",
    ],
    unknown: [
      `and this clone has too little history to tell whether ${commit} follows it`,
      "fetch the whole history: `git fetch --unshallow`",
    ],
  };
  const [message, hint] = why[relation] ?? [];
  if (message === undefined || hint === undefined) return undefined;
  return { code: "LS7204", message: `${reference} is at ${before}, ${message}`, hint };
}

/** That somebody else was there first. */
function overtaken(git: Delivering, reference: string, before: string | undefined, now: string | undefined): Problem {
  return {
    code: "LS7205",
    message: `${reference} of ${git.remote.url} was ${before ?? "not there"} and is ${now ?? "not there"}: somebody else moved it, and nothing was overwritten`,
    hint: "look at what it has now, and deliver again",
  };
}

/**
 * Moves the branch from what it was to the commit, which must follow it. Undefined when it is there; LS7205 as a problem when somebody else
 * moved it. Throws LS7206 when the remote does not take it.
 */
export async function moveBranch(
  git: Delivering,
  reference: string,
  before: string | undefined,
  commit: string,
): Promise<Problem | undefined> {
  const { url } = git.remote;
  const alone = ["--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed"];
  // The remote compares again when it moves the branch: what it has then must be what was looked at.
  const lease = `--force-with-lease=${reference}:${before ?? ""}`;
  const pushed = await git.run(["push", "--porcelain", ...alone, lease, "--", url, `${commit}:${reference}`]);
  if (pushed.code === 0) return undefined;
  const now = await tipOf(git, reference);
  // Whoever did it did the same.
  if (now === commit) return undefined;
  if (now !== before) return overtaken(git, reference, before, now);
  const told = /^!\t\S+\t(.{1,200})$/m.exec(pushed.stdout.toString("utf8"))?.[1];
  throw new LockstepError({
    code: "LS7206",
    message: `${url} does not take ${reference}: ${[told, said(pushed)].filter((text) => text !== undefined).join(" ")}`,
    hint: "the login must be one that may write, and no rule or hook of the remote may be against it",
  });
}
