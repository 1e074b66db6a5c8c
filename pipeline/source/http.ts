/** Opens addresses for reading: http, https and file, with a start offset, redirects, proxies from the environment and time limits. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Agent, IncomingMessage, RequestOptions } from "node:http";
import { fileURLToPath } from "node:url";
import { systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { guardedLookup, reachOfHost } from "../host/guarded-lookup.ts";
import { http, loadHttps } from "../host/http.ts";
import { proxyEnvironment } from "../host/proxy.ts";
import { bareHost, literalReach, type Reach } from "../host/reach.ts";

export type Opened =
  /** Bytes from `start` on; `size` is that of the whole file, where the other side tells. */
  | { readonly kind: "body"; readonly start: number; readonly size?: number; readonly body: AsyncIterable<Uint8Array> }
  | { readonly kind: "status"; readonly status: number }
  /** A redirect that is not followed, and why. */
  | { readonly kind: "misled"; readonly reason: string };

export interface TransportOptions {
  /** Milliseconds until the head of the answer must be there; 20 seconds unless given. */
  readonly answerLimit?: number;
  /** Milliseconds without a byte after which a transfer is given up; 30 seconds unless given. */
  readonly stallLimit?: number;
  /** Connections to one server at a time; 8 unless given. */
  readonly connections?: number;
  /** What to send as `Authorization` to an address; asked anew for every redirect, so that it goes nowhere else. */
  readonly authorizationOf?: (url: URL) => string | undefined;
  /** Certificates that are trusted instead of the usual, in PEM. */
  readonly ca?: readonly string[];
  /** Media types that are wanted. */
  readonly accept?: string;
}

/** A transfer that stopped: worth another try. */
class TransferError extends Error {
  override readonly name = "TransferError";
}

/** A redirect to where it must not lead. */
class MisledError extends Error {
  override readonly name = "MisledError";
}

const redirectLimit = 5;

/** `bytes 100-199/200` (RFC 9110, section 14.4). */
function contentRange(value: string | undefined): { readonly start: number; readonly size?: number } | undefined {
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(value ?? "") ?? [];
  if (start === undefined) return undefined;
  return { start: Number(start), ...(size === undefined || size === "*" ? {} : { size: Number(size) }) };
}

function bodyOf(response: IncomingMessage): Opened {
  const status = response.statusCode ?? 0;
  if (status === 200) {
    const length = response.headers["content-length"];
    return { kind: "body", start: 0, body: response, ...(length === undefined ? {} : { size: Number(length) }) };
  }
  const range = contentRange(response.headers["content-range"]);
  if (range === undefined) throw new TransferError("a partial answer without a usable Content-Range");
  return { kind: "body", body: response, ...range };
}

/** The next hop, where a redirect may lead: never from TLS to what is not, never with a user name. */
function redirected(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw new MisledError("leads to what is no address");
  const url = new URL(location, from);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new MisledError("leads out of the web");
  if (from.protocol === "https:" && url.protocol === "http:") throw new MisledError(`leads from TLS to ${url.origin}`);
  if (url.username !== "" || url.password !== "") throw new MisledError(`leads to ${url.host} with a user name`);
  return url;
}

interface AgentSettings {
  readonly keepAlive: true;
  readonly maxSockets: number;
  readonly proxyEnv: Record<string, string>;
  readonly ca?: string[];
}

export class Transport {
  readonly #http: Agent;
  readonly #https: Agent;
  readonly #settings: AgentSettings;
  readonly #proxies: ReadonlySet<string>;
  /** Agents for redirects, by the reach that they may have. */
  readonly #guarded = new Map<Reach, { readonly http: Agent; readonly https: Agent }>();
  readonly #answerLimit: number;
  readonly #stallLimit: number;
  readonly #authorizationOf: (url: URL) => string | undefined;
  readonly #accept: string | undefined;

  constructor(host: Host, options: TransportOptions = {}) {
    const settings: AgentSettings = {
      keepAlive: true,
      maxSockets: options.connections ?? 8,
      proxyEnv: proxyEnvironment(host),
      ...(options.ca === undefined ? {} : { ca: [...options.ca] }),
    };
    this.#settings = settings;
    this.#proxies = new Set(
      Object.values(settings.proxyEnv).flatMap((value) => (URL.canParse(value) ? [bareHost(new URL(value))] : [])),
    );
    this.#http = new http.Agent(settings);
    this.#https = new (loadHttps().Agent)(settings);
    this.#authorizationOf = options.authorizationOf ?? (() => undefined);
    this.#accept = options.accept;
    this.#answerLimit = options.answerLimit ?? 20_000;
    this.#stallLimit = options.stallLimit ?? 30_000;
  }

  /**
   * Opens an address at `start` bytes. A server that does not know ranges answers from 0, which `start` in the answer tells.
   * Rejects with system errors and TransferError; an answer that is no success comes back as its status, and a redirect to what is nearer
   * than the address itself, such as from the internet into a private network or to this machine, as one that misleads.
   */
  async open(address: string, start = 0, signal?: AbortSignal): Promise<Opened> {
    try {
      return await this.#follow(new URL(address), start, signal);
    } catch (error) {
      if (error instanceof MisledError) return { kind: "misled", reason: `sent a redirect that ${error.message}` };
      throw error;
    }
  }

  async #follow(address: URL, start: number, signal: AbortSignal | undefined): Promise<Opened> {
    let url = address;
    let reach: Reach | undefined;
    for (let hops = 0; hops <= redirectLimit; hops++) {
      if (url.protocol === "file:") return openFile(url, start);
      const response = await this.#send(url, start, signal, reach);
      const status = response.statusCode ?? 0;
      if (status === 200 || status === 206) return bodyOf(response);
      // The rest of an answer nobody reads would keep the connection busy.
      response.resume();
      const location = response.headers.location;
      if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return { kind: "status", status };
      url = redirected(location, url);
      reach ??= await reachOfHost(bareHost(address));
      if ((literalReach(bareHost(url)) ?? 0) > reach) throw new MisledError(`leads to the local address ${url.host}`);
    }
    throw new TransferError(`more than ${redirectLimit} redirects`);
  }

  #agents(reach: Reach | undefined): { readonly http: Agent; readonly https: Agent } {
    if (reach === undefined) return { http: this.#http, https: this.#https };
    const known = this.#guarded.get(reach);
    if (known !== undefined) return known;
    const refuse = (name: string, near: string): Error =>
      new MisledError(`leads to ${name}, which is the local address ${near}`);
    const settings = { ...this.#settings, lookup: guardedLookup(() => reach, this.#proxies, refuse) };
    const made = { http: new http.Agent(settings), https: new (loadHttps().Agent)(settings) };
    this.#guarded.set(reach, made);
    return made;
  }

  #send(url: URL, start: number, signal: AbortSignal | undefined, reach: Reach | undefined): Promise<IncomingMessage> {
    const secure = url.protocol === "https:";
    const authorization = this.#authorizationOf(url);
    const agents = this.#agents(reach);
    const options: RequestOptions = {
      agent: secure ? agents.https : agents.http,
      headers: {
        "user-agent": "lockstep",
        // Bytes are named by hash as they lie in the archive, so they must not be compressed on the way.
        "accept-encoding": "identity",
        ...(authorization === undefined ? {} : { authorization }),
        ...(this.#accept === undefined ? {} : { accept: this.#accept }),
        ...(start > 0 ? { range: `bytes=${start}-` } : {}),
      },
      ...(signal === undefined ? {} : { signal }),
    };
    return new Promise((resolve, reject) => {
      const request = secure ? loadHttps().request(url, options) : http.request(url, options);
      const timer = setTimeout(
        () => request.destroy(new TransferError(`no answer within ${this.#answerLimit / 1000} seconds`)),
        this.#answerLimit,
      );
      request.setTimeout(this.#stallLimit, () =>
        request.destroy(new TransferError(`no data for ${this.#stallLimit / 1000} seconds`)),
      );
      request.on("response", (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.end();
    });
  }

  /** Closes idle connections, so that the process can end. */
  close(): void {
    for (const { http, https } of [{ http: this.#http, https: this.#https }, ...this.#guarded.values()]) {
      http.destroy();
      https.destroy();
    }
  }
}

async function openFile(url: URL, start: number): Promise<Opened> {
  const path = fileURLToPath(url);
  try {
    const info = await stat(path);
    if (!info.isFile()) return { kind: "status", status: 404 };
    const from = Math.min(start, info.size);
    return { kind: "body", start: from, size: info.size, body: createReadStream(path, { start: from }) };
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return { kind: "status", status: 404 };
    throw error;
  }
}
