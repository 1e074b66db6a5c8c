/** What a step is given as tar archives: one for each tree, or two where a run is to find its directories in another order. */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { LockstepError } from "../../host/errors.ts";
import { paddingOf, tarHeader } from "../../image/tar.ts";
import { Digester, hexOf } from "../../store/digest.ts";
import type { PlannedEntry } from "../plan.ts";
import { type Part, TarFile } from "./flatten.ts";
import { archivesOf, type Otherwise } from "./surroundings.ts";

/** Writes the archives of one tree, `tree.tar` or `tree.tar` and `tree+2.tar`, and gives their names. */
export async function inArchives(
  directory: string,
  name: string,
  otherwise: Otherwise,
  write: (path: string, part: Part) => Promise<void>,
): Promise<readonly string[]> {
  const count = archivesOf(otherwise);
  const names = Array.from({ length: count }, (_, part) => `${name}${part === 0 ? "" : `+${part + 1}`}.tar`);
  for (const [part, file] of names.entries()) await write(join(directory, file), { part, count });
  return names;
}

/** Instructions of a Dockerfile that unpack them. */
export const add = (archives: readonly string[]): readonly string[] => archives.map((archive) => `ADD ${archive} /`);

/** The files of a plan as an archive, or a part of them; LS4101 when one is not what was planned. */
export async function writeFiles(
  entries: readonly PlannedEntry[],
  sources: ReadonlyMap<string, string>,
  path: string,
  { part, count }: Part,
): Promise<void> {
  const file = new TarFile(path);
  const directories = entries.filter(({ type }) => type === "directory");
  const others = entries.filter(({ type }) => type !== "directory").filter((_, index) => index % count === part);
  try {
    for (const { path: name, type, mode, uid, gid, size = 0, sha256 = "", target = "" } of [
      ...directories,
      ...others,
    ]) {
      const base = { path: name, mode, uid, gid, mtime: 0 };
      if (type !== "file") {
        await file.write(tarHeader(type === "symlink" ? { ...base, type, target } : { ...base, type }));
        continue;
      }
      await file.write(tarHeader({ ...base, type, size }));
      const digester = new Digester();
      for await (const piece of createReadStream(sources.get(sha256) ?? "")) {
        digester.update(piece as Buffer);
        await file.write(piece as Buffer);
      }
      if (digester.size !== size || hexOf(digester.finish()) !== sha256) {
        const message = "changed while the step was prepared";
        throw new LockstepError({ code: "LS4101", message, place: { file: name }, hint: "run it again" });
      }
      await file.write(new Uint8Array(paddingOf(size)));
    }
    await file.end();
  } catch (error) {
    file.destroy();
    throw error;
  }
}
