/** Commits of git repositories: pinned by id, with the submodules that are asked for as entries of their own. */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import type { LockedCommit } from "../../lock/types.ts";
import { isCommitId } from "../../spec/git-address.ts";
import type { GitLayer, Platform } from "../../spec/types.ts";
import type { Store } from "../../store/store.ts";
import { inParallel } from "../../host/parallel.ts";
import type { PlannedCommit } from "../plan.ts";
import type { InputKind, InputRequest } from "./kind.ts";
import { npmCommits } from "./npm.ts";
import { shortened } from "./stated.ts";

interface GitRequest extends InputRequest {
  readonly repository: string;
  readonly ref: string;
  /** Whether anyone who asks for this commit asks for its submodules too. */
  readonly submodules: boolean;
  /** Whether anyone who asks for it wants it as an npm package. */
  readonly npm: boolean;
}

function commitKey(repository: string, ref: string): string {
  return `${repository}#${ref}`;
}

/** No address has a `#`. */
function partsOf(key: string): { readonly repository: string; readonly ref: string } {
  const at = key.indexOf("#");
  return { repository: key.slice(0, at), ref: key.slice(at + 1) };
}

interface Asking {
  readonly image: string;
  readonly platforms: readonly Platform[];
  readonly place: Place;
}

/** Keys of a commit and of what lies below it, as far as the lock knows them; one that is missing is there by its key. */
function withSubmodules(
  key: string,
  path: string,
  locked: ReadonlyMap<string, LockedCommit>,
  found = new Set<string>(),
): ReadonlySet<string> {
  if (found.has(key)) return found;
  found.add(key);
  for (const [place, below] of Object.entries(locked.get(key)?.submodules ?? {})) {
    if (isBelow(path, place)) withSubmodules(below, "", locked, found);
  }
  return found;
}

/** Whether a submodule at `place` is in the directory `path` of its commit. */
function isBelow(path: string, place: string): boolean {
  return path === "" || place.startsWith(`${path}/`);
}

/** Where to ask for a commit of an npm package first: npm writes addresses of ssh for public repositories, which need no key by https. */
function firstAddress(repository: string): { readonly first?: string } {
  const [, host, path] = /^ssh:\/\/git@([^/:@]+)(\/.+)$/.exec(repository) ?? [];
  return host === undefined || path === undefined ? {} : { first: `https://${host}${path}` };
}

/** How many repositories are asked or fetched at once: each is a program of its own. */
const atOnce = 4;

/** An entry with what npm would run for it. LS2512 for a commit that npm could not make a package of from its files alone. */
async function asPackage(store: Store, key: string, entry: LockedCommit): Promise<LockedCommit> {
  const { inspectNpmCommit } = await import("../../source/npm/commit.ts");
  const blob = { store, digest: `sha256:${entry.sha256}` as const, place: { file: key } };
  const scripts = await inspectNpmCommit(blob, {
    commit: entry.commit,
    tree: entry.tree,
    time: Date.parse(entry.date) / 1000,
  });
  return { ...entry, scripts: scripts.map(shortened) };
}

export const gitKind: InputKind<"git", GitRequest> = {
  requests(source, locked) {
    const asked: (Asking & Pick<GitRequest, "key" | "submodules" | "npm">)[] = npmCommits(source).map(
      ({ repository, commit, ...asking }) => ({
        ...asking,
        key: commitKey(repository, commit),
        submodules: false,
        npm: true,
      }),
    );
    for (const { name: image, platforms, layers } of source.specs) {
      for (const layer of layers) {
        if (layer.kind !== "git") continue;
        const { repository, ref, path, submodules, place } = layer;
        const top = commitKey(repository, ref);
        for (const key of submodules ? withSubmodules(top, inside(path ?? ""), locked) : [top])
          asked.push({ image, platforms, place, key, submodules, npm: false });
      }
    }
    const deep = new Set(asked.filter(({ submodules }) => submodules).map(({ key }) => key));
    const packages = new Set(asked.filter(({ npm }) => npm).map(({ key }) => key));
    return asked.map((it) => ({
      ...it,
      ...partsOf(it.key),
      submodules: deep.has(it.key),
      npm: packages.has(it.key),
    }));
  },

  mismatch({ ref, submodules, npm }, entry) {
    if (isCommitId(ref) && entry.commit !== ref) return `is locked to the commit ${entry.commit}`;
    if (submodules && entry.submodules === undefined)
      return "is locked without its submodules, and the spec asks for them";
    if (!submodules && entry.submodules !== undefined)
      return "is locked with its submodules, and no spec asks for them";
    if (npm && entry.scripts === undefined) return "is locked, but not as the npm package that it is";
    if (!npm && entry.scripts !== undefined) return "is locked as an npm package, and no project depends on it";
    return undefined;
  },

  moves: ({ ref }) => !isCommitId(ref),

  async resolve({ host, store, root, report, signal }, questions) {
    const { lockCommit } = await import("../../source/git/commit.ts");
    const answers = new Map<string, LockedCommit>();
    const problems: Problem[] = [];
    const task = report.task(`read ${questions.length} git ${questions.length === 1 ? "commit" : "commits"}`, "items");
    let done = 0;
    try {
      await inParallel(questions, atOnce, async ({ requests: [request], old }) => {
        if (request === undefined) return;
        const work = { host, store, root, ...(signal === undefined ? {} : { signal }) };
        try {
          const asked = request.npm ? { ...request, ...firstAddress(request.repository) } : request;
          for (const [key, entry] of await lockCommit(work, asked)) answers.set(key, entry);
        } catch (error) {
          if (!(error instanceof LockstepError) || error.code === "LS1003") throw error;
          problems.push(...error.problems);
        }
        const moved = answers.get(request.key);
        if (old !== undefined && moved !== undefined && moved.commit !== old.commit)
          report.warn(
            `${request.key} moved from commit ${old.commit} of ${old.date.slice(0, 10)} to ${moved.commit} of ${moved.date.slice(0, 10)}`,
          );
        task.progress(++done, questions.length);
      });
    } finally {
      task.done();
    }
    if (problems.length > 0) throw new LockstepError(problems);
    for (const { key, requests } of questions) {
      const entry = answers.get(key);
      if (entry !== undefined && requests[0]?.npm === true) answers.set(key, await asPackage(store, key, entry));
    }
    return answers;
  },

  async fetch(host, store, report, { root }, entries, { offline, signal }) {
    const missing: (readonly [string, LockedCommit])[] = [];
    for (const [key, entry] of entries) {
      if ((await store.find(`sha256:${entry.sha256}`))?.size !== entry.size) missing.push([key, entry]);
    }
    if (missing.length === 0) return;
    if (offline === true) {
      throw new LockstepError(
        missing.map(([key]) => ({
          code: "LS3002",
          message: `the archive of ${key} is not in the store`,
          hint: "run the command again with a network to fetch it",
        })),
      );
    }
    const { fetchCommit } = await import("../../source/git/commit.ts");
    const task = report.task(`fetch ${missing.length} git ${missing.length === 1 ? "commit" : "commits"}`, "items");
    let done = 0;
    try {
      await inParallel(missing, atOnce, async ([key, entry]) => {
        const { repository, ref } = partsOf(key);
        const request = { repository, ref, ...(entry.scripts === undefined ? {} : firstAddress(repository)) };
        await fetchCommit({ host, store, root, ...(signal === undefined ? {} : { signal }) }, request, entry);
        task.progress(++done, missing.length);
      });
    } finally {
      task.done();
    }
  },
};

/** Submodules in submodules multiply; nobody has so many. */
const largestLayer = 10_000;

function inside(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}

/** What one layer puts into an image; the caller has checked that the lock answers the spec. */
export function planGit(
  layer: GitLayer,
  locked: ReadonlyMap<string, LockedCommit>,
): { readonly title: string; readonly inputs: readonly PlannedCommit[] } {
  const { repository, ref, exclude, mode: modes, owner } = layer;
  const base = { exclude, modes, uid: owner.uid, gid: owner.gid };
  const path = inside(layer.path ?? "");
  const into = inside(layer.into);
  const join = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join("/");
  const inputs: PlannedCommit[] = [];
  const add = (key: string, below: string, wanted: string, above: readonly string[]): void => {
    const entry = locked.get(key);
    // Commits cannot lie in each other in a circle; entries that say so are found out when they are unpacked.
    if (entry === undefined || above.includes(key)) return;
    if (inputs.length === largestLayer) {
      const message = `${key}: the layer has more than ${largestLayer} submodules`;
      throw new LockstepError({ code: "LS2909", message, place: layer.place, hint: "leave the submodules out" });
    }
    const { sha256, commit, tree } = entry;
    const inner = layer.submodules
      ? Object.entries(entry.submodules ?? {}).filter(([place]) => isBelow(wanted, place))
      : [];
    const submodules = Object.fromEntries(inner.map(([place, other]) => [place, locked.get(other)?.commit ?? ""]));
    inputs.push({
      section: "git",
      key,
      sha256,
      into: join(into, below),
      unpack: "git",
      commit,
      tree,
      time: Date.parse(entry.date) / 1000,
      ...(layer.submodules ? { submodules } : {}),
      path: wanted,
      below,
      ...base,
    });
    for (const [place, other] of inner)
      add(other, join(below, wanted === "" ? place : place.slice(wanted.length + 1)), "", [...above, key]);
  };
  add(commitKey(repository, ref), "", path, []);
  const what = path === "" ? "" : ` ${path}`;
  return { title: `lockstep: git ${repository} ${ref}${what} ${layer.into}`, inputs };
}
