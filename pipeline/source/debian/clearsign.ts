/**
 * The frame of a clear-signed message (RFC 9580, section 7), read strictly: exactly one message, nothing before it and nothing after it,
 * so that no reader can take unsigned text for signed text.
 */

export interface Clearsigned {
  /** The signed text: dash escapes undone, lines joined by newlines without trailing blanks, as the signature covers it. */
  readonly text: string;
}

const head = "-----BEGIN PGP SIGNED MESSAGE-----";
const signatureHead = "-----BEGIN PGP SIGNATURE-----";
const signatureTail = "-----END PGP SIGNATURE-----";

/** What is wrong with the frame as a text, or the message. */
export function readClearsigned(message: string): Clearsigned | string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(message.replaceAll("\r\n", "\n"))) return "it holds control characters";
  const lines = message.split("\n").map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  if (lines[0] !== head) return `it does not begin with ${head}`;
  let at = 1;
  for (; lines[at] !== ""; at++) {
    if (!/^Hash: [A-Za-z0-9, -]+$/.test(lines[at] ?? "")) return "it has a header other than Hash";
  }
  const text: string[] = [];
  for (at++; lines[at] !== signatureHead; at++) {
    const line = lines[at];
    if (line === undefined) return "it has no signature";
    if (line.startsWith("- ")) text.push(line.slice(2));
    else if (line.startsWith("-")) return "a line of its text begins with an unescaped dash";
    else text.push(line);
  }
  const end = lines.indexOf(signatureTail, at);
  if (end < 0) return "its signature does not end";
  if (end !== lines.length - 1) return "there is something after its signature";
  if (lines.slice(at + 1, end).some((line) => line.startsWith("-"))) return "its signature holds another armour";
  return { text: text.join("\n") };
}
