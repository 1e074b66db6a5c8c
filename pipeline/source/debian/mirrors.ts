/** Where Debian's archives are fetched from: configuration of the user or of the machine, never of the repository. */
import { join } from "node:path";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { mapOf, readSettings } from "../../host/settings.ts";
import type { DebianArchive } from "../../lock/types.ts";
import { readAptSources } from "./apt-sources.ts";

/** Base addresses of each archive without a slash at the end, in the order in which they are tried; never empty. */
export type Mirrors = Readonly<Record<DebianArchive, readonly string[]>>;

/** The environment variables that name mirrors; they win over everything else. */
export const mirrorVariable = "LOCKSTEP_DEBIAN_MIRROR";
export const securityMirrorVariable = "LOCKSTEP_DEBIAN_SECURITY_MIRROR";

function checkAddress(text: string, fault: (message: string) => LockstepError): string {
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

/** `debian: { mirrors: [...], securityMirrors: [...] }` in the user's config.yaml. */
async function fromConfig(host: Host): Promise<Mirrors | undefined> {
  const hint = "write `debian: { mirrors: [address], securityMirrors: [address] }`";
  const read = await readSettings(host, "debian", { code: "LS3105", hint });
  if (read === undefined) return undefined;
  const { section, fault } = read;
  const lists: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(mapOf(section, ["debian"], fault))) {
    const path = ["debian", name];
    if (name !== "mirrors" && name !== "securityMirrors") throw fault(`debian.${name} is not a setting`, path, "key");
    if (!Array.isArray(value)) throw fault(`debian.${name} is not a list`, path, "key");
    lists[name] = value.map((item: unknown, index) => {
      const at = [...path, String(index)];
      if (typeof item !== "string") throw fault(`debian.${name} holds something other than text`, at);
      return checkAddress(item, (message) => fault(`debian.${name}: ${message}`, at));
    });
  }
  const debian = lists["mirrors"] ?? [];
  const security = lists["securityMirrors"] ?? [];
  if (debian.length === 0 && security.length > 0)
    throw fault("debian.securityMirrors is set, but debian.mirrors is not", ["debian"]);
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
