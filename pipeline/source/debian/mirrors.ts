/** Where Debian's archives are fetched from: configuration of the user or of the machine, never of the repository. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Place, messageOf, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { DebianArchive } from "../../lock/types.ts";
import { readAptSources } from "./apt-sources.ts";

/** Base addresses of each archive without a slash at the end, in the order in which they are tried; never empty. */
export type Mirrors = Readonly<Record<DebianArchive, readonly string[]>>;

/** The environment variables that name mirrors; they win over everything else. */
export const mirrorVariable = "LOCKSTEP_DEBIAN_MIRROR";
export const securityMirrorVariable = "LOCKSTEP_DEBIAN_SECURITY_MIRROR";

type Fault = (message: string) => LockstepError;

function checkAddress(text: string, fault: Fault): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw fault(`"${text}" is not an address`);
  }
  if (!["http:", "https:", "file:"].includes(url.protocol))
    throw fault(`"${text}" is not an http, https or file address`);
  if (url.search !== "" || url.hash !== "") throw fault(`"${text}" has a query or a fragment`);
  return text.replace(/\/+$/, "");
}

/** The security archive lies beside the other one on mirrors that carry both. */
function withSibling(debian: readonly string[], security: readonly string[]): Mirrors {
  return {
    debian,
    "debian-security": security.length > 0 ? security : debian.map((base) => `${base}-security`),
  };
}

function fromEnvironment(host: Host): Mirrors | undefined {
  const read = (name: string): readonly string[] =>
    (host.env(name) ?? "")
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean)
      .map((part) =>
        checkAddress(part, (message) => new LockstepError({ code: "LS1005", message: `${name}: ${message}` })),
      );
  const debian = read(mirrorVariable);
  const security = read(securityMirrorVariable);
  if (debian.length === 0) {
    if (security.length === 0) return undefined;
    throw new LockstepError({
      code: "LS1005",
      message: `${securityMirrorVariable} is set, but ${mirrorVariable} is not`,
      hint: "set both, or neither",
    });
  }
  return withSibling(debian, security);
}

/** `debian: { mirrors: [...], securityMirrors: [...] }` in the user's config.yaml; keys of other rooms are not looked at. */
async function fromConfig(host: Host): Promise<Mirrors | undefined> {
  const file = join(host.configDirectory, "config.yaml");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
  const { LineCounter, isMap, isScalar, isSeq, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const fault = (message: string, offset?: number): LockstepError => {
    const position = offset === undefined ? undefined : counter.linePos(offset);
    const place: Place = position === undefined ? { file } : { file, line: position.line, column: position.col };
    const hint = "write `debian: { mirrors: [address], securityMirrors: [address] }`";
    return new LockstepError({ code: "LS3105", message, place, hint });
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) throw fault(syntax.message.split("\n")[0] ?? messageOf(syntax), syntax.pos[0]);
  if (document.contents === null) return undefined;
  if (!isMap(document.contents)) throw fault("the settings are not a map", 0);
  const section = document.contents.get("debian", true);
  if (section === undefined) return undefined;
  if (!isMap(section)) throw fault("debian is not a map");

  const lists: Record<string, readonly string[]> = {};
  for (const { key, value } of section.items) {
    const name = isScalar(key) ? String(key.value) : "";
    const offset = isScalar(key) ? key.range?.[0] : undefined;
    if (name !== "mirrors" && name !== "securityMirrors") throw fault(`debian.${name} is not a setting`, offset);
    if (!isSeq(value)) throw fault(`debian.${name} is not a list`, offset);
    lists[name] = value.items.map((item) => {
      const at = isScalar(item) ? item.range?.[0] : offset;
      if (!isScalar(item) || typeof item.value !== "string")
        throw fault(`debian.${name} holds something other than text`, at);
      return checkAddress(item.value, (message) => fault(`debian.${name}: ${message}`, at));
    });
  }
  const debian = lists["mirrors"] ?? [];
  const security = lists["securityMirrors"] ?? [];
  if (debian.length === 0 && security.length > 0)
    throw fault("debian.securityMirrors is set, but debian.mirrors is not");
  return debian.length === 0 ? undefined : withSibling(debian, security);
}

/**
 * The mirrors to use: from `LOCKSTEP_DEBIAN_MIRROR` (addresses of the archive `debian`, with commas between them) and
 * `LOCKSTEP_DEBIAN_SECURITY_MIRROR`; else from the user's config.yaml; else from the apt sources of the machine.
 * Throws LS3101 when there are none, LS1005 or LS3105 for a setting that is no address.
 */
export async function findMirrors(host: Host, aptDirectory = "/etc/apt"): Promise<Mirrors> {
  const configured = fromEnvironment(host) ?? (await fromConfig(host));
  if (configured !== undefined) return configured;
  const { debian, "debian-security": security } = await readAptSources(aptDirectory);
  if (debian.length > 0) return withSibling(debian, security);
  throw new LockstepError({
    code: "LS3101",
    message: "no mirror of Debian's archive is known: this machine's apt sources name none",
    hint:
      `set ${mirrorVariable} to the address of a mirror (it ends in /debian), or write it as debian.mirrors in ` +
      join(host.configDirectory, "config.yaml"),
  });
}
