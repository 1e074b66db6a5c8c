/** Past releases: the tags of the repository, each rebuilt from its own specs and lock by this program, and held against the digests that it recorded. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, messageOf, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { localGit } from "../source/git/local.ts";
import { type Digest, isDigest } from "../store/digest.ts";
import { comparePaths } from "../tree/entry.ts";
import type { SubjectRun } from "./compare/open-subject.ts";
import type { Chosen } from "./perturb/choose.ts";
import { rebuild } from "./rebuild.ts";
import { recordedImages } from "./recorded.ts";

export interface ReleaseVerdict {
  readonly tag: string;
  readonly commit: string;
  /** Absent when nothing could be told of the whole release. */
  readonly image?: string;
  readonly verdict: "reproduced" | "differs" | "could not tell";
  /** What the rendered manifests of the release name. */
  readonly recorded?: string;
  readonly rebuilt?: Digest;
  /** Why it could not be told. */
  readonly reason?: string;
}

export interface ReleaseOptions {
  /** Verify these images only; all that were recorded when none is named. */
  readonly images: readonly string[];
  /** How the surroundings of the rebuilds differ. */
  readonly perturb: Chosen;
  /** Directory of the rendered manifests in the repository. */
  readonly rendered: string;
  /** Fetches what images of the repository in a directory need. */
  readonly fetch: (root: string, images: readonly string[]) => Promise<void>;
}

interface Tag {
  readonly name: string;
  readonly commit: string;
}

/** Text of the program's stdout; LS5008 with what it says when it fails. */
async function git(host: Host, directory: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const said = await localGit(host, directory, args, signal);
  if (said?.code === 0) return said.stdout.toString("utf8");
  throw new LockstepError({
    code: "LS5008",
    message: `the releases cannot be read: ${said?.stderr ?? "git is not on PATH"}`,
    hint: "run it in a clone that has the tags",
  });
}

/** Tags of commits in the order of their versions. */
async function tagsOf(host: Host, root: string, signal: AbortSignal): Promise<readonly Tag[]> {
  // Of an annotated tag the second pair is what it points to.
  const format = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname:strip=2)";
  const listed = await git(host, root, ["for-each-ref", "--sort=version:refname", format, "refs/tags"], signal);
  return listed.split("\n").flatMap((line) => {
    const [, type, id, peeledType, peeled, name] = /^(\S+) (\S+) (\S*) (\S*) (.+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const commit = type === "commit" ? id : peeledType === "commit" ? peeled : undefined;
    return commit === undefined ? [] : [{ name, commit }];
  });
}

/** The digests that rendered manifests name for images, by image; more than one when they do not agree. */
export async function recordedDigests(directory: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const names = await readdir(directory, { recursive: true, encoding: "utf8" }).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  const found = new Map<string, Set<string>>();
  for (const name of names.filter((each) => /\.ya?ml$/.test(each)).toSorted(comparePaths))
    for (const { image, digest } of recordedImages(await readFile(join(directory, name), "utf8")))
      found.set(image, (found.get(image) ?? new Set()).add(digest));
  return found;
}

function noted(tag: Tag, image: string | undefined, reason: string, recorded?: string): ReleaseVerdict {
  const about = {
    ...(image === undefined ? {} : { image }),
    ...(recorded === undefined ? {} : { recorded }),
  };
  return { tag: tag.name, commit: tag.commit, ...about, verdict: "could not tell", reason };
}

/** Why something about a release failed; what the user broke off is thrown on. */
function reasonOf(error: unknown): string {
  if (error instanceof LockstepError && error.code === "LS1003") throw error;
  return messageOf(error);
}

async function verifyRelease(
  { host, store, report, signal }: SubjectRun,
  tag: Tag,
  root: string,
  options: ReleaseOptions,
): Promise<readonly ReleaseVerdict[]> {
  const recorded = await recordedDigests(join(root, options.rendered));
  const names = options.images.length > 0 ? options.images : [...recorded.keys()].toSorted();
  if (names.length === 0) return [noted(tag, undefined, "its rendered manifests name no digest")];
  const verdicts: ReleaseVerdict[] = [];
  const open = new Map<string, string>();
  for (const image of names) {
    const digests = [...(recorded.get(image) ?? [])];
    const [digest] = digests;
    if (digest === undefined) verdicts.push(noted(tag, image, "its rendered manifests do not name it"));
    else if (digests.length > 1) verdicts.push(noted(tag, image, "its rendered manifests name several digests"));
    else open.set(image, digest);
  }
  // Each by itself, so that one that cannot be built says nothing about the others.
  for (const [image, digest] of open) {
    try {
      await options.fetch(root, [image]);
      const seen = new Set<Digest>();
      for (const perturbations of options.perturb.rounds) {
        const made = await rebuild(host, store, report, { root, images: [image], perturbations, signal });
        const again = made.find((other) => other.image === image)?.digest;
        if (again === undefined || !isDigest(again)) throw new Error("the rebuild said nothing about it");
        seen.add(again);
      }
      const rebuilt = [...seen].find((each) => each !== digest) ?? [...seen][0];
      if (rebuilt === undefined) throw new Error("nothing was rebuilt");
      const verdict = rebuilt === digest ? "reproduced" : "differs";
      verdicts.push({ tag: tag.name, commit: tag.commit, image, verdict, recorded: digest, rebuilt });
    } catch (error) {
      verdicts.push(noted(tag, image, reasonOf(error), digest));
    }
  }
  return verdicts.toSorted((a, b) => comparePaths(a.image ?? "", b.image ?? ""));
}

/**
 * Rebuilds every tagged release of the repository in `root`. The clones lie beside the store and are removed. LS5008 when the tags cannot be
 * read, or when there are none.
 */
export async function verifyReleases(
  run: SubjectRun,
  root: string,
  options: ReleaseOptions,
): Promise<readonly ReleaseVerdict[]> {
  const { host, store, signal } = run;
  const top = (await git(host, root, ["rev-parse", "--show-toplevel"], signal)).replace(/\n$/, "");
  const prefix = (await git(host, root, ["rev-parse", "--show-prefix"], signal)).replace(/\n$/, "");
  const tags = await tagsOf(host, root, signal);
  if (tags.length === 0)
    throw new LockstepError({
      code: "LS5008",
      message: "the repository has no tag",
      hint: "tag releases, or fetch their tags into this clone",
    });
  const work = join(store.directory, "verify", host.token(8));
  const verdicts: ReleaseVerdict[] = [];
  try {
    for (const tag of tags) {
      const clone = join(work, "release");
      await mkdir(work, { recursive: true });
      try {
        await git(host, work, ["clone", "--quiet", "--shared", "--no-checkout", "--no-tags", "--", top, clone], signal);
        await git(host, clone, ["checkout", "--quiet", "--detach", tag.commit], signal);
        verdicts.push(...(await verifyRelease(run, tag, join(clone, prefix), options)));
      } catch (error) {
        verdicts.push(noted(tag, undefined, reasonOf(error)));
      }
      await rm(clone, { recursive: true, force: true });
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return verdicts;
}
