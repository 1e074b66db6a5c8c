import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { collect, temporaryDirectory } from "../support.ts";

const host = createHost();
const node = (script: string): readonly string[] => ["--input-type=module", "-e", script];

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text);
}

async function* broken(): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from("x");
  throw new Error("the input broke");
}

describe("run", () => {
  it("gives a program its input and environment, and collects what it says", async () => {
    const script = `
      let input = "";
      for await (const chunk of process.stdin) input += chunk;
      console.log(JSON.stringify({ input, env: Object.keys(process.env).filter((name) => name !== "__CF_USER_TEXT_ENCODING") }));
      console.error("trouble");
      process.exitCode = 7;`;
    const chunks: string[] = [];
    const result = await host.run(host.node, node(script), {
      env: { ONLY: "this" },
      input: Buffer.from("some input"),
      onStderr: (chunk) => chunks.push(chunk.toString()),
    });
    expect(JSON.parse(result.stdout.toString())).toEqual({ input: "some input", env: ["ONLY"] });
    expect(result).toMatchObject({ code: 7, signal: null });
    expect(result.stderr.toString()).toBe("trouble\n");
    expect(chunks.join("")).toBe("trouble\n");
  });

  it("does not mind a program that reads no input, and rejects when there is no program", async () => {
    const large = Buffer.alloc(1 << 20);
    expect(await host.run(host.node, node(""), { input: large })).toMatchObject({ code: 0 });
    await expect(host.run(join(temporaryDirectory(), "nothing"), [])).rejects.toThrow(/ENOENT/);
  });

  it("waits for a program that is given up, so that nothing writes on after it", async () => {
    const abort = new AbortController();
    const file = join(temporaryDirectory(), "ended");
    const script = `
      process.on("SIGTERM", () => { (await import("node:fs")).writeFileSync(${JSON.stringify(file)}, ""); process.exit(0); });
      console.error("ready");
      setInterval(() => {}, 1000);`.replace("() => { (await", "async () => { (await");
    const running = host.run(host.node, node(script), { signal: abort.signal, onStderr: () => abort.abort() });
    await expect(running).rejects.toThrow(/abort/);
    expect(existsSync(file)).toBe(true);
  });
});

describe("filter", () => {
  it("sends bytes through a program", async () => {
    const script = "for await (const chunk of process.stdin) process.stdout.write(chunk.toString().toUpperCase());";
    expect((await collect(host.filter(host.node, node(script), pieces("ab", "c")))).toString()).toBe("ABC");
  });

  it("fails when the program fails or is not there, with what it said", async () => {
    const script = 'console.log("part"); console.error("bad input"); process.exitCode = 3;';
    await expect(collect(host.filter(host.node, node(script), pieces("x")))).rejects.toThrow(
      "bad input (ended with 3)",
    );
    await expect(collect(host.filter("/nonexistent/program", [], pieces("x")))).rejects.toThrow(/ENOENT/);
  });

  it("fails with the error of its input", async () => {
    const script = "for await (const chunk of process.stdin) process.stdout.write(chunk);";
    await expect(collect(host.filter(host.node, node(script), broken()))).rejects.toThrow("the input broke");
  });

  it("LS1003: ends the program when it is interrupted, and when Ctrl-C has ended it", async () => {
    const stop = new AbortController();
    const idle = 'process.stdout.write("a"); setInterval(() => {}, 1000);';
    const reading = (async () => {
      for await (const piece of host.filter(host.node, node(idle), pieces(), {}, stop.signal))
        if (piece.length > 0) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: "LS1003" });
    const killed = 'process.kill(process.pid, "SIGINT"); setInterval(() => {}, 1000);';
    await expect(collect(host.filter(host.node, node(killed), pieces()))).rejects.toMatchObject({ code: "LS1003" });
  });

  it("ends the program when no more is wanted", async () => {
    const closed = vi.fn<() => void>();
    async function* endless(): AsyncGenerator<Uint8Array, void> {
      try {
        for (;;) yield Buffer.alloc(1 << 16);
      } finally {
        closed();
      }
    }
    const script = "process.stdin.pipe(process.stdout)";
    for await (const piece of host.filter(host.node, node(script), endless())) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(closed).toHaveBeenCalledOnce();
  });
});

describe("what a host knows of the machine", () => {
  it("is where its caches and settings are, by the environment", () => {
    const set = (name: string, value: string | undefined): void => {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    };
    const of = (changes: Readonly<Record<string, string | undefined>>): ReturnType<typeof createHost> => {
      const before = Object.keys(changes).map((name) => [name, process.env[name]] as const);
      for (const [name, value] of Object.entries(changes)) set(name, value);
      try {
        return createHost();
      } finally {
        for (const [name, value] of before) set(name, value);
      }
    };
    const none = {
      LOCKSTEP_STORE: undefined,
      XDG_CACHE_HOME: undefined,
      XDG_CONFIG_HOME: undefined,
      HOME: "/home/ann",
    };
    expect(of(none)).toMatchObject({
      cacheDirectory: "/home/ann/.cache/lockstep",
      configDirectory: "/home/ann/.config/lockstep",
    });
    expect(of({ ...none, XDG_CACHE_HOME: "/c", XDG_CONFIG_HOME: "/s" })).toMatchObject({
      cacheDirectory: "/c/lockstep",
      configDirectory: "/s/lockstep",
    });
    expect(of({ ...none, LOCKSTEP_STORE: "/store" }).cacheDirectory).toBe("/store");
    // An empty variable is one that is not set.
    expect(of({ ...none, LOCKSTEP_STORE: "" }).cacheDirectory).toBe("/home/ann/.cache/lockstep");
    expect(of(none).env("LOCKSTEP_STORE")).toBeUndefined();
  });

  it("is which programs there are, but none of the working directory", () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "tool"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(directory, "data"), "", { mode: 0o644 });
    const before = process.env["PATH"];
    try {
      process.env["PATH"] = `.:relative/bin::${directory}`;
      expect(host.findProgram("tool")).toBe(join(directory, "tool"));
      expect(host.findProgram("nothing")).toBeUndefined();
      process.env["PATH"] = ".";
      expect(host.findProgram("package.json")).toBeUndefined();
    } finally {
      process.env["PATH"] = before;
    }
  });

  it("is how to wait, and how to stop waiting", async () => {
    const begin = host.elapsed();
    await host.sleep(5);
    expect(host.elapsed() - begin).toBeGreaterThan(4);
    const abort = new AbortController();
    const waiting = host.sleep(60_000, abort.signal);
    abort.abort();
    await waiting;
    await host.sleep(60_000, AbortSignal.abort());
    expect(host.elapsed() - begin).toBeLessThan(50_000);
    expect(host.token(8)).toMatch(/^[0-9a-f]{16}$/);
    expect(host.token(8)).not.toBe(host.token(8));
  });
});
