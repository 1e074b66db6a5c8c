/** Images of the release before: its packages still name /bin and /lib64, and maintainer scripts made the links that lead there. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { findMirrors } from "../../pipeline/source/debian/mirrors.ts";
import { lockstep } from "../cli/lockstep.ts";
import { hasProgram, run, temporaryDirectory } from "../support.ts";

const host = createHost();
const runnable = host.uid === 0 && hasProgram("umoci") && process.arch === "x64";
const mirrors = runnable ? await findMirrors(host).catch(() => undefined) : undefined;

it.skipIf(mirrors === undefined)(
  "an image of bookworm has the links of a merged /usr, runs, and is sound to dpkg (needs root, x64, umoci and a Debian mirror)",
  async () => {
    const repository = temporaryDirectory();
    mkdirSync(join(repository, "images/old"), { recursive: true });
    const packages = "[dash, coreutils, usrmerge, curl]";
    writeFileSync(
      join(repository, "images/old/image.yaml"),
      `name: old\nplatforms: [linux/amd64]\nlayers:\n  - debian: { suite: bookworm, packages: ${packages} }\n`,
    );
    for (const command of ["pin", "build"]) {
      const { code, stderr } = await lockstep([command, "--quiet"], { cwd: repository });
      expect([code, stderr]).toEqual([0, ""]);
    }
    const bundle = join(repository, "bundle");
    const layout = join(repository, "out/images/old");
    expect(run("umoci", ["unpack", "--image", `${layout}:old-linux-amd64`, bundle]).status).toBe(0);
    const root = join(bundle, "rootfs");

    const script = "readlink /bin /lib /lib64 /sbin; curl --version";
    const { stdout, stderr } = run("chroot", [root, "/bin/sh", "-c", script]);
    expect(stderr.toString()).toBe("");
    const lines = stdout.toString().split("\n");
    expect(lines.slice(0, 4)).toEqual(["usr/bin", "usr/lib", "usr/lib64", "usr/sbin"]);
    expect(lines[4]).toMatch(/^curl 7\./);
    expect(run("dpkg", [`--root=${root}`, "--verify"]).stdout.toString()).toBe("");
  },
);
