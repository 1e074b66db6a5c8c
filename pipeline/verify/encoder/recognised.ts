/** The encoders that can be named, and what recognising one gives. */

export const encoders = {
  lockstep: "Lockstep (format 1)",
  node: "zlib of Node (Chromium's)",
  zlib: "zlib",
  "gnu-gzip": "GNU gzip",
  busybox: "BusyBox's gzip",
  pigz: "pigz",
  "go-before-1.27": "Go's compress/gzip before 1.27",
  "go-1.27": "Go's compress/gzip since 1.27",
  klauspost: "klauspost/compress",
  pgzip: "klauspost/pgzip",
  "zlib-ng": "zlib-ng",
  libdeflate: "libdeflate",
  isal: "ISA-L (igzip)",
  zopfli: "Zopfli",
  libzstd: "libzstd",
  "klauspost-zstd": "klauspost/compress (zstd)",
} as const;

export type Encoder = keyof typeof encoders;

export interface Candidate {
  readonly encoder: Encoder;
  /** The levels that it may have been, the likeliest first; empty where nothing tells, or it has none. */
  readonly levels: readonly number[];
  /**
   * What speaks for it: `bytes`, encoding the content again gave the same bytes; `choices`, it gave the same literals and matches;
   * `form`, the blocks have the borders and the matches have the lengths that this encoder makes.
   */
  readonly by: "bytes" | "choices" | "form";
  /** Parameters other than the level, where they are not the usual ones: `memory level 9`. */
  readonly settings?: string;
}

export interface Recognised {
  readonly format: "gzip" | "zstd" | "other";
  /** The likeliest first; none when no known encoder fits. */
  readonly candidates: readonly Candidate[];
  /**
   * Whether the first candidate and its only level, if it has levels, are proven: it gives what there is, over enough content to tell, and no other known
   * encoder or level does. Only the beginning was looked at, unless the whole is short.
   */
  readonly certain: boolean;
  /** Bytes of content that were looked at. */
  readonly examined: number;
  /** What else sets the stream apart from others of the same encoder: `flushed in mid-stream`. */
  readonly notes: readonly string[];
  /** Clauses that say what was seen. */
  readonly evidence: readonly string[];
}

/** What is said of a stream that no encoder can be named for. */
export function unrecognised(format: Recognised["format"], ...evidence: readonly string[]): Recognised {
  return { format, candidates: [], certain: false, examined: 0, notes: [], evidence };
}

/** `zlib level 6`; `Go's compress/gzip before 1.27, level 6 or 2 to 5`. */
function candidateText({ encoder, levels }: Candidate): string {
  return levels.length === 0 ? encoders[encoder] : `${encoders[encoder]}, level ${levels.join(" or ")}`;
}

/** The answer in a few words: the candidates, whether that is certain, and what sets the stream apart. */
export function recognisedText({ candidates, certain, format, notes }: Recognised): string {
  const [first, ...others] = candidates;
  const noted = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
  if (first === undefined)
    return format === "other" ? "not compressed with gzip or zstd" : `an encoder that is not known${noted}`;
  if (certain) return `${candidateText(first)}${noted}`;
  // Several that were run give the same, as of short content: that says little of which it was.
  if (first.by !== "form" && others.length > 0)
    return `${candidateText(first)}, or another that gives the same${noted}`;
  return `probably ${[first, ...others.slice(0, 2)].map(candidateText).join(", or ")}${noted}`;
}
