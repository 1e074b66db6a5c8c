import { lutimesSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, linkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { ByteReader } from "../../pipeline/tree/bytes.ts";
import type { Entry } from "../../pipeline/tree/entry.ts";
import { TarReader } from "../../pipeline/tree/tar-reader.ts";
import { hasProgram, run } from "../support.ts";

const base = mkdtempSync(join(tmpdir(), "lockstep-foreign-"));

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function read(archive: Buffer): Promise<readonly Entry[]> {
  const reader = new TarReader(new ByteReader(once(archive), { file: "archive" }));
  const entries: Entry[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) entries.push(entry);
  return entries;
}

function gnuTar(...options: readonly string[]): Buffer {
  const common = ["--sort=name", "--owner=root:0", "--group=root:0", "--mode=u=rwX,go=rX"];
  const { status, stdout, stderr } = run("tar", ["-C", base, ...common, ...options, "-cf", "-", "."], {
    env: { PATH: createHost().env("PATH") ?? "", LC_ALL: "C.UTF-8" },
  });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

const pythonWriter = `
import sys, tarfile
tar = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT)
plain = tarfile.TarInfo("a"); plain.mtime = 1000
tar.addfile(plain)
odd = tarfile.TarInfo("b"); odd.mtime = 1000.75; odd.uname = "someone"; odd.gname = "some"
odd.pax_headers = {"atime": "5.5", "ctime": "6.5", "LIBARCHIVE.creationtime": "7.5", "comment": "made by hand"}
tar.addfile(odd)
tar.close()
`;

beforeAll(() => {
  mkdirSync(join(base, "deep", "d".repeat(90), "e".repeat(90)), { recursive: true });
  writeFileSync(join(base, "deep", "d".repeat(90), "e".repeat(90), "f".repeat(90)), "deep\n");
  writeFileSync(join(base, "file"), "content\n");
  linkSync(join(base, "file"), join(base, "same"));
  symlinkSync("t".repeat(150), join(base, "link"));
  for (const name of ["file", "link"]) lutimesSync(join(base, name), 1e9, 1e9 + 0.5);
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("archives of other tools", () => {
  it.skipIf(!hasProgram("tar"))("are the same to us in whichever dialect GNU tar writes them (needs tar)", async () => {
    const gnu = await read(gnuTar("--format=gnu"));
    expect(gnu.map(({ type }) => type).toSorted()).toEqual(
      ["directory", "directory", "directory", "directory", "file", "file", "hardlink", "symlink"].toSorted(),
    );
    expect(await read(gnuTar("--format=posix"))).toEqual(gnu);
    // With times of access and change, names of owners, and another block factor.
    expect(await read(gnuTar("--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders.%p/%f", "-b", "1"))).toEqual(
      gnu,
    );
  });

  it.skipIf(!hasProgram("python3"))(
    "lose fractions, times of access and creation, comments and names of owners (needs python3)",
    async () => {
      const { stdout } = run("python3", ["-c", pythonWriter]);
      const [plain, odd] = await read(stdout);
      expect(plain).toEqual({ type: "file", path: "a", mode: 0o644, uid: 0, gid: 0, mtime: 1000, size: 0 });
      expect(odd).toEqual({ ...plain, path: "b" });
    },
  );
});
