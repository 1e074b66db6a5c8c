/** Checks of `http` layers: addresses that everybody reads alike, one for each platform, and options that mean something. */
import type { Problem } from "../host/errors.ts";
import { type LocatedDocument, type Path, placeOf, showPath } from "./located.ts";
import type { RawLayer } from "./schema.ts";
import { resolveSource } from "./sources.ts";
import type { HttpSource, Platform } from "./types.ts";

type RawHttp = NonNullable<RawLayer["http"]>;

/** The values of both forms: one for all platforms, or one for each. */
export function byPlatform(value: RawHttp["url"] | undefined): Readonly<Partial<Record<Platform, string>>> {
  if (typeof value === "string") return { "linux/amd64": value, "linux/arm64": value };
  const given = Object.entries(value ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

/** Why an address is not usable, as a clause, with what to do. */
function wrongAddress(text: string): readonly [message: string, hint: string] | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return ["is not an address", "write the address a browser would show"];
  }
  if (url.username !== "" || url.password !== "") {
    return ["has a user or a password in it", "specs are committed: keep secrets out of them"];
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return ["is not an https address", "write the https address of the same file"];
  }
  if (url.hash !== "") return ["has a fragment", "leave out what begins with #"];
  if (url.href !== text) return ["is not in the one form of its kind", `write ${url.href}`];
  return undefined;
}

function checkAddresses(
  addresses: RawHttp["url"] | undefined,
  at: Path,
  document: LocatedDocument,
): readonly Problem[] {
  const all: readonly (readonly [Path, string | undefined])[] =
    typeof addresses === "object"
      ? Object.entries(addresses).map(([platform, address]) => [[...at, platform], address])
      : [[at, addresses]];
  return all.flatMap(([path, address]): readonly Problem[] => {
    const wrong = address === undefined ? undefined : wrongAddress(address);
    if (wrong === undefined) return [];
    // The address itself may be what must not be shown.
    const message = `${showPath(path)} ${wrong[0]}`;
    return [{ code: "LS2030", message, place: placeOf(document, path), hint: wrong[1] }];
  });
}

/** Addresses and hashes, one for all platforms or one for each. */
type Located = Pick<RawHttp, "url" | "sha256">;

/** Problems LS2030 of what a step asks for: what it asks of its own machine goes by the proxy. */
export function checkFetch(
  raw: Located,
  at: Path,
  platforms: readonly Platform[],
  document: LocatedDocument,
): readonly Problem[] {
  const own = Object.values(byPlatform(raw.url)).some((url) => URL.canParse(url) && isLoopback(new URL(url).hostname));
  const path = [...at, "url"];
  const message = `${showPath(path)} is of the machine itself`;
  const hint = "a step reaches its own servers without fetch:";
  const problems: readonly Problem[] = own ? [{ code: "LS2030", message, place: placeOf(document, path), hint }] : [];
  return [...problems, ...checkAddresses(raw.url, path, document), ...checkPlatforms(raw, at, platforms, document)];
}

/** Problems LS2030, LS2016, LS2031 and LS2033 of one layer at `at`. */
export function checkHttp(
  raw: RawHttp,
  at: Path,
  platforms: readonly Platform[],
  document: LocatedDocument,
): readonly Problem[] {
  const problems = [...checkAddresses(raw.url, [...at, "url"], document)];
  const { signature } = raw;
  if (signature !== undefined) {
    problems.push(...checkAddresses(signature.url, [...at, "signature", "url"], document));
    if (resolveSource(document.file, signature.key) === undefined) {
      const path = [...at, "signature", "key"];
      const message = `${showPath(path)} "${signature.key}" is not inside the repository`;
      const hint = "names are relative to the folder of image.yaml, and a part of the repository";
      problems.push({ code: "LS2016", message, place: placeOf(document, path), hint });
    }
  }
  return [...problems, ...checkPlatforms(raw, at, platforms, document), ...checkOptions(raw, at, document)];
}

/** Problems LS2031: addresses and hashes are those of the platforms. */
function checkPlatforms(
  raw: Located,
  at: Path,
  platforms: readonly Platform[],
  document: LocatedDocument,
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [name, value] of [
    ["url", raw.url],
    ["sha256", raw.sha256],
  ] as const) {
    if (typeof value !== "object") continue;
    const given = Object.keys(byPlatform(value)) as Platform[];
    const lacking = platforms.filter((platform) => !given.includes(platform));
    const idle = given.filter((platform) => !platforms.includes(platform));
    const path = [...at, name];
    const place = placeOf(document, path);
    if (lacking.length > 0 && (name === "url" || given.length > 0)) {
      const message = `${showPath(path)} has nothing for ${lacking.join(" and ")}, which the image is built for`;
      problems.push({ code: "LS2031", message, place, hint: "add it, or leave the platform out of `platforms`" });
    }
    if (idle.length > 0) {
      const message = `${showPath(path)} has something for ${idle.join(" and ")}, which the image is not built for`;
      problems.push({ code: "LS2031", message, place, hint: "remove it, or add the platform to `platforms`" });
    }
  }
  if (typeof raw.sha256 === "string" && typeof raw.url === "object") {
    const message = `${showPath([...at, "sha256"])} is one for several files`;
    problems.push({
      code: "LS2031",
      message,
      place: placeOf(document, [...at, "sha256"]),
      hint: "write one for each platform",
    });
  }
  if (typeof raw.url === "string" && typeof raw.sha256 === "object") {
    const message = `${showPath([...at, "sha256"])} are several for one file`;
    problems.push({ code: "LS2031", message, place: placeOf(document, [...at, "sha256"]), hint: "write one" });
  }
  return problems;
}

function checkOptions(raw: RawHttp, at: Path, document: LocatedDocument): readonly Problem[] {
  const unfit = (name: "strip" | "include" | "exclude" | "mode" | "into", message: string, hint: string): Problem => {
    const path = [...at, name];
    return { code: "LS2033", message: `${showPath(path)} ${message}`, place: placeOf(document, path), hint };
  };
  if (raw.unpack === "none") {
    const archive = (["strip", "include", "exclude"] as const)
      .filter((name) => raw[name] !== undefined)
      .map((name) => unfit(name, "is for archives, and this file is not unpacked", "write `unpack`, or remove it"));
    const mode =
      typeof raw.mode === "object"
        ? [unfit("mode", "is by glob, and this is one file", 'write one mode, such as "0755"')]
        : [];
    const nameless = Object.values(byPlatform(raw.url)).some((url) => fileName(url) === undefined);
    const into =
      raw.into.endsWith("/") && nameless
        ? [unfit("into", "ends with a slash, and the URL has no file name to keep", "write the whole path")]
        : [];
    return [...archive, ...mode, ...into];
  }
  return typeof raw.mode === "string"
    ? [unfit("mode", "is one for all of an archive", 'write it by glob: { "bin/*": "0755" }')]
    : [];
}

/** What the name of a signature file usually adds to that of the file. */
const signatureEndings = { minisign: ".minisig", gpg: ".asc", sigstore: ".sigstore.json" } as const;

/** Where the signature of a file is unless the spec says it: beside it. */
export function signatureUrl(url: string, kind: keyof typeof signatureEndings): string {
  // One that is no address is told by the checks.
  if (!URL.canParse(url)) return url;
  const address = new URL(url);
  address.pathname += signatureEndings[kind];
  return address.href;
}

/** Where the file of each platform is, and what it has to be. */
export function sourcesOf(raw: Located): Readonly<Partial<Record<Platform, HttpSource>>> {
  const hashes = byPlatform(raw.sha256);
  const sources = Object.entries(byPlatform(raw.url)).map(([platform, url]) => {
    const sha256 = hashes[platform as Platform];
    return [platform, { url, ...(sha256 === undefined ? {} : { sha256 }) }] as const;
  });
  return Object.fromEntries(sources);
}

/** The name that the last part of a URL gives a file; undefined when it gives none that can be one. */
export function fileName(url: string): string | undefined {
  let name: string;
  try {
    name = decodeURIComponent(new URL(url).pathname.split("/").at(-1) ?? "");
  } catch {
    return undefined;
  }
  return name === "" || name === "." || name === ".." || /[/\0]/.test(name) ? undefined : name;
}
