/** What happens to checkouts and to processes that build: each must leave every digest as it is. Rows T, O and P of docs/catalogue.md. */
import {
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  lstatSync,
  lutimesSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createHost } from "../../pipeline/host/host.ts";
import { hasProgram, run } from "../support.ts";

export interface Perturbation {
  readonly what: string;
  /** Whether this machine cannot do it; `what` says what it needs. */
  readonly skip?: boolean;
  /** Treats the directory of the files, which are those of tiny.ts. */
  readonly perturb?: (files: string) => void;
  /** What has to be taken back before the files can be removed. */
  readonly undo?: (files: string) => void;
  /** Creates the files in the reverse order. */
  readonly reverse?: boolean;
  /** What comes before the program on the command line. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const privileged = createHost().uid === 0;
const python = hasProgram("python3");

/** Calls `change` for every path below a directory and for the directory itself. */
function everything(directory: string, change: (path: string) => void): void {
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) change(join(directory, name));
  change(directory);
}

function notLinks(directory: string, change: (path: string, isDirectory: boolean) => void): void {
  everything(directory, (path) => {
    const info = lstatSync(path);
    if (!info.isSymbolicLink()) change(path, info.isDirectory());
  });
}

function setAttribute(path: string, name: string, hex: string): void {
  const script = "import os, sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))";
  const { status, stderr } = run("python3", ["-c", script, path, name, hex]);
  if (status !== 0) throw new Error(stderr.toString());
}

/** Whether the file system of temporary files keeps an attribute; some kinds and some machines do not. */
function keeps(base: string, name: string, hex: string): boolean {
  if (!python) return false;
  const probe = join(base, "probe");
  writeFileSync(probe, "");
  try {
    setAttribute(probe, name, hex);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe);
  }
}

const note = Buffer.from("a note").toString("hex");
/** Of acl(5): owner rw, user 1000 rwx, group r, mask rwx, others r; each tag, permissions and id little-endian. */
const acl = [
  "02000000",
  "01000600ffffffff",
  "02000700e8030000",
  "04000400ffffffff",
  "10000700ffffffff",
  "20000400ffffffff",
].join("");
const capability = "0100000200200000000000000000000000000000";

/** The eleven of peers.md 6.2 and what is close to them: none may show in a digest. */
export const perturbations = (base: string): readonly Perturbation[] => [
  {
    what: "older times, with fractions",
    perturb: (files) => everything(files, (path) => lutimesSync(path, 1e9, 1e9 + 0.25)),
  },
  { what: "times in the future", perturb: (files) => everything(files, (path) => lutimesSync(path, 4e9, 4e9)) },
  {
    what: "times of access",
    perturb: (files) => everything(files, (path) => lutimesSync(path, 5, lstatSync(path).mtime)),
  },
  {
    what: "a checkout with umask 077",
    perturb: (files) => notLinks(files, (path) => chmodSync(path, lstatSync(path).mode & 0o700)),
  },
  {
    what: "a checkout with umask 002",
    perturb: (files) =>
      notLinks(files, (path) => chmodSync(path, lstatSync(path).mode | ((lstatSync(path).mode & 0o700) >> 3))),
  },
  {
    what: "setgid and sticky directories",
    perturb: (files) => notLinks(files, (path, isDirectory) => isDirectory && chmodSync(path, 0o3775)),
  },
  {
    what: "setuid and setgid bits of files",
    perturb: (files) => notLinks(files, (path) => chmodSync(path, lstatSync(path).mode | 0o6000)),
  },
  {
    what: "another owner (needs root)",
    skip: !privileged,
    perturb: (files) => notLinks(files, (path) => chownSync(path, 1234, 4321)),
  },
  {
    what: "a sparse file for a dense one",
    perturb: (files) => {
      truncateSync(join(files, "hole"), 0);
      truncateSync(join(files, "hole"), 1 << 20);
    },
  },
  {
    what: "a hard link for a copy",
    perturb: (files) => {
      rmSync(join(files, "copy/two"));
      linkSync(join(files, "copy/one"), join(files, "copy/two"));
    },
  },
  {
    what: "extended attributes (needs python3, and a file system with user attributes)",
    skip: !keeps(base, "user.note", note),
    perturb: (files) => notLinks(files, (path) => setAttribute(path, "user.note", note)),
  },
  {
    what: "access control lists (needs python3, and a file system with ACLs)",
    skip: !keeps(base, "system.posix_acl_access", acl),
    perturb: (files) => setAttribute(join(files, "apple"), "system.posix_acl_access", acl),
  },
  {
    what: "file capabilities in the checkout (needs python3, root)",
    skip: !privileged || !keeps(base, "security.capability", capability),
    perturb: (files) => setAttribute(join(files, "run.sh"), "security.capability", capability),
  },
  {
    what: "files that cannot be changed (needs root and chattr)",
    skip:
      !privileged ||
      !hasProgram("chattr") ||
      run("chattr", ["+i", base]).status !== 0 ||
      run("chattr", ["-i", base]).status !== 0,
    perturb: (files) => void run("chattr", ["+i", join(files, "apple")]),
    undo: (files) => void run("chattr", ["-i", join(files, "apple")]),
  },
  { what: "files created in another order", reverse: true },
  {
    what: "a repository's own data below the files",
    perturb: (files) => cpSync(join(files, "deep"), join(files, ".git"), { recursive: true }),
  },
  { what: "process umask 077", before: ["sh", "-c", 'umask 077; exec "$@"', "sh"] },
  { what: "process umask 000", before: ["sh", "-c", 'umask 000; exec "$@"', "sh"] },
  { what: "time zone and language", env: { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" } },
  { what: "terminal, user and host names", env: { TERM: "dumb", COLUMNS: "20", USER: "x", HOSTNAME: "y", CI: "1" } },
];
