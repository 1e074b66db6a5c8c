/** Finds the here-documents of a Dockerfile instruction and takes their lines. */
import { type Slice, SliceBuilder } from "./text.ts";
import type { LineReader } from "./lines.ts";

export interface Heredoc {
  readonly name: string;
  /** Whether variables in it are put in. */
  readonly expand: boolean;
  readonly body: Slice;
  /** Whether the line that ends it is there. */
  readonly closed: boolean;
}

interface Opening {
  readonly name: string;
  readonly expand: boolean;
  readonly stripTabs: boolean;
}

const opening = /^\d*<<(-?)(?:"([^"<]+)"|'([^'<]+)'|([^<"'\s]+))$/;

/** Words of a line, split at blanks outside of quotes, quotes kept. */
function words(text: string): readonly string[] {
  const found: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const next = text.charAt(at);
    if (quote === "" && /\s/.test(next)) {
      if (word !== "") found.push(word);
      word = "";
      continue;
    }
    word += next;
    if (next === "\\" && quote !== "'") word += text.charAt(++at);
    else if (quote === next) quote = "";
    else if (quote === "" && (next === '"' || next === "'")) quote = next;
  }
  return word === "" ? found : [...found, word];
}

function openings(line: string): readonly Opening[] {
  if (!line.includes("<<")) return [];
  return words(line).flatMap((word) => {
    const [match, tabs = "", double, single, bare] = opening.exec(word) ?? [];
    const name = double ?? single ?? bare;
    if (match === undefined || name === undefined) return [];
    return [{ name, expand: bare !== undefined, stripTabs: tabs === "-" }];
  });
}

/** The here-documents that a line announces; the reader is behind them then. */
export function takeHeredocs(line: string, reader: LineReader): readonly Heredoc[] {
  return openings(line).map(({ name, expand, stripTabs }) => {
    const builder = new SliceBuilder();
    for (;;) {
      const next = reader.raw();
      if (next === undefined) return { name, expand, body: builder.build(), closed: false };
      const plain = stripTabs ? next.text.replace(/^\t+/, "") : next.text;
      if (plain === name) {
        // Where the text ends has a place too.
        builder.add("", next.at);
        return { name, expand, body: builder.build(), closed: true };
      }
      builder.add(`${next.text}\n`, next.at);
    }
  });
}
