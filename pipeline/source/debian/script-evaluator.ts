/**
 * Follows a maintainer script as dpkg would call it on a fresh installation and tells what is left to do: conditions are decided where the
 * image decides them, commands that mean nothing in an image fall away, and the rest is carried out on the model or reported.
 * Nothing is run, and a script cannot make this run for long: every step counts against a budget.
 */
import type { ImageModel } from "./script-model.ts";
import { compilePattern, expandFields, expandPattern, expandText, type Scope, type Value } from "./script-expansion.ts";
import { parseScript } from "./script-parser.ts";
import { type Command, type Redirect, ScriptSyntaxError, type SimpleCommand } from "./script-syntax.ts";

/** A command that was not carried out. */
export interface Residual {
  /** With the values that are known put in. */
  readonly command: string;
  /** Whether it certainly would have run; else it depends on something that only running could tell. */
  readonly certain: boolean;
}

export interface Evaluation {
  /** Commands that were carried out on the model, in order. */
  readonly done: readonly string[];
  readonly residual: readonly Residual[];
}

/** Exit status as far as it is known: true is success. */
export type Status = boolean | undefined;

/** What a command did: `unknown` means that nothing here knows what it does. */
export type Outcome =
  | {
      readonly kind: "silent" | "effect";
      readonly status: Status;
      readonly output?: Value;
      /** A variable that the command sets (`read`, `db_get`). */
      readonly set?: { readonly name: string; readonly value: Value };
    }
  | { readonly kind: "unknown" };

export interface CommandCall {
  readonly name: string;
  readonly args: readonly Value[];
  /** Standard input, where it is known. */
  readonly input: Value;
  readonly umask: number;
  /** Absolute; undefined when unknown. */
  readonly directory: Value;
  /** Whether the command certainly runs; only then may it change the model. */
  readonly certain: boolean;
}

export interface ScriptContext {
  readonly model: ImageModel;
  /** `install`, `configure ""`, `triggered "name name"`. */
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** What commands mean; an unknown one is reported. */
  readonly command: (call: CommandCall) => Outcome;
}

/** Commands and expansions one script may take: the longest of Debian's take a few hundred. */
const stepLimit = 50_000;

class Limit extends Error {}

type Flow = "exit" | "return" | "break" | "continue" | undefined;

interface Result {
  readonly status: Status;
  readonly output: Value;
  readonly flow?: Flow;
}

/** What a subshell or an uncertain branch must not change for good. */
interface Shell {
  readonly variables: Map<string, Value>;
  positional: readonly Value[];
  directory: Value;
  umask: number;
  certain: boolean;
}

const quiet: Result = { status: true, output: "" };

function concatenate(a: Value, b: Value): Value {
  return a === undefined || b === undefined ? undefined : a + b;
}

function quote(value: string): string {
  return /^[\w@%+=:,./~^-]+$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

class Evaluator implements Scope {
  readonly #context: ScriptContext;
  readonly #functions = new Map<string, Command>();
  readonly done: string[] = [];
  readonly residual: Residual[] = [];
  #shell: Shell;
  #input: Value = "";
  #steps = 0;
  #calls = 0;

  constructor(context: ScriptContext) {
    this.#context = context;
    this.#shell = {
      variables: new Map(Object.entries(context.variables)),
      positional: context.args,
      directory: "/",
      umask: 0o022,
      certain: true,
    };
  }

  get positional(): readonly Value[] {
    return this.#shell.positional;
  }

  variable(name: string): Value {
    if (/^\d+$/.test(name)) return name === "0" ? "postinst" : number(this.#shell.positional, Number(name) - 1);
    if (name === "#") return String(this.#shell.positional.length);
    if ("?$!-".includes(name)) return undefined;
    return this.#shell.variables.has(name) ? this.#shell.variables.get(name) : "";
  }

  assign(name: string, value: Value): void {
    this.#shell.variables.set(name, value);
  }

  glob(pattern: RegExp): readonly string[] {
    return this.#context.model.glob(pattern);
  }

  substitute(body: Command): Value {
    const { output } = this.#isolated(() => this.run(body));
    return output?.replace(/\n+$/, "");
  }

  #copy(): Shell {
    return { ...this.#shell, variables: new Map(this.#shell.variables) };
  }

  #isolated(run: () => Result): Result {
    const before = this.#copy();
    const { status, output } = run();
    this.#shell = before;
    return { status, output };
  }

  /** Runs branches of which it is not known which one is taken; what they set differently is unknown afterwards. */
  #either(branches: readonly (() => Result)[]): Result {
    const before = this.#copy();
    const ends: Shell[] = [];
    let leaves = false;
    for (const branch of branches) {
      this.#shell = { ...before, variables: new Map(before.variables), certain: false };
      const { flow, status } = branch();
      // A script that fails stops the installation; an image is made of installations that succeed.
      if (flow === "exit" && status === false) continue;
      leaves ||= flow !== undefined;
      ends.push(this.#shell);
    }
    if (ends.length === 0) ends.push(before);
    const variables = new Map<string, Value>();
    for (const name of new Set(ends.flatMap((end) => [...end.variables.keys()]))) {
      const values = new Set(ends.map((end) => (end.variables.has(name) ? end.variables.get(name) : "")));
      const [value] = values;
      variables.set(name, values.size === 1 ? value : undefined);
    }
    const directories = new Set(ends.map((end) => end.directory));
    this.#shell = {
      ...before,
      variables,
      directory: directories.size === 1 ? [...directories][0] : undefined,
      // When a branch may have left the script or the loop, it is not certain that what follows is reached.
      certain: before.certain && !leaves,
    };
    return { status: undefined, output: undefined };
  }

  run(command: Command): Result {
    if (++this.#steps > stepLimit) throw new Limit("takes too many steps");
    switch (command.kind) {
      case "simple":
        return this.#simple(command);
      case "pipeline":
        return this.#pipeline(command.commands, command.source);
      case "not": {
        const result = this.run(command.command);
        return { ...result, status: result.status === undefined ? undefined : !result.status };
      }
      case "and":
      case "or":
        return this.#andOr(command.left, command.right, command.kind === "and");
      case "sequence": {
        let last = quiet;
        let output: Value = "";
        for (const each of command.commands) {
          last = this.run(each);
          output = concatenate(output, last.output);
          if (last.flow !== undefined) break;
        }
        return { ...last, output };
      }
      case "if":
        return this.#if(command.branches, command.otherwise);
      case "case":
        return this.#case(command);
      case "for":
        return this.#for(command);
      case "loop":
        return this.#loop(command);
      case "group": {
        const body = (): Result => this.#redirected(command.redirects, command.source, () => this.run(command.body));
        return command.subshell ? this.#isolated(body) : body();
      }
      case "function":
        this.#functions.set(command.name, command.body);
        return quiet;
    }
  }

  #andOr(left: Command, right: Command, and: boolean): Result {
    const first = this.run(left);
    if (first.flow !== undefined || first.status === !and) return first;
    if (first.status === undefined) return this.#either([() => this.run(right), () => quiet]);
    const second = this.run(right);
    return { ...second, output: concatenate(first.output, second.output) };
  }

  #if(branches: Extract<Command, { kind: "if" }>["branches"], otherwise: Command | undefined): Result {
    const [first, ...others] = branches;
    if (first === undefined) return otherwise === undefined ? quiet : this.run(otherwise);
    const { status, flow } = this.run(first.condition);
    if (flow !== undefined) return { status, output: "", flow };
    if (status === true) return this.run(first.body);
    if (status === false) return this.#if(others, otherwise);
    return this.#either([() => this.run(first.body), () => this.#if(others, otherwise)]);
  }

  #case(command: Extract<Command, { kind: "case" }>): Result {
    const subject = expandText(command.subject, this);
    const open: Command[] = [];
    for (const { patterns, body } of command.items) {
      let matches: Status = false;
      for (const word of patterns) {
        const source = expandPattern(word, this);
        const pattern = source === undefined ? undefined : compilePattern(`^(?:${source})$`);
        if (pattern?.source === "^(?:[^]*)$") matches = true;
        else if (subject === undefined || pattern === undefined) matches ??= undefined;
        else if (pattern.test(subject)) matches = true;
        if (subject === undefined && matches === false) matches = undefined;
        if (matches === true) break;
      }
      if (matches === false) continue;
      if (matches === true && open.length === 0) return this.run(body);
      open.push(body);
      if (matches === true) break;
    }
    return open.length === 0 ? quiet : this.#either([...open.map((body) => () => this.run(body)), () => quiet]);
  }

  #for(command: Extract<Command, { kind: "for" }>): Result {
    const fields = command.words?.flatMap((word) => expandFields(word, this)) ?? this.#shell.positional;
    let result = quiet;
    for (const field of fields) {
      this.assign(command.name, field);
      result = field === undefined ? this.#either([() => this.run(command.body), () => quiet]) : this.run(command.body);
      if (result.flow === "break") break;
      if (result.flow === "exit" || result.flow === "return") return result;
    }
    return { status: result.status, output: result.output };
  }

  /** A loop whose condition does not fail at once: its body is followed once, and nothing in it is certain. */
  #loop(command: Extract<Command, { kind: "loop" }>): Result {
    const { status, flow } = this.run(command.condition);
    if (flow !== undefined) return { status, output: "", flow };
    if (status === command.until) return quiet;
    return this.#either([() => this.run(command.body), () => quiet]);
  }

  #pipeline(commands: readonly Command[], source: string): Result {
    const before = { done: this.done.length, residual: this.residual.length, input: this.#input };
    let output: Value = this.#input;
    let status: Status = true;
    for (const command of commands) {
      this.#input = output;
      // Every part of a pipeline is a process of its own.
      ({ status, output } = this.#isolated(() => this.run(command)));
    }
    this.#input = before.input;
    if (this.residual.length > before.residual) {
      // One line for the whole pipeline says more than its parts.
      this.residual.splice(before.residual);
      this.residual.push({ command: source, certain: this.#shell.certain });
    }
    return { status, output };
  }

  /** Runs something with its input and output redirected; output to a file is a change of the file. */
  #redirected(redirects: readonly Redirect[], source: string, run: () => Result): Result {
    const input = this.#input;
    let file: { readonly path: Value; readonly append: boolean } | undefined;
    for (const { descriptor, operator, target } of redirects) {
      const text = expandText(target, this);
      if (operator === "<<") this.#input = text;
      else if (operator === "<") this.#input = text === undefined ? undefined : this.#content(text);
      else if (descriptor === 1 && (operator === ">" || operator === ">>" || operator === ">|"))
        file = { path: text, append: operator === ">>" };
      else if (descriptor === 1 && operator === ">&") file = { path: "/dev/null", append: false };
    }
    const result = run();
    this.#input = input;
    if (file === undefined) return result;
    if (file.path?.startsWith("/dev/") === true || result.flow !== undefined) return { ...result, output: "" };
    this.#store(file.path, file.append, result.output, source);
    return { ...result, output: "" };
  }

  #content(path: string): Value {
    if (path === "/dev/null") return "";
    return this.#context.model.find(path)?.content?.toString("utf8");
  }

  #store(path: Value, append: boolean, output: Value, source: string): void {
    const { model } = this.#context;
    const absolute = path === undefined ? undefined : this.#absolute(path);
    const node = absolute === undefined ? undefined : model.find(absolute);
    const before = append && node !== undefined ? node.content?.toString("utf8") : "";
    const whole = concatenate(before, output);
    const plain = node === undefined || (node.type === "file" && !node.shipped);
    if (!this.#shell.certain || absolute === undefined || whole === undefined || !plain) {
      this.residual.push({ command: source, certain: this.#shell.certain });
      return;
    }
    const { mode = 0o666 & ~this.#shell.umask, uid = 0, gid = 0 } = node ?? {};
    model.put(absolute, { type: "file", mode, uid, gid, content: Buffer.from(whole, "utf8") });
    this.done.push(`write ${absolute}`);
  }

  #absolute(path: string): string | undefined {
    if (path.startsWith("/")) return path;
    return this.#shell.directory === undefined ? undefined : `${this.#shell.directory}/${path}`;
  }

  #simple(command: SimpleCommand): Result {
    const values = command.assignments.map(({ name, value }) => [name, expandText(value, this)] as const);
    const fields = command.words.flatMap((word) => expandFields(word, this));
    if (fields.length === 0) {
      for (const [name, value] of values) this.assign(name, value);
      return this.#redirected(command.redirects, command.source, () => quiet);
    }
    const known = fields.every((field) => field !== undefined);
    const text = known ? fields.map(quote).join(" ") : command.source;
    return this.#redirected(command.redirects, text, () => this.#call(fields, text));
  }

  #call(fields: readonly Value[], text: string): Result {
    const [name, ...args] = fields;
    if (name === undefined) return this.#unknown(text);
    const body = this.#functions.get(name);
    if (body !== undefined) return this.#function(body, args);
    return this.#builtin(name, args) ?? this.#external(name, args, text);
  }

  #function(body: Command, args: readonly Value[]): Result {
    if (++this.#calls > 50) throw new Limit("calls functions too deeply");
    const { positional } = this.#shell;
    this.#shell.positional = args;
    const result = this.run(body);
    this.#shell.positional = positional;
    this.#calls--;
    return result.flow === "exit" ? result : { status: result.status, output: result.output };
  }

  /** Commands that change the shell itself (POSIX XCU 2.14). */
  #builtin(name: string, args: readonly Value[]): Result | undefined {
    const [first] = args;
    switch (name) {
      case "exit":
      case "return":
        return { status: first === undefined ? undefined : first === "0", output: "", flow: name };
      case "break":
      case "continue":
        return { status: true, output: "", flow: name };
      case "shift":
        this.#shell.positional = this.#shell.positional.slice(Number(first ?? "1") || 1);
        return quiet;
      case "set":
        if (first === "--" || (first !== undefined && !/^[-+]/.test(first)))
          this.#shell.positional = first === "--" ? args.slice(1) : args;
        return quiet;
      case "local":
      case "export":
      case "readonly":
        for (const arg of args) {
          const equals = arg?.indexOf("=") ?? -1;
          if (arg !== undefined && equals > 0) this.assign(arg.slice(0, equals), arg.slice(equals + 1));
        }
        return quiet;
      case "unset":
        for (const arg of args) if (arg !== undefined) this.#shell.variables.delete(arg);
        return quiet;
      case "umask":
        if (first !== undefined && /^[0-7]+$/.test(first)) this.#shell.umask = Number.parseInt(first, 8) & 0o777;
        return quiet;
      case "cd":
        this.#shell.directory = first === undefined ? undefined : this.#absolute(first);
        return quiet;
      case "exec":
        return args.length === 0
          ? quiet
          : { ...this.#call(args, args.map((arg) => quote(arg ?? "…")).join(" ")), flow: "exit" };
      case "command":
        return first !== undefined && first.startsWith("-") ? undefined : this.#call(args, args.join(" "));
      case "read":
        for (const arg of args) if (arg !== undefined && !arg.startsWith("-")) this.assign(arg, undefined);
        return { status: undefined, output: "" };
      default:
        return undefined;
    }
  }

  #external(name: string, args: readonly Value[], text: string): Result {
    const { umask, directory, certain } = this.#shell;
    const outcome = this.#context.command({ name, args, input: this.#input, umask, directory, certain });
    if (outcome.kind === "unknown") return this.#unknown(text);
    if (outcome.set !== undefined) this.assign(outcome.set.name, outcome.set.value);
    if (outcome.kind === "effect") this.done.push(text);
    return { status: outcome.status, output: "output" in outcome ? outcome.output : "" };
  }

  #unknown(text: string): Result {
    this.residual.push({ command: text, certain: this.#shell.certain });
    return { status: undefined, output: undefined };
  }
}

function number(values: readonly Value[], index: number): Value {
  return index < values.length ? values[index] : "";
}

/** Follows one script. A script that cannot be read or takes too long is one residual that says so. */
export function evaluateScript(text: string, context: ScriptContext): Evaluation {
  const interpreter = /^#!\s*(\S+)/.exec(text)?.[1] ?? "";
  if (!/\/(?:sh|dash|bash)$/.test(interpreter)) {
    return { done: [], residual: [{ command: `a script for ${interpreter || "no interpreter"}`, certain: true }] };
  }
  const evaluator = new Evaluator(context);
  try {
    evaluator.run(parseScript(text));
  } catch (error) {
    if (!(error instanceof ScriptSyntaxError) && !(error instanceof Limit)) throw error;
    evaluator.residual.push({ command: `the script ${error.message}`, certain: true });
  }
  return { done: evaluator.done, residual: evaluator.residual };
}
