/** Repositories of a few tiny packages that need no network, for tests of the whole build. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type BuiltImage, buildImages } from "../../pipeline/build/build.ts";
import { fetchLocked, openRepository, planRepository } from "../../pipeline/build/repository.ts";
import type { PlannedImage } from "../../pipeline/build/plan.ts";
import type { Host } from "../../pipeline/host/host.ts";
import { formatLock } from "../../pipeline/lock/format.ts";
import {
  emptyLock,
  type Lock,
  type LockedHttp,
  type LockedInputs,
  type LockedPackage,
  type LockedRelease,
  type LockedResolution,
  packageKey,
  releaseKey,
} from "../../pipeline/lock/types.ts";
import { silent } from "../../pipeline/report/report.ts";
import { type Digest, hexOf } from "../../pipeline/store/digest.ts";
import { Store } from "../../pipeline/store/store.ts";
import type { Entry } from "../../pipeline/tree/entry.ts";
import { ByteReader } from "../../pipeline/tree/bytes.ts";
import { TarReader } from "../../pipeline/tree/tar-reader.ts";
import { sha256Of, type TinyDeb, tinyDeb } from "../source/debian/tiny-deb.ts";
import { type Scene, scene } from "../support.ts";

const baseFiles: TinyDeb = {
  name: "base-files",
  architecture: "all",
  data: [
    { name: "./etc/", flag: "5", mode: 0o755 },
    { name: "./usr/bin/", flag: "5", mode: 0o755 },
    { name: "./tmp/", flag: "5", mode: 0o1777 },
    { name: "./bin", flag: "2", link: "usr/bin" },
    { name: "./etc/debian_version", content: "13.0\n" },
  ],
};

const basePasswd: TinyDeb = {
  name: "base-passwd",
  architecture: "all",
  data: [
    { name: "./usr/share/base-passwd/passwd.master", content: "root:*:0:0:root:/root:/bin/bash\n" },
    { name: "./usr/share/base-passwd/group.master", content: "root:*:0:\nshadow:*:42:\n" },
  ],
};

/** A package of the repository: a sound one by its description, or bytes under a name. */
type Given = TinyDeb | { readonly name: string; readonly bytes: Uint8Array };

export interface TinyOptions {
  /** image.yaml by image name. */
  readonly images: Readonly<Record<string, string>>;
  /** Beside base-files and base-passwd. */
  readonly packages?: readonly Given[];
  /** Files that the lock has by URL. */
  readonly http?: Readonly<Record<string, Uint8Array>>;
  /** Other entries of the lock, and the blobs that they name. */
  readonly inputs?: { readonly locked: Partial<LockedInputs>; readonly blobs: readonly Uint8Array[] };
  /** Files of the repository by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Date of the release; 2026-01-02T03:04:05Z unless given. */
  readonly date?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface TinyRepository extends Scene {
  readonly root: string;
  readonly out: string;
  readonly locked: ReadonlyMap<string, LockedPackage>;
  write(path: string, content: string): void;
  plan(host?: Host, names?: readonly string[]): Promise<readonly PlannedImage[]>;
  build(options?: {
    readonly names?: readonly string[];
    readonly results?: Store;
    readonly signal?: AbortSignal;
  }): Promise<readonly BuiltImage[]>;
}

function lockOf(options: TinyOptions, packages: readonly LockedPackage[], release: LockedRelease): Lock {
  const names = (yaml: string): readonly string[] =>
    (/packages: \[([^\]]*)\]/.exec(yaml)?.[1] ?? "").split(/, */).filter((name) => name !== "");
  const baseOf = (yaml: string): string | undefined => /^from: (\S+)$/m.exec(yaml)?.[1];
  const requests = (yaml: string): readonly string[] => {
    const base = options.images[baseOf(yaml) ?? ""];
    return [...new Set([...(base === undefined ? [] : requests(base)), ...names(yaml)])].toSorted();
  };
  const implied = ["base-files", "base-passwd"];
  const images = new Map(
    Object.entries(options.images).flatMap(([name, yaml]) => {
      const request = requests(yaml);
      if (request.length === 0) return [];
      const keys = packages.filter((item) => [...implied, ...request].includes(item.name)).map(packageKey);
      const platforms = /^platforms: \[([^\]]*)\]$/m.exec(yaml)?.[1]?.split(/, */) ?? ["linux/amd64", "linux/arm64"];
      const resolution: LockedResolution = {
        suite: "trixie",
        dependencies: "all",
        request,
        platforms: Object.fromEntries(platforms.map((platform) => [platform, keys.toSorted()])),
      };
      return [[name, resolution] as const];
    }),
  );
  // The lock names nothing that no image uses.
  const used = new Set([...images.values()].flatMap(({ platforms }) => Object.values(platforms).flat()));
  return {
    ...emptyLock,
    releases: new Map(used.size === 0 ? [] : [[releaseKey(release), release]]),
    packages: new Map(packages.map((item) => [packageKey(item), item] as const).filter(([key]) => used.has(key))),
    images,
  };
}

export async function tinyRepository(options: TinyOptions): Promise<TinyRepository> {
  const { host, store, directory } = scene(options.environment);
  const root = join(directory, "repository");
  const out = join(root, "out/images");
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  mkdirSync(join(root, "images"), { recursive: true });
  for (const [image, yaml] of Object.entries(options.images))
    write(`images/${image}/image.yaml`, `name: ${image}\n${yaml}`);
  for (const [path, content] of Object.entries(options.files ?? {})) write(path, content);
  const release: LockedRelease = {
    suite: "trixie",
    archive: "debian",
    date: options.date ?? "2026-01-02T03:04:05Z",
    sha256: "ab".repeat(32),
    signedBy: ["0123456789ABCDEF0123456789ABCDEF01234567"],
  };
  const packages: LockedPackage[] = [];
  for (const given of [baseFiles, basePasswd, ...(options.packages ?? [])]) {
    const bytes = "bytes" in given ? given.bytes : tinyDeb(given);
    const { name = "tiny", version = "1.0", architecture = "all" } = "bytes" in given ? { name: given.name } : given;
    await store.put(bytes);
    packages.push({
      name,
      version,
      architecture,
      archive: "debian",
      path: `pool/main/t/${name}/${name}_${version}_${architecture}.deb`,
      size: bytes.length,
      sha256: sha256Of(bytes),
      source: name,
      sourceVersion: version,
      release: releaseKey(release),
    });
  }
  const http = new Map<string, LockedHttp>();
  for (const [url, bytes] of Object.entries(options.http ?? {})) {
    await store.put(bytes);
    http.set(url, { size: bytes.length, sha256: sha256Of(bytes) });
  }
  for (const bytes of options.inputs?.blobs ?? []) await store.put(bytes);
  write("lockstep.lock", formatLock({ ...lockOf(options, packages, release), http, ...options.inputs?.locked }));
  const plan: TinyRepository["plan"] = async (on = host, names = []) =>
    planRepository(on, await openRepository(store, root), names);
  return {
    host,
    store,
    directory,
    root,
    out,
    locked: new Map(packages.map((item) => [item.name, item])),
    write,
    plan,
    build: async ({ names = [], results = store, signal } = {}) => {
      const planned = await plan(host, names);
      const stop = signal === undefined ? {} : { signal };
      await fetchLocked(host, store, silent, { root, specs: [] }, planned, { offline: true, ...stop });
      return buildImages(host, { inputs: store, results }, silent, planned, { out, ...stop });
    },
  };
}

/** Entries of a layer with the contents of its files, read from a layout. */
export async function readLayer(
  layout: string,
  digest: Digest,
): Promise<readonly (Entry & { readonly content?: string })[]> {
  const tar = gunzipSync(readFileSync(join(layout, "blobs/sha256", hexOf(digest))));
  const pieces = (async function* () {
    yield tar;
  })();
  const reader = new TarReader(new ByteReader(pieces, { file: digest }));
  const entries: (Entry & { readonly content?: string })[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    const content = entry.type === "file" ? { content: (await reader.readAll(1 << 20)).toString("utf8") } : {};
    entries.push({ ...entry, ...content });
  }
  return entries;
}

/** Changes one byte in the middle of a blob, as a failing disk would. */
export function damage(store: Store, digest: Digest): void {
  const path = store.pathOf(digest);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

export const image = (packages: string, more = ""): string =>
  `platforms: [linux/amd64]\nlayers:\n  - debian: { suite: trixie, packages: [${packages}] }\n${more}`;
