/** Unpacks npm tarballs: from an archive that may be hostile to the entries that npm would leave, with npm's modes, and links to commands. */
import type { Code } from "../../host/codes.ts";
import { LockstepError, type Place } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { comparePaths, type FileEntry, parentOf } from "../../tree/entry.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import {
  firstLineLimit,
  isDropped,
  licencesOf,
  manifestLimit,
  mendedBegin,
  type NpmPlacement,
  type NpmSink,
  type NpmStated,
  scriptsOf,
  sendDirectories,
  sendLinks,
} from "./place.ts";

export interface NpmUnpackOptions extends NpmPlacement {
  /** Packages below `location` that the archive must bring. */
  readonly bundled: readonly string[];
}

/** A file of the archive that is taken. */
interface Taken {
  /** Below the package. */
  readonly path: string;
  readonly mode: number;
}

/** What is known of an archive after its first reading. */
interface Survey {
  /** By number of the entry. */
  readonly files: ReadonlyMap<number, Taken>;
  /** Below the package, sorted. */
  readonly directories: readonly string[];
}

const limits = { entries: 200_000, content: 4 * 2 ** 30 };

/** The path below the package, which is all but the first part of a name, whatever that part is. Undefined when nothing is left. */
function pathInPackage(name: string): string | undefined {
  const rest = name.slice(name.indexOf("/") + 1 || name.length);
  const path = rest
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  return path === "" ? undefined : path;
}

/** First reading: which entries are taken, as what, and whether the archive holds together. */
class Surveyor {
  readonly #place: Place;
  readonly #options: NpmUnpackOptions;
  readonly #commands: ReadonlySet<string>;
  readonly #executable: ReadonlySet<string>;
  /** By path below the package: of several entries the last, with the mode of the first. */
  readonly #files = new Map<string, { readonly number: number; readonly mode: number }>();
  readonly #directories = new Set<string>();
  /** Names of npm's own ignore files, which keep others from being renamed to theirs. */
  readonly #ignores = new Set<string>();

  constructor(place: Place, options: NpmUnpackOptions) {
    this.#place = place;
    this.#options = options;
    this.#commands = new Set(options.bins.map(({ file }) => file));
    this.#executable = new Set(options.executable);
  }

  async run(tar: TarReader): Promise<Survey> {
    for (let number = 0; ; number++) {
      const entry = await tar.next();
      if (entry === undefined) break;
      if (entry.type === "file") this.#file(tar.name, entry.mode, number);
      // npm takes files only: links are left out, and directories follow from the files in them.
      else if (entry.type !== "directory" && entry.type !== "symlink" && entry.type !== "hardlink")
        throw this.#fail("LS4004", `has ${entry.path}, which is a device or a pipe`);
    }
    for (const path of this.#options.bundled) {
      if (this.#directories.has(path)) continue;
      throw new LockstepError({
        code: "LS2511",
        message: `does not have ${path}, which the npm lock file says is bundled in it`,
        place: this.#place,
        hint: "remove the entry from the lock file and run `npm install --package-lock-only`",
      });
    }
    return {
      files: new Map([...this.#files].map(([path, { number, mode }]) => [number, { path, mode }])),
      directories: [...this.#directories].toSorted(comparePaths),
    };
  }

  #fail(code: Code, message: string): LockstepError {
    return new LockstepError({ code, message, place: this.#place });
  }

  /** The path below the package that npm gives a file; undefined for one that it leaves out. */
  #pathOf(name: string): string | undefined {
    const base = name.slice(name.lastIndexOf("/") + 1);
    if (base === ".npmignore") this.#ignores.add(name);
    if (base !== ".gitignore") return pathInPackage(name);
    const renamed = name.replace(/\.gitignore$/, ".npmignore");
    return this.#ignores.has(renamed) ? undefined : pathInPackage(renamed);
  }

  #file(name: string, mode: number, number: number): void {
    const path = this.#pathOf(name);
    if (path === undefined) return;
    if (isDropped(this.#options, path)) return;
    if (this.#directories.has(path)) throw this.#fail("LS4006", `names ${path} as a file and as a directory`);
    for (let parent = parentOf(path); parent !== "" && !this.#directories.has(parent); parent = parentOf(parent)) {
      if (this.#files.has(parent)) throw this.#fail("LS4006", `names ${parent} as a file and as a directory`);
      this.#directories.add(parent);
    }
    // A file that is written again keeps the mode it was made with.
    this.#files.set(path, { number, mode: this.#files.get(path)?.mode ?? this.#modeOf(path, mode) });
  }

  /** As npm creates files: readable by all, writable by the owner, executable where the archive says so or for a command; never set-id. */
  #modeOf(path: string, mode: number): number {
    if (this.#commands.has(path)) return 0o755;
    return (((mode & 0o777) | 0o666) & ~0o022) | (this.#executable.has(path) ? 0o111 : 0);
  }
}

/** Second reading: sends what is taken. */
class Sender {
  readonly #sink: NpmSink;
  readonly #options: NpmUnpackOptions;
  readonly #owner: { readonly uid: number; readonly gid: number };
  #newest = Number.NEGATIVE_INFINITY;

  constructor(sink: NpmSink, options: NpmUnpackOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#owner = { uid: options.uid, gid: options.gid };
  }

  /** Everything in its order; gives the content of package.json. */
  async run(tar: TarReader, { files, directories }: Survey): Promise<Buffer | undefined> {
    const { location, bins } = this.#options;
    const there = new Set([...directories, ...[...files.values()].map(({ path }) => path)]);
    const links = bins.filter(({ file }) => there.has(file));
    await sendDirectories(this.#sink, this.#options, directories, links);
    const commands = new Set(links.map(({ file }) => file));
    let manifest: Buffer | undefined;
    for (let number = 0; ; number++) {
      const entry = await tar.next();
      if (entry === undefined) break;
      const taken = files.get(number);
      if (entry.type !== "file" || taken === undefined) continue;
      const { path, mode } = taken;
      this.#newest = Math.max(this.#newest, entry.mtime);
      const placed: FileEntry = { ...entry, path: `${location}/${path}`, mode, ...this.#owner };
      if (path === "package.json" && entry.size <= manifestLimit) manifest = await tar.readAll(manifestLimit);
      if (commands.has(path)) await this.#command(placed, tar);
      else await this.#file(placed, tar, path === "package.json" ? manifest : undefined);
    }
    await sendLinks(this.#sink, this.#options, links, Number.isFinite(this.#newest) ? this.#newest : 0);
    return manifest;
  }

  async #file(entry: FileEntry, tar: TarReader, begin?: Uint8Array): Promise<void> {
    await this.#sink.entry(entry);
    if (begin !== undefined && begin.length > 0) await this.#sink.content(begin);
    for (let piece = await tar.read(); piece !== undefined; piece = await tar.read()) await this.#sink.content(piece);
  }

  async #command(entry: FileEntry, tar: TarReader): Promise<void> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    while (length < Math.min(firstLineLimit, entry.size)) {
      const piece = await tar.read();
      if (piece === undefined) break;
      pieces.push(Uint8Array.from(piece));
      length += piece.length;
    }
    const begin = Buffer.concat(pieces);
    const mended = mendedBegin(begin);
    return this.#file({ ...entry, size: entry.size - begin.length + mended.length }, tar, mended);
  }
}

/**
 * Unpacks one tarball, and gives what the package says of itself. `open` gives the archive without its compression, and is called twice: which
 * of several entries of one path counts is known at the end only. Throws LS40xx for what a hostile or damaged archive has, and LS2511 for a
 * bundle that is not whole.
 */
export async function unpackNpm(
  open: () => AsyncIterable<Uint8Array>,
  place: Place,
  sink: NpmSink,
  options: NpmUnpackOptions,
): Promise<NpmStated> {
  const reading = async <Result>(work: (tar: TarReader) => Promise<Result>): Promise<Result> => {
    const bytes = new ByteReader(open(), place);
    try {
      const result = await work(new TarReader(bytes, limits));
      await bytes.drain();
      return result;
    } finally {
      await bytes.close();
    }
  };
  const survey = await reading((tar) => new Surveyor(place, options).run(tar));
  const manifest = (await reading((tar) => new Sender(sink, options).run(tar, survey)))?.toString("utf8");
  const hasGyp = [...survey.files.values()].some(({ path }) => path === "binding.gyp");
  return { scripts: scriptsOf(manifest, hasGyp), licences: licencesOf(manifest) };
}
