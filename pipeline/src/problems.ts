/** The problems that `lockstep check --json` lists, told apart by what they are about. */

/** `rendered`: the tree of manifests. `lint`: what rules forbid. `lock`: specs, lock and inputs. */
export type Subject = "lock" | "rendered" | "lint";

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

interface Finding {
  readonly rule: string;
  readonly severity: string;
  readonly message: string;
  readonly place: Place;
  readonly suppressed?: unknown;
}

interface Document {
  readonly result: {
    readonly problems: readonly Problem[];
    readonly lint: { readonly findings: readonly Finding[] };
  };
}

function line({ code, message, place, hint }: Problem): string {
  const where = place === undefined ? [] : [[place.file, place.line, place.column].filter(Boolean).join(":")];
  return `${[code, ...where, message].join(" ")}${hint === undefined ? "" : `; ${hint}`}`;
}

/** What is wrong about one subject, a line each; findings that are warnings or suppressed are not wrong. */
export function complaints(document: string, about: Subject): readonly string[] {
  const { problems, lint } = (JSON.parse(document) as Document).result;
  if (about === "lint") {
    return lint.findings
      .filter(({ severity, suppressed }) => severity === "error" && suppressed === undefined)
      .map(({ rule, message, place }) => line({ code: rule, message, place }));
  }
  // Codes 71xx are about the rendered tree; all others are about specs, lock and inputs.
  return problems.filter(({ code }) => code.startsWith("LS71") === (about === "rendered")).map(line);
}
