/** What a registry asks for when it answers 401: the `WWW-Authenticate` header (RFC 9110, section 11.6.1). */

export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(`^(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`);
const scheme = new RegExp(`^(${token})(?:[ \\t]+|$)`);

/** All challenges of a header, in order; what cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  let rest = header.trim();
  while (rest !== "") {
    const pair = parameter.exec(rest);
    const last = found.at(-1);
    if (pair !== null && last !== undefined) {
      const [whole, name = "", quoted, plain] = pair;
      last.parameters[name.toLowerCase()] = quoted === undefined ? (plain ?? "") : quoted.replace(/\\(.)/g, "$1");
      rest = rest.slice(whole.length);
    } else {
      const start = scheme.exec(rest);
      if (start === null) break;
      found.push({ scheme: (start[1] ?? "").toLowerCase(), parameters: Object.create(null) as Record<string, string> });
      rest = rest.slice(start[0].length);
    }
    rest = rest.replace(/^[\s,]+/, "");
  }
  return found;
}
