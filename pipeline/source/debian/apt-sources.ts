/** The machine's own apt sources (sources.list(5)), read only for the addresses of Debian's archives. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../../host/errors.ts";
import type { DebianArchive } from "../../lock/types.ts";
import { comparePaths } from "../../tree/entry.ts";
import { parseDeb822 } from "./deb822.ts";

/** Addresses in a one-line-style file: `deb [options] uri suite component...`. */
function listAddresses(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+\S+/.exec(line.replace(/#.*$/, ""));
    return match?.[1] === undefined ? [] : [match[1]];
  });
}

/** Addresses in a deb822-style file. */
function sourcesAddresses(text: string): readonly string[] {
  return parseDeb822(text).stanzas.flatMap(({ stanza }) => {
    const fields = new Map([...stanza].map(([name, value]) => [name.toLowerCase(), value]));
    const words = (name: string): readonly string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (!words("types").includes("deb")) return [];
    if (/^(?:no|false|without|off|disable)$/i.test(fields.get("enabled") ?? "yes")) return [];
    return words("uris");
  });
}

/** Which of Debian's archives an address is the base of; undefined for any other repository. */
export function archiveOf(address: string): DebianArchive | undefined {
  if (!/^(?:https?|file):/.test(address)) return undefined;
  const path = address.replace(/\/+$/, "");
  if (path.endsWith("/debian-security")) return "debian-security";
  return path.endsWith("/debian") ? "debian" : undefined;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = systemCode(error);
    // A file that only root may read is as good as none: what is found nowhere else is reported with how to set it.
    if (code === "ENOENT" || code === "EACCES" || code === "EISDIR") return "";
    throw error;
  }
}

/** The base addresses of Debian's archives in an apt directory (`/etc/apt`), in apt's order, each once. */
export async function readAptSources(directory: string): Promise<Readonly<Record<DebianArchive, readonly string[]>>> {
  const addresses = [...listAddresses(await readText(join(directory, "sources.list")))];
  const parts = join(directory, "sources.list.d");
  const names = await readdir(parts).catch((error: unknown) => {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "EACCES" || code === "ENOTDIR") return [];
    throw error;
  });
  for (const name of names.toSorted(comparePaths)) {
    // apt takes only names of letters, digits, underscore, hyphen and period, with one of these two endings.
    if (/^[\w.-]+\.list$/.test(name)) addresses.push(...listAddresses(await readText(join(parts, name))));
    if (/^[\w.-]+\.sources$/.test(name)) addresses.push(...sourcesAddresses(await readText(join(parts, name))));
  }
  const found: Record<DebianArchive, Set<string>> = { debian: new Set(), "debian-security": new Set() };
  for (const address of addresses) {
    const archive = archiveOf(address);
    if (archive !== undefined) found[archive].add(address.replace(/\/+$/, ""));
  }
  return { debian: [...found.debian], "debian-security": [...found["debian-security"]] };
}
