/** The merged /usr layout: packages that still name /bin, /sbin and /lib* have their entries moved to where Debian keeps them. */
import type { Entry } from "../../tree/entry.ts";

/** The links of the root directory that a merged system has, with their targets (file-hierarchy(7); Debian's usrmerge). */
export const mergedDirectories: ReadonlyMap<string, string> = new Map([
  ["bin", "usr/bin"],
  ["lib", "usr/lib"],
  ["lib32", "usr/lib32"],
  ["lib64", "usr/lib64"],
  ["libo32", "usr/libo32"],
  ["libx32", "usr/libx32"],
  ["sbin", "usr/sbin"],
]);

/**
 * Where `path` is on a merged system: `bin/sh` is `usr/bin/sh`. The directory `bin` itself becomes `usr/bin`; the link `bin` that
 * base-files ships stays. Apply it to paths of entries and to targets of hard links, which name entries; texts of symlinks stay as
 * they are, as dpkg leaves them.
 */
export function mergedUsr(path: string, type: Entry["type"] = "file"): string {
  const slash = path.indexOf("/");
  if (slash < 0) return type === "directory" ? (mergedDirectories.get(path) ?? path) : path;
  const merged = mergedDirectories.get(path.slice(0, slash));
  return merged === undefined ? path : merged + path.slice(slash);
}
