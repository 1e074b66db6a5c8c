/** Reads an archive into records of its entries: what is compared, with a digest in place of each content. */
import { createHash, hash } from "node:crypto";
import { LockstepError } from "../../host/errors.ts";
import { type RawEnd, type RawEntry, RawTarReader } from "./raw-tar.ts";

/** More entries than any image has; beyond it an archive is an attack on memory. */
const largestCount = 3_000_000;

export interface ScannedEntry extends Omit<RawEntry, "name" | "stored" | "flag"> {
  /** The name without `./`, leading and trailing slashes: what it is compared by. */
  readonly path: string;
  /** How the name was written around that: `./`, `/`, or nothing; with a final slash for directories. */
  readonly form: string;
  /** Position among all entries, from 0. */
  readonly position: number;
  /** SHA-256 of the content of a file as the archive has it; empty for others. */
  readonly content: string;
}

export interface Scan {
  /** In the order of the archive. */
  readonly entries: readonly ScannedEntry[];
  readonly end: RawEnd;
}

const form = /^((?:\.\/|\/)*)(.*?)(\/*)$/s;

/** Where an entry is, with how its name was written; `.` and `./` are the root "". */
export function splitName(name: string): { readonly path: string; readonly form: string } {
  if (name === "." || name === "./") return { path: "", form: name };
  const [, before = "", path = "", after = ""] = form.exec(name) ?? [];
  return { path, form: `${before}…${after}` };
}

async function contentDigest(reader: RawTarReader, entry: RawEntry): Promise<string> {
  if (entry.stored === 0) return "";
  const first = (await reader.read(entry)) ?? new Uint8Array(0);
  // One call for what lies in one piece: images have thousands of small files.
  if (first.length === entry.stored) return hash("sha256", first, "hex");
  const digester = createHash("sha256").update(first);
  for (let piece = await reader.read(entry); piece !== undefined; piece = await reader.read(entry))
    digester.update(piece);
  return digester.digest("hex");
}

/**
 * Reads a whole archive. `name` is what it is called in errors. Throws LS4001 and LS4002 for one that cannot be followed to its end,
 * LS4005 for one with more entries than memory should hold.
 */
export async function scan(source: AsyncIterable<Uint8Array>, name: string): Promise<Scan> {
  const reader = new RawTarReader(source, name);
  const entries: ScannedEntry[] = [];
  try {
    for (let raw = await reader.next(); raw !== undefined; raw = await reader.next()) {
      if (entries.length === largestCount)
        throw new LockstepError({
          code: "LS4005",
          message: `more than ${largestCount} entries`,
          place: { file: name },
        });
      const { type, mode, uid, gid, mtime, user, group, target, device, size, sparse, records, dialect, notation } =
        raw;
      entries.push({
        ...splitName(raw.name),
        type,
        mode,
        uid,
        gid,
        mtime,
        user,
        group,
        target,
        device,
        size,
        sparse,
        records,
        dialect,
        notation,
        position: entries.length,
        content: await contentDigest(reader, raw),
      });
    }
    return { entries, end: reader.end };
  } finally {
    await reader.close();
  }
}

/**
 * Gives the contents of some files of an archive, in the archive's order. `wanted` has positions of entries. What `take` is given is valid
 * until it returns.
 */
export async function extract(
  source: AsyncIterable<Uint8Array>,
  name: string,
  wanted: ReadonlySet<number>,
  take: (position: number, pieces: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const reader = new RawTarReader(source, name);
  let left = wanted.size;
  try {
    for (let position = 0; left > 0; position++) {
      const raw = await reader.next();
      if (raw === undefined) break;
      if (!wanted.has(position)) continue;
      left--;
      await take(position, pieces(reader, raw));
    }
  } finally {
    await reader.close();
  }
}

async function* pieces(reader: RawTarReader, entry: RawEntry): AsyncGenerator<Uint8Array, void> {
  for (let piece = await reader.read(entry); piece !== undefined; piece = await reader.read(entry)) yield piece;
}
