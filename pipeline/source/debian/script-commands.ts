/** What the commands of maintainer scripts mean in an image: nothing, a change of the model, a question, or unknown. */
import { accountCommands } from "./script-accounts.ts";
import { absolute, asked, type Caller, fails, type KnownCall, type Knowledge, nothing } from "./script-command.ts";
import { packageCommands } from "./script-dpkg.ts";
import type { CommandCall, Outcome } from "./script-evaluation.ts";
import { fileCommands } from "./script-files.ts";
import type { ImageModel } from "./script-model.ts";
import { testExpression } from "./script-test.ts";

/**
 * Commands that change nothing in an image whatever their arguments are: messages, services (an image runs none and has no init), the
 * debconf dialogue, the kernel, machine ids (every machine makes its own), and dpkg-maintscript-helper, which only acts when an older version is replaced (dpkg-maintscript-helper(1)).
 */
const silent = new Set(
  (
    ": apparmor_parser db_beginblock db_capb db_endblock db_fget db_fset db_go db_input db_metaget db_purge db_register db_reset db_set db_settitle " +
    "db_stop dbus-uuidgen db_subst db_title db_unregister db_version dbus-send deb-systemd-helper deb-systemd-invoke dpkg-maintscript-helper hash " +
    "initctl invoke-rc.d kill modprobe logger restorecon runlevel service sleep start-stop-daemon sysctl systemctl systemd-machine-id-setup telinit times trap true udevadm " +
    "ulimit update-rc.d wait"
  ).split(" "),
);

/** Commands that only look; what they would see is not known here. */
const questions = new Set(
  (
    "aa-enabled apt-config awk basename cksum cmp cut date deb-systemd-helper diff dirname dpkg-architecture du egrep expr fgrep file " +
    "find getcap getconf head hostname ischroot locale ls lsmod md5sum nproc pgrep pidof printenv ps pwd readlink realpath runlevel sed " +
    "sha1sum sha256sum sha512sum sort ss stat tail tr tty type uname uniq wc who whoami"
  ).split(" "),
);

/** Options that make a question a change. */
const changing: ReadonlyMap<string, RegExp> = new Map([
  ["sed", /^(?:-i|--in-place|-[nErsuz]*i)/],
  ["find", /^-(?:delete|exec|execdir|fprint|fls|ok)/],
  ["sort", /^-o|^--output/],
  ["hostname", /^[^-]|^-[bF]/],
  ["date", /^-s|^--set/],
]);

/** Tools whose work Lockstep does for the whole image, from the same inputs. */
const performed = new Map<string, Knowledge>([
  ["ldconfig", () => ({ status: true, apply: () => {} })],
  ["pwconv", () => ({ status: true, apply: () => {} })],
  ["grpconv", () => ({ status: true, apply: () => {} })],
  ["shadowconfig", ({ args }) => (args[0] === "on" ? { status: true, apply: () => {} } : undefined)],
  ["systemd-sysusers", () => ({ status: true, apply: () => {} })],
  ["update-ca-certificates", () => ({ status: true, apply: () => {} })],
  ["update-passwd", () => ({ status: true, apply: () => {} })],
  ["update-shells", () => ({ status: true, apply: () => {} })],
]);

const which: Knowledge = (call, { model }) => {
  const names = call.args.filter((arg) => !arg.startsWith("-"));
  const [name] = names;
  if (name === undefined || names.length !== 1) return undefined;
  const path = /^[\w.+-]+$/.test(name) || name.startsWith("/") ? model.program(name) : undefined;
  return path === undefined ? { status: false, output: "" } : { status: true, output: `${path}\n` };
};

const echo: Knowledge = ({ args }) => {
  const plain = args[0] === "-n" ? args.slice(1) : args;
  return { status: true, output: plain.join(" ") + (args[0] === "-n" ? "" : "\n") };
};

/** printf(1) for formats of `%s` and plain escapes, used again until no value is left; other formats give an unknown text. */
const printf: Knowledge = ({ args: [format = "", ...values] }) => {
  if (format.replaceAll(/%[s%]/g, "").includes("%") || /\\(?![nt\\])/.test(format))
    return { status: true, output: undefined };
  const places = format.split("%s").length - 1;
  const rounds = places === 0 ? 1 : Math.max(1, Math.ceil(values.length / places));
  const plain = format.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
  const output = Array.from({ length: rounds }, (_, round) => {
    let next = round * places;
    return plain.replaceAll(/%[s%]/g, (found) => (found === "%%" ? "%" : (values[next++] ?? "")));
  });
  return { status: true, output: output.join("") };
};

const cat: Knowledge = (call, { model }) => {
  if (call.args.length === 0) return { status: true, output: call.input };
  const contents = call.args.map((arg) => {
    const path = absolute(arg, call);
    return arg.startsWith("-") || path === undefined ? undefined : model.find(path)?.content?.toString("utf8");
  });
  const known = contents.every((content) => content !== undefined);
  return known ? { status: true, output: contents.join("") } : asked;
};

/** grep(1) over a known input for a pattern without special forms; everything else is a question. */
const grep: Knowledge = (call) => {
  const options = call.args.filter((arg) => /^-[qFxsEev]+$/.test(arg)).join("");
  const operands = call.args.filter((arg) => !arg.startsWith("-"));
  const [pattern] = operands;
  const fixed = options.includes("F") || call.name === "fgrep";
  const simple = fixed || /^\^?[\w/:=,@~ -]*\$?$/.test(pattern ?? "");
  if (pattern === undefined || operands.length !== 1 || call.input === undefined || !simple) return asked;
  const start = !fixed && pattern.startsWith("^");
  const end = !fixed && pattern.endsWith("$");
  const text = pattern.slice(start ? 1 : 0, end ? -1 : undefined);
  const whole = options.includes("x");
  const lines = call.input.split("\n").slice(0, call.input.endsWith("\n") ? -1 : undefined);
  const chosen = lines.filter((line) => {
    const at = line.indexOf(text);
    const found =
      whole || (start && end) ? line === text : start ? line.startsWith(text) : end ? line.endsWith(text) : at >= 0;
    return found !== options.includes("v");
  });
  const output = options.includes("q") ? "" : chosen.map((line) => `${line}\n`).join("");
  return { status: chosen.length > 0, output };
};

const readlink: Knowledge = (call, { model }) => {
  const paths = call.args.filter((arg) => !arg.startsWith("-"));
  const [path] = paths;
  const at = path === undefined || paths.length !== 1 ? undefined : absolute(path, call);
  if (at === undefined) return asked;
  if (call.name === "dpkg-realpath" || call.args.some((arg) => /^-[fem]+$/.test(arg)))
    return { status: true, output: `/${model.resolve(at, true) ?? ""}\n` };
  const target = call.name === "readlink" ? model.find(at, false)?.target : undefined;
  return target === undefined ? asked : { status: true, output: `${target}\n` };
};

function statField(letter: string, model: ImageModel, path: string): string | undefined {
  const node = model.find(path);
  if (node === undefined) return undefined;
  return { a: node.mode.toString(8), u: String(node.uid), g: String(node.gid) }[letter];
}

const stat: Knowledge = (call, { model }) => {
  const [format = "", path = ""] = call.args.filter((arg) => !arg.startsWith("-"));
  const at = absolute(path, call);
  const letter = /^%([aug])$/.exec(format)?.[1];
  const value = letter === undefined || at === undefined ? undefined : statField(letter, model, at);
  return value === undefined ? asked : { status: true, output: `${value}\n` };
};

const names: Knowledge = ({ name, args: [path = "", suffix = ""] }) => {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  if (name === "dirname") return { status: true, output: `${slash < 0 ? "." : trimmed.slice(0, slash) || "/"}\n` };
  const base = trimmed.slice(slash + 1);
  return { status: true, output: `${suffix !== "" && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base}\n` };
};

/** The capabilities a package gives a file are in its entry, and none are there to remove from a plain file. */
const setcap: Knowledge = ({ args: [capabilities, path = ""] }, { model }) =>
  capabilities === "-r" && model.find(path)?.plain === true ? nothing : undefined;

/** `perl -e ''` asks whether perl runs. */
const perl: Knowledge = ({ args }) => (args.join(" ") === "-e " ? asked : undefined);

/** seq(1) with integers: loops over it are few and short. */
const seq: Knowledge = ({ args }) => {
  const numbers = args.map(Number);
  if (args.length === 0 || args.length > 3 || !numbers.every((each) => Number.isInteger(each))) return undefined;
  const [first = 1, step = 1, last = 1] =
    numbers.length === 1 ? [1, 1, numbers[0]] : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : numbers;
  if (step === 0 || Math.abs((last - first) / step) > 10_000) return undefined;
  let output = "";
  for (let each = first; step > 0 ? each <= last : each >= last; each += step) output += `${each}\n`;
  return { status: true, output };
};

const source: Knowledge = ({ args: [path = ""] }) =>
  path === "/usr/share/debconf/confmodule" || path === "/usr/share/dpkg/sh/dpkg-error.sh" ? nothing : undefined;

const knowledge: ReadonlyMap<string, Knowledge> = new Map<string, Knowledge>([
  ...fileCommands,
  ...accountCommands,
  ...packageCommands,
  ...performed,
  [".", source],
  ["basename", names],
  ["cat", cat],
  ["command", which],
  ["dirname", names],
  ["dpkg-realpath", readlink],
  ["echo", echo],
  ["false", () => fails],
  ["fgrep", grep],
  ["grep", grep],
  ["mktemp", () => ({ status: true, output: "/tmp/maintainer-script\n" })],
  ["perl", perl],
  ["printf", printf],
  ["readlink", readlink],
  ["realpath", readlink],
  ["seq", seq],
  ["setcap", setcap],
  ["source", source],
  ["stat", stat],
  ["type", which],
  ["which", which],
]);

function known(call: CommandCall): call is KnownCall {
  return call.args.every((arg) => arg !== undefined);
}

/** Tells the evaluator what a command does; used as `ScriptContext.command`. */
export function runCommand(call: CommandCall, caller: Caller): Outcome {
  // A tool may be called by its path.
  const name = call.name.replace(/^\/(?:usr\/)?s?bin\//, "");
  if (name === "test" || name === "[") {
    const args = name === "[" && call.args.at(-1) === "]" ? call.args.slice(0, -1) : call.args;
    return { kind: "silent", status: testExpression(args, caller.model) };
  }
  if (name === "deb-systemd-helper") return { kind: "silent", status: undefined, output: undefined };
  if (silent.has(name)) return { kind: "silent", status: true };
  if (known(call)) {
    const plan = knowledge.get(name)?.({ ...call, name }, caller);
    if (plan !== undefined) {
      const { status, set, apply } = plan;
      if (apply !== undefined && !call.certain) return { kind: "unknown" };
      apply?.();
      return {
        kind: apply === undefined ? "silent" : "effect",
        status,
        ...("output" in plan ? { output: plan.output } : {}),
        ...(set === undefined ? {} : { set }),
      };
    }
  }
  if (name === "echo" || name === "printf" || name === "cat" || name === "grep")
    return { kind: "silent", status: name === "grep" ? undefined : true, output: undefined };
  const changes = changing.get(name);
  if (!questions.has(name) || call.args.some((arg) => arg !== undefined && changes?.test(arg) === true))
    return { kind: "unknown" };
  return { kind: "silent", status: undefined, output: undefined };
}
