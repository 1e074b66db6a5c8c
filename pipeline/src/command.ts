/** Runs a command of the program in its container, and gives what it said or why it failed. */
import type { Container } from "@dagger.io/dagger";
import { places } from "./program.ts";

/** A command line of the program: what `lockstep <name> …` is on the local back end. */
export function commandLine(node: string, name: string, args: readonly string[]): string[] {
  const start = `${places.program}/pipeline/cli/start.js`;
  return [node, "--initial-old-space-size=128", start, name, ...args, "--root", places.repository];
}

/** What a failed step printed. The class of the error is not known in a module, so its members are looked at. */
interface Printed {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
}

function printed(error: unknown): Printed {
  return typeof error === "object" && error !== null ? error : {};
}

/** What a command answered: its exit code, and what it wrote to stdout. */
interface Answer {
  readonly exit: number;
  readonly stdout: string;
}

/**
 * The text a person gets for a step that failed: what the command said. A command that was killed has said little, so its exit code is
 * told with its last lines: LS9003.
 */
function failureText(error: unknown): string {
  const { stdout = "", stderr = "", exitCode } = printed(error);
  const message = error instanceof Error ? error.message : String(error);
  if (exitCode === undefined) return message;
  const coded = stderr.split("\n").filter((line) => /\bLS\d{4}\b/.test(line));
  if (coded.length > 0) return stderr.trim();
  if (/\bLS\d{4}\b/.test(stdout)) return stdout.trim();
  const last = `${stdout}\n${stderr}`.trim().split("\n").slice(-10).join("\n") || message;
  return `LS9003 the command ended with code ${exitCode} and said no more than:\n${last}`;
}

/** The answer of a command that may say no (exit code 1 or 3 with a document); everything else that fails is thrown as text. */
export async function answerOf(container: Container): Promise<Answer> {
  try {
    return { exit: 0, stdout: await container.stdout() };
  } catch (error) {
    const { stdout = "", exitCode } = printed(error);
    if (exitCode !== undefined && stdout.startsWith('{"version":') && !stdout.startsWith('{"version":1,"error"')) {
      return { exit: exitCode, stdout };
    }
    throw new Error(failureText(error), { cause: error });
  }
}

/** The stdout of a command that must succeed. */
export async function stdoutOf(container: Container): Promise<string> {
  try {
    return await container.stdout();
  } catch (error) {
    throw new Error(failureText(error), { cause: error });
  }
}
