/** Commands of maintainer scripts that add users and groups, and those that ask for them. */
import { type Caller, fails, type Knowledge, nothing, type Plan, readOptions } from "./script-command.ts";

const shells = { nologin: "/usr/sbin/nologin", none: "/bin/false" };

interface AccountRequest {
  readonly name: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly primaryGroup?: string;
  readonly home: string;
  readonly createHome: boolean;
  readonly shell: string;
  readonly gecos: string;
}

function id(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

/** Adds a group; it succeeds when the group is already there, as `--system` does. */
function addGroup(name: string, wanted: number | undefined, { model, packageName }: Caller): Plan | undefined {
  if (model.accounts.group(name) !== undefined) return nothing;
  const gid = wanted ?? model.accounts.dynamicId(name);
  if (gid === undefined) return undefined;
  return { status: true, apply: () => model.accounts.addGroup({ name, gid, members: [], origin: packageName }) };
}

function addUser(request: AccountRequest, caller: Caller): Plan | undefined {
  const { model, packageName } = caller;
  const { name, home, shell, gecos } = request;
  if (model.accounts.user(name) !== undefined) return nothing;
  const uid = request.uid ?? model.accounts.dynamicId(name);
  if (uid === undefined) return undefined;
  const ownGroup = request.primaryGroup === undefined && request.gid === undefined;
  const gid =
    request.gid ??
    (ownGroup ? (model.accounts.group(name)?.gid ?? uid) : model.accounts.groupId(request.primaryGroup ?? ""));
  if (gid === undefined) return undefined;
  return {
    status: true,
    apply: () => {
      if (ownGroup && model.accounts.group(name) === undefined)
        model.accounts.addGroup({ name, gid, members: [], origin: packageName });
      model.accounts.addUser({ name, uid, gid, home, shell, gecos, origin: packageName });
      if (request.createHome && home.startsWith("/") && model.find(home) === undefined)
        model.put(home, { type: "directory", mode: 0o755, uid, gid });
    },
  };
}

/** adduser(8) and addgroup(8) with `--system`, and `adduser USER GROUP`. */
const adduser: Knowledge = (call, caller) => {
  const read = readOptions(
    call.args,
    [
      "--system",
      "--group",
      "--quiet",
      "--disabled-password",
      "--disabled-login",
      "--no-create-home",
      "--force-badname",
    ].concat(["--allow-badname", "--allow-bad-names", "--allow-all-names"]),
    ["--home", "--shell", "--gecos", "--comment", "--uid", "--gid", "--ingroup"],
  );
  if (read === undefined) return undefined;
  const { options, operands } = read;
  const [name, group] = operands;
  if (name === undefined || operands.length > 2) return undefined;
  if (group !== undefined) {
    if (caller.model.accounts.user(name) === undefined || caller.model.accounts.group(group) === undefined)
      return fails;
    return { status: true, apply: () => void caller.model.accounts.addMember(group, name) };
  }
  if (!options.has("--system")) return undefined;
  if (call.name === "addgroup") return addGroup(name, id(options.get("--gid")), caller);
  const wanted = id(options.get("--uid"));
  const gid = id(options.get("--gid"));
  // adduser --system puts a user that has no group of its own into nogroup.
  const ingroup = options.get("--ingroup") ?? (options.has("--group") || gid !== undefined ? undefined : "nogroup");
  const home = options.get("--home");
  return addUser(
    {
      name,
      ...(wanted === undefined ? {} : { uid: wanted }),
      ...(gid === undefined ? {} : { gid }),
      ...(ingroup === undefined ? {} : { primaryGroup: ingroup }),
      home: home ?? "/nonexistent",
      createHome: home !== undefined && home !== "/nonexistent" && !options.has("--no-create-home"),
      shell: options.get("--shell") ?? shells.nologin,
      gecos: options.get("--gecos") ?? options.get("--comment") ?? "",
    },
    caller,
  );
};

const groupadd: Knowledge = (call, caller) => {
  const read = readOptions(call.args, ["-r", "--system", "-f", "--force"], ["-g", "--gid"]);
  const [name] = read?.operands ?? [];
  if (read === undefined || name === undefined || read.operands.length !== 1) return undefined;
  if (!read.options.has("-r") && !read.options.has("--system") && !read.options.has("-g") && !read.options.has("--gid"))
    return undefined;
  if (caller.model.accounts.group(name) !== undefined)
    return { status: read.options.has("-f") || read.options.has("--force") };
  return addGroup(name, id(read.options.get("-g") ?? read.options.get("--gid")), caller);
};

const useradd: Knowledge = (call, caller) => {
  const read = readOptions(
    call.args,
    ["-r", "--system", "-M", "--no-create-home", "-m", "--create-home", "-U", "--user-group", "-N"],
    ["-u", "--uid", "-g", "--gid", "-d", "--home-dir", "--home", "-s", "--shell", "-c", "--comment"],
  );
  const [name] = read?.operands ?? [];
  if (read === undefined || name === undefined || read.operands.length !== 1) return undefined;
  const { options } = read;
  if (!options.has("-r") && !options.has("--system")) return undefined;
  if (caller.model.accounts.user(name) !== undefined) return fails;
  const group = options.get("-g") ?? options.get("--gid");
  const wanted = id(options.get("-u") ?? options.get("--uid"));
  return addUser(
    {
      name,
      ...(wanted === undefined ? {} : { uid: wanted }),
      ...(group === undefined ? {} : { primaryGroup: group }),
      home: options.get("-d") ?? options.get("--home-dir") ?? options.get("--home") ?? `/home/${name}`,
      createHome: options.has("-m") || options.has("--create-home"),
      shell: options.get("-s") ?? options.get("--shell") ?? "",
      gecos: options.get("-c") ?? options.get("--comment") ?? "",
    },
    caller,
  );
};

const usermod: Knowledge = (call, { model }) => {
  const read = readOptions(call.args, ["-a", "--append"], ["-G", "--groups"]);
  const [name] = read?.operands ?? [];
  const groups = (read?.options.get("-G") ?? read?.options.get("--groups"))?.split(",");
  if (
    read === undefined ||
    name === undefined ||
    groups === undefined ||
    !(read.options.has("-a") || read.options.has("--append"))
  )
    return undefined;
  if (model.accounts.user(name) === undefined || groups.some((group) => model.accounts.group(group) === undefined))
    return fails;
  return {
    status: true,
    apply: () => {
      for (const group of groups) model.accounts.addMember(group, name);
    },
  };
};

const getent: Knowledge = ({ args }, { model }) => {
  const [database, key] = args.filter((arg) => !arg.startsWith("-"));
  if (key === undefined || args.length !== 2) return undefined;
  const numeric = /^\d+$/.test(key);
  if (database === "passwd") {
    const user = numeric ? model.accounts.users.find(({ uid }) => uid === Number(key)) : model.accounts.user(key);
    if (user === undefined) return fails;
    const { name, uid, gid, gecos, home, shell } = user;
    return { status: true, output: `${[name, "x", uid, gid, gecos, home, shell].join(":")}\n` };
  }
  if (database === "group") {
    const group = numeric ? model.accounts.groups.find(({ gid }) => gid === Number(key)) : model.accounts.group(key);
    return group === undefined
      ? fails
      : { status: true, output: `${group.name}:x:${group.gid}:${group.members.join(",")}\n` };
  }
  return undefined;
};

const identity: Knowledge = ({ args }, { model }) => {
  const read = readOptions(args, ["-u", "-g", "-n"], []);
  const [name = "root"] = read?.operands ?? [];
  if (read === undefined) return undefined;
  const user = model.accounts.user(name);
  if (user === undefined) return fails;
  if (read.options.has("-n")) return { status: true, output: read.options.has("-u") ? `${name}\n` : undefined };
  if (read.options.has("-u")) return { status: true, output: `${user.uid}\n` };
  if (read.options.has("-g")) return { status: true, output: `${user.gid}\n` };
  return { status: true, output: undefined };
};

export const accountCommands: ReadonlyMap<string, Knowledge> = new Map<string, Knowledge>([
  ["addgroup", adduser],
  ["adduser", adduser],
  ["getent", getent],
  ["groupadd", groupadd],
  ["id", identity],
  ["useradd", useradd],
  ["usermod", usermod],
]);
