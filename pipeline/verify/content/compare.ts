/** Compares the contents of one path, known to differ, down to the innermost difference that can be seen. */
import { messageOf } from "../../host/errors.ts";
import type { Finding } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import { compareBytes } from "./bytes.ts";
import { type Content, contentOf, type Format, type Looker, type Pair } from "./format.ts";
import { formats } from "./formats.ts";
import { sameContent } from "./windows.ts";

/** Where the findings of a content go; `inside` are the names that lead from the path to the place. */
export interface ContentSink {
  found(inside: readonly string[], field: string, finding: Omit<Finding, "where">): void;
  unread(inside: readonly string[], reason: string): void;
}

/** What the comparison may use of its surroundings. */
export interface ContentTools {
  /** Keeps contents that are too large for memory; what it gives lasts as long as the comparison. */
  readonly keep?: (pieces: AsyncIterable<Uint8Array>) => Promise<Content>;
}

/** How much of one path is looked into, whatever it claims to hold. */
const limits = {
  /** Archives within archives. */
  depth: 8,
  /** Bytes of both sides, of all that lies within. */
  bytes: 8 * 2 ** 30,
  /** What is decompressed without anywhere to keep it but memory. */
  memory: 64 << 20,
  /** Contents within. */
  contents: 20_000,
  /** Differences that are told one by one. */
  findings: 1000,
} as const;

/** Differences beyond the limit, told as one for each kind. */
interface Further {
  readonly finding: Omit<Finding, "where">;
  count: number;
}

class ContentComparison {
  readonly #sink: ContentSink;
  readonly #tools: ContentTools;
  readonly #further = new Map<string, Further>();
  #bytes = 0;
  #contents = 0;
  #findings = 0;

  constructor(sink: ContentSink, tools: ContentTools) {
    this.#sink = sink;
    this.#tools = tools;
  }

  #found(inside: readonly string[], field: string, finding: Omit<Finding, "where">): void {
    this.#findings++;
    // What gives rights is always told.
    if (this.#findings <= limits.findings || finding.grade === "privilege") {
      this.#sink.found(inside, shown(field), finding);
      return;
    }
    const natures = finding.natures?.join() ?? "";
    const key = `${finding.format} ${finding.grade} ${natures}`;
    const further = this.#further.get(key);
    if (further === undefined) this.#further.set(key, { finding, count: 1 });
    else further.count++;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > limits.bytes) throw new RangeError(`it holds more than ${limits.bytes} bytes`);
  }

  async #keep(pieces: AsyncIterable<Uint8Array>): Promise<Content> {
    const take = (bytes: number): void => this.#take(bytes);
    const { keep } = this.#tools;
    const counted = async function* (): AsyncGenerator<Uint8Array, void> {
      for await (const piece of pieces) {
        take(piece.length);
        yield piece;
      }
    };
    if (keep !== undefined) return keep(counted());
    const held: Uint8Array[] = [];
    let size = 0;
    for await (const piece of counted()) {
      size += piece.length;
      if (size > limits.memory) throw new RangeError(`it becomes more than ${limits.memory} bytes`);
      held.push(Uint8Array.from(piece));
    }
    return contentOf(Buffer.concat(held));
  }

  #looker(format: string, inside: readonly string[]): Looker {
    return {
      found: (field, finding) => this.#found(inside, field, { format, ...finding }),
      within: (name) => this.#looker(format, [...inside, shown(name)]),
      inside: (name, a, b) => this.#within([...inside, shown(name)], { path: name, a, b }),
      keep: (pieces) => this.#keep(pieces),
      unread: (reason) => this.#sink.unread(inside, reason),
    };
  }

  /** What is only known to differ, because it is not looked into. */
  #closed(inside: readonly string[], { a, b }: Pair, reason: string): void {
    this.#sink.unread(inside, reason);
    this.#found(inside, "content", {
      format: "bytes",
      grade: "content",
      a: `${a.size} bytes`,
      b: `${b.size} bytes`,
      facts: { sizeA: a.size, sizeB: b.size },
    });
  }

  async #within(inside: readonly string[], pair: Pair): Promise<void> {
    if (sameContent(pair.a, pair.b)) return;
    this.#contents++;
    if (this.#contents > limits.contents) {
      this.#closed(inside, pair, `more than ${limits.contents} contents within differ`);
      return;
    }
    if (inside.length > limits.depth) {
      this.#closed(inside, pair, "it lies too deep within others");
      return;
    }
    if (this.#bytes + pair.a.size + pair.b.size > limits.bytes) {
      this.#closed(inside, pair, `more than ${limits.bytes} bytes lie within`);
      return;
    }
    this.#bytes += pair.a.size + pair.b.size;
    await this.compare(inside, pair);
  }

  /** Whether the format had something to say, and all of it. */
  async #by(format: Format, inside: readonly string[], pair: Pair): Promise<boolean> {
    const before = this.#findings;
    try {
      if (!format.accepts(pair)) return false;
      await format.compare(pair, this.#looker(format.name, inside));
    } catch (error) {
      this.#sink.unread(inside, shown(`it cannot be followed as ${format.name}: ${messageOf(error)}`));
      return false;
    }
    return this.#findings > before;
  }

  async compare(inside: readonly string[], pair: Pair): Promise<void> {
    for (const format of formats) if (await this.#by(format, inside, pair)) return;
    const looker = this.#looker("bytes", inside);
    compareBytes(pair, looker);
  }

  end(): void {
    for (const { finding, count } of this.#further.values())
      this.#sink.found([], "more", {
        ...(finding.format === undefined ? {} : { format: finding.format }),
        ...(finding.natures === undefined ? {} : { natures: finding.natures }),
        grade: finding.grade,
        a: `${count} more differences of this kind`,
        b: `${count} more differences of this kind`,
        facts: { count },
      });
  }
}

/** Compares two contents; at least one finding comes of it when they differ, and none when they do not. Never throws for what they hold. */
export async function compareContent(pair: Pair, sink: ContentSink, tools: ContentTools = {}): Promise<void> {
  if (sameContent(pair.a, pair.b)) return;
  const comparison = new ContentComparison(sink, tools);
  await comparison.compare([], pair);
  comparison.end();
}
