/** Where the reading of a script is: words and commands are read by turns from the same place. */
import { type Command, type Extent, ScriptSyntaxError } from "./syntax.ts";

/** `posix` is what dash understands; `bash` is that and what bash adds. */
export type Dialect = "posix" | "bash";

/** From an offset into a text to one into the file that the text was taken from. */
export type Origin = (at: number) => number;

/** How deep substitutions and compound commands may be nested. */
const depthLimit = 100;

export class Cursor {
  readonly text: string;
  readonly bash: boolean;
  readonly #origin: Origin | undefined;
  at = 0;
  /** How deep substitutions and compound commands are nested here. */
  depth = 0;

  constructor(text: string, dialect: Dialect, origin?: Origin) {
    this.text = text;
    this.bash = dialect === "bash";
    this.#origin = origin;
  }

  /** A cursor on a text that was taken out of this one; `origin` leads to offsets in this one's text. */
  inner(text: string, origin: Origin): Cursor {
    const outer = this.#origin;
    const inner = new Cursor(
      text,
      this.bash ? "bash" : "posix",
      outer === undefined ? origin : (at) => outer(origin(at)),
    );
    inner.depth = this.depth + 1;
    return inner;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** The character `ahead` of the place; empty at the end. */
  peek(ahead = 0): string {
    return this.text.charAt(this.at + ahead);
  }

  startsWith(token: string): boolean {
    return this.text.startsWith(token, this.at);
  }

  take(token: string): boolean {
    if (!this.startsWith(token)) return false;
    this.at += token.length;
    return true;
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  /** What was read since `start`, as a place in the file. */
  since(start: number): Extent {
    return this.extent(start, this.at);
  }

  extent(start: number, end: number): Extent {
    const origin = this.#origin;
    if (origin === undefined) return { at: start, end };
    return { at: origin(start), end: end > start ? origin(end - 1) + 1 : origin(start) };
  }

  fail(message: string): never {
    // A reader that skips what is escaped may stand behind the end.
    const at = Math.min(this.at, this.text.length);
    throw new ScriptSyntaxError(message, this.text.slice(0, at).split("\n").length, this.extent(at, at).at);
  }

  /** Runs `read` one level deeper; a script that nests without end is refused. */
  nested<T>(read: () => T): T {
    if (this.depth >= depthLimit) this.fail("nested too deeply");
    this.depth++;
    const result = read();
    this.depth--;
    return result;
  }
}

/** Reads the commands of a substitution up to its closing parenthesis, and those of a whole text. */
export interface CommandReader {
  until(cursor: Cursor, close: ")"): Command;
  whole(cursor: Cursor): Command;
}
