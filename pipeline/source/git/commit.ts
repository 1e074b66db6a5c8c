/** Locks and fetches commits: from a repository to the commit's archive in the store, proven on the way. */
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { LockedCommit } from "../../lock/types.ts";
import type { Digest } from "../../store/digest.ts";
import type { Blob, Store } from "../../store/store.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { commitArchive } from "./archive.ts";
import { type GitRequest, resolveRef, withCommit } from "./fetch.ts";
import { type CommitFacts, readCommit } from "./objects.ts";
import type { Git } from "./program.ts";
import { submoduleRepositories } from "./submodules.ts";

function commitKey({ repository, ref }: GitRequest): string {
  return `${repository}#${ref}`;
}

interface StoredCommit {
  readonly blob: Blob;
  readonly facts: CommitFacts;
  /** Commits of submodules by path. */
  readonly submodules: ReadonlyMap<string, string>;
}

/** Reads a commit from git's object store, proves it, and puts its archive into the store; nothing is kept of one that is refused. */
async function storeCommit(
  git: Git,
  store: Store,
  commit: string,
  name: string,
  expected: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<StoredCommit> {
  const writer = await store.writer();
  const submodules = new Map<string, string>();
  try {
    const kept = (async function* () {
      for await (const piece of commitArchive(git, commit, signal)) {
        await writer.write(piece);
        yield piece;
      }
    })();
    const bytes = new ByteReader(kept, { file: name });
    const facts = await readCommit(bytes, commit, {
      commit: () => {},
      entry: async (entry) => {
        if (entry.type === "submodule") submodules.set(entry.path, entry.commit);
      },
      content: async () => {},
    }).finally(() => bytes.close());
    return { blob: await writer.commit(expected), facts, submodules };
  } finally {
    await writer.abort();
  }
}

/** The committer's time as the lock writes it. What is before 1970 counts as 1970; LS2910 when it is later than tomorrow. */
function dateOf(host: Host, time: number, request: GitRequest): string {
  if (time * 1000 > host.now() + 86_400_000) {
    throw new LockstepError({
      code: "LS2910",
      message: `${request.repository}: "${request.ref}" is a commit that says it was made on ${time > 253402300799 ? "a day after the year 9999" : new Date(time * 1000).toISOString().slice(0, 10)}`,
      ...(request.place === undefined ? {} : { place: request.place }),
      hint: "an image is as new as its newest input; use a commit with a date that has come",
    });
  }
  return new Date(Math.max(0, time) * 1000).toISOString().replace(".000Z", "Z");
}

export interface LockCommit {
  readonly host: Host;
  readonly store: Store;
  /** Directory of the repository that the specs are in. */
  readonly root: string;
  readonly signal?: AbortSignal;
}

/** How deep submodules may lie in submodules. */
const nestingLimit = 10;

/**
 * Locks what a ref names now, with the submodules below it when they are wanted: entries by key. The archives are in the store then.
 * Throws LS2901 to LS2910, LS40xx.
 */
export async function lockCommit(
  { host, store, root, signal }: LockCommit,
  request: GitRequest & { readonly submodules: boolean },
): Promise<ReadonlyMap<string, LockedCommit>> {
  const entries = new Map<string, LockedCommit>();
  const lock = async (asked: GitRequest, depth: number): Promise<void> => {
    const key = commitKey(asked);
    if (entries.has(key)) return;
    if (depth > nestingLimit) {
      throw new LockstepError({
        code: "LS2909",
        message: `${key}: submodules lie more than ${nestingLimit} deep in each other`,
      });
    }
    const commit = await resolveRef(host, root, asked, signal);
    const [entry, below] = await withCommit(
      host,
      root,
      asked,
      commit,
      async (git) => {
        const { blob, facts, submodules } = await storeCommit(git, store, commit, key, undefined, signal);
        const paths = request.submodules ? [...submodules.keys()] : [];
        const repositories = await submoduleRepositories(git, asked.repository, commit, paths, asked.place);
        const wanted = [...repositories].map(([path, repository]): readonly [string, GitRequest] => [
          path,
          { repository, ref: submodules.get(path) ?? "", ...(asked.place === undefined ? {} : { place: asked.place }) },
        ]);
        const made: LockedCommit = {
          commit,
          tree: facts.tree,
          date: dateOf(host, facts.time, asked),
          size: blob.size,
          sha256: blob.digest.slice("sha256:".length),
          ...(request.submodules
            ? { submodules: Object.fromEntries(wanted.map(([path, it]) => [path, commitKey(it)])) }
            : {}),
        };
        return [made, wanted] as const;
      },
      signal,
    );
    entries.set(key, entry);
    for (const [, submodule] of below) await lock(submodule, depth + 1);
  };
  await lock(request, 0);
  return entries;
}

/**
 * Fetches a locked commit again and puts its archive into the store. Throws LS3003 when its archive has another digest than the lock says,
 * LS2901 to LS2908, LS40xx.
 */
export async function fetchCommit(
  { host, store, root, signal }: LockCommit,
  request: GitRequest,
  locked: LockedCommit,
): Promise<void> {
  const key = commitKey(request);
  const { blob } = await withCommit(
    host,
    root,
    request,
    locked.commit,
    (git) => storeCommit(git, store, locked.commit, key, `sha256:${locked.sha256}`, signal),
    signal,
  );
  if (blob.size === locked.size) return;
  throw new LockstepError({
    code: "LS3003",
    message: `the archive of ${key} has ${blob.size} bytes, and the lock says ${locked.size}`,
    hint: "the lock was changed by hand: run `lockstep pin`, and review the difference",
  });
}
