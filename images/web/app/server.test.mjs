/** Runs with Node alone, beside the code it tests: `node --test images/web/app`. The image leaves it out. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { createService } from "./service.js";

const start = async () => {
  const lines = [];
  const service = createService({
    hostname: "here",
    version: "1.2.3",
    log: (line) => lines.push(JSON.parse(line)),
    now: () => 1_700_000_000_000,
  });
  const port = await service.listen(0, "127.0.0.1");
  return { service, lines, url: `http://127.0.0.1:${port}` };
};

test("says who it is", async () => {
  const { service, url } = await start();
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  assert.deepEqual(await response.json(), { service: "web", hostname: "here", version: "1.2.3" });
  await service.close();
});

test("is alive and ready", async () => {
  const { service, url } = await start();
  assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: "ok" });
  assert.deepEqual(await (await fetch(`${url}/readyz?verbose`)).json(), { status: "ready" });
  await service.close();
});

test("refuses what it does not have", async () => {
  const { service, url } = await start();
  assert.equal((await fetch(`${url}/constructor`)).status, 404);
  const posted = await fetch(url, { method: "POST", body: "x".repeat(100_000) });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get("allow"), "GET, HEAD");
  const head = await fetch(url, { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  await service.close();
});

test("counts and logs every request, under names a client cannot choose", async () => {
  const { service, url, lines } = await start();
  await (await fetch(`${url}/healthz`)).text();
  await (await fetch(`${url}/a"b`)).text();
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.match(text, /^http_requests_total\{route="\/healthz",status="200"\} 1$/m);
  assert.match(text, /^http_requests_total\{route="other",status="404"\} 1$/m);
  assert.match(text, /^http_request_duration_seconds_count 2$/m);
  assert.match(text, /^http_request_duration_seconds_bucket\{le="\+Inf"\} 2$/m);
  assert.match(text, /^process_start_time_seconds 1700000000$/m);
  assert.match(text, /^web_info\{version="1.2.3"\} 1$/m);
  await service.close();
  const requests = lines.filter(({ message }) => message === "request");
  assert.deepEqual(requests.map(({ method, status, complete, time }) => ({ method, status, complete, time }))[0], {
    method: "GET",
    status: 200,
    complete: true,
    time: "2023-11-14T22:13:20.000Z",
  });
  assert.equal(requests.length, 3);
});

test("is not ready once it is ending, but answers until load balancers have noticed", async () => {
  const { service, url } = await start();
  const ended = service.close({ drain: 100 });
  const ready = await fetch(`${url}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal(ready.headers.get("connection"), "close");
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  await ended;
  await assert.rejects(fetch(url));
});

test("does not wait for a client that never finishes its request", async () => {
  const { service, url } = await start();
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  const closed = once(socket, "close");
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nhost: here\r\n");
  // The server has seen the connection once it has answered a later one.
  await (await fetch(`${url}/healthz`)).text();
  await service.close({ grace: 20 });
  await closed;
});

const server = fileURLToPath(new URL("server.js", import.meta.url));
const run = (env) =>
  spawn(process.execPath, [server], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`ends with exit code 0 on ${signal}`, async () => {
    const child = run({ PORT: "0" });
    const ended = once(child, "exit");
    const messages = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const { message, port } = JSON.parse(line);
      messages.push(message);
      if (message !== "listening") continue;
      assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
      child.kill(signal);
    }
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(messages, ["listening", "request", "ending", "ended"]);
  });
}

test("says which setting is wrong", async () => {
  const child = run({ PORT: "80a" });
  let text = "";
  child.stderr.on("data", (chunk) => (text += chunk));
  const [code] = await once(child, "close");
  assert.equal(code, 2);
  assert.equal(text, 'PORT must be a whole number from 0 to 65535, not "80a"\n');
});
