/** Asks repositories for refs, and fetches exactly one commit into a bare repository that is removed again. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { interrupted, LockstepError, type Place } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { shownAddress } from "../address.ts";
import { isCommitId } from "../../spec/git-address.ts";
import { Git, type GitOutput, remoteOf } from "./program.ts";
import { said } from "./said.ts";

export interface GitRequest {
  readonly repository: string;
  /** Another address of the repository, at which a commit is asked for first. */
  readonly first?: string;
  /** A tag, a branch, a full name such as refs/tags/v1, HEAD, or the id of a commit. */
  readonly ref: string;
  /** Where it is asked for. */
  readonly place?: Place;
}

function problem(
  code: "LS2903" | "LS2904" | "LS2905" | "LS2906" | "LS2907",
  message: string,
  request: GitRequest,
  hint?: string,
): LockstepError {
  return new LockstepError({
    code,
    message: `${shownAddress(request.repository)}: ${message}`,
    ...(request.place === undefined ? {} : { place: request.place }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Does something with git in an empty bare repository, which is removed whatever happens. */
async function inScratch<Result>(
  host: Host,
  protocol: string,
  objectFormat: "sha1" | "sha256",
  work: (git: Git) => Promise<Result>,
): Promise<Result> {
  const directory = join(host.temporaryDirectory, `lockstep-git-${host.token(8)}`);
  const git = new Git(host, join(directory, "bare.git"), protocol);
  try {
    await mkdir(directory, { mode: 0o700 });
    const made = await git.run([
      "init",
      "--quiet",
      "--bare",
      "--template=",
      `--object-format=${objectFormat}`,
      git.directory,
    ]);
    if (made.code !== 0)
      throw new LockstepError({
        code: "LS2901",
        message: `git cannot make a repository: ${said(made)}`,
        hint: "install git 2.31 or newer",
      });
    return await work(git);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function running(git: Git, args: readonly string[], signal: AbortSignal | undefined): Promise<GitOutput> {
  try {
    return await git.run(args, signal);
  } catch (error) {
    if (signal?.aborted === true) throw interrupted();
    throw error;
  }
}

/** The commit that a listing of `git ls-remote` gives a ref; throws LS2904 when it has none, LS2905 when a tag and a branch differ. */
function chooseRef(listing: string, request: GitRequest): string {
  const { ref } = request;
  const ids = new Map<string, string>();
  for (const line of listing.split("\n")) {
    const [, id, name] = /^([0-9a-f]{40}|[0-9a-f]{64})\t(.+)$/.exec(line) ?? [];
    if (id !== undefined && name !== undefined) ids.set(name, id);
  }
  // A tag with a message has an object of its own; what it leads to is listed under its name with `^{}`.
  const commitOf = (name: string): string | undefined => ids.get(`${name}^{}`) ?? ids.get(name);
  if (ref === "HEAD" || ref.startsWith("refs/")) {
    const found = commitOf(ref);
    if (found !== undefined) return found;
  } else {
    const [tag, branch] = [commitOf(`refs/tags/${ref}`), commitOf(`refs/heads/${ref}`)];
    if (tag !== undefined && branch !== undefined && tag !== branch) {
      throw problem(
        "LS2905",
        `"${ref}" is a tag and a branch, of different commits`,
        request,
        `write refs/tags/${ref} or refs/heads/${ref}`,
      );
    }
    const found = tag ?? branch;
    if (found !== undefined) return found;
  }
  const hint = /^[0-9a-f]{4,39}$/.test(ref)
    ? "the id of a commit is written out, with all 40 digits"
    : "name a tag or a branch that it has";
  throw problem("LS2904", `there is no tag and no branch "${ref}"`, request, hint);
}

/** The id of the commit that a ref names now; an id is its own answer. Throws LS2903 to LS2905, LS2901, LS2902. */
export async function resolveRef(host: Host, root: string, request: GitRequest, signal?: AbortSignal): Promise<string> {
  if (isCommitId(request.ref)) return request.ref;
  const { url, protocol } = remoteOf(host, root, request.repository);
  return inScratch(host, protocol, "sha1", async (git) => {
    const listed = await running(git, ["ls-remote", "--quiet", "--", url, request.ref, `${request.ref}^{}`], signal);
    if (listed.code !== 0) throw problem("LS2903", `cannot be read: ${said(listed)}`, request);
    return chooseRef(listed.stdout.toString("utf8"), request);
  });
}

async function fetchInto(
  git: Git,
  url: string,
  request: GitRequest,
  commit: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const usual = ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet", "--no-auto-maintenance"];
  const alone = await running(git, ["fetch", "--depth=1", ...usual, "--", url, commit], signal);
  if (alone.code === 0) return;
  const malformed = (output: GitOutput): boolean =>
    /fsck error|index-pack failed|bad (?:object|tree)|invalid object/i.test(output.stderr);
  if (malformed(alone)) throw problem("LS2907", `an object of ${commit} is malformed: ${said(alone)}`, request);
  // A server may give only what a ref names, or know nothing of shallow fetches; then all branches and tags are fetched.
  const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
  if (request.ref.startsWith("refs/") && !/^refs\/(?:heads|tags)\//.test(request.ref))
    refs.push(`+${request.ref}:refs/asked`);
  const all = await running(git, ["fetch", ...usual, "--", url, ...refs], signal);
  if (malformed(all)) throw problem("LS2907", `an object is malformed: ${said(all)}`, request);
  if (all.code !== 0) throw problem("LS2903", `cannot be read: ${said(all)}`, request);
}

/**
 * Fetches one commit, without its history where the server can do that, and does something with the repository that then has it.
 * Throws LS2903 (cannot be read), LS2906 (no such commit to be had), LS2907 (malformed objects), LS2901, LS2902.
 */
export async function withCommit<Result>(
  host: Host,
  root: string,
  request: GitRequest,
  commit: string,
  work: (git: Git) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  if (request.first !== undefined) {
    const { first, ...other } = request;
    try {
      return await withCommit(host, root, { ...other, repository: first }, commit, work, signal);
    } catch (error) {
      if (!(error instanceof LockstepError) || (error.code !== "LS2903" && error.code !== "LS2906")) throw error;
      return withCommit(host, root, other, commit, work, signal);
    }
  }
  const { url, protocol } = remoteOf(host, root, request.repository);
  return inScratch(host, protocol, commit.length === 64 ? "sha256" : "sha1", async (git) => {
    await fetchInto(git, url, request, commit, signal);
    const type = await running(git, ["cat-file", "-t", commit], signal);
    const found = type.stdout.toString("latin1").trim();
    if (type.code !== 0) {
      const hint = "the commit may have been removed from the repository; `lockstep pin` takes what its ref names now";
      throw problem("LS2906", `gives no commit ${commit}`, request, hint);
    }
    if (found !== "commit") throw problem("LS2906", `${commit} is a ${found} and not a commit`, request);
    return work(git);
  });
}
