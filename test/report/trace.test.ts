import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import type { Report } from "../../pipeline/report/report.ts";
import { startTrace, wantsTrace } from "../../pipeline/report/trace.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { lockstep } from "../cli/lockstep.ts";
import { temporaryDirectory } from "../support.ts";

interface Sent {
  readonly path: string | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** A collector that takes what it is sent (OTLP specification, "OTLP/HTTP Request"); strings in it are as they are. */
async function collector(status = 200): Promise<{ readonly endpoint: string; readonly sent: readonly Sent[] }> {
  const sent: Sent[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      sent.push({ path: request.url, type: request.headers["content-type"], body: Buffer.concat(pieces) });
      response.writeHead(status, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent };
}

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parent = `00-${traceId}-b7ad6b7169203331-01`;

describe("wantsTrace", () => {
  it.each<readonly [Readonly<Record<string, string>>, boolean]>([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:4318/v1/traces" }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_SDK_DISABLED: "true" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_TRACES_EXPORTER: "none" }, false],
  ])("of %o is %s", (environment, wanted) => {
    expect(wantsTrace({ ...createHost(), env: (name) => environment[name] })).toBe(wanted);
  });
});

describe("a trace", () => {
  it("tells the report everything that it is told", async () => {
    const told: string[] = [];
    const report: Report = {
      task: (title, unit) => {
        told.push(`task ${title} ${String(unit)}`);
        return {
          progress: (done, total) => told.push(`progress ${done} ${total}`),
          done: (summary) => told.push(`done ${String(summary)}`),
        };
      },
      detail: (line) => told.push(`detail ${line}`),
      warn: (line) => told.push(`warn ${line}`),
    };
    const trace = await startTrace(createHost(), report, "build");
    const task = trace.report.task("unpack", "bytes");
    task.progress(1, 2);
    task.done("unpacked");
    trace.report.detail("a");
    trace.report.warn("b");
    expect(told).toEqual(["task unpack bytes", "progress 1 2", "done unpacked", "detail a", "warn b"]);
  });

  it("of a command has its tasks, belongs to the trace above, and changes no byte", async () => {
    const { host, root, store } = await tinyRepository({
      images: { app: image("tool", "  - files: { from: app, into: /app }\n") },
      packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
      files: { "images/app/app/a": "one\n" },
    });
    expect(host).toBeDefined();
    const { endpoint, sent } = await collector();
    const build = async (env: Readonly<Record<string, string>>) => {
      const out = temporaryDirectory();
      const args = ["build", "--root", root, "--inputs", store.directory, "--out", out, "--json"];
      const said = await lockstep(args, { cwd: root, env: { LOCKSTEP_STORE: temporaryDirectory(), ...env } });
      expect(said).toMatchObject({ code: 0 });
      const { result } = JSON.parse(said.stdout) as {
        readonly result: { readonly images: readonly { digest: string }[] };
      };
      return result.images.map(({ digest }) => digest);
    };
    const plain = await build({});
    expect(sent).toEqual([]);
    expect(await build({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, TRACEPARENT: parent })).toEqual(plain);
    expect(sent).toMatchObject([{ path: "/v1/traces", type: "application/x-protobuf" }]);
    const body = sent[0]?.body ?? Buffer.alloc(0);
    const text = body.toString("latin1");
    expect(text).toMatch(/lockstep build/);
    expect(text).toMatch(/unpack \d packages?/);
    expect(text).toMatch(/service\.name/);
    expect(text).toMatch(/lockstep\.exit/);
    expect(body.includes(Buffer.from(traceId, "hex"))).toBe(true);
  });

  it("that cannot be sent is said, and nothing else changes", async () => {
    const cwd = temporaryDirectory();
    const { endpoint } = await collector(400);
    for (const address of [endpoint, "http://127.0.0.1:1"]) {
      const said = await lockstep(["schema"], { cwd, env: { OTEL_EXPORTER_OTLP_ENDPOINT: address } });
      expect(said.code).toBe(0);
      expect(JSON.parse(said.stdout)).toBeDefined();
      expect(said.stderr).toMatch(/the trace could not be sent: \S/);
    }
  });
});
