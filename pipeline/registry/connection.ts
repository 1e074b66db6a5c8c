/** HTTP to one registry: streamed bodies, redirects that take no credentials along and lead nowhere near, proxies, private authorities. */
import { once } from "node:events";
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { LookupFunction } from "node:net";
import { LockstepError } from "../host/errors.ts";
import { guardedLookup, reachOfHost } from "../host/guarded-lookup.ts";
import type { Host } from "../host/host.ts";
import { http, loadHttps } from "../host/http.ts";
import { proxyEnvironment } from "../host/proxy.ts";
import { bareHost, literalReach, type Reach } from "../host/reach.ts";
import type { HostSettings, RegistrySettings } from "./settings.ts";

/** Content to send; opened again when it has to be sent again. */
export interface Body {
  /** Bytes, exactly. */
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface Call {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the registry itself and to nobody else. */
  readonly authorization?: string;
  readonly body?: Body;
  /** A redirect is not followed but given back. */
  readonly stay?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be read or resumed. */
  readonly body: IncomingMessage;
}

/** A transfer that stopped: worth another try. */
export class TransferError extends Error {
  override readonly name = "TransferError";
}

const redirectLimit = 5;
/** Milliseconds without a byte after which a connection is given up, unless given. */
const usualStallLimit = 60_000;

async function feed(request: ClientRequest, body: Body, answered: () => boolean): Promise<void> {
  const closed = once(request, "close").catch(() => {});
  for await (const piece of body.open()) {
    if (answered() || request.destroyed) return;
    const written = new Promise<void>((resolve) => request.write(piece, () => resolve()));
    await Promise.race([written, closed]);
  }
  request.end();
}

function addressOf(name: string, own: HostSettings): URL {
  const host = own.address ?? name;
  const local = literalReach(bareHost(new URL(`http://${host}`))) === 2;
  const plain = own.plainHttp ?? (local && own.ca === undefined);
  return new URL(`${plain ? "http" : "https"}://${host}`);
}

export class Connection {
  /** Scheme, host and port of the registry. */
  readonly base: URL;
  readonly #settings: RegistrySettings;
  readonly #own: HostSettings;
  readonly #signal: AbortSignal | undefined;
  readonly #proxyEnv: Record<string, string>;
  /** Connections to the registry itself and to others, by protocol: the latter are looked at before they are made. */
  readonly #agents = new Map<string, Agent>();
  #reach: Promise<Reach> | undefined;
  #knownReach: Reach = 0;
  readonly #stallLimit: number;

  constructor(
    host: Host,
    server: string,
    settings: RegistrySettings,
    signal?: AbortSignal,
    stallLimit = usualStallLimit,
  ) {
    this.#own = settings.hosts.get(server) ?? {};
    this.base = addressOf(server, this.#own);
    this.#settings = settings;
    this.#signal = signal;
    this.#stallLimit = stallLimit;
    this.#proxyEnv = proxyEnvironment(host);
  }

  /** Whether an address belongs to the registry itself, so that credentials may go there. */
  isOwn(url: URL): boolean {
    return url.origin === this.base.origin;
  }

  /**
   * Sends, and follows redirects of what is only read. Throws LS3212 for a redirect that leads where it must not; system errors and
   * TransferError for what may pass.
   */
  async send(call: Call): Promise<Answer> {
    let { url } = call;
    for (let hops = 0; ; hops++) {
      const body = await this.#once({ ...call, url });
      const status = body.statusCode ?? 0;
      const { location } = body.headers;
      const redirected = [301, 302, 303, 307, 308].includes(status) && location !== undefined;
      const reads = call.method === "GET" || call.method === "HEAD";
      if (!redirected || !reads || call.stay === true) return { status, headers: body.headers, body };
      body.resume();
      if (hops === redirectLimit) throw this.#misled(url, `more than ${redirectLimit} redirects`);
      url = this.target(location, url);
    }
  }

  /** An address that the registry names, where it may name one. Throws LS3212. */
  target(location: string, from: URL): URL {
    if (!URL.canParse(location, from.href)) throw this.#misled(from, "the address it leads to is none");
    const url = new URL(location, from);
    if (url.protocol !== "https:" && url.protocol !== "http:") throw this.#misled(from, "it leads out of the web");
    if (url.protocol === "http:" && this.base.protocol !== "http:")
      throw this.#misled(from, `it leads from TLS to ${url.protocol}//${url.host}`);
    if (url.username !== "" || url.password !== "")
      throw this.#misled(from, `it leads to an address with a user name, at ${url.host}`);
    return url;
  }

  /** Closes all connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agent(protocol: string, own: boolean): Agent {
    const key = `${protocol} ${own}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const settings = {
      keepAlive: true,
      maxSockets: 8,
      timeout: this.#stallLimit,
      proxyEnv: this.#proxyEnv,
      ...(own ? {} : { lookup: this.#lookup() }),
    };
    const made = protocol === "https:" ? new (loadHttps().Agent)(settings) : new http.Agent(settings);
    this.#agents.set(key, made);
    return made;
  }

  async #once(call: Call): Promise<IncomingMessage> {
    const { url, method, body } = call;
    const own = this.isOwn(url);
    if (!own) await this.#check(url);
    const { ca } = own ? this.#own : (this.#settings.hosts.get(url.host) ?? {});
    const options = {
      method,
      agent: this.#agent(url.protocol, own),
      headers: {
        "user-agent": "lockstep",
        "accept-encoding": "identity",
        ...call.headers,
        ...(own && call.authorization !== undefined ? { authorization: call.authorization } : {}),
        ...(body === undefined
          ? method === "GET" || method === "HEAD"
            ? {}
            : { "content-length": "0" }
          : { "content-length": String(body.size) }),
      },
      ...(ca === undefined ? {} : { ca }),
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    };
    return new Promise((resolve, reject) => {
      const request = url.protocol === "https:" ? loadHttps().request(url, options) : http.request(url, options);
      let answered = false;
      request.on("timeout", () => request.destroy(new TransferError(`no data for ${this.#stallLimit / 1000} seconds`)));
      request.on("error", reject);
      request.on("response", (response) => {
        answered = true;
        // An answer before the end of what was to be sent: the rest is not sent, so the connection is of no more use.
        if (!request.writableEnded) response.once("close", () => request.destroy());
        resolve(response);
      });
      if (body === undefined) request.end();
      else feed(request, body, () => answered).catch((error: unknown) => request.destroy(error as Error));
    });
  }

  #misled(from: URL, why: string): LockstepError {
    return new LockstepError({
      code: "LS3212",
      message: `${from.host} sent a redirect that is not followed: ${why}`,
      hint: "ask whoever runs the registry; credentials were not sent there",
    });
  }

  /** The registry's own reach: it may send us to what is as near as itself. */
  #ownReach(): Promise<Reach> {
    this.#reach ??= reachOfHost(bareHost(this.base));
    return this.#reach;
  }

  async #check(url: URL): Promise<void> {
    const reach = literalReach(bareHost(url)) ?? 0;
    this.#knownReach = await this.#ownReach();
    if (reach > this.#knownReach) throw this.#misled(this.base, `it leads to the local address ${url.host}`);
  }

  /** For other hosts: whoever gets to look up a name has asked for the registry's own reach before. */
  #lookup(): LookupFunction {
    const addresses = Object.values(this.#proxyEnv).filter((value) => URL.canParse(value));
    const proxies = new Set(addresses.map((address) => bareHost(new URL(address))));
    const refuse = (name: string, address: string): Error =>
      this.#misled(this.base, `${name} is the local address ${address}`);
    return guardedLookup(() => this.#knownReach, proxies, refuse);
  }
}
