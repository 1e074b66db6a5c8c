/** What is compared: an image of a registry, a layout or an archive, or a single layer, from any tool. */
import { createReadStream } from "node:fs";
import type { Compared } from "./comparison.ts";
import type { Content } from "../content/format.ts";

/** A JSON document of an image. */
export interface SubjectDocument {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mediaType: string;
}

/** A blob that can be read again. */
export interface SubjectBlob {
  /** What it is called in errors. */
  readonly name: string;
  readonly digest: string;
  /** As the manifest states it; empty where none does. */
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes as they are, checked against size and digest by the end. */
  open(): AsyncIterable<Uint8Array>;
}

export interface SubjectImage {
  /** `linux/arm64/v8`; absent where nothing says so. */
  readonly platform?: string;
  /** Absent in archives of `docker save`, which have none. */
  readonly manifest?: SubjectDocument;
  readonly config?: SubjectDocument;
  readonly layers: readonly SubjectBlob[];
}

export interface Subject {
  /** What the user called it. */
  readonly name: string;
  readonly kind: Compared["kind"];
  readonly digest: string;
  readonly index?: SubjectDocument;
  readonly images: readonly SubjectImage[];
  /** Of `layer` and `file`. */
  readonly blob?: SubjectBlob;
  /** Of `file`: its content. */
  readonly content?: Content;
  close(): Promise<void>;
}

/** What a document of a comparison says of a subject. */
export function compared({ name, kind, digest }: Subject): Compared {
  return { name, kind, digest };
}

/** A part of a file. */
export function filePart(path: string, start: number, size: number): AsyncIterable<Uint8Array> {
  if (size === 0) return (async function* () {})();
  return createReadStream(path, { start, end: start + size - 1, highWaterMark: 1 << 18 });
}
