/** Where copies of files from the web are: configuration of the user or of the site, never of the repository. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, messageOf, type Place, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";

/** Addresses of copies by the beginning of the URLs they are copies of; the longest beginning counts. */
export type HttpMirrors = ReadonlyMap<string, readonly string[]>;

type Fault = (message: string, path: readonly string[]) => LockstepError;

function checkBase(text: unknown, path: readonly string[], protocols: readonly string[], fault: Fault): string {
  const shown = path.join(".");
  if (typeof text !== "string" || !URL.canParse(text)) throw fault(`${shown} holds something that is no address`, path);
  const url = new URL(text);
  if (!protocols.includes(url.protocol))
    throw fault(`${shown} holds an address that is not ${protocols.join(" or ")}`, path);
  if (!text.endsWith("/") || url.search !== "" || url.hash !== "")
    throw fault(`${shown} holds an address that does not end with a slash`, path);
  return text;
}

function mirrorsOf(content: unknown, fault: Fault): HttpMirrors {
  const members = (value: unknown, path: readonly string[]): readonly (readonly [string, unknown])[] => {
    if (value === undefined || value === null) return [];
    if (typeof value !== "object" || Array.isArray(value)) throw fault(`${path.join(".")} is not a map`, path);
    return Object.entries(value);
  };
  const section = members(content, []).find(([name]) => name === "http")?.[1];
  const mirrors = new Map<string, readonly string[]>();
  for (const [name, value] of members(section, ["http"])) {
    if (name !== "mirrors") throw fault(`http.${name} is not a setting`, ["http", name]);
    for (const [base, copies] of members(value, ["http", "mirrors"])) {
      const path = ["http", "mirrors", base];
      checkBase(base, path, ["https:", "http:"], fault);
      if (!Array.isArray(copies)) throw fault(`${path.join(".")} is not a list`, path);
      const list = copies.map((copy: unknown) => checkBase(copy, path, ["https:", "http:", "file:"], fault));
      mirrors.set(base, list);
    }
  }
  return mirrors;
}

/** `http: { mirrors: { "https://files.example/": ["file:///srv/copies/"] } }` of the user's config.yaml. LS3105 for what is not usable. */
export async function readHttpMirrors(host: Host): Promise<HttpMirrors> {
  const file = join(host.configDirectory, "config.yaml");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return new Map();
    throw error;
  }
  const { isNode, LineCounter, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const problem = (message: string, offset: number | undefined): LockstepError => {
    const position = offset === undefined ? undefined : counter.linePos(offset);
    const place: Place = position === undefined ? { file } : { file, line: position.line, column: position.col };
    const hint = 'write `http: { mirrors: { "https://files.example/": [address] } }`';
    return new LockstepError({ code: "LS3105", message, place, hint });
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) throw problem(syntax.message.split("\n")[0] ?? messageOf(syntax), syntax.pos[0]);
  return mirrorsOf(document.toJS(), (message, path) => {
    const node: unknown = document.getIn(path, true);
    return problem(message, isNode(node) ? node.range?.[0] : undefined);
  });
}

/** Where to look for a URL: the copies of its longest known beginning, then the URL itself. */
export function addressesOf(url: string, mirrors: HttpMirrors): readonly string[] {
  const base = [...mirrors.keys()].filter((begin) => url.startsWith(begin)).toSorted((a, b) => b.length - a.length)[0];
  const rest = base === undefined ? "" : url.slice(base.length);
  return [...(base === undefined ? [] : (mirrors.get(base) ?? [])).map((copy) => `${copy}${rest}`), url];
}
