/** Which small files of packages decide what the files of the system say, so that their contents are kept with the facts. */

const exact: ReadonlySet<string> = new Set([
  "etc/ca-certificates.conf",
  "etc/ld.so.conf",
  "etc/shells",
  "usr/share/debianutils/shells",
  "usr/share/libc-bin/nsswitch.conf",
  "usr/share/readline/inputrc",
]);

/** A directory (every depth below it) and how the names in it must end. */
const below: readonly (readonly [directory: string, suffix: string])[] = [
  ["etc/ld.so.conf.d/", ".conf"],
  ["usr/lib/sysusers.d/", ".conf"],
  ["usr/local/share/ca-certificates/", ".crt"],
  ["usr/share/base-files/", ""],
  ["usr/share/base-passwd/", ".master"],
  ["usr/share/ca-certificates/", ".crt"],
  ["usr/share/debianutils/shells.d/", ""],
  ["usr/share/pam/", ""],
  ["usr/share/pam-configs/", ""],
];

/** The largest content kept, in bytes: above it a file is no configuration, and no generated file is made from it. */
export const systemInputLimit = 256 * 1024;

/** Whether the content of the regular file at `path` (after `mergedUsr`) is to be kept in `PackageFacts.contents`. */
export function isSystemInput(path: string): boolean {
  return exact.has(path) || below.some(([directory, suffix]) => path.startsWith(directory) && path.endsWith(suffix));
}
