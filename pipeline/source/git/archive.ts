/** Makes commit archives (docs/git.md) from git's object store: never from a work tree, so no attribute, filter or line ending has a part in it. */
import { LockstepError } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import type { Git } from "./program.ts";

/** The largest listing of a tree that is read: some ten million names. */
const listingLimit = 1 << 30;

/** Ids of the commit's objects in the order of its archive: itself, its tree, then what each tree names, submodules left out. */
async function objectsOf(git: Git, commit: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const listed = await git.run(["ls-tree", "-r", "-t", "-z", "--full-tree", commit], signal);
  const root = await git.run(["rev-parse", "--verify", "--end-of-options", `${commit}^{tree}`], signal);
  if (listed.code !== 0 || root.code !== 0 || listed.stdout.length > listingLimit) {
    throw new LockstepError({ code: "LS2907", message: `the tree of ${commit} cannot be listed: ${listed.stderr}` });
  }
  const ids = listed.stdout
    .toString("latin1")
    .split("\0")
    .flatMap((line) => {
      const [, type, id] = /^[0-7]+ (blob|tree|commit) ([0-9a-f]+)\t/.exec(line) ?? [];
      return type === undefined || type === "commit" || id === undefined ? [] : [id];
    });
  return [commit, root.stdout.toString("latin1").trim(), ...ids];
}

async function* lines(ids: readonly string[]): AsyncGenerator<Uint8Array, void> {
  for (let i = 0; i < ids.length; i += 1000) yield Buffer.from(`${ids.slice(i, i + 1000).join("\n")}\n`);
}

/** Bytes of the archive as they come: each object as git hashes it, which is its type, a blank, its size, NUL and its content. */
export async function* commitArchive(git: Git, commit: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const ids = await objectsOf(git, commit, signal);
  const format = "--batch=%(objectname) %(objecttype) %(objectsize)";
  const reader = new ByteReader(git.stream(["cat-file", format, "--buffer"], lines(ids)), { file: commit });
  try {
    for (const id of ids) {
      let head = "";
      for (;;) {
        const byte = (await reader.exactly(1))?.[0];
        if (byte === undefined || head.length > 200) throw reader.truncated();
        if (byte === 0x0a) break;
        head += String.fromCharCode(byte);
      }
      const [, name, type, size] = /^([0-9a-f]+) (commit|tree|blob) ([0-9]+)$/.exec(head) ?? [];
      if (name !== id)
        throw new LockstepError({
          code: "LS2907",
          message: `object ${id} of ${commit} cannot be read: git says ${JSON.stringify(head)}`,
        });
      yield Buffer.from(`${type} ${size}\0`);
      yield* reader.part(Number(size));
      await reader.skip(1);
    }
  } finally {
    await reader.close();
  }
}
