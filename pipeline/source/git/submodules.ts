/** Submodules: which repository belongs at a path of a commit, as its .gitmodules says (gitmodules(5)). */
import { LockstepError, type Place } from "../../host/errors.ts";
import { readAddress, submoduleAddress } from "../../spec/git-address.ts";
import type { Git } from "./program.ts";

/** Addresses by path, from the .gitmodules of a commit; git reads it, and follows no include. Empty when there is none. */
async function declared(
  git: Git,
  commit: string,
  fail: (message: string) => LockstepError,
): Promise<ReadonlyMap<string, string>> {
  const listed = await git.run(["ls-tree", "-z", "--full-tree", commit, "--", ".gitmodules"]);
  const [, mode, id] = /^([0-7]+) blob ([0-9a-f]+)\t/.exec(listed.stdout.toString("latin1")) ?? [];
  if (id === undefined) return new Map();
  if (mode === "120000") throw fail(".gitmodules is a symbolic link");
  const read = await git.run(["config", "--list", "-z", "--no-includes", `--blob=${id}`]);
  if (read.code !== 0) throw fail(".gitmodules is malformed");
  const byName = new Map<string, { path?: string; url?: string }>();
  for (const line of read.stdout.toString("utf8").split("\0")) {
    const [, name, field, value] = /^submodule\.(.+)\.(path|url)\n(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const item = byName.get(name) ?? {};
    if (field === "path") item.path = value;
    else item.url = value;
    byName.set(name, item);
  }
  const found = new Map<string, string>();
  for (const { path, url } of byName.values())
    if (path !== undefined && url !== undefined) found.set(path.replace(/\/+$/, ""), url);
  return found;
}

/**
 * The repository of each submodule, by its path. `repository` is the one they are in. Throws LS2909 for a submodule without an address, or
 * with one that is not allowed in a spec either.
 */
export async function submoduleRepositories(
  git: Git,
  repository: string,
  commit: string,
  paths: readonly string[],
  place: Place | undefined,
): Promise<ReadonlyMap<string, string>> {
  const fail = (message: string): LockstepError =>
    new LockstepError({
      code: "LS2909",
      message: `${repository} at ${commit}: ${message}`,
      ...(place === undefined ? {} : { place }),
      hint: "write `submodules: false` and add what is needed as a git layer of its own",
    });
  if (paths.length === 0) return new Map();
  const urls = await declared(git, commit, fail);
  return new Map(
    paths.map((path) => {
      const url = urls.get(path);
      if (url === undefined) throw fail(`.gitmodules says no repository for the submodule ${path}`);
      const address = submoduleAddress(repository, url);
      if (address === undefined)
        throw fail(`the address ${JSON.stringify(url)} of the submodule ${path} leads nowhere`);
      const read = readAddress(address);
      if (!read.ok) throw fail(`the address ${JSON.stringify(url)} of the submodule ${path} ${read.must}`);
      if (read.address.protocol === "own") throw fail(`the submodule ${path} is this repository itself`);
      return [path, address];
    }),
  );
}
