/** What comparing finds: each difference at its innermost place, with the facts that say what kind of difference it is. */

/** From harmless to grave. The grade of a whole is the gravest of its parts. */
export const grades = ["encoding", "clock", "cosmetic", "content", "privilege"] as const;
export type Grade = (typeof grades)[number];

/** The gravest of some grades; undefined of none. */
export function gravest(all: Iterable<Grade>): Grade | undefined {
  let worst = -1;
  for (const grade of all) worst = Math.max(worst, grades.indexOf(grade));
  return grades[worst];
}

/**
 * Which part of an image differs. `index`, `manifest` and `config` are JSON documents, `layer` is an archive as a whole (its compression,
 * order, dialect), `entry` one path in it.
 */
export const parts = ["index", "manifest", "config", "layer", "entry"] as const;
export type Part = (typeof parts)[number];

/** The place of one difference. */
export interface Where {
  /** `linux/arm64`; absent for the index, and where nothing says a platform. */
  readonly platform?: string;
  readonly part: Part;
  /** Number of the layer, from 1, in A; in B where A has no such layer. */
  readonly layer?: number;
  /** Path of the entry in the layer, without a leading slash; the root is "". */
  readonly path?: string;
  /** What it is within the content of the entry, the outermost first: members of archives, names of sections. */
  readonly inside?: readonly string[];
  /**
   * What differs there.
   * In documents the JSON path (`created`, `config.Env[2]`, `annotations["org.opencontainers.image.created"]`), or `form` for one document
   * in two notations.
   * Of a layer: `mediaType`, `compression`, `gzip.mtime`, `gzip.name`, `gzip.os`, `gzip.flags`, `encoder`, `order`, `dialect`, `prefix`,
   * `padding`, `trailing`, `parents`, `boundaries`, `presence`.
   * Of an entry: `presence`, `type`, `mode`, `uid`, `gid`, `mtime`, `user`, `group`, `target`, `device`, `xattr.NAME`, `pax.KEY`,
   * `header`, `sparse`, `repeated`, `content`.
   * Within content: a name of the format's own, as its specification calls it (`sh_addr`, `notAfter`, `line 12`, `bytes 4096`).
   */
  readonly field: string;
}

/** What kind of values differ, where that can be seen. */
export const natures = [
  /** A point in time, in any notation. */
  "time",
  /** The same things in another order. */
  "order",
  /** Made by chance: a UUID, a token, a key, a salt, a temporary name. */
  "random",
  /** A path of the building machine. */
  "path",
  /** A host name or a network address. */
  "host",
  /** A user or a group, by name or number. */
  "identity",
  "version",
  /** A number that is none of the others. */
  "number",
  "language",
  "white space",
  /** One value in two notations. */
  "form",
  /** Text in a human language or code that is none of the others. */
  "text",
  "machine code",
  "encoder",
] as const;
export type Nature = (typeof natures)[number];

/** Some bytes of both sides around the first of them that differs, for people. */
export interface Excerpt {
  /** Bytes of the content before the excerpt. */
  readonly offset: number;
  /** Whether the content is text in UTF-8; otherwise the excerpt is of bytes. */
  readonly text: boolean;
  /** UTF-8 where `text`, else Base64; at most 256 bytes each. */
  readonly a: string;
  readonly b: string;
}

export interface Finding {
  readonly where: Where;
  /** What A has there, in short (at most 200 characters, no control characters, no secrets); absent when it has nothing there. */
  readonly a?: string;
  readonly b?: string;
  readonly grade: Grade;
  /** The format of the innermost content: `elf`, `zip`, `json`, `text`, `bytes`; absent outside of content. */
  readonly format?: string;
  readonly natures?: readonly Nature[];
  /** What else rules about causes want to know, by name; documented where it is found. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  readonly excerpt?: Excerpt;
}

/** Something that could not be looked into, so that more may differ within it. */
export interface Unread {
  readonly where: Omit<Where, "field">;
  /** A clause: `the archive is truncated`. */
  readonly reason: string;
}
