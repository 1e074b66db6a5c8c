/** Redirections of a maintainer script: where input comes from, and what output to a file makes of the file (POSIX XCU 2.7). */
import { expandText, joinValues, type Scope, type Value } from "./script-expansion.ts";
import type { ImageModel } from "./script-model.ts";
import type { Shell } from "./script-shell.ts";
import type { Redirect } from "../../shell/syntax.ts";

/** The files of the model as a script reads and writes them. */
export class ScriptFiles {
  readonly #model: ImageModel;

  constructor(model: ImageModel) {
    this.#model = model;
  }

  read(path: Value): Value {
    if (path === "/dev/null") return "";
    return path?.startsWith("/") === true ? this.#model.find(path)?.content?.toString("utf8") : undefined;
  }

  /** Writes output to a file; the file's path, or undefined when something about it is not known or a package ships the file. */
  write(path: Value, append: boolean, output: Value, shell: Shell): string | undefined {
    const absolute = path === undefined ? undefined : shell.absolute(path);
    const node = absolute === undefined ? undefined : this.#model.find(absolute);
    const whole = joinValues([append && node !== undefined ? this.read(absolute) : "", output]);
    const writable = node === undefined || (node.type === "file" && !node.shipped);
    if (!shell.certain || absolute === undefined || whole === undefined || !writable) return undefined;
    const { mode = 0o666 & ~shell.umask, uid = 0, gid = 0 } = node ?? {};
    this.#model.put(absolute, { type: "file", mode, uid, gid, content: Buffer.from(whole, "utf8") });
    return absolute;
  }
}

interface Redirected {
  readonly input: Value;
  /** Where standard output goes; false when it stays where it is. */
  readonly file: Value | false;
  readonly append: boolean;
}

/** What redirections say of standard input and standard output; later ones win. Messages to standard error are no concern of an image. */
export function readRedirects(
  redirects: readonly Redirect[],
  scope: Scope,
  files: ScriptFiles,
  input: Value,
): Redirected {
  let result: Redirected = { input, file: false, append: false };
  for (const { descriptor, operator, target } of redirects) {
    const text = expandText(target, scope);
    if (operator === "<<") result = { ...result, input: text };
    else if (operator === "<") result = { ...result, input: files.read(text) };
    else if (descriptor !== 1) continue;
    else if (operator === ">&") result = { ...result, file: "/dev/null" };
    else if (operator !== "<&") result = { ...result, file: text, append: operator === ">>" };
  }
  return result;
}
