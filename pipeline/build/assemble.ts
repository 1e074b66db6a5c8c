/** Layers of one image, from the bottom up: what each has to contain given what lies below it. */
import { createReadStream } from "node:fs";
import { LockstepError, messageOf } from "../host/errors.ts";
import { type Fragment, type FragmentWriter, makeFragment } from "../image/fragment.ts";
import { endFragment, joinLayer, type Layer } from "../image/layer.ts";
import type { PackageFacts } from "../source/debian/facts.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { Digester, digestOf, hexOf } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import type { BaseTree } from "../source/image/tree.ts";
import type { LayerFacts } from "../source/image/layer.ts";
import { comparePaths, type DirectoryEntry, type Entry, parentOf } from "../tree/entry.ts";
import type { BaseNeeds } from "./base/foundation.ts";
import { type DirectoryMetadata, Directories, showDirectory } from "./directories.ts";
import type { UnpackedInput } from "./inputs/unpack.ts";
import {
  type EntriesLayer,
  format,
  type InputsLayer,
  type PackagesLayer,
  type PlannedEntry,
  type StepLayer,
} from "./plan.ts";
import type { PackageFragment } from "./package-fragment.ts";
import type { GeneratedFile } from "../tree/generated.ts";
import type { StepChange } from "./step/change.ts";
import { infoDirectory } from "./system/info.ts";
import type { SystemResult } from "./system/types.ts";

/** A package of the image, unpacked. */
export interface UnpackedPackage {
  readonly key: string;
  /** Of the .deb file it was made of. */
  readonly sha256: string;
  readonly made: PackageFragment;
  readonly facts: PackageFacts;
}

type TitledLayer = EntriesLayer | InputsLayer | StepLayer;

/** An entry with where its content comes from. */
interface Item {
  readonly entry: Entry;
  readonly content?: Uint8Array;
}

/** A fragment of entries whose contents are in memory, or in files of this machine by SHA-256. */
function writeFragment(
  store: Store,
  items: readonly (Item & { readonly sha256?: string })[],
  sources: ReadonlyMap<string, string> = new Map(),
): Promise<Fragment> {
  return makeFragment(store, async (writer) => {
    for (const { entry, content, sha256 } of items) {
      await writer.entry(entry);
      if (content !== undefined) await writer.content(content);
      else if (entry.type === "file" && entry.size > 0) await copyFile(writer, sources.get(sha256 ?? "") ?? "", sha256);
    }
  });
}

/** The content of a file of a file set; LS4101 when it is not what was planned. */
async function copyFile(writer: FragmentWriter, source: string, sha256: string | undefined): Promise<void> {
  const problem = { code: "LS4101", place: { file: source }, hint: "run the build again" } as const;
  const digester = new Digester();
  try {
    for await (const piece of createReadStream(source, { highWaterMark: 1 << 20 })) {
      digester.update(piece as Buffer);
      await writer.content(piece as Buffer);
    }
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    const message = `cannot be read any more while the image is built: ${messageOf(error)}`;
    throw new LockstepError({ ...problem, message }, { cause: error });
  }
  if (hexOf(digester.finish()) !== sha256)
    throw new LockstepError({ ...problem, message: "changed while the image was built" });
}

function contentKey(file: GeneratedFile): string {
  const { mode, uid, gid } = file;
  const what = file.type === "file" ? digestOf(file.content) : file.type === "symlink" ? file.target : "";
  return `${file.type} ${mode} ${uid}:${gid} ${what}`;
}

export class Assembly {
  readonly #store: Store;
  /** The same for every layer. */
  #end: Fragment | undefined;
  readonly #sources: ReadonlyMap<string, string>;
  #directories: ReadonlyMap<string, DirectoryMetadata> = new Map();
  /** Who has a path that is not a directory. */
  readonly #owners = new Map<string, string>();
  /** Generated files that lower layers have, by path. */
  readonly #generated = new Map<string, string>();
  /** Directories of a base from a registry. */
  #base: ReadonlyMap<string, DirectoryMetadata> | undefined;
  /** Those of them that the layer in work names. */
  #needed = new Map<string, string>();
  /** `replaces` notes of file sets, for the report. */
  readonly replaced: string[] = [];

  constructor(store: Store, sources: ReadonlyMap<string, string>) {
    this.#store = store;
    this.#sources = sources;
  }

  /** Puts a base below everything: what is in it is there, and nothing of it is written again. */
  base(tree: BaseTree): void {
    const directories = new Map<string, DirectoryMetadata>();
    for (const { path, type, mode, uid, gid } of tree.entries()) {
      if (type === "directory") directories.set(path, { mode, uid, gid });
      else this.#owners.set(path, "the base");
    }
    this.#base = directories;
    this.#directories = directories;
  }

  /** What the layer that was made last needs of the base. */
  takeNeeds(): BaseNeeds {
    const directories = Object.fromEntries([...this.#needed].toSorted(([a], [b]) => comparePaths(a, b)));
    this.#needed = new Map();
    return { directories };
  }

  /** Notes the base's directories among paths that a layer names, and above them. */
  #need(paths: Iterable<string>): void {
    if (this.#base === undefined) return;
    for (const path of paths) {
      for (let here = path; here !== "" && !this.#needed.has(here); here = parentOf(here)) {
        const there = this.#base.get(here);
        if (there !== undefined) this.#needed.set(here, showDirectory(there));
      }
    }
  }

  /**
   * A layer of packages, with the files of the system when it carries them; with `write` false only what it means for the layers above is
   * worked out. Throws LS4201 and LS4202.
   */
  async packages(
    layer: PackagesLayer,
    packages: readonly UnpackedPackage[],
    system: SystemResult | undefined,
    write: boolean,
  ): Promise<Layer | undefined> {
    const directories = new Directories(this.#directories);
    // Directories that scripts remove or put a link in the place of; generated files come last and win.
    const gone = new Set([
      ...(system?.removed ?? []),
      ...(system?.files ?? []).flatMap(({ path, type }) => (type === "directory" ? [] : [path])),
    ]);
    const overrides = new Map((system?.overrides ?? []).map((override) => [override.path, override]));
    for (const { key, facts } of packages) {
      for (const entry of facts.entries) {
        if (entry.type !== "directory") this.#owners.set(entry.path, key);
        else if (!gone.has(entry.path)) directories.add(entry.path, { ...entry, ...overrides.get(entry.path) }, key);
      }
    }
    const items: Item[] = [];
    for (const file of system?.files ?? []) {
      const known = contentKey(file);
      if (this.#generated.get(file.path) === known) continue;
      this.#generated.set(file.path, known);
      if (file.type === "directory") {
        directories.replace(file.path, file, "the system");
        // Debian's packages bring those above; of a base nobody knows.
        if (this.#base !== undefined) directories.addParents(file.path, "the system");
        continue;
      }
      this.#owners.set(file.path, "the system");
      items.push(itemOf(file, layer.epoch));
    }
    for (const { facts } of packages) for (const { path } of facts.entries) directories.addParents(path, "packages");
    // Every package brings files of dpkg's database too, also into a layer that the system's files are not in.
    if (packages.length > 0) directories.addParents(`${infoDirectory}/*`, "packages");
    for (const { entry } of items) directories.addParents(entry.path, "the system");
    this.#checkParents(directories);
    this.#need((system?.files ?? []).map(({ path }) => path));
    const entries = directories.entries(layer.epoch);
    this.#directories = directories.merged();
    if (!write) return undefined;
    const [first, last] = await Promise.all([
      writeFragment(
        this.#store,
        entries.map((entry) => ({ entry })),
      ),
      writeFragment(this.#store, items),
      this.#makeEnd(),
    ]);
    return this.#join([first, ...packages.map(({ made }) => made.fragment), last]);
  }

  async entries(layer: EntriesLayer, write: boolean): Promise<Layer | undefined> {
    const directories = new Directories(this.#directories);
    const explicit = new Set<string>();
    const items: (Item & { readonly sha256?: string })[] = [];
    for (const planned of layer.entries) {
      if (planned.type === "directory") {
        this.#mustNotBe(planned.path, "directory", layer);
        directories.add(planned.path, planned, layer.title);
        explicit.add(planned.path);
        continue;
      }
      this.#put(planned, directories, layer, layer.title);
      items.push(plannedItem(planned, layer.epoch));
    }
    this.#addParents(layer.entries, directories, layer);
    this.#need(layer.entries.map(({ path }) => path));
    const entries = directories.entries(layer.epoch, explicit);
    this.#directories = directories.merged();
    if (!write) return undefined;
    const body = await this.#recorded(items);
    return this.#join([
      await writeFragment(
        this.#store,
        entries.map((entry) => ({ entry })),
      ),
      body,
    ]);
  }

  /**
   * A layer of inputs in their order, then the entries that the plan adds. Throws LS4201 for a path that two of them have, LS4202 for a
   * directory they disagree about, LS4203 for what does not fit on the layers below.
   */
  async inputs(layer: InputsLayer, inputs: readonly UnpackedInput[], write: boolean): Promise<Layer | undefined> {
    const directories = new Directories(this.#directories);
    const explicit = new Set<string>();
    const own = new Map<string, string>();
    const add = (entry: Pick<Entry, "path" | "type">, origin: string): void => {
      const other = own.get(entry.path);
      if (other !== undefined) {
        const message = `${other} and ${origin} both have ${entry.path}, in the layer ${layer.title}`;
        throw new LockstepError({ code: "LS4201", message });
      }
      own.set(entry.path, origin);
      this.#put(entry, directories, layer, origin);
    };
    // Directories first: a file where any of them has a directory is told whatever the order.
    for (const { input, entries } of inputs) {
      for (const entry of entries) {
        if (entry.type !== "directory") continue;
        this.#mustNotBe(entry.path, "directory", layer);
        directories.addNew(entry.path, entry, input.key);
      }
    }
    for (const planned of layer.entries) {
      if (planned.type !== "directory") continue;
      this.#mustNotBe(planned.path, "directory", layer);
      directories.replace(planned.path, planned, layer.title);
      explicit.add(planned.path);
    }
    const added = layer.entries.filter(({ type }) => type !== "directory");
    for (const { input, entries } of inputs)
      for (const entry of entries) if (entry.type !== "directory") add(entry, input.key);
    for (const planned of added) add(planned, layer.title);
    for (const { entries } of inputs) this.#addParents(entries, directories, layer);
    this.#addParents(layer.entries, directories, layer);
    for (const { entries } of [...inputs, layer]) this.#need(entries.map(({ path }) => path));
    const entries = directories.entries(layer.epoch, explicit);
    this.#directories = directories.merged();
    if (!write) return undefined;
    const first = await writeFragment(
      this.#store,
      entries.map((entry) => ({ entry })),
    );
    const last = await writeFragment(
      this.#store,
      added.map((planned) => plannedItem(planned, layer.epoch)),
    );
    return this.#join([first, ...inputs.map(({ made }) => made.fragment), last]);
  }

  /** A layer of what a step did. Throws LS4203 where its outputs do not fit on the layers below. */
  async step(
    layer: StepLayer,
    { directories, items }: StepChange,
    sources: ReadonlyMap<string, string>,
  ): Promise<Layer> {
    const isOutput = layer.command.kind === "run" && layer.command.tools !== undefined;
    // What a step did to the tree itself fits by its nature.
    const written = isOutput ? this.#outputs(layer, directories, items) : directories;
    const first = await writeFragment(
      this.#store,
      written.map((entry) => ({ entry })),
    );
    return this.#join([first, await writeFragment(this.#store, items, sources)]);
  }

  /** The directories that outputs bring: those that are there stay as they are. */
  #outputs(
    layer: StepLayer,
    directories: StepChange["directories"],
    items: StepChange["items"],
  ): readonly DirectoryEntry[] {
    const made = new Directories(this.#directories);
    for (const entry of directories) {
      this.#mustNotBe(entry.path, "directory", layer);
      made.addNew(entry.path, entry, layer.title);
    }
    for (const { entry } of items) {
      if (!made.has(entry.path)) continue;
      const message = `${layer.title} puts a ${entry.type} where the layers below have the directory ${entry.path}`;
      throw new LockstepError({ code: "LS4203", message });
    }
    this.#addParents([...directories, ...items.map(({ entry }) => entry)], made, layer);
    return made.entries(layer.epoch, new Set(directories.map(({ path }) => path)));
  }

  /** What a layer of a step means for the layers above. */
  onStep({ entries, removed }: LayerFacts, title: string): void {
    const directories = new Map(this.#directories);
    const remove = (path: string): void => {
      for (const paths of [directories, this.#owners])
        for (const other of paths.keys()) if (other === path || other.startsWith(`${path}/`)) paths.delete(other);
    };
    for (const path of removed) remove(path);
    for (const { path, type, mode, uid, gid } of entries) {
      if (type === "directory") {
        this.#owners.delete(path);
        directories.set(path, { mode, uid, gid });
      } else {
        if (directories.has(path)) remove(path);
        this.#owners.set(path, title);
      }
    }
    this.#directories = directories;
  }

  /** Notes who has a path that is not a directory from now on. */
  #put(entry: Pick<Entry, "path" | "type">, directories: Directories, layer: TitledLayer, origin: string): void {
    if (directories.has(entry.path)) {
      throw new LockstepError({
        code: "LS4203",
        message: `${layer.title} puts a ${entry.type} where the layers below have the directory ${entry.path}`,
      });
    }
    const owner = this.#owners.get(entry.path);
    if (owner !== undefined) this.replaced.push(`${entry.path} of ${owner}`);
    this.#owners.set(entry.path, origin);
  }

  /** The directories above entries, none of which may be behind a link or a file. */
  #addParents(entries: readonly Pick<Entry, "path">[], directories: Directories, layer: TitledLayer): void {
    for (const { path } of entries) {
      for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent))
        this.#mustNotBe(parent, "directory", layer);
      directories.addParents(path, layer.title);
    }
  }

  /** The fragment of a file set: made once for its content. */
  async #recorded(items: readonly (Item & { readonly sha256?: string })[]): Promise<Fragment> {
    const recipe = items.map(({ entry, sha256 }) => ({ ...entry, ...(sha256 === undefined ? {} : { sha256 }) }));
    const key = hexOf(digestOf(canonicalJson({ format, kind: "entries", entries: recipe })));
    const known = (await this.#store.getRecord("fragment", key)) as Fragment | undefined;
    if (known !== undefined && (await this.#store.find(known.digest))?.size === known.size) return known;
    const made = await writeFragment(this.#store, items, this.#sources);
    await this.#store.putRecord("fragment", key, made);
    return made;
  }

  async #makeEnd(): Promise<Fragment> {
    this.#end ??= await endFragment(this.#store);
    return this.#end;
  }

  async #join(fragments: readonly Fragment[]): Promise<Layer> {
    const filled = fragments.filter(({ tarSize }) => tarSize > 0);
    return joinLayer(this.#store, [...filled, await this.#makeEnd()]);
  }

  #mustNotBe(path: string, wanted: string, layer: TitledLayer): void {
    const owner = this.#owners.get(path);
    if (owner === undefined) return;
    throw new LockstepError({
      code: "LS4203",
      message: `${layer.title} needs ${path} to be a ${wanted}, but ${owner} has a file or a link there`,
      hint: "name the real path, for example usr/bin instead of bin",
    });
  }

  /** No entry may lie behind a link or a file of another origin. */
  #checkParents(directories: Directories): void {
    for (const [path, owner] of this.#owners) {
      if (directories.has(path)) {
        throw new LockstepError({
          code: "LS4201",
          message: `${path} is a file or a link in ${owner} and a directory in another part of the image`,
        });
      }
    }
  }
}

function itemOf(file: Exclude<GeneratedFile, { type: "directory" }>, mtime: number): Item {
  const { path, mode, uid, gid } = file;
  if (file.type === "symlink") return { entry: { type: "symlink", path, mode, uid, gid, mtime, target: file.target } };
  return { entry: { type: "file", path, mode, uid, gid, mtime, size: file.content.length }, content: file.content };
}

function plannedItem(planned: PlannedEntry, mtime: number): Item & { readonly sha256?: string } {
  const { path, mode, uid, gid, text } = planned;
  if (planned.type === "file" && text !== undefined) {
    const content = Buffer.from(text);
    return { entry: { type: "file", path, mode, uid, gid, mtime, size: content.length }, content };
  }
  if (planned.type === "symlink")
    return { entry: { type: "symlink", path, mode, uid, gid, mtime, target: planned.target ?? "" } };
  const entry: Entry = { type: "file", path, mode, uid, gid, mtime, size: planned.size ?? 0 };
  return planned.sha256 === undefined ? { entry } : { entry, sha256: planned.sha256 };
}
