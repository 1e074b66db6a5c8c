import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build, fetchInputs } from "../peers/builds.ts";
import { root, run } from "../support.ts";
import { type Called, engineMissing, Module } from "./engine.ts";

const minutes = 60_000;

/** Images with one step, which depends on what nothing fixes. */
const scripts: Readonly<Record<string, string>> = {
  steady: "sort /etc/passwd > /sorted",
  processors: "env -u OMP_NUM_THREADS nproc > /count",
  // Of all directories but those in which the engine itself writes.
  times: "stat -c '%n %Y' /usr /usr/* /var/* /root > /times",
  listings: "ls -U /usr/bin > /list",
  limits: "ulimit -n > /files",
  clock: "date > /date",
  random: "cat /proc/sys/kernel/random/uuid > /uuid",
};

interface Verdict {
  readonly verdict: string;
  readonly steps?: readonly {
    readonly kind: string;
    readonly perturbations: readonly string[];
    readonly text: string;
    readonly runs: readonly unknown[];
  }[];
  readonly comparison?: { readonly causes: readonly { readonly id: string; readonly fix: string }[] };
}

describe.skipIf(engineMissing !== undefined)(
  `steps that differ, on a real engine (needs ${engineMissing ?? "nothing more"})`,
  () => {
    let directory: string;
    let repository: string;
    let module: Module;

    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    };
    const verify = (image: string, ...more: readonly string[]): Promise<Called> =>
      module.call(["verify", "--source", repository, "--image", image, "--again", ...more]);

    /** The document of `verdicts`, of one image. */
    const verdictOf = async (image: string): Promise<Verdict> => {
      const called = await module.call(["verdicts", "--source", repository, "--image", image]);
      expect(called.code, called.stderr).toBe(0);
      const { result } = JSON.parse(called.stdout) as { readonly result: { readonly verdicts: readonly [Verdict] } };
      return result.verdicts[0];
    };

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "lockstep-drift-"));
      repository = join(directory, "repository");
      const inputs = (await fetchInputs([])).store.directory;
      const [toolbox] = await build({ inputs, work: join(directory, "local"), images: ["toolbox"] });
      module = await Module.prepare(directory, toolbox?.layout ?? "");
      const debian = "  - debian: { suite: trixie, packages: [coreutils, dash] }\n";
      write("images/shell/image.yaml", `name: shell\nplatforms: [linux/amd64]\nlayers:\n${debian}`);
      for (const [image, script] of Object.entries(scripts)) {
        const step = `  - run: { script: ${JSON.stringify(script)} }\n`;
        write(`images/${image}/image.yaml`, `name: ${image}\nplatforms: [linux/amd64]\nfrom: shell\nlayers:\n${step}`);
      }
      const pinned = run(join(root, "lockstep"), ["pin", "--quiet", "-C", repository]);
      expect(pinned.status, pinned.stderr.toString("utf8")).toBe(0);
    }, 15 * minutes);

    afterAll(async () => {
      await rm(directory, { recursive: true, force: true });
    });

    it.each(["steady", "times"])(
      "are none where a step depends on nothing of them, or on what is fixed: %s",
      async (image) => {
        expect((await verify(image)).stdout).toMatch(/^\w+: reproduced sha256:[0-9a-f]{64}\n$/);
      },
      12 * minutes,
    );

    it.each([
      ["processors", "the number of processors shows; fix the number of jobs"],
      ["listings", "the order in which directories list their files shows; sort what directories list"],
      ["limits", "limits of processes show"],
    ])(
      "are named with their line and what they depend on: %s",
      async (image, said) => {
        const { verdict, steps = [] } = await verdictOf(image);
        const [step] = steps;
        expect([verdict, steps.length, step?.kind, step?.perturbations]).toEqual([
          "differs",
          1,
          "found",
          [`step-${image}`],
        ]);
        expect(step?.text).toContain(`step 1 (images/${image}/image.yaml:5, run `);
        expect(step?.text).toContain(`): step-${image} alone makes the difference (`);
        expect(step?.text).toContain(said);
        // The one that is compared, and at most ⌈log2 4⌉ + 2 more.
        expect(step?.runs.length).toBeLessThanOrEqual(5);
      },
      15 * minutes,
    );

    it.each([
      ["clock", /^T\d+$/, "let it take the time from SOURCE_DATE_EPOCH, which it is given"],
      ["random", /^E10$/, "find what makes identifiers, keys or temporary names"],
    ])(
      "are told from those that differ with nothing changed: %s",
      async (image, id, fix) => {
        const { verdict, steps = [], comparison } = await verdictOf(image);
        expect([verdict, steps.map(({ kind }) => kind), steps[0]?.runs.length]).toEqual(["differs", ["always"], 2]);
        expect(comparison?.causes[0]?.id).toMatch(id);
        expect(comparison?.causes[0]?.fix).toContain(`step 1 (images/${image}/image.yaml:5`);
        expect(comparison?.causes[0]?.fix).toContain(fix);
      },
      15 * minutes,
    );

    it(
      "are not seen where nothing is changed, and what was asked to be changed alone is",
      async () => {
        expect((await verify("limits", "--perturb", "none")).stdout).toMatch(/^limits: reproduced /);
        const called = await verify("limits", "--perturb", "step-limits,umask");
        expect(called.code).not.toBe(0);
        expect(called.stderr).toContain("LS5001 limits: the rebuild differs");
        expect(called.stderr).toContain("step-limits alone makes the difference");
        expect((await verify("limits", "--perturb", "step-pids,umask")).stdout).toMatch(/^limits: reproduced /);
        expect(readFileSync(join(repository, "images/limits/image.yaml"), "utf8")).toContain("ulimit -n");
      },
      20 * minutes,
    );
  },
);
