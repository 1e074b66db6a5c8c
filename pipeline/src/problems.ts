/** The problems that `lockstep check --json` lists, told apart by what they are about. */

interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly place?: Place;
  readonly hint?: string;
}

function line({ code, message, place, hint }: Problem): string {
  const where = place === undefined ? [] : [[place.file, place.line, place.column].filter(Boolean).join(":")];
  return `${[code, ...where, message].join(" ")}${hint === undefined ? "" : `; ${hint}`}`;
}

/** Codes 71xx are about the rendered tree; all others are about specs, lock and inputs. */
export function complaints(document: string, about: "lock" | "rendered"): readonly string[] {
  const { result } = JSON.parse(document) as { readonly result: { readonly problems: readonly Problem[] } };
  return result.problems.filter(({ code }) => code.startsWith("LS71") === (about === "rendered")).map(line);
}
