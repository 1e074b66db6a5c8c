/** Reads a Dockerfile: instructions with their flags, JSON forms and here-documents, and the stages they are in. */
import type { Extent } from "../shell/syntax.ts";
import { readJson } from "./json.ts";
import { extentOf, part, type Slice, SliceBuilder, verbatim } from "./text.ts";
import { DocumentError, items, type Scalar, scalar } from "./tree.ts";
import { type Heredoc, takeHeredocs } from "./heredoc.ts";
import { type Directive, LineReader } from "./lines.ts";

export interface Flag extends Extent {
  /** Without the hyphens. */
  readonly name: string;
  readonly value: string;
  /** Where the value begins. */
  readonly valueAt: number;
}

export interface Instruction extends Extent {
  /** In upper case: `RUN`. */
  readonly keyword: string;
  readonly flags: readonly Flag[];
  /** What follows the flags. */
  readonly body: Slice;
  /** The strings of the JSON form, where it has that. */
  readonly json?: readonly Scalar[];
  readonly heredocs: readonly Heredoc[];
  /** Whether it is only run in builds that are from this image. */
  readonly onbuild: boolean;
  /** Number of the stage, from 0; -1 before the first FROM. */
  readonly stage: number;
}

export interface Stage {
  readonly from: Instruction;
  /** The image or the stage it is from, as it is written. */
  readonly base: Slice;
  readonly name?: string;
}

export interface Dockerfile {
  readonly directives: readonly Directive[];
  readonly instructions: readonly Instruction[];
  readonly stages: readonly Stage[];
  /** What is no instruction. */
  readonly problems: readonly (Extent & { readonly message: string })[];
}

const keywords = new Set(
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(
    " ",
  ),
);
const withFlags = new Set(["ADD", "COPY", "FROM", "HEALTHCHECK", "RUN"]);
const withJson = new Set(["ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"]);
const withHeredocs = new Set(["ADD", "COPY", "RUN"]);

function readFlags(slice: Slice): { readonly flags: readonly Flag[]; readonly body: Slice } {
  const flags: Flag[] = [];
  const pattern = /\s*--([A-Za-z][A-Za-z0-9-]*)(?:=((?:"[^"]*"|'[^']*'|\S)*))?(?=\s|$)/y;
  let at = 0;
  for (;;) {
    pattern.lastIndex = at;
    const match = pattern.exec(slice.text);
    if (match === null) break;
    const [found, name = "", value = ""] = match;
    const end = at + found.length;
    const start = at + found.length - found.trimStart().length;
    const valueAt = slice.origin(end - value.length);
    flags.push({ name, value: value.replace(/^(["'])(.*)\1$/, "$2"), valueAt, ...extentOf(slice, start, end) });
    at = end;
  }
  const blank = /\s*/y;
  blank.lastIndex = at;
  blank.exec(slice.text);
  return { flags, body: part(slice, blank.lastIndex) };
}

/** The strings of a JSON form; undefined when it is none, which makes it shell form, as for Docker. */
function readJsonForm({ text, origin }: Slice): readonly Scalar[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const strings = items(readJson(text)).map(scalar);
    if (!strings.every((item) => item?.string === true)) return undefined;
    return strings.flatMap((item) =>
      item === undefined
        ? []
        : [
            {
              ...item,
              at: origin(item.at),
              end: origin(item.end - 1) + 1,
              slice: { text: item.text, origin: (at: number) => origin(item.slice.origin(at)) },
            },
          ],
    );
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

interface Read {
  readonly instruction?: Instruction;
  readonly problem?: string;
}

function readInstruction(slice: Slice, extent: Extent, reader: LineReader, stage: number, onbuild: boolean): Read {
  const [head = "", word = "", blank = ""] = /^([A-Za-z]+)(\s+|$)/.exec(slice.text) ?? [];
  const keyword = word.toUpperCase();
  if (!keywords.has(keyword)) return { problem: `"${/^\S*/.exec(slice.text)?.[0] ?? ""}" is no instruction` };
  const rest = part(slice, head.length);
  if (keyword === "ONBUILD") {
    if (onbuild || blank === "") return { problem: "ONBUILD without an instruction" };
    return readInstruction(rest, extent, reader, stage, true);
  }
  const { flags, body } = withFlags.has(keyword) ? readFlags(rest) : { flags: [], body: rest };
  const json = withJson.has(keyword) ? readJsonForm(body) : undefined;
  const heredocs = json === undefined && withHeredocs.has(keyword) ? takeHeredocs(body.text, reader) : [];
  const open = heredocs.find(({ closed }) => !closed);
  if (open !== undefined) return { problem: `the here-document has no line "${open.name}" that ends it` };
  return {
    instruction: {
      keyword,
      flags,
      body,
      heredocs,
      onbuild,
      stage: keyword === "FROM" && !onbuild ? stage + 1 : stage,
      ...(json === undefined ? {} : { json }),
      ...extent,
    },
  };
}

function stageOf(from: Instruction): Stage {
  const [, base = "", name] = /^(\S*)(?:\s+as\s+(\S+))?/i.exec(from.body.text) ?? [];
  return { from, base: part(from.body, 0, base.length), ...(name === undefined ? {} : { name: name.toLowerCase() }) };
}

/** Reads a whole file; never throws. */
export function parseDockerfile(text: string): Dockerfile {
  const reader = new LineReader(text);
  const instructions: Instruction[] = [];
  const stages: Stage[] = [];
  const problems: (Extent & { readonly message: string })[] = [];
  for (;;) {
    const line = reader.logical();
    if (line === undefined) break;
    const { instruction, problem } = readInstruction(line.slice, line.extent, reader, stages.length - 1, false);
    if (problem !== undefined) problems.push({ message: problem, ...line.extent });
    if (instruction === undefined) continue;
    instructions.push(instruction);
    if (instruction.keyword === "FROM" && !instruction.onbuild) stages.push(stageOf(instruction));
  }
  return { directives: reader.directives, instructions, stages, problems };
}

/** What the shell of a RUN instruction is given, with its here-documents; of one that is nothing but a here-document, its text. */
export function scriptOf({ body, heredocs }: Instruction): Slice {
  const [first] = heredocs;
  if (first === undefined) return body;
  if (heredocs.length === 1 && /^<<-?\S+\s*$/.test(body.text)) return first.body;
  const builder = new SliceBuilder();
  builder.addSlice(body);
  for (const heredoc of heredocs) {
    builder.addSlice(verbatim("\n", heredoc.body.origin(0)));
    builder.addSlice(heredoc.body);
    builder.addSlice(verbatim(heredoc.name, heredoc.body.origin(heredoc.body.text.length)));
  }
  return builder.build();
}
