/**
 * What kind of thing differs between two texts: times, random names, paths of the building machine, versions.
 *
 * Kinds, as facts name them: `date` (with or without the time of day), `clock` (time of day alone), `epoch` (seconds, milliseconds, micro- or
 * nanoseconds since 1970, of this quarter century, also as 17040672e5), `year`, `duration`, `uuid`, `hex` (16 digits or more), `base64`, `temporary` (a name as
 * mktemp and Python make them), `path`, `account` (`user@host`), `address` (IP or MAC), `host`, `locale`, `version`, `number`, `space`,
 * `mark` (punctuation), `word`.
 */
import type { Grade, Nature } from "../compare/finding.ts";

const months = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}";
const days = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}";
const clock = "\\d{1,2}:\\d\\d(?::\\d\\d(?:[.,]\\d{1,9})?)?(?: ?[AaPp][Mm]\\b)?";
const zone = "(?: ?(?:Z\\b|[+-]\\d\\d:?\\d\\d\\b|\\(?(?:UTC|GMT|[A-Z]{2,4}T)\\)?))?";
const year = "(?:19|20)\\d\\d";

/** Notations of dates, the longest first. */
const dates = [
  // ISO 8601, RFC 3339, and with blanks or slashes.
  `${year}[-/.](?:0?[1-9]|1[0-2])[-/.](?:[0-2]?\\d|3[01])(?:[T ,_]{1,2}${clock}${zone})?(?!\\d)`,
  // Without separators; PDF's D:20260102030405+00'00'.
  `(?:D:)?${year}(?:0[1-9]|1[0-2])(?:[0-2]\\d|3[01])(?:[T_-]?\\d{4,6}(?:Z|[+-]\\d\\d'?\\d\\d'?)?)?(?!\\d)`,
  // ctime, date(1).
  `${days},? ${months} [ \\d]?\\d,? (?:${clock}${zone} )?${year}(?:,? ${clock}${zone})?`,
  // RFC 5322, RFC 850, CLF, and `2 January 2026` in any language.
  `(?:${days},? )?\\d{1,2}[ /-]${months}[ /-](?:${year}|\\d\\d)(?:[ :]${clock}${zone})?(?!\\d)`,
  `\\d{1,2}\\.? \\p{L}{3,12}\\.? ${year}(?:,? ${clock}${zone})?(?!\\d)`,
  `(?:${days},? )?${months} {1,2}(?:[ \\d]?\\d,? )?${year}(?:,? ${clock}${zone})?(?!\\d)`,
  // syslog: no year.
  `${months} [ \\d]\\d ${clock}`,
  `\\d{1,2}[./]\\d{1,2}[./]${year}(?:,? ${clock}${zone})?(?!\\d)`,
];

/** In order: the first that matches at a place is taken. */
const kinds: readonly (readonly [string, string])[] = [
  ["uuid", "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\\w-])"],
  ["date", `(?<![\\d.])(?:${dates.join("|")})`],
  ["clock", `(?<![\\d:])(?:[01]?\\d|2[0-3]):[0-5]\\d(?::[0-6]\\d(?:[.,]\\d{1,9})?)?${zone}(?![\\d:])`],
  ["duration", "(?<![\\w.])\\d+(?:\\.\\d+)? ?(?:ns|µs|us|ms|s|secs?|seconds?|mins?|minutes?)(?!\\w)"],
  [
    "address",
    "(?<![\\w.])(?:\\d{1,3}\\.){3}\\d{1,3}(?![\\w.])|(?<![\\w:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![\\w:])",
  ],
  ["address", "(?<![\\w:])(?:[0-9a-fA-F]{1,4}:){2,7}:?[0-9a-fA-F]{1,4}(?![\\w:])"],
  [
    "temporary",
    "(?:tmp|temp)\\.[A-Za-z0-9]{6,12}(?!\\w)|(?:tmp|cc)[A-Za-z0-9_]{6,8}(?=[./\\s\"']|$)|\\w+-(?:build|install|req|tmp)-[\\w-]{0,12}[a-z0-9_]{8}(?!\\w)|go-build\\d+",
  ],
  ["account", "(?<![\\w.@-])[\\w.+-]{1,64}@[\\w-]{1,64}(?:\\.[\\w-]{1,64}){0,8}"],
  ["locale", "(?<!\\w)(?:[a-z]{2,3}_[A-Z]{2}(?:\\.[\\w-]{1,16})?|C\\.(?:UTF-8|utf8))(?!\\w)"],
  [
    "path",
    "(?:(?<![\\w/.])|(?<=file:\\/\\/))(?:[A-Za-z]:[\\\\/]|\\/)[\\w.@+~%-]{1,255}(?:[\\\\/][\\w.@+~%-]{1,255}){0,64}[\\\\/]?",
  ],
  [
    "epoch",
    "(?<![\\w.])(?:1[0-9]{9}(?:\\.\\d{1,9}|\\d{3}|\\d{6}|\\d{9})?|1[0-9]{9}e3|1[0-9]{8}e4|1[0-9]{7}e5)(?![\\w.]*\\w)",
  ],
  ["hex", "(?<![\\w])(?:0x)?(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{16,}(?!\\w)"],
  ["container", "(?<![\\w.-])(?!\\d+e\\d+(?!\\w))(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{12}(?![\\w-])"],
  [
    "host",
    "(?<![\\w.-])(?:[a-z0-9-]{1,63}\\.){1,8}(?:local|localdomain|internal|lan|home|corp|intranet|localhost|example)(?![\\w-])",
  ],
  ["version", "(?<![\\w.])v?\\d+(?:\\.\\d+)+(?:[-+~.:]?[A-Za-z0-9][\\w.+~-]{0,64})?"],
  ["base64", "[A-Za-z0-9+/_-]{16,}={0,2}"],
  ["year", `(?<!\\w)${year}(?!\\w)`],
  ["number", "0x[0-9a-fA-F]+|\\d+(?:\\.\\d+)?"],
  ["space", "\\s+"],
  ["word", "[\\p{L}_$][\\p{L}\\p{M}\\d_$]*"],
  ["mark", "[^]"],
];

const pattern = new RegExp(kinds.map(([, source]) => `(${source})`).join("|"), "gu");

interface Token {
  readonly kind: string;
  readonly text: string;
}

/** More of a text is not looked at. */
const longest = 4096;

/** A text as it may hold Base64: letters of both cases and digits, and no words put together. */
function isRandom(text: string): boolean {
  return (
    /[a-z]/.test(text) &&
    /[A-Z]/.test(text) &&
    (text.match(/\d/g)?.length ?? 0) >= 2 &&
    !/[/_-].*[/_-].*[/_-]/.test(text)
  );
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(pattern)) {
    const index = match.findIndex((group, at) => at > 0 && group !== undefined);
    const kind = kinds[index - 1]?.[0] ?? "mark";
    tokens.push({ kind: kind === "base64" && !isRandom(match[0]) ? "word" : kind, text: match[0] });
  }
  return tokens;
}

const natureOf: Readonly<Record<string, readonly Nature[]>> = {
  date: ["time"],
  clock: ["time"],
  epoch: ["time"],
  year: ["time"],
  duration: ["time"],
  uuid: ["random"],
  hex: ["random"],
  base64: ["random"],
  temporary: ["random"],
  container: ["random", "host"],
  account: ["identity", "host"],
  address: ["host"],
  host: ["host"],
  locale: ["language"],
  version: ["version"],
  number: ["number"],
  space: ["white space"],
  mark: ["text"],
  word: ["text"],
};

/** Where people and builders work; other absolute paths are those of any system. */
const ofMachine =
  /^(?:[A-Za-z]:|\/(?:home|root|tmp|var\/tmp|var\/lib\/(?:jenkins|docker|buildkit)|builds?|workspaces?|work|src|source|app|usr\/src|mnt|media|github|Users|private|runner|nix|go|opt|data|project|__w|buildkite|bitrise|drone|var\/folders)(?:[\\/]|$))/;

/** What differs between two texts. */
export interface Judged {
  readonly natures: readonly Nature[];
  /** Kinds of tokens that differ, sorted. */
  readonly kinds: readonly string[];
}

function judged(kinds: ReadonlySet<string>, natures: ReadonlySet<Nature>): Judged {
  return { natures: [...natures], kinds: [...kinds].toSorted() };
}

class Judge {
  readonly kinds = new Set<string>();
  readonly natures = new Set<Nature>();

  add(kind: string, ...natures: readonly Nature[]): void {
    this.kinds.add(kind);
    for (const nature of natures) this.natures.add(nature);
  }

  paths(a: string, b: string): void {
    const temporary = /\/(?:tmp|temp)[.\w-]*[A-Za-z0-9_]{6}|\/[\w-]+-[a-z0-9_]{8}(?:\/|$)/;
    if (ofMachine.test(a) || ofMachine.test(b)) {
      this.add("path", "path");
      if (temporary.test(a) && temporary.test(b)) this.add("temporary", "random");
    } else this.add("path", "text");
  }

  pair(a: Token, b: Token): void {
    if (a.text === b.text) return;
    if (a.kind === b.kind) {
      if (a.kind === "path") this.paths(a.text, b.text);
      else if (a.kind === "number" && /^\d{9,10}$/.test(a.text)) this.add("number", "number");
      else if (a.kind === "date" && a.text.replace(/\p{L}+/gu, "") === b.text.replace(/\p{L}+/gu, ""))
        this.add("date", "time", "language");
      else this.add(a.kind, ...(natureOf[a.kind] ?? ["text"]));
      return;
    }
    const both = new Set([a.kind, b.kind]);
    const of = (...some: readonly string[]): boolean => [...both].every((kind) => some.includes(kind));
    if (of("epoch", "number") || of("year", "number")) this.add("number", "number");
    else if (of("date", "clock", "epoch", "year")) this.add("date", "time");
    else if (of("hex", "base64", "container", "temporary", "uuid")) this.add("hex", "random");
    else if (of("number", "version")) this.add("version", "version");
    else if (of("word", "number", "hex", "container", "base64") && !both.has("word")) this.add("hex", "random");
    else this.add("word", "text");
  }

  one(token: Token): void {
    if (token.kind === "path" && !ofMachine.test(token.text)) this.add("path", "text");
    else if (token.kind === "path") this.add("path", "path");
    else this.add(token.kind, ...(natureOf[token.kind] ?? ["text"]));
  }
}

/** The part of two long texts that differs, with some around it, so that tokens are whole. */
function narrowed(a: string, b: string): readonly [string, string] {
  if (a.length <= longest && b.length <= longest) return [a, b];
  let start = 0;
  const common = Math.min(a.length, b.length);
  while (start < common && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  let end = 0;
  while (end < common - start && a.charCodeAt(a.length - 1 - end) === b.charCodeAt(b.length - 1 - end)) end++;
  const from = Math.max(0, start - 128);
  const cut = (text: string): string =>
    text.slice(from, Math.min(text.length, text.length - end + 128, from + longest));
  return [cut(a), cut(b)];
}

/** Which kinds of things differ. */
export function judge(a: string, b: string): Judged {
  const [left, right] = narrowed(a, b);
  const verdict = new Judge();
  if (left.replace(/\s+/g, "") === right.replace(/\s+/g, "")) verdict.add("space", "white space");
  else {
    const [x, y] = [tokensOf(left), tokensOf(right)];
    let start = 0;
    while (start < Math.min(x.length, y.length) && x[start]?.text === y[start]?.text) start++;
    let end = 0;
    while (end < Math.min(x.length, y.length) - start && x.at(-1 - end)?.text === y.at(-1 - end)?.text) end++;
    const [p, q] = [x.slice(start, x.length - end), y.slice(start, y.length - end)];
    if (p.length === q.length)
      for (const [index, token] of p.entries()) {
        const other = q[index];
        if (other !== undefined) verdict.pair(token, other);
      }
    else {
      // One kind of thing may be written with more or fewer of them: only what is on both sides or on one counts, blanks do not.
      const some = (tokens: readonly Token[]): readonly Token[] => tokens.filter(({ kind }) => kind !== "space");
      for (const token of [...some(p), ...some(q)]) verdict.one(token);
      if (verdict.kinds.size === 0) verdict.add("space", "white space");
    }
  }
  return judged(verdict.kinds, verdict.natures);
}

/** What several differences are together. */
export function together(all: readonly Judged[]): Judged {
  return judged(new Set(all.flatMap(({ kinds }) => kinds)), new Set(all.flatMap(({ natures }) => natures)));
}

/** `clock` for what differs in nothing but times. */
export function gradeOf({ natures }: Judged): Grade {
  return natures.length > 0 && natures.every((nature) => nature === "time") ? "clock" : "content";
}
