/** The one error type of the program: coded problems with a place and a remedy, never a stack trace for a user's mistake. */
import { type Code, codes } from "./codes.ts";

/** Where a problem is: a file with an optional position (1-based), or a path inside an archive, a URL path, a layer. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** One problem: what is wrong, where, and what to do about it. */
export interface Problem {
  readonly code: Code;
  readonly message: string;
  readonly place?: Place;
  /** What to do, as a full clause: `did you mean "nodejs"?`. Never a hint at how to switch a check off. */
  readonly hint?: string;
}

/** Exit codes of every command: 1 the answer is no, 2 usage, 3 input wrong, 4 environment or network. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** `LS2103 images/web/image.yaml:14:9 package "nodjs" is not in trixie; did you mean "nodejs"?` */
export function formatProblem(problem: Problem): string {
  const { code, message, place, hint } = problem;
  let where = "";
  if (place !== undefined) {
    where = place.file;
    if (place.line !== undefined) where += `:${place.line}`;
    if (place.line !== undefined && place.column !== undefined) where += `:${place.column}`;
    where += " ";
  }
  // A message of several lines is a list; what to do about it gets a line of its own.
  const joint = message.includes("\n") ? "\n  " : "; ";
  return `${code} ${where}${message}${hint === undefined ? "" : `${joint}${hint}`}`;
}

/** An error a user can act on: one or more problems, all reported at once. */
export class LockstepError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: Problem | readonly Problem[], options?: { readonly cause?: unknown }) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem];
    super(list.map(formatProblem).join("\n"), options);
    this.name = "LockstepError";
    this.problems = list;
  }

  get code(): Code {
    const first = this.problems[0];
    return first === undefined ? "LS1000" : first.code;
  }

  /** The exit code of the gravest problem: environment before input before answer. */
  get exitCode(): ExitCode {
    return this.problems.reduce<ExitCode>((worst, problem) => {
      const exit = codes[problem.code].exit;
      return exit > worst ? exit : worst;
    }, 1);
  }
}

/** The message of anything that was thrown, for a `cause` that has to be shown to a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`), when it is one. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

/** The error of work that was given up because the user asked for it. */
export function interrupted(): LockstepError {
  return new LockstepError({ code: "LS1003", message: "interrupted; nothing was left half written" });
}
