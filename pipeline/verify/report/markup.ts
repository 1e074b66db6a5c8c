/** HTML from templates: what is put into one is text and escaped, unless it was made by one. */
import { printable } from "../../report/format.ts";

/** HTML that may be put into a page as it is. */
export interface Markup {
  readonly html: string;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as HTML, for content and for attributes in quotes. Characters that are not to be seen are written out. */
export function text(content: string): Markup {
  return { html: printable(content.toWellFormed()).replaceAll(/[&<>"']/g, (character) => entities[character] ?? "") };
}

/** HTML that is known to be safe: files of the program. */
export function raw(html: string): Markup {
  return { html };
}

export function join(parts: readonly Markup[]): Markup {
  return { html: parts.map(({ html }) => html).join("") };
}

/** A template; strings and numbers in it are text. */
export function markup(strings: TemplateStringsArray, ...values: readonly (Markup | string | number)[]): Markup {
  let html = strings[0] ?? "";
  for (const [index, value] of values.entries()) {
    html += typeof value === "object" ? value.html : text(String(value)).html;
    html += strings[index + 1] ?? "";
  }
  return { html };
}
