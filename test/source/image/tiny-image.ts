/** Base images for tests, made byte by byte, and a repository in memory that serves them. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { ImageSource } from "../../../pipeline/build/base/images.ts";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { endOfArchive, paddingOf, tarHeader } from "../../../pipeline/image/tar.ts";
import type { Platform } from "../../../pipeline/spec/types.ts";
import { type Digest, digestOf } from "../../../pipeline/store/digest.ts";
import type { Entry } from "../../../pipeline/tree/entry.ts";

/** A file with its content, or what `Entry` says of anything else. Everything is root's, 0755 or 0644, and of the year 2001. */
export type Short =
  | { readonly path: string; readonly content: string; readonly mode?: number; readonly gid?: number }
  | { readonly path: string; readonly directory: true; readonly mode?: number; readonly uid?: number }
  | { readonly path: string; readonly link: string };

export function tarOf(entries: readonly Short[]): Buffer {
  const base = { uid: 0, gid: 0, mtime: 1_000_000_000 };
  const parts = entries.flatMap((short): Uint8Array[] => {
    const { path } = short;
    if ("link" in short) return [tarHeader({ ...base, type: "symlink", path, mode: 0o777, target: short.link })];
    if ("directory" in short) {
      const entry: Entry = { ...base, type: "directory", path, mode: short.mode ?? 0o755, uid: short.uid ?? 0 };
      return [tarHeader(entry)];
    }
    const content = Buffer.from(short.content);
    const entry: Entry = {
      ...base,
      type: "file",
      path,
      mode: short.mode ?? 0o644,
      gid: short.gid ?? 0,
      size: content.length,
    };
    return [tarHeader(entry), content, Buffer.alloc(paddingOf(content.length))];
  });
  return Buffer.concat([...parts, endOfArchive]);
}

export type Kind = "tar" | "gzip" | "zstd";

export interface TinyLayer {
  readonly entries: readonly Short[];
  /** gzip unless given. */
  readonly kind?: Kind;
}

export interface TinyBase {
  readonly layers: readonly TinyLayer[];
  readonly platforms?: readonly Platform[];
  /** The `config` member of the configuration, and other members of it. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly created?: string;
  /** Docker's media types instead of OCI's. */
  readonly docker?: boolean;
  /** What is changed in each manifest before it gets its digest. */
  readonly manifest?: (value: Record<string, unknown>) => void;
  /** What is changed in the entry of each platform in the index. */
  readonly entry?: (value: Record<string, unknown>) => void;
  /** Without an index. */
  readonly single?: boolean;
}

const packed: Readonly<Record<Kind, (tar: Buffer) => Buffer>> = {
  tar: (tar) => tar,
  gzip: (tar) => gzipSync(tar),
  zstd: (tar) => zstdCompressSync(tar),
};

const ociLayer: Readonly<Record<Kind, string>> = {
  tar: "application/vnd.oci.image.layer.v1.tar",
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
};
const dockerLayer: Readonly<Record<Kind, string>> = {
  tar: "application/vnd.docker.image.rootfs.diff.tar",
  gzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  zstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
};

interface Served {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

/** One repository, whose tags may be moved and whose answers may be changed. */
export class TinyRepository {
  readonly tags = new Map<string, Served>();
  readonly documents = new Map<string, Served>();
  readonly blobs = new Map<string, Buffer>();
  /** Requests, in order: `document <digest or tag>`, `blob <digest>`. */
  readonly log: string[] = [];
  /** Called before each answer to a document. */
  before: (what: string) => void = () => {};

  #document(value: unknown, mediaType: string): Record<string, unknown> & { readonly digest: Digest } {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    this.documents.set(digest, { bytes, mediaType });
    return { mediaType, digest, size: bytes.length };
  }

  #blob(bytes: Buffer, mediaType: string): Record<string, unknown> {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Makes an image and gives it a tag; the digest of its index. */
  push(tag: string, base: TinyBase): Digest {
    const { docker = false, created = "2026-02-03T04:05:06.789Z" } = base;
    const entries = (base.platforms ?? ["linux/amd64", "linux/arm64"]).map((platform) => {
      const [os, architecture] = platform.split("/");
      const tars = base.layers.map(({ entries: list }) => tarOf(list));
      const layers = base.layers.map(({ kind = "gzip" }, index) =>
        this.#blob(packed[kind](tars[index] ?? Buffer.alloc(0)), (docker ? dockerLayer : ociLayer)[kind]),
      );
      const config = {
        os,
        architecture,
        created,
        config: base.config ?? {},
        rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
        ...base.more,
      };
      const manifest: Record<string, unknown> = {
        schemaVersion: 2,
        mediaType: docker
          ? "application/vnd.docker.distribution.manifest.v2+json"
          : "application/vnd.oci.image.manifest.v1+json",
        config: this.#blob(
          Buffer.from(JSON.stringify(config)),
          docker ? "application/vnd.docker.container.image.v1+json" : "application/vnd.oci.image.config.v1+json",
        ),
        layers,
      };
      base.manifest?.(manifest);
      const entry: Record<string, unknown> = {
        ...this.#document(manifest, String(manifest["mediaType"])),
        platform: { os, architecture, ...(architecture === "arm64" ? { variant: "v8" } : {}) },
      };
      base.entry?.(entry);
      return entry;
    });
    const mediaType = docker
      ? "application/vnd.docker.distribution.manifest.list.v2+json"
      : "application/vnd.oci.image.index.v1+json";
    const top =
      base.single === true
        ? String(entries[0]?.["digest"])
        : this.#document({ schemaVersion: 2, mediaType, manifests: entries }, mediaType).digest;
    const served = this.documents.get(top);
    if (served !== undefined) this.tags.set(tag, served);
    return digestOf(served?.bytes ?? "");
  }

  /** As the program sees it, for a reference that ends in a tag, a digest or both. */
  source(reference: string): ImageSource {
    const tag = /@(.*)$/.exec(reference)?.[1] ?? /:([^/]*)$/.exec(reference)?.[1] ?? "";
    return {
      document: (digest) => {
        const what = digest ?? tag;
        this.before(what);
        this.log.push(`document ${what}`);
        const served = this.tags.get(what) ?? this.documents.get(what);
        return served === undefined
          ? Promise.reject(new LockstepError({ code: "LS3102", message: `${what} is not there` }))
          : Promise.resolve(served);
      },
      close: () => void this.log.push("close"),
      blob: async (store, { digest, size }) => {
        this.log.push(`blob ${digest}`);
        const bytes = this.blobs.get(digest);
        if (bytes === undefined) throw new LockstepError({ code: "LS3102", message: `${digest} is not there` });
        const writer = await store.writer();
        try {
          await writer.write(bytes);
          if (bytes.length !== size) throw new LockstepError({ code: "LS2805", message: "other size" });
          await writer.commit(digest);
        } finally {
          await writer.abort();
        }
      },
    };
  }
}
