/** Files as something to compare: archives of images (`docker save`, OCI), layers, and any other file. */
import { closeSync, createReadStream, createWriteStream, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { LockstepError } from "../../host/errors.ts";
import { type Manifest, parseManifest, type RemoteDescriptor } from "../../registry/manifest.ts";
import { type Digest, Digester, digestOf } from "../../store/digest.ts";
import { type RawType, RawTarReader } from "../archive/raw-tar.ts";
import { splitName } from "../archive/scan.ts";
import { compressionOf, decompressed } from "./compression.ts";
import { imageSubject } from "./image-subject.ts";
import { filePart, type Subject, type SubjectBlob, type SubjectImage } from "./subject.ts";

const indexType = "application/vnd.oci.image.index.v1+json";
const refName = "org.opencontainers.image.ref.name";
const largestDocument = 16 << 20;
/** How many entries of an archive of an image are looked at: blobs and documents, not files. */
const largestCount = 100_000;

/** Names at the head of archives of images, as docker, go-containerregistry and Jib write them; a layer begins with a directory of the root file system. */
const ofImage =
  /^(?:blobs(?:\/.*)?|oci-layout|index\.json|manifest\.json|config\.json|repositories|(?:sha256:)?[0-9a-f]{64}(?:\/.*|\.json|\.tar(?:\.gz)?)?)$/;

interface Member {
  readonly type: RawType;
  readonly target: string;
  readonly offset: number;
  readonly size: number;
}

function broken(name: string, message: string): LockstepError {
  return new LockstepError({ code: "LS5102", message, place: { file: name } });
}

/** Whether the first entry of a tar archive is one of an archive of images; undefined when it is no tar archive. */
async function beginsLikeImage(source: AsyncIterable<Uint8Array>, name: string): Promise<boolean | undefined> {
  const reader = new RawTarReader(source, name);
  try {
    const first = await reader.next();
    return first !== undefined && ofImage.test(splitName(first.name).path);
  } catch {
    return undefined;
  } finally {
    await reader.close();
  }
}

async function membersOf(path: string, name: string): Promise<ReadonlyMap<string, Member>> {
  const reader = new RawTarReader(createReadStream(path, { highWaterMark: 1 << 20 }), name);
  const members = new Map<string, Member>();
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      if (members.size > largestCount)
        throw broken(name, "an archive of an image with more entries than any image has");
      const { type, target, stored } = entry;
      members.set(splitName(entry.name).path, { type, target, offset: reader.offset, size: stored });
    }
  } finally {
    await reader.close();
  }
  return members;
}

/** Files of an archive of an image, by name. */
class ImageArchive {
  readonly #path: string;
  readonly #name: string;
  readonly #members: ReadonlyMap<string, Member>;

  constructor(path: string, name: string, members: ReadonlyMap<string, Member>) {
    this.#path = path;
    this.#name = name;
    this.#members = members;
  }

  has(path: string): boolean {
    return this.#members.has(path);
  }

  /** Older `docker save` has links in place of layers that it has already. */
  #find(path: string, links = 8): Member {
    const member = this.#members.get(splitName(path).path);
    if (member === undefined) throw broken(this.#name, `${path} is not in the archive`);
    if (member.type === "file") return member;
    if (links > 0 && member.type === "symbolic link") {
      const parts = path.split("/").slice(0, -1);
      for (const part of member.target.split("/")) {
        if (part === "..") parts.pop();
        else if (part !== "." && part !== "") parts.push(part);
      }
      return this.#find(parts.join("/"), links - 1);
    }
    if (links > 0 && member.type === "hard link") return this.#find(member.target, links - 1);
    throw broken(this.#name, `${path} is no file in the archive`);
  }

  async bytes(path: string): Promise<Buffer> {
    const { offset, size } = this.#find(path);
    if (size > largestDocument) throw broken(this.#name, `${path} has ${size} bytes`);
    const pieces: Uint8Array[] = [];
    for await (const piece of filePart(this.#path, offset, size)) pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  }

  size(path: string): number {
    return this.#find(path).size;
  }

  async *open(path: string, start = 0, end = Number.MAX_SAFE_INTEGER): AsyncGenerator<Uint8Array, void> {
    const { offset, size } = this.#find(path);
    yield* filePart(this.#path, offset + start, Math.max(0, Math.min(end, size) - start));
  }

  async digest(path: string): Promise<Digest> {
    const digester = new Digester();
    for await (const piece of this.open(path)) digester.update(piece);
    return digester.finish();
  }
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

async function ociArchive(
  archive: ImageArchive,
  name: string,
  tag: string | undefined,
  platform: string | undefined,
  close: () => Promise<void>,
): Promise<Subject> {
  const manifest = async ({ digest, mediaType }: RemoteDescriptor): Promise<Manifest> => {
    const bytes = await archive.bytes(blobPath(digest));
    if (digestOf(bytes) !== digest) throw broken(name, `blob ${digest} has other content`);
    return parseManifest(bytes, mediaType, `${name}: ${digest}`);
  };
  return imageSubject(
    {
      root: async () => {
        const { manifests } = parseManifest(await archive.bytes("index.json"), indexType, `${name}: index.json`);
        const found =
          tag === undefined ? manifests : manifests.filter(({ annotations }) => annotations?.[refName] === tag);
        const [first] = found;
        if (first === undefined || new Set(found.map(({ digest }) => digest)).size !== 1)
          throw new LockstepError({
            code: "LS5103",
            message: `${name} has ${found.length} images${tag === undefined ? "" : ` called ${tag}`}`,
            hint: "name one of them after a colon",
          });
        return manifest(first);
      },
      manifest,
      blob: ({ digest, size }) => ({
        digest,
        size,
        async *open(start, end) {
          const digester = new Digester();
          for await (const piece of archive.open(blobPath(digest), start, end)) {
            digester.update(piece);
            yield piece;
          }
          if (start === 0 && end === size && (digester.size !== size || digester.finish() !== digest))
            throw broken(name, `blob ${digest} has other content`);
        },
      }),
    },
    name,
    platform,
    close,
  );
}

interface SavedImage {
  readonly Config?: unknown;
  readonly RepoTags?: unknown;
  readonly Layers?: unknown;
}

async function savedImage(archive: ImageArchive, name: string, saved: SavedImage): Promise<SubjectImage> {
  const { Config: configPath, Layers: layerPaths } = saved;
  if (typeof configPath !== "string" || !Array.isArray(layerPaths)) throw broken(name, "manifest.json names no image");
  const config = await archive.bytes(configPath);
  const layers = await Promise.all(
    (layerPaths as readonly unknown[]).map(async (path, index): Promise<SubjectBlob> => {
      if (typeof path !== "string") throw broken(name, "manifest.json names no layers");
      return {
        name: `${name}: layer ${index + 1}`,
        digest: await archive.digest(path),
        mediaType: "application/vnd.docker.image.rootfs.diff.tar",
        size: archive.size(path),
        open: () => archive.open(path),
      };
    }),
  );
  return {
    config: { bytes: config, digest: digestOf(config), mediaType: "application/vnd.docker.container.image.v1+json" },
    layers,
  };
}

async function dockerArchive(
  archive: ImageArchive,
  name: string,
  tag: string | undefined,
  close: () => Promise<void>,
): Promise<Subject> {
  const bytes = await archive.bytes("manifest.json");
  let list: unknown;
  try {
    list = JSON.parse(bytes.toString("utf8"));
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list)) throw broken(name, "manifest.json is no list of images");
  const all = (list as readonly (SavedImage | null)[]).flatMap((one) => one ?? []);
  const found =
    tag === undefined
      ? all
      : all.filter(
          ({ RepoTags: tags }) =>
            Array.isArray(tags) && tags.some((one) => one === tag || String(one).endsWith(`:${tag}`)),
        );
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new LockstepError({
      code: "LS5103",
      message: `${name} has ${found.length} images${tag === undefined ? "" : ` called ${tag}`}`,
      hint: "name one of them after a colon",
    });
  const image = await savedImage(archive, name, first);
  // Such an archive has no manifest and so no digest: what it comes to is named by what the two have in common.
  const digest = digestOf([image.config?.digest ?? "", ...image.layers.map((layer) => layer.digest)].join("\n"));
  return { name, kind: "image", digest, images: [image], close };
}

/** What tells that a file was written to while it was read. */
function stateOf(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${size} ${mtimeMs} ${ino}`;
}

async function* unchanged(path: string, state: string): AsyncGenerator<Uint8Array, void> {
  yield* createReadStream(path, { highWaterMark: 1 << 18 });
  if (stateOf(path) !== state)
    throw new LockstepError({ code: "LS5102", message: "changed while it was read", place: { file: path } });
}

async function digestOfFile(path: string): Promise<Digest> {
  const digester = new Digester();
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) digester.update(piece as Buffer);
  return digester.finish();
}

/**
 * A file as something to compare: an archive of an image (`tag` and `platform` choose one in it), a layer, or any other file. Compressed
 * archives of images are unpacked into `scratch`. Throws LS5102 for a broken archive, LS5103 when no single image is meant.
 */
export async function fileSubject(
  path: string,
  name: string,
  options: { readonly tag?: string; readonly platform?: string; readonly scratch: string },
  close: () => Promise<void>,
): Promise<Subject> {
  const open = (): AsyncIterable<Uint8Array> => createReadStream(path, { highWaterMark: 1 << 18 });
  const compression = await compressionOf(open());
  const unpacked = (): AsyncIterable<Uint8Array> => decompressed(open(), compression, name);
  const image = await beginsLikeImage(unpacked(), name);
  if (image === true) {
    let plain = path;
    if (compression !== "none") {
      plain = join(options.scratch, `unpacked-${digestOf(name).slice(7, 23)}`);
      await pipeline(Readable.from(unpacked()), createWriteStream(plain, { mode: 0o600 }));
    }
    const archive = new ImageArchive(plain, name, await membersOf(plain, name));
    if (archive.has("oci-layout") && archive.has("index.json"))
      return ociArchive(archive, name, options.tag, options.platform, close);
    if (archive.has("manifest.json")) return dockerArchive(archive, name, options.tag, close);
  }
  const state = stateOf(path);
  const digest = await digestOfFile(path);
  const { size } = statSync(path);
  // A file has no media type that anybody stated.
  const blob: SubjectBlob = { name, digest, mediaType: "", size, open: () => unchanged(path, state) };
  if (image !== undefined) return { name, kind: "layer", digest, images: [], blob, close };
  const file = openSync(path, "r");
  return {
    name,
    kind: "file",
    digest,
    images: [],
    blob,
    content: {
      size,
      read: (offset, length) => {
        const piece = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
        return piece.subarray(0, piece.length === 0 ? 0 : readSync(file, piece, 0, piece.length, offset));
      },
    },
    close: async () => {
      closeSync(file);
      await close();
    },
  };
}
