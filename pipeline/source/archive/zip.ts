/** An input that is a zip archive: unpacked in the order of its list of contents, with nothing of it believed. */
import { LockstepError, type Place } from "../../host/errors.ts";
import { openBlob } from "../../tree/random-access.ts";
import type { Entry } from "../../tree/entry.ts";
import { readZipMember, zipContent } from "../../tree/zip-content.ts";
import { readZipDirectory, type ZipMember } from "../../tree/zip-directory.ts";
import { contentLimit, entryLimit } from "./limits.ts";
import { type Selection, selector } from "./select.ts";
import type { EntrySink, InputBlob } from "./sink.ts";

/** Linux's PATH_MAX, in bytes: the longest text of a link. */
const linkLimit = 4096;

function entryOf({ path, type, mode, mtime, size }: ZipMember, target: string): Entry {
  const base = { path, mode, uid: 0, gid: 0, mtime };
  if (type === "symlink") return { ...base, type, target };
  return type === "directory" ? { ...base, type } : { ...base, type, size };
}

function textOf(bytes: Buffer, { path }: ZipMember, place: Place): string {
  const text = bytes.toString("utf8");
  const fail = (code: "LS4002" | "LS4007", why: string): LockstepError =>
    new LockstepError({ code, message: `symbolic link ${path} ${why}`, place });
  if (text === "") throw fail("LS4002", "has no target");
  if (text.includes("\0") || !Buffer.from(text, "utf8").equals(bytes))
    throw fail("LS4007", "has a target that is not UTF-8");
  return text;
}

/** Unpacks a zip archive. Throws LS4001 to LS4007 for what is damaged or hostile, LS3001 when the blob is not what it is called. */
export async function unpackZip(
  { store, digest, place }: InputBlob,
  sink: EntrySink,
  selection: Selection,
): Promise<void> {
  const select = selector(selection, place);
  const file = await openBlob(store, digest);
  try {
    const limits = { entries: entryLimit, content: contentLimit(file.size) };
    for (const member of await readZipDirectory(file, place, limits)) {
      if (member.path === "") continue;
      // The content of a link is its text.
      const target =
        member.type === "symlink" ? textOf(await readZipMember(file, member, place, linkLimit), member, place) : "";
      const entry = select(entryOf(member, target));
      if (entry === undefined) continue;
      await sink.entry(entry);
      if (entry.type !== "file") continue;
      for await (const piece of zipContent(file, member, place)) await sink.content(piece);
    }
  } finally {
    await file.close();
  }
}
