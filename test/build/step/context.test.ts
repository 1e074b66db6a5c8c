import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prepareSteps } from "../../../pipeline/build/build.ts";
import { writeContext } from "../../../pipeline/build/step/context.ts";
import { asEver, type Otherwise, type StepSurrounding } from "../../../pipeline/build/step/surroundings.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { run, temporaryDirectory } from "../../support.ts";
import { image, type TinyOptions, tinyRepository } from "../tiny-repository.ts";
import { canUnpack, unpack } from "./step-scene.ts";

const shell = {
  name: "shell",
  architecture: "all",
  data: [
    { name: "./usr/bin/dash", content: "#!", mode: 0o755 },
    { name: "./usr/bin/sh", flag: "2", link: "dash" },
    { name: "./usr/bin/env", content: "#!", mode: 0o755 },
    { name: "./usr/bin/timeout", content: "#!", mode: 0o755 },
  ],
} as const;

/** Contexts of the next steps, in directories. */
async function contexts(options: TinyOptions, nonce = "first", otherwise: Otherwise = asEver) {
  const at = await tinyRepository(options);
  const stores = { inputs: at.store, results: at.store };
  const steps = await prepareSteps(at.host, stores, silent, await at.plan(), { every: false });
  return Promise.all(
    steps.map(async (step, index) => {
      const directory = join(at.directory, `context-${index}`);
      const notes = await writeContext(at.host, at.store, step, directory, { nonce, otherwise });
      return { directory, notes, dockerfile: readFileSync(join(directory, "Dockerfile"), "utf8") };
    }),
  );
}

/** The command line of the only RUN. */
function commandOf(dockerfile: string): readonly string[] {
  const [, json = "[]"] = /^RUN --network=none (\[.*\])$/m.exec(dockerfile) ?? [];
  return JSON.parse(json) as readonly string[];
}

const app = (step: string): TinyOptions => ({
  images: { app: image("shell", `  - run: ${step}\n`) },
  packages: [shell],
});

describe("the context of a run step", () => {
  it("has the tree, and a command line that fixes what a program inherits", async () => {
    const [first] = await contexts(app("{ argv: [/bin/x, <<E, 'a b'], env: { B: 2 }, workdir: /tmp, timeout: 7 }"));
    expect(readdirSync(first?.directory ?? "").toSorted()).toEqual(["Dockerfile", "tree.tar"]);
    expect(first?.dockerfile).not.toContain("<<");
    expect(first?.dockerfile.split("\n").slice(0, 2)).toEqual(["FROM scratch", "ADD tree.tar /"]);
    const words = commandOf(first?.dockerfile ?? "");
    expect(words.slice(3, 12)).toEqual([
      "lockstep-first",
      "dagger",
      "/tmp",
      "/usr/bin/timeout",
      "-k",
      "10",
      "7",
      "/usr/bin/env",
      "-i",
    ]);
    const env = words.slice(12, -3);
    for (const variable of [
      "B=2",
      "SOURCE_DATE_EPOCH=1767323045",
      "TZ=UTC",
      "LC_ALL=C.UTF-8",
      "HOME=/root",
      "OMP_NUM_THREADS=1",
      "PYTHONHASHSEED=0",
    ])
      expect(env).toContain(variable);
    expect(words.slice(-3)).toEqual(["/bin/x", "<<E", "a b"]);
  });

  it("starts a program with exactly its variables, its directory and umask, wherever the engine was started", async () => {
    const [first] = await contexts(app("{ argv: [/bin/sh, -c, 'env | sort; umask; pwd; echo $0'], workdir: / }"));
    // What starts it is run here as it is; the name of this host is put in the place of the container's.
    const words = commandOf(first?.dockerfile ?? "").map((word) =>
      word === "dagger" ? readFileSync("/proc/sys/kernel/hostname", "utf8").trim() : word,
    );
    const [program = "", ...args] = ["-c", 'umask 077; TRACEPARENT=1 LC_ALL=tr_TR.UTF-8 exec "$@"', "sh", ...words];
    const said = run("/bin/sh", [program, ...args], { env: { OTEL_X: "1", TZ: "Pacific/Kiritimati" } });
    expect(said.stderr.toString("utf8")).toBe("");
    const env = words.slice(12, -3).filter((word) => /^[A-Z_]+=/.test(word));
    expect(said.stdout.toString("utf8").trim().split("\n")).toEqual([
      ...[...env, "PWD=/"].toSorted(),
      "0022",
      "/",
      "/bin/sh",
    ]);
  });

  it("is started under no other name of the host", async () => {
    const [first] = await contexts(app("{ argv: [/bin/echo, ran] }"));
    const [program = "", ...args] = commandOf(first?.dockerfile ?? "").map((word) =>
      word === "dagger" ? "elsewhere" : word,
    );
    const { status, stdout } = run(program, args);
    expect([status, stdout.toString("utf8")]).toEqual([1, ""]);
  });

  it("is another one for another word, outside of what the program sees", async () => {
    const lines = await Promise.all(["one", "two"].map((word) => contexts(app("{ argv: [/bin/x] }"), word)));
    const [one, two] = lines.map(([only]) => commandOf(only?.dockerfile ?? ""));
    expect(one?.filter((word, index) => word !== two?.[index])).toEqual(["lockstep-one"]);
  });

  it.skipIf(!canUnpack)("has the files for tools beside the tree of the tools (needs root, tar)", async () => {
    const [first] = await contexts({
      images: {
        app: `platforms: [linux/amd64]\nlayers:\n  - run: { argv: [/bin/x], tools: tools, files: [{ from: src, into: /src, exclude: [no] }], outputs: [{ from: /a, into: /a }] }\n`,
        tools: image("shell"),
      },
      packages: [shell],
      files: { "images/app/src/a.c": "int main;", "images/app/src/no": "" },
    });
    expect(first?.dockerfile).toContain("ADD tree.tar /\nADD files.tar /\n");
    const directory = temporaryDirectory();
    unpack(join(first?.directory ?? "", "tree.tar"), directory);
    unpack(join(first?.directory ?? "", "files.tar"), directory);
    expect(readdirSync(join(directory, "src"))).toEqual(["a.c"]);
    expect(readFileSync(join(directory, "src/a.c"), "utf8")).toBe("int main;");
    expect(readdirSync(join(directory, "usr/bin"))).toContain("timeout");
  });

  it("starts a program otherwise where it is to be: fewer files, other numbers of processes, and the same variables", async () => {
    const spec = app("{ argv: [/bin/sh, -c, 'ulimit -S -n; sh -c \"echo \\$\\$\"; env | sort'], workdir: / }");
    const said = async (...names: readonly StepSurrounding[]) => {
      const [first] = await contexts(spec, "n", new Set(names));
      const [program = "", ...args] = commandOf(first?.dockerfile ?? "").map((word) =>
        word === "dagger" ? readFileSync("/proc/sys/kernel/hostname", "utf8").trim() : word,
      );
      const { stdout } = run(program, args, { env: {} });
      const [files, pid, ...env] = stdout.toString("utf8").trim().split("\n");
      return { files, pid: Number(pid), env };
    };
    const [usual, limits, pids] = [await said(), await said("step-limits"), await said("step-pids")];
    expect([limits.files, pids.files]).toEqual(["512", usual.files]);
    expect(usual.files).not.toBe("512");
    // Numbers begin anew where they end.
    const distance = (a: number, b: number): number => (b - a + 4_194_304) % 4_194_304;
    expect(distance(limits.pid, pids.pid)).toBeGreaterThan(400);
    expect([limits.env, pids.env]).toEqual([usual.env, usual.env]);
  });

  it.skipIf(!canUnpack)("has the same tree in two archives where it is to be otherwise (needs root, tar)", async () => {
    const options = {
      images: {
        app: `platforms: [linux/amd64]\nlayers:\n  - run: { argv: [/bin/x], tools: tools, files: [{ from: src, into: /src }], outputs: [{ from: /a, into: /a }] }\n`,
        tools: image("shell"),
      },
      packages: [shell],
      files: { "images/app/src/a": "1", "images/app/src/b": "2", "images/app/src/c": "3" },
    };
    const treeOf = async (...names: readonly StepSurrounding[]) => {
      const [first] = await contexts(options, "n", new Set(names));
      const added = [...(first?.dockerfile ?? "").matchAll(/^ADD (\S+) \/$/gm)].map(([, archive = ""]) => archive);
      const directory = temporaryDirectory();
      const parts = added.map((archive) => {
        const path = join(first?.directory ?? "", archive);
        unpack(path, directory);
        return run("tar", ["-tv", "--utc", "-f", path]).stdout.toString("utf8").split("\n");
      });
      const find = (...args: readonly string[]): readonly string[] =>
        run("find", [".", "-mindepth", "1", ...args], { cwd: directory })
          .stdout.toString("utf8")
          .split("\n")
          .toSorted();
      const files = find("-not", "-type", "d", "-printf", "%P %y %m %U:%G %l %s %T@\n");
      const directories = find("-type", "d", "-printf", "%P %m %U:%G\n");
      return { added, parts, files, directories };
    };
    const [usual, listings] = [await treeOf(), await treeOf("step-listings")];
    expect(usual.added).toEqual(["tree.tar", "files.tar"]);
    expect(listings.added).toEqual(["tree.tar", "tree+2.tar", "files.tar", "files+2.tar"]);
    const { files, directories } = usual;
    expect(listings).toMatchObject({ files, directories });
    const sources = listings.parts.map((paths) => paths.flatMap((path) => / (src\/.+)$/.exec(path)?.[1] ?? []));
    expect(sources.slice(2)).toEqual([["src/a", "src/c"], ["src/b"]]);
  });

  it("has what leaves one processor, mounted while the step runs alone", async () => {
    const [first] = await contexts(app("{ argv: [/bin/x] }"), "n", new Set(["step-processors"]));
    expect(readdirSync(first?.directory ?? "").toSorted()).toEqual(["Dockerfile", "lockstep-launcher.tar", "tree.tar"]);
    const lines = (first?.dockerfile ?? "").split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "FROM scratch AS lockstep-launcher",
      "ADD lockstep-launcher.tar /",
      "FROM scratch",
      "ADD tree.tar /",
    ]);
    expect(lines[4]).toMatch(
      /^RUN --network=none --mount=type=bind,from=lockstep-launcher,target=\/run\/lockstep \["\/run\/lockstep\/one-processor","\/bin\/sh","-c",/,
    );
    const listed = run("tar", ["-tvf", join(first?.directory ?? "", "lockstep-launcher.tar")]).stdout.toString("utf8");
    expect(listed).toMatch(/^-rwxr-xr-x 0\/0 +250 .* one-processor\n$/);
  });

  it("LS9011: is not made where nothing could start the step", async () => {
    const bare = { ...shell, data: shell.data.slice(0, 1) };
    await expect(contexts({ ...app("{ argv: [/bin/x] }"), packages: [bare] })).rejects.toThrow(
      "LS9011 lockstep: run /bin/x: where the step runs there is no /bin/sh and /usr/bin/env and /usr/bin/timeout; add the packages dash and coreutils",
    );
  });
});

describe("the context of a dockerfile step", () => {
  const legacy = (files: Readonly<Record<string, string>>): TinyOptions => ({
    images: {
      base: image("shell"),
      legacy: "platforms: [linux/amd64]\nlayers:\n  - dockerfile: { context: app, images: [base] }\n",
    },
    packages: [shell],
    files,
  });

  it.skipIf(!canUnpack)(
    "has the trees of images and the files of the context as archives, and nothing of it beside them (needs root, tar)",
    async () => {
      const files = {
        "images/legacy/app/Dockerfile": 'FROM base\nCOPY . /\nCMD ["/x"]\n',
        "images/legacy/app/bin/x": "x",
      };
      const [first] = await contexts(legacy(files));
      const directory = first?.directory ?? "";
      expect(readdirSync(directory).toSorted()).toEqual(["Dockerfile", "base.tar", "lockstep-context.tar"]);
      expect(first?.notes).toEqual(["CMD of the Dockerfile is not taken: config: of image.yaml says it"]);
      const unpacked = temporaryDirectory();
      unpack(join(directory, "lockstep-context.tar"), unpacked);
      expect(readdirSync(unpacked).toSorted()).toEqual(["Dockerfile", "bin"]);
      expect(readFileSync(join(unpacked, "Dockerfile"), "utf8")).toBe(files["images/legacy/app/Dockerfile"]);
    },
  );

  it("LS2058, LS2059: is not made without a Dockerfile, with a .dockerignore, or with what is not locked", async () => {
    await expect(contexts(legacy({ "images/legacy/app/x": "" }))).rejects.toThrow(
      "LS2058 images/legacy/image.yaml there is no Dockerfile in the context",
    );
    const sound = { "images/legacy/app/Dockerfile": "FROM base\n" };
    await expect(contexts(legacy({ ...sound, "images/legacy/app/.dockerignore": "x" }))).rejects.toThrow(
      "LS2059 images/legacy/image.yaml the context has a .dockerignore",
    );
    await expect(contexts(legacy({ "images/legacy/app/Dockerfile": "FROM debian:12\n" }))).rejects.toThrow(
      "LS2059 images/legacy/app/Dockerfile:1:6 FROM debian:12",
    );
  });

  it("LS4101: is not made of files that change meanwhile", async () => {
    const at = await tinyRepository(
      legacy({ "images/legacy/app/Dockerfile": "FROM base\n", "images/legacy/app/x": "x" }),
    );
    const stores = { inputs: at.store, results: at.store };
    const [step] = await prepareSteps(at.host, stores, silent, await at.plan(), { every: false });
    writeFileSync(join(at.root, "images/legacy/app/x"), "y");
    if (step === undefined) throw new Error("no step is open");
    await expect(
      writeContext(at.host, at.store, step, join(at.directory, "c"), { nonce: "n", otherwise: asEver }),
    ).rejects.toThrow("LS4101 x changed while the step was prepared");
  });
});
