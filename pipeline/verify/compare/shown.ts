/** Texts of strangers as they can be shown: short, on one line, and without anything that a terminal or a reader would obey. */

/** Control characters, directions of writing, separators of lines. */
const obeyed = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(letter: string): string {
  return `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;
}

/** At most 200 characters. */
export function shown(text: string): string {
  const head = text.length <= 200 ? text : text.slice(0, 400);
  const safe = head.replaceAll(obeyed, escaped);
  return safe.length <= 200 && head === text ? safe : `${safe.slice(0, 199)}…`;
}
