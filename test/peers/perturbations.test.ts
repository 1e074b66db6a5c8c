import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { hasProgram, run } from "../support.ts";
import { build, buildCommand, type BuiltImage, type Surroundings } from "./builds.ts";
import { perturbations } from "./perturbations.ts";
import { spec, writeTiny } from "./tiny.ts";

const host = createHost();
const python = hasProgram("python3");
const base = mkdtempSync(join(tmpdir(), "lockstep-perturbations-"));
let count = 0;

/** A new repository, changed by `perturb`, and how to build it. */
function repository(perturb: (files: string) => void = () => {}, text = spec, reverse = false): Surroundings {
  const work = join(base, String(count++));
  const directory = join(work, "repository");
  perturb(writeTiny(directory, { spec: text, reverse }));
  return { repository: directory, inputs: join(work, "store"), work };
}

async function buildTiny(surroundings: Surroundings): Promise<BuiltImage> {
  const [image] = await build(surroundings);
  if (image === undefined) throw new Error("nothing was built");
  return image;
}

/** What the program says of a repository that it refuses. */
async function refusal(surroundings: Surroundings): Promise<{ readonly code: number | null; readonly said: string }> {
  const [program = "", ...args] = buildCommand(surroundings);
  const env = { PATH: host.env("PATH") ?? "", HOME: surroundings.work, LOCKSTEP_STORE: surroundings.inputs };
  const { code, stderr } = await host.run(program, args, { cwd: surroundings.work, env });
  expect(existsSync(join(surroundings.work, "out"))).toBe(false);
  return { code, said: stderr.toString() };
}

let reference: BuiltImage;

beforeAll(async () => {
  reference = await buildTiny(repository());
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("a file set is the same with", () => {
  for (const { what, skip = false, perturb, undo, reverse, before = [], env = {} } of perturbations(base)) {
    it.skipIf(skip)(what, async () => {
      const surroundings = repository(perturb, spec, reverse);
      try {
        expect((await buildTiny({ ...surroundings, before, env })).digest).toBe(reference.digest);
      } finally {
        undo?.(join(surroundings.repository ?? "", "images/tiny/files"));
      }
    });
  }
});

const list = `
import sys, json, tarfile
for m in tarfile.open(sys.argv[1], "r:gz"):
    print(json.dumps([m.type.decode(), oct(m.mode)[2:], m.name, m.linkname, m.size, m.mtime, m.uid + m.gid, sorted(m.pax_headers)]))
`;

type Listed = readonly [string, string, string, string, number, number, number, readonly string[]];

function listed(image: BuiltImage, layer = 0): readonly Listed[] {
  const hex = image.platforms[0]?.layers[layer]?.digest.slice("sha256:".length) ?? "";
  const { stdout } = run("python3", ["-c", list, join(image.layout, "blobs/sha256", hex)]);
  return stdout
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Listed);
}

describe.skipIf(!python)("a file set (needs python3)", () => {
  it("is written in the order of bytes, with the modes of Git, the owner 0:0 and the epoch", () => {
    const entries = listed(reference);
    const rest = entries.filter(([type]) => type !== "5").map(([, , name]) => Buffer.from(name));
    expect(rest).toEqual(rest.toSorted((a, b) => Buffer.compare(a, b)));
    expect(rest.map(String).slice(0, 3)).toEqual(["app/Zebra", "app/_under", "app/apple"]);
    const executable = entries.filter(([type, mode]) => type === "0" && mode === "755").map(([, , name]) => name);
    expect(executable).toEqual(["app/deep/er/tool", "app/run.sh"]);
    expect(new Set(entries.map(([type, mode]) => `${type} ${mode}`))).toEqual(
      new Set(["5 755", "0 644", "0 755", "2 777"]),
    );
    expect(new Set(entries.map(([, , , , , mtime, owner]) => `${mtime} ${owner}`))).toEqual(new Set(["0 0"]));
  });

  it("keeps links as they are, copies as files, holes as zeros, and names that differ in Unicode form only", () => {
    const byName = new Map(listed(reference).map((entry) => [entry[2], entry]));
    expect(byName.get("app/links/dangling")?.slice(0, 4)).toEqual(["2", "777", "app/links/dangling", "../nowhere"]);
    expect(byName.get("app/links/absolute")?.[3]).toBe("/etc/passwd");
    expect([byName.get("app/copy/one")?.[0], byName.get("app/copy/two")?.[0]]).toEqual(["0", "0"]);
    expect(byName.get("app/hole")?.[4]).toBe(1 << 20);
    expect(byName.has("app/form/\u00e9") && byName.has("app/form/e\u0301")).toBe(true);
    // PAX only where a name needs it.
    expect(byName.get("app/apple")?.[7]).toEqual([]);
    expect(byName.get(`app/long/${"n".repeat(180)}`)?.[7]).toEqual(["path"]);
  });

  it("has SOURCE_DATE_EPOCH as its time, up to the end of the year 9999", async () => {
    for (const [epoch, created] of [
      ["0", "1970-01-01T00:00:00Z"],
      ["253402300799", "9999-12-31T23:59:59Z"],
    ] as const) {
      const image = await buildTiny({ ...repository(), env: { SOURCE_DATE_EPOCH: epoch } });
      expect(new Set(listed(image).map(([, , , , , mtime]) => mtime))).toEqual(new Set([Number(epoch)]));
      const config = join(image.layout, "blobs/sha256", image.platforms[0]?.config.slice("sha256:".length) ?? "");
      expect(run("cat", [config]).stdout.toString()).toContain(`"created":"${created}"`);
      expect(image.digest === reference.digest).toBe(epoch === "0");
    }
  });
});

it("an image is the same whether or not the path that a file set goes to ends in a slash", async () => {
  const image = await buildTiny(repository(undefined, spec.replace("into: /app", "into: /app/")));
  expect(image.platforms.map(({ layers }) => layers)).toEqual(reference.platforms.map(({ layers }) => layers));
  expect(image.digest).toBe(reference.digest);
});

describe("a configuration", () => {
  it("has variables in the order of the spec, and ports and labels in order of their names", () => {
    const config = join(reference.layout, "blobs/sha256", reference.platforms[0]?.config.slice("sha256:".length) ?? "");
    const text = run("cat", [config]).stdout.toString();
    expect(text).toContain('"Env":["ZONE=1","ALPHA=2"]');
    expect(text).toContain('"ExposedPorts":{"443/udp":{},"80/tcp":{},"9000/tcp":{}}');
    expect(text).toContain('"Labels":{"a":"2","z":"1"}');
  });

  it("has a line of history for every layer, also for one that adds nothing", async () => {
    const twice = '  - directories: [{ path: /app, mode: "0755" }]\n';
    const image = await buildTiny(repository(undefined, spec.replace("config:", `${twice}config:`)));
    const [built] = image.platforms;
    expect(built?.layers.map(({ tarSize }) => tarSize === 1024)).toEqual([false, true]);
    const config = join(image.layout, "blobs/sha256", built?.config.slice("sha256:".length) ?? "");
    const { history } = JSON.parse(run("cat", [config]).stdout.toString()) as { readonly history: readonly object[] };
    expect(history.map((line) => Object.keys(line))).toEqual([
      ["created", "created_by"],
      ["created", "created_by"],
    ]);
  });
});

describe("refused, with nothing written", () => {
  it.each([
    ["LS4004", "a pipe", (files: string) => void run("mkfifo", [join(files, "pipe")])],
    [
      "LS4007",
      "a name that is not UTF-8",
      (files: string) => writeFileSync(Buffer.from([...Buffer.from(`${files}/`), 0xff]), ""),
    ],
  ])("%s: %s", async (code, _, perturb) => {
    const { said, code: exit } = await refusal(repository(perturb));
    expect(said).toContain(code);
    expect(exit).toBe(3);
  });

  it("LS4203: a directory where another layer has a file", async () => {
    const layer = '  - directories: [{ path: /app/apple, mode: "0755" }]\n';
    const { said, code } = await refusal(repository(undefined, spec.replace("config:", `${layer}config:`)));
    expect([code, said.includes("LS4203")]).toEqual([3, true]);
  });
});
