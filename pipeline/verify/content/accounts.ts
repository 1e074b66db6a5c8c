/**
 * Compares passwd(5), shadow(5), group(5) and gshadow(5), and their backups, account by account. Hashes of passwords are never shown.
 *
 * The names within are those of accounts. Fields are those of the C library: `pw_passwd`, `pw_uid`, `pw_gid`, `pw_gecos`, `pw_dir`, `pw_shell`;
 * `sp_pwdp`, `sp_lstchg` (a day since 1970), `sp_min`, `sp_max`, `sp_warn`, `sp_inact`, `sp_expire`, `sp_flag`; `gr_passwd`, `gr_gid`, `gr_mem`;
 * `sg_passwd`, `sg_adm`, `sg_mem`; and `presence`, `order`.
 * Facts: `file` (`passwd`, …); of `sp_lstchg` and `sp_expire` `dayA`, `dayB`; of passwords `stateA`, `stateB` (`locked`, `none`, `no login`,
 * `elsewhere`, `hash`).
 */
import type { Grade, Nature } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { Format, Looker, Pair } from "./format.ts";
import { compareOrder } from "./order.ts";
import { wholeOf } from "./windows.ts";

interface Field {
  readonly name: string;
  readonly grade: Grade;
  readonly natures: readonly Nature[];
}

const field = (name: string, grade: Grade, ...natures: readonly Nature[]): Field => ({ name, grade, natures });

const files: Readonly<Record<string, readonly Field[]>> = {
  passwd: [
    field("pw_passwd", "privilege"),
    field("pw_uid", "privilege", "identity"),
    field("pw_gid", "privilege", "identity"),
    field("pw_gecos", "content", "text"),
    field("pw_dir", "content"),
    field("pw_shell", "privilege"),
  ],
  shadow: [
    field("sp_pwdp", "privilege"),
    field("sp_lstchg", "clock", "time"),
    field("sp_min", "content", "number"),
    field("sp_max", "content", "number"),
    field("sp_warn", "content", "number"),
    field("sp_inact", "content", "number"),
    field("sp_expire", "privilege", "time"),
    field("sp_flag", "content"),
  ],
  group: [
    field("gr_passwd", "privilege"),
    field("gr_gid", "privilege", "identity"),
    field("gr_mem", "privilege", "identity"),
  ],
  gshadow: [
    field("sg_passwd", "privilege"),
    field("sg_adm", "privilege", "identity"),
    field("sg_mem", "privilege", "identity"),
  ],
};

const largest = 16 << 20;

function fileOf(path: string): string | undefined {
  return /(?:^|\/)(passwd|shadow|group|gshadow)(?:-|\.org)?$/.exec(path)?.[1];
}

type Account = readonly string[];

/** Accounts by name, in order. Throws for what is no such file, and for a name that is there twice: then the order of lines decides. */
function read(bytes: Buffer, columns: number): ReadonlyMap<string, Account> {
  const accounts = new Map<string, Account>();
  for (const line of bytes.toString("utf8").split("\n")) {
    if (line === "") continue;
    const parts = line.split(":");
    const name = parts[0] ?? "";
    if (parts.length !== columns || name === "") throw new Error("a line has another number of fields");
    if (accounts.has(name)) throw new Error("an account is there twice");
    accounts.set(name, parts.slice(1));
  }
  return accounts;
}

/** What a password field says (shadow(5), crypt(5)), without its value. */
function state(value: string): { readonly name: string; readonly text: string } {
  if (value === "") return { name: "none", text: "none: no password is asked for" };
  if (value === "x") return { name: "elsewhere", text: "in another file" };
  if (value === "*" || value === "!*") return { name: "no login", text: "no login by password" };
  if (/^!+$/.test(value)) return { name: "locked", text: "locked, without a password" };
  const scheme = /^!*\$(\w{1,12})\$/.exec(value)?.[1];
  const schemes: Readonly<Record<string, string>> = {
    1: "MD5",
    5: "SHA-256",
    6: "SHA-512",
    y: "yescrypt",
    gy: "gost-yescrypt",
    7: "scrypt",
    "2b": "bcrypt",
    "2a": "bcrypt",
    "2y": "bcrypt",
  };
  const kind = scheme === undefined ? "another kind" : (schemes[scheme] ?? "another kind");
  if (value.startsWith("!")) return { name: "locked", text: `locked, over a hash (${kind})` };
  return { name: "hash", text: `a hash (${kind})` };
}

function isPassword({ name }: Field): boolean {
  return name.endsWith("passwd") || name === "sp_pwdp";
}

function comparePasswords({ name, grade }: Field, file: string, a: string, b: string, looker: Looker): void {
  const [x, y] = [state(a), state(b)];
  const same = x.text === y.text;
  looker.found(name, {
    grade,
    a: x.text,
    b: same ? `${y.text}, another one` : y.text,
    natures: x.name === "hash" && y.name === "hash" ? ["random"] : [],
    facts: { file, stateA: x.name, stateB: y.name },
  });
}

function compareFields(file: string, fields: readonly Field[], a: Account, b: Account, looker: Looker): void {
  for (const [index, one] of fields.entries()) {
    const [x, y] = [a[index] ?? "", b[index] ?? ""];
    if (x === y) continue;
    if (isPassword(one)) {
      comparePasswords(one, file, x, y, looker);
      continue;
    }
    const members = /_(?:mem|adm)$/.test(one.name);
    const sorted = (list: string): string => list.split(",").toSorted().join();
    const order = members && sorted(x) === sorted(y);
    const day = one.natures.includes("time");
    looker.found(one.name, {
      grade: order ? "cosmetic" : one.grade,
      a: shown(x),
      b: shown(y),
      natures: order ? ["order"] : one.natures,
      facts: { file, ...(day ? { dayA: x, dayB: y } : {}) },
    });
  }
}

function compareAccounts({ path, a, b }: Pair, looker: Looker): void {
  const file = fileOf(path) ?? "passwd";
  const fields = files[file] ?? [];
  const [left, right] = [read(wholeOf(a, largest), fields.length + 1), read(wholeOf(b, largest), fields.length + 1)];
  for (const [name, account] of left) {
    const other = right.get(name);
    const inner = looker.within(name);
    if (other === undefined)
      inner.found("presence", { grade: "privilege", a: "present", natures: ["identity"], facts: { file } });
    else compareFields(file, fields, account, other, inner);
  }
  for (const name of right.keys())
    if (!left.has(name))
      looker
        .within(name)
        .found("presence", { grade: "privilege", b: "present", natures: ["identity"], facts: { file } });
  compareOrder(left, right, looker, "cosmetic", { file });
}

export const accounts: Format = {
  name: "accounts",
  accepts: ({ path, a, b }) =>
    fileOf(path) !== undefined &&
    Math.max(a.size, b.size) <= largest &&
    [a, b].every((side) => side.size === 0 || /^[^\s:]+:/.test(side.read(0, 256).toString("latin1"))),
  compare: compareAccounts,
};
