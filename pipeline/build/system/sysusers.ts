/** Accounts that packages declare in /usr/lib/sysusers.d (sysusers.d(5)), as systemd-sysusers would add them. */
import type { Problem } from "../../host/errors.ts";
import type { ImageModel } from "../../source/debian/script-model.ts";

interface Declaration {
  readonly kind: string;
  readonly name: string;
  readonly id: string;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
  readonly origin: string;
}

/** Fields of a line: blanks between them, double or single quotes around them. */
function fields(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double?.replaceAll(/\\(.)/g, "$1") ?? single ?? plain ?? "",
  );
}

function parse(text: string, origin: string): readonly Declaration[] {
  const declarations: Declaration[] = [];
  for (const line of text.split("\n")) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [kind = "", name = "", id = "-", gecos = "", home = "", shell = ""] = fields(line).map((field) =>
      field === "-" ? "" : field,
    );
    if (name === "" || /[:/\s%]/.test(name)) continue;
    declarations.push({ kind: kind.replace("!", ""), name, id, gecos, home, shell, origin });
  }
  return declarations;
}

/** Every declaration of the image; a file in a later package of the same name would have been a file conflict. */
function declarations(model: ImageModel): readonly Declaration[] {
  const found: Declaration[] = [];
  const paths = model.glob("/usr/lib/sysusers.d/", /\.d\/[^/]+\.conf$/);
  for (const path of paths) {
    const content = model.find(path)?.content;
    const owner = [...model.packages].find(([, facts]) => path.slice(1) in facts.contents)?.[0] ?? "sysusers.d";
    if (content !== undefined) found.push(...parse(content.toString("utf8"), owner));
  }
  return found;
}

function noId(name: string, origin: string): Problem {
  return {
    code: "LS2403",
    message: `no id from 100 to 999 is free for the account "${name}" of ${origin}`,
    hint: `give "${name}" an id of its own under users or groups in the image spec`,
  };
}

function addGroup(model: ImageModel, { name, id, origin }: Declaration): Problem | undefined {
  if (model.accounts.group(name) !== undefined) return undefined;
  const gid = /^\d+$/.test(id) ? Number(id) : model.accounts.dynamicId(name);
  if (gid === undefined) return noId(name, origin);
  model.accounts.addGroup({ name, gid, members: [], origin });
  return undefined;
}

function addUser(model: ImageModel, declaration: Declaration): Problem | undefined {
  const { accounts } = model;
  const { name, id, gecos, home, shell, origin } = declaration;
  if (accounts.user(name) !== undefined) return undefined;
  const [uidText = "", groupText] = id.split(":");
  const uid = /^\d+$/.test(uidText) ? Number(uidText) : accounts.dynamicId(name);
  if (uid === undefined) return noId(name, origin);
  let gid = groupText === undefined ? accounts.group(name)?.gid : accounts.groupId(groupText);
  if (gid === undefined) {
    gid = uid;
    accounts.addGroup({ name, gid, members: [], origin });
  }
  const plain = { home: home === "" ? "/" : home, shell: shell === "" ? "/usr/sbin/nologin" : shell };
  accounts.addUser({ name, uid, gid, gecos, ...plain, origin });
  return undefined;
}

/** Adds what is declared: groups, then users, then members, as systemd-sysusers orders them. Accounts that are there stay. */
export function applySysusers(model: ImageModel): readonly Problem[] {
  const all = declarations(model);
  const problems: (Problem | undefined)[] = [];
  for (const each of all) if (each.kind === "g") problems.push(addGroup(model, each));
  for (const each of all) if (each.kind === "u") problems.push(addUser(model, each));
  // For members, the third field is the group.
  for (const each of all) if (each.kind === "m") model.accounts.addMember(each.id, each.name);
  return problems.filter((problem) => problem !== undefined);
}
