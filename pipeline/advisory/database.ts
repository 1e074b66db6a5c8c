/** The advisories that a user gives: files, directories and zip archives of OSV documents, read offline, and asked about locked packages. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Place, type Problem, systemCode } from "../host/errors.ts";
import { inParallel } from "../host/parallel.ts";
import { positionAt } from "../lock/positions.ts";
import { comparePaths } from "../tree/entry.ts";
import { inMemory } from "../tree/random-access.ts";
import { readZipMember } from "../tree/zip-content.ts";
import { readZipDirectory } from "../tree/zip-directory.ts";
import { type Ecosystem, affects, loadEcosystems } from "./affects.ts";
import { type Advisory, type Affected, readAdvisory } from "./osv.ts";

/** A package as databases of advisories name it. */
export interface Subject {
  readonly ecosystem: string;
  /** What follows the colon of an ecosystem: the number of Debian's release. */
  readonly release?: string;
  readonly name: string;
  readonly version: string;
}

export interface Hit {
  readonly advisory: Advisory;
  /** False when a version has no order, so that the package may be affected. */
  readonly certain: boolean;
}

/** The largest file of JSON, and the largest archive of such files, in bytes. */
const fileLimit = 256 << 20;
const archiveLimit = 1 << 30;
/** What an archive may hold: the databases of whole ecosystems have some hundred thousand small files. */
const archiveLimits = { entries: 1_000_000, content: 16 * 2 ** 30 } as const;
const filesAtOnce = 8;
/** Problems that are told; a directory of something else would have as many as files. */
const mostProblems = 50;

function indexKey(ecosystem: string, name: string): string {
  return `${ecosystem} ${name}`;
}

export class AdvisoryDatabase {
  readonly #ecosystems: ReadonlyMap<string, Ecosystem>;
  /** By ecosystem and name; withdrawn ones are not in it. */
  readonly #about = new Map<string, { readonly advisory: Advisory; readonly affected: Affected }[]>();
  #read = 0;
  #modified = "";

  constructor(ecosystems: ReadonlyMap<string, Ecosystem>) {
    this.#ecosystems = ecosystems;
  }

  /** How many advisories were read. */
  get read(): number {
    return this.#read;
  }

  /** The newest time that one of them was changed. */
  get modified(): string {
    return this.#modified;
  }

  /** Adds an advisory, of which only what concerns `wanted` packages is kept. */
  add(advisory: Advisory, wanted: ReadonlySet<string>): void {
    this.#read++;
    if (Date.parse(advisory.modified) > (Date.parse(this.#modified) || -Infinity)) this.#modified = advisory.modified;
    if (advisory.withdrawn) return;
    for (const affected of advisory.affected) {
      const key = this.keyOf(affected);
      if (key === undefined || !wanted.has(key)) continue;
      const known = this.#about.get(key);
      if (known === undefined) this.#about.set(key, [{ advisory, affected }]);
      else known.push({ advisory, affected });
    }
  }

  /** Under which key advisories about a package are kept; undefined when nobody can order its versions. */
  keyOf({ ecosystem, name }: Pick<Subject, "ecosystem" | "name">): string | undefined {
    const known = this.#ecosystems.get(ecosystem);
    return known === undefined ? undefined : indexKey(ecosystem, known.nameOf(name));
  }

  /** The advisories that a version is affected by, sorted by id, each once. */
  about(subject: Subject): readonly Hit[] {
    const ecosystem = this.#ecosystems.get(subject.ecosystem);
    const key = this.keyOf(subject);
    if (ecosystem === undefined || key === undefined) return [];
    const hits = new Map<string, Hit>();
    for (const { advisory, affected } of this.#about.get(key) ?? []) {
      // `Debian` alone is about every release; a release that the subject does not know could be any.
      const elsewhere =
        affected.release !== undefined && subject.release !== undefined && affected.release !== subject.release;
      if (elsewhere) continue;
      const answer = affects(affected, subject.version, ecosystem.order);
      if (answer === "unaffected") continue;
      const certain = answer === "affected" || hits.get(advisory.id)?.certain === true;
      hits.set(advisory.id, { advisory, certain });
    }
    return [...hits.values()].toSorted((a, b) => comparePaths(a.advisory.id, b.advisory.id));
  }
}

/** The documents of one file: one advisory, a list of them, or the answer of a server with `vulns`. */
function documentsOf(text: string, place: Place): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // V8 tells the offset in its message, except at the end of the text.
    const offset = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    const at = positionAt(text, offset === undefined ? text.length : Number(offset));
    throw new LockstepError({
      code: "LS2212",
      message: "is not JSON from here on",
      place: { ...place, ...at },
      hint: "take the file from the database of advisories again",
    });
  }
  if (Array.isArray(value)) return value as readonly unknown[];
  if (typeof value === "object" && value !== null && "vulns" in value && Array.isArray(value.vulns))
    return value.vulns as readonly unknown[];
  return [value];
}

function decode(bytes: Uint8Array, place: Place): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new LockstepError({ code: "LS2212", message: "is not UTF-8 text", place });
  }
}

/** A document, or several, that can be read. */
interface Source {
  /** As messages name it. */
  readonly shown: string;
  readonly read: () => Promise<Buffer>;
}

async function readWhole(path: string, shown: string, limit: number): Promise<Buffer> {
  const bytes = await readFile(path);
  if (bytes.length <= limit) return bytes;
  throw new LockstepError({ code: "LS2212", message: `is larger than ${limit} bytes`, place: { file: shown } });
}

/** The .json files of a zip archive, in its order. Throws LS40xx for one that is damaged or hostile. */
async function filesInZip(path: string, shown: string): Promise<readonly Source[]> {
  const archive = inMemory(await readWhole(path, shown, archiveLimit));
  const place = { file: shown };
  const members = await readZipDirectory(archive, place, archiveLimits);
  return members
    .filter((member) => member.type === "file" && member.path.endsWith(".json"))
    .map((member) => ({
      shown: `${shown}/${member.path}`,
      read: () => readZipMember(archive, member, place, fileLimit),
    }));
}

function fileSource(path: string, shown: string): Source {
  return { shown, read: () => readWhole(path, shown, fileLimit) };
}

/** Every .json file below a directory, sorted; links are not followed. */
async function filesBelow(directory: string, shown: string): Promise<readonly Source[]> {
  const entries = (await readdir(directory, { withFileTypes: true })).toSorted((a, b) => comparePaths(a.name, b.name));
  const found: Source[] = [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    const name = join(shown, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path, name)));
    else if (entry.isFile() && entry.name.endsWith(".json")) found.push(fileSource(path, name));
  }
  return found;
}

/**
 * Reads advisories from files, directories and zip archives, and keeps what is about `subjects`. `sources`: paths, and how they are shown.
 * Throws LS2212 (not there, no JSON, nothing in it) and LS2213 (not in the OSV format), of all files at once, and LS40xx for an archive.
 */
export async function readAdvisories(
  sources: readonly { readonly path: string; readonly shown: string }[],
  subjects: Iterable<Subject>,
): Promise<AdvisoryDatabase> {
  const database = new AdvisoryDatabase(await loadEcosystems());
  const wanted = new Set([...subjects].flatMap((subject) => database.keyOf(subject) ?? []));
  const problems: Problem[] = [];
  for (const { path, shown } of sources) {
    const before = database.read;
    const place = { file: shown };
    const files = await listed(path, shown);
    const read = async (file: Source): Promise<readonly Advisory[] | LockstepError> => {
      try {
        const at = { file: file.shown };
        return documentsOf(decode(await file.read(), at), at).map((document, index, all) =>
          readAdvisory(document, all.length === 1 ? at : { file: `${file.shown}[${index}]` }),
        );
      } catch (error) {
        if (!(error instanceof LockstepError)) throw error;
        return error;
      }
    };
    for (let from = 0; from < files.length; from += 1000) {
      const batch = await inParallel(files.slice(from, from + 1000), filesAtOnce, read);
      for (const result of batch) {
        if (result instanceof LockstepError) problems.push(...result.problems);
        else for (const advisory of result) database.add(advisory, wanted);
      }
    }
    if (database.read === before && problems.length === 0) {
      throw new LockstepError({
        code: "LS2212",
        message: "has no advisory in it",
        place,
        hint: "name a JSON file in the OSV format, or a directory or zip archive of such files",
      });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems.slice(0, mostProblems));
  return database;
}

async function listed(path: string, shown: string): Promise<readonly Source[]> {
  try {
    if ((await stat(path)).isDirectory()) return await filesBelow(path, shown);
    return path.endsWith(".zip") ? await filesInZip(path, shown) : [fileSource(path, shown)];
  } catch (error) {
    const code = error instanceof LockstepError ? undefined : systemCode(error);
    if (code === undefined) throw error;
    throw new LockstepError({
      code: "LS2212",
      message: code === "ENOENT" ? "is not there" : `cannot be read (${code})`,
      place: { file: shown },
      hint: "name a file, a directory or a zip archive of advisories in the OSV format",
    });
  }
}
