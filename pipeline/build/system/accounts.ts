/** /etc/passwd, /etc/group, /etc/shadow, /etc/gshadow and the home directories of the image's own users. */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { parseGroup, parsePasswd } from "../../source/debian/accounts.ts";
import type { ImageModel } from "../../source/debian/script-model.ts";
import { normalise } from "../../source/debian/script-model.ts";
import type { GroupSpec, UserSpec } from "../../spec/types.ts";
import { directory } from "./generated.ts";
import { applySysusers } from "./sysusers.ts";

export interface AccountInput {
  readonly users: readonly UserSpec[];
  readonly groups: readonly GroupSpec[];
  readonly file?: string;
  readonly existing?: ReadonlySet<string>;
}

/** What every Linux system takes for granted, for images without base-passwd. */
const minimalPasswd = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const minimalGroup = "root:x:0:\nshadow:x:42:\nnogroup:x:65534:\n";

const fromSpec = "image spec";

function checkUser(user: UserSpec, model: ImageModel, place: Place): Problem | undefined {
  const { accounts } = model;
  const same = accounts.user(user.name);
  if (same !== undefined && same.uid !== user.uid) {
    return {
      code: "LS2402",
      message: `user "${user.name}" has uid ${user.uid}, but ${same.origin} gives it uid ${same.uid}`,
      place,
      hint: `use uid ${same.uid}, or another name`,
    };
  }
  const other = accounts.users.find(({ uid, name }) => uid === user.uid && name !== user.name);
  if (other === undefined) return undefined;
  return {
    code: "LS2401",
    message: `users "${user.name}" and "${other.name}" (${other.origin}) both have uid ${user.uid}`,
    place,
    hint: "choose a uid that no other user has; 1000 to 59999 are free for your own",
  };
}

function checkGroup(group: GroupSpec, model: ImageModel, place: Place): Problem | undefined {
  const { accounts } = model;
  const same = accounts.group(group.name);
  if (same !== undefined && same.gid !== group.gid) {
    return {
      code: "LS2402",
      message: `group "${group.name}" has gid ${group.gid}, but ${same.origin} gives it gid ${same.gid}`,
      place,
      hint: `use gid ${same.gid}, or another name`,
    };
  }
  const other = accounts.groups.find(({ gid, name }) => gid === group.gid && name !== group.name);
  if (other === undefined) return undefined;
  return {
    code: "LS2401",
    message: `groups "${group.name}" and "${other.name}" (${other.origin}) both have gid ${group.gid}`,
    place,
    hint: "choose a gid that no other group has; 1000 to 59999 are free for your own",
  };
}

/**
 * Debian's static accounts, then those of the image spec, then those that packages declare in sysusers.d: who comes first keeps the id,
 * so a spec can give a package's account an explicit id. Throws LS2401, LS2402 and LS2403, all at once.
 */
export function seedAccounts(model: ImageModel, input: AccountInput): void {
  const { accounts } = model;
  const master = (name: string): string | undefined =>
    model.find(`usr/share/base-passwd/${name}.master`)?.content?.toString("utf8");
  for (const user of parsePasswd(master("passwd") ?? minimalPasswd, "base-passwd")) accounts.addUser(user);
  for (const group of parseGroup(master("group") ?? minimalGroup, "base-passwd")) accounts.addGroup(group);
  const place = { file: input.file ?? "images" };
  const problems: Problem[] = [];
  for (const group of input.groups) {
    const problem = checkGroup(group, model, place);
    if (problem !== undefined) problems.push(problem);
    else accounts.addGroup({ ...group, origin: fromSpec });
  }
  for (const user of input.users) {
    const problem = checkUser(user, model, place);
    if (problem !== undefined) problems.push(problem);
    else accounts.addUser({ ...user, origin: fromSpec });
  }
  problems.push(...applySysusers(model));
  if (problems.length > 0) throw new LockstepError(problems);
}

/** Home directories that the spec's users have and nothing brings: 0700 and the user's own, as adduser(8) makes them. */
export function homeDirectories(model: ImageModel, input: AccountInput): void {
  for (const { home, uid, gid } of input.users) {
    const path = normalise(home);
    if (path === "" || path === "nonexistent" || !home.startsWith("/")) continue;
    if (model.find(path, false) === undefined && input.existing?.has(path) !== true)
      model.put(path, { ...directory(0o700), uid, gid });
  }
}

function lines(records: readonly (readonly (string | number)[])[]): Buffer {
  return Buffer.from(records.map((fields) => `${fields.join(":")}\n`).join(""), "utf8");
}

/** Writes the four files (passwd(5), group(5), shadow(5), gshadow(5)). */
export function writeAccounts(model: ImageModel): void {
  const { users, groups } = model.accounts;
  const shadow = model.accounts.group("shadow")?.gid ?? 0;
  const open = { type: "file", mode: 0o644, uid: 0, gid: 0 } as const;
  const secret = { type: "file", mode: 0o640, uid: 0, gid: shadow } as const;
  model.put("etc/passwd", {
    ...open,
    content: lines(users.map(({ name, uid, gid, gecos, home, shell }) => [name, "x", uid, gid, gecos, home, shell])),
  });
  model.put("etc/group", {
    ...open,
    content: lines(groups.map(({ name, gid, members }) => [name, "x", gid, members.join(",")])),
  });
  // No password fits "*". The day of the last change is left empty, which means that passwords do not age: any day would be that of a
  // build, and the file would change with every epoch (peers.md T12).
  model.put("etc/shadow", {
    ...secret,
    content: lines(users.map(({ name }) => [name, "*", "", 0, 99999, 7, "", "", ""])),
  });
  model.put("etc/gshadow", {
    ...secret,
    content: lines(groups.map(({ name, members }) => [name, "*", "", members.join(",")])),
  });
}
