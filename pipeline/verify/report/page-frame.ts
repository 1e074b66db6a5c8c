/** What all pages have in common: one file that needs no other, with a policy that allows what is in it and nothing else. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Markup, markup, raw } from "./markup.ts";

/** A file of the page as it is in the program. */
export function pageFile(name: string): string {
  return readFileSync(new URL(`page/${name}`, import.meta.url), "utf8");
}

/** What the policy of the page allows: this text and no other. */
function hashOf(code: string): string {
  return `'sha256-${createHash("sha256").update(code, "utf8").digest("base64")}'`;
}

/** The page around a body; `script` is a module that runs when everything is there, `data` comes before it. */
export function pageOf(title: string, body: Markup, script = "", data?: Markup): string {
  const style = pageFile("style.css");
  const allowed = script === "" ? "'none'" : hashOf(script);
  const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${allowed}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
${body}
${data ?? ""}
${script === "" ? "" : markup`<script type="module">${raw(script)}</script>`}
</body>
</html>
`.html;
}
