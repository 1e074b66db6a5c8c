import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type BuiltImage, prepareSteps } from "../../../pipeline/build/build.ts";
import { layerKey } from "../../../pipeline/build/plan.ts";
import { treeOf } from "../../../pipeline/build/step/below.ts";
import { flatten } from "../../../pipeline/build/step/flatten.ts";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { hexOf } from "../../../pipeline/store/digest.ts";
import { describeVerdict } from "../../../pipeline/cli/verify.ts";
import { examineSteps } from "../../../pipeline/verify/perturb/examine-steps.ts";
import { stepPerturbations } from "../../../pipeline/verify/perturb/step-table.ts";
import { verifyImages } from "../../../pipeline/verify/verify.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { image, readLayer } from "../tiny-repository.ts";
import { canUnpack, type StepScene, stepScene, unpack } from "./step-scene.ts";

const tiny = {
  name: "tiny",
  architecture: "all",
  data: [
    { name: "./usr/bin/a", content: "a", mode: 0o4755 },
    { name: "./usr/bin/b", flag: "1", link: "./usr/bin/a" },
    { name: "./usr/share/doc/one", content: "1" },
    { name: "./usr/share/doc/two", content: "2" },
    { name: "./usr/share/gone/x/y", content: "y" },
    { name: "./usr/share/link", flag: "2", link: "doc/one" },
    { name: "./var/log/x.log", content: "before" },
  ],
} as const;

const run1 = "  - run: { argv: [/usr/bin/make] }\n";

function never(): never {
  throw new Error("there is nothing");
}

function app(more = ""): Promise<StepScene> {
  return stepScene({ images: { app: image("tiny", `${run1}${more}`) }, packages: [tiny] });
}

async function codesOf(building: Promise<unknown>): Promise<readonly string[]> {
  try {
    await building;
    return [];
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.problems.map(({ code, message }) => `${code} ${message}`);
  }
}

function write(directory: string, path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
  chmodSync(join(directory, path), mode);
}

/** The layer of the only image's only platform, by its number from the top. */
function layerOf([built]: readonly BuiltImage[], fromTop = 0) {
  const layer = built?.platforms[0]?.layers.at(-1 - fromTop);
  if (built === undefined || layer === undefined) throw new Error("nothing is built");
  return { layout: built.layout, digest: layer.digest };
}

/** What `find` and getcap see below a directory: an oracle that knows nothing of layers. */
function listing(directory: string): readonly string[] {
  const format = "%P %y %m %U:%G %l\\n";
  const found = run("find", [".", "-mindepth", "1", "-printf", format], { cwd: directory }).stdout.toString("utf8");
  const sums = run("find", [".", "-type", "f", "-exec", "sha256sum", "{}", "+"], { cwd: directory }).stdout;
  const links = run(
    "sh",
    [
      "-c",
      "find . -type f -links +1 -printf '%i %P\\n' | sort | awk '{ n[$1] = n[$1] \" \" $2 } END { for (i in n) print n[i] }'",
    ],
    { cwd: directory },
  );
  const caps = run("getcap", ["-r", "."], { cwd: directory }).stdout;
  return [found, sums.toString("utf8"), links.stdout.toString("utf8"), caps.toString("utf8")]
    .flatMap((text) => text.split("\n"))
    .filter((line) => line !== "")
    .toSorted();
}

/** Unpacks layers one on the other with GNU tar and rm, as a runtime would. */
async function unpacked(layout: string, layers: BuiltImage["platforms"][number]["layers"]): Promise<string> {
  const directory = temporaryDirectory();
  const archive = join(temporaryDirectory(), "layer.tar");
  for (const { digest } of layers) {
    for (const { path, type } of await readLayer(layout, digest)) {
      const name = path.slice(path.lastIndexOf("/") + 1);
      if (name.startsWith(".wh.")) rmSync(join(directory, dirname(path), name.slice(4)), { recursive: true });
      // What is no directory replaces one.
      else if (type !== "directory") rmSync(join(directory, path), { recursive: true, force: true });
    }
    writeFileSync(archive, gunzipSync(readFileSync(join(layout, "blobs/sha256", hexOf(digest)))));
    unpack(archive, directory);
  }
  run("find", [directory, "-name", ".wh.*", "-delete"]);
  return directory;
}

describe("an image with a step", () => {
  it("LS9006: is refused without an engine, with the line for one", async () => {
    const at = await app();
    at.forget();
    await expect(at.build()).rejects.toThrow(
      'LS9006 images/app/image.yaml image "app" on linux/amd64 has a step that runs code: run /usr/bin/make; build it on a Dagger engine: dagger call build --image app',
    );
  });

  it.skipIf(!canUnpack)(
    "is built from what the step left, and known by its plan ever after (needs root, tar)",
    async () => {
      const at = await app("  - symlinks: [{ path: /opt/x, target: /made }]\n");
      expect(await at.step((directory) => write(directory, "made", "it"))).toBe(1);
      expect(await at.step(() => {})).toBe(0);
      const first = await at.build();
      expect(await readLayer(layerOf(first, 1).layout, layerOf(first, 1).digest)).toEqual([
        { type: "file", path: "made", mode: 0o644, uid: 0, gid: 0, mtime: 1767323045, size: 2, content: "it" },
      ]);
      expect(first[0]?.platforms[0]?.steps).toEqual([
        { title: "lockstep: run /usr/bin/make", directories: 0, entries: 1, removed: [], leftOut: [] },
      ]);
      expect(await at.step(() => {})).toBe(0);
      at.forget();
      const second = await at.build();
      expect(second[0]?.index.descriptor.digest).toBe(first[0]?.index.descriptor.digest);
      expect(second[0]?.platforms[0]?.cached).toBe(true);
    },
  );

  it.skipIf(!canUnpack)(
    "has an empty layer for a step that did nothing, whatever the times it left (needs root, tar)",
    async () => {
      const at = await app();
      await at.step((directory) => {
        for (const path of ["usr/bin/a", "usr/share/doc", "usr/share/doc/one"]) utimesSync(join(directory, path), 7, 7);
      });
      const built = await at.build();
      expect(await readLayer(layerOf(built).layout, layerOf(built).digest)).toEqual([]);
    },
  );

  it.skipIf(!canUnpack || !hasProgram("setcap") || !hasProgram("getcap"))(
    "is on unpacking what the step left: owners, modes, links, capabilities, all that is gone (needs root, tar, setcap, getcap)",
    async () => {
      const at = await app();
      let left = "";
      await at.step((directory) => {
        left = directory;
        const here = (path: string): string => join(directory, path);
        write(directory, "srv/own", "own", 0o640);
        chownSync(here("srv/own"), 1234, 70_000);
        write(directory, "srv/setuid", "x", 0o6755);
        mkdirSync(here("srv/sticky"));
        chmodSync(here("srv/sticky"), 0o1777);
        cpSync("/bin/true", here("srv/cap"));
        run("setcap", ["cap_net_bind_service+ep", here("srv/cap")]);
        linkSync(here("srv/own"), here("srv/other"));
        // A new name of a file from below, one name less of another, and one that is rewritten.
        linkSync(here("usr/bin/a"), here("usr/bin/c"));
        writeFileSync(here("usr/share/doc/one"), "1!");
        unlinkSync(here("usr/share/doc/two"));
        rmSync(here("usr/share/gone"), { recursive: true });
        rmSync(here("usr/share/link"));
        mkdirSync(here("usr/share/link"));
        write(directory, "usr/share/link/in", "in");
        chmodSync(here("usr/share/doc"), 0o700);
        chownSync(here("usr/share/doc"), 5, 6);
        symlinkSync("../nowhere", here("srv/dangling"));
        write(directory, `srv/${"long".repeat(40)}/ü`, "u");
      });
      const [built] = await at.build();
      const layout = built?.layout ?? "";
      const layers = built?.platforms[0]?.layers ?? [];
      expect(listing(await unpacked(layout, layers))).toEqual(listing(left));
      const entries = await readLayer(layout, layers.at(-1)?.digest ?? "sha256:");
      expect(new Set(entries.map(({ mtime }) => mtime))).toEqual(new Set([1767323045]));
      const paths = entries.filter(({ type }) => type !== "directory").map(({ path }) => path);
      expect(paths).toEqual(paths.toSorted());
      expect(paths.filter((path) => path.includes(".wh."))).toEqual(["usr/share/.wh.gone", "usr/share/doc/.wh.two"]);
    },
  );

  it.skipIf(!canUnpack)(
    "S5, S7, S10, S11, S18, S24: takes no state of the machine, and what was there stays (needs root, tar)",
    async () => {
      const at = await app();
      const state = [
        "etc/group-",
        "etc/.pwd.lock",
        "var/cache/ldconfig/aux-cache",
        "var/cache/apt/pkgcache.bin",
        "var/cache/fontconfig/x",
        "var/cache/debconf/config.dat-old",
        "var/lib/apt/lists/x",
        "var/log/x.log",
        "root/.cache/x",
        "root/.bash_history",
      ];
      const container = ["etc/hosts", "etc/hostname", "etc/resolv.conf", "tmp/x", "run/x", "proc/x", "var/tmp/x"];
      await at.step((directory) => {
        for (const path of [...state, ...container]) write(directory, path, "now");
      });
      const built = await at.build();
      const entries = await readLayer(layerOf(built).layout, layerOf(built).digest);
      expect(entries.filter(({ type }) => type !== "directory")).toEqual([]);
      const [outcome] = built[0]?.platforms[0]?.steps ?? [];
      for (const path of state) expect(outcome?.leftOut).toContain(path);
      for (const path of container) expect(outcome?.leftOut).not.toContain(path);
    },
  );

  it.skipIf(!canUnpack || !hasProgram("python3"))(
    "LS9008: S1, S4, S20: refuses identities, keys, sockets, devices, pipes and names that delete, all at once (needs root, tar, python3)",
    async () => {
      const at = await app();
      await at.step((directory) => {
        write(directory, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        write(directory, "etc/ssh/ssh_host_rsa_key", "key");
        write(directory, "var/lib/systemd/random-seed", "seed");
        write(directory, "boot/initrd.img-6", "initrd");
        write(directory, "srv/.wh.x", "");
        run("mkfifo", [join(directory, "srv/pipe")]);
        run("mknod", [join(directory, "srv/null"), "c", "1", "3"]);
        write(directory, "srv/attribute", "x");
        run("python3", [
          "-c",
          `import os; os.setxattr(${JSON.stringify(join(directory, "srv/attribute"))}, "trusted.x", b"y")`,
        ]);
      });
      const problems = await codesOf(at.build());
      expect(problems.map((problem) => problem.replace("lockstep: run /usr/bin/make: ", "")).toSorted()).toEqual([
        "LS9008 the step left a device at /srv/null",
        "LS9008 the step left a host key at /etc/ssh/ssh_host_rsa_key",
        'LS9008 the step left a name that begins with ".wh." at /srv/.wh.x',
        "LS9008 the step left a pipe at /srv/pipe",
        "LS9008 the step left a random seed at /var/lib/systemd/random-seed",
        "LS9008 the step left an initial file system of a kernel at /boot/initrd.img-6",
        "LS9008 the step left something with the attribute trusted.x, which no image carries at /srv/attribute",
        "LS9008 the step left the identity of a machine at /etc/machine-id",
      ]);
    },
  );

  it.skipIf(!canUnpack || !hasProgram("python3"))(
    "LS9008: refuses a socket, which tar would leave out (needs root, tar, python3)",
    async () => {
      const at = await app();
      await at.step((directory) => {
        mkdirSync(join(directory, "srv"));
        const script = `import socket, os; os.chdir(${JSON.stringify(join(directory, "srv"))}); socket.socket(socket.AF_UNIX).bind("s")`;
        spawnSync("python3", ["-c", script]);
      });
      expect(await codesOf(at.build())).toEqual([
        "LS9008 lockstep: run /usr/bin/make: the step left a socket at /srv/s",
      ]);
    },
  );

  it.skipIf(!canUnpack)("takes an empty machine-id: it says that there is none (needs root, tar)", async () => {
    const at = await app();
    await at.step((directory) => write(directory, "etc/machine-id", ""));
    const built = await at.build();
    const entries = await readLayer(layerOf(built).layout, layerOf(built).digest);
    expect(entries.map(({ path }) => path)).toEqual(["etc/machine-id"]);
  });

  it.skipIf(!canUnpack)("LS9009: refuses changes of what Lockstep makes, removals too (needs root, tar)", async () => {
    const at = await app();
    await at.step((directory) => {
      writeFileSync(join(directory, "etc/passwd"), "root:x:0:0::/:/bin/sh\nnew:x:1:1::/:/bin/sh\n");
      unlinkSync(join(directory, "var/lib/dpkg/status"));
    });
    expect(await codesOf(at.build())).toEqual([
      "LS9009 lockstep: run /usr/bin/make: the step changed /etc/passwd, which Lockstep makes",
      "LS9009 lockstep: run /usr/bin/make: the step changed /var/lib/dpkg/status, which Lockstep makes",
    ]);
  });

  it.skipIf(!canUnpack)(
    "LS4007: refuses names that are not UTF-8, and leaves nothing half written (needs root, tar)",
    async () => {
      const at = await app();
      await at.step((directory) => writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff)]), "x"));
      expect((await codesOf(at.build()))[0]).toMatch(/^LS4007 /);
      expect(() => readFileSync(join(at.out, "app/index.json"))).toThrow("ENOENT");
    },
  );

  it("LS9012: tells a result that cannot be read", async () => {
    const at = await app();
    const planned = await at.plan();
    const [first] = planned;
    const index = (first?.plan.layers.length ?? 0) - 1;
    if (first === undefined) throw new Error("nothing is planned");
    mkdirSync(join(at.directory, "steps", layerKey(first.plan, index)), { recursive: true });
    const { buildImages } = await import("../../../pipeline/build/build.ts");
    const host = {
      ...at.host,
      filter: async function* () {
        yield Buffer.alloc(0);
        throw new Error("tar: unrecognized option: xattrs");
      },
    };
    const building = buildImages(host, { inputs: at.store, results: at.store }, silent, planned, { out: at.out });
    expect(await codesOf(building)).toEqual([
      "LS9012 lockstep: run /usr/bin/make: the result could not be read: tar: unrecognized option: xattrs",
    ]);
  });
});

describe("layers above a step", () => {
  it.skipIf(!canUnpack)("know what it made and what it took away (needs root, tar)", async () => {
    const at = await app(
      "  - directories: [{ path: /usr/share/doc, mode: '0700' }, { path: /made/in, mode: '0755' }]\n  - symlinks: [{ path: /usr/share/gone, target: /x }]\n",
    );
    await at.step((directory) => {
      rmSync(join(directory, "usr/share/gone"), { recursive: true });
      mkdirSync(join(directory, "made"));
      chmodSync(join(directory, "made"), 0o700);
    });
    const built = await at.build();
    const [links, directories] = [layerOf(built), layerOf(built, 1)];
    expect(
      (await readLayer(directories.layout, directories.digest)).map(({ path, mode }) => `${path} ${mode.toString(8)}`),
    ).toEqual(["made/in 755", "usr/share/doc 700"]);
    expect((await readLayer(links.layout, links.digest)).map(({ path }) => path)).toEqual(["usr/share/gone"]);
  });

  it.skipIf(!canUnpack)("LS4203: are not below a link that it made (needs root, tar)", async () => {
    const at = await app("  - symlinks: [{ path: /made/x, target: y }]\n");
    await at.step((directory) => symlinkSync("usr", join(directory, "made")));
    expect((await codesOf(at.build()))[0]).toMatch(/^LS4203 .* needs made to be a directory/);
  });

  it.skipIf(!canUnpack)(
    "may be of an image that is from it, which takes its layers as they are, and of another step (needs root, tar)",
    async () => {
      const at = await stepScene({
        images: {
          app: image("tiny", run1),
          more: `from: app\nplatforms: [linux/amd64]\nlayers:\n  - run: { argv: [/usr/bin/more] }\n`,
        },
        packages: [tiny],
      });
      expect(await at.step((directory) => write(directory, "one", "1"))).toBe(1);
      expect(await at.step((directory) => renameSync(join(directory, "one"), join(directory, "two")), ["more"])).toBe(
        1,
      );
      const built = await at.build();
      const [first, second] = ["app", "more"].map((name) => built.find((item) => item.image === name));
      expect(second?.platforms[0]?.layers.slice(0, -1)).toEqual(first?.platforms[0]?.layers);
      const { layout, digest } = layerOf(second === undefined ? [] : [second]);
      expect((await readLayer(layout, digest)).map(({ path }) => path)).toEqual([".wh.one", "two"]);
    },
  );
});

describe("a step in an image with tools", () => {
  const tools = (outputs: string): Parameters<typeof stepScene>[0] => ({
    images: {
      app: `platforms: [linux/amd64]\nlayers:\n  - run:\n      argv: [/usr/bin/cc]\n      tools: tools\n      files: [{ from: src, into: /src }]\n      outputs: ${outputs}\n`,
      tools: image("tiny"),
    },
    packages: [tiny],
    files: { "images/app/src/a.c": "int main;" },
  });

  it.skipIf(!canUnpack)("gives its outputs, where the spec says, and nothing else (needs root, tar)", async () => {
    const at = await stepScene(tools("[{ from: /out, into: /opt/app }, { from: /usr/bin/a, into: /usr/bin/a }]"));
    const [planned] = await at.plan(at.host, ["app"]);
    expect(planned?.plan.epoch).toBe(1767323045);
    await at.step(
      (directory) => {
        write(directory, "out/bin/x", "x", 0o755);
        linkSync(join(directory, "out/bin/x"), join(directory, "out/y"));
        symlinkSync("bin/x", join(directory, "out/z"));
        write(directory, "elsewhere", "no");
      },
      ["app"],
    );
    const built = await at.build({ names: ["app"] });
    const { layout, digest } = layerOf(built);
    const entries = await readLayer(layout, digest);
    expect(entries.map((entry) => [entry.path, entry.type, entry.mode.toString(8)])).toEqual([
      ["opt", "directory", "755"],
      ["opt/app", "directory", "755"],
      ["opt/app/bin", "directory", "755"],
      ["usr", "directory", "755"],
      ["usr/bin", "directory", "755"],
      ["opt/app/bin/x", "file", "755"],
      ["opt/app/y", "hardlink", "755"],
      ["opt/app/z", "symlink", "777"],
      ["usr/bin/a", "file", "4755"],
    ]);
    expect(built[0]?.platforms[0]?.layers).toHaveLength(1);
  });

  it.skipIf(!canUnpack)(
    "LS9010, LS9008: refuses outputs that are not there, and those that would be where nothing may be (needs root, tar)",
    async () => {
      const at = await stepScene(tools("[{ from: /none, into: /opt/a }, { from: /out, into: / }]"));
      await at.step((directory) => write(directory, "out/etc/passwd", "root"), ["app"]);
      expect(await codesOf(at.build({ names: ["app"] }))).toEqual([
        "LS9010 lockstep: run /usr/bin/cc: the step made no /none",
        "LS9008 lockstep: run /usr/bin/cc: /out/etc/passwd would be /etc/passwd, which is made by Lockstep",
      ]);
    },
  );
});

describe("verify of an image with a step", () => {
  it.skipIf(!canUnpack)("asks for a second run, and says what it finds (needs root, tar)", async () => {
    const at = await app();
    await at.step((directory) => write(directory, "made", "it"));
    const built = await at.build();
    const verify = () => verifyImages(at.host, at.store, silent, built, { root: at.root, again: true });
    const [refused] = await codesOf(verify());
    expect(refused).toBe("LS9006 steps of app have to be run a second time to compare");
    expect(await at.again((directory) => write(directory, "made", "other"))).toBe(1);
    expect((await verify())[0]).toMatchObject({ verdict: "differs", differences: [{ what: "layer 2 of 2" }] });
    rmSync(join(at.directory, "steps/again"), { recursive: true });
    await at.again((directory) => write(directory, "made", "it"));
    expect((await verify())[0]?.verdict).toBe("reproduced");
  });
});

/** Verifies as the module does: as often as a run is missing, that run is made. `made` gives what the step writes. */
async function verified(made: (changed: ReadonlySet<string>, run: number) => string, more = "") {
  const at = await app(more);
  await at.step((directory) => write(directory, "made", made(new Set(), -1)));
  const [built, planned] = [await at.build(), await at.plan()];
  const stores = { inputs: at.store, results: at.store };
  const sets: (readonly string[])[] = [];
  for (;;) {
    const verifying = verifyImages(at.host, at.store, silent, built, { root: at.root, planned, again: true });
    const failed = await verifying.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failed === undefined) return { verdict: (await verifying)[0], sets };
    expect(failed).toMatchObject({ code: "LS9006" });
    const prepared = await prepareSteps(at.host, stores, silent, planned, { every: true });
    const [examined] = await examineSteps(at.host, at.store, prepared, stepPerturbations);
    if (examined?.finding.kind !== "open") throw new Error("no run is missing");
    const { run, perturbations } = examined.finding;
    const names = perturbations.map(({ name }) => name);
    sets.push(names);
    await at.again((directory) => write(directory, "made", made(new Set(names), run)), run);
  }
}

describe("verify of a step that does not give the same", () => {
  it.skipIf(!canUnpack)(
    "names it, and what it depends on, without a rebuild for each rerun (needs root, tar)",
    async () => {
      const { verdict, sets } = await verified((changed) => (changed.has("step-processors") ? "1" : "2"));
      const said =
        "step 1 (images/app/image.yaml:5, run /usr/bin/make): step-processors alone makes the difference (3 reruns): the number of processors shows; fix the number of jobs";
      expect(verdict).toMatchObject({
        verdict: "differs",
        steps: [
          {
            step: 1,
            layer: 2,
            kind: "found",
            perturbations: ["step-processors"],
            text: expect.stringContaining(said) as string,
          },
        ],
      });
      expect(describeVerdict(verdict ?? never())).toContain(`\n  ${said}`);
      expect(sets.length - 1).toBeLessThanOrEqual(4);
      expect(verdict?.steps?.[0]?.runs.map(({ perturbations }) => perturbations)).toEqual(sets);
      const [cause] = verdict?.comparison?.causes ?? [];
      expect(cause).toMatchObject({ id: "E5", count: verdict?.comparison?.differences.length });
      expect(cause?.fix).toMatch(
        /^step 1 \(images\/app\/image\.yaml:5, run \/usr\/bin\/make\): fix the number of jobs/,
      );
    },
  );

  it.skipIf(!canUnpack)(
    "says that it is the clock where the bytes are times: take SOURCE_DATE_EPOCH (needs root, tar)",
    async () => {
      const { verdict, sets } = await verified((_, run) => `made Thu Nov 26 04:07:${21 + run} UTC 2026\n`);
      expect(sets).toHaveLength(2);
      expect(verdict?.steps?.[0]?.text).toBe(
        "step 1 (images/app/image.yaml:5, run /usr/bin/make): differs each time that it is run, with nothing changed (1 rerun): the time at which it runs shows; let it take the time from SOURCE_DATE_EPOCH, which it is given",
      );
      expect(verdict?.comparison?.causes[0]?.id).toMatch(/^T\d+$/);
    },
  );

  it.skipIf(!canUnpack)(
    "says that it is chance where they are none, and blames no other layer (needs root, tar)",
    async () => {
      const { verdict } = await verified(
        (_, run) => `${["2b0c0d6e", "93e1f7a5", "c07a42d9"][run + 1] ?? ""}-6f0a-4c1e-9d53-0242ac120002\n`,
        "  - symlinks: [{ path: /opt/x, target: /made }]\n",
      );
      expect(verdict).toMatchObject({ steps: [{ step: 1, layer: 2, kind: "always" }] });
      expect(verdict?.comparison?.causes[0]).toMatchObject({ id: "E10" });
    },
  );
});

describe("the tree that a step is given", () => {
  it.skipIf(!canUnpack)(
    "is that of all layers below, with times and without what is gone (needs root, tar)",
    async () => {
      const at = await app();
      await at.step((directory) => {
        unlinkSync(join(directory, "usr/bin/a"));
        rmSync(join(directory, "usr/share/gone"), { recursive: true });
        chmodSync(join(directory, "usr/share/doc/one"), 0o600);
      });
      const [built] = await at.build();
      const [planned] = await at.plan();
      const layers = (built?.platforms[0]?.layers ?? []).map(({ digest }, index) => {
        const layer = planned?.plan.layers[index];
        if (layer === undefined) throw new Error("no such layer");
        return { digest, planned: layer };
      });
      const archive = join(at.directory, "all.tar");
      await flatten(at.store, layers, await treeOf(at.store, layers), archive);
      const directory = temporaryDirectory();
      unpack(archive, directory);
      // What tells the engine of other times.
      expect(readFileSync(join(directory, "dev/lockstep-tree"), "utf8")).toMatch(/^[0-9a-f]{64}$/);
      rmSync(join(directory, "dev"), { recursive: true });
      expect(listing(directory)).toEqual(
        listing(await unpacked(built?.layout ?? "", built?.platforms[0]?.layers ?? [])),
      );
      // The content was the removed name's.
      expect(readFileSync(join(directory, "usr/bin/b"), "utf8")).toBe("a");
    },
  );
});
