/** Row 9: our compressor on 140 MB against gzip and pigz at the same level. */
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { largestLayer } from "../layers.ts";
import { interleave, timed } from "../measure.ts";
import { type Bench, type Contender, type Experiment, type Result, Skip } from "../model.ts";
import { need } from "../programs.ts";
import { createGunzip } from "node:zlib";
import { createReadStream, statSync } from "node:fs";

const inputSize = 140_000_000;

/** 140 MB of what layers consist of: the tar of the image of row 1, from its beginning again where it is shorter. */
async function writeInput(bench: Bench, path: string): Promise<void> {
  const layer = await largestLayer(bench, "gzip");
  const file = await open(path, "wx");
  try {
    for (let left = inputSize; left > 0;)
      for await (const piece of createReadStream(layer).pipe(createGunzip())) {
        const bytes = (piece as Buffer).subarray(0, left);
        await file.writeFile(bytes);
        left -= bytes.length;
        if (left === 0) break;
      }
  } finally {
    await file.close();
  }
}

async function run(bench: Bench): Promise<readonly Result[]> {
  const { host, scratch } = bench;
  need(bench, ["gzip"]);
  const notes: string[] = ["whole processes, from a file to a file"];
  const input = scratch.path("gzip-input");
  await writeInput(bench, input);
  const sizes = new Map<string, number>();
  const program = (name: string, command: readonly string[]): Contender => ({
    name,
    async run() {
      const output = scratch.path("gzip-output");
      const { sample } = await timed(bench, {
        program: "sh",
        args: ["-euc", 'in=$1 out=$2; shift 2; "$@" < "$in" > "$out"', "sh", input, output, ...command],
      });
      sizes.set(name, statSync(output).size);
      scratch.remove(output);
      return sample;
    },
  });
  const contenders = [
    program("Lockstep's FragmentWriter", [host.node, fileURLToPath(new URL("../fragment.ts", import.meta.url))]),
    program("gzip -6", ["gzip", "-6", "-n"]),
  ];
  try {
    need(bench, ["pigz"]);
    contenders.push(program("pigz -6 -p 2", ["pigz", "-6", "-n", "-p", "2"]));
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
    notes.push(`skipped: pigz (${error.message})`);
  }
  const measured = await interleave(bench, contenders);
  const [ours, ...others] = measured;
  if (ours === undefined) throw new Error("nothing was measured");
  return [
    {
      row: 9,
      title: "gzip of 140 MB",
      figures: others.map(({ name, wall }) => ({
        name: `÷ ${name}`,
        value: ours.wall.median / wall.median,
        unit: "×",
      })),
      measured,
      notes: [...notes, ...[...sizes].map(([name, size]) => `${name}: ${(size / 1e6).toFixed(2)} MB`)],
    },
  ];
}

export const gzip: Experiment = { name: "gzip", rows: [9], quick: false, run };
