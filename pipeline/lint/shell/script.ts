/** A shell script as the rules see it: every command it runs, wherever it stands, with its words as far as they are known. */
import { parseScript } from "../../shell/parser.ts";
import { type Command, type Extent, ScriptSyntaxError, type SimpleCommand, type Word } from "../../shell/syntax.ts";
import type { Dockerfile, Instruction } from "../../dockerfile/parser.ts";
import type { Slice } from "../../dockerfile/text.ts";
import { type Argument, argumentOf, hole, nestedText, textWord } from "./argument.ts";
import { type Invocation, unwrap } from "./wrappers.ts";

/** What kind of file a script stands in, and with what around it. */
export interface Setting {
  /** The text of the file that places are in. */
  readonly text: string;
  readonly kind: "dockerfile" | "script" | "workflow" | "package";
  /** The RUN instruction, and the file it is in. */
  readonly run?: { readonly instruction: Instruction; readonly file: Dockerfile };
  /** Whether words may be put into it. */
  readonly editable: boolean;
  /** Variables that are set around it: by ENV, ARG, or `env:` of a workflow; undefined where the value is not known. */
  readonly variables: ReadonlyMap<string, string | undefined>;
}

export interface ShellCommand extends Invocation, Extent {
  readonly script: Script;
  /** Files that output goes to and input comes from. */
  readonly redirects: readonly { readonly operator: string; readonly descriptor: number; readonly target: Argument }[];
  /** The commands beside it in a pipeline. */
  before?: ShellCommand;
  after?: ShellCommand;
  /** Whether it is written in JSON form, and no shell reads it. */
  readonly json?: true;
  /** Whether its output becomes words of another command, and of which. */
  readonly within?: ShellCommand;
}

export interface Use extends Extent {
  readonly name: string;
}

export interface Script {
  readonly setting: Setting;
  readonly slice: Slice;
  /** In the order in which they are written. */
  readonly commands: ShellCommand[];
  /** Variables that are read. */
  readonly uses: Use[];
  /** Variables that are set anywhere in it. */
  readonly assigned: Set<string>;
  /** What is not written in a language that is understood. */
  readonly problems: (Extent & { readonly message: string })[];
}

/** Whether a shell is given its script as input, and not as a file or an argument. */
function readsInput({ args }: Invocation): boolean {
  // `-euo pipefail`: the word behind an option that ends in `o` is its value.
  return args.every(
    ({ value }, at) => /^[-+](?![a-z]*c)[a-z]*$|^--/.test(value) || /^[-+][a-z]*o$/.test(args[at - 1]?.value ?? ""),
  );
}

/** Scripts within scripts that are followed. */
const maxNesting = 8;

const shells = new Set(["sh", "bash", "dash", "ash", "ksh", "zsh"]);

export class ScriptReader {
  readonly #script: Script;
  #nesting = 0;

  constructor(script: Script) {
    this.#script = script;
  }

  /** Reads a text that a shell would be given. */
  text(slice: Slice, within?: ShellCommand): readonly ShellCommand[] {
    if (this.#nesting >= maxNesting) return [];
    this.#nesting++;
    try {
      return this.#command(parseScript(slice.text, "bash", slice.origin), within);
    } catch (error) {
      if (!(error instanceof ScriptSyntaxError) && !(error instanceof RangeError)) throw error;
      const at = error instanceof ScriptSyntaxError ? error.at : slice.origin(0);
      this.#script.problems.push({ message: error.message.replace(/^line \d+: /, ""), at, end: at });
      return [];
    } finally {
      this.#nesting--;
    }
  }

  /** What a command runs, the outermost commands of it; these are also the ends of a pipeline. */
  #command(command: Command, within: ShellCommand | undefined): readonly ShellCommand[] {
    switch (command.kind) {
      case "simple":
        return this.#simple(command, within);
      case "pipeline": {
        const parts = command.commands.map((each) => this.#command(each, within));
        for (const [index, here] of parts.entries()) {
          const next = parts[index + 1]?.[0];
          const last = here.at(-1);
          if (next === undefined || last === undefined) continue;
          last.after ??= next;
          next.before ??= last;
        }
        return parts.flat();
      }
      case "not":
        return this.#command(command.command, within);
      case "and":
      case "or":
        return [...this.#command(command.left, within), ...this.#command(command.right, within)];
      case "sequence":
        return command.commands.flatMap((each) => this.#command(each, within));
      case "if":
        return [
          ...command.branches.flatMap(({ condition, body }) => [
            ...this.#command(condition, within),
            ...this.#command(body, within),
          ]),
          ...(command.otherwise === undefined ? [] : this.#command(command.otherwise, within)),
        ];
      case "case":
        this.#word(command.subject, within);
        return command.items.flatMap(({ body }) => this.#command(body, within));
      case "for":
        this.#script.assigned.add(command.name);
        for (const word of command.words ?? []) this.#word(word, within);
        return this.#command(command.body, within);
      case "loop":
        return [...this.#command(command.condition, within), ...this.#command(command.body, within)];
      case "group": {
        const inside = this.#command(command.body, within);
        for (const { target } of command.redirects) this.#word(target, inside.at(-1));
        return inside;
      }
      case "function":
        return this.#command(command.body, within);
    }
  }

  /** Looks for variables and commands in a word. */
  #word(word: Word, within: ShellCommand | undefined): void {
    for (const part of word) {
      if (part.kind === "parameter") {
        this.#script.uses.push({ name: part.name, at: part.at, end: part.end });
        if (part.argument !== undefined) this.#word(part.argument, within);
      } else if (part.kind === "substitution") this.#command(part.body, within);
      else if (part.kind === "arithmetic") {
        for (const [name] of part.text.matchAll(/\b[A-Za-z_]\w*\b/g))
          this.#script.uses.push({ name, at: part.at, end: part.end });
      }
    }
  }

  #simple(command: SimpleCommand, within: ShellCommand | undefined): readonly ShellCommand[] {
    const { text } = this.#script.setting;
    const words = command.words.map((word) => argumentOf(word, text));
    const invocation = unwrap(words);
    const made: ShellCommand = {
      ...invocation,
      script: this.#script,
      variables: [
        ...command.assignments.map(({ name, value }) => ({ name, value: argumentOf(value, text).value })),
        ...invocation.variables,
      ],
      redirects: command.redirects.map(({ operator, descriptor, target }) => ({
        operator,
        descriptor,
        target: argumentOf(target, text),
      })),
      at: command.at,
      end: command.end,
      ...(within === undefined ? {} : { within }),
    };
    this.#script.commands.push(made);
    for (const { name, value, elements } of command.assignments) {
      this.#script.assigned.add(name);
      for (const word of [value, ...(elements ?? [])]) this.#word(word, made);
    }
    for (const word of command.words) this.#word(word, made);
    for (const { operator, target } of command.redirects)
      if (operator === "<<" && shells.has(made.name) && readsInput(made)) this.text(nestedText(target, text));
      else this.#word(target, made);
    this.#inner(made);
    return [made];
  }

  /** A command in JSON form, which no shell reads. */
  exec(words: readonly Slice[]): void {
    const invocation = unwrap(words.map(textWord));
    const at = words[0]?.origin(0) ?? 0;
    const last = words.at(-1);
    const end = last === undefined ? at : last.origin(last.text.length);
    const made: ShellCommand = { ...invocation, script: this.#script, redirects: [], json: true, at, end };
    this.#script.commands.push(made);
    this.#inner(made);
  }

  /** Scripts and commands that a command is given as arguments: `sh -c '…'`, `find -exec …`. */
  #inner(command: ShellCommand): void {
    const { name, args } = command;
    if (shells.has(name) || name === "su") {
      const option = args.findIndex(({ value }) => /^-[a-z]*c$/.test(value));
      const script = option < 0 ? undefined : args[option + 1];
      if (script !== undefined) this.text(script.nested());
    }
    const [only] = args;
    // What is only known when it runs cannot be read before.
    if (name === "eval" && args.length === 1 && only !== undefined && !only.value.includes(hole))
      this.text(only.nested(), command);
    if (name === "find") {
      const start = args.findIndex(({ value }) => /^-(?:exec|execdir|ok|okdir)$/.test(value));
      const rest = start < 0 ? [] : args.slice(start + 1);
      const stop = rest.findIndex(({ value }) => value === ";" || value === "+");
      const words = stop < 0 ? rest : rest.slice(0, stop);
      const [first] = words;
      const last = words.at(-1);
      if (first === undefined || last === undefined) return;
      const made: ShellCommand = {
        ...unwrap(words),
        script: this.#script,
        redirects: [],
        at: first.at,
        end: last.end,
        before: command,
      };
      this.#script.commands.push(made);
      this.#inner(made);
    }
  }
}

/** An empty script, to be filled by a reader. */
export function emptyScript(setting: Setting, slice: Slice): Script {
  return { setting, slice, commands: [], uses: [], assigned: new Set(), problems: [] };
}

/** The script that a text is. */
export function readScript(slice: Slice, setting: Setting): Script {
  const script = emptyScript(setting, slice);
  new ScriptReader(script).text(slice);
  return script;
}
