/** What can be changed about a rebuild: one row for each thing. docs/verify.md has the same table. */
import { mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../../host/host.ts";
import {
  closeModes,
  copyRepository,
  linkCopies,
  makeHoles,
  openModes,
  setAttributes,
  setOwners,
  setTimes,
} from "./files.ts";
import { directoryIn, type Perturbation, type Surroundings } from "./surroundings.ts";

const day = 86_400_000;

const withEnv = (at: Surroundings, env: Readonly<Record<string, string>>): Surroundings => ({
  ...at,
  env: { ...at.env, ...env },
});

const withPreload = (at: Surroundings, preload: Readonly<Record<string, string>>): Surroundings => ({
  ...at,
  preload: { ...at.preload, ...preload },
});

function clock(name: string, changes: string, shift: number, usual = false): Perturbation {
  return {
    name,
    changes,
    usual,
    subject: "clock",
    causes: ["T10", "T1", "T13", "T3", "T8", "T7", "T9", "T11", "T12", "T14", "T15"],
    reads: "the build reads the clock",
    fix: "take the time from SOURCE_DATE_EPOCH, or from an input, and write none where none is needed",
    apply: (_, at) => withPreload(at, { clock: String(shift) }),
  };
}

const environmentFix = "run what reads it with an environment that is set, nothing inherited";

/** An input, and what other perturbations are about, so that each shows by itself. */
const independent = ["SOURCE_DATE_EPOCH", "PATH", "HOME", "TZ", "LANG", "LC_ALL"];

const surroundings: readonly Perturbation[] = [
  {
    name: "file-system",
    changes: "everything that is made lies on tmpfs, in /dev/shm",
    usual: false,
    subject: "file-system",
    causes: ["E9", "O1"],
    reads: "the build depends on the file system",
    fix: "sort what directories list, and take nothing else from the file system than names, contents and the executable bit",
    lacking: async (_, directory) => {
      const [memory, disk] = await Promise.all([statfs("/dev/shm").catch(() => undefined), statfs(directory)]);
      if (memory?.type !== 0x01021994) return "/dev/shm is no tmpfs";
      if (disk.type === memory.type) return "rebuilds are on tmpfs anyway";
      return memory.bavail * memory.bsize < 2 ** 31 ? "/dev/shm has less than 2 GiB left" : undefined;
    },
    apply: async (_, at) => {
      const work = await mkdtemp("/dev/shm/lockstep-verify-");
      return { ...at, work, temporary: [...at.temporary, work] };
    },
  },
  {
    name: "depth",
    changes:
      "everything that is made lies in nine directories more, with blanks and letters beyond ASCII in their names",
    usual: false,
    subject: "depth",
    causes: ["E2"],
    reads: "the path of the build shows",
    fix: "build in one directory on all machines, or map its path away",
    apply: async (_, at) => ({ ...at, work: await directoryIn(at, ..."abcdefgh".split(""), "mit Ümlaut ' und $HOME") }),
  },
  {
    name: "environment",
    changes: "no variable but SOURCE_DATE_EPOCH and those that have rows of their own: PATH, HOME, TZ, LANG and LC_ALL",
    usual: true,
    subject: "environment",
    causes: ["E1", "E2", "E13"],
    reads: "a variable of the environment shows",
    fix: environmentFix,
    apply: (_, at) => ({
      ...at,
      env: Object.fromEntries(Object.entries(at.env).filter(([name]) => independent.includes(name))),
    }),
  },
  {
    name: "environment-order",
    changes: "the variables are in the reverse order",
    usual: false,
    subject: "environment",
    causes: ["E1"],
    reads: "the order of variables shows",
    fix: "sort the names of variables",
    apply: (_, at) => ({ ...at, env: Object.fromEntries(Object.entries(at.env).toReversed()) }),
  },
  {
    name: "variables",
    changes: "USER, LOGNAME, HOSTNAME, TERM, COLUMNS, CI and PWD have values that nobody has",
    usual: false,
    subject: "variables",
    causes: ["E1", "E2", "E3"],
    reads: "user, terminal or host name of the environment show",
    fix: environmentFix,
    apply: (_, at) =>
      withEnv(at, { USER: "x", LOGNAME: "x", HOSTNAME: "y.example", TERM: "dumb", COLUMNS: "20", CI: "1", PWD: "/z" }),
  },
  {
    name: "decoder",
    changes: "no PATH, so no program of the machine; packages are decoded by XZ Embedded, not by our own decoder",
    usual: true,
    subject: "decoder",
    causes: ["E14", "Z3"],
    reads: "the build depends on a program of the machine, or on a decoder",
    fix: "take the program from the lock, or do without it",
    apply: (_, at) => {
      const others = Object.entries(at.env).filter(([name]) => name !== "PATH");
      return withEnv({ ...at, env: Object.fromEntries(others) }, { LOCKSTEP_DECODER: "portable" });
    },
  },
  {
    name: "zone",
    changes: "TZ is Pacific/Kiritimati, 14 hours before Greenwich",
    usual: true,
    subject: "zone",
    causes: ["E1", "T13"],
    reads: "the build reads the time zone",
    fix: "set TZ=UTC, or write times in UTC",
    apply: (_, at) => withEnv(at, { TZ: "Pacific/Kiritimati" }),
  },
  {
    name: "language",
    changes: "LANG and LC_ALL are Turkish, where i and I are no pair and letters sort otherwise",
    usual: true,
    subject: "language",
    causes: ["E1", "O2"],
    reads: "the build reads the language of the machine",
    fix: "set LC_ALL=C.UTF-8, sort by bytes, and change case without a language",
    apply: (_, at) => withEnv(at, { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" }),
  },
  {
    name: "umask",
    changes: "the umask is 077",
    usual: true,
    subject: "umask",
    causes: ["P2", "E13", "P1"],
    reads: "modes come from the umask of the process",
    fix: "set the modes that are wanted, whatever the umask is",
    apply: (_, at) => withPreload(at, { umask: "77" }),
  },
  {
    name: "umask-open",
    changes: "the umask is 000",
    usual: false,
    subject: "umask",
    causes: ["P2", "E13", "P1"],
    reads: "modes come from the umask of the process",
    fix: "set the modes that are wanted, whatever the umask is",
    apply: (_, at) => withPreload(at, { umask: "0" }),
  },
  {
    name: "home",
    changes: "HOME is an empty directory",
    usual: true,
    subject: "home",
    causes: ["E2"],
    reads: "the build reads the home directory",
    fix: "give it an empty HOME everywhere, and write no path of it",
    apply: async (_, at) => withEnv(at, { HOME: await directoryIn(at, "home") }),
  },
  {
    name: "temporary",
    changes: "TMPDIR is another directory",
    usual: false,
    subject: "temporary",
    causes: ["E2"],
    reads: "a temporary path shows",
    fix: "write no path of temporary files",
    apply: async (_, at) => withEnv(at, { TMPDIR: await directoryIn(at, "temporary") }),
  },
  {
    name: "directory",
    changes: "the working directory is an empty one",
    usual: true,
    subject: "directory",
    causes: ["E2"],
    reads: "the working directory shows",
    fix: "write paths relative to the repository, and no others",
    apply: async (_, at) => ({ ...at, cwd: await directoryIn(at, "elsewhere") }),
  },
  clock("clock", "the clock is 4000 days, eleven years, behind", -4000 * day, true),
  clock("clock-1y", "the clock is a year behind", -365 * day),
  clock("clock+1d", "the clock is a day ahead", day),
  clock("clock+20y", "the clock is twenty years ahead, past January 2038", 7305 * day),
  {
    name: "listings",
    changes: "directories list their entries in the reverse order",
    usual: true,
    subject: "listings",
    causes: ["O1"],
    reads: "the order in which directories list their files shows",
    fix: "sort what a directory lists, by bytes",
    apply: (_, at) => withPreload(at, { listings: "reverse" }),
  },
  {
    name: "listings-shuffled",
    changes: "directories list their entries in an order by chance, the same in every rerun",
    usual: false,
    subject: "listings",
    causes: ["O1"],
    reads: "the order in which directories list their files shows",
    fix: "sort what a directory lists, by bytes",
    apply: (_, at) => withPreload(at, { listings: "20011" }),
  },
  ...[1, 64].map((count): Perturbation => ({
    name: `processors-${count}`,
    changes: `the machine seems to have ${count === 1 ? "one processor" : `${count} processors`}, and as much is done at once`,
    usual: false,
    subject: "processors",
    causes: ["E5", "Z6"],
    reads: "the number of processors shows",
    fix: "fix the number of jobs, and join results in an order that does not depend on when they come",
    apply: (_, at) => withPreload(at, { processors: String(count) }),
  })),
  ...[1, 32].map((count): Perturbation => ({
    name: `threads-${count}`,
    changes: `files are read and blocks compressed by ${count === 1 ? "one thread" : `${count} threads`}`,
    usual: false,
    subject: "threads",
    causes: ["E5", "Z6"],
    reads: "the number of threads shows",
    fix: "fix the number of threads, and join results in an order that does not depend on when they come",
    apply: (_, at) => withEnv(at, { UV_THREADPOOL_SIZE: String(count) }),
  })),
];

/** `unshare` in front of another command; undefined where the kernel or a container does not allow it. */
async function unshare(host: Host, ...args: readonly string[]): Promise<readonly string[] | undefined> {
  const program = host.findProgram("unshare");
  if (program === undefined) return undefined;
  const result = await host.run(program, [...args, "true"]).catch(() => undefined);
  return result?.code === 0 ? [program, ...args] : undefined;
}

const otherUser = ["--user", "--map-user=12345", "--map-group=12345"] as const;

const identity: readonly Perturbation[] = [
  {
    name: "host-name",
    changes: "the host is called elsewhere",
    usual: false,
    subject: "host-name",
    causes: ["E3"],
    reads: "the name of the host shows",
    fix: "give it a fixed host name, or do not write it",
    apply: async (host, at) => {
      const program = host.uid === 0 ? await unshare(host, "--uts") : undefined;
      const renamed = withPreload(at, { host: "elsewhere" });
      // Who may not have a name space for it has at least Node say another name.
      if (program === undefined) return renamed;
      // Shells set some variables of their own: what follows has them as they were, or not at all.
      const script = 'echo elsewhere > /proc/sys/kernel/hostname && unset PWD OLDPWD _ && exec "$@"';
      const variables = Object.entries(at.env).filter(([name]) => ["PWD", "OLDPWD", "_"].includes(name));
      const words = ["/bin/sh", "-c", script, "sh", "/usr/bin/env", ...variables.map((each) => each.join("="))];
      return { ...renamed, before: [...at.before, ...program, ...words] };
    },
  },
  {
    name: "user",
    changes: "the user and group of the process are 12345, in a name space of their own",
    usual: false,
    subject: "user",
    causes: ["E8", "P4", "P12"],
    reads: "the user who builds shows",
    fix: "set owners to numbers that the build decides",
    lacking: async (host) =>
      (await unshare(host, ...otherUser)) === undefined ? "name spaces of users are not to be had" : undefined,
    apply: async (host, at) => ({ ...at, before: [...at.before, ...((await unshare(host, ...otherUser)) ?? [])] }),
  },
];

function files(
  name: string,
  changes: string,
  causes: readonly string[],
  reads: string,
  treat: (host: Host, directory: string) => Promise<unknown>,
  more: Pick<Perturbation, "lacking"> & { readonly subject?: string } = {},
): Perturbation {
  return {
    name,
    changes,
    usual: false,
    subject: name,
    causes,
    reads,
    fix: "of files take names, contents, links and the executable bit, as Git keeps them, and nothing else",
    copies: true,
    apply: async (host, at) => {
      await treat(host, at.repository);
      return at;
    },
    ...more,
  };
}

/** All of these treat a copy of the repository; what it is copied by, and whether in reverse, is `copied`. */
const checkouts: readonly Perturbation[] = [
  files(
    "repository",
    "the repository is a copy, in another directory",
    ["E2"],
    "the path of the repository shows",
    async () => {},
  ),
  files(
    "files-reversed",
    "the files of the repository were created in the reverse order",
    ["O1"],
    "the order in which files were created shows",
    async () => {},
  ),
  files("copies", "files with the same content are one file with several names", ["O5"], "hard links show", (_, at) =>
    linkCopies(at),
  ),
  files("holes", "blocks of zeros in files are holes", ["O6"], "holes in files show", (_, at) => makeHoles(at)),
  files(
    "modes",
    "the modes of files are those of a checkout with umask 077",
    ["P1"],
    "modes come from the checkout",
    (_, at) => closeModes(at),
    { subject: "modes" },
  ),
  files(
    "modes-open",
    "the modes of files are those of a checkout with umask 000, in directories with the setgid bit",
    ["P1", "P3"],
    "modes come from the checkout",
    (_, at) => openModes(at),
    { subject: "modes" },
  ),
  files(
    "attributes",
    "files and directories have an extended attribute",
    ["P9"],
    "extended attributes of the machine show",
    async (host, at) => {
      if (!(await setAttributes(host, at))) throw new Error("extended attributes cannot be set");
    },
    {
      lacking: async (host, directory) => {
        if (host.findProgram("python3") === undefined) return "python3 is not on PATH";
        const probe = await mkdtemp(join(directory, "probe-"));
        try {
          await mkdir(join(probe, "one"));
          return (await setAttributes(host, probe)) ? undefined : "the file system keeps no user attributes";
        } finally {
          await rm(probe, { recursive: true });
        }
      },
    },
  ),
  // Whoever is 12345 may not read what belongs to another: never together with `user`.
  files(
    "owners",
    "files belong to user 1234 and group 4321",
    ["P4"],
    "owners come from the checkout",
    (_, at) => setOwners(at),
    {
      subject: "user",
      lacking: async (host) => (host.uid === 0 ? undefined : "only root can give files away"),
    },
  ),
  files(
    "times",
    "files are from 2001, with fractions of seconds",
    ["T1", "T4"],
    "times come from the checkout",
    (_, at) => setTimes(at),
  ),
];

/** Where the repository is copied to before its files are treated; `leave` is not copied. */
export async function copied(
  at: Surroundings,
  chosen: readonly Perturbation[],
  leave: readonly string[],
): Promise<Surroundings> {
  if (!chosen.some(({ copies }) => copies === true)) return at;
  const repository = await directoryIn(at, "repository");
  await copyRepository(
    at.repository,
    repository,
    leave,
    chosen.some(({ name }) => name === "files-reversed"),
  );
  return { ...at, repository };
}

/** Rebuilds with other versions of Node; `LOCKSTEP_NODES` has their paths, separated by colons. */
async function otherNodes(host: Host): Promise<readonly Perturbation[]> {
  const paths = (host.env("LOCKSTEP_NODES") ?? "").split(":").filter((path) => path !== "");
  return Promise.all(
    paths.map(async (node): Promise<Perturbation> => {
      const result = await host.run(node, ["--version"]).catch(() => undefined);
      const [, version] = /^v(\d+\.\d+\.\d+)\s*$/.exec(result?.stdout.toString("utf8") ?? "") ?? [];
      return {
        name: `node-${version ?? node}`,
        changes: `Node ${version ?? node}`,
        usual: false,
        subject: "node",
        causes: ["E14", "Z3"],
        reads: "the version of Node shows",
        fix: "build with the Node that the launcher pins",
        lacking: async () => (version === undefined ? `${node} is no Node` : undefined),
        apply: (_, at) => ({ ...at, node }),
      };
    }),
  );
}

/** Every perturbation, in the order in which they are applied. */
export async function perturbationsOf(host: Host): Promise<readonly Perturbation[]> {
  return [...surroundings, ...(await otherNodes(host)), ...identity, ...checkouts];
}

/** Those that are made when nothing is said, none of which needs anything of the machine. */
export const usualPerturbations: readonly Perturbation[] = surroundings.filter(({ usual }) => usual);
