/** A small web server on this machine for tests: files by path, ranges, and faults on request. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface WebServer {
  /** `http://127.0.0.1:port`. */
  readonly base: string;
  readonly files: Map<string, Uint8Array | Handler>;
  /** Paths that were asked for, in order, with their range where there was one. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Answers a request for `bytes`, with ranges. */
export function serveBytes(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
  const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const start = from === undefined ? 0 : Number(from);
  if (from !== undefined && start >= bytes.length) {
    response.writeHead(416).end();
    return;
  }
  response.writeHead(from === undefined ? 200 : 206, {
    "content-length": bytes.length - start,
    ...(from === undefined ? {} : { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  response.end(bytes.subarray(start));
}

export async function startWebServer(): Promise<WebServer> {
  const files = new Map<string, Uint8Array | Handler>();
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    requests.push(request.headers.range === undefined ? path : `${path} ${request.headers.range}`);
    const file = files.get(path);
    if (file === undefined) response.writeHead(404).end();
    else if (typeof file === "function") file(request, response);
    else serveBytes(file, request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    base: `http://127.0.0.1:${address.port}`,
    files,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
