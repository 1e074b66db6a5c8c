import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { silent } from "../../pipeline/report/report.ts";
import { type Digest, digestOf } from "../../pipeline/store/digest.ts";
import { checkStore, collectGarbage, measureStore } from "../../pipeline/store/maintenance.ts";
import { Store, writeFileAtomically, writeFailure } from "../../pipeline/store/store.ts";
import { filesBelow } from "../files.ts";
import { collect, root, run, scene } from "../support.ts";

function bytesOf(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function code(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "done",
    (error: unknown) => (error instanceof LockstepError ? error.code : String(error)),
  );
}

describe("blobs", () => {
  it("are read as they were written, whole and in pieces", async () => {
    const { store } = scene();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 700 }), async (bytes, piece) => {
        const writer = await store.writer();
        for (let offset = 0; offset < bytes.length; offset += piece)
          await writer.write(bytes.subarray(offset, offset + piece));
        const blob = await writer.commit(digestOf(bytes));
        expect(blob).toEqual({ digest: digestOf(bytes), size: bytes.length });
        expect((await store.read(blob.digest)).equals(bytes)).toBe(true);
        expect((await collect(store.stream(blob.digest, piece))).equals(bytes)).toBe(true);
        expect(await store.find(blob.digest)).toEqual(blob);
        expect(statSync(store.pathOf(blob.digest)).mode & 0o222).toBe(0);
      }),
      { numRuns: 40 },
    );
    expect(filesBelow(join(store.directory, "tmp"))).toEqual([]);
  });

  it("that are not what was expected are not kept (LS3003)", async () => {
    const { store } = scene();
    const writer = await store.writer();
    await writer.write(Buffer.from("other"));
    expect(await code(writer.commit(digestOf("expected")))).toBe("LS3003");
    await writer.abort();
    expect(filesBelow(store.directory)).toEqual([]);
  });

  it("that were given up leave nothing, and giving up after the commit does nothing", async () => {
    const { store } = scene();
    const writer = await store.writer();
    await writer.write(Buffer.from("half"));
    await writer.abort();
    await writer.abort();
    expect(filesBelow(store.directory)).toEqual([]);
    const other = await store.writer();
    const { digest } = await other.commit();
    await other.abort();
    expect((await store.read(digest)).length).toBe(0);
  });

  it("that are absent are told apart from those that are corrupt, and the corrupt are removed", async () => {
    const { store } = scene();
    const absent = digestOf("never");
    expect(await code(store.read(absent))).toBe("LS3002");
    expect(await code(collect(store.stream(absent)))).toBe("LS3002");
    expect(await code(store.place(absent, join(store.directory, "x")))).toBe("LS3002");
    for (const read of [(digest: Digest) => store.read(digest), (digest: Digest) => collect(store.stream(digest))]) {
      const { digest } = await store.put(bytesOf(3_000_000, 1));
      const path = store.pathOf(digest);
      chmodSync(path, 0o644);
      writeFileSync(path, bytesOf(3_000_000, 1).with(2_999_999, 0));
      expect(await code(read(digest))).toBe("LS3001");
      expect(existsSync(path)).toBe(false);
      expect(await store.find(digest)).toBeUndefined();
    }
  });

  it("are put at a place by a link, or by a copy where that is another file system", async () => {
    const { store, directory } = scene();
    const content = bytesOf(2_500_000, 2);
    const { digest } = await store.put(content);
    const near = join(directory, "layout/blob");
    expect(await store.place(digest, near)).toBe(true);
    expect(statSync(near).ino).toBe(statSync(store.pathOf(digest)).ino);
    expect(await store.place(digest, near)).toBe(false);
    rmSync(near);
    writeFileSync(near, "something else");
    expect(await store.place(digest, near)).toBe(true);
    expect(readFileSync(near).equals(content)).toBe(true);
    if (!existsSync("/dev/shm") || statSync("/dev/shm").dev === statSync(directory).dev) return;
    const far = join("/dev/shm", `lockstep-test-${process.pid}`);
    onTestFinished(() => rmSync(far, { recursive: true, force: true }));
    expect(await store.place(digest, join(far, "blob"))).toBe(true);
    expect(readFileSync(join(far, "blob")).equals(content)).toBe(true);
    expect(await store.place(digest, join(far, "blob"))).toBe(false);
    expect(filesBelow(far)).toEqual(["blob"]);
    // A second place over there is a link to the first, unless something else has come in its place.
    expect(await store.place(digest, join(far, "again"))).toBe(true);
    expect(statSync(join(far, "again")).ino).toBe(statSync(join(far, "blob")).ino);
    rmSync(join(far, "blob"));
    expect(await store.place(digest, join(far, "third"))).toBe(true);
    expect(readFileSync(join(far, "third")).equals(content)).toBe(true);
  });
});

describe("records", () => {
  const key = "ab".repeat(32);

  it("are read as they were written, by kind and key", async () => {
    const { store } = scene();
    await store.putRecord("fragment", key, { a: [1, "ü"] });
    expect(await store.getRecord("fragment", key)).toEqual({ a: [1, "ü"] });
    expect(await store.getRecord("result", key)).toBeUndefined();
    await store.putRecord("fragment", key, null);
    expect(await store.getRecord("fragment", key)).toBeNull();
    await store.removeRecord("fragment", key);
    expect(await store.getRecord("fragment", key)).toBeUndefined();
  });

  it("are never believed when any bit of them is wrong", async () => {
    const { store } = scene();
    const path = join(store.directory, "records/0/result", key);
    await store.putRecord("result", key, { layer: { digest: digestOf("x"), size: 5 } });
    const good = readFileSync(path);
    for (let bit = 0; bit < good.length * 8; bit += 7) {
      writeFileSync(path, good.with(bit >> 3, (good[bit >> 3] ?? 0) ^ (1 << (bit & 7))));
      expect(await store.getRecord("result", key)).toBeUndefined();
      expect(existsSync(path)).toBe(false);
    }
    for (const content of ["", "\n", "{}", good.subarray(0, 70), good.subarray(0, good.length - 1)]) {
      writeFileSync(path, content);
      expect(await store.getRecord("result", key)).toBeUndefined();
    }
  });
});

/** Starts a process that runs a script with this program's store at hand; the script says `ready` or digests, a line each. */
function startWriter(directory: string, script: string): ChildProcess {
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(root, "pipeline", path)).href);
  const program = `
    import { createHost } from ${url("host/host.ts")};
    import { Store } from ${url("store/store.ts")};
    const host = createHost();
    const store = new Store(host, ${JSON.stringify(directory)});
    const say = (text) => process.stdout.write(text + "\\n");
    ${script}`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
}

async function ended(child: ChildProcess): Promise<string> {
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  return said;
}

describe("several processes", () => {
  it("may make a blob anew while others put it somewhere", { timeout: 60_000 }, async () => {
    const { store } = scene();
    const { digest } = await store.put(Buffer.from("shared"));
    const path = store.pathOf(digest);
    // What committing does: a file of the same content takes the place of the one there is.
    const anew = `
      import { renameSync, writeFileSync } from "node:fs";
      for (let i = 0; ; i++) {
        writeFileSync(process.argv[1] + "." + i, "shared");
        renameSync(process.argv[1] + "." + i, process.argv[1]);
      }`;
    const other = spawn(process.execPath, ["--input-type=module", "--eval", anew, path], { stdio: "ignore" });
    onTestFinished(() => void other.kill("SIGKILL"));
    const { ino } = statSync(path);
    while (statSync(path).ino === ino) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let i = 0; i < 500; i++) await store.place(digest, join(store.directory, "placed", String(i)));
    other.kill("SIGKILL");
  });

  it("write the same blobs and records at once, and all of them are whole", async () => {
    const { store } = scene();
    const script = `
      for (let round = 0; round < 12; round++) {
        const bytes = Buffer.alloc(200_000 + round, round);
        const [blob] = await Promise.all([store.put(bytes), store.putRecord("result", "cd".repeat(32), { round })]);
        if (!(await store.read(blob.digest)).equals(bytes)) throw new Error("other bytes");
        const record = await store.getRecord("result", "cd".repeat(32));
        if (typeof record?.round !== "number") throw new Error("no record");
      }
      say("fine");`;
    const said = await Promise.all(Array.from({ length: 4 }, () => ended(startWriter(store.directory, script))));
    expect(said).toEqual(["fine\n", "fine\n", "fine\n", "fine\n"]);
    expect(await checkStore(store, silent)).toEqual({ checked: 12, corrupt: [] });
    expect(filesBelow(join(store.directory, "tmp"))).toEqual([]);
    expect(filesBelow(store.directory).filter((path) => path.endsWith(".tmp"))).toEqual([]);
  });

  it("that are killed at any moment leave whole blobs, and temporary files that are found later", async () => {
    const { store, host } = scene();
    const script = `
      for (let round = 0; ; round++) {
        const writer = await store.writer();
        for (let piece = 0; piece < 20; piece++) await writer.write(Buffer.alloc(50_000, (round * 31 + piece) % 251));
        const { digest } = await writer.commit();
        await store.putRecord("result", digest.slice(7), { digest });
        say(digest);
      }`;
    // The moments are spread over the time that one blob takes.
    for (let round = 0; round < 10; round++) {
      const child = startWriter(store.directory, script);
      const digests: Digest[] = [];
      await new Promise<void>((resolve) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          digests.push(...(chunk.toString().trim().split("\n") as Digest[]));
          if (digests.length < 3) return;
          let spin = 0;
          const later = (): void => {
            if (spin++ < round * 40) setImmediate(later);
            else child.kill("SIGKILL");
          };
          later();
        });
        child.on("close", () => resolve());
      });
      expect(child.signalCode).toBe("SIGKILL");
      for (const digest of new Set(digests)) {
        expect(digestOf(await store.read(digest))).toBe(digest);
        expect(await store.getRecord("result", digest.slice(7))).toEqual({ digest });
      }
    }
    expect((await checkStore(store, silent)).corrupt).toEqual([]);
    const left = filesBelow(store.directory).filter((path) => path.startsWith("tmp/") || path.endsWith(".tmp"));
    expect(await collectGarbage(host, store, 1000)).toEqual({ files: 0, bytes: 0 });
    const tomorrow = { ...host, now: () => host.now() + 25 * 3_600_000 };
    expect((await collectGarbage(tomorrow, store, 1000)).files).toBe(left.length);
    expect(filesBelow(store.directory).filter((path) => path.startsWith("tmp/"))).toEqual([]);
  });
});

/** A file system of one mebibyte, where this process may make one. */
function smallDisk(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const directory = join(tmpdir(), `lockstep-test-disk-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  const mounted = run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory]).status === 0;
  if (!mounted) {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  const release = (): void => {
    run("umount", [directory]);
    rmSync(directory, { recursive: true, force: true });
  };
  onTestFinished(release);
  return directory;
}

const mayMount =
  process.getuid?.() === 0 && run("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

describe("a full disk", () => {
  it.skipIf(!mayMount)("gives LS1004 and nothing half written (needs to mount a tmpfs)", async () => {
    const disk = smallDisk() ?? "";
    const { host } = scene();
    const store = new Store(host, join(disk, "store"));
    const small = await store.put(bytesOf(100_000, 1));
    const before = filesBelow(disk);
    const writer = await store.writer();
    const filling = (async () => {
      for (let i = 0; i < 40; i++) await writer.write(bytesOf(100_000, i));
      await writer.commit();
    })();
    expect(await code(filling)).toBe("LS1004");
    await writer.abort();
    expect(filesBelow(disk)).toEqual(before);
    // The message names the place and says what can be done.
    const other = await store.put(bytesOf(3_000_000, 3)).catch((error: unknown) => error);
    expect((other as LockstepError).message).toMatch(
      /^LS1004 .*no space left on the disk; nothing was left half written; free some space/,
    );
    expect((other as LockstepError).exitCode).toBe(4);
    expect(filesBelow(disk)).toEqual(before);
    const file = join(disk, "lockstep.lock");
    await writeFileAtomically(host, file, "old");
    expect(await code(writeFileAtomically(host, file, bytesOf(3_000_000, 4)))).toBe("LS1004");
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(await code(store.putRecord("result", "ef".repeat(32), bytesOf(3_000_000, 5).toString("hex")))).toBe(
      "LS1004",
    );
    expect(filesBelow(disk)).toEqual(["lockstep.lock", ...before]);
    expect((await store.read(small.digest)).length).toBe(100_000);
    expect(await code(store.put(bytesOf(500_000, 6)))).toBe("done");
  });

  it("and a place that may not be written are told apart from other failures", () => {
    const failure = (name: string): unknown => writeFailure("x", Object.assign(new Error(name), { code: name }));
    expect((failure("EDQUOT") as LockstepError).message).toMatch(/^LS1004 x no space/);
    for (const name of ["EACCES", "EPERM", "EROFS"])
      expect((failure(name) as LockstepError).message).toMatch(/^LS1004 x no permission/);
    for (const name of ["ENOTDIR", "EEXIST"])
      expect((failure(name) as LockstepError).message).toMatch(/^LS1004 x cannot be written, because a file stands/);
    expect(failure("EIO")).not.toBeInstanceOf(LockstepError);
  });
});

describe("maintenance", () => {
  it("measures, checks, and removes what was not used lately", async () => {
    const { store, host } = scene();
    const used = await store.put(bytesOf(1000, 1));
    const idle = await store.put(bytesOf(2000, 2));
    await store.putRecord("result", "ab".repeat(32), 1);
    expect(await measureStore(store)).toMatchObject([
      { part: "blobs", files: 2, bytes: 3000 },
      { part: "records", files: 1 },
    ]);
    expect(await checkStore(store, silent)).toEqual({ checked: 2, corrupt: [] });
    const later = { ...host, now: () => host.now() + 10 * 86_400_000 };
    await new Store(later, store.directory).find(used.digest);
    // A build that is under way has just looked for it, whatever was asked.
    expect(await collectGarbage(host, store, 0)).toEqual({ files: 0, bytes: 0 });
    expect(await collectGarbage(later, store, 7)).toMatchObject({ files: 2 });
    expect(await store.find(idle.digest)).toBeUndefined();
    expect(await store.find(used.digest)).toEqual(used);
  });

  it("removes what is corrupt, and what is no blob at all", async () => {
    const { store } = scene();
    const good = await store.put(bytesOf(1000, 1));
    const bad = await store.put(bytesOf(2000, 2));
    const path = store.pathOf(bad.digest);
    chmodSync(path, 0o644);
    writeFileSync(path, "");
    writeFileSync(join(store.directory, "blobs/sha256/README"), "hello");
    expect(await checkStore(store, silent)).toEqual({ checked: 2, corrupt: [bad.digest] });
    expect(filesBelow(join(store.directory, "blobs/sha256"))).toEqual([
      `${good.digest.slice(7, 9)}/${good.digest.slice(7)}`,
    ]);
  });
});
