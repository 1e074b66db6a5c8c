/** Credentials as docker and podman keep them: auth files, and the programs named docker-credential-*. Never shown, never written. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, messageOf, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";

export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** A refresh token of OAuth 2, which is exchanged for an access token. */
  | { readonly kind: "identity"; readonly token: string }
  /** A token that is sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

interface AuthFile {
  readonly path: string;
  readonly auths: Readonly<Record<string, unknown>>;
  readonly credHelpers: Readonly<Record<string, unknown>>;
  readonly credsStore?: string;
}

/** The name of a program that keeps credentials is part of a file name, so it must not be a path. */
const programName = /^[A-Za-z0-9][\w.-]*$/;
/** What such a program says when it has nothing for a registry. */
const nothingFound = /credentials not found|no credentials|not found in native keychain/i;

function unusable(file: string, message: string): LockstepError {
  return new LockstepError({
    code: "LS3206",
    message,
    place: { file },
    hint: "log in to the registry again, or mend the file",
  });
}

/** Files that may hold credentials, in the order in which they are asked: podman's first, which people set on purpose. */
function authFiles(host: Host): readonly string[] {
  const home = host.env("HOME");
  const runtime = host.env("XDG_RUNTIME_DIR");
  const config = host.env("XDG_CONFIG_HOME") ?? (home === undefined ? undefined : join(home, ".config"));
  const docker = host.env("DOCKER_CONFIG") ?? (home === undefined ? undefined : join(home, ".docker"));
  const named = host.env("REGISTRY_AUTH_FILE");
  // A file that the environment names replaces all others, as for podman and skopeo.
  if (named !== undefined) return [named];
  return [
    ...(runtime === undefined ? [] : [join(runtime, "containers/auth.json")]),
    ...(config === undefined ? [] : [join(config, "containers/auth.json")]),
    ...(docker === undefined ? [] : [join(docker, "config.json")]),
  ];
}

function mapIn(value: unknown, key: string, file: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw unusable(file, `"${key}" of the auth file is not a map`);
  return value as Readonly<Record<string, unknown>>;
}

async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw unusable(path, `the auth file cannot be read (${systemCode(error) ?? messageOf(error)})`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message would quote the text.
    throw unusable(path, "the auth file is not JSON");
  }
  const content = mapIn(value, "the file", path);
  const store = content["credsStore"];
  return {
    path,
    auths: mapIn(content["auths"], "auths", path),
    credHelpers: mapIn(content["credHelpers"], "credHelpers", path),
    ...(typeof store === "string" && store !== "" ? { credsStore: store } : {}),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function fromEntry(entry: unknown, key: string, file: string): Credentials | undefined {
  const { auth, username, password, identitytoken, registrytoken } = mapIn(entry, key, file);
  const identity = textOf(identitytoken);
  if (identity !== undefined) return { kind: "identity", token: identity };
  const bearer = textOf(registrytoken);
  if (bearer !== undefined) return { kind: "bearer", token: bearer };
  const encoded = textOf(auth);
  if (encoded === undefined) {
    const name = textOf(username);
    return name === undefined ? undefined : { kind: "password", username: name, password: textOf(password) ?? "" };
  }
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 1) throw unusable(file, `"auth" of ${key} is not a user name and a password in Base64`);
  // Older files of docker end the password with NUL bytes.
  return {
    kind: "password",
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1).replace(/\0+$/, ""),
  };
}

async function fromProgram(
  host: Host,
  name: string,
  server: string,
  file: string,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  if (!programName.test(name)) throw unusable(file, `"${name}" is not the name of a program that keeps credentials`);
  const program = `docker-credential-${name}`;
  const path = host.findProgram(program);
  if (path === undefined) throw unusable(file, `${program}, which the auth file names for ${server}, is not installed`);
  const options = { input: Buffer.from(server), env: host.environment(), ...(signal === undefined ? {} : { signal }) };
  const { code, stdout } = await host.run(path, ["get"], options);
  if (code !== 0) {
    // Such programs say on stdout what is wrong; it is not repeated, for it could hold anything.
    if (nothingFound.test(stdout.toString("utf8"))) return undefined;
    throw unusable(file, `${program} failed for ${server} (exit code ${code})`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(stdout.toString("utf8"));
  } catch {
    throw unusable(file, `${program} did not answer with JSON`);
  }
  const { Username: username, Secret: secret } = mapIn(answer, program, file);
  if (typeof username !== "string" || typeof secret !== "string")
    throw unusable(file, `${program} did not answer with a user name and a secret`);
  if (secret === "") return undefined;
  return username === "<token>"
    ? { kind: "identity", token: secret }
    : { kind: "password", username, password: secret };
}

/** Keys of an auth file in a common form: docker wrote addresses there once. */
function bareKey(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/(?:v[12]\/?)?$/, "");
}

/** The entry of the most specific key that names the repository: `host/a/b`, `host/a`, `host`. */
function mostSpecific(
  entries: Readonly<Record<string, unknown>>,
  server: string,
  repository: string,
): string | undefined {
  const byKey = new Map(Object.keys(entries).map((key) => [bareKey(key), key]));
  const parts = [server, ...repository.split("/")];
  for (let count = parts.length; count > 0; count--) {
    const key = byKey.get(parts.slice(0, count).join("/"));
    if (key !== undefined) return key;
  }
  return undefined;
}

/**
 * What is known for a repository; undefined means that nobody is logged in there. A program for one registry comes before what the file
 * itself holds, and that before the program for all. Throws LS3206 when a file or program that should know cannot be used.
 */
export async function findCredentials(
  host: Host,
  server: string,
  repository: string,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  for (const path of authFiles(host)) {
    const file = await readAuthFile(path);
    if (file === undefined) continue;
    const helper = mostSpecific(file.credHelpers, server, "");
    const program = helper === undefined ? undefined : textOf(file.credHelpers[helper]);
    if (program !== undefined) {
      const found = await fromProgram(host, program, server, path, signal);
      if (found !== undefined) return found;
    }
    const key = mostSpecific(file.auths, server, repository);
    const own = key === undefined ? undefined : fromEntry(file.auths[key], key, path);
    if (own !== undefined) return own;
    if (file.credsStore !== undefined && program === undefined) {
      // Docker keeps an empty entry for each registry whose secret the program has, and asks it by that key.
      const found = await fromProgram(host, file.credsStore, key ?? server, path, signal);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
