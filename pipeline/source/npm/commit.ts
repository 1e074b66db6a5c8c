/** Unpacks npm packages that are commits of git repositories: the files that npm would pack, as it would leave them. */
import { LockstepError } from "../../host/errors.ts";
import { commitScripts } from "../../lock/types.ts";
import { comparePaths, type FileEntry, parentOf } from "../../tree/entry.ts";
import type { InputBlob } from "../archive/sink.ts";
import type { CommitEntry, CommitLimits } from "../git/objects.ts";
import { type PlannedFacts, readPlannedCommit } from "../git/planned.ts";
import { isRuleFile, packList } from "./pack-list.ts";
import {
  firstLineLimit,
  isDropped,
  manifestLimit,
  mendedBegin,
  type NpmPlacement,
  type NpmSink,
  scriptsOf,
  sendDirectories,
  sendLinks,
} from "./place.ts";

/** A commit that is a package, and where it goes. */
export interface NpmCommitOptions extends PlannedFacts, NpmPlacement {}

const limits: CommitLimits = { entries: 200_000, content: 4 * 2 ** 30 };

/** Bytes of all files together that say what is packed. */
const rulesLimit = 16 << 20;

/** What is known of a commit after its first reading. */
interface Survey {
  /** Paths below the package by path in the commit: of what is packed. */
  readonly files: ReadonlyMap<string, string>;
  readonly scripts: readonly string[];
}

function refusal({ place }: InputBlob, message: string): LockstepError {
  const hint = "depend on a published version, or on a tarball of the package in the repository";
  return new LockstepError({ code: "LS2512", message, place, hint });
}

/** First reading: what there is, and the texts that say what of it is packed. */
async function survey(blob: InputBlob, facts: PlannedFacts): Promise<Survey> {
  const kinds = new Map<string, "file" | "directory" | "other">();
  const texts = new Map<string, Uint8Array[]>();
  let reading: Uint8Array[] | undefined;
  let size = 0;
  const entry = async (item: CommitEntry): Promise<void> => {
    reading = undefined;
    if (item.type === "submodule") throw refusal(blob, `has the submodule ${item.path}`);
    kinds.set(item.path, item.type === "symlink" ? "other" : item.type);
    if (item.type !== "file" || !isRuleFile(item.path)) return;
    size += item.size;
    if (item.size > manifestLimit || size > rulesLimit)
      throw refusal(blob, `has more bytes than are read in the files that say what is packed: ${item.path}`);
    texts.set(item.path, (reading = []));
  };
  const content = async (piece: Uint8Array): Promise<void> => void reading?.push(Uint8Array.from(piece));
  await readPlannedCommit(blob, facts, { entry, content }, limits);
  const read = new Map([...texts].map(([path, pieces]) => [path, Buffer.concat(pieces).toString("utf8")] as const));
  const packed = packList({ kinds, texts: read }, blob.place);
  const files = new Map<string, string>();
  for (const path of packed) {
    // npm takes these names for its own, where it does not have them beside.
    const renamed = path.replace(/(^|\/)\.gitignore$/, "$1.npmignore");
    if (renamed === path || !packed.has(renamed)) files.set(path, renamed);
  }
  return { files, scripts: scriptsOf(read.get("package.json"), kinds.get("binding.gyp") === "file", commitScripts) };
}

/** Second reading: sends what is packed. */
class Sender {
  readonly #sink: NpmSink;
  readonly #options: NpmCommitOptions;
  readonly #files: ReadonlyMap<string, string>;
  readonly #commands: ReadonlySet<string>;
  readonly #executable: ReadonlySet<string>;
  /** Whether the content that comes is of a file that is packed. */
  #taking = false;
  /** A command of which the begin has not come whole. */
  #held: { readonly entry: FileEntry; readonly pieces: Uint8Array[]; length: number } | undefined;

  constructor(sink: NpmSink, options: NpmCommitOptions, files: ReadonlyMap<string, string>) {
    this.#sink = sink;
    this.#options = options;
    this.#files = files;
    this.#commands = new Set(options.bins.map(({ file }) => file));
    this.#executable = new Set([...this.#commands, ...options.executable]);
  }

  async entry(item: CommitEntry): Promise<void> {
    const path = this.#files.get(item.path);
    this.#taking = item.type === "file" && path !== undefined;
    if (item.type !== "file" || path === undefined) return;
    const { location, uid, gid, time } = this.#options;
    const mode = item.executable || this.#executable.has(path) ? 0o755 : 0o644;
    const entry: FileEntry = {
      type: "file",
      path: `${location}/${path}`,
      mode,
      uid,
      gid,
      mtime: time,
      size: item.size,
    };
    if (!this.#commands.has(path) || item.size === 0) return this.#sink.entry(entry);
    this.#held = { entry, pieces: [], length: 0 };
  }

  async content(piece: Uint8Array): Promise<void> {
    if (!this.#taking) return;
    if (this.#held === undefined) return this.#sink.content(piece);
    const { entry, pieces } = this.#held;
    pieces.push(Uint8Array.from(piece));
    this.#held.length += piece.length;
    if (this.#held.length < Math.min(firstLineLimit, entry.size)) return;
    this.#held = undefined;
    const begin = Buffer.concat(pieces);
    const mended = mendedBegin(begin);
    await this.#sink.entry({ ...entry, size: entry.size - begin.length + mended.length });
    await this.#sink.content(mended);
  }
}

/**
 * Unpacks a commit of the store as npm would after packing it, and gives the scripts that npm would run: `prepare: node build.js`. The commit
 * is read twice: what is packed is known at its end only. Throws LS2512 for a package that its commit is not all of, LS2907 and LS40xx for
 * what is not the commit, damaged or hostile, LS3001, LS3002.
 */
export async function unpackNpmCommit(
  blob: InputBlob,
  sink: NpmSink,
  options: NpmCommitOptions,
): Promise<readonly string[]> {
  const { files, scripts } = await survey(blob, options);
  const kept = new Map([...files].filter(([, path]) => !isDropped(options, path)));
  const paths = new Set(kept.values());
  const directories = new Set<string>();
  for (const path of paths)
    for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) directories.add(parent);
  const links = options.bins.filter(({ file }) => paths.has(file)).toSorted((a, b) => comparePaths(a.link, b.link));
  await sendDirectories(sink, options, directories, links);
  const sender = new Sender(sink, options, kept);
  await readPlannedCommit(
    blob,
    options,
    { entry: (item) => sender.entry(item), content: (piece) => sender.content(piece) },
    limits,
  );
  await sendLinks(sink, options, links, options.time);
  return scripts;
}

/** Reads a commit as a package, so that one that cannot be packed is found when it is pinned; gives the scripts that npm would run. */
export async function inspectNpmCommit(blob: InputBlob, facts: PlannedFacts): Promise<readonly string[]> {
  return (await survey(blob, facts)).scripts;
}
