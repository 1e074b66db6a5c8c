import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../pipeline/report/report.ts";
import { checkStore } from "../../pipeline/store/maintenance.ts";
import { image, tinyRepository, type TinyRepository } from "../build/tiny-repository.ts";
import { filesBelow } from "../files.ts";
import { noise } from "../registry/images.ts";
import { rawTar } from "../source/debian/tiny-deb.ts";
import { hasProgram } from "../support.ts";
import { startLockstep } from "./lockstep.ts";

/** A package of what cannot be compressed. */
function large(): Promise<TinyRepository> {
  const data = [{ name: "./usr/share/large", content: noise("large", 2 << 20) }];
  return tinyRepository({ images: { app: image("large") }, packages: [{ name: "large", compression: "xz", data }] });
}

/** A PATH whose `xz` gives the beginning of an archive and then nothing more, so that no machine is too fast to be interrupted. */
function stuck({ directory }: TinyRepository): string {
  const programs = join(directory, "programs");
  mkdirSync(programs);
  const beginning = join(directory, "beginning.tar");
  // More than is compressed at once, so that some of it is written.
  const content = noise("large", 16 << 20);
  writeFileSync(beginning, rawTar([{ name: "./usr/share/large", content }]).subarray(0, 12 << 20));
  writeFileSync(join(programs, "xz"), `#!/bin/sh\ncat '${beginning}'\nexec sleep 120\n`, { mode: 0o755 });
  return `${programs}:${process.env["PATH"] ?? ""}`;
}

/** Starts a command, and sends a signal once it says that it is at work and what it writes has grown to some size. */
async function interrupted(
  repository: TinyRepository,
  command: string,
  when: RegExp,
  signal: NodeJS.Signals,
  { path, written = 0 }: { readonly path?: string; readonly written?: number } = {},
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly stderr: string }> {
  const { directory } = repository.store;
  const child = startLockstep([command, "--verbose"], {
    cwd: repository.root,
    env: { LOCKSTEP_STORE: directory, ...(path === undefined ? {} : { PATH: path }) },
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.resume();
  const temporary = join(directory, "tmp");
  const looking = setInterval(() => {
    const sizes = filesBelow(temporary).map((name) => statSync(join(temporary, name), { throwIfNoEntry: false })?.size);
    if (!when.test(stderr) || (written > 0 && !sizes.some((size = 0) => size >= written))) return;
    clearInterval(looking);
    child.kill(signal);
  }, 10);
  return await new Promise((resolve) => {
    child.on("close", (code, by) => {
      clearInterval(looking);
      resolve({ code, signal: by, stderr });
    });
  });
}

describe.skipIf(!hasProgram("xz"))("Ctrl-C (needs xz)", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "(%s) ends a build with 4 and LS1003, and leaves nothing half written",
    async (signal) => {
      const repository = await large();
      const before = filesBelow(join(repository.store.directory, "blobs"));
      const path = stuck(repository);
      const { code, stderr } = await interrupted(repository, "build", /unpack/, signal, { path, written: 1 << 20 });
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

describe.skipIf(!hasProgram("xz"))("kill -9 (needs xz)", () => {
  it("at any moment of a build leaves a store and a layout that the next build finishes, to the same digest", async () => {
    const repository = await large();
    const whole = await large();
    const [expected] = await whole.build();
    const path = stuck(repository);
    const { signal } = await interrupted(repository, "build", /unpack/, "SIGKILL", { path, written: 1 << 20 });
    expect(signal).toBe("SIGKILL");
    expect(filesBelow(join(repository.store.directory, "tmp"))).not.toEqual([]);
    expect(await checkStore(repository.store, silent)).toMatchObject({ corrupt: [] });
    const [built] = await repository.build();
    expect(built?.index.descriptor).toEqual(expected?.index.descriptor);
    expect(filesBelow(built?.layout ?? "")).toEqual(filesBelow(expected?.layout ?? ""));
  });
});
