/** What rules about the package managers of distributions share. */
import type { Edit } from "../rule.ts";
import type { Argument } from "../shell/argument.ts";
import type { Script, ShellCommand } from "../shell/script.ts";
import { isKnown, subcommand } from "./tools.ts";

/** Options of apt-get, apk and dnf whose value is the next word. */
const values =
  /^(?:-[ocatX]|--(?:option|config-file|target-release|default-release|host-architecture|repository|virtual|root|releasever|installroot|setopt|enablerepo|disablerepo))$/;

export function apt(command: ShellCommand, ...names: readonly string[]): ReturnType<typeof subcommand> {
  return /^(?:apt|apt-get|aptitude)$/.test(command.name) ? subcommand(command, names, values) : undefined;
}

export function apk(command: ShellCommand, ...names: readonly string[]): ReturnType<typeof subcommand> {
  return command.name === "apk" ? subcommand(command, names, values) : undefined;
}

export function dnf(command: ShellCommand, ...names: readonly string[]): ReturnType<typeof subcommand> {
  return /^(?:dnf|dnf5|yum|microdnf|tdnf|zypper)$/.test(command.name) ? subcommand(command, names, values) : undefined;
}

/** Names of packages that are asked for without a version; files and what is not known are left out. */
export function unversioned(rest: readonly Argument[], pinned: RegExp): readonly Argument[] {
  return rest.filter(
    ({ value }) =>
      isKnown(value) && value !== "" && !pinned.test(value) && !/^[./]|\.(?:deb|rpm|apk)$|:\/\//.test(value),
  );
}

/** A few of some packages, for a message. */
export function names(list: readonly Argument[]): string {
  const shown = list.slice(0, 3).map(({ value }) => value);
  return list.length > 3 ? `${shown.join(", ")} and ${list.length - 3} more` : shown.join(", ");
}

/** A command at the end of a RUN instruction, where that is a plain chain of commands. */
export function appended(script: Script, text: string): readonly Edit[] | undefined {
  const { run } = script.setting;
  const last = script.commands.at(-1);
  if (run === undefined || last === undefined || run.instruction.heredocs.length > 0 || last.json === true)
    return undefined;
  const end = script.commands.reduce((latest, command) => Math.max(latest, command.end), 0);
  if (script.setting.text.slice(end, run.instruction.end).trim() !== "" || script.slice.text.includes("||"))
    return undefined;
  return [{ at: end, end, text: ` && ${text}` }];
}

/** Whether a RUN instruction keeps some directory out of the layer: it is removed, or mounted over. */
export function keepsOut(script: Script, path: string): boolean {
  const mounts = script.setting.run?.instruction.flags ?? [];
  return (
    mounts.some(({ name, value }) => name === "mount" && /type=(?:cache|tmpfs)/.test(value) && value.includes(path)) ||
    script.commands.some(({ name, args }) => name === "rm" && args.some(({ value }) => value.startsWith(path)))
  );
}
