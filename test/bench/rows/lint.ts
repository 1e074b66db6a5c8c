/** Row 15: the lint of 1,000 Dockerfiles, whole process. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { interleave, timed } from "../measure.ts";
import type { Bench, Contender, Experiment, Result } from "../model.ts";

const amount = 1000;

/** A directory with as many Dockerfiles, each in a folder of its own: those of the corpus by turns, told apart by a comment. */
async function writeFiles(bench: Bench): Promise<string> {
  const corpus = join(bench.root, "test/lint/corpus");
  const names = (await readdir(corpus)).filter((name) => name.endsWith(".Dockerfile")).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(corpus, name), "utf8")));
  const directory = bench.scratch.empty("lint");
  for (let index = 0; index < amount; index++) {
    const folder = join(directory, `service-${index}`);
    await mkdir(folder);
    await writeFile(join(folder, "Dockerfile"), `${texts[index % texts.length]}# service ${index}\n`);
  }
  return directory;
}

async function run(bench: Bench): Promise<readonly Result[]> {
  const directory = await writeFiles(bench);
  let findings = 0;
  const lint: Contender = {
    name: `lockstep check of ${amount} Dockerfiles`,
    async run() {
      // It ends with 1, because there is much to find.
      const script = '"$@" || test $? -eq 1';
      const program = join(bench.root, "lockstep");
      const args = ["-euc", script, "sh", program, "check", "--json", "--root", directory, directory];
      const { sample, stdout } = await timed(bench, { program: "sh", args });
      const { result } = JSON.parse(stdout) as {
        readonly result: { readonly lint: { readonly checked: number; readonly findings: readonly unknown[] } };
      };
      if (result.lint.checked !== amount) throw new Error(`${result.lint.checked} files were linted`);
      findings = result.lint.findings.length;
      return sample;
    },
  };
  const measured = await interleave(bench, [lint]);
  const [ours] = measured;
  if (ours === undefined) throw new Error("nothing was measured");
  return [
    {
      row: 15,
      title: `lint of ${amount} Dockerfiles`,
      figures: [
        { name: "whole process", value: ours.wall.median, unit: "s", target: 2 },
        ...(ours.cpu === undefined ? [] : [{ name: "processor time", value: ours.cpu.median, unit: "s" } as const]),
      ],
      measured,
      notes: [`${findings} findings; the files are those of test/lint/corpus by turns`],
    },
  ];
}

export const lint: Experiment = { name: "lint", rows: [15], quick: true, run };
