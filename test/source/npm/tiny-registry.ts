/** An npm registry on this machine for tests: packages made in memory, documents and tarballs as npm asks for them. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { createHost } from "../../../pipeline/host/host.ts";
import { type RawEntry, rawTar } from "../debian/tiny-deb.ts";
import { type WebServer, startWebServer } from "../web-server.ts";

export interface TinyPackage {
  readonly name: string;
  readonly version: string;
  /** Further fields of package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Entries after package.json, by their names in the archive (`package/index.js`). */
  readonly entries?: readonly RawEntry[];
}

export interface TinyRegistry extends WebServer {
  /** Tarballs by `name@version`. */
  readonly tarballs: ReadonlyMap<string, Buffer>;
  /** What requests said of who they are, in order. */
  readonly authorizations: (string | undefined)[];
}

function manifestOf({ name, version, manifest }: TinyPackage): Readonly<Record<string, unknown>> {
  return { name, version, ...manifest };
}

export function tarballOf(item: TinyPackage): Buffer {
  const manifest: RawEntry = { name: "package/package.json", content: JSON.stringify(manifestOf(item)) };
  return gzipSync(rawTar([manifest, ...(item.entries ?? [])]));
}

export function integrityOf(tarball: Uint8Array): string {
  return `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
}

function pathOf(name: string, version: string): string {
  return `/${name}/-/${name.slice(name.indexOf("/") + 1)}-${version}.tgz`;
}

/** `token`: only who shows it gets anything. */
export async function startRegistry(packages: readonly TinyPackage[], token?: string): Promise<TinyRegistry> {
  const server = await startWebServer();
  const tarballs = new Map<string, Buffer>();
  const documents = new Map<string, Record<string, unknown>>();
  const authorizations: (string | undefined)[] = [];
  const serve = (path: string, body: Uint8Array): void => {
    server.files.set(path, (request, response) => {
      authorizations.push(request.headers.authorization);
      if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) response.writeHead(401).end();
      else response.writeHead(200, { "content-length": body.length }).end(body);
    });
  };
  for (const item of packages) {
    const tarball = tarballOf(item);
    const path = pathOf(item.name, item.version);
    tarballs.set(`${item.name}@${item.version}`, tarball);
    serve(path, tarball);
    const dist = { tarball: `${server.base}${path}`, integrity: integrityOf(tarball) };
    documents.set(item.name, { ...documents.get(item.name), [item.version]: { ...manifestOf(item), dist } });
  }
  for (const [name, versions] of documents) {
    const latest = Object.keys(versions).at(-1);
    serve(`/${name}`, Buffer.from(JSON.stringify({ name, "dist-tags": { latest }, versions })));
  }
  return { ...server, tarballs, authorizations };
}

/** Runs npm in a project with nothing of this machine's own settings; rejects with what it said when it fails. */
export async function npm(project: string, registry: string, ...args: readonly string[]): Promise<void> {
  const host = createHost();
  const settings = ["--registry", registry, "--cache", join(project, "../npm-cache"), "--no-audit", "--no-fund"];
  const env = { PATH: host.env("PATH") ?? "", HOME: join(project, "..") };
  // Git keeps two modes; what npm gives files depends on the mask.
  const shell = ["-c", 'umask 022; exec npm "$@"', "npm", ...args, ...settings];
  const { code, stderr } = await host.run("sh", shell, { cwd: project, env });
  if (code !== 0) throw new Error(`npm ${args.join(" ")}: ${stderr.toString()}`);
}

/** Writes the files of a project; values that are no texts are written as JSON. */
export function writeProject(directory: string, files: Readonly<Record<string, unknown>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), typeof content === "string" ? content : JSON.stringify(content, undefined, 2));
  }
}
