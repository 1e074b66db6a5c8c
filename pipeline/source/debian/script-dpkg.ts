/** Commands of maintainer scripts that speak to the package system: dpkg, its helpers, debconf and update-alternatives. */
import { mergedUsr } from "./merged-usr.ts";
import { asked, type Caller, fails, type Knowledge, nothing, type Plan, readOptions } from "./script-command.ts";
import { parseMode } from "./script-files.ts";
import type { Alternative } from "./script-model.ts";
import { compareVersions, isVersion } from "./version.ts";

/** Relations of `dpkg --compare-versions` by which order (older, same, newer) makes them true. */
const relations: Readonly<Record<string, readonly [older: boolean, same: boolean, newer: boolean]>> = {
  lt: [true, false, false],
  le: [true, true, false],
  eq: [false, true, false],
  ne: [true, false, true],
  ge: [false, true, true],
  gt: [false, false, true],
  "<": [true, true, false],
  "<<": [true, false, false],
  "<=": [true, true, false],
  "=": [false, true, false],
  ">=": [false, true, true],
  ">>": [false, false, true],
  ">": [false, true, true],
};

/** dpkg(1), "--compare-versions": no version is older than any, and newer than any for the relations that end in `-nl`. */
function compareAsDpkg(a: string, relation: string, b: string): boolean | undefined {
  const newest = relation.endsWith("-nl");
  const table = relations[newest ? relation.slice(0, -3) : relation];
  if (table === undefined) return undefined;
  if (a === "" || b === "") {
    const order = a === b ? 0 : (a === "") === newest ? 1 : -1;
    return table[order + 1];
  }
  if (!isVersion(a) || !isVersion(b)) return undefined;
  return table[compareVersions(a, b) + 1];
}

/** Whether a package is in the image; a name may carry an architecture. */
function packageNamed(name: string, { model }: Caller): ReturnType<typeof model.packages.get> {
  return model.packages.get(name.replace(/:.*$/, ""));
}

const dpkg: Knowledge = ({ args }, caller) => {
  const [action, ...rest] = args;
  switch (action) {
    case "--compare-versions": {
      const [a, relation = "", b = ""] = rest[0] === "--" ? rest.slice(1) : rest;
      return a === undefined ? undefined : { status: compareAsDpkg(a, relation, b) };
    }
    case "--print-architecture":
      return { status: true, output: `${caller.model.architecture}\n` };
    case "--print-foreign-architectures":
      return { status: true, output: "" };
    case "-s":
    case "--status":
      return { status: rest.every((name) => packageNamed(name, caller) !== undefined), output: undefined };
    case "-L":
    case "--listfiles":
      return listFiles(rest[0] ?? "", caller);
    case "-S":
    case "--search":
      return searchFiles(rest, caller);
    case "-l":
    case "--list":
    case "--verify":
      return asked;
    default:
      return undefined;
  }
};

function listFiles(name: string, caller: Caller): Plan {
  const facts = packageNamed(name, caller);
  if (facts === undefined) return fails;
  return { status: true, output: facts.entries.map((entry) => `/${entry.path}\n`).join("") };
}

/**
 * Which packages ship the paths (dpkg-query(1), "--search"). A path counts wherever the merged /usr has it, as a script may ask before or
 * after the merge. Patterns are left open.
 */
function searchFiles(paths: readonly string[], { model }: Caller): Plan {
  if (paths.length === 0 || paths.some((path) => !/^\/[^*?[\\]+$/.test(path))) return asked;
  const found = paths.map((path) => {
    const wanted = [path.slice(1), mergedUsr(path.slice(1)), mergedUsr(path.slice(1), "directory")];
    const owners = [...model.packages].filter(([, { entries }]) =>
      entries.some((entry) => wanted.includes(entry.path)),
    );
    return { path, owners: owners.map(([name]) => name) };
  });
  return {
    status: found.every(({ owners }) => owners.length > 0),
    output: found.map(({ path, owners }) => (owners.length > 0 ? `${owners.join(", ")}: ${path}\n` : "")).join(""),
  };
}

const dpkgQuery: Knowledge = ({ args }, caller) => {
  const read = readOptions(
    args,
    ["-W", "--show", "-L", "--listfiles", "-l", "-s", "-S", "--search"],
    ["-f", "--showformat"],
  );
  const [name] = read?.operands ?? [];
  if (read === undefined || name === undefined) return asked;
  if (read.options.has("-S") || read.options.has("--search")) return searchFiles(read.operands, caller);
  if (read.options.has("-L") || read.options.has("--listfiles")) return listFiles(name, caller);
  const facts = packageNamed(name, caller);
  if (facts === undefined) return fails;
  const format = read.options.get("-f") ?? read.options.get("--showformat");
  const known = format === "${Version}" || format === "${Version}\\n";
  return { status: true, output: known ? (facts.control["Version"] ?? "") : undefined };
};

const divert: Knowledge = ({ args }, caller) => {
  const { model, packageName } = caller;
  const read = readOptions(
    args,
    ["--quiet", "--add", "--remove", "--list", "--rename", "--no-rename", "--local", "--listpackage", "--truename"],
    ["--package", "--divert"],
  );
  const [path] = read?.operands ?? [];
  if (read === undefined || path === undefined || read.operands.length !== 1) return undefined;
  const { options } = read;
  const there = model.diversions.find(({ from }) => from === path);
  if (options.has("--listpackage"))
    return { status: true, output: there === undefined ? "" : `${there.by === ":" ? "LOCAL" : there.by}\n` };
  if (options.has("--truename")) return { status: true, output: `${there?.to ?? path}\n` };
  if (options.has("--list"))
    return there === undefined
      ? nothing
      : { status: true, output: `diversion of ${there.from} to ${there.to} by ${there.by}\n` };
  if (options.has("--remove")) {
    if (there === undefined) return nothing;
    // Renaming would bring a package's file back to its place, which is only known to be right when nothing was moved.
    return options.has("--rename") ? undefined : { status: true, apply: () => model.undivert(path) };
  }
  const to = options.get("--divert") ?? `${path}.distrib`;
  const by = options.has("--local") ? ":" : (options.get("--package") ?? packageName);
  if (there?.to === to && there.by === by) return nothing;
  return { status: true, apply: () => model.divert({ from: path, to, by }) };
};

const statOverride: Knowledge = ({ args }, { model }) => {
  const read = readOptions(args, ["--update", "--add", "--remove", "--list", "--quiet", "--force", "--force-all"], []);
  if (read === undefined) return undefined;
  const { options, operands } = read;
  if (options.has("--list")) {
    const [path = ""] = operands;
    return { status: model.statOverrides.has(path), output: undefined };
  }
  const [user, group, mode, path] = operands;
  if (options.has("--remove")) return model.statOverrides.has(user ?? "") ? undefined : fails;
  if (!options.has("--add") || user === undefined || group === undefined || mode === undefined || path === undefined)
    return undefined;
  const uid = model.accounts.userId(user.replace(/^#/, ""));
  const gid = model.accounts.groupId(group.replace(/^#/, ""));
  const bits = parseMode(mode, 0);
  if (uid === undefined || gid === undefined || bits === undefined) return undefined;
  return {
    status: true,
    apply: () => {
      model.statOverrides.set(path, { user, group, mode });
      if (options.has("--update")) model.change(path, { uid, gid, mode: bits });
    },
  };
};

/** What `update-alternatives --install` offers; undefined when the command line has another form (update-alternatives(1)). */
function parseAlternative(args: readonly string[], origin: string): Alternative | undefined {
  const rest = args.filter((arg) => arg !== "--quiet" && arg !== "--verbose" && arg !== "--force");
  if (rest[0] !== "--install") return undefined;
  const [link, name, path, priority] = rest.slice(1, 5);
  if (link === undefined || name === undefined || path === undefined || !/^-?\d{1,9}$/.test(priority ?? ""))
    return undefined;
  const slaves: { name: string; link: string; path: string }[] = [];
  for (let i = 5; i < rest.length; i += 4) {
    const [option, slaveLink, slaveName, slavePath] = rest.slice(i, i + 4);
    if (option !== "--slave" || slaveLink === undefined || slaveName === undefined || slavePath === undefined)
      return undefined;
    slaves.push({ link: slaveLink, name: slaveName, path: slavePath });
  }
  const paths = [link, path, ...slaves.flatMap((slave) => [slave.link, slave.path])];
  const names = [name, ...slaves.map((slave) => slave.name)];
  if (paths.some((each) => !each.startsWith("/") || /[\n\0]/.test(each))) return undefined;
  if (names.some((each) => each === "" || /[/\s]/.test(each))) return undefined;
  return { name, link, path, priority: Number(priority), slaves, origin };
}

const alternatives: Knowledge = ({ args }, { model, packageName }) => {
  const offered = parseAlternative(args, packageName);
  if (offered !== undefined) {
    // update-alternatives refuses a path that is not there, and skips slaves that are not (its own words: "alternative path doesn't exist").
    if (model.find(offered.path) === undefined) return fails;
    return { status: true, apply: () => void model.alternatives.push(offered) };
  }
  const [action, name = "", path] = args.filter((arg) => arg !== "--quiet");
  if (action === "--remove" || action === "--remove-all" || action === "--auto") {
    const there = model.alternatives.some((each) => each.name === name && (path === undefined || each.path === path));
    return there && action !== "--auto" ? undefined : { status: there || action !== "--auto" };
  }
  return undefined;
};

const trigger: Knowledge = ({ args }, { model }) => {
  const read = readOptions(args, ["--no-await", "--await"], ["--by-package"]);
  const [name] = read?.operands ?? [];
  if (name === undefined) return undefined;
  return { status: true, apply: () => void model.triggers.add(name) };
};

const ask: Knowledge = ({ args }, { answers }) => {
  const answer = answers.get(args[0] ?? "");
  return { status: true, set: { name: "RET", value: answer } };
};

const addShell: Knowledge = ({ args }, { model }) => ({
  status: true,
  apply: () => model.shells.push(...args.filter((arg) => arg.startsWith("/"))),
});

export const packageCommands: ReadonlyMap<string, Knowledge> = new Map<string, Knowledge>([
  ["add-shell", addShell],
  ["db_get", ask],
  ["dpkg", dpkg],
  ["dpkg-divert", divert],
  ["dpkg-query", dpkgQuery],
  ["dpkg-statoverride", statOverride],
  ["dpkg-trigger", trigger],
  ["update-alternatives", alternatives],
]);
