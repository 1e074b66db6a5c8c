/**
 * Follows a maintainer script as dpkg would call it on a fresh installation and tells what is left to do: conditions are decided where the
 * image decides them, commands that mean nothing in an image fall away, and the rest is carried out on the model or reported.
 * Nothing is run, and a script cannot make this run for long: every step counts against a budget.
 */
import { type Flow, runBuiltin } from "./script-builtins.ts";
import type { Evaluation, Residual, ScriptContext, Status } from "./script-evaluation.ts";
import {
  compilePattern,
  expandFields,
  expandPattern,
  expandText,
  joinValues,
  type Scope,
  subjectLimit,
  type Value,
} from "./script-expansion.ts";
import { readRedirects, ScriptFiles } from "./script-redirect.ts";
import { memoize } from "../../host/memoize.ts";
import { parseScript } from "../../shell/parser.ts";
import { mergeShells, Shell } from "./script-shell.ts";
import { type Command, type Redirect, ScriptSyntaxError, type SimpleCommand } from "../../shell/syntax.ts";

/** Commands one script may take: the longest of Debian's take a few hundred. A search of the whole image counts as many. */
const stepLimit = 50_000;
const globSteps = 200;
/** Fields a command line may have. */
const fieldLimit = 10_000;

class Limit extends Error {}

interface Result {
  readonly status: Status;
  readonly output: Value;
  readonly flow?: Flow;
}

const quiet: Result = { status: true, output: "" };

function quote(value: string): string {
  return /^[\w@%+=:,./~^-]+$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

class Evaluator implements Scope {
  readonly #context: ScriptContext;
  readonly #functions = new Map<string, Command>();
  readonly done: string[] = [];
  readonly residual: Residual[] = [];
  readonly #files: ScriptFiles;
  #shell: Shell;
  #input: Value = "";
  #steps = 0;
  #calls = 0;

  constructor(context: ScriptContext) {
    this.#context = context;
    this.#files = new ScriptFiles(context.model);
    this.#shell = new Shell(new Map(Object.entries(context.variables)), context.args);
  }

  get positional(): readonly Value[] {
    return this.#shell.positional;
  }

  variable(name: string): Value {
    const { positional } = this.#shell;
    if (name === "#") return String(positional.length);
    if ("?$!-".includes(name)) return undefined;
    if (!/^\d+$/.test(name)) return this.#shell.variable(name);
    const index = Number(name) - 1;
    return index < 0 || index >= positional.length ? "" : positional[index];
  }

  assign(name: string, value: Value): void {
    this.#shell.variables.set(name, value);
  }

  glob(start: string, pattern: RegExp): readonly string[] {
    this.#steps += globSteps;
    return this.#context.model.glob(start, pattern);
  }

  substitute(body: Command): Value {
    return this.#isolated(() => this.run(body)).output?.replace(/\n+$/, "");
  }

  /** Runs something as a process of its own. */
  #isolated(run: () => Result): Result {
    const before = this.#shell.copy();
    const { status, output } = run();
    this.#shell = before;
    return { status, output };
  }

  /** Runs branches of which it is not known which one is taken. */
  #either(branches: readonly (() => Result)[]): Result {
    const before = this.#shell;
    const ends: Shell[] = [];
    let leaves = false;
    for (const branch of branches) {
      this.#shell = before.copy();
      this.#shell.certain = false;
      const { flow, status } = branch();
      // A script that fails stops the installation; an image is made of installations that succeed.
      if (flow === "exit" && status === false) continue;
      leaves ||= flow !== undefined;
      ends.push(this.#shell);
    }
    this.#shell = mergeShells(before, ends);
    // When a branch may have left the script or the loop, it is not certain that what follows is reached.
    this.#shell.certain = before.certain && !leaves;
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
          output = joinValues([output, last.output]);
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
        const run = (): Result => this.run(command.body);
        const body = (): Result => this.#redirected(command.redirects, run, () => command.source);
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
    return { ...second, output: joinValues([first.output, second.output]) };
  }

  #if(branches: Extract<Command, { kind: "if" }>["branches"], otherwise: Command | undefined): Result {
    const [first, ...others] = branches;
    if (first === undefined) return otherwise === undefined ? quiet : this.run(otherwise);
    const condition = this.run(first.condition);
    const { status } = condition;
    if (condition.flow !== undefined) return condition;
    if (status === undefined) return this.#either([() => this.run(first.body), () => this.#if(others, otherwise)]);
    const taken = status ? this.run(first.body) : this.#if(others, otherwise);
    return { ...taken, output: joinValues([condition.output, taken.output]) };
  }

  #case(command: Extract<Command, { kind: "case" }>): Result {
    const whole = expandText(command.subject, this);
    const subject = whole !== undefined && whole.length > subjectLimit ? undefined : whole;
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
    let status: Status = true;
    let output: Value = "";
    for (const field of fields) {
      this.assign(command.name, field);
      const body = (): Result => this.run(command.body);
      const result = field === undefined ? this.#either([body, () => quiet]) : body();
      ({ status } = result);
      output = joinValues([output, result.output]);
      if (result.flow === "exit" || result.flow === "return") return { ...result, output };
      if (result.flow === "break") break;
    }
    return { status, output };
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
  #redirected(redirects: readonly Redirect[], run: () => Result, source: (file: Value) => string): Result {
    const before = { input: this.#input, residual: this.residual.length };
    const { input, file, append } = readRedirects(redirects, this, this.#files, before.input);
    this.#input = input;
    const result = run();
    this.#input = before.input;
    if (file === false) return result;
    if (file?.startsWith("/dev/") !== true && result.flow === undefined) {
      const written = this.#files.write(file, append, result.output, this.#shell);
      if (written === undefined) {
        // One line says both what runs and where its output goes.
        this.residual.splice(before.residual);
        this.residual.push({ command: source(file), certain: this.#shell.certain });
      } else this.done.push(`write ${written}`);
    }
    return { ...result, output: "" };
  }

  #simple(command: SimpleCommand): Result {
    const values = command.assignments.map(({ name, value }) => [name, expandText(value, this)] as const);
    const fields = command.words.flatMap((word) => expandFields(word, this));
    if (fields.length > fieldLimit) throw new Limit("has too long a command line");
    const known = fields.every((field) => field !== undefined);
    const text = known ? fields.map(quote).join(" ") : command.source;
    const run = (): Result => {
      if (fields.length > 0) return this.#call(fields, text);
      for (const [name, value] of values) this.assign(name, value);
      return quiet;
    };
    return this.#redirected(command.redirects, run, (file) => (known ? `${text} > ${file ?? "…"}` : text));
  }

  #call(fields: readonly Value[], text: string): Result {
    const [name, ...args] = fields;
    if (name === undefined) return this.#unknown(text);
    const body = this.#functions.get(name);
    if (body !== undefined) return this.#function(body, args);
    if (name === "exec" && args.length > 0) return { ...this.#call(args, text), flow: "exit" };
    if (name === "exec") return quiet;
    if (name === "command" && args[0]?.startsWith("-") !== true) return this.#call(args, text);
    const builtin = runBuiltin(this.#shell, name, args);
    return builtin === undefined ? this.#external(name, args, text) : { ...builtin, output: "" };
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

/** Images of one build share most packages, and so their scripts. */
const parsed = memoize((text: string) => parseScript(text), 2000);

/** What a script is to be run by; undefined when nothing says so. */
function interpreterOf(text: string): string | undefined {
  return /^#!\s*(\S+)/.exec(text)?.[1];
}

function isShell(interpreter = ""): boolean {
  return /\/(?:sh|dash|bash)$/.test(interpreter);
}

/** Parses a script before it is followed, when there is time. Throws what `parseScript` throws. */
export function prepareScript(text: string): void {
  if (isShell(interpreterOf(text))) parsed(text);
}

/** Follows one script. A script that cannot be read or takes too long is one residual that says so. */
export function evaluateScript(text: string, context: ScriptContext): Evaluation {
  const interpreter = interpreterOf(text);
  if (!isShell(interpreter)) {
    return { done: [], residual: [{ command: `a script for ${interpreter ?? "no interpreter"}`, certain: true }] };
  }
  const evaluator = new Evaluator(context);
  try {
    evaluator.run(parsed(text));
  } catch (error) {
    // A RangeError is the stack's end: the script is nested beyond every measure.
    const limited = error instanceof ScriptSyntaxError || error instanceof Limit || error instanceof RangeError;
    if (!limited) throw error;
    evaluator.residual.push({ command: `the script, which cannot be followed (${error.message})`, certain: true });
  }
  return { done: evaluator.done, residual: evaluator.residual };
}
