/** Entry points: the commands that a package offers, and the scripts that start them (entry points specification). */
import { LockstepError, type Place } from "../../host/errors.ts";

export interface EntryPoint {
  readonly name: string;
  readonly module: string;
  /** `main`, or `Class.method`. */
  readonly object: string;
}

const identifier = "[\\p{L}_][\\p{L}\\p{N}_]*";
const dotted = `${identifier}(?:\\.${identifier})*`;
const reference = new RegExp(`^(${dotted})\\s*:\\s*(${dotted})\\s*(?:\\[[^\\]]*\\])?$`, "u");

/** The commands of an entry_points.txt: those with and without a console, which are one on Linux. LS2609 when one is malformed. */
export function parseEntryPoints(text: string, place: Place): readonly EntryPoint[] {
  const found = new Map<string, EntryPoint>();
  let section = "";
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === "" || /^[#;]/.test(line)) continue;
    const header = /^\[([^\]]+)\]$/.exec(line);
    if (header !== null) {
      section = header[1]?.trim() ?? "";
      continue;
    }
    if (section !== "console_scripts" && section !== "gui_scripts") continue;
    const [, name = "", value = ""] = /^([^=]+?)\s*=\s*(.*)$/.exec(line) ?? [];
    const [, module, object] = reference.exec(value) ?? [];
    // A name becomes that of a file, and may not lead anywhere else.
    if (module === undefined || object === undefined || !/^[\p{L}\p{N}_][\p{L}\p{N}_. -]*$/u.test(name)) {
      throw new LockstepError({
        code: "LS2609",
        message: `entry_points.txt has ${JSON.stringify(line)} for a command`,
        place,
      });
    }
    found.set(name, { name, module, object });
  }
  return [...found.values()];
}

/** pip's own wheel has the commands of the Python that built it; those of the Python it goes to are the right ones, as pip does it itself. */
export function withOwnVersion(points: readonly EntryPoint[], python: string): readonly EntryPoint[] {
  const pip = points.find(({ name }) => name === "pip");
  if (pip === undefined) return points;
  const [major = "3", minor = "0"] = python.split(".");
  const names = ["pip", `pip${major}`, `pip${major}.${minor}`];
  return [
    ...points.filter(({ name }) => !/^pip(?:\d+(?:\.\d+)?)?$/.test(name)),
    ...names.map((name) => ({ ...pip, name })),
  ];
}

/** The script that starts an entry point with an interpreter. */
export function scriptOf({ module, object }: EntryPoint, interpreter: string): string {
  const [first = ""] = object.split(".");
  return `#!${interpreter}\nimport sys\nfrom ${module} import ${first}\nif __name__ == "__main__":\n    sys.exit(${object}())\n`;
}

/** A script of a wheel, its first line naming the interpreter where it asks for that (binary distribution format, "Recommended installer features"). */
export function withInterpreter(script: Buffer, interpreter: string): Buffer {
  if (script.subarray(0, 8).toString("latin1") !== "#!python") return script;
  const end = script.indexOf(0x0a);
  return Buffer.concat([Buffer.from(`#!${interpreter}\n`), end < 0 ? Buffer.alloc(0) : script.subarray(end + 1)]);
}
