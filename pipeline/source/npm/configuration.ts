/** npm's own configuration: which registry has a package, and who we say we are there. Read only when something has to be downloaded. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { LockstepError, messageOf, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { isObject } from "./package-lock.ts";

export interface NpmConfiguration {
  /** Address of the registry of a package, without a slash at the end. */
  readonly registryOf: (name: string) => string;
  /** What to send as `Authorization` to an address; it goes to no other. */
  readonly authorizationOf: (url: URL) => string | undefined;
  /** Certificates that are trusted, in PEM, where npm is told of others than the usual. */
  readonly ca?: readonly string[];
}

/** Settings that are secret, by their names: `//registry.example/:_authToken`. */
type Secrets = ReadonlyMap<string, string>;

const secretName = /^(\/\/.+):(_authToken|_auth|username|_password)$/;

/** The value of a line of an npmrc file: quoted, or up to a comment, with `${NAME}` from the environment. */
function valueOf(text: string, host: Host): string {
  let value = text.trim();
  if (/^".*"$/.test(value)) {
    try {
      value = String(JSON.parse(value));
    } catch {
      value = value.slice(1, -1);
    }
  } else if (/^'.*'$/.test(value)) value = value.slice(1, -1);
  else value = value.replace(/\s*(?<!\\)[;#].*$/, "").replaceAll(/\\([;#\\])/g, "$1");
  return value.replaceAll(/(?<!\\)\$\{([^${}?]+)(\?)?\}/g, (whole, name: string, may: string | undefined) => {
    return host.env(name) ?? (may === undefined ? whole : "");
  });
}

function secretsOf(text: string, host: Host): Secrets {
  const found = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key = "", value = ""] = /^\s*([^\s=;#[][^=]*?)\s*=(.*)$/.exec(line) ?? [];
    if (secretName.test(key)) found.set(key, valueOf(value, host));
  }
  return found;
}

async function secretsIn(host: Host, file: string): Promise<Secrets> {
  try {
    return secretsOf(await readFile(file, "utf8"), host);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES" || code === "EISDIR") return new Map();
    throw error;
  }
}

/** Settings of the environment: `npm_config_//registry.example/:_authToken`. */
function secretsOfEnvironment(host: Host): Secrets {
  const settings = Object.entries(host.environment()).map(
    ([name, value]) => [name.replace(/^npm_config_/i, ""), value] as const,
  );
  return new Map(settings.filter(([name]) => secretName.test(name)));
}

/** The `Authorization` for an address: that of the longest part of it that settings name. */
function authorization(secrets: Secrets, url: URL): string | undefined {
  for (let key = `//${url.host}${url.pathname}`; key.length > 2; key = key.replace(/(?:[^/]+|\/)$/, "")) {
    const token = secrets.get(`${key}:_authToken`);
    if (token !== undefined) return `Bearer ${token}`;
    const basic = secrets.get(`${key}:_auth`);
    if (basic !== undefined) return `Basic ${basic}`;
    const [name, password] = [secrets.get(`${key}:username`), secrets.get(`${key}:_password`)];
    if (name !== undefined && password !== undefined) {
      const plain = Buffer.from(password, "base64").toString("utf8");
      return `Basic ${Buffer.from(`${name}:${plain}`).toString("base64")}`;
    }
  }
  return undefined;
}

function unusable(message: string, hint: string): LockstepError {
  return new LockstepError({ code: "LS2509", message, hint });
}

/** What npm says its settings are, from every place it reads them from; secret ones are not in it. */
async function askNpm(host: Host, project: string): Promise<Readonly<Record<string, unknown>>> {
  const program = host.findProgram("npm");
  if (program === undefined) {
    throw unusable("npm is not installed, and its settings say where packages are", "install npm");
  }
  const { code, stdout } = await host.run(program, ["config", "list", "--json"], {
    cwd: project,
    env: host.environment(),
  });
  try {
    const settings: unknown = code === 0 ? JSON.parse(stdout.toString("utf8")) : undefined;
    if (isObject(settings)) return settings;
  } catch {
    // Said below.
  }
  throw unusable("npm does not tell its settings", "run `npm config list` and mend what it complains about");
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function registryAddress(name: string, value: unknown): string {
  const text = textOf(value);
  // npm keeps what has a password in it to itself.
  if (text === undefined)
    throw unusable(
      `npm does not tell its setting "${name}", as when it has a user name or a password in it`,
      "write those into npmrc as npm documents it, apart from the address",
    );
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw unusable(
      `npm's setting "${name}" is no http or https address`,
      `set it with \`npm config set ${name} ADDRESS\``,
    );
  const url = new URL(text);
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

async function trusted(settings: Readonly<Record<string, unknown>>): Promise<readonly string[] | undefined> {
  const file = textOf(settings["cafile"]);
  const inline = [settings["ca"]].flat().flatMap((each) => textOf(each) ?? []);
  if (file === undefined && inline.length === 0) return undefined;
  try {
    const read = file === undefined ? [] : [await readFile(file, "utf8")];
    return [...getCACertificates("default"), ...inline, ...read];
  } catch (error) {
    throw unusable(`npm's setting "cafile" cannot be read: ${messageOf(error)}`, "name a file of certificates in PEM");
  }
}

/** The configuration that npm has in the directory of a project. LS2509 when there is none, or none that can be used. */
export async function readNpmConfiguration(host: Host, project: string): Promise<NpmConfiguration> {
  const settings = await askNpm(host, project);
  const files = [settings["globalconfig"], settings["userconfig"], join(project, ".npmrc")].flatMap(
    (file) => textOf(file) ?? [],
  );
  const secrets = new Map<string, string>();
  // What comes later wins.
  for (const file of files) for (const [key, value] of await secretsIn(host, file)) secrets.set(key, value);
  for (const [key, value] of secretsOfEnvironment(host)) secrets.set(key, value);
  const ca = await trusted(settings);
  return {
    registryOf: (name) => {
      const scope = name.startsWith("@") ? `${name.slice(0, name.indexOf("/"))}:registry` : "";
      return settings[scope] === undefined
        ? registryAddress("registry", settings["registry"])
        : registryAddress(scope, settings[scope]);
    },
    authorizationOf: (url) => authorization(secrets, url),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** Address of a tarball below its registry: `…/@s/a/-/a-1.0.0.tgz`. */
export function tarballAddress(registry: string, name: string, version: string): string {
  const escaped = (text: string): string => encodeURIComponent(text).replaceAll("%40", "@");
  const base = name.slice(name.indexOf("/") + 1);
  return `${registry}/${name.split("/").map(escaped).join("/")}/-/${escaped(base)}-${escaped(version)}.tgz`;
}
