/** Compares layers: which belong together, how each is compressed, and what is in them. */
import { messageOf, LockstepError } from "../../host/errors.ts";
import { type Archive, compareArchives } from "../archive/archives.ts";
import { Digester } from "../../store/digest.ts";
import { type GzipHeader, gzipHeaderLimit, readGzipHeader, systemName } from "../encoder/gzip-header.ts";
import type { Spool } from "../archive/spool.ts";
import type { Content } from "../content/format.ts";
import { piecesOf } from "../content/windows.ts";
import { type Compression, compressionOf, decompressed, headOf } from "./compression.ts";
import type { Finding, Where } from "./finding.ts";
import type { SubjectBlob } from "./subject.ts";

/** A layer with its number in its image, from 1. */
export interface NumberedLayer {
  readonly blob: SubjectBlob;
  readonly number: number;
}

/** Layers that are compared with each other: usually one of each, more where only their sums can be. */
export interface LayerRun {
  readonly a: readonly NumberedLayer[];
  readonly b: readonly NumberedLayer[];
}

/** What made a compressed stream, and clauses that say what was seen in it. */
export interface NamedEncoder {
  readonly name: string;
  readonly evidence: readonly string[];
}

/** Where findings about layers go. */
export interface LayerSink {
  found(finding: Finding): void;
  unread(where: Omit<Where, "field">, reason: string): void;
  /** Compares the contents of an entry, known to differ. */
  content(where: Omit<Where, "field">, a: Content, b: Content): Promise<void>;
  /** Names what made two streams that hold the same, for facts `encoderA`, `evidenceA` and their like. */
  encoders(a: SubjectBlob, b: SubjectBlob): Promise<readonly [NamedEncoder, NamedEncoder]>;
}

/**
 * Pairs layers: those with equal digests stand, and what lies between them is compared one to one where it is as many, otherwise as sums.
 */
function alignLayers(a: readonly SubjectBlob[], b: readonly SubjectBlob[]): readonly LayerRun[] {
  const runs: LayerRun[] = [];
  const number = (blob: SubjectBlob, index: number): NumberedLayer => ({ blob, number: index + 1 });
  const flush = (from: number, to: number, fromB: number, toB: number): void => {
    const [left, right] = [a.slice(from, to), b.slice(fromB, toB)];
    const [x, y] = [left.map((blob, i) => number(blob, from + i)), right.map((blob, i) => number(blob, fromB + i))];
    if (x.length === y.length) for (const [i, layer] of x.entries()) runs.push({ a: [layer], b: y.slice(i, i + 1) });
    else runs.push({ a: x, b: y });
  };
  let [from, fromB] = [0, 0];
  for (const [i, layer] of a.entries()) {
    const j = b.findIndex((other, index) => index >= fromB && other.digest === layer.digest);
    if (j < 0) continue;
    flush(from, i, fromB, j);
    if (b[j]?.mediaType !== layer.mediaType || b[j]?.size !== layer.size) flush(i, i + 1, j, j + 1);
    [from, fromB] = [i + 1, j + 1];
  }
  flush(from, a.length, fromB, b.length);
  return runs.filter(({ a: x, b: y }) => x.length > 0 || y.length > 0);
}

/** Says which fields differ, and whether any did. */
function compareGzipHeaders(a: GzipHeader, b: GzipHeader, at: (field: string) => Where, sink: LayerSink): boolean {
  let any = false;
  const found = (field: string, finding: Pick<Finding, "grade" | "natures">, x: string, y: string): void => {
    if (x === y) return;
    any = true;
    sink.found({ where: at(field), a: x, b: y, ...finding });
  };
  found("gzip.mtime", { grade: "clock", natures: ["time"] }, String(a.mtime), String(b.mtime));
  found("gzip.name", { grade: "encoding" }, a.name, b.name);
  found("gzip.comment", { grade: "encoding" }, a.comment, b.comment);
  found("gzip.os", { grade: "encoding" }, systemName(a), systemName(b));
  found(
    "gzip.flags",
    { grade: "encoding" },
    `flags ${a.flags}, extra flags ${a.extraFlags}`,
    `flags ${b.flags}, extra flags ${b.extraFlags}`,
  );
  return any;
}

/** A stream without its first bytes. */
async function* after(source: AsyncIterable<Uint8Array>, skip: number): AsyncGenerator<Uint8Array, void> {
  let left = skip;
  for await (const piece of source) {
    if (piece.length > left) yield piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}

/** Whether two streams are the same after some bytes of their heads. */
async function sameAfter(a: SubjectBlob, skipA: number, b: SubjectBlob, skipB: number): Promise<boolean> {
  if (a.size - skipA !== b.size - skipB) return false;
  const [digestA, digestB] = await Promise.all(
    [after(a.open(), skipA), after(b.open(), skipB)].map(async (stream) => {
      const digester = new Digester();
      for await (const piece of stream) digester.update(piece);
      return digester.finish();
    }),
  );
  return digestA === digestB;
}

interface Opened {
  readonly compression: Compression;
  /** Of a gzip stream, where it is whole. */
  readonly header?: GzipHeader;
  readonly archive: Archive;
}

/**
 * A layer without its compression. There is one decoder of xz at a time, and two archives are read in step: what is in xz is decoded to its
 * end first, or each would wait for the other.
 */
function unpacked(blob: SubjectBlob, compression: Compression, spool: Spool): Archive["open"] {
  const decode = (): AsyncIterable<Uint8Array> => decompressed(blob.open(), compression, blob.name);
  if (compression !== "xz") return decode;
  let kept: Promise<Content> | undefined;
  return async function* () {
    kept ??= spool.keep(decode());
    yield* piecesOf(await kept);
  };
}

async function open({ blob }: NumberedLayer, spool: Spool): Promise<Opened> {
  const compression = await compressionOf(blob.open());
  const header = compression === "gzip" ? readGzipHeader(await headOf(blob.open(), gzipHeaderLimit)) : undefined;
  return {
    compression,
    ...(header === undefined ? {} : { header }),
    archive: { name: blob.name, open: unpacked(blob, compression, spool) },
  };
}

class LayerComparer {
  readonly #spool: Spool;
  readonly #sink: LayerSink;
  readonly #where: Pick<Where, "platform" | "layer">;

  constructor(spool: Spool, sink: LayerSink, where: Pick<Where, "platform" | "layer">) {
    this.#spool = spool;
    this.#sink = sink;
    this.#where = where;
  }

  #at = (field: string): Where => ({ ...this.#where, part: "layer", field });

  /** Compares the archives; the number of differences that were found, undefined when they could not be followed. */
  async #contents(a: readonly Opened[], b: readonly Opened[]): Promise<number | undefined> {
    let count = 0;
    try {
      await compareArchives(
        a.map(({ archive }) => archive),
        b.map(({ archive }) => archive),
        this.#spool,
        {
          found: ({ path, field, ...finding }) => {
            count++;
            const where =
              path === undefined ? this.#at(field) : { ...this.#where, part: "entry" as const, path, field };
            this.#sink.found({ where, ...finding });
          },
          content: async (path, x, y) => {
            count++;
            await this.#sink.content({ ...this.#where, part: "entry", path }, x, y);
          },
        },
      );
      return count;
    } catch (error) {
      // What the disk or the network does is no property of the archive.
      if (!(error instanceof LockstepError) || !/^LS40|^LS42/.test(error.code)) throw error;
      this.#sink.unread({ ...this.#where, part: "layer" }, messageOf(error));
      return undefined;
    }
  }

  async pair(a: NumberedLayer, b: NumberedLayer): Promise<void> {
    if (a.blob.mediaType !== b.blob.mediaType && a.blob.mediaType !== "" && b.blob.mediaType !== "")
      this.#sink.found({ where: this.#at("mediaType"), grade: "encoding", a: a.blob.mediaType, b: b.blob.mediaType });
    if (a.blob.digest === b.blob.digest) {
      // One of the two manifests lies: whoever fetches the layer will notice.
      if (a.blob.size !== b.blob.size)
        this.#sink.found({
          where: this.#at("size"),
          grade: "content",
          a: String(a.blob.size),
          b: String(b.blob.size),
        });
      return;
    }
    const [x, y] = [await open(a, this.#spool), await open(b, this.#spool)];
    let headers = false;
    if (x.compression !== y.compression)
      this.#sink.found({ where: this.#at("compression"), grade: "encoding", a: x.compression, b: y.compression });
    else if (x.header !== undefined && y.header !== undefined)
      headers = compareGzipHeaders(x.header, y.header, this.#at, this.#sink);
    const count = await this.#contents([x], [y]);
    if (count === undefined) {
      this.#unread([a], [b]);
      return;
    }
    if (count > 0 || x.compression !== y.compression || x.compression === "none") {
      // Two plain archives with one content and other bytes: what differs is nothing that is looked at.
      if (count === 0 && x.compression === "none" && y.compression === "none") this.#bytes(a, b);
      return;
    }
    if (await sameAfter(a.blob, x.header?.length ?? 0, b.blob, y.header?.length ?? 0)) {
      if (!headers) this.#bytes(a, b);
      return;
    }
    const [encoderA, encoderB] = await this.#sink.encoders(a.blob, b.blob);
    this.#sink.found({
      where: this.#at("encoder"),
      grade: "encoding",
      a: encoderA.name,
      b: encoderB.name,
      natures: ["encoder"],
      facts: {
        encoderA: encoderA.name,
        encoderB: encoderB.name,
        evidenceA: encoderA.evidence.join("; "),
        evidenceB: encoderB.evidence.join("; "),
        sizeA: a.blob.size,
        sizeB: b.blob.size,
        compression: x.compression,
      },
    });
  }

  /** What could not be followed may differ in anything: it is never less than other content. */
  #unread(a: readonly NumberedLayer[], b: readonly NumberedLayer[]): void {
    const [left, right] = [a, b].map((layers) => layers.map(({ blob }) => blob.digest).join(" "));
    this.#sink.found({ where: this.#at("unread"), grade: "content", a: left ?? "", b: right ?? "" });
  }

  #bytes(a: NumberedLayer, b: NumberedLayer): void {
    this.#sink.found({ where: this.#at("bytes"), grade: "content", a: a.blob.digest, b: b.blob.digest });
  }

  async run({ a, b }: LayerRun): Promise<void> {
    const [first, second] = [a[0], b[0]];
    if (a.length === 1 && b.length === 1 && first !== undefined && second !== undefined) {
      await this.pair(first, second);
      return;
    }
    this.#sink.found({
      where: this.#at(a.length === 0 || b.length === 0 ? "presence" : "boundaries"),
      grade: a.length === 0 || b.length === 0 ? "content" : "encoding",
      a: `${a.length} layers`,
      b: `${b.length} layers`,
      facts: { layersA: a.length, layersB: b.length },
    });
    const opened = (layers: readonly NumberedLayer[]): Promise<readonly Opened[]> =>
      Promise.all(layers.map((layer) => open(layer, this.#spool)));
    if ((await this.#contents(await opened(a), await opened(b))) === undefined) this.#unread(a, b);
  }
}

/** Compares the layers of two images. */
export async function compareLayers(
  a: readonly SubjectBlob[],
  b: readonly SubjectBlob[],
  platform: string | undefined,
  spool: Spool,
  sink: LayerSink,
): Promise<void> {
  for (const run of alignLayers(a, b)) {
    const layer = run.a[0]?.number ?? run.b[0]?.number ?? 1;
    await new LayerComparer(spool, sink, { ...(platform === undefined ? {} : { platform }), layer }).run(run);
  }
}
