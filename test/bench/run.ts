/** `npm run bench`: measures Lockstep against other tools and prints ratios. Exit 0 when it ran, whatever the figures are; 1 when a row failed. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../pipeline/host/errors.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { readLock } from "../../pipeline/lock/lockfile.ts";
import { describeMachine } from "./machine.ts";
import { type Bench, type Experiment, type Result, Skip } from "./model.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { wantTime } from "./programs.ts";
import { asMarkdown, asText, type BenchDocument, replaceMarked } from "./report.ts";
import { experiments } from "./rows/rows.ts";
import { Scratch } from "./scratch.ts";

function chosen({ only, quick }: Options): readonly Experiment[] {
  const names = experiments.map(({ name }) => name);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no experiment ${unknown.join(", ")}; there are ${names.join(", ")}`);
  return experiments.filter((item) => (only.length > 0 ? only.includes(item.name) : !quick || item.quick));
}

async function measure(bench: Bench, list: readonly Experiment[]): Promise<BenchDocument> {
  const machine = describeMachine(bench);
  const results: Result[] = [];
  const skipped: { name: string; reason: string }[] = [];
  if (!wantTime(bench)) skipped.push({ name: "memory and CPU time", reason: "GNU time not installed" });
  for (const { name, rows, run } of list) {
    bench.say(`${name} (${rows.length === 1 ? "row" : "rows"} ${rows.join(", ")})`);
    try {
      results.push(...(await run(bench)));
    } catch (error) {
      // A long run is not lost for one row.
      const failed = !(error instanceof Skip);
      const reason = `${failed ? "failed: " : ""}${messageOf(error).trim()}`;
      if (failed) process.exitCode = 1;
      bench.say(`  ${reason}`);
      skipped.push({ name, reason });
    }
  }
  // What was installed on the way is in the versions only now.
  const programs = describeMachine(bench).programs;
  return {
    version: 1,
    machine: { ...machine, programs },
    rounds: bench.rounds,
    results: results.toSorted((a, b) => a.row - b.row),
    skipped,
  };
}

async function main(options: Options): Promise<void> {
  const list = chosen(options);
  const host = createHost();
  const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
  const lock = await readLock(root);
  const scratch = new Scratch();
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)
    process.once(signal, () => {
      scratch.close();
      process.exit(code);
    });
  try {
    const bench: Bench = {
      host,
      scratch,
      root,
      lock,
      rounds: options.rounds,
      warmUp: !options.quick,
      say: (line) => process.stderr.write(`${line}\n`),
    };
    const document = await measure(bench, list);
    const json = resolve(root, options.json);
    await mkdir(dirname(json), { recursive: true });
    await writeFile(json, `${JSON.stringify(document, undefined, 2)}\n`);
    if (options.write !== undefined) {
      const file = resolve(root, options.write);
      await writeFile(file, replaceMarked(await readFile(file, "utf8"), asMarkdown(document)));
    }
    process.stdout.write(`${asText(document)}\n${json}\n`);
  } finally {
    scratch.close();
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(usage);
  else await main(options);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
