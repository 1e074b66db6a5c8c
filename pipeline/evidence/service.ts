/** One question to a signing service: no redirects, as the token would go along; an end to waiting and to length; errors that show no token. */
import type { IncomingMessage, RequestOptions } from "node:http";
import { interrupted, LockstepError, messageOf } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { http, loadHttps } from "../host/http.ts";
import { proxyEnvironment } from "../host/proxy.ts";
import { bareHost, literalReach } from "../host/reach.ts";

export interface Question {
  /** Who is asked, in messages: `the certificate authority`. */
  readonly who: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Posted as JSON; without it the question is a GET. */
  readonly body?: unknown;
  /** What must be in no message. */
  readonly secrets: readonly string[];
}

/** Milliseconds. A log answers when the entry is in it, which takes some seconds. */
const patience = 60_000;
const largest = 1024 * 1024;

/** An address that a token may be sent to: https, or this machine. */
export function serviceAddress(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  const near = url.protocol === "http:" && literalReach(bareHost(url)) === 2;
  return near || url.protocol === "https:" ? url : undefined;
}

/** A text of somebody else's without the secrets, their parts or anything as long as they are. */
function redact(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(".")]).filter((part) => part.length >= 8);
  const without = parts.reduce((left, part) => left.replaceAll(part, "…"), text);
  return without
    .replaceAll(/[\w+/=-]{40,}/g, "…")
    .replaceAll(/[^\x20-\x7e…]+/g, " ")
    .trim()
    .slice(0, 300);
}

/** What a service says of a failure: the `message` of its JSON, else nothing. */
function complaint(body: Buffer): string {
  try {
    const { message } = JSON.parse(body.toString("utf8")) as { readonly message?: unknown };
    return typeof message === "string" ? `: ${message}` : "";
  } catch {
    return "";
  }
}

function send({ url, headers = {}, body }: Question, options: RequestOptions): Promise<IncomingMessage> {
  const content = body === undefined ? undefined : JSON.stringify(body);
  const type =
    content === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(content) };
  const method = content === undefined ? "GET" : "POST";
  const { request: start } = url.protocol === "https:" ? loadHttps() : http;
  return new Promise((resolve, reject) => {
    const request = start(url, { ...options, method, headers: { accept: "*/*", ...type, ...headers } });
    request.on("response", resolve);
    request.on("error", reject);
    request.end(content);
  });
}

/** The body of a good answer (status 200 or 201). Throws LS6008, and LS1003 when the signal fires. */
export async function ask(host: Host, question: Question, signal?: AbortSignal): Promise<Buffer> {
  const { who, url, secrets } = question;
  const over = new AbortController();
  const waited = new AbortController();
  void host.sleep(patience, over.signal).then(() => waited.abort());
  const { Agent } = url.protocol === "https:" ? loadHttps() : http;
  const agent = new Agent({ proxyEnv: proxyEnvironment(host) });
  const refuse = (what: string): never => {
    throw new LockstepError({
      code: "LS6008",
      message: `${who} at ${url.origin} ${redact(what, secrets)}`,
      hint: "nothing was signed or written; ask whoever runs the service, or try again later",
    });
  };
  try {
    const ends = AbortSignal.any(signal === undefined ? [waited.signal] : [waited.signal, signal]);
    const answer = await send(question, { agent, signal: ends });
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of answer as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > largest) refuse(`sends more than ${largest} bytes`);
      pieces.push(piece);
    }
    const body = Buffer.concat(pieces);
    const { statusCode: status = 0 } = answer;
    return status === 200 || status === 201 ? body : refuse(`answers with ${status}${complaint(body)}`);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    if (signal?.aborted === true) throw interrupted();
    // Without the error as the cause: its text has what was sent.
    return refuse(
      waited.signal.aborted ? `gave no answer in ${patience / 1000} seconds` : `cannot be asked: ${messageOf(error)}`,
    );
  } finally {
    over.abort();
    agent.destroy();
  }
}

/** The JSON of a good answer, when `read` finds in it what was asked for. Throws LS6008. */
export async function askJson<T>(
  host: Host,
  question: Question,
  read: (json: unknown) => T | undefined,
  signal?: AbortSignal,
): Promise<T> {
  const body = await ask(host, question, signal);
  let found: T | undefined;
  try {
    found = read(JSON.parse(body.toString("utf8")));
  } catch {
    found = undefined;
  }
  if (found !== undefined) return found;
  throw new LockstepError({
    code: "LS6008",
    message: `${question.who} at ${question.url.origin} answers with something else than what was asked for`,
    hint: "nothing was signed or written; ask whoever runs the service",
  });
}
