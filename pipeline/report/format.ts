/** Amounts and times as people read them; the same text on every machine (no Intl, no locale). */

const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Three significant digits at most, so that columns keep still: 9.54, 95.4, 954. */
function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return value.toFixed(0);
}

/** `1536` → `1.50 KiB`; whole bytes below 1 KiB. Units are powers of 1024 (IEC 80000-13). */
export function humanBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 1023.5 and not 1024, so that rounding never prints "1024 KiB".
  while (value >= 1023.5 && unit < binary.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value.toFixed(0) : threeDigits(value)} ${binary[unit] ?? "B"}`;
}

/** `+1.21 KiB`, `-12 B`, `same size`. */
export function signedBytes(difference: number): string {
  if (difference === 0) return "same size";
  return `${difference < 0 ? "-" : "+"}${humanBytes(Math.abs(difference))}`;
}

/** `3120` → `3,120`. */
export function humanCount(count: number): string {
  return Math.max(0, count)
    .toFixed(0)
    .replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `1 file`, `3,120 files`; the plural is that with an "s" unless given. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${humanCount(count)} ${count === 1 ? one : many}`;
}

function twoDigits(value: number): string {
  return value.toFixed(0).padStart(2, "0");
}

/** Milliseconds → `0.42 s`, `12.3 s`, `2 min 05 s`, `1 h 02 min`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** Milliseconds still to wait, in whole seconds because it is a guess: `7 s`, `2 min 05 s`. */
export function humanRemaining(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : humanDuration(seconds * 1000);
}

/** An amount in its unit: bytes with a binary prefix, items as whole numbers. */
export function humanAmount(amount: number, unit: "bytes" | "items"): string {
  return unit === "bytes" ? humanBytes(amount) : Math.max(0, amount).toFixed(0);
}

// Control characters (C0, DEL, C1), line and paragraph separators, and the directional overrides that reorder a line on screen.
const unprintable = /[\p{Cc}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2028}\u{2029}\u{2066}-\u{2069}]/gu;

/** Text from outside made safe to show: what could move the cursor or reorder the line is written as `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

// East Asian wide and emoji blocks: two columns (Unicode TR11, W and F, by block).
const wide =
  /[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const zeroWidth = /\p{Mn}|\p{Me}|\p{Cf}/u;

function columnsOf(character: string): number {
  if (zeroWidth.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** Terminal columns a printable text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** The text cut to at most `columns` columns, with `…` where something was cut. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const character of text) {
    const next = width + columnsOf(character);
    if (next > columns - 1) break;
    kept += character;
    width = next;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** The text filled with spaces to `columns` columns; never cut. */
export function pad(text: string, columns: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, columns - displayWidth(text)));
  return align === "left" ? text + space : space + text;
}
