/** Stanzas of `Field: value` lines, the form of every Debian control file (deb822(5)). */

/** Fields by name as written, values with their continuation lines (joined by newlines, their first blank removed). */
type Stanza = ReadonlyMap<string, string>;

interface Deb822Fault {
  readonly message: string;
  /** 1-based, in the text that was parsed. */
  readonly line: number;
}

interface ParsedStanza {
  readonly stanza: Stanza;
  /** 1-based line the stanza starts at. */
  readonly line: number;
}

export interface Deb822 {
  readonly stanzas: readonly ParsedStanza[];
  readonly faults: readonly Deb822Fault[];
}

const fieldLine = /^([!-9;-~]+):[ \t]*(.*)$/;

/**
 * Parses a whole text. Lines that start with `#` are comments; field names are unique in a stanza without regard to case.
 * Never throws: what does not fit is listed in `faults`, and the caller names the file.
 */
export function parseDeb822(text: string): Deb822 {
  const stanzas: ParsedStanza[] = [];
  const faults: Deb822Fault[] = [];
  let fields = new Map<string, string>();
  let seen = new Set<string>();
  let start = 0;
  let current: string | undefined;
  const finish = (): void => {
    if (fields.size > 0) stanzas.push({ stanza: fields, line: start });
    fields = new Map();
    seen = new Set();
    current = undefined;
  };
  let number = 0;
  for (const raw of text.split("\n")) {
    number++;
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line.startsWith("#")) continue;
    if (line.trim() === "") {
      finish();
      continue;
    }
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (current === undefined) faults.push({ message: "continuation line without a field before it", line: number });
      else fields.set(current, `${fields.get(current) ?? ""}\n${line.slice(1).trimEnd()}`);
      continue;
    }
    const match = fieldLine.exec(line);
    const name = match?.[1];
    if (name === undefined || name.startsWith("-")) {
      faults.push({ message: "not a field", line: number });
      current = undefined;
      continue;
    }
    const key = name.toLowerCase();
    if (seen.has(key)) faults.push({ message: `field ${name} is there twice`, line: number });
    if (fields.size === 0) start = number;
    seen.add(key);
    current = name;
    fields.set(name, (match?.[2] ?? "").trimEnd());
  }
  finish();
  return { stanzas, faults };
}
