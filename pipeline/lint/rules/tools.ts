/** What rules about commands share: options, operands, and edits. */
import type { Argument } from "../shell/argument.ts";
import { hole } from "../shell/argument.ts";
import type { Script, ShellCommand } from "../shell/script.ts";
import type { Edit, Found } from "../rule.ts";

/** Whether a word is written without quotes, escapes and line ends, so that text may be put in its place. */
export function isExact(command: ShellCommand, argument: Argument | undefined): argument is Argument {
  return (
    argument !== undefined &&
    command.json !== true &&
    command.script.setting.text.slice(argument.at, argument.end) === argument.value
  );
}

/** Text behind a word. */
export function insertAfter(
  command: ShellCommand,
  argument: Argument | undefined,
  text: string,
): readonly Edit[] | undefined {
  return isExact(command, argument) ? [{ at: argument.end, end: argument.end, text }] : undefined;
}

export function insertBefore(
  command: ShellCommand,
  argument: Argument | undefined,
  text: string,
): readonly Edit[] | undefined {
  return isExact(command, argument) ? [{ at: argument.at, end: argument.at, text }] : undefined;
}

export function replace(
  command: ShellCommand,
  argument: Argument | undefined,
  text: string,
): readonly Edit[] | undefined {
  return isExact(command, argument) ? [{ at: argument.at, end: argument.end, text }] : undefined;
}

/** A finding at a place, with a fix where there is one. A command in JSON form gets none: its words are strings of their own. */
export function found(
  where: { readonly at: number; readonly end: number },
  message: string,
  fix?: readonly Edit[],
): Found {
  return { at: where.at, end: where.end, message, ...(fix === undefined ? {} : { fix }) };
}

/** A finding at the name of a command. */
export function foundCommand(command: ShellCommand, message: string, fix?: readonly Edit[]): Found {
  return found(command.word ?? command, message, fix);
}

/** Whether an option is there: `-y`, also in `-qy`; `--yes`, also as `--yes=…`. */
export function has(command: ShellCommand, ...options: readonly string[]): boolean {
  return command.args.some(({ value }) => options.some((option) => isOption(value, option)));
}

function isOption(value: string, option: string): boolean {
  if (option.startsWith("--")) return value === option || value.startsWith(`${option}=`);
  if (value === option) return true;
  // One letter may stand among others; the value of an option that takes one may follow at once.
  return option.length === 2 && /^-[A-Za-z0-9]+$/.test(value) && value.includes(option.charAt(1));
}

/** The value of an option, in the next word or in the same one. */
export function optionValue(command: ShellCommand, ...options: readonly string[]): string | undefined {
  for (const [index, { value }] of command.args.entries())
    for (const option of options) {
      if (value === option) return command.args[index + 1]?.value;
      if (value.startsWith(`${option}=`)) return value.slice(option.length + 1);
      if (option.length === 2 && value.startsWith(option) && !value.startsWith("--")) return value.slice(2);
    }
  return undefined;
}

/** Words that are no options; `values` matches options whose value is the next word. */
export function operands(command: ShellCommand, values?: RegExp): readonly Argument[] {
  const list: Argument[] = [];
  let plain = false;
  for (let index = 0; index < command.args.length; index++) {
    const argument = command.args[index];
    if (argument === undefined) break;
    if (plain || !argument.value.startsWith("-") || argument.value === "-") list.push(argument);
    else if (argument.value === "--") plain = true;
    else if (values?.test(argument.value) === true) index++;
  }
  return list;
}

/** The first operand, what comes behind it, and whether it is one of some words. */
export function subcommand(
  command: ShellCommand,
  names: readonly string[],
  values?: RegExp,
): { readonly word: Argument; readonly rest: readonly Argument[] } | undefined {
  const [word, ...rest] = operands(command, values);
  return word !== undefined && names.includes(word.value) ? { word, rest } : undefined;
}

export function isKnown(value: string): boolean {
  return !value.includes(hole);
}

/** What is the same for all commands of a script is worked out once. */
export function perScript<Fact>(work: (script: Script) => Fact): (script: Script) => Fact {
  const known = new WeakMap<Script, Fact>();
  return (script) => {
    const answer = known.get(script);
    if (answer !== undefined) return answer;
    const made = work(script);
    known.set(script, made);
    return made;
  };
}

/** Names that `export NAME=value` and its like set, which are commands like others. */
const exported = perScript(
  ({ commands }) =>
    new Set(
      commands.flatMap(({ name, args }) =>
        /^(?:export|declare|typeset|readonly)$/.test(name) ? args.map(({ value }) => value.split("=", 1)[0] ?? "") : [],
      ),
    ),
);

/** Whether a variable is set for a command, in its script, or around it. */
export function isSet({ script, variables }: ShellCommand, ...names: readonly string[]): boolean {
  return names.some(
    (name) =>
      variables.some((variable) => variable.name === name) ||
      script.assigned.has(name) ||
      script.setting.variables.has(name) ||
      exported(script).has(name),
  );
}

export function isImage(command: ShellCommand): boolean {
  return command.script.setting.kind === "dockerfile";
}

/** A package that is no path, archive, address or variable. */
export function isName(value: string): boolean {
  return isKnown(value) && value !== "" && !/^[./~]|:\/\/|\.(?:tgz|tar\.gz|whl|zip)$/.test(value);
}

const moving = /\/(?:latest|master|main|HEAD|nightly|stable|current)(?:\/|$|[-_.][^/]*$)|[-_]latest[-_.]/i;

/** `…/releases/latest/…`, `…/main/…`: an address that means something else tomorrow. */
export function isMovingAddress(address: string): boolean {
  return moving.test(address.replace(/^\w+:\/\/[^/]*/, ""));
}

const usesEpoch = perScript(({ uses }) => uses.some(({ name }) => name === "SOURCE_DATE_EPOCH"));

/** Whether a script has the time of the source, so that a fix may use it. */
export function knowsEpoch(command: ShellCommand): boolean {
  return isSet(command, "SOURCE_DATE_EPOCH") || usesEpoch(command.script);
}
