/** The sources of the program as text, for tests that hold rules about them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { comparePaths } from "../pipeline/tree/entry.ts";
import { root } from "./support.ts";

interface Import {
  /** `../host/host.ts`, `node:fs`, `zod`. */
  readonly from: string;
  /** The file below `pipeline/` that a relative one names. */
  readonly file?: string;
  /** Whether it is gone once types are stripped. */
  readonly typeOnly: boolean;
  /** Whether it is loaded when it is needed: `import()` or `require()`. */
  readonly late: boolean;
}

export interface Source {
  /** Below `pipeline/`: `host/host.ts`. */
  readonly path: string;
  /** First folder of the path. */
  readonly room: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** Comments stand on lines of their own or at the end of one; oxfmt leaves no others. */
function withoutComments(text: string): string {
  return text
    .replace(/^\s*\/\*[^]*?\*\/[ \t]*$/gm, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/\s\/\/ [^"'`]*$/gm, "");
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[^;"'`]*?\s+from\s+)?"([^"]+)"/gm;
const call = /\b(typeof\s+)?(?:import|require)\(\s*"([^"]+)"\s*\)/g;

function importsOf(path: string, code: string): readonly Import[] {
  const read = (pattern: RegExp, late: boolean): Import[] =>
    [...code.matchAll(pattern)].map((match) => {
      const from = match[2] ?? "";
      const file = from.startsWith(".") ? { file: join(dirname(path), from) } : {};
      return { from, ...file, typeOnly: match[1] !== undefined, late };
    });
  return [...read(statement, false), ...read(call, true)];
}

/** Every source file below `pipeline/`, sorted by path. */
export function sources(): readonly Source[] {
  const base = join(root, "pipeline");
  return readdirSync(base, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.[jt]s$/.test(path))
    .toSorted(comparePaths)
    .map((path) => {
      const text = readFileSync(join(base, path), "utf8");
      const code = withoutComments(text);
      return { path, room: path.split("/")[0] ?? "", text, code, imports: importsOf(path, code) };
    });
}
