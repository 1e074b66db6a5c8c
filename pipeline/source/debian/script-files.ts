/** Commands of maintainer scripts that change files: mkdir, ln, chown, chmod, cp, rm and their like. */
import { absolute, fails, type KnownCall, type Knowledge, nothing, type Plan, readOptions } from "./script-command.ts";
import type { ImageModel, Node } from "./script-model.ts";

/** Does `each` for all operands; undefined when one of them is not understood, nothing to apply when none has anything. */
function forEach(
  operands: readonly string[],
  call: KnownCall,
  each: (path: string) => Plan | undefined,
): Plan | undefined {
  const applies: (() => void)[] = [];
  let status: boolean | undefined = true;
  for (const operand of operands) {
    const path = absolute(operand, call);
    const plan = path === undefined ? undefined : each(path);
    if (plan === undefined) return undefined;
    if (plan.status !== true) status = plan.status;
    if (plan.apply !== undefined) applies.push(plan.apply);
  }
  if (applies.length === 0) return { status };
  return {
    status,
    apply: () => {
      for (const apply of applies) apply();
    },
  };
}

/** Octal and simple symbolic modes of chmod(1); undefined for others. */
export function parseMode(text: string, before: number): number | undefined {
  if (/^[0-7]{1,5}$/.test(text)) return Number.parseInt(text, 8) & 0o7777;
  let mode = before;
  for (const clause of text.split(",")) {
    const [, who = "", operator = "", permissions = ""] = /^([ugoa]*)([-+=])([rwxst]*)$/.exec(clause) ?? [];
    if (operator === "") return undefined;
    let bits = 0;
    for (const letter of permissions) {
      const all = who === "" || who.includes("a");
      const unit = { r: 4, w: 2, x: 1 }[letter] ?? 0;
      if (all || who.includes("u")) bits |= (unit << 6) | (letter === "s" ? 0o4000 : 0);
      if (all || who.includes("g")) bits |= (unit << 3) | (letter === "s" ? 0o2000 : 0);
      if (all || who.includes("o")) bits |= unit;
      if (letter === "t") bits |= 0o1000;
    }
    if (operator === "=") return undefined;
    mode = operator === "+" ? mode | bits : mode & ~bits;
  }
  return mode;
}

const mkdir: Knowledge = (call, { model }) => {
  const read = readOptions(call.args, ["-p", "--parents", "-v"], ["-m", "--mode"]);
  if (read === undefined) return undefined;
  const parents = read.options.has("-p") || read.options.has("--parents");
  const given = read.options.get("-m") ?? read.options.get("--mode");
  const mode = given === undefined ? 0o777 & ~call.umask : parseMode(given, 0o777);
  if (mode === undefined) return undefined;
  return forEach(read.operands, call, (path) => {
    if (model.find(path) !== undefined) return parents ? nothing : fails;
    return { status: true, apply: () => model.put(path, { type: "directory", mode, uid: 0, gid: 0 }) };
  });
};

const remove: Knowledge = (call, { model }) => {
  const read = readOptions(call.args, ["-f", "-r", "-R", "--ignore-fail-on-non-empty", "-p", "-v"], []);
  if (read === undefined) return undefined;
  return forEach(read.operands, call, (path) => {
    const node = model.find(path, false);
    if (node === undefined) return { status: call.name === "rm" && read.options.has("-f") };
    const directory = node.type === "directory";
    if (directory !== (call.name === "rmdir")) return undefined;
    // What a package ships stays: a script that deletes it is for a person to judge.
    if (node.shipped && !directory) return undefined;
    if (directory && !emptyDirectory(model, path)) return { status: read.options.has("--ignore-fail-on-non-empty") };
    return { status: true, apply: () => void model.remove(path) };
  });
};

function emptyDirectory(model: ImageModel, path: string): boolean {
  const at = model.resolve(path, false);
  return at !== undefined && model.glob(`/${at}/`, /./).length === 0;
}

/** A path for what goes into `target` under the name of `source`, when `target` is a directory. */
function into(model: ImageModel, source: string, target: string): string {
  const directory = model.find(target)?.type === "directory";
  return directory ? `${target}/${source.replace(/\/+$/, "").split("/").at(-1) ?? ""}` : target;
}

const link: Knowledge = (call, { model }) => {
  const read = readOptions(call.args, ["-s", "-f", "-n", "-T", "-v", "--symbolic", "--force", "--no-dereference"], []);
  const [target, name] = read?.operands ?? [];
  if (read === undefined || target === undefined || name === undefined || read.operands.length !== 2) return undefined;
  if (!read.options.has("-s") && !read.options.has("--symbolic")) return undefined;
  const given = absolute(name, call);
  if (given === undefined) return undefined;
  const plainName = read.options.has("-n") || read.options.has("-T") || read.options.has("--no-dereference");
  const path = plainName && model.find(given, false)?.type === "symlink" ? given : into(model, target, given);
  const there = model.find(path, false);
  if (there?.target === target) return nothing;
  if (there !== undefined && !read.options.has("-f") && !read.options.has("--force")) return fails;
  if (there?.shipped === true) return undefined;
  return { status: true, apply: () => model.put(path, { type: "symlink", mode: 0o777, uid: 0, gid: 0, target }) };
};

const touch: Knowledge = (call, { model }) => {
  const read = readOptions(call.args, ["-c", "-h", "--no-dereference"], ["-r", "--reference", "-d", "-t"]);
  if (read === undefined) return undefined;
  return forEach(read.operands, call, (path) => {
    // Times are the epoch, so an existing file stays as it is.
    if (model.find(path) !== undefined || read.options.has("-c")) return nothing;
    const mode = 0o666 & ~call.umask;
    return {
      status: true,
      apply: () => model.put(path, { type: "file", mode, uid: 0, gid: 0, content: Buffer.alloc(0) }),
    };
  });
};

const change: Knowledge = (call, { model }) => {
  const read = readOptions(call.args, ["-f", "-h", "--no-dereference", "-v", "--quiet"], []);
  if (read === undefined) return undefined;
  const [what = "", ...paths] = read.operands;
  const [user = "", group = ""] = call.name === "chgrp" ? ["", what] : what.split(/[:.]/);
  return forEach(paths, call, (path) => {
    const node = model.find(path);
    if (node === undefined) return fails;
    if (call.name === "chmod") {
      const mode = parseMode(what, node.mode);
      if (mode === undefined) return undefined;
      return mode === node.mode ? nothing : { status: true, apply: () => void model.change(path, { mode }) };
    }
    const uid = user === "" ? node.uid : model.accounts.userId(user);
    const gid = group === "" ? node.gid : model.accounts.groupId(group);
    if (uid === undefined || gid === undefined) return undefined;
    if (uid === node.uid && gid === node.gid) return nothing;
    return { status: true, apply: () => void model.change(path, { uid, gid }) };
  });
};

function copied(node: Node, keep: boolean, umask: number): Omit<Node, "shipped" | "plain"> | undefined {
  const owner = keep ? { uid: node.uid, gid: node.gid } : { uid: 0, gid: 0 };
  if (node.type === "file" && node.content !== undefined)
    return { type: "file", mode: keep ? node.mode : node.mode & 0o777 & ~umask, ...owner, content: node.content };
  return undefined;
}

const copy: Knowledge = (call, { model }) => {
  const moves = call.name === "mv";
  const read = readOptions(
    call.args,
    ["-p", "-a", "-f", "-d", "-n", "-T", "-u", "-Z", "--no-clobber", "--preserve", "--update=none"],
    [],
  );
  const [from, to] = read?.operands ?? [];
  if (read === undefined || from === undefined || to === undefined || read.operands.length !== 2) return undefined;
  const source = absolute(from, call);
  const given = absolute(to, call);
  if (source === undefined || given === undefined) return undefined;
  const node = model.find(source);
  if (node === undefined) return fails;
  if (moves && node.shipped) return undefined;
  const target = into(model, source, given);
  const there = model.find(target);
  if (there !== undefined && ["-n", "--no-clobber", "-u", "--update=none"].some((option) => read.options.has(option)))
    return nothing;
  const made = copied(node, moves || read.options.has("-p") || read.options.has("-a"), call.umask);
  if (made === undefined || there?.shipped === true) return undefined;
  return {
    status: true,
    apply: () => {
      model.put(target, made);
      if (moves) model.remove(source);
    },
  };
};

const install: Knowledge = (call, { model }) => {
  const valued = ["-o", "-g", "-m", "--owner", "--group", "--mode"];
  const read = readOptions(call.args, ["-d", "-D", "-p", "--directory"], valued);
  if (read === undefined) return undefined;
  const option = (short: string, long: string): string | undefined => read.options.get(short) ?? read.options.get(long);
  const uid = model.accounts.userId(option("-o", "--owner") ?? "root");
  const gid = model.accounts.groupId(option("-g", "--group") ?? "root");
  const mode = parseMode(option("-m", "--mode") ?? "755", 0);
  if (uid === undefined || gid === undefined || mode === undefined) return undefined;
  if (read.options.has("-d") || read.options.has("--directory")) {
    return forEach(read.operands, call, (path) => {
      if (model.find(path) === undefined)
        return { status: true, apply: () => model.put(path, { type: "directory", mode, uid, gid }) };
      return { status: true, apply: () => void model.change(path, { mode, uid, gid }) };
    });
  }
  const [from, to] = read.operands;
  if (from === undefined || to === undefined || read.operands.length !== 2) return undefined;
  const source = absolute(from, call);
  const given = absolute(to, call);
  if (source === undefined || given === undefined) return undefined;
  const target = into(model, source, given);
  const content = source === "/dev/null" ? Buffer.alloc(0) : model.find(source)?.content;
  if (content === undefined || model.find(target)?.shipped === true) return undefined;
  return { status: true, apply: () => model.put(target, { type: "file", mode, uid, gid, content }) };
};

export const fileCommands: ReadonlyMap<string, Knowledge> = new Map<string, Knowledge>([
  ["chgrp", change],
  ["chmod", change],
  ["chown", change],
  ["cp", copy],
  ["install", install],
  ["ln", link],
  ["mkdir", mkdir],
  ["mv", copy],
  ["rm", remove],
  ["rmdir", remove],
  ["touch", touch],
]);
