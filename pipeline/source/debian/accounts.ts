/** Users and groups of an image: Debian's static ones, those packages ask for, and how dynamic ids are chosen. */
import { createHash } from "node:crypto";
import type { GroupSpec, UserSpec } from "../../spec/types.ts";

export interface User extends UserSpec {
  /** Who asked for it: a package's name, `base-passwd`, or the image spec. */
  readonly origin: string;
}

export interface Group extends GroupSpec {
  readonly origin: string;
}

/** Ids that Debian gives out when a package asks for any system account (Policy 9.2.2). */
const firstDynamic = 100;
const lastDynamic = 999;

/**
 * Users and groups by name. A dynamic id is taken from the account's name and not from the order of installation, so that an account has
 * the same id in every image, whichever packages it is made of; when two names meet, the one that comes later moves to the next free id.
 */
export class Accounts {
  readonly #users = new Map<string, User>();
  readonly #groups = new Map<string, Group>();

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  group(name: string): Group | undefined {
    return this.#groups.get(name);
  }

  /** Sorted by id, then name. */
  get users(): readonly User[] {
    return [...this.#users.values()].toSorted((a, b) => a.uid - b.uid || (a.name < b.name ? -1 : 1));
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()].toSorted((a, b) => a.gid - b.gid || (a.name < b.name ? -1 : 1));
  }

  addUser(user: User): void {
    this.#users.set(user.name, user);
  }

  addGroup(group: Group): void {
    this.#groups.set(group.name, group);
  }

  addMember(group: string, user: string): boolean {
    const found = this.#groups.get(group);
    if (found === undefined) return false;
    if (!found.members.includes(user))
      this.#groups.set(group, { ...found, members: [...found.members, user].toSorted() });
    return true;
  }

  /** A free id for a new system account of this name; undefined when all 900 are taken. */
  dynamicId(name: string): number | undefined {
    const taken = new Set<number>();
    for (const user of this.#users.values()) if (user.name !== name) taken.add(user.uid);
    for (const group of this.#groups.values()) if (group.name !== name) taken.add(group.gid);
    const own = this.#groups.get(name)?.gid ?? this.#users.get(name)?.uid;
    if (own !== undefined && !taken.has(own)) return own;
    const count = lastDynamic - firstDynamic + 1;
    const start = createHash("sha256").update(name).digest().readUInt32BE(0) % count;
    for (let step = 0; step < count; step++) {
      const id = firstDynamic + ((start + step) % count);
      if (!taken.has(id)) return id;
    }
    return undefined;
  }

  /** The id behind a user name or a decimal number, as chown(1) takes it. */
  userId(text: string): number | undefined {
    return this.#users.get(text)?.uid ?? (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
  }

  groupId(text: string): number | undefined {
    return this.#groups.get(text)?.gid ?? (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
  }
}

/** Lines of a passwd file, `name:password:uid:gid:gecos:home:shell` (passwd(5)); lines of another form are left out. */
export function parsePasswd(text: string, origin: string): readonly User[] {
  const users: User[] = [];
  for (const line of text.split("\n")) {
    const [name, , uid, gid, gecos = "", home = "", shell = ""] = line.split(":");
    if (name === undefined || name === "" || !/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) continue;
    users.push({ name, uid: Number(uid), gid: Number(gid), gecos, home, shell, origin });
  }
  return users;
}

/** Lines of a group file, `name:password:gid:members` (group(5)). */
export function parseGroup(text: string, origin: string): readonly Group[] {
  const groups: Group[] = [];
  for (const line of text.split("\n")) {
    const [name, , gid, members = ""] = line.split(":");
    if (name === undefined || name === "" || !/^\d+$/.test(gid ?? "")) continue;
    groups.push({ name, gid: Number(gid), members: members.split(",").filter((member) => member !== ""), origin });
  }
  return groups;
}
