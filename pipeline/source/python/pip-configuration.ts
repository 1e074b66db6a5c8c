/** pip's own configuration: which package indexes a machine asks, and who we say we are there. Read only when an index has to be asked. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { shownAddress } from "../address.ts";

export interface PackageIndex {
  /** Address without user, password and the slash at the end. */
  readonly base: string;
  /** What to send as `Authorization` to this index, and to files on the same host and port. */
  readonly authorization?: string;
}

export interface PipConfiguration {
  /** In the order in which they are asked; never empty. */
  readonly indexes: readonly PackageIndex[];
  /** Certificates that are trusted instead of the usual, in PEM. */
  readonly ca?: readonly string[];
}

function fail(message: string, hint: string): LockstepError {
  return new LockstepError({ code: "LS2611", message, hint });
}

/** Files from the least to the most important (pip, "Configuration Files"). */
function filesOf(host: Host): readonly string[] {
  const named = host.env("PIP_CONFIG_FILE");
  if (named === "/dev/null") return [];
  const home = host.env("HOME");
  const venv = host.env("VIRTUAL_ENV");
  const config = host.env("XDG_CONFIG_HOME") ?? (home === undefined ? undefined : join(home, ".config"));
  return [
    ...(host.env("XDG_CONFIG_DIRS") ?? "/etc/xdg").split(":").map((directory) => join(directory, "pip/pip.conf")),
    "/etc/pip.conf",
    ...(home === undefined ? [] : [join(home, ".pip/pip.conf")]),
    ...(config === undefined ? [] : [join(config, "pip/pip.conf")]),
    ...(venv === undefined ? [] : [join(venv, "pip.conf")]),
    ...(named === undefined ? [] : [named]),
  ];
}

/** Values of `[global]`, over which those of `[install]` go; lines that are indented go on with the value before. */
function valuesOf(text: string): ReadonlyMap<string, string> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let key: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;].*)?$/.test(line)) continue;
    const header = /^\[([^\]]+)\]/.exec(line)?.[1]?.trim();
    if (header !== undefined) {
      section = sections.get(header) ?? new Map<string, string>();
      sections.set(header, section);
      key = undefined;
    } else if (/^\s/.test(line) && key !== undefined) {
      section?.set(key, `${section.get(key) ?? ""} ${line.trim()}`.trim());
    } else {
      const [, name, value = ""] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
      key = name?.toLowerCase().replaceAll("_", "-");
      if (key !== undefined) section?.set(key, value.trim());
    }
  }
  return new Map([...(sections.get("global") ?? []), ...(sections.get("install") ?? [])]);
}

async function fromFiles(host: Host): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const file of filesOf(host)) {
    try {
      for (const [name, value] of valuesOf(await readFile(file, "utf8"))) all.set(name, value);
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined || !["ENOENT", "ENOTDIR", "EACCES"].includes(code)) throw error;
    }
  }
  return all;
}

function readIndex(text: string): PackageIndex {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw fail(
      `pip is configured with the index ${JSON.stringify(shownAddress(text))}, which is no address`,
      "correct pip's configuration",
    );
  }
  if (!["http:", "https:", "file:"].includes(url.protocol))
    throw fail(
      `pip is configured with the index ${shownAddress(text)}, which is no http, https or file address`,
      "correct pip's configuration",
    );
  const who =
    url.username === "" ? undefined : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  const base = url.href.replace(/\/+$/, "");
  return { base, ...(who === undefined ? {} : { authorization: `Basic ${Buffer.from(who).toString("base64")}` }) };
}

/** The index that pip takes when nobody says another, as pip itself says it in its help. */
async function defaultIndex(host: Host): Promise<string | undefined> {
  const python = host.findProgram("python3");
  if (python === undefined) return undefined;
  const env = {
    PATH: host.env("PATH") ?? "",
    HOME: host.env("HOME") ?? "/",
    LC_ALL: "C",
    COLUMNS: "500",
    PIP_CONFIG_FILE: "/dev/null",
  };
  const { code, stdout } = await host.run(python, ["-m", "pip", "install", "--help"], {
    env,
    cwd: host.temporaryDirectory,
  });
  return code === 0
    ? /Base URL of the Python Package Index \(default\s+(https:\/\/[^\s)]+)\)/.exec(stdout.toString("utf8"))?.[1]
    : undefined;
}

/**
 * The indexes to ask: from `PIP_INDEX_URL` and `PIP_EXTRA_INDEX_URL`; else from pip's configuration files; else the one that pip itself
 * has for when nothing is configured. Throws LS2611 when there is none, or one is no address; passwords are never in a message.
 */
export async function readPipConfiguration(host: Host): Promise<PipConfiguration> {
  const files = await fromFiles(host);
  const value = (name: string): string | undefined =>
    host.env(`PIP_${name.toUpperCase().replaceAll("-", "_")}`) ??
    (files.get(name) === "" ? undefined : files.get(name));
  const hint = "set PIP_INDEX_URL, or `index-url` in pip's configuration";
  if (/^(?:1|true|yes|on|t|y)$/i.test(value("no-index") ?? ""))
    throw fail("pip is configured to ask no package index", hint);
  const main = value("index-url") ?? (await defaultIndex(host));
  if (main === undefined) throw fail("no package index is known: pip is not configured, and not installed", hint);
  const extra = (value("extra-index-url") ?? "").split(/\s+/).filter((part) => part !== "");
  const cert = value("cert");
  const ca = cert === undefined ? undefined : await readFile(cert, "utf8").catch(() => undefined);
  if (cert !== undefined && ca === undefined)
    throw fail(`pip's certificates ${cert} cannot be read`, "correct `cert` in pip's configuration, or PIP_CERT");
  return { indexes: [main, ...extra].map(readIndex), ...(ca === undefined ? {} : { ca: [ca] }) };
}

/** What to send to an address: that of the first index on its host and port. */
export function authorizationFor({ indexes }: PipConfiguration): (url: URL) => string | undefined {
  return (url) =>
    indexes.find(({ base }) => new URL(base).origin === url.origin && url.protocol !== "file:")?.authorization;
}
