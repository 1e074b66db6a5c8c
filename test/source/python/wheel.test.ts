import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseWheelName } from "../../../pipeline/source/python/select.ts";
import { unpackWheel, type WheelInstall } from "../../../pipeline/source/python/wheel.ts";
import type { Entry } from "../../../pipeline/tree/entry.ts";
import { run, scene, temporaryDirectory } from "../../support.ts";
import { python } from "./pip.ts";
import { downloadedWheels, tinyWheel, type TinyWheel } from "./wheels.ts";

type Installed = ReadonlyMap<string, Entry & { readonly content?: Buffer }>;

const target: WheelInstall = {
  name: "tiny",
  version: "1.0",
  python: "3.13",
  library: "lib/python3.13/site-packages",
  scripts: "bin",
  data: "",
  headers: "include/python3.13",
  interpreter: "/usr/bin/python3.13",
  exclude: [],
  uid: 0,
  gid: 0,
};

async function install(bytes: Uint8Array, options: Partial<WheelInstall> = {}): Promise<Installed> {
  const { store } = scene();
  const { digest } = await store.put(bytes);
  const found = new Map<string, Entry & { readonly content?: Buffer }>();
  let last: Entry | undefined;
  const sink = {
    entry: async (entry: Entry) => {
      expect(found.get(entry.path)?.type === entry.type && entry.type !== "directory", entry.path).toBe(false);
      found.set(entry.path, entry.type === "file" ? { ...entry, content: Buffer.alloc(0) } : entry);
      last = entry;
    },
    content: async (piece: Uint8Array) => {
      const entry = found.get(last?.path ?? "");
      if (entry !== undefined)
        found.set(entry.path, { ...entry, content: Buffer.concat([entry.content ?? Buffer.alloc(0), piece]) });
    },
  };
  await unpackWheel({ store, digest, place: { file: "tiny.whl" } }, sink, { ...target, ...options });
  for (const entry of found.values())
    if (entry.type === "file") expect(entry.content?.length, entry.path).toBe(entry.size);
  return found;
}

function text(installed: Installed, path: string): string | undefined {
  return installed.get(path)?.content?.toString("utf8");
}

const site = "lib/python3.13/site-packages";

describe("installing a wheel", () => {
  it("puts every file where its scheme says, with the modes that pip sets", async () => {
    const installed = await install(
      tinyWheel({
        files: {
          "tiny/__init__.py": "x = 1\n",
          "tiny/tool": { content: "#!", mode: 0o755 },
          "tiny/odd": { content: "", mode: 0o600 },
          "tiny-1.0.data/purelib/tiny/pure.py": "p",
          "tiny-1.0.data/platlib/tiny/native.so": { content: "n", mode: 0o775 },
          "tiny-1.0.data/data/share/tiny/x.txt": "d",
          "tiny-1.0.data/headers/tiny.h": "h",
          "tiny-1.0.data/scripts/plain": "#!/bin/sh\n",
          "tiny-1.0.data/scripts/run": "#!pythonw -x\nprint(1)\n",
        },
      }),
    );
    const files = [...installed.values()].filter(({ type }) => type === "file");
    expect(files.map(({ path, mode }) => `${mode.toString(8)} ${path}`).toSorted()).toEqual(
      [
        `644 ${site}/tiny/__init__.py`,
        `755 ${site}/tiny/tool`,
        `644 ${site}/tiny/odd`,
        `644 ${site}/tiny/pure.py`,
        `755 ${site}/tiny/native.so`,
        "644 share/tiny/x.txt",
        "644 include/python3.13/tiny/tiny.h",
        "755 bin/plain",
        "755 bin/run",
        ...["WHEEL", "METADATA", "RECORD", "INSTALLER", "REQUESTED"].map(
          (name) => `644 ${site}/tiny-1.0.dist-info/${name}`,
        ),
      ].toSorted(),
    );
    expect(text(installed, "bin/run")).toBe("#!/usr/bin/python3.13\nprint(1)\n");
    expect(text(installed, "bin/plain")).toBe("#!/bin/sh\n");
    expect(text(installed, `${site}/tiny-1.0.dist-info/INSTALLER`)).toBe("lockstep\n");
    expect(installed.get("bin")).toMatchObject({ type: "directory", mode: 0o755 });
  });

  it("writes commands for entry points, instead of those that the wheel brings", async () => {
    const installed = await install(
      tinyWheel({
        entryPoints:
          "[console_scripts]\nrun = tiny.cli:App.main [extra]\n# comment\n[gui_scripts]\nshow=tiny:gui\n[other]\nx = not a command\n",
        files: { "tiny-1.0.data/scripts/run": "#!python\nold\n", "tiny-1.0.data/scripts/run-script.py": "old\n" },
      }),
    );
    expect(text(installed, "bin/run")).toBe(
      '#!/usr/bin/python3.13\nimport sys\nfrom tiny.cli import App\nif __name__ == "__main__":\n    sys.exit(App.main())\n',
    );
    expect(text(installed, "bin/show")).toContain("from tiny import gui\n");
    expect([...installed.keys()].filter((path) => path.startsWith("bin/"))).toEqual(["bin/run", "bin/show"]);
    expect(text(installed, `${site}/tiny-1.0.dist-info/RECORD`)).toMatch(
      /^\.\.\/\.\.\/\.\.\/bin\/run,sha256=[\w-]{43},\d+\r\n/,
    );
  });

  it("leaves out what is excluded, also of RECORD, and checks it all the same", async () => {
    const files = {
      "tiny/a.py": "a",
      "tests/__init__.py": "",
      "tests/deep/b.py": "b",
      "tiny-1.0.data/scripts/run": "#!python\n",
    };
    const exclude = [`${site}/tests`, "bin/*"];
    const given = { files, entryPoints: "[console_scripts]\ntool = tiny:main\n" };
    const installed = await install(tinyWheel(given), { exclude });
    const paths = [...installed.values()].filter(({ type }) => type === "file").map(({ path }) => path);
    expect(paths.filter((path) => !path.includes(".dist-info"))).toEqual([`${site}/tiny/a.py`]);
    expect(text(installed, `${site}/tiny-1.0.dist-info/RECORD`)).not.toMatch(/tests|bin/);
    const damaged = tinyWheel({
      ...given,
      record: (rows) => rows.map((row) => row.replace(/^(tests\/deep\/b\.py,sha256=)./, "$1_")),
    });
    await expect(install(damaged, { exclude })).rejects.toMatchObject({ code: "LS2610" });
  });

  it("gives files and directories the owner that is asked for", async () => {
    const installed = await install(tinyWheel({ files: { "tiny/a.py": "" } }), { uid: 7, gid: 8 });
    for (const entry of installed.values()) expect(entry).toMatchObject({ uid: 7, gid: 8 });
  });

  const damaged: readonly (readonly [code: string, what: string, wheel: TinyWheel])[] = [
    ["LS2610", "a file that RECORD does not have", { files: { "a.py": "x" }, record: (rows) => rows.slice(1) }],
    [
      "LS2610",
      "no file that RECORD has",
      { record: (rows) => ["b.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0", ...rows] },
    ],
    [
      "LS2610",
      "a file with another hash",
      {
        files: { "a.py": "x" },
        record: ([, ...rows]) => ["a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,1", ...rows],
      },
    ],
    [
      "LS2610",
      "a file with another size",
      {
        files: { "a.py": "" },
        record: ([, ...rows]) => ["a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,1", ...rows],
      },
    ],
    [
      "LS2610",
      "a file with a weak hash",
      { files: { "a.py": "" }, record: ([, ...rows]) => ["a.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,0", ...rows] },
    ],
    ["LS2610", "a file without a hash", { files: { "a.py": "" }, record: ([, ...rows]) => ["a.py,,", ...rows] }],
    ["LS2609", "a RECORD that is no CSV", { record: (rows) => ['"', ...rows] }],
    ["LS2609", "two rows for one file", { record: (rows) => ["tiny-1.0.dist-info/WHEEL,,", ...rows] }],
    ["LS2609", "another package in it", { name: "other" }],
    ["LS2609", "another version in it", { version: "2.0" }],
    ["LS2609", "another name in METADATA", { metadata: "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n" }],
    ["LS2609", "two .dist-info directories", { files: { "other-1.dist-info/WHEEL": "Wheel-Version: 1.0\n" } }],
    ["LS2609", "a wheel version of the future", { wheel: "Wheel-Version: 2.0\n" }],
    ["LS2609", "a scheme that is none", { files: { "tiny-1.0.data/etc/passwd": "" } }],
    ["LS2609", "the data of another package", { files: { "other-1.0.data/data/x": "" } }],
    [
      "LS2609",
      "a command that leads elsewhere",
      { entryPoints: "[console_scripts]\n../../etc/cron.d/x = tiny:main\n" },
    ],
    ["LS2609", "a command that is no reference", { entryPoints: "[console_scripts]\nx = tiny:main(); import os\n" }],
    ["LS4003", "a file that leaves the tree", { files: { "../../etc/passwd": "" } }],
    ["LS4004", "a symbolic link", { more: [{ name: "link", mode: 0o120777, content: "/etc/passwd" }] }],
    ["LS4002", "something in front", { options: { front: Buffer.from("#!/bin/sh\n") } }],
  ];
  it.each(damaged.map(([code, what, wheel]) => ({ code, what, wheel })))(
    "$code: refuses a wheel with $what",
    async ({ code, wheel }) => {
      await expect(install(tinyWheel(wheel))).rejects.toMatchObject({ code });
    },
  );
});

/** What pip is told so that it takes these files as those of an index, by name and version. */
function fromFiles(files: readonly string[]): readonly string[] {
  const names = files.map((file) => parseWheelName(basename(file)));
  return ["--find-links", dirname(files[0] ?? ""), ...names.map((it) => `${it?.name ?? ""}==${it?.version ?? ""}`)];
}

/** What pip leaves in a directory: paths, modes, contents. */
function walk(root: string, below = ""): ReadonlyMap<string, { readonly mode: number; readonly content: Buffer }> {
  const found = new Map<string, { readonly mode: number; readonly content: Buffer }>();
  for (const name of readdirSync(join(root, below)).toSorted()) {
    const path = below === "" ? name : `${below}/${name}`;
    const info = lstatSync(join(root, path));
    if (info.isDirectory()) for (const [inner, file] of walk(root, path)) found.set(inner, file);
    else found.set(path, { mode: info.mode & 0o777, content: readFileSync(join(root, path)) });
  }
  return found;
}

async function installAll(
  files: readonly string[],
  options: (name: string) => Partial<WheelInstall>,
): Promise<Installed> {
  const all = new Map<string, Entry & { readonly content?: Buffer }>();
  for (const file of files) {
    const { name = "", version = "" } = parseWheelName(basename(file)) ?? {};
    for (const [path, entry] of await install(readFileSync(file), { ...options(name), name, version }))
      all.set(path, entry);
  }
  return all;
}

/** Ours and pip's, file by file. What an installer says of itself and how it starts commands differs, and is compared by what it means. */
function compare(ours: Installed, theirs: ReturnType<typeof walk>, scripts: string): void {
  const files = new Map([...ours].filter(([, { type }]) => type === "file"));
  expect([...files.keys()].toSorted()).toEqual([...theirs.keys()].toSorted());
  const generated = new Set<string>();
  for (const [path, { mode, content }] of theirs) {
    const own = files.get(path);
    expect(own?.mode.toString(8), path).toBe(mode.toString(8));
    const [name, mine] = [basename(path), own?.content ?? Buffer.alloc(0)];
    if (path.includes(".dist-info/") && (name === "INSTALLER" || name === "RECORD")) continue;
    if (mine.equals(content)) continue;
    expect(dirname(path), path).toBe(scripts);
    generated.add(name);
    const starts = (it: Buffer): readonly (string | undefined)[] => {
      const source = it.toString("utf8");
      return [
        /^#!.*\n/.exec(source)?.[0],
        /^from \S+ import \S+$/m.exec(source)?.[0],
        /sys\.exit\(.*\)/.exec(source)?.[0],
      ];
    };
    expect(starts(mine), path).toEqual(starts(content));
    expect(starts(mine)).not.toContain(undefined);
  }
  for (const [path, { content }] of theirs) {
    if (!path.endsWith(".dist-info/RECORD")) continue;
    const rows = (it: Buffer | undefined): readonly string[] =>
      (it?.toString("utf8") ?? "")
        .split("\r\n")
        .map((row) => {
          const [file = ""] = row.split(",");
          return /INSTALLER,/.test(row) || generated.has(basename(file)) ? file : row;
        })
        // With --target pip writes rows as they were before it moved the files, which lead out of the directory.
        .map((row) => (scripts === "bin" && !path.startsWith("lib/") ? row.replace(/^\.\.\/\.\.\//, "") : row))
        .toSorted();
    expect(rows(files.get(path)?.content), path).toEqual(rows(content));
  }
}

const pure = [
  "requests==2.32.3",
  "urllib3==2.2.3",
  "idna==3.10",
  "certifi==2024.8.30",
  "charset-normalizer==3.4.0",
  "docutils==0.21.2",
];
const native = ["numpy==2.1.3", "markupsafe==3.0.2", "greenlet==3.1.1"];
const dataAndScripts = ["widgetsnbextension==4.0.13", "ninja==1.11.1.1", "pip==24.3.1", "setuptools==75.6.0"];
const on = (machine: string): readonly string[] =>
  [
    "manylinux_2_28",
    "manylinux_2_17",
    "manylinux2014",
    "manylinux_2_12",
    "manylinux2010",
    "manylinux_2_5",
    "manylinux1",
  ]
    .flatMap((tag) => ["--platform", `${tag}_${machine}`])
    .concat("--python-version", "3.13", "--implementation", "cp", "--abi", "cp313", "--abi", "abi3", "--abi", "none");

describe("wheels as pip installs them", () => {
  const sets = [
    { what: "pure ones", files: downloadedWheels(pure, on("x86_64")) },
    { what: "native ones for linux/amd64", files: downloadedWheels(native, on("x86_64")) },
    { what: "native ones for linux/arm64", files: downloadedWheels(native, on("aarch64")) },
    { what: "ones with data, scripts and commands", files: downloadedWheels(dataAndScripts, on("x86_64")) },
  ];
  it.for(sets)("in a directory: $what (needs pip and its index)", async ({ files }, { skip }) => {
    if (files === undefined) return skip("needs pip and its index");
    const directory = join(temporaryDirectory(), "target");
    const args = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--target", directory];
    const machine = files.some((file) => file.includes("aarch64")) ? "aarch64" : "x86_64";
    const { status, stderr } = run("python3", [...args, "--only-binary=:all:", ...on(machine), ...fromFiles(files)]);
    expect(status, stderr.toString("utf8")).toBe(0);
    const interpreter = python<string>("print(json.dumps(sys.executable))", null);
    const version = python<string>("print(json.dumps('%d.%d' % sys.version_info[:2]))", null);
    const where = { library: "", scripts: "bin", data: "", headers: "include/python", interpreter, python: version };
    compare(await installAll(files, () => where), walk(directory), "bin");
  });

  it("below a prefix, with headers (needs pip and its index)", async ({ skip }) => {
    const files = downloadedWheels(
      ["greenlet==3.1.1", "ninja==1.11.1.1", "docutils==0.21.2", "widgetsnbextension==4.0.13"],
      [],
    );
    if (files === undefined) return skip("needs pip and its index");
    const prefix = join(temporaryDirectory(), "prefix");
    const args = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-index",
      "--no-deps",
      "--no-compile",
      "--ignore-installed",
      "--prefix",
      prefix,
    ];
    const { status, stderr } = run("python3", [...args, ...fromFiles(files)]);
    expect(status, stderr.toString("utf8")).toBe(0);
    const [interpreter, version, scheme] = python<readonly [string, string, Record<string, string>]>(
      `import sysconfig
print(json.dumps([sys.executable, "%d.%d" % sys.version_info[:2], {k: sysconfig.get_path(k, vars={"base": "/", "platbase": "/", "installed_base": "/"}) for k in ("purelib", "scripts", "include", "data")}]))`,
      null,
    );
    const inside = (path: string | undefined): string => (path ?? "").replace(/^\/+/, "");
    const where = {
      library: inside(scheme["purelib"]),
      scripts: inside(scheme["scripts"]),
      data: inside(scheme["data"]),
      headers: inside(scheme["include"]),
      interpreter,
      python: version,
    };
    compare(await installAll(files, () => where), walk(prefix), where.scripts);
  });

  it("have commands that run, and are found by importlib.metadata (needs pip and its index)", async ({ skip }) => {
    const files = downloadedWheels(["docutils==0.21.2"], []);
    if (files === undefined) return skip("needs pip and its index");
    const root = temporaryDirectory();
    const interpreter = python<string>("print(json.dumps(sys.executable))", null);
    for (const { path, type, mode, content } of (
      await installAll(files, () => ({ library: "lib", interpreter }))
    ).values()) {
      if (type === "directory") mkdirSync(join(root, path), { recursive: true });
      else writeFileSync(join(root, path), content ?? "");
      chmodSync(join(root, path), mode);
    }
    const env = { PYTHONPATH: join(root, "lib"), PATH: process.env["PATH"] ?? "" };
    const made = run(join(root, "bin/rst2html"), ["--version"], { env });
    expect(made.stdout.toString("utf8")).toMatch(/Docutils 0\.21\.2/);
    const check =
      "import importlib.metadata as m\nd = m.distribution('docutils')\nassert all(f.locate().exists() for f in d.files)\nprint(d.version, len(d.files) > 100, d.read_text('INSTALLER'))";
    expect(run("python3", ["-c", check], { env }).stdout.toString("utf8")).toBe("0.21.2 True lockstep\n\n");
  });
});
