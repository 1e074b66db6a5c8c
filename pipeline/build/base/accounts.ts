/** Accounts of a spec on a base image: added to the files that the base has, of which every line stays as it is. */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { normalise } from "../../source/debian/script-model.ts";
import type { LayerEntry } from "../../source/image/layer.ts";
import type { BaseTree } from "../../source/image/tree.ts";
import type { GroupSpec, UserSpec } from "../../spec/types.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { GeneratedFile } from "../../tree/generated.ts";

/** A line of passwd(5) or group(5): name, id, and of users the id of the group. */
interface Account {
  readonly name: string;
  readonly id: number;
  readonly fields: readonly string[];
}

interface AccountFile {
  readonly entry: LayerEntry | undefined;
  readonly text: string;
  readonly accounts: readonly Account[];
}

/** For bases without the file, such as those of a single program. */
const minimal: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\n",
  "etc/group": "root:x:0:\n",
};

function readFile(tree: BaseTree, path: string, place: Place): AccountFile {
  const entry = tree.find(path);
  if (entry !== undefined && entry.content === undefined) {
    throw new LockstepError({
      code: "LS2807",
      message: `/${path} of the base is not a plain file of its own, so nothing can be added to it`,
      place,
      hint: "use a base that has it as a file, or leave out users and groups",
    });
  }
  const text =
    entry?.content === undefined ? (minimal[path] ?? "") : Buffer.from(entry.content, "base64").toString("latin1");
  const accounts = text.split("\n").flatMap((line): readonly Account[] => {
    const fields = line.split(":");
    const [name = "", , id = ""] = fields;
    // What is no account, such as a comment or a line of NIS, stays and says nothing.
    return /^[0-9]{1,10}$/.test(id) && name !== "" ? [{ name, id: Number(id), fields }] : [];
  });
  return { entry, text, accounts };
}

/** What stands against adding an account: another with its name or its id. */
function clash(
  what: "user" | "group",
  name: string,
  id: number,
  there: readonly Account[],
  place: Place,
): readonly Problem[] {
  const ids = what === "user" ? "uid" : "gid";
  const same = there.find((other) => other.name === name);
  if (same !== undefined && same.id !== id) {
    const message = `${what} "${name}" has ${ids} ${id}, but the base gives it ${ids} ${same.id}`;
    return [{ code: "LS2402", message, place, hint: `use ${ids} ${same.id}, or another name` }];
  }
  const other = there.find((account) => account.id === id);
  if (same !== undefined || other === undefined) return [];
  const message = `${what}s "${name}" and "${other.name}" (of the base) both have ${ids} ${id}`;
  return [{ code: "LS2401", message, place, hint: `choose a ${ids} that the base does not use` }];
}

/** The file with the lines at its end; nothing when it stays as it is. */
function appended(
  path: string,
  { entry, text }: AccountFile,
  lines: readonly string[],
  usual: number,
): readonly GeneratedFile[] {
  const joint = text === "" || text.endsWith("\n") ? "" : "\n";
  const content = Buffer.from(
    lines.length === 0 ? text : `${text}${joint}${lines.map((line) => `${line}\n`).join("")}`,
    "latin1",
  );
  if (entry?.content === content.toString("base64")) return [];
  const { mode, uid, gid } = entry ?? { mode: usual, uid: 0, gid: 0 };
  return [{ type: "file", path, mode, uid, gid, content }];
}

/** UTF-8 as the characters of latin1, in which the base's bytes are held. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Members of the spec's groups added to the base's line, where the base has the group already. */
function withMembers(text: string, groups: readonly GroupSpec[], there: readonly Account[]): string {
  let result = text;
  for (const { name, members } of groups) {
    const old = there.find((account) => account.name === name);
    if (old === undefined || members.length === 0) continue;
    const had = (old.fields[3] ?? "").split(",").filter((member) => member !== "");
    const all = [...had, ...members.filter((member) => !had.includes(member))];
    const [group = "", password = "", id = ""] = old.fields;
    const line = [group, password, id, all.join(",")].join(":");
    result = result
      .split("\n")
      .map((each) => (each === old.fields.join(":") ? line : each))
      .join("\n");
  }
  return result;
}

/**
 * The files of accounts with those of the specs added at the end, and home directories that nothing has yet. Files of hashed passwords are
 * extended only where the base has them. Throws LS2401, LS2402, LS2020 and LS2807, all at once where it can.
 */
export function extendAccounts(
  tree: BaseTree,
  users: readonly UserSpec[],
  groups: readonly GroupSpec[],
  file: string,
): readonly GeneratedFile[] {
  const place = { file };
  const passwd = readFile(tree, "etc/passwd", place);
  const group = readFile(tree, "etc/group", place);
  const problems: Problem[] = [];
  const newGroups = groups.filter(({ name }) => !group.accounts.some((account) => account.name === name));
  const newUsers = users.filter(({ name }) => !passwd.accounts.some((account) => account.name === name));
  for (const { name, gid } of groups) problems.push(...clash("group", name, gid, group.accounts, place));
  for (const { name, uid } of users) problems.push(...clash("user", name, uid, passwd.accounts, place));
  const gids = new Set([...group.accounts.map(({ id }) => id), ...groups.map(({ gid }) => gid)]);
  for (const { name, gid } of users) {
    if (gids.has(gid)) continue;
    const message = `user ${name} has gid ${gid}, and no group of the base or of the spec has it`;
    problems.push({ code: "LS2020", message, place, hint: `add groups: [{ name: ${name}, gid: ${gid} }]` });
  }
  const names = new Set([...passwd.accounts.map(({ name }) => name), ...users.map(({ name }) => name)]);
  for (const { name, members } of groups) {
    for (const member of members.filter((each) => !names.has(each))) {
      const message = `group ${name} has the member ${member}, and no user is called so`;
      problems.push({ code: "LS2020", message, place, hint: "declare the user with `users:`" });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems);
  const files: GeneratedFile[] = [
    ...appended(
      "etc/passwd",
      passwd,
      newUsers.map(({ name, uid, gid, gecos, home, shell }) =>
        bytesOf([name, "x", uid, gid, gecos, home, shell].join(":")),
      ),
      0o644,
    ),
    ...appended(
      "etc/group",
      { ...group, text: withMembers(group.text, groups, group.accounts) },
      newGroups.map(({ name, gid, members }) => [name, "x", gid, members.join(",")].join(":")),
      0o644,
    ),
  ];
  if (tree.find("etc/shadow") !== undefined) {
    // No password fits "*"; without a day of the last change, passwords do not age.
    const lines = newUsers.map(({ name }) => `${name}:*::0:99999:7:::`);
    files.push(...appended("etc/shadow", readFile(tree, "etc/shadow", place), lines, 0o640));
  }
  if (tree.find("etc/gshadow") !== undefined) {
    const lines = newGroups.map(({ name, members }) => `${name}:*::${members.join(",")}`);
    files.push(...appended("etc/gshadow", readFile(tree, "etc/gshadow", place), lines, 0o640));
  }
  for (const { home, uid, gid } of newUsers) {
    const path = normalise(home);
    if (path === "" || path === "nonexistent" || !home.startsWith("/") || tree.find(path) !== undefined) continue;
    files.push({ type: "directory", path, mode: 0o700, uid, gid });
  }
  return files.toSorted((a, b) => comparePaths(a.path, b.path));
}
