/** What a comparer of one format of file content is, and what it is given. */
import type { Finding } from "../compare/finding.ts";

/** Bytes that can be read anywhere, in memory or in a temporary file. */
export interface Content {
  readonly size: number;
  /** The bytes from `offset` on; fewer than `length` at the end. */
  read(offset: number, length: number): Buffer;
}

/** The content of one path in two images, known to differ. */
export interface Pair {
  /** Its name: a path in the layer, or that of a member of an archive. Formats are told by content first. */
  readonly path: string;
  readonly a: Content;
  readonly b: Content;
}

/** Where a comparer says what it sees. */
export interface Looker {
  /** A difference in the content at hand. `field` is named as the format's specification does. */
  found(field: string, finding: Omit<Finding, "where" | "format">): void;
  /** Says differences of what lies within, such as a section, a member or an account. */
  within(name: string): Looker;
  /** Compares what lies within, such as a member of an archive, by the format it has; equal contents are passed over. */
  inside(name: string, a: Content, b: Content): Promise<void>;
  /** Keeps what a decoder makes, as long as the comparison lasts. Throws when it becomes more than is looked into. */
  keep(pieces: AsyncIterable<Uint8Array>): Promise<Content>;
  /** Says what could not be looked into. */
  unread(reason: string): void;
}

/**
 * A format of content. A comparer goes as deep as it can; one that throws, or finds nothing although the bytes differ, is taken to have
 * not understood, and the bytes themselves are compared.
 */
export interface Format {
  readonly name: string;
  /** Whether both sides are of this format, told from a few bytes. */
  accepts(pair: Pair): boolean;
  compare(pair: Pair, looker: Looker): void | Promise<void>;
}

/** Content that is in memory. */
export function contentOf(bytes: Uint8Array): Content {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: buffer.length, read: (offset, length) => buffer.subarray(offset, offset + length) };
}
