/** What would be delivered is what the commit has: the rendered tree byte for byte, and nothing that it is made of was changed since. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { GitOutput } from "../source/git/program.ts";
import { said } from "../source/git/said.ts";
import { comparePaths } from "../tree/entry.ts";
import { type RenderedFile, renderedDirectory } from "./model.ts";
import type { Delivering } from "./remote.ts";

/** What an image, its lock and its manifests are made of. */
const decisive = ["images", "manifests", "lockstep.lock"] as const;

function noCommit(output: GitOutput): never {
  throw new LockstepError({
    code: "LS7208",
    message: `there is no commit to deliver${output.stderr === "" ? "" : `: ${said(output)}`}`,
    hint: "`git log -1` in the repository must work",
  });
}

async function answered(git: Delivering, args: readonly string[], variables = {}): Promise<string> {
  const output = await git.run(args, variables);
  return output.code === 0 ? output.stdout.toString("utf8") : noCommit(output);
}

/** The id of the commit that is checked out. LS7208 when there is none. */
export async function checkedOut(git: Delivering): Promise<string> {
  return (await answered(git, ["rev-parse", "--verify", "HEAD^{commit}"])).trim();
}

/** The id that git gives a file: gitformat-pack(5). */
function blobId(text: string, like: string): string {
  const bytes = Buffer.from(text);
  return createHash(like.length === 64 ? "sha256" : "sha1")
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest("hex");
}

/** How the rendered tree of a commit, as `git ls-tree -r -z` lists it, differs from what is rendered: LS7201, sorted by path. */
export function committedProblems(listing: string, files: readonly RenderedFile[]): readonly Problem[] {
  const committed = new Map<string, string>();
  for (const line of listing.split("\0")) {
    const [, id, path] = /^100644 blob ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    if (id !== undefined && path !== undefined) committed.set(path, id);
    else if (line !== "") committed.set(line.slice(line.indexOf("\t") + 1), "");
  }
  const rendered = new Map(files.map(({ path, text }) => [path, text]));
  const wrong = [...new Set([...committed.keys(), ...rendered.keys()])].filter((path) => {
    const [text, id] = [rendered.get(path), committed.get(path)];
    return text === undefined || id === undefined || blobId(text, id) !== id;
  });
  return wrong.toSorted(comparePaths).map((file) => ({
    code: "LS7201",
    message: !committed.has(file)
      ? "the commit does not have this rendered file"
      : rendered.has(file)
        ? "the commit has other bytes than what is rendered"
        : "the commit has this file, and it is not rendered",
    place: { file },
    hint: "commit what `lockstep render` writes",
  }));
}

/** Paths in what `git status --porcelain=v1 -z --no-renames` says, as problems: LS7201. */
function changedProblems(status: string): readonly Problem[] {
  const paths = status.split("\0").flatMap((line) => (line.length > 3 ? [line.slice(3)] : []));
  return paths.toSorted(comparePaths).map((file) => ({
    code: "LS7201",
    message: "this is not what the commit has",
    place: { file },
    hint: "commit it, or put it back",
  }));
}

/** What of the repository is not as the commit has it, where its images and manifests depend on it. LS7208 when there is no commit. */
export async function notCommitted(
  host: Host,
  git: Delivering,
  commit: string,
  files: readonly RenderedFile[],
): Promise<readonly Problem[]> {
  // An index of its own: what the user's says of a file, such as that it is to be taken for unchanged, counts for nothing here.
  const index = join(host.temporaryDirectory, `lockstep-index-${host.token(8)}`);
  const variables = { GIT_INDEX_FILE: index };
  try {
    await answered(git, ["read-tree", commit], variables);
    const how = ["--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none"];
    const status = await answered(git, ["status", ...how, "--", ...decisive], variables);
    const listing = await answered(git, ["ls-tree", "-r", "-z", commit, "--", `${renderedDirectory}/`]);
    const committed = committedProblems(listing, files);
    const told = new Set(committed.map(({ place }) => place?.file));
    return [...committed, ...changedProblems(status).filter(({ place }) => !told.has(place?.file))];
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}
