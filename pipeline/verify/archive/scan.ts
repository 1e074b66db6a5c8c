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

function scanned(
  {
    name,
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
  }: RawEntry,
  position: number,
  content: string,
): ScannedEntry {
  const fields = { type, mode, uid, gid, mtime, user, group, target, device, size, sparse, records, dialect, notation };
  return { ...splitName(name), ...fields, position, content };
}

/** One archive while it is read. */
class Scanner {
  readonly reader: RawTarReader;
  readonly #name: string;
  readonly #entries: ScannedEntry[] = [];

  constructor(source: AsyncIterable<Uint8Array>, name: string) {
    this.reader = new RawTarReader(source, name);
    this.#name = name;
  }

  add(raw: RawEntry, content: string): ScannedEntry {
    if (this.#entries.length === largestCount)
      throw new LockstepError({
        code: "LS4005",
        message: `more than ${largestCount} entries`,
        place: { file: this.#name },
      });
    const entry = scanned(raw, this.#entries.length, content);
    this.#entries.push(entry);
    return entry;
  }

  /** Reads on to the end, beginning with an entry whose header was read. */
  async rest(first: RawEntry | undefined): Promise<Scan> {
    for (let raw = first; raw !== undefined; raw = await this.reader.next())
      this.add(raw, await contentDigest(this.reader, raw));
    return { entries: this.#entries, end: this.reader.end };
  }
}

/**
 * Reads a whole archive. `name` is what it is called in errors. Throws LS4001 and LS4002 for one that cannot be followed to its end,
 * LS4005 for one with more entries than memory should hold.
 */
export async function scan(source: AsyncIterable<Uint8Array>, name: string): Promise<Scan> {
  const scanner = new Scanner(source, name);
  try {
    return await scanner.rest(await scanner.reader.next());
  } finally {
    await scanner.reader.close();
  }
}

/** A file that is compared while it is read is held in memory up to this many bytes. */
const heldInStep = 8 << 20;

/** The other content, where it differs from bytes that are there; undefined when it is the same. */
async function different(reader: RawTarReader, entry: RawEntry, than: Buffer): Promise<Buffer | undefined> {
  let done = 0;
  for (let piece = await reader.read(entry); piece !== undefined; piece = await reader.read(entry)) {
    if (than.compare(piece, 0, piece.length, done, done + piece.length) !== 0)
      return Buffer.concat([than.subarray(0, done), piece, await reader.whole(entry)]);
    done += piece.length;
  }
  return undefined;
}

/** Contents of two entries, by the entry of the first archive. */
export type Taken = ReadonlyMap<ScannedEntry, readonly [Uint8Array, Uint8Array]>;

export interface ScannedPair {
  readonly a: Scan;
  readonly b: Scan;
  /** Contents that differ and were read in step, so that nobody has to read the archives again for them. */
  readonly taken: Taken;
}

/**
 * Reads two archives in step for as long as they hold the same paths in the same order, and each on its own from there. `most` is how many
 * bytes of contents that differ are taken along. Throws what `scan` throws.
 */
export async function scanPair(
  a: { readonly source: AsyncIterable<Uint8Array>; readonly name: string },
  b: { readonly source: AsyncIterable<Uint8Array>; readonly name: string },
  most: number,
): Promise<ScannedPair> {
  const [left, right] = [new Scanner(a.source, a.name), new Scanner(b.source, b.name)];
  const taken = new Map<ScannedEntry, readonly [Uint8Array, Uint8Array]>();
  let room = most;
  try {
    for (;;) {
      const [x, y] = await Promise.all([left.reader.next(), right.reader.next()]);
      if (x === undefined || y === undefined || splitName(x.name).path !== splitName(y.name).path) {
        const [scanA, scanB] = await Promise.all([left.rest(x), right.rest(y)]);
        return { a: scanA, b: scanB, taken };
      }
      if (x.stored !== 0 && x.stored === y.stored && x.stored <= heldInStep) {
        const bytes = await left.reader.whole(x);
        const other = await different(right.reader, y, bytes);
        const digest = hash("sha256", bytes, "hex");
        const entry = left.add(x, digest);
        right.add(y, other === undefined ? digest : hash("sha256", other, "hex"));
        if (other !== undefined && bytes.length + other.length <= room) {
          room -= bytes.length + other.length;
          taken.set(entry, [bytes, other]);
        }
      } else {
        const [digestA, digestB] = await Promise.all([contentDigest(left.reader, x), contentDigest(right.reader, y)]);
        left.add(x, digestA);
        right.add(y, digestB);
      }
    }
  } finally {
    await Promise.all([left.reader.close(), right.reader.close()]);
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
