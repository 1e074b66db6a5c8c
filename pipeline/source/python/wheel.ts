/** Installs a wheel without running anything of it (binary distribution format, "Installing a wheel"): every file checked against RECORD. */
import { createHash, hash as hashOf } from "node:crypto";
import { posix } from "node:path";
import type { Code } from "../../host/codes.ts";
import { LockstepError, type Place } from "../../host/errors.ts";
import type { FileEntry } from "../../tree/entry.ts";
import { type Glob, matchesAny, parseGlob } from "../../tree/glob.ts";
import { openBlob, type RandomAccess } from "../../tree/random-access.ts";
import { readZipMember, zipContent } from "../../tree/zip-content.ts";
import { readZipDirectory, type ZipMember } from "../../tree/zip-directory.ts";
import type { EntrySink, InputBlob } from "../archive/sink.ts";
import { normalizedName } from "./markers.ts";
import { formatRecord, parseRecord, type RecordRow } from "./record.ts";
import { parseEntryPoints, scriptOf, withInterpreter, withOwnVersion } from "./scripts.ts";
import { sameVersion } from "./version.ts";

/** Where a wheel goes, all directories relative to that of the layer. */
export interface WheelInstall {
  /** Normalized. */
  readonly name: string;
  readonly version: string;
  /** `3.13`. */
  readonly python: string;
  /** Of modules, pure or not: Debian's Python has them in one place. */
  readonly library: string;
  readonly scripts: string;
  readonly data: string;
  readonly headers: string;
  /** Absolute path of the Python that scripts start. */
  readonly interpreter: string;
  /** Globs of what is left out; a directory that matches is left out with all it has. */
  readonly exclude: readonly string[];
  readonly uid: number;
  readonly gid: number;
}

/** What a wheel may unpack to, and how often its size. */
const largest = 32 * 2 ** 30;
const small = 256 << 20;
const ratio = 200;
/** Bytes of the largest file that is read whole: metadata and scripts. */
const wholeLimit = 64 << 20;

/** Signatures of RECORD, which cannot be in it. */
const signatures = ["RECORD.jws", "RECORD.p7s"];
const algorithms: Readonly<Record<string, string>> = { sha256: "sha256", sha384: "sha384", sha512: "sha512" };

const utf8 = new TextDecoder("utf-8", { fatal: true });

class Installation {
  readonly #file: RandomAccess;
  readonly #place: Place;
  readonly #sink: EntrySink;
  readonly #install: WheelInstall;
  readonly #rows: RecordRow[] = [];
  readonly #directories = new Set<string>();
  readonly #exclude: readonly Glob[];
  #members: ReadonlyMap<string, ZipMember> = new Map();
  #info = "";
  #record: ReadonlyMap<string, RecordRow> = new Map();

  constructor(file: RandomAccess, place: Place, sink: EntrySink, install: WheelInstall) {
    this.#file = file;
    this.#place = place;
    this.#sink = sink;
    this.#install = install;
    this.#exclude = install.exclude.map(parseGlob);
  }

  #excluded(path: string): boolean {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (matchesAny(this.#exclude, path.slice(0, end))) return true;
    }
    return false;
  }

  #fail(code: Code, message: string): LockstepError {
    return new LockstepError({ code, message, place: this.#place });
  }

  async #text(path: string): Promise<string> {
    const member = this.#members.get(path);
    if (member?.type !== "file") throw this.#fail("LS2609", `has no ${path}`);
    const bytes = await readZipMember(this.#file, member, this.#place, wholeLimit);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.#fail("LS2609", `${path} is not UTF-8`);
    }
  }

  /** The one directory with what the wheel says of itself; it must be that of the package the wheel was chosen for. */
  #findInfo(): string {
    const found = [...this.#members.keys()].filter((path) => /^[^/]+\.dist-info\/WHEEL$/.test(path));
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw this.#fail("LS2609", `has ${found.length} .dist-info directories with a WHEEL file`);
    const directory = posix.dirname(only);
    const [, name = "", version = ""] = /^(.+)-([^-]+)\.dist-info$/.exec(directory) ?? [];
    this.#checkIdentity(name, version, directory);
    return directory;
  }

  #checkIdentity(name: string, version: string, where: string): void {
    const { name: wanted, version: wantedVersion } = this.#install;
    if (normalizedName(name) === wanted && sameVersion(version.replaceAll("_", "-"), wantedVersion)) return;
    throw this.#fail(
      "LS2609",
      `says in ${where} that it is ${name} ${version}, and ${wanted} ${wantedVersion} was asked for`,
    );
  }

  /** A header of a file of metadata, which are those of mail. */
  #header(text: string, name: string): string | undefined {
    const head = text.split(/\r?\n\r?\n/)[0] ?? "";
    return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "im").exec(head)?.[1];
  }

  async run(): Promise<void> {
    const content = Math.min(largest, small + ratio * this.#file.size);
    const members = await readZipDirectory(this.#file, this.#place, { entries: 500_000, content });
    this.#members = new Map(members.map((member) => [member.path, member]));
    this.#info = this.#findInfo();
    const wheel = this.#header(await this.#text(`${this.#info}/WHEEL`), "Wheel-Version");
    if (wheel === undefined || !/^1\.[0-9]+$/.test(wheel))
      throw this.#fail("LS2609", `is of wheel version ${wheel ?? "none"}; 1 is read`);
    const metadata = await this.#text(`${this.#info}/METADATA`);
    this.#checkIdentity(this.#header(metadata, "Name") ?? "", this.#header(metadata, "Version") ?? "", "METADATA");
    this.#record = parseRecord(await this.#text(`${this.#info}/RECORD`), this.#place);
    this.#checkRecord();
    const pointsPath = `${this.#info}/entry_points.txt`;
    const points = this.#members.has(pointsPath)
      ? withOwnVersion(parseEntryPoints(await this.#text(pointsPath), this.#place), this.#install.python)
      : [];
    const commands = new Set(points.map(({ name }) => name));
    for (const member of members) await this.#member(member, commands);
    for (const point of points.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (this.#excluded(join(this.#install.scripts, point.name))) continue;
      await this.#generate(
        join(this.#install.scripts, point.name),
        0o755,
        Buffer.from(scriptOf(point, this.#install.interpreter)),
      );
    }
    const info = join(this.#install.library, this.#info);
    await this.#generate(`${info}/INSTALLER`, 0o644, Buffer.from("lockstep\n"));
    await this.#generate(`${info}/REQUESTED`, 0o644, Buffer.alloc(0));
    this.#rows.push({ path: `${this.#info}/RECORD`, hash: "", size: "" });
    await this.#write(`${info}/RECORD`, 0o644, Buffer.from(formatRecord(this.#rows)));
  }

  /** RECORD and archive list the same files. */
  #checkRecord(): void {
    for (const { path, type } of this.#members.values()) {
      if (type === "symlink") throw this.#fail("LS4004", `has ${path}, a symbolic link; wheels have files only`);
      if (type === "file" && !this.#isUnlisted(path) && !this.#record.has(path))
        throw this.#fail("LS2610", `has ${path}, which RECORD does not have`);
    }
    for (const { path } of this.#record.values()) {
      if (!path.endsWith("/") && !this.#isUnlisted(path) && this.#members.get(path)?.type !== "file")
        throw this.#fail("LS2610", `has no ${path}, which RECORD has`);
    }
  }

  #isUnlisted(path: string): boolean {
    return path === `${this.#info}/RECORD` || signatures.some((name) => path === `${this.#info}/${name}`);
  }

  /** Where a file of the archive goes, relative to the layer's directory; undefined for what is made anew. */
  #target(
    path: string,
    commands: ReadonlySet<string>,
  ): { readonly path: string; readonly script: boolean } | undefined {
    const { library, scripts, data, headers, name } = this.#install;
    const [top = "", scheme = "", ...rest] = path.split("/");
    if (path === `${this.#info}/RECORD` || path === `${this.#info}/INSTALLER` || path === `${this.#info}/REQUESTED`)
      return undefined;
    if (!top.endsWith(".data")) return { path: join(library, path), script: false };
    if (top !== `${this.#info.slice(0, -".dist-info".length)}.data` || rest.length === 0)
      throw this.#fail("LS2609", `has ${path}, which is in no known place`);
    const below = rest.join("/");
    switch (scheme) {
      case "purelib":
      case "platlib":
        return { path: join(library, below), script: false };
      case "data":
        return { path: join(data, below), script: false };
      case "headers":
        return { path: join(headers, name, below), script: false };
      case "scripts":
        // Builders that know no entry points write their own starters; the ones made here replace them.
        return commands.has(below.replace(/(?:-script\.py|\.exe|\.pya)$/i, ""))
          ? undefined
          : { path: join(scripts, below), script: true };
      default:
        throw this.#fail("LS2609", `has ${path}, and ${JSON.stringify(scheme)} is no place that wheels have`);
    }
  }

  async #member(member: ZipMember, commands: ReadonlySet<string>): Promise<void> {
    if (member.type !== "file") return;
    const placed = this.#target(member.path, commands);
    // What is left out is checked like all else.
    const target = placed === undefined || this.#excluded(placed.path) ? undefined : placed;
    if (target?.script === true) {
      const script = await this.#checked(member, await readZipMember(this.#file, member, this.#place, wholeLimit));
      return this.#generate(target.path, 0o755, withInterpreter(script, this.#install.interpreter));
    }
    const check = this.#checker(member.path);
    if (target !== undefined)
      await this.#announce(target.path, member.unix && (member.mode & 0o111) !== 0 ? 0o755 : 0o644, member.size);
    for await (const piece of zipContent(this.#file, member, this.#place)) {
      check.update(piece);
      if (target !== undefined) await this.#sink.content(piece);
    }
    check.finish(member.size);
    if (target === undefined) return;
    const { hash = "", size = "" } = this.#record.get(member.path) ?? {};
    this.#rows.push({ path: this.#recorded(target.path), hash, size });
  }

  async #checked(member: ZipMember, bytes: Buffer): Promise<Buffer> {
    const check = this.#checker(member.path);
    check.update(bytes);
    check.finish(bytes.length);
    return bytes;
  }

  /** Compares a file with its row of RECORD: LS2610 when it has another hash or size, or none that is worth something. */
  #checker(path: string): { update(piece: Uint8Array): void; finish(size: number): void } {
    if (this.#isUnlisted(path)) return { update: () => {}, finish: () => {} };
    const row = this.#record.get(path);
    const [, name = "", expected = ""] = /^([a-z0-9]+)=([A-Za-z0-9_-]+)=*$/.exec(row?.hash ?? "") ?? [];
    const algorithm = algorithms[name];
    if (row === undefined || algorithm === undefined)
      throw this.#fail("LS2610", `${path} has no SHA-256, SHA-384 or SHA-512 in RECORD`);
    const digest = createHash(algorithm);
    return {
      update: (piece) => void digest.update(piece),
      finish: (size) => {
        if (digest.digest("base64url") !== expected)
          throw this.#fail("LS2610", `${path} has another hash than in RECORD`);
        if (row.size !== "" && row.size !== String(size))
          throw this.#fail("LS2610", `${path} has another size than in RECORD`);
      },
    };
  }

  /** As RECORD names it: relative to the directory of modules. */
  #recorded(path: string): string {
    return posix.relative(`/${this.#install.library}`, `/${path}`);
  }

  /** A file of our own, with its row. */
  async #generate(path: string, mode: number, content: Buffer): Promise<void> {
    await this.#write(path, mode, content);
    this.#rows.push({
      path: this.#recorded(path),
      hash: `sha256=${hashOf("sha256", content, "base64url")}`,
      size: String(content.length),
    });
  }

  async #write(path: string, mode: number, content: Buffer): Promise<void> {
    await this.#announce(path, mode, content.length);
    if (content.length > 0) await this.#sink.content(content);
  }

  async #announce(path: string, mode: number, size: number): Promise<void> {
    const { uid, gid } = this.#install;
    const parents: string[] = [];
    for (
      let parent = posix.dirname(path);
      parent !== "." && !this.#directories.has(parent);
      parent = posix.dirname(parent)
    )
      parents.unshift(parent);
    for (const parent of parents) {
      this.#directories.add(parent);
      await this.#sink.entry({ type: "directory", path: parent, mode: 0o755, uid, gid, mtime: 0 });
    }
    const entry: FileEntry = { type: "file", path, mode, uid, gid, mtime: 0, size };
    await this.#sink.entry(entry);
  }
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

/**
 * Installs one wheel of the store. Files are 0644, or 0755 where the archive has them executable; scripts are 0755; nothing is compiled.
 * Throws LS2609 (malformed), LS2610 (other files than RECORD says), LS4001 to LS4007 (the archive), LS3001 and LS3002 (the store).
 */
export async function unpackWheel(blob: InputBlob, sink: EntrySink, install: WheelInstall): Promise<void> {
  const file = await openBlob(blob.store, blob.digest);
  try {
    await new Installation(file, blob.place, sink, install).run();
  } finally {
    await file.close();
  }
}
