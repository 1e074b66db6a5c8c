/** The service: routes, request log, readiness, and an end that loses no request. */
import { createServer } from "node:http";
import { Metrics } from "./metrics.js";

/**
 * @typedef {object} Options
 * @property {string} hostname
 * @property {string} version
 * @property {(line: string) => void} log Gets one JSON object a line.
 * @property {() => number} [now] Milliseconds since 1970.
 */

function json(status, value) {
  return { status, type: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}

/** @param {Options} options */
export function createService({ hostname, version, log, now = Date.now }) {
  const metrics = new Metrics();
  const startedAt = now() / 1000;
  let ready = false;

  const write = (level, message, fields = {}) =>
    log(JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields }));

  const routes = {
    "/": () => json(200, { service: "web", hostname, version }),
    // Alive as long as it can answer at all; a process that is ending must not be killed for it.
    "/healthz": () => json(200, { status: "ok" }),
    "/readyz": () => (ready ? json(200, { status: "ready" }) : json(503, { status: "not ready" })),
    "/metrics": () => ({
      status: 200,
      type: "text/plain; version=0.0.4; charset=utf-8",
      body: metrics.text({ version, startedAt, ready, memory: process.memoryUsage.rss() }),
    }),
  };

  const answer = (method, path) => {
    const route = Object.hasOwn(routes, path) ? path : "other";
    if (route === "other") return { route, ...json(404, { error: "not found" }) };
    if (method !== "GET" && method !== "HEAD")
      return { route, ...json(405, { error: "method not allowed" }), allow: "GET, HEAD" };
    return { route, ...routes[route]() };
  };

  const server = createServer((request, response) => {
    const began = performance.now();
    const method = request.method ?? "GET";
    const path = (request.url ?? "/").split("?", 1)[0];
    const { route, status, type, body, allow } = answer(method, path);
    // Bodies are of no interest here, but a client that sends one must be able to finish.
    request.resume();
    response.on("close", () => {
      const seconds = (performance.now() - began) / 1000;
      metrics.observe(route, status, seconds);
      const complete = response.writableFinished;
      write("info", "request", { method, path, status, seconds: Number(seconds.toFixed(6)), complete });
    });
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(allow === undefined ? {} : { allow }),
      ...(ready ? {} : { connection: "close" }),
    });
    response.end(method === "HEAD" ? undefined : body);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;

  return {
    /** Takes requests; resolves with the port. @param {number} port @param {string} [host] */
    listen: (port, host = "::") =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          ready = true;
          const { port: chosen } = server.address();
          write("info", "listening", { port: chosen, version });
          resolve(chosen);
        });
      }),
    /**
     * Ends: not ready at once, takes connections for `drain` milliseconds more so that load balancers can notice, then waits for
     * requests that are under way, at most `grace` milliseconds.
     */
    close: async ({ drain = 0, grace = 10_000 } = {}) => {
      ready = false;
      write("info", "ending", { drain, grace });
      await new Promise((resolve) => setTimeout(resolve, drain));
      await new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), grace);
        server.close(() => {
          clearTimeout(timer);
          resolve(undefined);
        });
        server.closeIdleConnections();
      });
      write("info", "ended");
    },
  };
}
