/** Where copies of files from the web are: configuration of the user or of the site, never of the repository. */
import type { Host } from "../../host/host.ts";
import { type Fault, mapOf, readSettings } from "../../host/settings.ts";

/** Addresses of copies by the beginning of the URLs they are copies of; the longest beginning counts. */
export type HttpMirrors = ReadonlyMap<string, readonly string[]>;

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

function mirrorsOf(section: unknown, fault: Fault): HttpMirrors {
  const mirrors = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(mapOf(section, ["http"], fault))) {
    if (name !== "mirrors") throw fault(`http.${name} is not a setting`, ["http", name]);
    for (const [base, copies] of Object.entries(mapOf(value, ["http", "mirrors"], fault))) {
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
  const hint = 'write `http: { mirrors: { "https://files.example/": [address] } }`';
  const read = await readSettings(host, "http", { code: "LS3105", hint });
  return read === undefined ? new Map() : mirrorsOf(read.section, read.fault);
}

/** Where to look for a URL: the copies of its longest known beginning, then the URL itself. */
export function addressesOf(url: string, mirrors: HttpMirrors): readonly string[] {
  const base = [...mirrors.keys()].filter((begin) => url.startsWith(begin)).toSorted((a, b) => b.length - a.length)[0];
  const rest = base === undefined ? "" : url.slice(base.length);
  return [...(base === undefined ? [] : (mirrors.get(base) ?? [])).map((copy) => `${copy}${rest}`), url];
}
