/** Rows 12 to 14: images to and from a registry on this machine, Debian's docker-registry, against skopeo. */
import { spawn } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../../pipeline/store/digest.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { answers, dockerRegistryArguments, findDockerRegistry, freePort } from "../../registry/docker-registry.ts";
import { lockstep } from "../lockstep.ts";
import { interleave, timed } from "../measure.ts";
import { type Bench, type Contender, type Experiment, type Measured, type Result, Skip } from "../model.ts";
import { need } from "../programs.ts";
import { peakFigures } from "../statistics.ts";

const MB = 1_000_000;
/** A process that lasts tenths of a second is cheap to repeat, and its spread matters. */
const repeats = 3;

/** Writes a layout of one image, called `image`, whose layers are noise that gzip has kept as it is. */
async function writeLayout(directory: string, layers: number, size: number): Promise<void> {
  await mkdir(join(directory, "blobs", "sha256"), { recursive: true });
  const put = async (mediaType: string, bytes: Buffer) => {
    const digest = digestOf(bytes);
    await writeFile(join(directory, "blobs", "sha256", digest.slice(7)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const type = "application/vnd.oci.image";
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16, layers), Buffer.alloc(16));
  const made = [];
  const contents: string[] = [];
  for (let index = 0; index < layers; index++) {
    const content = noise.update(Buffer.alloc(size));
    contents.push(digestOf(content));
    made.push(await put(`${type}.layer.v1.tar+gzip`, gzipSync(content, { level: 0 })));
  }
  const rootfs = { type: "layers", diff_ids: contents };
  const config = await put(`${type}.config.v1+json`, json({ architecture: "amd64", os: "linux", config: {}, rootfs }));
  const mediaType = `${type}.manifest.v1+json`;
  const manifest = await put(mediaType, json({ schemaVersion: 2, mediaType, config, layers: made }));
  const entry = { ...manifest, annotations: { "org.opencontainers.image.ref.name": "image" } };
  await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(directory, "index.json"), json({ schemaVersion: 2, manifests: [entry] }));
}

interface Server {
  readonly host: string;
  stop(): Promise<void>;
}

/** A new one each time: what skopeo remembers of registries is by their address, so it never knows this one. */
async function startServer(bench: Bench, program: string, name: string): Promise<Server> {
  const port = await freePort();
  const args = await dockerRegistryArguments(bench.scratch.empty(name), port);
  const child = spawn(program, args, { stdio: "ignore", detached: true });
  bench.scratch.track(child);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await answers(`http://127.0.0.1:${port}`, () => child.exitCode !== null);
  return {
    host: `127.0.0.1:${port}`,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

interface Pushed {
  readonly sent: number;
}

function ratio(ours: Measured, theirs: Measured, target: number): Result["figures"][number] {
  return { name: `÷ ${theirs.name}`, value: ours.wall.median / theirs.wall.median, unit: "×", target };
}

function both(measured: readonly Measured[]): readonly [Measured, Measured] {
  const [ours, theirs] = measured;
  if (ours === undefined || theirs === undefined) throw new Error("nothing was measured");
  return [ours, theirs];
}

async function run(bench: Bench): Promise<readonly Result[]> {
  const { host, scratch } = bench;
  need(bench, ["skopeo"]);
  const program = await findDockerRegistry();
  if (program === undefined) throw new Skip("docker-registry is not to be had");
  const store = new Store(host, scratch.empty("registry-store"));
  const small = scratch.path("push-layout");
  const large = scratch.path("pull-layout");
  await writeLayout(small, 3, 50 * MB);
  await writeLayout(large, 5, 100 * MB);
  const ours = async (from: string, to: string, cwd: string) => {
    const { sample, stdout } = await lockstep(bench, store, cwd, ["copy", "--json", "--quiet", from, to]);
    return { sample, result: (JSON.parse(stdout) as { readonly result: Pushed }).result };
  };
  const theirs = async (...args: readonly string[]) =>
    (await timed(bench, { program: "skopeo", args: ["--insecure-policy", "copy", "--quiet", ...args] })).sample;

  const pushed = async (contender: (server: Server) => Promise<Awaited<ReturnType<Contender["run"]>>>) => {
    const server = await startServer(bench, program, "push-registry");
    try {
      return await contender(server);
    } finally {
      await server.stop();
    }
  };
  const push = both(
    await interleave(bench, [
      {
        name: "Lockstep, push of three layers",
        run: () =>
          pushed(async (server) => (await ours(`oci:${small}:image`, `${server.host}/bench/image:1`, small)).sample),
      },
      {
        name: "skopeo, push of three layers",
        run: () =>
          pushed((server) =>
            theirs("--dest-tls-verify=false", `oci:${small}:image`, `docker://${server.host}/bench/image:1`),
          ),
      },
    ]),
  );

  const server = await startServer(bench, program, "registry");
  try {
    await ours(`oci:${small}:image`, `${server.host}/bench/image:1`, small);
    let sent = 0;
    const [again, theirAgain, start, bare] = await interleave(
      bench,
      [
        {
          name: "Lockstep, unchanged push",
          async run() {
            const { sample, result } = await ours(`oci:${small}:image`, `${server.host}/bench/image:1`, small);
            sent = Math.max(sent, result.sent);
            return sample;
          },
        },
        {
          name: "skopeo, unchanged push",
          run: () => theirs("--dest-tls-verify=false", `oci:${small}:image`, `docker://${server.host}/bench/image:1`),
        },
        { name: "start-up (--version)", run: async () => (await lockstep(bench, store, small, ["--version"])).sample },
        {
          name: "bare Node, the same questions",
          async run() {
            const script = join(bench.root, "test/bench/bare-push.js");
            const args = [script, small, server.host, "bench/image", "1"];
            return (await timed(bench, { program: host.node, args })).sample;
          },
        },
      ],
      bench.rounds * repeats,
    );
    if (again === undefined || theirAgain === undefined || start === undefined || bare === undefined)
      throw new Error("nothing was measured");

    await ours(`oci:${large}:image`, `${server.host}/bench/large:1`, large);
    const pull = both(
      await interleave(bench, [
        {
          name: "Lockstep, pull of 500 MB",
          async run() {
            scratch.empty("registry-store");
            const out = scratch.empty("pulled");
            return (await ours(`${server.host}/bench/large:1`, `oci:${out}:image`, out)).sample;
          },
        },
        {
          name: "skopeo, pull of 500 MB",
          run: () =>
            theirs(
              "--src-tls-verify=false",
              `docker://${server.host}/bench/large:1`,
              `oci:${scratch.empty("pulled")}:image`,
            ),
        },
      ]),
    );
    const notes = ["whole processes; the registry is Debian's docker-registry on this machine, without TLS"];
    return [
      {
        row: 12,
        title: "push of three layers of 50 MB",
        figures: [ratio(...push, 1.05), ...peakFigures([push[0]], 200)],
        measured: push,
        notes: [...notes, "a new registry each time, so that nothing is known of what it has"],
      },
      {
        row: 13,
        title: "the same push again",
        figures: [
          { name: "blob bytes sent", value: sent / 2 ** 20, unit: "MiB", target: 0 },
          ratio(again, theirAgain, 1.2),
          { name: "of it after start-up", value: again.wall.median - start.wall.median, unit: "s" },
          { name: `${bare.name} ÷ ${theirAgain.name}`, value: bare.wall.median / theirAgain.wall.median, unit: "×" },
        ],
        measured: [again, theirAgain, start, bare],
        notes: [
          "start-up is what `lockstep --version` takes",
          "bare Node is a script without modules that asks the same of the registry (test/bench/bare-push.js)",
        ],
      },
      {
        row: 14,
        title: "pull of five layers of 100 MB",
        figures: [ratio(...pull, 1.05), ...peakFigures([pull[0]], 200)],
        measured: pull,
        notes: ["Lockstep pulls into an empty store, flushes each blob to the disk, and links it into the layout"],
      },
    ];
  } finally {
    await server.stop();
  }
}

export const registry: Experiment = { name: "registry", rows: [12, 13, 14], quick: false, run };
