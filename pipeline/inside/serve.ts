/**
 * Runs in the container of a step, which has no network: starts the step beside a proxy that gives it the files that the lock has for it,
 * and nothing else. `files.json` and `blobs/` lie beside it; its arguments are the command line of the step.
 */
import { spawn } from "node:child_process";
import { createReadStream, readFileSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { createSecureContext, TLSSocket } from "node:tls";
import { serverOf } from "./certificate.ts";
import type { ServedFiles } from "./served.ts";

const directory = import.meta.dirname;
const { title, port, files, every } = JSON.parse(readFileSync(join(directory, "files.json"), "utf8")) as ServedFiles;
const byUrl = new Map(files.map((file) => [file.url, file]));
const asked = new Set<string>();
const refused = new Set<string>();
/** Where a tunnel leads, by the socket at its end. */
const tunnels = new WeakMap<object, string>();

/** What was asked for, in the one form of its kind. */
function urlOf(request: IncomingMessage): string {
  const path = request.url ?? "";
  const origin = tunnels.get(request.socket) ?? `http://${request.headers.host ?? ""}`;
  const text = /^https?:\/\//i.test(path) ? path : `${origin}${path}`;
  return URL.canParse(text) ? new URL(text).href : text;
}

/** Told from the beginning of a file, so that it does not depend on who served it. */
function typeOf(start: string): string {
  if (/^\s*</.test(start)) return "text/html; charset=utf-8";
  return /^\s*[[{]/.test(start) ? "application/json" : "application/octet-stream";
}

function refuse(response: ServerResponse, what: string): void {
  refused.add(what);
  const body = `LS9013 ${what} is not among what the step fetches\n`;
  response.writeHead(403, { "content-type": "text/plain", "content-length": body.length, connection: "close" });
  response.end(body);
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  // The clock of the machine is no input of a step.
  response.sendDate = false;
  const url = urlOf(request);
  const file = byUrl.get(url);
  const method = request.method ?? "";
  if (file === undefined) return refuse(response, url);
  if (method !== "GET" && method !== "HEAD") return refuse(response, `${method} ${url}`);
  asked.add(url);
  const path = join(directory, "blobs", file.sha256);
  const content = createReadStream(path);
  content.once("error", () => response.destroy());
  content.once("readable", () => {
    const start = (content.read() as Buffer | null) ?? Buffer.alloc(0);
    response.writeHead(200, { "content-type": typeOf(start.toString("latin1", 0, 64)), "content-length": file.size });
    if (method === "HEAD") {
      content.destroy();
      return response.end();
    }
    response.write(start);
    return content.pipe(response);
  });
  return undefined;
}

const server = createServer(answer);

/** A tunnel ends here: within it TLS, or plain HTTP. */
function tunnel(request: IncomingMessage, socket: Socket): void {
  const authority = (request.url ?? "").toLowerCase();
  const host = authority.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  socket.on("error", () => socket.destroy());
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
  socket.once("data", (first: Buffer) => {
    socket.pause();
    socket.unshift(first);
    // TLS begins with a handshake record (RFC 8446, 5.1).
    if (first[0] !== 0x16) {
      tunnels.set(socket, `http://${authority}`);
      server.emit("connection", socket);
      socket.resume();
      return;
    }
    const { key, cert } = serverOf(host);
    const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) });
    secure.on("error", () => secure.destroy());
    tunnels.set(secure, `https://${authority}`);
    server.emit("connection", secure);
  });
}

function say(code: string, urls: Iterable<string>, what: (url: string) => string): void {
  const all = [...urls].toSorted();
  const lines = all.slice(0, 20).map((url) => `${code} ${title}: ${what(url)}`);
  if (all.length > lines.length) lines.push(`${code} ${title}: … and ${all.length - lines.length} more`);
  writeSync(2, lines.map((line) => `${line}\n`).join(""));
}

/** What the step asked for in vain, or did not ask for, makes it fail whatever it says itself. */
function end(code: number): never {
  say("LS9013", refused, (url) => `the step asked for ${url}, which is not among what it fetches; add it to fetch:`);
  const idle = every && code === 0 ? files.map(({ url }) => url).filter((url) => !asked.has(url)) : [];
  say("LS9014", idle, (url) => `the step did not ask for ${url}; remove it from fetch:`);
  process.exit(code === 0 && (refused.size > 0 || idle.length > 0) ? 97 : code);
}

server.on("connect", tunnel);
server.on("clientError", (_, socket) => socket.destroy());
server.listen(port, "127.0.0.1", () => {
  const [program = "", ...args] = process.argv.slice(2);
  const step = spawn(program, args, { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => step.kill(signal));
  step.on("error", (error) => {
    writeSync(2, `${error.message}\n`);
    process.exit(127);
  });
  step.on("exit", (code, signal) => end(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
});
