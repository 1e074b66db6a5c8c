/** Addresses of git repositories as specs and .gitmodules write them: which forms there are, and what none of them may hide. */

/** How a repository is reached; `own` is the repository that the specs are in. */
export type GitProtocol = "https" | "ssh" | "http" | "git" | "file" | "own";

export interface GitAddress {
  /** As it is written, which is what the lock calls it. */
  readonly repository: string;
  readonly protocol: GitProtocol;
}

type AddressResult =
  | { readonly ok: true; readonly address: GitAddress }
  | { readonly ok: false; readonly must: string };

const forms = 'https://host/path, ssh://user@host/path, user@host:path, or "." for this repository';

const schemes: ReadonlyMap<string, GitProtocol> = new Map([
  ["https:", "https"],
  ["ssh:", "ssh"],
  ["http:", "http"],
  ["git:", "git"],
  ["file:", "file"],
]);

/** A host or user name: nothing that a program could take for an option, or a shell for more than text. */
const name = "[A-Za-z0-9_][A-Za-z0-9._-]*";
const scpForm = new RegExp(`^${name}@(${name}):(?!//)([^\\s:]+)$`);

function refuse(must: string): AddressResult {
  return { ok: false, must };
}

/** Path of a repository that no program takes for an option. */
function usablePath(path: string): boolean {
  return path.replaceAll("/", "") !== "" && !/(?:^|\/)-/.test(path);
}

/** Reads an address; `must` says what it must be, as a clause that follows its name. Pure: what a machine allows is asked elsewhere. */
export function readAddress(text: string): AddressResult {
  // oxlint-disable-next-line no-control-regex -- exactly those characters are refused
  if (/[\u0000-\u0020\u007f-\u00a0\\]/.test(text))
    return refuse("must be an address without blanks, backslashes and control characters");
  if (text.length > 2048) return refuse("must be at most 2048 characters");
  if (text === ".") return { ok: true, address: { repository: text, protocol: "own" } };
  // `ext::sh -c …` and the like: another program is run with the rest.
  if (/^[A-Za-z0-9+.-]*::/.test(text)) return refuse(`must be ${forms}: a remote helper is never run`);
  const scp = scpForm.exec(text);
  if (scp !== null && !text.includes("://")) {
    return usablePath(scp[2] ?? "")
      ? { ok: true, address: { repository: text, protocol: "ssh" } }
      : refuse(`must be ${forms}`);
  }
  const scheme = /^([a-z]+:)\/\//.exec(text)?.[1];
  const protocol = scheme === undefined ? undefined : schemes.get(scheme);
  if (protocol === undefined || !URL.canParse(text)) return refuse(`must be ${forms}`);
  const url = new URL(text);
  if (url.search !== "" || url.hash !== "" || /[?#]/.test(text))
    return refuse("must be without a query and a fragment");
  if (url.password !== "")
    return refuse("must be without a password: git finds it in ~/.netrc, or uses the keys of ssh");
  if (url.username !== "" && (protocol !== "ssh" || !new RegExp(`^${name}$`).test(url.username)))
    return refuse("must be without a user name, except with ssh");
  if (protocol === "file" ? url.host !== "" : !new RegExp(`^(?:${name}|\\[[0-9a-f:.]+\\])$`).test(url.hostname))
    return refuse(`must be ${forms}`);
  if (!usablePath(url.pathname)) return refuse("must name a repository by its path");
  return { ok: true, address: { repository: text, protocol } };
}

/**
 * The address of a submodule (gitmodules(5), `url`): one that begins with `./` or `../` is relative to that of the repository above.
 * Undefined when there is nothing left of that address to go up in.
 */
export function submoduleAddress(above: string, url: string): string | undefined {
  if (!/^\.\.?\//.test(url)) return url;
  // The part that never changes: scheme and host, or everything before the colon.
  const fixed = /^(?:[a-z]+:\/\/[^/]*|[^/:]+@[^/:]+:)/.exec(above)?.[0];
  if (fixed === undefined) return undefined;
  const separator = fixed.endsWith(":") ? "" : "/";
  const parts = above
    .slice(fixed.length)
    .split("/")
    .filter((part) => part !== "");
  let rest = url;
  while (/^\.\.?\//.test(rest)) {
    if (rest.startsWith("../") && parts.pop() === undefined) return undefined;
    rest = rest.slice(rest.indexOf("/") + 1);
  }
  return `${fixed}${separator}${[...parts, rest].join("/")}`;
}

/** A commit id written out: 40 digits of SHA-1, or 64 of SHA-256. */
export function isCommitId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Whether a name is one that git allows for a branch or a tag (git-check-ref-format(1)), and none that it takes for something else. */
export function isRefName(text: string): boolean {
  if (text.length > 255 || text === "@" || /^[-/]|[/.]$|\.\.|@\{|\/\//.test(text)) return false;
  // oxlint-disable-next-line no-control-regex -- exactly those characters are refused
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(text)) return false;
  return text !== "" && text.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
}
