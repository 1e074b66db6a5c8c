import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildImages } from "../../pipeline/build/build.ts";
import { inputSections } from "../../pipeline/build/inputs/kinds.ts";
import { inputRecipe, inputRecipeKey } from "../../pipeline/build/inputs/fragment.ts";
import {
  layerKey,
  type Plan,
  type PlannedImage,
  type PlannedInput,
  type PlannedLayer,
  planHash,
} from "../../pipeline/build/plan.ts";
import { fetchLocked, openRepository, planRepository } from "../../pipeline/build/repository.ts";
import { LockedStore, plannedUse, proveUse } from "../../pipeline/build/use.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { formatLock } from "../../pipeline/lock/format.ts";
import { readLock } from "../../pipeline/lock/lockfile.ts";
import { sectionNames } from "../../pipeline/lock/section.ts";
import type { Lock, SectionName } from "../../pipeline/lock/types.ts";
import { silent } from "../../pipeline/report/report.ts";
import type { Digest } from "../../pipeline/store/digest.ts";
import { Store } from "../../pipeline/store/store.ts";
import { filesBelow } from "../files.ts";
import { rawTar, sha256Of } from "../source/debian/tiny-deb.ts";
import { tinyWheel } from "../source/python/wheels.ts";
import { tarballOf } from "../source/npm/tiny-registry.ts";
import { tinyZip } from "../tree/tiny-zip.ts";
import { baseScene } from "./base/base-scene.ts";
import { image, tinyRepository, type TinyRepository } from "./tiny-repository.ts";

const file = "https://files.example/file";
const tar = "https://files.example/archive.tar";
const zip = "https://files.example/archive.zip";

const words = tarballOf({
  name: "words",
  version: "1.0.0",
  manifest: { bin: { words: "cli.js" } },
  entries: [{ name: "package/cli.js", content: "#!/usr/bin/env node\n" }],
});
const integrity = `sha512-${createHash("sha512").update(words).digest("base64")}`;

const wheel = tinyWheel({ files: { "tiny/__init__.py": "x" }, entryPoints: "[console_scripts]\ntiny = tiny:main\n" });

/** An input of a commit, which takes git to make: what is planned is as real without. */
const commit: PlannedInput = {
  section: "git",
  key: "https://git.example/a#main",
  sha256: "12".repeat(32),
  into: "opt/git",
  unpack: "git",
  commit: "34".repeat(20),
  tree: "56".repeat(20),
  time: 7,
  submodules: { "src/x": "78".repeat(20) },
  path: "src",
  below: "lib",
  exclude: ["c"],
  uid: 0,
  gid: 0,
  modes: [{ glob: "**", mode: 0o644 }],
};

/** The same, of a commit that is an npm package. */
const packageCommit: PlannedInput = {
  section: "git",
  key: `https://git.example/b#${"34".repeat(20)}`,
  sha256: "12".repeat(32),
  into: "srv",
  unpack: "npm-git",
  commit: "34".repeat(20),
  tree: "56".repeat(20),
  time: 7,
  location: "node_modules/b",
  bins: [{ link: "node_modules/.bin/b", file: "b.js" }],
  executable: ["c.js"],
  drop: ["node_modules/d"],
  uid: 0,
  gid: 0,
};

/** One image with a layer of every kind that a plan can have. */
function everything(): Promise<TinyRepository> {
  return tinyRepository({
    images: {
      app: image(
        "aa",
        [
          "  - files: { from: files, into: /app }",
          "  - directories: [{ path: /data }]",
          "  - symlinks: [{ path: /srv/link, target: ../data }]",
          `  - http: { url: "${file}", into: /usr/local/bin/tool, mode: "0755" }`,
          `  - http: { url: "${tar}", into: /opt/tar, unpack: tar, strip: 1, include: [b], exclude: [c], mode: { "**": "0644" } }`,
          "  - npm: { project: project, into: /srv }",
          '  - python: { requirements: requirements.txt, python: "3.13", glibc: "2.41", into: /opt/lib }',
          `  - http: { url: "${zip}", into: /opt/zip, unpack: zip, exclude: [c], mode: { "**": "0644" } }`,
          "users: [{ name: app, uid: 1000, gid: 1000 }]",
          "groups: [{ name: app, gid: 1000, members: [app] }]",
          "config: { entrypoint: [/app/a], env: { A: b }, ports: [80] }",
          "",
        ].join("\n"),
      ),
    },
    packages: [{ name: "aa", data: [{ name: "./usr/bin/aa", content: "aa" }] }],
    files: {
      "images/app/files/a": "a\n",
      "images/app/requirements.txt": `tiny==1.0 --hash=sha256:${sha256Of(wheel)}\n`,
      "images/app/project/package.json": JSON.stringify({
        name: "p",
        version: "1.0.0",
        dependencies: { words: "1.0.0" },
      }),
      "images/app/project/package-lock.json": JSON.stringify({
        name: "p",
        version: "1.0.0",
        lockfileVersion: 3,
        packages: {
          "": { name: "p", version: "1.0.0", dependencies: { words: "1.0.0" } },
          "node_modules/words": { version: "1.0.0", integrity, bin: { words: "cli.js" } },
        },
      }),
    },
    inputs: {
      locked: {
        wheels: new Map([
          ["tiny-1.0-py3-none-any.whl", { name: "tiny", version: "1.0", size: wheel.length, sha256: sha256Of(wheel) }],
        ]),
        npm: new Map([["words@1.0.0", { size: words.length, sha256: sha256Of(words), integrity, license: "MIT" }]]),
      },
      blobs: [words, wheel],
    },
    http: {
      [file]: Buffer.from("#!/bin/sh\n"),
      [tar]: rawTar([{ name: "a/b", content: "b" }]),
      [zip]: tinyZip([{ name: "b", content: "b" }]),
    },
  });
}

/** Steps with every member. */
const steps: readonly PlannedLayer[] = [
  {
    kind: "step",
    title: "lockstep: run make",
    epoch: 7,
    rules: 1,
    command: {
      kind: "run",
      argv: ["/usr/bin/make", "install"],
      env: { PATH: "/usr/bin", TZ: "UTC" },
      workdir: "/src",
      hostname: "dagger",
      network: "none",
      fetch: [{ url: "https://files.example/source", sha256: "12".repeat(32) }],
      secrets: ["token"],
      umask: "0022",
      user: "0:0",
      tools: {
        tree: `sha256:${"9a".repeat(32)}`,
        files: [{ path: "src/a.c", type: "file", mode: 0o644, uid: 0, gid: 0, size: 1, sha256: "bc".repeat(32) }],
        outputs: [{ from: "out/a", into: "usr/bin/a" }],
      },
    },
  },
  {
    kind: "step",
    title: "lockstep: dockerfile app/Dockerfile",
    epoch: 7,
    rules: 1,
    command: {
      kind: "dockerfile",
      file: "Dockerfile",
      target: "final",
      args: { VERSION: "1" },
      env: { TZ: "UTC" },
      network: "none",
      fetch: [{ url: "https://files.example/source", sha256: "12".repeat(32) }],
      secrets: ["token"],
      images: { base: `sha256:${"de".repeat(32)}` },
      context: [{ path: "Dockerfile", type: "file", mode: 0o644, uid: 0, gid: 0, size: 1, sha256: "f0".repeat(32) }],
    },
  },
];

/** An image on a base of a registry. */
async function onBase(): Promise<PlannedImage> {
  const base = { layers: [{ entries: [{ path: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n" }] }], config: {} };
  const at = await baseScene({ "1": base }, "from: { image: registry.example/base:1 }\nplatforms: [linux/amd64]\n");
  const [only] = await at.plan();
  if (only === undefined) throw new Error("nothing is planned");
  return only;
}

/** The plan of the image that has everything, with commits besides. */
async function plannedWithCommit(): Promise<Plan> {
  const { plan } = await planned();
  const layer: PlannedLayer = { kind: "inputs", title: "git", epoch: 7, inputs: [commit, packageCommit], entries: [] };
  return { ...plan, layers: [...plan.layers, layer, ...steps] };
}

async function planned(): Promise<PlannedImage> {
  const [only] = await (await everything()).plan();
  if (only === undefined) throw new Error("nothing is planned");
  return only;
}

/** A new kind of layer or of unpacking has to be in the sample above before this compiles. */
const layerKinds: Readonly<Record<PlannedLayer["kind"], true>> = {
  base: true,
  packages: true,
  entries: true,
  inputs: true,
  step: true,
};
const ways: Readonly<Record<PlannedInput["unpack"], true>> = {
  file: true,
  tar: true,
  zip: true,
  npm: true,
  "npm-git": true,
  git: true,
  wheel: true,
};

type Path = readonly (string | number)[];

/** The path of every value within, of objects and lists too. */
function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  const own: readonly Path[] = path.length === 0 ? [] : [path];
  if (typeof value !== "object" || value === null) return own;
  const members: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, index) => [index, item] as const)
    : Object.entries(value);
  return [...own, ...members.flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((here, step) => (here as Record<string | number, unknown>)[step], value);
}

/** A copy with one value changed, or left out. */
function changed<T>(original: T, path: Path, change: "other" | "gone"): T {
  const copy = structuredClone(original);
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>;
  const name = path.at(-1) ?? "";
  const old = parent[name];
  if (change === "gone") {
    if (Array.isArray(parent)) parent.splice(Number(name), 1);
    else delete parent[name];
  } else if (typeof old === "string") parent[name] = `${old}x`;
  else if (typeof old === "number") parent[name] = old + 1;
  else if (Array.isArray(old)) parent[name] = [...(old as unknown[]), "x"];
  else parent[name] = { ...(old as object), x: 1 };
  return copy;
}

/** Every value within a plan, changed or left out, gives another key to the plan, and to the layers that it concerns. */
function checkKeys(plan: Plan): void {
  const hash = planHash(plan);
  const keys = plan.layers.map((_, index) => layerKey(plan, index));
  const paths = pathsOf(plan);
  expect(paths.length).toBeGreaterThan(20);
  for (const path of paths) {
    for (const change of path.length === 1 ? (["other"] as const) : (["other", "gone"] as const)) {
      const other: Plan = changed(plan, path, change);
      expect(planHash(other), `${path.join(".")} ${change}`).not.toBe(hash);
      const [top, layer] = path;
      for (const [index, key] of keys.entries()) {
        const concerned = top === "format" || top === "platform" || (top === "layers" && Number(layer ?? 0) <= index);
        // A layer that is left out moves those above it; adding at the end concerns none of those that were there.
        if (path.length === 1 && top === "layers") continue;
        if (index >= other.layers.length) continue;
        if (concerned) expect(layerKey(other, index), `${path.join(".")} ${change} in ${index}`).not.toBe(key);
        else expect(layerKey(other, index), `${path.join(".")} ${change} in ${index}`).toBe(key);
      }
    }
  }
}

describe("the key of a plan", () => {
  it("is of plans with every kind of layer and every way to unpack", async () => {
    const layers = [...(await plannedWithCommit()).layers, ...(await onBase()).plan.layers];
    expect(new Set(layers.map(({ kind }) => kind))).toEqual(new Set(Object.keys(layerKinds)));
    const found = layers.flatMap((layer) => (layer.kind === "inputs" ? layer.inputs.map(({ unpack }) => unpack) : []));
    expect(new Set(found)).toEqual(new Set(Object.keys(ways)));
  });

  it("changes with every value in it, and that of a layer with every value up to that layer", async () => {
    for (const plan of [await plannedWithCommit(), (await onBase()).plan]) checkKeys(plan);
  });

  it("of a fragment changes with everything in its input but where the lock has it", async () => {
    const plan = await plannedWithCommit();
    let tried = 0;
    for (const layer of plan.layers) {
      if (layer.kind !== "inputs") continue;
      for (const input of layer.inputs) {
        const keyOf = (it: PlannedInput): string => inputRecipeKey(inputRecipe(it, layer.epoch));
        const key = keyOf(input);
        for (const path of pathsOf(input)) {
          if (path[0] === "unpack") continue;
          const place = path[0] === "section" || path[0] === "key";
          expect(keyOf(changed(input, path, "other")) === key, path.join(".")).toBe(place);
          tried++;
        }
        expect(inputRecipeKey(inputRecipe(input, layer.epoch + 1)) === key).toBe(
          !["file", "wheel"].includes(input.unpack),
        );
        expect(inputRecipeKey(inputRecipe(input, 5, 6))).not.toBe(inputRecipeKey(inputRecipe(input, 4, 6)));
      }
    }
    expect(tried).toBeGreaterThan(20);
  });
});

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error("was built"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LockstepError)) throw new Error("failed without a code", { cause: error });
  return error.message;
}

describe("a build", () => {
  it("uses every entry that the lock has for the image, and nothing else", async () => {
    const only = await planned();
    const used = plannedUse(only.plan);
    const based = await onBase();
    proveUse(based, plannedUse(based.plan));
    const taken = plannedUse(based.plan);
    expect(taken).toHaveLength(2);
    for (const item of taken) {
      const without = taken.filter((other) => other !== item);
      expect(() => proveUse(based, without)).toThrow(/^LS2704 .*base:1/);
    }
    expect(used.map(({ key }) => key).toSorted()).toEqual(
      [...only.packages.keys(), ...inputSections.flatMap((section) => [...only.inputs[section].keys()])].toSorted(),
    );
    proveUse(only, used);
    for (const item of used) {
      const without = used.filter((other) => other !== item);
      expect(() => proveUse(only, without)).toThrow(new RegExp(`^LS2704 .*"${item.key}" too, and was made without it`));
      expect(() => proveUse(only, [...without, { ...item, sha256: "0".repeat(64) }])).toThrow(/^LS2703 [^]*\nLS2704 /);
    }
    const more = [...used, { section: "http", key: "https://files.example/more", sha256: "0".repeat(64) } as const];
    expect(() => proveUse(only, more)).toThrow(/^LS2703 .*files.example\/more/);
  });

  const variants: readonly (readonly [string, (it: PlannedImage) => PlannedImage, string])[] = [
    [
      "leaves out a package",
      (it) =>
        withLayers(it, (layer) =>
          layer.kind === "packages" ? { ...layer, packages: layer.packages.slice(1) } : layer,
        ),
      "LS2704",
    ],
    [
      "leaves out a layer of an input",
      (it) => ({ ...it, plan: { ...it.plan, layers: it.plan.layers.slice(0, -1) } }),
      "LS2704",
    ],
    [
      "leaves out an input",
      (it) => withLayers(it, (layer) => (layer.kind === "inputs" ? { ...layer, inputs: [] } : layer)),
      "LS2704",
    ],
    [
      "takes an input that the lock does not have",
      (it) => ({ ...it, inputs: { ...it.inputs, http: new Map([...it.inputs.http].slice(1)) } }),
      "LS2703",
    ],
    [
      "takes other bytes for an input",
      (it) =>
        withLayers(it, (layer) =>
          layer.kind === "inputs"
            ? {
                ...layer,
                inputs: layer.inputs.map((input) => ({ ...input, sha256: it.inputs.http.get(tar)?.sha256 ?? "" })),
              }
            : layer,
        ),
      "LS2703",
    ],
    [
      "takes other bytes for a package",
      (it) =>
        withLayers(it, (layer) =>
          layer.kind === "packages"
            ? { ...layer, packages: layer.packages.map((item) => ({ ...item, sha256: "0".repeat(64) })) }
            : layer,
        ),
      "LS2703",
    ],
  ];

  it.each(variants)("that %s fails, and writes no image", async (_, change, code) => {
    const tiny = await everything();
    const images = (await tiny.plan()).map(change);
    const stores = { inputs: tiny.store, results: tiny.store };
    const message = await refusal(buildImages(tiny.host, stores, silent, images, { out: tiny.out }));
    expect(message).toMatch(new RegExp(`^${code} `));
    expect(filesBelow(tiny.out)).toEqual([]);
    // What was made on the way is no excuse the second time.
    expect(await refusal(buildImages(tiny.host, stores, silent, images, { out: tiny.out }))).toMatch(/^LS270[34] /);
  });

  it("LS2705: believes no layer that was made before for entries that say something else of a package", async () => {
    const tiny = await everything();
    await tiny.build();
    const lock = await readLock(tiny.root);
    for (const field of ["source", "sourceVersion"] as const) {
      const packages = new Map(
        [...lock.packages].map(
          ([key, item]) => [key, item.name === "aa" ? { ...item, [field]: "9.9" } : item] as const,
        ),
      );
      tiny.write("lockstep.lock", formatLock({ ...lock, packages }));
      const message = await refusal(tiny.build());
      expect(message).toMatch(
        new RegExp(`^LS2705 lockstep.lock package "aa_1.0_all" has the ${field} ".*", and the lock says "9.9"`),
      );
    }
    tiny.write("lockstep.lock", formatLock(lock));
    expect((await tiny.build()).every(({ unchanged }) => unchanged)).toBe(true);
  });

  it("LS2703: reads no blob that the lock does not name, though the store has it", async () => {
    const tiny = await everything();
    const { digest } = await tiny.store.put(Buffer.from("something else\n"));
    const images = await tiny.plan();
    const locked = new LockedStore(tiny.host, tiny.store, images);
    const known: Digest = `sha256:${images[0]?.inputs.http.get(file)?.sha256 ?? ""}`;
    expect((await locked.read(known)).toString()).toBe("#!/bin/sh\n");
    await expect(locked.read(digest)).rejects.toThrow("LS2703");
    await expect(locked.find(digest)).rejects.toThrow("LS2703");
    await expect(locked.stream(digest).next()).rejects.toThrow("LS2703");
  });
});

function withLayers(it: PlannedImage, change: (layer: PlannedLayer) => PlannedLayer): PlannedImage {
  return { ...it, plan: { ...it.plan, layers: it.plan.layers.map(change) } };
}

/** Fields whose change, with the right seal, no build can tell, and what tells it. */
const unseen: Readonly<Record<string, string>> = {
  "npm.license":
    "the SBOM, which says it, beside the package.json in the image, which says what is true; review sees the change",
  "packages.path": "where a file is fetched from: its bytes are those of the hash wherever it comes from",
  "releases.sha256": "the signed release: `pin` checks it when it is made, and review sees the change",
  "releases.signedBy": "as for releases.sha256",
};

/** Another value that the table of the section would take. */
function plausible(field: string, value: unknown): unknown {
  if (field === "sha256") return String(value).startsWith("0") ? "1".repeat(64) : "0".repeat(64);
  if (typeof value === "number") return value + 1;
  if (field === "version" || field === "sourceVersion") return "9.9";
  if (field === "architecture") return "amd64";
  if (field === "archive") return "debian-security";
  if (field === "path") return "pool/main/z/zz/zz.deb";
  if (field === "release") return "trixie@000000000000";
  if (field === "date") return "2026-03-04T05:06:07Z";
  if (field === "suite") return "bookworm";
  if (field === "dependencies") return "none";
  if (field === "request") return ["zz"];
  if (field === "signedBy") return ["F".repeat(40)];
  if (field === "platforms") return { "linux/arm64": (value as Record<string, unknown>)["linux/amd64"] };
  return "zz";
}

describe("an entry of the lock that was changed, and sealed again", () => {
  it("is refused or gives another image, whichever field it is; or something else tells it", async () => {
    const tiny = await everything();
    const [before] = await tiny.build();
    const lock = await readLock(tiny.root);
    const seen = new Set<string>();
    let run = 0;
    const outcome = async (other: Lock): Promise<string> => {
      tiny.write("lockstep.lock", formatLock(other));
      const results = new Store(tiny.host, join(tiny.directory, `results-${run++}`));
      try {
        const repository = await openRepository(results, tiny.root);
        const images = planRepository(tiny.host, repository, []);
        // A copy of the blobs that are there: fetching removes what is not as large as the lock says.
        const inputs = tiny.store;
        await fetchLocked(tiny.host, inputs, silent, repository, images, { offline: true });
        const [built] = await buildImages(tiny.host, { inputs, results }, silent, images, {
          out: join(tiny.directory, "out"),
        });
        return built?.index.descriptor.digest ?? "";
      } catch (error) {
        if (error instanceof LockstepError) return error.code;
        throw error;
      }
    };
    const blobs = new Map<Digest, Buffer>();
    const entries = [...lock.http.values(), ...lock.npm.values(), ...lock.wheels.values()];
    for (const { sha256 } of [...lock.packages.values(), ...entries])
      blobs.set(`sha256:${sha256}`, await tiny.store.read(`sha256:${sha256}`));
    for (const section of sectionNames) {
      for (const [key, entry] of lock[section] as ReadonlyMap<string, object>) {
        for (const [field, value] of Object.entries(entry) as [string, unknown][]) {
          for (const bytes of blobs.values()) await tiny.store.put(bytes);
          const other = { ...entry, [field]: plausible(field, value) };
          const entries = new Map<string, object>(lock[section] as ReadonlyMap<string, object>).set(key, other);
          const found = await outcome({ ...lock, [section]: entries } as Lock);
          const name = `${section}.${field}`;
          if (found === before?.index.descriptor.digest) seen.add(name);
          else expect(found, name).toMatch(/^(LS\d{4}|sha256:[0-9a-f]{64})$/);
        }
        for (const bytes of blobs.values()) await tiny.store.put(bytes);
        const entries = new Map<string, object>(
          [...(lock[section] as ReadonlyMap<string, object>)].filter(([other]) => other !== key),
        );
        expect(await outcome({ ...lock, [section]: entries } as Lock), `${section} ${key} removed`).toMatch(/^LS22/);
      }
    }
    expect([...seen].filter((name) => unseen[name] === undefined)).toEqual([]);
    const sections = new Set<SectionName>(sectionNames.filter((section) => lock[section].size > 0));
    // Bases are held against their digests before anything is planned, and commits against their ids when they are unpacked:
    // test/build/base/pin-base.test.ts, test/build/inputs/git.test.ts, test/build/inputs/npm-git.test.ts.
    expect(sections).toEqual(new Set(sectionNames.filter((section) => section !== "bases" && section !== "git")));
  });
});
