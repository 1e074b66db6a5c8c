/**
 * A Packages file, read lazily: where each package's stanza begins and who provides what; a stanza is parsed when somebody asks.
 * Indexing 57 MB takes about 60 ms, parsing every field of it six times that.
 */

const stanzaEnd = Buffer.from("\n\n");
const nameField = Buffer.from("Package: ");
const laterNameField = Buffer.from("\nPackage: ");
const providesField = Buffer.from("\nProvides:");
const newline = 0x0a;

/** End of the line that `from` is on. */
function lineEnd(text: Buffer, from: number): number {
  const end = text.indexOf(newline, from);
  return end < 0 ? text.length : end;
}

/** Names in a Provides value, without versions and qualifiers. */
function providedNames(value: string): readonly string[] {
  const names: string[] = [];
  for (const part of value.split(",")) {
    const match = /^\s*([^\s(:,]+)/.exec(part);
    if (match?.[1] !== undefined) names.push(match[1]);
  }
  return names;
}

export class PackagesIndex {
  readonly #text: Buffer;
  /** Offsets of the stanzas, ascending. */
  readonly #starts: number[] = [];
  /** Indexes into #starts by package name; a list where a name is there with several versions. */
  readonly #byName = new Map<string, number | number[]>();
  readonly #providers = new Map<string, string[]>();

  /** `text`: the whole Packages file in UTF-8; kept, not copied. */
  constructor(text: Buffer) {
    this.#text = text;
    let at = 0;
    while (at < text.length) {
      if (text[at] === newline) {
        at++;
        continue;
      }
      const found = text.indexOf(stanzaEnd, at);
      const end = found < 0 ? text.length : found;
      const name = this.#nameOf(at, end);
      if (name !== undefined) {
        const position = this.#starts.push(at) - 1;
        const known = this.#byName.get(name);
        if (known === undefined) this.#byName.set(name, position);
        else if (typeof known === "number") this.#byName.set(name, [known, position]);
        else known.push(position);
      }
      at = end + 2;
    }
    this.#indexProviders();
  }

  #nameOf(start: number, end: number): string | undefined {
    let from = start + nameField.length;
    if (this.#text.compare(nameField, 0, nameField.length, start, Math.min(from, this.#text.length)) !== 0) {
      const later = this.#text.indexOf(laterNameField, start);
      if (later < 0 || later >= end) return undefined;
      from = later + laterNameField.length;
    }
    return this.#text.toString("latin1", from, lineEnd(this.#text, from)).trim();
  }

  #indexProviders(): void {
    const bytes = this.#text;
    let stanza = 0;
    for (let at = bytes.indexOf(providesField); at >= 0; at = bytes.indexOf(providesField, at + 1)) {
      while (stanza + 1 < this.#starts.length && (this.#starts[stanza + 1] ?? Infinity) <= at) stanza++;
      const start = this.#starts[stanza];
      if (start === undefined) return;
      let end = lineEnd(bytes, at + providesField.length);
      while (bytes[end + 1] === 0x20 || bytes[end + 1] === 0x09) end = lineEnd(bytes, end + 1);
      const owner = this.#nameOf(start, end);
      if (owner === undefined) continue;
      for (const name of providedNames(bytes.toString("latin1", at + providesField.length, end))) {
        const list = this.#providers.get(name);
        if (list === undefined) this.#providers.set(name, [owner]);
        else if (list.at(-1) !== owner) list.push(owner);
      }
    }
  }

  get names(): Iterable<string> {
    return this.#byName.keys();
  }

  /** The stanzas of a package as text, one for each version, in the order of the file. */
  stanzas(name: string): readonly string[] {
    const known = this.#byName.get(name);
    if (known === undefined) return [];
    return (typeof known === "number" ? [known] : known).map((position) => {
      const start = this.#starts[position] ?? 0;
      const end = this.#text.indexOf(stanzaEnd, start);
      return this.#text.toString("utf8", start, end < 0 ? this.#text.length : end);
    });
  }

  /** Names of packages with a version that provides `name`, in the order of the file. */
  providers(name: string): readonly string[] {
    return this.#providers.get(name) ?? [];
  }
}
