/** Text from outside within Markdown: it stays text, whatever is in it. */
import { printable } from "./format.ts";

/** Characters of one text in a cell, unless said otherwise. */
const usual = 120;

/** A character without width: cuts what the page would make a link of, after it has decoded everything else. */
const cut = "&#8203;";

/**
 * Text from outside as a cell: one line of limited length, in which everything that means something in Markdown or HTML is only itself.
 * References to people and issues, and addresses that would become links, are cut.
 */
export function cell(text: string, mostCharacters = usual): string {
  const line = printable(text.replaceAll(/\s+/g, " ").trim());
  const short = [...line].length > mostCharacters ? `${[...line].slice(0, mostCharacters - 1).join("")}…` : line;
  return short
    .replaceAll("&", "&amp;")
    .replaceAll(/[\\`*_[\]<>|~$]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    .replaceAll(/(?<!&)#/g, `&#35;${cut}`)
    .replaceAll("@", `&#64;${cut}`)
    .replaceAll(/(GH|https?|ftp|mailto|xmpp|www)(?=[-:.])/gi, `$1${cut}`);
}
