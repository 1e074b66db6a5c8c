/** Serves git repositories over HTTP on loopback, through git's own server program. */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { collect, hasProgram, run } from "../../support.ts";

const backend = `${run("git", ["--exec-path"]).stdout?.toString("utf8").trim()}/git-http-backend`;

export const hasHttpBackend = hasProgram("git") && hasProgram(backend);

/** git's own server behind a web server on loopback. Whoever `admit` turns away has been answered by it. */
export async function serveGit(
  directory: string,
  admit: (request: IncomingMessage, response: ServerResponse) => boolean = () => true,
): Promise<{ readonly url: string; readonly requests: string[]; sent(): number }> {
  const requests: string[] = [];
  let sent = 0;
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://x");
    requests.push(`${request.method} ${url.pathname}`);
    if (!admit(request, response)) return;
    const child = spawn(backend, [], {
      env: {
        PATH: process.env["PATH"],
        GIT_PROJECT_ROOT: directory,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      },
    });
    request.pipe(child.stdin);
    const answer = async (): Promise<void> => {
      const all = await collect(child.stdout);
      const end = all.indexOf("\r\n\r\n");
      let status = 200;
      for (const line of all.toString("latin1", 0, end).split("\r\n")) {
        const [name = "", value = ""] = line.split(": ");
        if (name === "Status") status = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.writeHead(status);
      response.end(all.subarray(end + 4));
      sent += all.length;
    };
    void answer();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, requests, sent: () => sent };
}
