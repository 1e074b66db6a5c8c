/** Rows 16 to 18: `explain` of one line and one time in 140 MB against diffoscope, of two tiny layouts, and of 2 GB against 2 GB. */
import { createReadStream } from "node:fs";
import { copyFile, mkdir, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Store } from "../../../pipeline/store/store.ts";
import { RawTarReader } from "../../../pipeline/verify/archive/raw-tar.ts";
import { writeLayout } from "../../verify/image-of.ts";
import { largestLayer } from "../layers.ts";
import { lockstep } from "../lockstep.ts";
import { interleave, timed } from "../measure.ts";
import { type Bench, type Contender, type Experiment, type Result, Skip } from "../model.ts";
import { need } from "../programs.ts";
import { peakFigures } from "../statistics.ts";

const gigabytes = 6 * 2 ** 30;

/** The tar of the image of row 1. */
async function writeArchive(bench: Bench, path: string): Promise<void> {
  const layer = await largestLayer(bench, "explain");
  const file = await open(path, "wx");
  await pipeline(createReadStream(layer), createGunzip(), file.createWriteStream());
}

/** Changes a letter of one text file and the time of one entry in the middle, in place. */
async function change(path: string): Promise<void> {
  const reader = new RawTarReader(createReadStream(path, { highWaterMark: 1 << 20 }), path);
  let text: number | undefined;
  let entry: number | undefined;
  let count = 0;
  for (let raw = await reader.next(); raw !== undefined; raw = await reader.next()) {
    if (raw.name.endsWith("/copyright") && raw.stored > 100) text = reader.offset + 50;
    if (raw.type === "file" && ++count === 1000) entry = reader.offset - 512;
  }
  await reader.close();
  if (text === undefined || entry === undefined) throw new Error("the image has not enough files");
  const file = await open(path, "r+");
  try {
    await file.write("@", text);
    const header = Buffer.alloc(512);
    await file.read(header, 0, 512, entry);
    header.write("14000000000\0", 136, "latin1");
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    await file.write(header, 0, 512, entry);
  } finally {
    await file.close();
  }
}

/** Runs a program that ends with 1 when things differ, and does. */
function differing(bench: Bench, program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return timed(bench, { program: "sh", args: ["-euc", '"$@" && exit 9; test $? -eq 1', "sh", program, ...args], env });
}

function explaining(bench: Bench, name: string, a: string, b: string, check: (stdout: string) => void): Contender {
  const env = { LOCKSTEP_STORE: bench.scratch.path("explain-compare") };
  return {
    name,
    async run() {
      const args = ["explain", a, b, "--json"];
      const { sample, stdout } = await differing(bench, join(bench.root, "lockstep"), args, env);
      check(stdout);
      return sample;
    },
  };
}

async function oneLine(bench: Bench): Promise<Result> {
  const { scratch } = bench;
  need(bench, ["diffoscope"]);
  const [a, b] = [scratch.path("explain-a.tar"), scratch.path("explain-b.tar")];
  await writeArchive(bench, a);
  await copyFile(a, b);
  await change(b);
  const ours = explaining(bench, "lockstep explain", a, b, (stdout) => {
    const { result } = JSON.parse(stdout) as { readonly result: { readonly differences: readonly unknown[] } };
    if (result.differences.length !== 2) throw new Error(`${result.differences.length} differences were found`);
  });
  const measured = await interleave(bench, [
    ours,
    { name: "diffoscope", run: async () => (await differing(bench, "diffoscope", [a, b])).sample },
  ]);
  await Promise.all([rm(a), rm(b)]);
  const [mine, other] = measured;
  if (mine === undefined || other === undefined) throw new Error("nothing was measured");
  return {
    row: 16,
    title: "explain one line and one time in an image of 140 MB",
    figures: [
      { name: "÷ diffoscope", value: mine.wall.median / other.wall.median, unit: "×", target: 0.2 },
      { name: "whole process", value: mine.wall.median, unit: "s", target: 2 },
      ...peakFigures([mine], 300),
    ],
    measured,
    notes: ["two plain tar files of the image of row 1; whole processes"],
  };
}

async function tiny(bench: Bench): Promise<Result> {
  const { scratch } = bench;
  const items = [{ name: "etc/" }, { name: "etc/motd", content: "hello\n" }];
  const layouts = [1_700_000_000, 1_700_000_001].map((mtime, index) =>
    writeLayout(scratch.empty(`explain-tiny-${index}`), {
      layers: [{ items: items.map((item) => ({ ...item, mtime })) }],
    }),
  );
  const [a = "", b = ""] = layouts;
  const store = new Store(bench.host, scratch.path("explain-compare"));
  const measured = await interleave(
    bench,
    [
      explaining(bench, "lockstep explain", a, b, () => {}),
      {
        name: "start-up (--version)",
        run: async () => (await lockstep(bench, store, scratch.directory, ["--version"])).sample,
      },
    ],
    bench.rounds * 3,
  );
  const [mine, start] = measured;
  if (mine === undefined || start === undefined) throw new Error("nothing was measured");
  return {
    row: 17,
    title: "explain two tiny layouts",
    figures: [{ name: "after start-up", value: mine.wall.median - start.wall.median, unit: "s", target: 0.15 }],
    measured,
    notes: [],
  };
}

async function large(bench: Bench): Promise<Result> {
  const { scratch } = bench;
  const { bavail, bsize } = await statfs(scratch.directory);
  if (bavail * bsize < 2 * gigabytes) throw new Skip(`${scratch.directory} has less than 12 GiB free`);
  const directory = scratch.empty("explain-large");
  const content = join(directory, "content");
  await mkdir(content);
  const file = await open(join(content, "large.bin"), "wx");
  for (let i = 0; i < 2048; i++) await file.writeFile(Buffer.alloc(1 << 20, `${i} Of this file a few bytes differ. `));
  await file.close();
  const archives = [join(directory, "a.tar"), join(directory, "b.tar")] as const;
  const tar = (path: string) =>
    timed(bench, { program: "tar", args: ["--format=ustar", "--mtime=@0", "-cf", path, "-C", content, "large.bin"] });
  await tar(archives[0]);
  const again = await open(join(content, "large.bin"), "r+");
  for (const place of [100 << 20, 1900 << 20]) await again.write("@", place);
  await again.close();
  await tar(archives[1]);
  await rm(content, { recursive: true });
  const [measured] = await interleave(bench, [explaining(bench, "lockstep explain", ...archives, () => {})], 1);
  scratch.remove(directory);
  if (measured === undefined) throw new Error("nothing was measured");
  return {
    row: 18,
    title: "explain 2 GiB against 2 GiB",
    figures: peakFigures([measured], 300),
    measured: [measured],
    notes: ["one round; one file, of which two bytes differ"],
  };
}

async function run(bench: Bench): Promise<readonly Result[]> {
  return [await oneLine(bench), await tiny(bench), await large(bench)];
}

export const explain: Experiment = { name: "explain", rows: [16, 17, 18], quick: false, run };
