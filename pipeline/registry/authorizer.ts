/** Signing in to a registry: Basic, and the tokens of the distribution project's token server (also for OAuth 2 refresh tokens). */
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Answer, Body, Connection } from "./connection.ts";
import { type Credentials, findCredentials } from "./credentials.ts";
import { readBody, refusal } from "./answer.ts";

const longestToken = 1 << 20;

function bodyOf(text: string): Body {
  const bytes = Buffer.from(text);
  return {
    size: bytes.length,
    async *open() {
      yield bytes;
    },
  };
}

function basic(credentials: Credentials & { readonly kind: "password" }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}

export class Authorizer {
  readonly #host: Host;
  readonly #connection: Connection;
  readonly #server: string;
  readonly #repository: string;
  readonly #signal: AbortSignal | undefined;
  /** Headers by the actions they are good for. */
  readonly #headers = new Map<string, string>();
  readonly #pending = new Map<string, Promise<string>>();
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(host: Host, connection: Connection, server: string, repository: string, signal?: AbortSignal) {
    this.#host = host;
    this.#connection = connection;
    this.#server = server;
    this.#repository = repository;
    this.#signal = signal;
  }

  /** The header for requests with these scopes, when one was given out already. */
  header(scopes: readonly string[]): string | undefined {
    return this.#headers.get(scopes.join(" "));
  }

  /**
   * Answers a 401. `used` is the header that was not good enough: a new one is asked for once, however many requests wait for it.
   * Throws LS3205 when nothing else can be tried, LS3206 when the credentials cannot be read.
   */
  async renew(answer: Answer, scopes: readonly string[], used: string | undefined): Promise<string> {
    const key = scopes.join(" ");
    const known = this.#headers.get(key);
    if (known !== undefined && known !== used) return known;
    const pending = this.#pending.get(key) ?? this.#obtain(answer, scopes, used);
    this.#pending.set(key, pending);
    try {
      const header = await pending;
      this.#headers.set(key, header);
      return header;
    } finally {
      this.#pending.delete(key);
    }
  }

  #refused(why: string): LockstepError {
    return new LockstepError({
      code: "LS3205",
      message: `${this.#server}/${this.#repository}: ${why}`,
      hint: `log in to ${this.#server} with an account that may do this; docker's and podman's logins are used`,
    });
  }

  async #obtain(answer: Answer, scopes: readonly string[], used: string | undefined): Promise<string> {
    const challenges = parseChallenges(answer.headers["www-authenticate"] ?? "");
    this.#credentials ??= findCredentials(this.#host, this.#server, this.#repository, this.#signal);
    const credentials = await this.#credentials;
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      if (credentials?.kind === "bearer") {
        if (used !== undefined) throw this.#refused("the registry does not accept the token of the auth file");
        return `Bearer ${credentials.token}`;
      }
      return `Bearer ${await this.#token(bearer, scopes, credentials)}`;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic"))
      throw this.#refused("the registry wants a login of a kind that is not known");
    if (credentials === undefined) throw this.#refused("the registry wants a login, and nobody is logged in");
    if (credentials.kind !== "password") throw this.#refused("the registry wants a user name and a password");
    if (used !== undefined) throw this.#refused("the registry does not accept the user name and password");
    return basic(credentials);
  }

  async #token(challenge: Challenge, scopes: readonly string[], credentials: Credentials | undefined): Promise<string> {
    const { realm = "", service, scope } = challenge.parameters;
    if (!URL.canParse(realm)) throw this.#refused("the registry names no token server");
    const url = this.#connection.target(realm, this.#connection.base);
    const wanted = [...new Set([...scopes, ...(scope ?? "").split(" ").filter((part) => part !== "")])];
    const answer = await this.#connection.send(
      credentials?.kind === "identity"
        ? {
            method: "POST",
            url,
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: bodyOf(
              new URLSearchParams([
                ["grant_type", "refresh_token"],
                ["refresh_token", credentials.token],
                ["client_id", "lockstep"],
                ...(service === undefined ? [] : [["service", service] as [string, string]]),
                ["scope", wanted.join(" ")],
              ]).toString(),
            ),
          }
        : {
            method: "GET",
            url: withQuery(url, service, wanted),
            headers: credentials?.kind === "password" ? { authorization: basic(credentials) } : {},
            stay: true,
          },
    );
    if (answer.status !== 200) {
      const said = await refusal(answer);
      const who = credentials === undefined ? "without a login" : "for the login that the auth file has";
      throw this.#refused(`the token server ${url.host} gives no token ${who} (${said})`);
    }
    const text = (await readBody(answer, longestToken)).toString("utf8");
    const token = tokenIn(text);
    if (token === undefined)
      throw this.#refused(`the token server ${url.host} answered with something that holds no token`);
    return token;
  }
}

function withQuery(url: URL, service: string | undefined, scopes: readonly string[]): URL {
  const full = new URL(url);
  if (service !== undefined) full.searchParams.append("service", service);
  for (const scope of scopes) full.searchParams.append("scope", scope);
  return full;
}

function tokenIn(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { token, access_token: access } = value as Readonly<Record<string, unknown>>;
  const found = typeof token === "string" && token !== "" ? token : access;
  return typeof found === "string" && /^[\u0021-\u007e]+$/.test(found) ? found : undefined;
}
