import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { hexOf, type Digest } from "../../pipeline/store/digest.ts";
import { hasProgram, root, run } from "../support.ts";
import { build, type BuiltImage, digests, packInputs, type Surroundings } from "./builds.ts";
import { clone, cloneWords, type Origin, packOrigin } from "./checkouts.ts";
import { npmNode } from "./nodes.ts";

/** One image of packages, one of files, and a real service on top of Node. */
const all = ["static", "tiny", "web"];
const small = ["static", "tiny"];
const minutes = 60_000;

const host = createHost();
const privileged = host.uid === 0;
const git = hasProgram("git");
const qemu = ["qemu-aarch64-static", "qemu-aarch64"].find(hasProgram);
const qemuX64 = ["qemu-x86_64-static", "qemu-x86_64"].find(hasProgram);
const node22 = await npmNode("22.23.3", "x64");
const node26 = await npmNode("26.10.0", "x64");
const nodeArm64 = qemu === undefined ? undefined : await npmNode("24.21.0", "arm64");

/** Runs what follows as a user who owns nothing. */
const nobody: readonly string[] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** Whether root may mount things here; containers often may not. */
function mounts(...words: readonly string[]): boolean {
  if (!privileged || !hasProgram("unshare")) return false;
  return run("unshare", ["--mount", "sh", "-c", words.join(" && ")]).status === 0;
}

const tmpfs = mounts("mount -t tmpfs tmpfs /mnt");
const overlay = mounts(
  "mount -t tmpfs tmpfs /mnt",
  "mkdir /mnt/l /mnt/u /mnt/w /mnt/m",
  "mount -t overlay overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m",
);
const disorder = hasProgram("disorderfs") && hasProgram("fusermount3") && mounts("test -c /dev/fuse");

let base: string;
let inputs: string;
let origin: Origin;
let checkout: string;
let reference: readonly BuiltImage[];
let count = 0;

/** A new directory for one build. */
function place(): string {
  return join(base, `build ${++count}`);
}

/** What the images of the reference are called. */
function expected(images: readonly string[]): Readonly<Record<string, Digest>> {
  return digests(reference.filter(({ image }) => images.includes(image)));
}

/** Builds in other surroundings: the digests have to be those of the reference. */
async function same(images: readonly string[], surroundings: Partial<Surroundings>): Promise<void> {
  const built = await build({ checkout, inputs, work: place(), node: origin.node, images, ...surroundings });
  expect(digests(built)).toEqual(expected(images));
}

/**
 * A command that prepares a checkout and then runs what follows it. The script has the place of the clone in `$to`; it ends by running
 * the build, so that a mount of its own name space goes with it.
 */
function prepared(script: string, to: string): readonly string[] {
  return ["sh", "-c", `to=$1; shift; ${script}`, "sh", to];
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "lockstep-determinism-"));
  await chmod(base, 0o755);
  inputs = join(base, "inputs");
  await packInputs(["static", "web"], inputs);
  if (!git) return;
  origin = await packOrigin(base);
  checkout = await clone(origin, join(base, "checkout"));
  reference = await build({ checkout, inputs, work: place(), node: origin.node, images: all });
});

afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

describe.skipIf(!git)("the same digests come (needs git)", () => {
  it("from this checkout, through the launcher's Node", { timeout: 5 * minutes }, async () => {
    const built = await build({ checkout: root, inputs, work: place(), images: ["static"] });
    expect(digests(built)).toEqual(expected(["static"]));
  });

  it.skipIf(node22 === undefined)("from Node 22 (needs npm)", { timeout: 5 * minutes }, async () => {
    await same(all, { node: node22 ?? "" });
  });

  it.skipIf(node26 === undefined)("from Node 26 (needs npm)", { timeout: 5 * minutes }, async () => {
    await same(all, { node: node26 ?? "" });
  });

  it.skipIf(nodeArm64 === undefined)(
    "from Node for arm64 (needs npm and qemu-user-static)",
    { timeout: 10 * minutes },
    async () => {
      // The C and C++ libraries that this Node needs are those of the arm64 image that was just built.
      const node = reference.find(({ image }) => image === "web");
      const [layer] = node?.platforms.find(({ platform }) => platform === "linux/arm64")?.layers ?? [];
      const libraries = join(base, "arm64");
      await mkdir(libraries);
      const blob = join(node?.layout ?? "", "blobs/sha256", hexOf(layer?.digest ?? "sha256:"));
      run("tar", [
        "-xzf",
        blob,
        "-C",
        libraries,
        "--wildcards",
        "lib",
        "usr/lib/ld-linux-*",
        "usr/lib/aarch64-linux-gnu/*",
      ]);
      await same(small, { before: [qemu ?? "", "-L", libraries], node: nodeArm64 ?? "" });
    },
  );

  it.skipIf(qemuX64 === undefined)(
    "from the compressor on processors without newer instructions (needs qemu-user-static)",
    { timeout: 5 * minutes },
    () => {
      // Not a whole build: emulators of x64 on x64 do not run all of Node. The input is the program's own Node, 8 MiB of it.
      const modules = ["image/deflate.ts", "store/digest.ts"].map((name) => join(checkout, "pipeline", name));
      const script = `
        import { openSync, readSync } from "node:fs";
        import { blockSize, deflate } from ${JSON.stringify(modules[0])};
        import { Digester } from ${JSON.stringify(modules[1])};
        const [file, digester, block] = [openSync(${JSON.stringify(origin.node)}), new Digester(), Buffer.alloc(blockSize)];
        for (let i = 0; i < 8; i++) {
          readSync(file, block, 0, blockSize, 64 * blockSize + i * blockSize);
          digester.update(await deflate(block, 0));
        }
        console.log(digester.finish());`;
      const args = [origin.node, "--input-type=module", "--eval", script];
      const [program = "", ...rest] = args;
      const here = run(program, rest).stdout.toString();
      expect(here).toMatch(/^sha256:[0-9a-f]{64}\n$/);
      for (const model of ["qemu64", "Nehalem"]) {
        expect(run(qemuX64 ?? "", ["-cpu", model, ...args]).stdout.toString(), model).toBe(here);
      }
    },
  );

  it.skipIf(!privileged || !hasProgram("setpriv") || !hasProgram("faketime"))(
    "from another user's clone in another directory with umask 077, zone, language and year (needs root, setpriv, faketime)",
    { timeout: 5 * minutes },
    async () => {
      const work = join(place(), "deep", "er", "mit Ümlaut");
      await mkdir(work, { recursive: true });
      await chown(work, 65534, 65534);
      const to = join(work, "clone");
      const otherwise = [...nobody, ...prepared(`umask 077; ${cloneWords(origin)} && exec "$@"`, to)];
      await same(all, {
        work,
        checkout: to,
        before: [...otherwise, "faketime", "-m", "2001-02-03 04:05:06"],
        env: { TZ: "America/St_Johns", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", DONT_FAKE_MONOTONIC: "1" },
      });
    },
  );

  it.skipIf(!privileged || !hasProgram("setpriv") || !hasProgram("unshare"))(
    "from a user name space, where files belong to nobody (needs root, setpriv, unshare)",
    { timeout: 5 * minutes },
    async (context) => {
      const work = place();
      await mkdir(work, { recursive: true });
      await chown(work, 65534, 65534);
      const before = [...nobody, "unshare", "--user", "--map-root-user"];
      if (run(before[0] ?? "", [...before.slice(1), "true"]).status !== 0)
        context.skip("user name spaces are switched off here");
      await same(small, { work, before });
    },
  );

  it.skipIf(!hasProgram("faketime"))(
    "in the year 2039, when certificates and releases have expired (needs faketime)",
    { timeout: 5 * minutes },
    async () => {
      await same(small, { before: ["faketime", "-m", "2039-06-07 08:09:10"], env: { DONT_FAKE_MONOTONIC: "1" } });
    },
  );

  it.skipIf(!hasProgram("taskset"))("on one processor (needs taskset)", { timeout: 5 * minutes }, async () => {
    await same(small, { before: ["taskset", "--cpu-list", "0"] });
  });

  it.skipIf(!tmpfs)("on tmpfs (needs root and mounts)", { timeout: 5 * minutes }, async () => {
    const work = place();
    const there = join(work, "mounted");
    await mkdir(there, { recursive: true });
    const script = `mount -t tmpfs tmpfs '${there}' && ${cloneWords(origin)} && exec "$@"`;
    const to = join(there, "clone");
    const before = ["unshare", "--mount", ...prepared(script, to)];
    await same(small, { work, checkout: to, before, env: { LOCKSTEP_STORE: join(there, "store") } });
  });

  it.skipIf(!overlay)("on overlayfs (needs root and mounts)", { timeout: 5 * minutes }, async () => {
    const work = place();
    const there = join(work, "mounted");
    await mkdir(there, { recursive: true });
    const to = join(there, "merged");
    const options = `lowerdir=${checkout},upperdir=${there}/upper,workdir=${there}/work`;
    const lines = [
      `mount -t tmpfs tmpfs '${there}'`,
      `mkdir '${there}/upper' '${there}/work' "$to"`,
      `mount -t overlay overlay -o '${options}' "$to"`,
      // A file that was changed lies in the upper layer, the others in the lower one.
      `touch "$to/images/tiny/files/apple"`,
      `exec "$@"`,
    ];
    const before = ["unshare", "--mount", ...prepared(lines.join(" && "), to)];
    await same(small, { work, checkout: to, before, env: { LOCKSTEP_STORE: join(to, "store") } });
  });

  it.skipIf(!disorder)(
    "from a checkout whose directories list in random order (needs root, disorderfs)",
    { timeout: 5 * minutes },
    async (context) => {
      const work = place();
      const to = join(work, "shuffled");
      await mkdir(to, { recursive: true });
      const shuffle = `disorderfs --quiet --multi-user=yes --shuffle-dirents=yes --reverse-dirents=no '${checkout}' "$to"`;
      if (run("unshare", ["--mount", "sh", "-c", `to=$1; ${shuffle} && fusermount3 -u "$to"`, "sh", to]).status !== 0)
        context.skip("FUSE does not work here");
      // The file system is unmounted whatever the build said, so that its process ends.
      const script = `${shuffle} || exit 9; "$@"; code=$?; cd /; fusermount3 -u "$to"; exit $code`;
      await same(small, { work, checkout: to, before: ["unshare", "--mount", ...prepared(script, to)] });
    },
  );
});
