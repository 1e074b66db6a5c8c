/** Input fragments: the tar entries of one unpacked input, compressed, made once and known by their recipe ever after. */
import { LockstepError, type Place } from "../../host/errors.ts";
import { type Fragment, type FragmentWriter, makeFragment } from "../../image/fragment.ts";
import type { Decoders } from "../../source/decompress.ts";
import { reservedPath } from "../../spec/paths.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import { type Digest, digestOf, hexOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { comparePaths, type Entry, parentOf } from "../../tree/entry.ts";
import type { Stores } from "../package-fragment.ts";
import { format, type PlannedInput } from "../plan.ts";
import { unpackerOf } from "./unpackers.ts";

/** An input without where in the lock it is. */
export type InputContent = PlannedInput extends infer Input
  ? Input extends PlannedInput
    ? Omit<Input, "section" | "key">
    : never
  : never;

/** Everything the bytes of an input fragment depend on. Which entry of the lock asked for them is no part of it. */
export interface InputRecipe {
  readonly input: InputContent;
  /** Time of everything, in seconds, where the kind of input has no times of its own. */
  readonly time?: number;
  /** The latest time an entry may have; absent when no entry is later, so that the fragment serves every image. */
  readonly clamp?: number;
}

export interface InputFragment {
  /** Of the blob it was made of, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly fragment: Fragment;
  /** Blob with the entries as JSON. */
  readonly facts: Digest;
  /** The newest time of any entry before clamping, in seconds. */
  readonly newest: number;
}

/** How an input is made into a fragment in a layer of this epoch; `newest` is the newest time in it, when that is known. */
export function inputRecipe(planned: PlannedInput, epoch: number, newest?: number): InputRecipe {
  const { section: _section, key: _key, ...input } = planned;
  if (unpackerOf(input.unpack).times === "epoch") return { input, time: epoch };
  return newest !== undefined && newest > epoch ? { input, clamp: epoch } : { input };
}

export function inputRecipeKey(recipe: InputRecipe): string {
  return hexOf(digestOf(canonicalJson({ format, kind: "input", ...recipe })));
}

/** A recorded fragment whose blobs are still there. */
export async function findInputFragment(results: Store, recipe: InputRecipe): Promise<InputFragment | undefined> {
  const record = (await results.getRecord("fragment", inputRecipeKey(recipe))) as InputFragment | undefined;
  if (record === undefined) return undefined;
  const [fragment, facts] = await Promise.all([results.find(record.fragment.digest), results.find(record.facts)]);
  return fragment?.size === record.fragment.size && facts !== undefined ? record : undefined;
}

/** Puts what an unpacker gives at its place in the image, and refuses what no input may contain, of whatever kind it is. */
class Sink {
  readonly #place: Place;
  readonly #recipe: InputRecipe;
  readonly #writer: FragmentWriter;
  readonly #entries = new Map<string, Entry>();
  newest = Number.NEGATIVE_INFINITY;

  constructor(place: Place, recipe: InputRecipe, writer: FragmentWriter) {
    this.#place = place;
    this.#recipe = recipe;
    this.#writer = writer;
  }

  async entry(raw: Entry): Promise<void> {
    // The directory that everything goes into is the image's, not the archive's.
    if (raw.path === "" && raw.type === "directory") return;
    const entry = this.#timed(this.#placed(raw));
    const { path } = entry;
    const reserved = reservedPath(`/${path}`);
    if (reserved !== undefined) {
      const { code, message, hint = "exclude it" } = reserved;
      throw new LockstepError({ code, message: `has /${path}, which ${message}`, place: this.#place, hint });
    }
    const before = this.#entries.get(path);
    if (before !== undefined) {
      if (before.type === "directory" && entry.type === "directory" && sameMetadata(before, entry)) return;
      throw this.#fail("LS4006", `has ${path} twice`);
    }
    if (entry.type === "character" || entry.type === "block" || entry.type === "fifo") {
      throw this.#fail("LS4004", `has ${path}, which is a device or a pipe`);
    }
    if (entry.type === "hardlink" && this.#entries.get(entry.target)?.type !== "file") {
      throw this.#fail("LS4003", `has ${path}, a hard link to ${entry.target}, which is no earlier file of it`);
    }
    this.#entries.set(path, entry);
    if (entry.type !== "directory") await this.#writer.entry(entry);
  }

  content(piece: Uint8Array): Promise<void> {
    return this.#writer.content(piece);
  }

  /** All entries, sorted by path; LS4003 when one lies below something that is no directory. */
  finish(): readonly Entry[] {
    for (const path of this.#entries.keys()) {
      for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
        const above = this.#entries.get(parent);
        if (above === undefined || above.type === "directory") continue;
        throw this.#fail("LS4003", `has ${path} below ${parent}, which is a ${above.type}`);
      }
    }
    return [...this.#entries.values()].toSorted((a, b) => comparePaths(a.path, b.path));
  }

  #placed(entry: Entry): Entry {
    const { into } = this.#recipe.input;
    const at = (path: string): string => [into, path].filter((part) => part !== "").join("/");
    const path = at(entry.path);
    return entry.type === "hardlink" ? { ...entry, path, target: at(entry.target) } : { ...entry, path };
  }

  #timed(entry: Entry): Entry {
    const { time, clamp } = this.#recipe;
    if (time !== undefined) return { ...entry, mtime: time };
    this.newest = Math.max(this.newest, entry.mtime);
    return clamp === undefined || entry.mtime <= clamp ? entry : { ...entry, mtime: clamp };
  }

  #fail(code: "LS4003" | "LS4004" | "LS4006", message: string): LockstepError {
    return new LockstepError({ code, message, place: this.#place });
  }
}

function sameMetadata(a: Entry, b: Entry): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

/** Unpacks one blob of the `inputs` store into a fragment of the `results` store and records it. `name` is what problems call it. */
export async function makeInputFragment(
  { inputs, results }: Stores,
  decoders: Decoders,
  recipe: InputRecipe,
  name: string,
): Promise<InputFragment> {
  const unpacker = unpackerOf(recipe.input.unpack);
  const place = { file: name };
  let entries: readonly Entry[] = [];
  let newest = Number.NEGATIVE_INFINITY;
  const fragment = await makeFragment(results, async (writer) => {
    const sink = new Sink(place, recipe, writer);
    const blob = { store: inputs, digest: `sha256:${recipe.input.sha256}` as const, place };
    await unpacker.unpack(blob, sink, recipe.input, decoders);
    entries = sink.finish();
    newest = sink.newest;
  });
  const facts = await results.put(Buffer.from(JSON.stringify(entries)));
  const { sha256 } = recipe.input;
  const made: InputFragment = { sha256, fragment, facts: facts.digest, newest: Number.isFinite(newest) ? newest : 0 };
  await results.putRecord("fragment", inputRecipeKey(recipe), made);
  return made;
}

export async function readInputEntries(results: Store, made: InputFragment): Promise<readonly Entry[]> {
  return JSON.parse((await results.read(made.facts)).toString("utf8")) as readonly Entry[];
}
