/** Unpacks npm tarballs: from an archive that may be hostile to the entries that npm would leave, with npm's modes, and links to commands. */
import type { Code } from "../../host/codes.ts";
import { LockstepError, type Place } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { comparePaths, type Entry, type FileEntry, parentOf } from "../../tree/entry.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import { linkText } from "./bins.ts";
import { isObject } from "./package-lock.ts";

/** Gets the entries: directories sorted, then files in the order of the archive with their contents, then links. */
export interface NpmSink {
  entry(entry: Entry): Promise<void>;
  content(piece: Uint8Array): Promise<void>;
}

export interface NpmUnpackOptions {
  /** Directory of the package below the project: `node_modules/a`. All paths that are given to the sink are below the project. */
  readonly location: string;
  readonly uid: number;
  readonly gid: number;
  /** Commands: a link is made where the file is there, and the file is made executable. `file` is below `location`. */
  readonly bins: readonly { readonly link: string; readonly file: string }[];
  /** Files of commands that have no link. */
  readonly executable: readonly string[];
  /** Paths below `location` at and below which nothing is unpacked. */
  readonly drop: readonly string[];
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

/** Bytes in which npm looks for the end of a script's first line. */
const firstLineLimit = 2048;

/** Bytes of the largest package.json that is read for its scripts. */
const manifestLimit = 8 << 20;

/** Scripts that npm runs for a dependency, in the order it runs them. */
const hooks = ["preinstall", "install", "postinstall"] as const;

/** The path below the package, which is all but the first part of a name, whatever that part is. Undefined when nothing is left. */
function pathInPackage(name: string): string | undefined {
  const rest = name.slice(name.indexOf("/") + 1 || name.length);
  const path = rest
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  return path === "" ? undefined : path;
}

/** The scripts of a package.json that npm would run; a package with a binding.gyp and none of its own is compiled. */
function scriptsOf(manifest: Buffer | undefined, hasGyp: boolean): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(manifest?.toString("utf8").replace(/^\ufeff/, "") ?? "{}");
  } catch {
    // npm does without a package.json that it cannot read.
    value = {};
  }
  const content = isObject(value) ? value : {};
  const scripts = isObject(content["scripts"]) ? content["scripts"] : {};
  const own = hooks.flatMap((hook) => {
    const command = scripts[hook];
    return typeof command === "string" && command !== "" ? [`${hook}: ${command}`] : [];
  });
  const compiles = hasGyp && content["gypfile"] !== false && !own.some((script) => /^(?:pre)?install:/.test(script));
  return compiles ? ["install: node-gyp rebuild", ...own] : own;
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
    if (this.#options.drop.some((place) => path === place || path.startsWith(`${place}/`))) return;
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
    await this.#directories([location, ...directories.map((path) => `${location}/${path}`)], links);
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
    const mtime = Number.isFinite(this.#newest) ? this.#newest : 0;
    for (const { link, file } of links) {
      const target = linkText(link, `${location}/${file}`);
      await this.#sink.entry({ type: "symlink", path: link, mode: 0o777, ...this.#owner, mtime, target });
    }
    return manifest;
  }

  /** All directories from node_modules down. Directories of images have the epoch; this time is never the newest. */
  async #directories(paths: readonly string[], links: readonly { readonly link: string }[]): Promise<void> {
    const all = new Set<string>(paths);
    for (const path of [...paths, ...links.map(({ link }) => link)])
      for (let parent = parentOf(path); /(?:^|\/)node_modules(?:\/|$)/.test(parent); parent = parentOf(parent))
        all.add(parent);
    for (const path of [...all].toSorted(comparePaths))
      await this.#sink.entry({ type: "directory", path, mode: 0o755, ...this.#owner, mtime: 0 });
  }

  async #file(entry: FileEntry, tar: TarReader, begin?: Uint8Array): Promise<void> {
    await this.#sink.entry(entry);
    if (begin !== undefined && begin.length > 0) await this.#sink.content(begin);
    for (let piece = await tar.read(); piece !== undefined; piece = await tar.read()) await this.#sink.content(piece);
  }

  /** A script whose first line ends as on Windows would not find its interpreter; npm mends that, and so is it here. */
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
    const end = begin.subarray(0, firstLineLimit).indexOf(0x0a);
    const windows = begin.toString("latin1", 0, 2) === "#!" && end >= 4 && begin[end - 1] === 0x0d;
    if (!windows) return this.#file(entry, tar, begin);
    const mended = Buffer.concat([begin.subarray(0, end - 1), begin.subarray(end)]);
    return this.#file({ ...entry, size: entry.size - 1 }, tar, mended);
  }
}

/**
 * Unpacks one tarball, and gives the scripts that npm would run afterwards: `install: node build.js`. `open` gives the archive without its
 * compression, and is called twice: which of several entries of one path counts is known at the end only. Throws LS40xx for what a hostile
 * or damaged archive has, and LS2511 for a bundle that is not whole.
 */
export async function unpackNpm(
  open: () => AsyncIterable<Uint8Array>,
  place: Place,
  sink: NpmSink,
  options: NpmUnpackOptions,
): Promise<readonly string[]> {
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
  const manifest = await reading((tar) => new Sender(sink, options).run(tar, survey));
  return scriptsOf(
    manifest,
    [...survey.files.values()].some(({ path }) => path === "binding.gyp"),
  );
}
