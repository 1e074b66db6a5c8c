/** The cache of an arm64 image against Debian's own arm64 ldconfig, run under emulation: the machine's ldconfig skips foreign libraries. */
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeLinkerCache } from "../../../pipeline/build/system/linker-cache.ts";
import { createHost } from "../../../pipeline/host/host.ts";
import { unpackDeb } from "../../../pipeline/source/debian/deb.ts";
import type { PackageFacts } from "../../../pipeline/source/debian/facts.ts";
import { findMirrors, type Mirrors } from "../../../pipeline/source/debian/mirrors.ts";
import { ImageModel } from "../../../pipeline/source/debian/script-model.ts";
import { ByteReader } from "../../../pipeline/tree/bytes.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { startApt } from "../../source/debian/apt.ts";

const able = process.getuid?.() === 0 && ["qemu-aarch64-static", "apt-get", "dpkg-deb"].every(hasProgram);
const mirrors: Mirrors | undefined = able ? await findMirrors(createHost()).catch(() => undefined) : undefined;
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

describe("the linker's cache for arm64", () => {
  it.skipIf(mirrors === undefined)(
    "is that of ldconfig for arm64, byte for byte (needs root, qemu-aarch64-static and a Debian mirror)",
    async () => {
      if (mirrors === undefined) return;
      const directory = temporaryDirectory();
      startApt(join(directory, "apt"), mirrors, "trixie", "arm64");
      const names = [
        "base-files",
        "libc6",
        "libc-bin",
        "zlib1g",
        "libssl3t64",
        "libstdc++6",
        "libgcc-s1",
        "gcc-14-base",
      ];
      const download = run("apt-get", ["download", "-q", ...names], {
        cwd: directory,
        env: { ...env, APT_CONFIG: join(directory, "apt/apt.conf") },
      });
      expect(download.status, download.stderr.toString()).toBe(0);
      const tree = join(directory, "tree");
      mkdirSync(tree);
      const packages: PackageFacts[] = [];
      for (const name of readdirSync(directory).filter((each) => each.endsWith(".deb"))) {
        const deb = join(directory, name);
        expect(
          run("sh", ["-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x -C "$1" --keep-directory-symlink', deb, tree], {
            env,
          }).status,
        ).toBe(0);
        async function* bytes(): AsyncGenerator<Uint8Array> {
          yield readFileSync(deb);
        }
        packages.push(
          await unpackDeb(new ByteReader(bytes(), { file: name }), { entry: async () => {}, content: async () => {} }),
        );
      }
      const { status, stderr } = run("qemu-aarch64-static", [join(tree, "usr/sbin/ldconfig"), "-r", tree], { env });
      expect(status, stderr.toString()).toBe(0);
      const model = new ImageModel(packages, "arm64");
      writeLinkerCache(model);
      const own = model.find("etc/ld.so.cache")?.content ?? Buffer.alloc(64);
      const theirs = readFileSync(join(tree, "etc/ld.so.cache"));
      const end = own.readUInt32LE(32);
      expect(own.readUInt32LE(20)).toBeGreaterThan(15);
      expect(own.subarray(0, end).equals(theirs.subarray(0, end))).toBe(true);
    },
  );
});
