/** Short ways to describe what is generated: root's files, links and directories. */

const root = { uid: 0, gid: 0 };

/** A file of root's with mode 0644. */
export function textFile(
  text: string | Buffer,
  mode = 0o644,
): {
  readonly type: "file";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly content: Buffer;
} {
  return { type: "file", mode, ...root, content: typeof text === "string" ? Buffer.from(text, "utf8") : text };
}

export function symlink(target: string): {
  readonly type: "symlink";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target: string;
} {
  return { type: "symlink", mode: 0o777, ...root, target };
}

export function directory(mode = 0o755): {
  readonly type: "directory";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
} {
  return { type: "directory", mode, ...root };
}
