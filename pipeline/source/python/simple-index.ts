/** The simple repository API: which files an index has of a project, as JSON or as HTML. */
import { LockstepError } from "../../host/errors.ts";
import { shownAddress } from "../address.ts";

export interface IndexFile {
  readonly file: string;
  readonly url: string;
  /** 64 hexadecimal digits; absent where the index does not say it. */
  readonly sha256?: string;
  /** Bytes, where the index says it. */
  readonly size?: number;
}

function malformed(address: string, what: string): LockstepError {
  return new LockstepError({
    code: "LS2612",
    message: `${shownAddress(address)} ${what}`,
    hint: "check the address of the index in pip's configuration; it mostly ends in /simple",
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The address of a file relative to the page; undefined when it is no web or file address. */
function fileAddress(url: string, base: string): string | undefined {
  if (!URL.canParse(url, base)) return undefined;
  const parsed = new URL(url, base);
  parsed.hash = "";
  return ["http:", "https:", "file:"].includes(parsed.protocol) ? parsed.href : undefined;
}

function fromJson(text: string, address: string): readonly IndexFile[] {
  let page: unknown;
  try {
    page = JSON.parse(text);
  } catch {
    throw malformed(address, "answers with JSON that cannot be read");
  }
  const meta = isObject(page) ? page["meta"] : undefined;
  const version = isObject(meta) ? meta["api-version"] : undefined;
  if (!isObject(page) || typeof version !== "string" || !Array.isArray(page["files"]))
    throw malformed(address, "answers with JSON that is no list of files");
  if (!version.startsWith("1."))
    throw malformed(address, `answers in version ${JSON.stringify(version)} of the simple API; 1 is read`);
  return page["files"].flatMap((item: unknown): readonly IndexFile[] => {
    if (!isObject(item)) return [];
    const { filename, url: written, hashes, size } = item;
    const url = typeof written === "string" ? fileAddress(written, address) : undefined;
    const sha256 = isObject(hashes) ? hashes["sha256"] : undefined;
    if (typeof filename !== "string" || url === undefined) return [];
    return [
      {
        file: filename,
        url,
        ...(typeof sha256 === "string" ? { sha256: sha256.toLowerCase() } : {}),
        ...(typeof size === "number" && Number.isSafeInteger(size) && size > 0 ? { size } : {}),
      },
    ];
  });
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      if (name !== undefined) return entities[name.toLowerCase()] ?? whole;
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

function attribute(tag: string, name: string): string | undefined {
  const [, double, single, bare] =
    new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i").exec(tag) ?? [];
  const value = double ?? single ?? bare;
  return value === undefined ? undefined : decoded(value);
}

function fromHtml(text: string, address: string): readonly IndexFile[] {
  const baseTag = /<base\s[^>]*>/i.exec(text)?.[0];
  const base = baseTag === undefined ? address : (fileAddress(attribute(baseTag, "href") ?? "", address) ?? address);
  const version = /<meta\s[^>]*name\s*=\s*["']pypi:repository-version["'][^>]*>/i.exec(text)?.[0];
  const stated = version === undefined ? "1.0" : attribute(version, "content");
  if (stated?.startsWith("1.") !== true)
    throw malformed(address, `answers in version ${JSON.stringify(stated)} of the simple API; 1 is read`);
  return [...text.matchAll(/<a\s[^>]*>/gi)].flatMap(([tag]): readonly IndexFile[] => {
    const href = attribute(tag, "href");
    const url = href === undefined ? undefined : fileAddress(href, base);
    if (href === undefined || url === undefined) return [];
    const sha256 = /#(?:.*&)?sha256=([0-9a-fA-F]{64})(?:&|$)/.exec(href)?.[1];
    let file: string;
    try {
      file = decodeURIComponent(new URL(url).pathname.split("/").at(-1) ?? "");
    } catch {
      return [];
    }
    return [{ file, url, ...(sha256 === undefined ? {} : { sha256: sha256.toLowerCase() }) }];
  });
}

/** The files that a page of an index lists; `address` is that of the page. Throws LS2612 when it is neither of the two forms. */
export function parseIndexPage(text: string, address: string): readonly IndexFile[] {
  const start = text.trimStart().slice(0, 1);
  if (start === "{") return fromJson(text, address);
  if (start === "<") return fromHtml(text, address);
  throw malformed(address, "answers with neither JSON nor HTML");
}
