/** Which paths a spec may name in an image, and which belong to the system, to the runtime or to Debian's links. */
import { whiteoutPrefix } from "../tree/whiteout.ts";

/** Why a path is not usable: LS2017 for its form, LS2018 for what is there. */
export interface PathProblem {
  readonly code: "LS2017" | "LS2018";
  /** A clause that follows the path: `must be absolute`. */
  readonly message: string;
  readonly hint?: string;
}

/** Files that Lockstep makes from the spec and the packages; two sources of one file would be one too many. */
const generated: ReadonlyMap<string, string> = new Map([
  ["/etc/passwd", "declare users with `users:`"],
  ["/etc/group", "declare groups with `groups:`"],
  ["/etc/shadow", "declare users with `users:`; nobody has a password"],
  ["/etc/gshadow", "declare groups with `groups:`; no group has a password"],
  ["/etc/ld.so.cache", "add a file in /etc/ld.so.conf.d"],
  ["/etc/ssl/certs/ca-certificates.crt", "it is made from the package ca-certificates"],
  ["/var/lib/dpkg", "it is the package database, which scanners believe"],
]);

/** Places a container runtime covers or writes when it starts a container (OCI runtime-spec, config-linux.md "Default Filesystems"). */
const runtime: readonly string[] = ["/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/** Links of a Debian file system; a file below one would replace it with a directory (file-hierarchy, merged /usr). */
const links: ReadonlyMap<string, string> = new Map([
  ["/bin", "/usr/bin"],
  ["/sbin", "/usr/sbin"],
  ["/lib", "/usr/lib"],
  ["/lib32", "/usr/lib32"],
  ["/lib64", "/usr/lib64"],
  ["/libx32", "/usr/libx32"],
  ["/var/run", "/run"],
  ["/var/lock", "/run/lock"],
]);

function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/**
 * Why nothing of a spec may be at an absolute path in normal form, LS2018; undefined when it may. Files that a file set brings must be
 * asked for one by one when they are listed.
 */
export function reservedPath(path: string): PathProblem | undefined {
  for (const [reserved, hint] of generated) {
    if (isAtOrBelow(path, reserved)) return { code: "LS2018", message: "is made by Lockstep", hint };
  }
  for (const reserved of runtime) {
    if (isAtOrBelow(path, reserved)) {
      const hint = "choose another path: what an image has there is hidden";
      const where = path === reserved ? "" : `is in ${reserved}, which `;
      return { code: "LS2018", message: `${where}belongs to the container runtime`, hint };
    }
  }
  for (const [link, target] of links) {
    if (!isAtOrBelow(path, link)) continue;
    const hint = `write ${target}${path.slice(link.length)}`;
    const where = path === link ? "" : `is in ${link}, which `;
    return { code: "LS2018", message: `${where}is a link to ${target} in Debian`, hint };
  }
  if (path.split("/").some((part) => part.startsWith(whiteoutPrefix))) {
    const hint = "choose another name";
    return { code: "LS2018", message: 'has a name that begins with ".wh.", which means a deletion in a layer', hint };
  }
  return undefined;
}

function wrong(message: string, hint?: string): PathProblem {
  return { code: "LS2017", message, ...(hint === undefined ? {} : { hint }) };
}

/** Why a path is not an absolute one in normal form, LS2017; undefined when it is. The root is one. */
export function malformedPath(path: string): PathProblem | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  const clean = `/${parts.filter((part) => part !== ".").join("/")}`;
  if (parts.includes("..")) return wrong('must not have ".." in it');
  if (!path.startsWith("/")) return wrong("must be absolute", `write ${clean}`);
  if (path.length > 1 && path.endsWith("/")) return wrong("must not end with a slash", `write ${clean}`);
  if (path !== clean) return wrong('must not have "." or an empty part in it', `write ${clean}`);
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return wrong("must not have a part of more than 255 bytes");
  return undefined;
}
