/** Unpacks a .deb (deb(5)) in one pass: its entries go to a sink as they come, and what has to be known of it later is kept as facts. */
import { createHash } from "node:crypto";
import { LockstepError, type Place } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { comparePaths, type Entry, type FileEntry, parentOf } from "../../tree/entry.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import { arMembers } from "../ar.ts";
import { type Decoders, decompress } from "../decompress.ts";
import { type Control, controlLimit, readControl } from "./control.ts";
import { isLibraryName, type Part, partsOfElf, readElf } from "./elf.ts";
import type { ElfLibrary, PackageFacts } from "./facts.ts";
import { mergedUsr } from "./merged-usr.ts";
import { isSystemInput, systemInputLimit } from "./system-inputs.ts";

/** Where entries go while they are unpacked. Directories are not sent: they belong to the image, not to the package. */
export interface EntrySink {
  entry(entry: Exclude<Entry, { type: "directory" }>): Promise<void>;
  /** The content of the file entry that was sent last, piece by piece. */
  content(bytes: Uint8Array): Promise<void>;
}

export interface UnpackOptions {
  /** Paths that are left out, because another package of the image replaces them. */
  readonly drop?: ReadonlySet<string>;
  /** Diversions that other packages made: where an entry goes instead (dpkg-divert(1)). */
  readonly divert?: ReadonlyMap<string, string>;
  /** The largest number of bytes data.tar may have: Installed-Size is a claim, this is not. */
  readonly limit?: number;
  readonly decoders?: Decoders;
}

/** 16 GiB: twice what Debian's largest package unpacks to. */
const dataLimit = 16 * 2 ** 30;
/** What a small data.tar may become, and how often its size a larger one: a tenth of that is rare in Debian, bombs have thousands. */
const smallData = 256 << 20;
const dataRatio = 100;
/** Of a larger library only parts are kept, which its first bytes tell. */
const wholeLibrary = 4 << 20;
const libraryHead = 64 << 10;
/** A library above this many bytes is no library; nothing in Debian comes near. */
const largestLibrary = 1 << 30;

/** The content of a file, as far as it has to be known later. */
class Capture {
  readonly #path: string;
  readonly #size: number;
  readonly #md5: ReturnType<typeof createHash> | undefined;
  /** The size of the file, but only the parts that are written take memory: untouched pages are never resident. */
  readonly #bytes: Uint8Array | undefined;
  #offset = 0;
  readonly #library: boolean;
  /** What is kept after the head; undefined before that is known. */
  #parts: readonly Part[] | undefined;

  constructor(entry: FileEntry, wantMd5: boolean) {
    this.#path = entry.path;
    this.#size = entry.size;
    this.#md5 = wantMd5 ? createHash("md5") : undefined;
    this.#library = isLibraryName(entry.path) && entry.size <= largestLibrary;
    const isInput = isSystemInput(entry.path) && entry.size <= systemInputLimit;
    this.#bytes = this.#library || isInput ? new Uint8Array(entry.size) : undefined;
    if (isInput || entry.size <= wholeLibrary) this.#parts = [{ from: 0, to: entry.size }];
  }

  add(piece: Uint8Array): void {
    this.#md5?.update(piece);
    if (this.#bytes === undefined) return;
    // Cut exactly: what is known must not depend on how the content came in pieces.
    const head = piece.subarray(0, Math.max(0, libraryHead - this.#offset));
    this.#keep(this.#bytes, head, [{ from: 0, to: libraryHead }]);
    if (head.length === piece.length) return;
    this.#parts ??= partsOfElf(this.#bytes.subarray(0, libraryHead), this.#size);
    this.#keep(this.#bytes, piece.subarray(head.length), this.#parts);
  }

  #keep(bytes: Uint8Array, piece: Uint8Array, parts: readonly Part[]): void {
    for (const part of parts) {
      const from = Math.max(part.from, this.#offset);
      const to = Math.min(part.to, this.#offset + piece.length);
      if (from < to) bytes.set(piece.subarray(from - this.#offset, to - this.#offset), from);
    }
    this.#offset += piece.length;
  }

  finish(): {
    readonly md5?: string;
    readonly content?: string;
    readonly library?: ElfLibrary;
  } {
    const library = this.#library && this.#bytes !== undefined ? readElf(this.#bytes, this.#path) : undefined;
    return {
      ...(this.#md5 === undefined ? {} : { md5: this.#md5.digest("hex") }),
      ...(isSystemInput(this.#path) && this.#bytes !== undefined
        ? { content: Buffer.from(this.#bytes).toString("base64") }
        : {}),
      ...(library === undefined ? {} : { library }),
    };
  }
}

/** Collects facts and refuses what a package may not contain. */
class DataReader {
  readonly #place: Place;
  readonly #control: Control;
  readonly #options: UnpackOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #contents: Record<string, string> = {};
  readonly #md5: Record<string, string>;
  readonly #libraries: ElfLibrary[] = [];

  constructor(place: Place, control: Control, options: UnpackOptions) {
    this.#place = place;
    this.#control = control;
    this.#options = options;
    this.#md5 = {};
    for (const [path, sum] of Object.entries(control.md5)) this.#md5[mergedUsr(path)] = sum;
  }

  async read(tar: TarReader, sink: EntrySink): Promise<void> {
    for (let raw = await tar.next(); raw !== undefined; raw = await tar.next()) {
      if (raw.path === "") continue;
      const entry = this.#placed(raw);
      if (this.#options.drop?.has(entry.path) === true) continue;
      const before = this.#entries.get(entry.path);
      if (before !== undefined) {
        // Two names of one merged directory; anything else named twice is an attempt at confusion.
        if (before.type === "directory" && entry.type === "directory") continue;
        throw this.#fail("LS4006", `${entry.path} is in the package twice`);
      }
      if (entry.type === "directory") {
        this.#entries.set(entry.path, entry);
        continue;
      }
      if (entry.type === "character" || entry.type === "block") {
        throw this.#fail("LS4004", `${entry.path} is a device node; packages may not have any`);
      }
      if (entry.type === "hardlink" && this.#entries.get(entry.target)?.type !== "file") {
        throw this.#fail(
          "LS4003",
          `${entry.path} is a hard link to ${entry.target}, which is no earlier file of the package`,
        );
      }
      await sink.entry(entry);
      if (entry.type === "file") this.#entries.set(entry.path, await this.#content(entry, tar, sink));
      else this.#entries.set(entry.path, entry);
    }
  }

  async #content(entry: FileEntry, tar: TarReader, sink: EntrySink): Promise<Entry> {
    const capture = new Capture(entry, this.#md5[entry.path] === undefined);
    for (let piece = await tar.read(); piece !== undefined; piece = await tar.read()) {
      capture.add(piece);
      await sink.content(piece);
    }
    const { md5, content, library } = capture.finish();
    if (md5 !== undefined) this.#md5[entry.path] = md5;
    if (content !== undefined) this.#contents[entry.path] = content;
    if (library !== undefined) this.#libraries.push(library);
    return entry;
  }

  /** The entry where the image has it: merged /usr, diversions. */
  #placed(raw: Entry): Entry {
    const at = (path: string, type: Entry["type"]): string => {
      const merged = mergedUsr(path, type);
      return this.#options.divert?.get(merged) ?? merged;
    };
    const path = at(raw.path, raw.type);
    return raw.type === "hardlink" ? { ...raw, path, target: at(raw.target, "file") } : { ...raw, path };
  }

  #fail(code: "LS4003" | "LS4004" | "LS4006", message: string): LockstepError {
    return new LockstepError({ code, message, place: this.#place });
  }

  facts(): PackageFacts {
    const entries = [...this.#entries.values()].toSorted((a, b) => comparePaths(a.path, b.path));
    for (const { path } of entries) {
      for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
        const above = this.#entries.get(parent);
        if (above !== undefined && above.type !== "directory") {
          throw this.#fail("LS4003", `${path} lies below ${parent}, which is a ${above.type}`);
        }
      }
    }
    const md5: Record<string, string> = {};
    for (const { path, type } of entries) {
      const sum = this.#md5[path];
      if (type === "file" && sum !== undefined) md5[path] = sum;
    }
    return {
      control: this.#control.fields,
      conffiles: this.#control.conffiles,
      md5,
      scripts: this.#control.scripts,
      entries,
      contents: this.#contents,
      libraries: this.#libraries.toSorted((a, b) => comparePaths(a.path, b.path)),
    };
  }
}

/**
 * Unpacks one package. The caller has checked, or checks afterwards, the digest of `bytes`; nothing that went to the sink may be used before.
 * Throws LS4001 to LS4007 for what is damaged or hostile.
 */
export async function unpackDeb(
  bytes: ByteReader,
  sink: EntrySink,
  options: UnpackOptions = {},
): Promise<PackageFacts> {
  const { place } = bytes;
  const malformed = (message: string): LockstepError => new LockstepError({ code: "LS4002", message, place });
  let control: Control | undefined;
  let facts: PackageFacts | undefined;
  let first = true;
  for await (const member of arMembers(bytes)) {
    if (first) {
      first = false;
      if (member.name !== "debian-binary")
        throw malformed("is not a Debian package: its first member is not debian-binary");
      const version: Uint8Array[] = [];
      if (member.size > 64) throw malformed("debian-binary is too large");
      for await (const piece of member.content) version.push(Uint8Array.from(piece));
      if (!Buffer.concat(version).toString("latin1").startsWith("2."))
        throw malformed("is of an unknown package format");
    } else if (control === undefined) {
      // Members whose name begins with "_" are there for others and are skipped (deb(5)).
      if (member.name.startsWith("_")) continue;
      if (!member.name.startsWith("control.tar"))
        throw malformed(`member ${member.name} stands where control.tar should`);
      control = await readControl(
        decompress(member.content, member.name, place, controlLimit, options.decoders, member.size),
        place,
      );
    } else if (facts === undefined) {
      if (member.name.startsWith("_")) continue;
      if (!member.name.startsWith("data.tar")) throw malformed(`member ${member.name} stands where data.tar should`);
      const limit = options.limit ?? Math.min(dataLimit, smallData + dataRatio * member.size);
      const tar = new ByteReader(
        decompress(member.content, member.name, place, limit, options.decoders, member.size),
        place,
      );
      const data = new DataReader(place, control, options);
      try {
        await data.read(new TarReader(tar, { entries: 2_000_000, content: limit }), sink);
      } finally {
        await tar.close();
      }
      facts = data.facts();
    } else if (/^(?:debian-binary|control\.tar|data\.tar)/.test(member.name)) {
      // What follows is for others (deb(5)), but readers would not agree on which of two is meant.
      throw new LockstepError({ code: "LS4006", message: `member ${member.name} stands after data.tar`, place });
    }
  }
  if (facts === undefined)
    throw new LockstepError({ code: "LS4001", message: "has no data.tar", place, hint: "fetch it again" });
  return facts;
}
