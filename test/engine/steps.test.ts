import { chmodSync, cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { readLayer } from "../build/tiny-repository.ts";
import { build, fetchInputs } from "../peers/builds.ts";
import { root, run } from "../support.ts";
import { type Called, engineMissing, Module, topLayer } from "./engine.ts";

const minutes = 60_000;

/** Images on the compiler of the samples, each with one step that is a script. */
const scripts: Readonly<Record<string, string>> = {
  surroundings: [
    "mkdir /seen && cd /seen",
    "env | sort > env",
    "umask > umask",
    "id -u > user",
    "nproc > processors",
    "cat /proc/sys/kernel/hostname > host",
    "cat /proc/net/dev | tail -n +3 | cut -d: -f1 > interfaces",
    "tr '\\0' ' ' < /proc/1/cmdline > first",
  ].join("\n"),
  // Hard links, owners, modes and a capability survive what lies between the step and its layer; the rest of the tree is as it was.
  exact: [
    "mkdir /srv/d && cd /srv/d && chmod 1750 .",
    "echo a > one && ln one two && chown 1234:70000 one && chmod 2644 one",
    "cp /bin/true cap && tcc -run /tmp/../srv/set.c cap && rm /srv/set.c",
    "rm -r /usr/share/doc/tcc && ln -s ../nowhere link && touch /var/log/x /tmp/y",
  ].join("\n"),
  clock:
    "printf '#include <stdio.h>\\nint main(void) { puts(__DATE__ __TIME__); return 0; }' > /a.c && tcc -o /a /a.c && rm /a.c",
  random: "cat /proc/sys/kernel/random/uuid > /uuid",
  identity: "echo 0123456789abcdef0123456789abcdef > /etc/machine-id && mkfifo /pipe",
  failing: "echo one; echo two >&2; exit 7",
  // As the kernel does when memory runs out.
  killed: "echo last; kill -KILL $$",
};

const setCapability = `#include <stdio.h>
int setxattr(const char *, const char *, const void *, unsigned long, int);
int main(int count, char **words) {
  /* VFS_CAP_REVISION_2, effective, CAP_NET_BIND_SERVICE (linux/capability.h) */
  unsigned int capability[5] = {0x02000001, 1 << 10, 0, 0, 0};
  return setxattr(words[1], "security.capability", capability, sizeof capability, 0) != 0;
}
`;

describe.skipIf(engineMissing !== undefined)(
  `steps on a real engine (needs ${engineMissing ?? "nothing more"})`,
  () => {
    let directory: string;
    let repository: string;
    let module: Module;

    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    };
    const call = (args: readonly string[], source = repository): Promise<Called> =>
      module.call([...args.slice(0, 1), "--source", source, ...args.slice(1)]);

    /** The uppermost layer of an image, exported from the engine. */
    const layer = async (image: string): ReturnType<typeof readLayer> => {
      const out = join(directory, "out", image);
      const called = await call(["build", "--image", image, "layout", "export", "--path", out]);
      expect(called.code, called.stderr).toBe(0);
      return topLayer(out);
    };

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "lockstep-steps-"));
      repository = join(directory, "repository");
      const inputs = (await fetchInputs([])).store.directory;
      const [toolbox] = await build({ inputs, work: join(directory, "local"), images: ["toolbox"] });
      module = await Module.prepare(directory, toolbox?.layout ?? "");
      write("images/compiler/image.yaml", readFileSync(join(root, "images/compiler/image.yaml"), "utf8"));
      for (const [image, script] of Object.entries(scripts)) {
        const set = image === "exact" ? "  - files: { from: set.c, into: /srv/set.c }\n" : "";
        write(
          `images/${image}/image.yaml`,
          `name: ${image}\nplatforms: [linux/amd64]\nfrom: compiler\nlayers:\n${set}  - run: { script: ${JSON.stringify(script)} }\n`,
        );
      }
      write("images/exact/set.c", setCapability);
      write(
        "images/slow/image.yaml",
        "name: slow\nplatforms: [linux/amd64]\nfrom: compiler\nlayers:\n  - run: { argv: [/usr/bin/sleep, '600'], timeout: 1 }\n",
      );
      const pinned = run(join(root, "lockstep"), ["pin", "--quiet", "-C", repository]);
      expect(pinned.status, pinned.stderr.toString("utf8")).toBe(0);
    }, 15 * minutes);

    afterAll(async () => {
      await rm(directory, { recursive: true, force: true });
    });

    it(
      "see what the plan says, and nothing else of the engine or of a network",
      async () => {
        const entries = await layer("surroundings");
        const seen = Object.fromEntries(
          entries.map((entry) => [entry.path.replace("seen/", ""), (entry.content ?? "").trim()]),
        );
        const plan = run(join(root, "lockstep"), ["steps", "surroundings", "--quiet", "-C", repository]);
        expect(plan.status, plan.stderr.toString("utf8")).toBe(0);
        expect(seen["umask"]).toBe("0022");
        expect(seen["user"]).toBe("0");
        expect(seen["processors"]).toBe("1");
        expect(seen["host"]).toBe("dagger");
        expect(seen["interfaces"]?.trim()).toBe("lo");
        expect(seen["first"]).not.toContain("lockstep");
        const variables = (seen["env"] ?? "").split("\n").map((line) => line.replace(/=.*/, ""));
        expect(variables.filter((name) => !["OLDPWD", "PWD"].includes(name))).toEqual(
          "CARGO_BUILD_JOBS CMAKE_BUILD_PARALLEL_LEVEL GOMAXPROCS HOME LANG LC_ALL LOGNAME MAKEFLAGS OMP_NUM_THREADS PATH PYTHONDONTWRITEBYTECODE PYTHONHASHSEED SHELL SOURCE_DATE_EPOCH TMPDIR TZ USER".split(
            " ",
          ),
        );
      },
      12 * minutes,
    );

    it(
      "become a layer of exactly what they did: owners, modes, hard links, capabilities, whiteouts",
      async () => {
        const entries = await layer("exact");
        const short = entries.map(
          ({ path, type, mode, uid, gid }) => `${path} ${type} ${mode.toString(8)} ${uid}:${gid}`,
        );
        expect(short).toEqual([
          "srv/d directory 1750 0:0",
          "srv/.wh.set.c file 644 0:0",
          "srv/d/cap file 755 0:0",
          "srv/d/link symlink 777 0:0",
          "srv/d/one file 2644 1234:70000",
          "srv/d/two hardlink 2644 1234:70000",
          "usr/share/doc/.wh.tcc file 644 0:0",
        ]);
        const capability = entries.find(({ path }) => path === "srv/d/cap")?.xattrs?.["security.capability"];
        expect(Buffer.from(capability ?? []).toString("hex")).toBe("0100000200040000000000000000000000000000");
      },
      12 * minutes,
    );

    it(
      "give the same digest again, also from files with other times and modes",
      async () => {
        const digests = async (source: string): Promise<string> =>
          (await call(["build", "--image", "exact", "digests"], source)).stdout;
        const first = await digests(repository);
        expect(first).toMatch(/^exact sha256:[0-9a-f]{64}$/m);
        const again = await call(["verify", "--image", "exact", "--again"]);
        expect(again.stdout.trim()).toBe(`exact: reproduced ${first.trim().replace("exact ", "")}`);
        const copy = join(directory, "copy");
        cpSync(repository, copy, { recursive: true });
        utimesSync(join(copy, "images/exact/set.c"), 7, 7);
        chmodSync(join(copy, "images/exact/set.c"), 0o600);
        expect(await digests(copy)).toBe(first);
      },
      12 * minutes,
    );

    it.each([
      ["T14: a program with the time in it differs when it is compiled again", "clock"],
      ["a step whose result depends on random numbers differs when it is run again", "random"],
    ])(
      "%s",
      async (_, image) => {
        const called = await call(["verify", "--image", image, "--again"]);
        expect(called.code).not.toBe(0);
        expect(called.stderr).toContain(`LS5001 ${image}: the rebuild differs`);
        expect(called.stderr).toContain("layer 2 of 2");
      },
      12 * minutes,
    );

    it(
      "LS9008: are refused when they leave an identity or a pipe, with the paths",
      async () => {
        const called = await call(["build", "--image", "identity", "digests"]);
        expect(called.stderr).toContain("the step left the identity of a machine at /etc/machine-id");
        expect(called.stderr).toContain("the step left a pipe at /pipe");
        expect(called.code).not.toBe(0);
      },
      12 * minutes,
    );

    it(
      "LS9007: are told with their last lines when they fail, and when they take too long",
      async () => {
        const failed = await call(["build", "--image", "failing", "digests"]);
        expect(failed.stderr).toContain(
          "LS9007 lockstep: run echo one; echo two >&2; exit 7 ended with code 7:\none\ntwo",
        );
        const killed = await call(["build", "--image", "killed", "digests"]);
        expect(killed.stderr).toContain("$$ was killed (code 137), as when memory runs out:\nlast");
        const slow = await call(["build", "--image", "slow", "digests"]);
        expect(slow.stderr).toContain("LS9007 lockstep: run /usr/bin/sleep 600 took longer than its timeout");
      },
      12 * minutes,
    );

    it(
      "of the samples: what was compiled runs, and a Dockerfile gives what its stages make",
      async () => {
        const hello = [
          "build",
          "--image",
          "hello",
          "as-container",
          "with-exec",
          "--args",
          "/usr/local/bin/hello",
          "stdout",
        ];
        expect((await module.call(hello)).stdout.trim()).toBe("hello");
        const out = join(directory, "legacy");
        const file = ["build", "--image", "legacy", "as-container", "file", "--path", "/srv/greeting.txt", "export"];
        await module.call([...file, "--path", out]);
        expect(readFileSync(out, "utf8")).toBe("good evening\n");
        const verified = await module.call(["verify", "--image", "hello", "--image", "legacy", "--again"]);
        expect(verified.stdout.trim()).toMatch(/^hello: reproduced sha256:\w+\nlegacy: reproduced sha256:\w+$/);
      },
      12 * minutes,
    );
  },
);
