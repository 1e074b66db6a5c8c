/** References to images in registries: `registry.example/team/app:1.0@sha256:…` (grammar of the distribution project's reference package). */
import { LockstepError } from "../host/errors.ts";
import { type Digest, isDigest } from "../store/digest.ts";

export interface Reference {
  /** Name or address of the registry, with its port where one is written. */
  readonly host: string;
  /** Path of the repository below the host. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** How names without a registry are completed; from the user's settings, never from the program. */
export interface ShortNames {
  /** Whole names by short name. */
  readonly short: ReadonlyMap<string, string>;
  /** What is put before every other short name. */
  readonly prefix?: string;
}

const hostComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const hostPattern = new RegExp(`^(?:${hostComponent}(?:\\.${hostComponent})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?$`);
const pathComponent = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^\w[\w.-]{0,127}$/;
const longestName = 255;

function malformed(text: string, why: string): LockstepError {
  return new LockstepError({
    code: "LS3201",
    message: `"${text}" is not a reference to an image: ${why}`,
    hint: "write registry.example/path:tag, or registry.example/path@sha256:<64 digits>",
  });
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether the text is a host as a reference begins with one. */
export function isHost(text: string): boolean {
  return hostPattern.test(text);
}

/** What tells a host from the first part of a path: a dot, a port, a capital letter, or the one name everybody has. */
function looksLikeHost(text: string): boolean {
  return text === "localhost" || /[.:A-Z]/.test(text);
}

/** The host a name begins with, when it has one, and the rest. */
function splitHost(name: string): readonly [host: string | undefined, path: string] {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  return slash > 0 && looksLikeHost(first) ? [first, name.slice(slash + 1)] : [undefined, name];
}

function completed(text: string, path: string, names: ShortNames): string {
  const whole = names.short.get(path) ?? (names.prefix === undefined ? undefined : `${names.prefix}/${path}`);
  if (whole !== undefined) return whole;
  throw new LockstepError({
    code: "LS3202",
    message: `"${text}" names no registry`,
    hint: "write the registry before it, or say in config.yaml which one short names mean (`registries: { default: … }` or `short: …`)",
  });
}

/** Reads a reference as a user writes it. Throws LS3201 when it is none, LS3202 for a short name that no setting completes. */
export function parseReference(text: string, names: ShortNames): Reference {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw malformed(text, `"${digest}" is not a SHA-256 digest`);
  const tagged = at < 0 ? text : text.slice(0, at);
  // A colon after the last slash begins a tag; one before it, a port.
  const colon = tagged.indexOf(":", tagged.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : tagged.slice(colon + 1);
  if (tag !== undefined && !isTag(tag)) throw malformed(text, `"${tag}" is not a tag`);
  const name = colon < 0 ? tagged : tagged.slice(0, colon);
  const [written, path] = splitHost(name);
  if (!repositoryPattern.test(path)) {
    const why =
      path !== path.toLowerCase() ? "a repository has lower-case letters only" : `"${path}" is not a repository`;
    throw malformed(text, why);
  }
  const [host, repository] = written === undefined ? splitHost(completed(text, path, names)) : [written, path];
  if (host === undefined || !hostPattern.test(host)) throw malformed(text, `"${host ?? repository}" is not a host`);
  if (host.length + 1 + repository.length > longestName)
    throw malformed(text, `a name has at most ${longestName} characters`);
  return { host, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The reference as text, complete. */
export function formatReference({ host, repository, tag, digest }: Reference): string {
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
