import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../pipeline/report/report.ts";
import { checkStore } from "../../pipeline/store/maintenance.ts";
import { image, tinyRepository, type TinyRepository } from "../build/tiny-repository.ts";
import { filesBelow } from "../files.ts";
import { startLockstep } from "./lockstep.ts";

/** A package that takes a second to unpack: nothing in it can be compressed. */
function large(): Promise<TinyRepository> {
  const noise = Buffer.allocUnsafe(24 << 20);
  let state = 1;
  for (let i = 0; i + 4 <= noise.length; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    noise.writeInt32LE(state ^ (state >>> 15), i);
  }
  return tinyRepository({
    images: { app: image("large") },
    packages: [{ name: "large", data: [{ name: "./usr/share/large", content: noise }] }],
  });
}

/** Starts a command and sends signals once it says that it is at work. */
async function interrupted(
  repository: TinyRepository,
  command: string,
  when: RegExp,
  ...signals: readonly NodeJS.Signals[]
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stderr: string }> {
  const child = startLockstep([command, "--verbose"], {
    cwd: repository.root,
    env: { LOCKSTEP_STORE: repository.store.directory },
  });
  let stderr = "";
  let sent = false;
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    if (sent || !when.test(stderr)) return;
    sent = true;
    for (const signal of signals) child.kill(signal);
  });
  child.stdout.resume();
  return await new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stderr })));
}

describe("Ctrl-C", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "(%s) ends a build with 4 and LS1003, and leaves nothing half written",
    async (signal) => {
      const repository = await large();
      const before = filesBelow(join(repository.store.directory, "blobs"));
      const { code, stderr } = await interrupted(repository, "build", /unpack/, signal);
      expect({ code, last: stderr.trim().split("\n").at(-1) }).toEqual({
        code: 4,
        last: "LS1003 interrupted; nothing was left half written",
      });
      expect(filesBelow(join(repository.store.directory, "tmp"))).toEqual([]);
      expect(filesBelow(repository.out)).toEqual([]);
      expect(await checkStore(repository.store, silent)).toMatchObject({ corrupt: [] });
      expect(filesBelow(join(repository.store.directory, "blobs"))).toEqual(expect.arrayContaining([...before]));
      expect((await repository.build())[0]?.unchanged).toBe(false);
    },
  );

  it("ends the rebuild of verify as well, and removes its directory", async () => {
    const repository = await large();
    await repository.build();
    const { code, stderr } = await interrupted(repository, "verify", /rebuild 1 image/, "SIGINT");
    expect({ code, last: stderr.trim().split("\n").at(-1) }).toEqual({
      code: 4,
      last: "LS1003 interrupted; nothing was left half written",
    });
    expect(filesBelow(join(repository.store.directory, "verify"))).toEqual([]);
    expect(filesBelow(join(repository.store.directory, "tmp"))).toEqual([]);
  });
});

describe("kill -9", () => {
  it("at any moment of a build leaves a store and a layout that the next build finishes, to the same digest", async () => {
    const repository = await large();
    const whole = await large();
    const [expected] = await whole.build();
    const { signal } = await interrupted(repository, "build", /unpack/, "SIGKILL");
    expect(signal).toBe("SIGKILL");
    expect(await checkStore(repository.store, silent)).toMatchObject({ corrupt: [] });
    const [built] = await repository.build();
    expect(built?.index.descriptor).toEqual(expected?.index.descriptor);
    expect(filesBelow(built?.layout ?? "")).toEqual(filesBelow(expected?.layout ?? ""));
  });
});
