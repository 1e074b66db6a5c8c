/** The syntax tree of a shell script (POSIX XCU 2, and what bash adds). This room reads shell; nothing in it runs any. */

/** Where something is written: offsets into the script, in UTF-16 units, the second behind the last one. */
export interface Extent {
  readonly at: number;
  readonly end: number;
}

/** A piece of a word. `quoted` pieces are neither split into fields nor taken as patterns. */
export type Part =
  /** Where `text` is as long as its extent, it is written as it is. */
  | (Extent & { readonly kind: "text"; readonly text: string; readonly quoted: boolean })
  | (Extent & {
      readonly kind: "parameter";
      readonly name: string;
      /** `:-`, `-`, `:=`, `=`, `:?`, `?`, `:+`, `+`, `%`, `%%`, `#`, `##`; `length` for `${#name}`; other forms are not understood. */
      readonly operator?: string;
      readonly argument?: Word;
      readonly quoted: boolean;
    })
  | (Extent & { readonly kind: "substitution"; readonly body: Command; readonly quoted: boolean })
  /** `text` is what stands between the parentheses. */
  | (Extent & { readonly kind: "arithmetic"; readonly text: string; readonly quoted: boolean });

export type Word = readonly Part[];

export interface Redirect {
  /** The file descriptor that is redirected. */
  readonly descriptor: number;
  /** `<`, `>`, `>>`, `>|`, `<>`, `<&`, `>&`, `<<`; in bash also `<<<`, `&>`, `&>>`. */
  readonly operator: string;
  /** The file, the descriptor, or the text of a here-document. */
  readonly target: Word;
}

export interface Assignment {
  readonly name: string;
  readonly value: Word;
  /** Of an array (bash); `value` is empty then. */
  readonly elements?: readonly Word[];
}

export interface SimpleCommand extends Extent {
  readonly kind: "simple";
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  readonly redirects: readonly Redirect[];
  /** As it is written, for reports. */
  readonly source: string;
}

export type Command =
  | SimpleCommand
  | { readonly kind: "pipeline"; readonly commands: readonly Command[]; readonly source: string }
  | { readonly kind: "not"; readonly command: Command }
  | { readonly kind: "and" | "or"; readonly left: Command; readonly right: Command }
  | { readonly kind: "sequence"; readonly commands: readonly Command[] }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly condition: Command; readonly body: Command }[];
      readonly otherwise?: Command;
    }
  | {
      readonly kind: "case";
      readonly subject: Word;
      readonly items: readonly { readonly patterns: readonly Word[]; readonly body: Command }[];
    }
  /** Without `words`: over the positional parameters. */
  | { readonly kind: "for"; readonly name: string; readonly words?: readonly Word[]; readonly body: Command }
  | { readonly kind: "loop"; readonly until: boolean; readonly condition: Command; readonly body: Command }
  | {
      readonly kind: "group";
      readonly subshell: boolean;
      readonly body: Command;
      readonly redirects: readonly Redirect[];
      readonly source: string;
    }
  | { readonly kind: "function"; readonly name: string; readonly body: Command };

/** A script that is not written in the part of the language that is understood. */
export class ScriptSyntaxError extends Error {
  readonly line: number;
  /** Offset into the script. */
  readonly at: number;

  constructor(message: string, line: number, at: number) {
    super(`line ${line}: ${message}`);
    this.name = "ScriptSyntaxError";
    this.line = line;
    this.at = at;
  }
}
