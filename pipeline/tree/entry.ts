/** File entries with bytes-exact metadata, and trees: immutable sets of them, from which layers are made and into which foreign layers are read. */

interface EntryBase {
  /**
   * Where the entry is: components joined by `/`, no leading or trailing slash, no `.` or `..`, valid UTF-8 (for example `usr/bin/env`).
   * The root itself is the empty string.
   */
  readonly path: string;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970; may be negative. */
  readonly mtime: number;
  /** Extended attributes that images may carry (`security.capability`), by name. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

export interface FileEntry extends EntryBase {
  readonly type: "file";
  /** Bytes of content that follow. */
  readonly size: number;
}

export interface DirectoryEntry extends EntryBase {
  readonly type: "directory";
}

export interface SymlinkEntry extends EntryBase {
  readonly type: "symlink";
  /** The link's text, as it is; absolute or relative. */
  readonly target: string;
}

export interface HardLinkEntry extends EntryBase {
  readonly type: "hardlink";
  /** Path of the file entry (same form as `path`) that this is another name of. */
  readonly target: string;
}

export interface DeviceEntry extends EntryBase {
  readonly type: "character" | "block";
  readonly major: number;
  readonly minor: number;
}

export interface FifoEntry extends EntryBase {
  readonly type: "fifo";
}

export type Entry = FileEntry | DirectoryEntry | SymlinkEntry | HardLinkEntry | DeviceEntry | FifoEntry;

/** Order of paths everywhere: by UTF-8 bytes, never by locale and never by UTF-16 units. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  // Code units order like UTF-8 bytes except where surrogates meet U+E000..U+FFFF.
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xHigh = x >= 0xd800 && x <= 0xdfff;
    const yHigh = y >= 0xd800 && y <= 0xdfff;
    if (xHigh !== yHigh) return xHigh ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

/** The directory a path is in; the root's own parent is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
