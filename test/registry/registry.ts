/**
 * A registry inside the test's process: whole by the distribution specification (its public conformance suite says so), with logins and a
 * token server, with a record of what was asked, and with faults that are put in on purpose.
 *
 *     const registry = await startRegistry({ login: "token" });
 *     registry.fail({ method: "GET", path: "/blobs/", kind: "truncate" });
 *     … registry.host, registry.content.repository("team/app"), registry.seen …
 *
 * Programs that talk to it must be started without waiting in the same thread: `createHost().run`, never `spawnSync`.
 */
import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { Content } from "./content.ts";
import { fault, json, Protocol, type ProtocolOptions, type Reply } from "./protocol.ts";

export interface Fault {
  readonly method?: string;
  /** Part of the path with its query. */
  readonly path?: string;
  /** How many requests it hits; 1 unless given. */
  readonly times?: number;
  /**
   * `status`: answers that. `truncate`: ends the connection in the middle of the body. `stall`: stops there and stays. `corrupt`: changes a byte of the body. `reset`:
   * drops the connection, in the middle of what is sent when there is a body. `silent`: never answers. `slow`: answers after a while.
   * `redirect`: sends to another address. `reply`: changes the true answer.
   */
  readonly kind: "status" | "truncate" | "stall" | "corrupt" | "reset" | "silent" | "slow" | "redirect" | "reply";
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** For `slow`: milliseconds. */
  readonly delay?: number;
  /** For `redirect`: where to, by the path that was asked for. */
  readonly to?: (path: string) => string;
  readonly change?: (reply: Reply) => Reply;
}

export interface RegistryOptions extends ProtocolOptions {
  /** `basic`, or `token`: a token server in the same process. Nobody has to log in unless given. */
  readonly login?: "basic" | "token";
  readonly user?: string;
  readonly password?: string;
  /** A refresh token that the token server takes. */
  readonly identity?: string;
  /** How many requests a token is good for. */
  readonly tokenUses?: number;
  /** PEM of a certificate and its key: speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  /** Bytes of the body that came. */
  readonly received: number;
}

export interface TestRegistry {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly content: Content;
  /** Every request in order of arrival, also those of the token server (`/token`). */
  readonly seen: readonly Seen[];
  fail(fault: Fault): void;
  /** Forgets faults that have not happened yet. */
  forgive(): void;
  /** Ends it at once; tests that are under way end it by themselves. */
  stop(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply, cut?: "truncate" | "stall"): void {
  const body = reply.body ?? Buffer.alloc(0);
  response.writeHead(reply.status, { "content-length": String(body.length), ...reply.headers });
  if (request.method === "HEAD" || reply.status === 204) response.end();
  else if (cut === undefined) response.end(body);
  else {
    const half = body.subarray(0, Math.floor(body.length / 2));
    response.write(half, () => (cut === "truncate" ? response.destroy() : undefined));
  }
}

/** Starts one, and stops it when the test ends; outside of a test whoever starts it stops it. */
export async function startRegistry(
  options: RegistryOptions = {},
  stopping: (stop: () => Promise<void>) => void = onTestFinished,
): Promise<TestRegistry> {
  const content = new Content();
  const protocol = new Protocol(content, options);
  const seen: Seen[] = [];
  const faults: { readonly fault: Fault; left: number }[] = [];
  const tokens = new Map<string, { readonly scopes: readonly string[]; uses: number }>();
  const { user = "user", password = "secret" } = options;
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

  const takeFault = (method: string, path: string): Fault | undefined => {
    const entry = faults.find(
      ({ fault: one, left }) =>
        left > 0 && (one.method ?? method) === method && (one.path === undefined || path.includes(one.path)),
    );
    if (entry !== undefined) entry.left--;
    return entry?.fault;
  };

  const giveToken = (request: IncomingMessage, url: URL, body: string): Reply => {
    const form = new URLSearchParams(body);
    const known =
      request.method === "POST"
        ? form.get("grant_type") === "refresh_token" && form.get("refresh_token") === options.identity
        : request.headers.authorization === basic;
    if (!known) return fault(401, "UNAUTHORIZED", "authentication required");
    const scopes = request.method === "POST" ? (form.get("scope") ?? "").split(" ") : url.searchParams.getAll("scope");
    const token = `token-${tokens.size + 1}`;
    tokens.set(token, { scopes, uses: options.tokenUses ?? Number.POSITIVE_INFINITY });
    return json(200, request.method === "POST" ? { access_token: token } : { token, expires_in: 300 });
  };

  /** What a 401 says; undefined when the request may go on. */
  const challenge = (request: IncomingMessage, url: URL): Reply | undefined => {
    if (options.login === undefined) return undefined;
    const given = request.headers.authorization;
    if (options.login === "basic") {
      if (given === basic) return undefined;
      return json(401, { errors: [{ code: "UNAUTHORIZED" }] }, { "www-authenticate": 'Basic realm="tests"' });
    }
    const token = tokens.get(/^Bearer (.*)$/.exec(given ?? "")?.[1] ?? "");
    const repository = /^\/v2\/(.+?)\/(?:blobs|manifests|tags|referrers)\//.exec(url.pathname)?.[1] ?? "";
    const action = request.method === "GET" || request.method === "HEAD" ? "pull" : "push";
    const allowed = token?.scopes.some((scope) => {
      const [, name, actions = ""] = scope.split(":");
      return name === repository && actions.split(",").includes(action);
    });
    if (token !== undefined && allowed === true && token.uses-- > 0) return undefined;
    const scope = `repository:${repository}:${action === "pull" ? "pull" : "pull,push"}`;
    const realm = `${options.tls === undefined ? "http" : "https"}://${request.headers.host ?? ""}/token`;
    const header = `Bearer realm="${realm}",service="tests, really",scope="${scope}"`;
    return json(401, { errors: [{ code: "UNAUTHORIZED" }] }, { "www-authenticate": header });
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "/";
    const method = request.method ?? "GET";
    const url = new URL(path, "http://registry.example");
    const wrong = takeFault(method, path);
    const record = (received: number): void => {
      seen.push({ method, path, authorization: request.headers.authorization, range: request.headers.range, received });
    };
    if (wrong?.kind === "reset") {
      // In the middle of what comes, when anything comes.
      let received = 0;
      const upload = content.uploads.get(/\/uploads\/([\w-]+)/.exec(path)?.[1] ?? "");
      const length = Number(request.headers["content-length"] ?? 0);
      for await (const piece of request as AsyncIterable<Buffer>) {
        received += piece.length;
        // What has arrived is kept, as real registries do.
        upload?.pieces.push(piece);
        if (upload !== undefined) upload.size += piece.length;
        if (received * 2 >= length) break;
      }
      record(received);
      request.socket.resetAndDestroy();
      return;
    }
    const body = await bodyOf(request);
    record(body.length);
    if (wrong?.kind === "silent") return;
    if (wrong?.kind === "slow") await new Promise((resolve) => setTimeout(resolve, wrong.delay ?? 200));
    if (wrong?.kind === "status") {
      send(request, response, {
        ...fault(wrong.status ?? 500, "UNKNOWN", "put in on purpose"),
        headers: { "content-type": "application/json", ...wrong.headers },
      });
      return;
    }
    if (wrong?.kind === "redirect") {
      response.writeHead(wrong.status ?? 307, { location: wrong.to?.(path) ?? "/" }).end();
      return;
    }
    const refused = url.pathname === "/token" ? giveToken(request, url, body.toString()) : challenge(request, url);
    let reply = refused ?? protocol.answer({ method, url, headers: request.headers, body });
    if (wrong?.kind === "corrupt" && reply.body !== undefined && reply.body.length > 0) {
      const changed = Buffer.from(reply.body);
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      reply = { ...reply, body: changed };
    }
    send(
      request,
      response,
      wrong?.change?.(reply) ?? reply,
      wrong?.kind === "truncate" || wrong?.kind === "stall" ? wrong.kind : undefined,
    );
  };

  const listener: RequestListener = (request, response) => {
    serve(request, response).catch(() => response.destroy());
  };
  const server = options.tls === undefined ? createHttp(listener) : createHttps(options.tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  stopping(stop);
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    content,
    seen,
    fail: (wrong) => void faults.push({ fault: wrong, left: wrong.times ?? 1 }),
    forgive: () => faults.splice(0),
    stop,
  };
}
