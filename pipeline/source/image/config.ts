/** Reads the configuration of a base image (OCI image-spec 1.1, config.md): what is inherited, what is left, what is refused. */
import type { RuntimeConfig } from "../../image/oci.ts";
import type { Platform } from "../../spec/types.ts";
import { type Digest, isDigest } from "../../store/digest.ts";
import { isContent, parseDocument, problem } from "./manifest.ts";

/** An entry of the history as the base has it; times are kept as they are written. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: true;
}

export interface BaseConfig {
  /** Seconds since 1970; 0 when the base names no time. */
  readonly created: number;
  /** The members of `config` that OCI defines, absent where they are empty. */
  readonly runtime: RuntimeConfig;
  /** One list a layer, lowest first: what belongs to it, with the empty entries before it; the last also has those after it. */
  readonly history: readonly (readonly HistoryEntry[])[];
  readonly diffIds: readonly Digest[];
}

type Content = Readonly<Record<string, unknown>>;

/** RFC 3339, as config.md asks for; what is after the second is dropped. */
const time = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function secondsOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return 0;
  const parts = typeof value === "string" ? time.exec(value) : null;
  const milliseconds = parts === null ? Number.NaN : Date.parse(`${parts[1] ?? ""}${parts[2] ?? ""}`);
  // Some tools write the year 1, which is their zero.
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds / 1000);
}

/** Reads members of `config`; whatever has another shape than config.md gives it is LS2802. */
class Reader {
  readonly #content: Content;
  readonly #reference: string;

  constructor(content: Content, reference: string) {
    this.#content = content;
    this.#reference = reference;
  }

  #take<T>(
    name: string,
    what: string,
    empty: (value: T) => boolean,
    is: (value: unknown) => value is T,
  ): T | undefined {
    const value = this.#content[name];
    if (value === undefined || value === null) return undefined;
    if (!is(value)) throw problem("LS2802", this.#reference, `${name} in the config of the base is not ${what}`);
    return empty(value) ? undefined : value;
  }

  text(name: string): string | undefined {
    return this.#take(
      name,
      "a text",
      (value) => value === "",
      (value) => typeof value === "string",
    );
  }

  list(name: string, pattern = /(?:)/, what = "a list of texts"): readonly string[] | undefined {
    const is = (value: unknown): value is readonly string[] =>
      Array.isArray(value) &&
      (value as readonly unknown[]).every((item) => typeof item === "string" && pattern.test(item));
    return this.#take(name, what, (value) => value.length === 0, is);
  }

  texts(name: string): Readonly<Record<string, string>> | undefined {
    const is = (value: unknown): value is Readonly<Record<string, string>> =>
      isContent(value) && Object.values(value).every((item) => typeof item === "string");
    return this.#take(name, "a mapping of texts", (value) => Object.keys(value).length === 0, is);
  }

  /** A set, which JSON has as a mapping to empty mappings. */
  set(name: string): Readonly<Record<string, Readonly<Record<string, never>>>> | undefined {
    const value = this.#take(name, "a set of names", (found: Content) => Object.keys(found).length === 0, isContent);
    return value === undefined ? undefined : Object.fromEntries(Object.keys(value).map((key) => [key, {}]));
  }
}

function runtimeOf(value: unknown, reference: string): RuntimeConfig {
  if (value !== undefined && value !== null && !isContent(value))
    throw problem("LS2802", reference, "config of the base is not a mapping");
  const content: Content = value ?? {};
  const reader = new Reader(content, reference);
  const onBuild = reader.list("OnBuild");
  if (onBuild !== undefined) {
    throw problem(
      "LS2806",
      reference,
      `has steps that are to be run when something is built on it (OnBuild: ${onBuild[0] ?? ""})`,
      "use a base without them, and write into the spec what they would do",
    );
  }
  if (content["ArgsEscaped"] === true)
    throw problem(
      "LS2806",
      reference,
      "has its command escaped for Windows (ArgsEscaped)",
      "use a base that was made for Linux",
    );
  const members: { -readonly [Name in keyof RuntimeConfig]: RuntimeConfig[Name] | undefined } = {
    User: reader.text("User"),
    ExposedPorts: reader.set("ExposedPorts"),
    Env: reader.list("Env", /^[^=\0]+=[^\0]*$/, "a list of NAME=value"),
    Entrypoint: reader.list("Entrypoint"),
    Cmd: reader.list("Cmd"),
    Volumes: reader.set("Volumes"),
    WorkingDir: reader.text("WorkingDir"),
    Labels: reader.texts("Labels"),
    StopSignal: reader.text("StopSignal"),
  };
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}

function historyEntry(value: unknown, reference: string): HistoryEntry {
  const wrong = (): Error => problem("LS2802", reference, "an entry of the history of the base is malformed");
  if (!isContent(value)) throw wrong();
  const text = (name: string): Readonly<Record<string, string>> => {
    const member = value[name];
    if (member === undefined || member === null || member === "") return {};
    if (typeof member !== "string") throw wrong();
    return { [name]: member };
  };
  const empty = value["empty_layer"];
  if (empty !== undefined && typeof empty !== "boolean") throw wrong();
  return {
    ...text("created"),
    ...text("created_by"),
    ...text("author"),
    ...text("comment"),
    ...(empty === true ? { empty_layer: true } : {}),
  };
}

/** The entries of each layer; undefined where the history is not about these layers, which tools that rewrite images leave behind. */
function historyOf(
  value: unknown,
  layers: number,
  reference: string,
): readonly (readonly HistoryEntry[])[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw problem("LS2802", reference, "history of the base is not a list");
  const lists: HistoryEntry[][] = [];
  let open: HistoryEntry[] = [];
  for (const item of (value as readonly unknown[]).map((entry) => historyEntry(entry, reference))) {
    open.push(item);
    if (item.empty_layer === true) continue;
    lists.push(open);
    open = [];
  }
  if (lists.length !== layers) return undefined;
  lists.at(-1)?.push(...open);
  return lists;
}

/**
 * Reads a config. LS2801 when it is of another platform, LS2802 when it is malformed or has another number of layers than `layers`,
 * LS2806 when it asks for what an image here cannot keep.
 */
export function readConfig(bytes: Uint8Array, platform: Platform, layers: number, reference: string): BaseConfig {
  const document = parseDocument(bytes, reference, "the config of the base");
  const { os, architecture, rootfs, "os.version": version, "os.features": features } = document;
  const name = `${String(os)}/${String(architecture)}`;
  if (name !== platform)
    throw problem(
      "LS2801",
      reference,
      `has a config of ${name} for ${platform}`,
      "use a base that was made for this platform",
    );
  if (version !== undefined || (Array.isArray(features) && features.length > 0))
    throw problem(
      "LS2806",
      reference,
      "asks for a certain system (os.version or os.features)",
      "use a base that was made for Linux",
    );
  const created = secondsOf(document["created"]);
  if (created === undefined) throw problem("LS2802", reference, "config of the base has a time that is none");
  const ids = isContent(rootfs) ? rootfs["diff_ids"] : undefined;
  const isId = (id: unknown): id is Digest => typeof id === "string" && isDigest(id);
  if (!Array.isArray(ids) || !(ids as readonly unknown[]).every(isId))
    throw problem("LS2802", reference, "config of the base has no list of diffIDs");
  if (ids.length !== layers) throw problem("LS2802", reference, `has ${layers} layers and ${ids.length} diffIDs`);
  const stamp = new Date(created * 1000).toISOString().replace(".000Z", "Z");
  const history =
    historyOf(document["history"], layers, reference) ??
    ids.map(() => [{ created: stamp, created_by: `lockstep: base ${reference}` }]);
  return { created, runtime: runtimeOf(document["config"], reference), history, diffIds: ids };
}
