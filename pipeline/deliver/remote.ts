/** The remote that is delivered to: which addresses there may be, and what git is told so that a login goes nowhere else. */
import { readFile } from "node:fs/promises";
import { interrupted, LockstepError, messageOf } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { localGit } from "../source/git/local.ts";
import type { GitOutput } from "../source/git/program.ts";
import { readAddress } from "../spec/git-address.ts";

export interface Remote {
  readonly url: string;
  readonly protocol: "https" | "ssh" | "file" | "http";
}

/** The variable that holds a token where no file is named. */
const tokenVariable = "LOCKSTEP_GIT_TOKEN";

/** The remote at an address: https, ssh or file, and http on this machine alone. LS2902 for any other, and for one with a login in it. */
export function remoteAt(address: string): Remote {
  const read = readAddress(address);
  const shown = JSON.stringify(address.replace(/\/\/[^/]*@/, "//"));
  if (!read.ok) throw new LockstepError({ code: "LS2902", message: `the remote ${shown} ${read.must}` });
  const { protocol } = read.address;
  const onThisMachine = /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/])/.test(address);
  if (protocol === "https" || protocol === "ssh" || protocol === "file" || (protocol === "http" && onThisMachine))
    return { url: address, protocol };
  throw new LockstepError({
    code: "LS2902",
    message: `the remote ${shown} is reached by ${protocol === "own" ? "no protocol" : protocol}`,
    hint: "use https or ssh",
  });
}

/** The value of a header (RFC 9110, 11.6.2) for a token, or for `user:token`. LS7207 when it has anything but printable ASCII. */
export function authorizationOf(token: string, place: string): string {
  const text = token.trim();
  if (!/^[\u0021-\u007e]{1,8192}$/.test(text)) {
    const message = text === "" ? "there is no token in it" : "a token is one word of printable ASCII";
    throw new LockstepError({ code: "LS7207", message, place: { file: place } });
  }
  const login = text.includes(":") ? text : `x-access-token:${text}`;
  return `Basic ${Buffer.from(login).toString("base64")}`;
}

/**
 * The login for a remote: of a file, else of LOCKSTEP_GIT_TOKEN, else none, and git then asks its own helpers. LS7207 when the file cannot
 * be read, holds no token, or the remote is one that takes none.
 */
export async function readAuthorization(
  host: Host,
  remote: Remote,
  file: string | undefined,
): Promise<string | undefined> {
  const place = file ?? tokenVariable;
  const token =
    file === undefined
      ? host.env(tokenVariable)
      : await readFile(file, "utf8").catch((error: unknown) => {
          const message = `the token cannot be read: ${messageOf(error)}`;
          throw new LockstepError({ code: "LS7207", message, place: { file } }, { cause: error });
        });
  if (token === undefined) return undefined;
  if (remote.protocol === "http" || remote.protocol === "https") return authorizationOf(token, place);
  throw new LockstepError({
    code: "LS7207",
    message: `${remote.url} is reached by ${remote.protocol}, which takes no token`,
    place: { file: place },
    hint: "name the remote by its https address",
  });
}

/** Text without a secret, also where it is written in another way. */
export function redacted(text: string, authorization: string | undefined): string {
  if (authorization === undefined) return text;
  const encoded = authorization.slice("Basic ".length);
  const login = Buffer.from(encoded, "base64").toString("latin1");
  const secrets = [encoded, login, login.slice(login.indexOf(":") + 1)];
  return secrets.reduce((left, secret) => left.replaceAll(secret, "***"), text);
}

/** What git is told by its environment, which other users cannot read, as arguments they can. */
function settingsFor({ url }: Remote, authorization: string | undefined): readonly (readonly [string, string])[] {
  const http = `http.${url}`;
  const always = [
    // A redirect may lead to another host, and a login would go along.
    [`${http}.followRedirects`, "false"],
    [`${http}.lowSpeedLimit`, "1"],
    [`${http}.lowSpeedTime`, "60"],
    ["credential.interactive", "false"],
    ["core.fsmonitor", "false"],
    ["core.sparseCheckout", "false"],
  ] as const;
  if (authorization === undefined) return always;
  // An empty value takes back what was set before: nobody else's login is sent as well, and no helper is asked.
  const extra = `${http}.extraHeader`;
  return [...always, ["credential.helper", ""], [extra, ""], [extra, `Authorization: ${authorization}`]];
}

/** The variables that say so, after those that are there. */
function variablesFor(host: Host, settings: readonly (readonly [string, string])[]): Record<string, string> {
  const there = Number(host.env("GIT_CONFIG_COUNT") ?? "0");
  const first = Number.isSafeInteger(there) && there > 0 ? there : 0;
  const pairs = settings.flatMap(([key, value], position) => [
    [`GIT_CONFIG_KEY_${first + position}`, key],
    [`GIT_CONFIG_VALUE_${first + position}`, value],
  ]);
  return { ...(Object.fromEntries(pairs) as object), GIT_CONFIG_COUNT: String(first + settings.length) };
}

/** git in the repository of the user, with its settings and helpers, and one remote that it may speak to. */
export class Delivering {
  readonly #host: Host;
  readonly #root: string;
  readonly #signal: AbortSignal;
  readonly #authorization: string | undefined;
  readonly remote: Remote;

  constructor(host: Host, root: string, signal: AbortSignal, remote: Remote, authorization?: string) {
    this.#host = host;
    this.#root = root;
    this.#signal = signal;
    this.remote = remote;
    this.#authorization = authorization;
  }

  /** What git says, without the login. LS2901 when there is no git. */
  async run(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<GitOutput> {
    const ssh = this.remote.protocol === "ssh" ? await this.#ssh() : {};
    const output = await this.#local(args, {
      ...variablesFor(this.#host, settingsFor(this.remote, this.#authorization)),
      ...ssh,
      GIT_ALLOW_PROTOCOL: this.remote.protocol,
      ...variables,
    });
    // Also what a remote says on stdout of a push: it knows the login. Bytes that are no text stay as they are.
    const stdout = Buffer.from(redacted(output.stdout.toString("latin1"), this.#authorization), "latin1");
    return { ...output, stdout, stderr: redacted(output.stderr, this.#authorization) };
  }

  /** The ssh of the user, or one that is bounded. */
  async #ssh(): Promise<Record<string, string>> {
    const given = this.#host.env("GIT_SSH_COMMAND");
    if (given !== undefined) return { GIT_SSH_COMMAND: given };
    const { code } = await this.#local(["config", "--get", "core.sshCommand"], {});
    return code === 0 ? {} : { GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oConnectTimeout=30" };
  }

  async #local(args: readonly string[], variables: Readonly<Record<string, string>>): Promise<GitOutput> {
    const quiet = { GIT_ASKPASS: "false", SSH_ASKPASS: "false", SSH_ASKPASS_REQUIRE: "force" };
    // Objects of the clone decide, as they are: nothing is fetched for it, and nothing stands in for another.
    const plain = { GIT_NO_LAZY_FETCH: "1", GIT_NO_REPLACE_OBJECTS: "1", GIT_GRAFT_FILE: "/dev/null" };
    const all = { ...quiet, ...plain, [tokenVariable]: "", ...variables };
    let output: GitOutput | undefined;
    try {
      output = await localGit(this.#host, this.#root, args, this.#signal, all);
    } catch (error) {
      if (this.#signal.aborted) throw interrupted();
      throw error;
    }
    if (output !== undefined) return output;
    throw new LockstepError({
      code: "LS2901",
      message: "git is not installed, and a branch is moved by it",
      hint: "install git 2.31 or newer",
    });
  }
}
