import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { generation } from "../../pipeline/build/generation.ts";
import { kindOf } from "../../pipeline/build/inputs/kinds.ts";
import type { PlannedNpm } from "../../pipeline/build/plan.ts";
import { openRepository, planRepository } from "../../pipeline/build/repository.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { silent } from "../../pipeline/report/report.ts";
import { unpackTarball } from "../../pipeline/source/npm/tarball.ts";
import { Store } from "../../pipeline/store/store.ts";
import type { Entry } from "../../pipeline/tree/entry.ts";
import { root, temporaryDirectory } from "../support.ts";

const host = createHost();
const folder = join(root, "images/markdown");

/** Writes entries of a layer below a directory. */
function writerInto(directory: string) {
  let current: { readonly path: string; readonly pieces: Uint8Array[] } | undefined;
  const end = (): void => {
    if (current !== undefined) writeFileSync(current.path, Buffer.concat(current.pieces));
    current = undefined;
  };
  return {
    end,
    entry: async (entry: Entry) => {
      end();
      const path = join(directory, entry.path);
      mkdirSync(dirname(path), { recursive: true });
      if (entry.type === "directory") mkdirSync(path, { recursive: true });
      else if (entry.type === "symlink") symlinkSync(entry.target, path);
      else current = { path, pieces: [] };
    },
    content: async (piece: Uint8Array) => void current?.pieces.push(Uint8Array.from(piece)),
  };
}

/** The service as it is in the image, with its dependencies as the plan has them. */
async function application(): Promise<string> {
  const directory = temporaryDirectory();
  const store = new Store(host, host.cacheDirectory, generation);
  const repository = await openRepository(store, root);
  const [planned] = planRepository(host, repository, ["markdown"]);
  await kindOf("npm").fetch(host, store, silent, repository, planned?.inputs.npm ?? new Map(), {});
  const inputs = planned?.plan.layers.flatMap((layer) => (layer.kind === "inputs" ? layer.inputs : [])) ?? [];
  for (const input of inputs as readonly PlannedNpm[]) {
    const writer = writerInto(directory);
    await unpackTarball({ store, digest: `sha256:${input.sha256}`, place: { file: input.key } }, writer, input);
    writer.end();
  }
  for (const name of readdirSync(join(folder, "app")).filter((each) => /\.js(?:on)?$/.test(each)))
    cpSync(join(folder, "app", name), join(directory, name));
  return directory;
}

/** Starts the service on a free port, and gives its address. */
async function start(directory: string): Promise<string> {
  const child = spawn(host.node, ["server.js"], {
    cwd: directory,
    env: { PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  for await (const piece of child.stdout) {
    said += String(piece);
    const port = /listening at http:\/\/\[::1?\]:(\d+)/.exec(said)?.[1];
    if (port !== undefined) return `http://localhost:${port}`;
  }
  throw new Error(`it ended: ${said}`);
}

describe("the markdown sample", () => {
  it("has dependencies that nobody has to run a script for", async () => {
    const { lock } = await openRepository(new Store(host, host.cacheDirectory, generation), root);
    expect([...lock.npm.keys()]).toContain("fastify@5.6.1");
    expect([...lock.npm.values()].flatMap(({ scripts = [] }) => scripts)).toEqual([]);
  });

  it("serves with the dependencies of its plan, and leaves out what could run in a browser", async () => {
    const address = await start(await application());
    expect(await (await fetch(`${address}/healthz`)).json()).toEqual({ status: "ok" });
    const body =
      "# Hi\n\n<script>alert(1)</script>\n\n[bad](javascript:alert(1)) [good](https://example.org)\n\n| a |\n|--|\n| 1 |\n";
    const answer = await fetch(`${address}/render`, {
      method: "POST",
      headers: { "content-type": "text/markdown" },
      body,
    });
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await answer.text();
    expect(html).toContain("<h1>Hi</h1>");
    expect(html).toContain('<a href="https://example.org">good</a>');
    expect(html).toContain("<td>1</td>");
    expect(html).not.toMatch(/script/);
    const other = await fetch(`${address}/render`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    expect(other.status).toBe(415);
  });
});
