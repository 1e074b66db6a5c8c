/** Commands that change the shell itself and not the system (POSIX XCU 2.14). */
import type { Value } from "./script-expansion.ts";
import type { Shell } from "./script-shell.ts";

/** How a command ends what is around it. */
export type Flow = "exit" | "return" | "break" | "continue";

export interface BuiltinResult {
  readonly status: boolean | undefined;
  readonly flow?: Flow;
}

const done: BuiltinResult = { status: true };

function assignAll(shell: Shell, args: readonly Value[]): void {
  for (const arg of args) {
    const equals = arg?.indexOf("=") ?? -1;
    if (arg !== undefined && equals > 0) shell.variables.set(arg.slice(0, equals), arg.slice(equals + 1));
  }
}

/** Carries a builtin out on the shell; undefined when the command is none. */
export function runBuiltin(shell: Shell, name: string, args: readonly Value[]): BuiltinResult | undefined {
  const [first] = args;
  switch (name) {
    case "exit":
    case "return":
      return { status: first === undefined ? undefined : first === "0", flow: name };
    case "break":
    case "continue":
      return { status: true, flow: name };
    case "shift":
      shell.positional = shell.positional.slice(Number(first ?? "1") || 1);
      return done;
    case "set":
      if (first === "--") shell.positional = args.slice(1);
      else if (first !== undefined && !/^[-+]/.test(first)) shell.positional = args;
      return done;
    case "local":
    case "export":
    case "readonly":
      assignAll(shell, args);
      return done;
    case "unset":
      for (const arg of args) if (arg !== undefined) shell.variables.delete(arg);
      return done;
    case "umask":
      if (first !== undefined && /^[0-7]+$/.test(first)) shell.umask = Number.parseInt(first, 8) & 0o777;
      return done;
    case "cd":
      shell.directory = first === undefined ? undefined : shell.absolute(first);
      return done;
    case "read":
      for (const arg of args) if (arg !== undefined && !arg.startsWith("-")) shell.variables.set(arg, undefined);
      return { status: undefined };
    default:
      return undefined;
  }
}
