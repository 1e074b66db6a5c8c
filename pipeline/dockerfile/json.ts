/** Reads JSON (RFC 8259) into values with places. */
import { DocumentError, type Node } from "./tree.ts";
import { type Slice, SliceBuilder, verbatim } from "./text.ts";

const maxDepth = 200;
const blank = /[ \t\r\n]*/y;
/** All but quotes, backslashes and control characters. */
const plainText = /[^"\\\p{Cc}]+|[\u007f-\u009f]+/uy;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Node {
    const value = this.#value();
    this.#match(blank);
    if (this.#at < this.#text.length) this.#fail("something follows the value");
    return value;
  }

  #fail(message: string): never {
    throw new DocumentError(`it is not JSON: ${message}`, Math.min(this.#at, this.#text.length));
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #take(token: string): boolean {
    this.#match(blank);
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #value(): Node {
    this.#match(blank);
    const at = this.#at;
    const next = this.#text.charAt(at);
    if (next === '"') {
      const slice = this.#string();
      return { kind: "scalar", text: slice.text, string: true, editable: true, slice, at, end: this.#at };
    }
    if (next === "{" || next === "[") {
      if (++this.#depth > maxDepth) this.#fail("nested too deeply");
      const node = next === "{" ? this.#map(at) : this.#list(at);
      this.#depth--;
      return node;
    }
    const text = this.#match(literal);
    if (text === undefined || text === "") this.#fail("value expected");
    const shown = text === "null" ? "" : text;
    return {
      kind: "scalar",
      text: shown,
      string: false,
      editable: true,
      slice: verbatim(shown, at),
      at,
      end: this.#at,
    };
  }

  #map(at: number): Node {
    this.#at++;
    const list: { key: string; keyExtent: { at: number; end: number }; value: Node }[] = [];
    if (!this.#take("}")) {
      do {
        this.#match(blank);
        const start = this.#at;
        if (this.#text.charAt(start) !== '"') this.#fail("name expected");
        const key = this.#string().text;
        const keyExtent = { at: start, end: this.#at };
        if (!this.#take(":")) this.#fail('":" expected');
        list.push({ key, keyExtent, value: this.#value() });
      } while (this.#take(","));
      if (!this.#take("}")) this.#fail('"," or "}" expected');
    }
    return { kind: "map", entries: list, at, end: this.#at };
  }

  #list(at: number): Node {
    this.#at++;
    const list: Node[] = [];
    if (!this.#take("]")) {
      do list.push(this.#value());
      while (this.#take(","));
      if (!this.#take("]")) this.#fail('"," or "]" expected');
    }
    return { kind: "list", items: list, at, end: this.#at };
  }

  #string(): Slice {
    this.#at++;
    const builder = new SliceBuilder();
    for (;;) {
      const at = this.#at;
      const plain = this.#match(plainText);
      if (plain !== undefined) builder.add(plain, at);
      const next = this.#text.charAt(this.#at);
      if (next === '"') break;
      if (next !== "\\") this.#fail("unterminated string");
      const start = this.#at;
      const escaped = this.#text.charAt(start + 1);
      const hex = escaped === "u" ? /^[0-9a-fA-F]{4}/.exec(this.#text.slice(start + 2, start + 6))?.[0] : undefined;
      const text = hex === undefined ? simpleEscapes[escaped] : String.fromCharCode(Number.parseInt(hex, 16));
      if (text === undefined) this.#fail("unknown escape");
      builder.add(text, start);
      this.#at += hex === undefined ? 2 : 6;
    }
    // Where the text ends has a place too.
    builder.add("", this.#at);
    this.#at++;
    return builder.build();
  }
}

/** The document; throws DocumentError. */
export function readJson(text: string): Node {
  return new Reader(text).document();
}
