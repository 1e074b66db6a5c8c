/** git as a program that sees nothing of this machine's or user's settings, asks nobody anything, and runs no hook or helper. */
import { join } from "node:path";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { shownAddress } from "../address.ts";
import { type GitAddress, type GitProtocol, readAddress } from "../../spec/git-address.ts";

/** Names the protocols that this machine allows besides https and ssh, with commas between them: `file`, `http`, `git`. */
const protocolsVariable = "LOCKSTEP_GIT_PROTOCOLS";

const always: readonly GitProtocol[] = ["https", "ssh"];
const onRequest: readonly GitProtocol[] = ["file", "http", "git"];

/** The protocols that may be used; LS1005 when the setting names another. */
function allowedProtocols(host: Host): readonly GitProtocol[] {
  const named = (host.env(protocolsVariable) ?? "").split(",").filter((part) => part !== "");
  const wrong = named.find((part) => !onRequest.some((protocol) => protocol === part));
  if (wrong !== undefined) {
    throw new LockstepError({
      code: "LS1005",
      message: `${protocolsVariable} names ${JSON.stringify(wrong)}; it may name ${onRequest.join(", ")}`,
    });
  }
  return [...always, ...onRequest.filter((protocol) => named.includes(protocol))];
}

/** What git is given for an address: `root` is the directory of the repository that the specs are in. LS2902 when the machine does not allow it. */
export function remoteOf(
  host: Host,
  root: string,
  repository: string,
): { readonly url: string; readonly protocol: string } {
  const read = readAddress(repository);
  if (!read.ok) throw new LockstepError({ code: "LS2902", message: `${shownAddress(repository)} ${read.must}` });
  const { protocol }: GitAddress = read.address;
  if (protocol === "own") return { url: root, protocol: "file" };
  if (!allowedProtocols(host).includes(protocol)) {
    throw new LockstepError({
      code: "LS2902",
      message: `${repository} is reached by ${protocol}, which this machine does not allow`,
      hint: `use https or ssh; a machine that serves its own repositories names ${protocol} in ${protocolsVariable}`,
    });
  }
  return { url: repository, protocol };
}

/** What of the environment git's transports need: where programs and keys are, and how to get out of a network. */
const inherited = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SSH_AUTH_SOCK",
  "http_proxy",
  "https_proxy",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "all_proxy",
  "no_proxy",
  "NO_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "GIT_SSL_CAINFO",
  "GIT_SSL_CAPATH",
] as const;

/** Slips of old programs in commits and tags, which have no part in what files a commit has. All that is wrong with trees stays an error. */
const harmless = [
  "badDate",
  "badDateOverflow",
  "badEmail",
  "badName",
  "badTimezone",
  "missingEmail",
  "missingNameBeforeEmail",
  "missingSpaceBeforeDate",
  "missingSpaceBeforeEmail",
  "missingTaggerEntry",
  "multipleAuthors",
  "zeroPaddedDate",
] as const;

const settings: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.attributesFile=/dev/null",
  "core.excludesFile=/dev/null",
  "credential.helper=",
  "credential.interactive=false",
  "protocol.version=2",
  "fetch.fsckObjects=true",
  "transfer.fsckObjects=true",
  ...harmless.map((name) => `fetch.fsck.${name}=ignore`),
  // Small fetches are kept as packs too, so that one program reads them all.
  "fetch.unpackLimit=1",
  "fetch.writeCommitGraph=false",
  "transfer.bundleURI=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "http.lowSpeedLimit=1",
  "http.lowSpeedTime=60",
  // A redirect is followed for the first request only, where it is how repositories move.
  "http.followRedirects=initial",
];

export interface GitOutput {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** git in one bare repository, with one protocol. */
export class Git {
  readonly #host: Host;
  readonly #program: string;
  readonly #protocol: string;
  readonly directory: string;

  /** `directory` is of a bare repository, there or to be made. Throws LS2901 when there is no git. */
  constructor(host: Host, directory: string, protocol: string) {
    const program = host.findProgram("git");
    if (program === undefined) {
      throw new LockstepError({
        code: "LS2901",
        message: "git is not installed, and a layer of an image comes from a git repository",
        hint: "install git 2.31 or newer",
      });
    }
    this.#host = host;
    this.#program = program;
    this.#protocol = protocol;
    this.directory = directory;
  }

  #environment(): Record<string, string> {
    const given = inherited.flatMap((name): readonly (readonly [string, string])[] => {
      const value = this.#host.env(name);
      return value === undefined ? [] : [[name, value]];
    });
    return {
      ...Object.fromEntries(given),
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_SYSTEM: "/dev/null",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_ATTR_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ASKPASS: "false",
      SSH_ASKPASS: "false",
      GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oConnectTimeout=30",
      GIT_ALLOW_PROTOCOL: this.#protocol,
      GIT_NO_REPLACE_OBJECTS: "1",
      GIT_NO_LAZY_FETCH: "1",
      GIT_CEILING_DIRECTORIES: join(this.directory, ".."),
    };
  }

  #arguments(args: readonly string[]): readonly string[] {
    return [`--git-dir=${this.directory}`, ...settings.flatMap((setting) => ["-c", setting]), ...args];
  }

  async run(args: readonly string[], signal?: AbortSignal): Promise<GitOutput> {
    const { code, stdout, stderr } = await this.#host.run(this.#program, this.#arguments(args), {
      cwd: this.#host.temporaryDirectory,
      env: this.#environment(),
      ...(signal === undefined ? {} : { signal }),
    });
    return { code, stdout, stderr: stderr.toString("utf8").trim() };
  }

  /** What git makes of a stream of lines, as it comes. */
  stream(args: readonly string[], input: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.#host.filter(this.#program, this.#arguments(args), input, this.#environment());
  }
}
