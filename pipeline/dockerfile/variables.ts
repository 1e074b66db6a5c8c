/** Puts ARG and ENV into words of a Dockerfile, as far as their values are in the file. */
import type { Dockerfile, Instruction } from "./parser.ts";

export interface Declaration {
  readonly name: string;
  /** Absent for an ARG without default. */
  readonly value?: string;
  /** Offset into the instruction's body. */
  readonly at: number;
}

const pair = /(?:"([^"\n]+)"|([A-Za-z_][\w./-]*))(?:=((?:"(?:\\[^]|[^"\\])*"|'[^']*'|\\[^]|[^\s"'\\])*))?/y;

function unquoted(value: string): string {
  return value.replaceAll(
    /"((?:\\[^]|[^"\\])*)"|'([^']*)'|\\([^])/g,
    (_, double?: string, single?: string, one?: string) =>
      double === undefined ? (single ?? one ?? "") : double.replaceAll(/\\([^])/g, "$1"),
  );
}

/** The names that ARG, ENV or LABEL sets. */
export function declarations({ keyword, body }: Instruction): readonly Declaration[] {
  const { text } = body;
  const old = keyword === "ARG" ? null : /^([\w.-]+)\s+([^]*\S)\s*$/.exec(text);
  if (old !== null && !(old[1] ?? "").includes("=")) return [{ name: old[1] ?? "", value: old[2] ?? "", at: 0 }];
  const found: Declaration[] = [];
  let at = 0;
  while (at < text.length) {
    pair.lastIndex = at;
    const match = pair.exec(text);
    if (match === null) {
      at++;
      continue;
    }
    const [all, quoted, bare = "", value] = match;
    found.push({ name: quoted ?? bare, ...(value === undefined ? {} : { value: unquoted(value) }), at });
    at += all.length;
  }
  return found;
}

/** A text with its variables put in; undefined where one has no value in the file. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string | undefined {
  let known = true;
  const result = text.replaceAll(
    /\\\$|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+])([^}$]*))?\})/g,
    (written, bare?: string, braced?: string, operator?: string, word = "") => {
      if (written === "\\$") return "$";
      const value = variables.get(bare ?? braced ?? "");
      if (operator?.endsWith("-") === true) return value === undefined || value === "" ? word : value;
      if (operator?.endsWith("+") === true) return value === undefined ? "" : word;
      if (value === undefined) known = false;
      return value ?? "";
    },
  );
  return known ? result : undefined;
}

/** ARGs before the first FROM with their defaults: what FROM may use. */
export function globalArguments({ instructions }: Dockerfile): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const instruction of instructions) {
    if (instruction.keyword === "FROM") break;
    if (instruction.keyword !== "ARG") continue;
    for (const { name, value } of declarations(instruction)) {
      const expanded = value === undefined ? undefined : expand(value, variables);
      if (expanded !== undefined) variables.set(name, expanded);
    }
  }
  return variables;
}

type Variables = ReadonlyMap<string, string | undefined>;

/** Number of the stage that a stage is from; undefined when it is from an image. */
export function parentStage({ stages }: Dockerfile, stage: number): number | undefined {
  const base = stages[stage]?.base.text.toLowerCase();
  const index = stages.slice(0, Math.max(stage, 0)).findLastIndex(({ name }) => name !== undefined && name === base);
  return index < 0 ? undefined : index;
}

/** For each RUN instruction what ARG and ENV have set before it, in its stage and in those it is from, with values as they are written. */
export function environments(file: Dockerfile): ReadonlyMap<Instruction, Variables> {
  const found = new Map<Instruction, Variables>();
  const stages = new Map<number, Variables>();
  for (const instruction of file.instructions) {
    const { keyword, stage } = instruction;
    const before = stages.get(stage) ?? stages.get(parentStage(file, stage) ?? Number.NaN) ?? new Map();
    if (keyword === "RUN") found.set(instruction, before);
    const set = keyword === "ARG" || keyword === "ENV" ? declarations(instruction) : [];
    // What is before the first FROM is only for FROM itself.
    if (stage >= 0 && (set.length > 0 || !stages.has(stage)))
      stages.set(stage, new Map([...before, ...set.map(({ name, value }) => [name, value] as const)]));
  }
  return found;
}
