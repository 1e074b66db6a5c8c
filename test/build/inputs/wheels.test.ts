import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BuiltImage, buildImages } from "../../../pipeline/build/build.ts";
import { type Pinned, pin } from "../../../pipeline/build/pin.ts";
import {
  fetchLocked,
  lockProblems,
  openRepository,
  planRepository,
  readSpecs,
} from "../../../pipeline/build/repository.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import { readLock, writeLock } from "../../../pipeline/lock/lockfile.ts";
import type { Host } from "../../../pipeline/host/host.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { verifyImages } from "../../../pipeline/verify/verify.ts";
import { startIndex } from "../../source/python/package-index.ts";
import { hasPip } from "../../source/python/pip.ts";
import { tinyWheel } from "../../source/python/wheels.ts";
import { type Scene, scene } from "../../support.ts";
import { readLayer } from "../tiny-repository.ts";

interface Site extends Scene {
  readonly root: string;
  /** Writes the spec of an image with one python layer, and its file of requirements. */
  spec(requirements: string, more?: string, platforms?: string): void;
  pin(only?: string): Promise<Pinned>;
  problems(): Promise<readonly string[]>;
  build(options?: { readonly store?: Store; readonly offline?: boolean }): Promise<readonly BuiltImage[]>;
  /** Paths of files by platform, with what is in them. */
  files(): Promise<Readonly<Record<string, ReadonlyMap<string, string>>>>;
}

function site(environment: Readonly<Record<string, string>>, change: Partial<Host> = {}): Site {
  const at = scene({ PATH: process.env["PATH"] ?? "", PIP_CONFIG_FILE: "/dev/null", ...environment });
  const host = { ...at.host, sleep: () => Promise.resolve(), ...change };
  const root = join(at.directory, "repository");
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const build: Site["build"] = async ({ store = at.store, offline = false } = {}) => {
    const repository = await openRepository(at.store, root);
    const planned = planRepository(host, repository, []);
    await fetchLocked(host, store, silent, repository, planned, { offline, tries: 1 });
    return buildImages(host, { inputs: store, results: store }, silent, planned, { out: join(root, "out") });
  };
  return {
    ...at,
    host,
    root,
    spec(requirements, more = "", platforms = "[linux/amd64, linux/arm64]") {
      write("images/app/requirements.txt", requirements);
      const layer = `{ requirements: requirements.txt, python: "3.13", glibc: "2.41", into: /opt/lib${more} }`;
      write("images/app/image.yaml", `name: app\nplatforms: ${platforms}\nlayers:\n  - python: ${layer}\n`);
    },
    async pin(only) {
      const specs = await readSpecs(at.store, root);
      const options = { root, specs, lock: await readLock(root), ...(only === undefined ? {} : { only }) };
      const pinned = await pin(host, at.store, silent, options);
      await writeLock(host, root, pinned.lock);
      return pinned;
    },
    problems: async () => lockProblems(await openRepository(at.store, root)).map(formatProblem),
    build,
    async files() {
      const [built] = await build();
      const found: Record<string, ReadonlyMap<string, string>> = {};
      for (const { platform, layers } of built?.platforms ?? []) {
        const entries = await Promise.all(layers.map(({ digest }) => readLayer(built?.layout ?? "", digest)));
        found[platform] = new Map(
          entries
            .flat()
            .flatMap((entry) => (entry.type === "file" ? [[entry.path, entry.content ?? ""] as const] : [])),
        );
      }
      return found;
    },
  };
}

const wheel = (mark: string): Buffer =>
  tinyWheel({ files: { "tiny/__init__.py": mark }, entryPoints: "[console_scripts]\ntiny = tiny:main\n" });
const amd64 = "tiny-1.0-cp313-cp313-manylinux_2_28_x86_64.whl";
const arm64 = "tiny-1.0-cp313-cp313-manylinux_2_28_aarch64.whl";
const pure = "tiny-1.0-py3-none-any.whl";

describe("layers of Python wheels", () => {
  it.each(["json", "json without sizes", "html"] as const)(
    "are pinned by file for each platform, built and reproduced: an index with %s",
    async (form) => {
      const index = await startIndex({ form });
      const hashes = [amd64, arm64, pure].map((file) => index.add("tiny", file, wheel(file))).join(" ");
      const { spec, pin, build, files, problems, host, store, root } = site({ PIP_INDEX_URL: index.index });
      spec(`tiny==1.0 ${hashes}\n`);
      const { lock } = await pin();
      expect([...lock.wheels.keys()]).toEqual([arm64, amd64].toSorted());
      expect(lock.wheels.get(amd64)).toMatchObject({ name: "tiny", version: "1.0", size: wheel(amd64).length });
      expect(await problems()).toEqual([]);
      const found = await files();
      expect(found["linux/amd64"]?.get("opt/lib/tiny/__init__.py")).toBe(amd64);
      expect(found["linux/arm64"]?.get("opt/lib/tiny/__init__.py")).toBe(arm64);
      expect(found["linux/amd64"]?.get("opt/lib/bin/tiny")).toMatch(/^#!\/usr\/bin\/python3\.13\n/);
      expect(found["linux/amd64"]?.has("opt/lib/tiny-1.0.dist-info/RECORD")).toBe(true);
      const verdicts = await verifyImages(host, store, silent, await build(), { root, again: true });
      expect(verdicts.map(({ verdict }) => verdict)).toEqual(["reproduced"]);
    },
  );

  it("are looked up through the index again when the store has lost them, and need none when it has them", async () => {
    const index = await startIndex();
    const { spec, pin, build } = site({ PIP_INDEX_URL: index.index });
    spec(`tiny==1.0 ${index.add("tiny", pure, wheel("x"))}\n`);
    await pin();
    const before = await build();
    index.requests.length = 0;
    expect((await build({ offline: true }))[0]?.index.descriptor.digest).toBe(before[0]?.index.descriptor.digest);
    expect(index.requests).toEqual([]);
    const again = await build({ store: new Store(scene().host) });
    expect(again[0]?.index.descriptor.digest).toBe(before[0]?.index.descriptor.digest);
    expect(index.requests).toEqual(["/simple/tiny/", `/files/${pure}`]);
    index.remove("tiny", pure);
    await expect(build({ store: new Store(scene().host) })).rejects.toMatchObject({
      code: expect.stringMatching(/^LS310[23]$/) as string,
    });
  });

  it("go where the layout says", async () => {
    const index = await startIndex();
    const { spec, pin, files } = site({ PIP_INDEX_URL: index.index });
    const hash = index.add("tiny", pure, wheel("x"));
    for (const [layout, module, command] of [
      ["directory", "opt/lib/tiny/__init__.py", "opt/lib/bin/tiny"],
      ["prefix", "opt/lib/lib/python3.13/site-packages/tiny/__init__.py", "opt/lib/bin/tiny"],
      ["debian", "opt/lib/lib/python3.13/dist-packages/tiny/__init__.py", "opt/lib/bin/tiny"],
    ]) {
      spec(
        `tiny==1.0 ${hash}\n`,
        `, layout: ${layout}, interpreter: /opt/python/bin/python3, owner: "7:8"`,
        "[linux/amd64]",
      );
      await pin();
      const found = (await files())["linux/amd64"];
      expect(found?.has(module ?? "")).toBe(true);
      expect(found?.get(command ?? "")).toMatch(/^#!\/opt\/python\/bin\/python3\n/);
    }
  });

  it("send the login of the index to it and to files on its host, and nowhere else; no message has it", async () => {
    const authorization = `Basic ${Buffer.from("user:s3cret").toString("base64")}`;
    for (const elsewhere of [false, true]) {
      const index = await startIndex({ authorization, elsewhere });
      const { spec, pin, build } = site({ PIP_INDEX_URL: index.index.replace("://", "://user:s3cret@") });
      spec(`tiny==1.0 ${index.add("tiny", pure, wheel("x"))}\n`);
      const { lock } = await pin();
      expect(JSON.stringify([...lock.wheels])).not.toMatch(/s3cret|127\.0\.0\.1|localhost/);
      expect(await build()).toHaveLength(1);
    }
    const index = await startIndex({ authorization });
    const { spec, pin } = site({ PIP_INDEX_URL: index.index.replace("://", "://user:wr0ng@") });
    spec(`tiny==1.0 ${index.add("tiny", pure, wheel("x"))}\n`);
    await expect(pin()).rejects.toThrow(/^LS2611 (?!.*wr0ng).*answers 401/s);
  });

  it("ask all indexes of pip's configuration, from its files too", async () => {
    const [one, two] = [await startIndex(), await startIndex({ form: "html" })];
    const first = one.add("tiny", pure, wheel("x"));
    const second = two.add("other", "other-2.0-py3-none-any.whl", tinyWheel({ name: "other", version: "2.0" }));
    const { directory } = scene();
    const config = join(directory, "pip.conf");
    writeFileSync(
      config,
      `# mine\n[global]\nindex-url = http://127.0.0.1:1/simple\nextra-index-url =\n    ${two.index}\n[install]\nindex-url: ${one.index}/\n`,
    );
    const configured = site({ PIP_CONFIG_FILE: config });
    configured.spec(`tiny==1.0 ${first}\nother==2.0 ${second}\n`);
    expect([...(await configured.pin()).lock.wheels.keys()]).toEqual(["other-2.0-py3-none-any.whl", pure]);
  });

  it("LS2201, LS2208: the lock is exactly the answer to the files of requirements", async () => {
    const index = await startIndex();
    const { spec, pin, problems } = site({ PIP_INDEX_URL: index.index });
    const [a, b] = [index.add("tiny", pure, wheel("x")), index.add("tiny", amd64, wheel("y"))];
    spec(`tiny==1.0 ${a}\n`, "", "[linux/amd64]");
    await pin();
    expect(await problems()).toEqual([]);
    spec(`tiny==1.0 ${b}\n`, "", "[linux/amd64]");
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^LS2201 images\/app\/requirements\.txt:1 .*wheel "tiny==1\.0" of image "app" is not in the lock/,
      ),
      expect.stringMatching(/^LS2208 .*tiny-1\.0-py3-none-any\.whl/),
    ]);
    spec(`tiny==1.0 ${a} ${b}\n`, "", "[linux/amd64]");
    expect([...(await pin()).lock.wheels.keys()]).toEqual([amd64]);
  });

  it("LS2608: say what the index has when nothing of it fits", async () => {
    const index = await startIndex();
    const { spec, pin } = site({ PIP_INDEX_URL: index.index });
    const hash = index.add("tiny", amd64, wheel("x"));
    index.add("tiny", "tiny-1.0.tar.gz", Buffer.from("x"));
    spec(`tiny==1.0 ${hash}\nmissing==1 --hash=sha256:${"0".repeat(64)}\n`);
    await expect(pin()).rejects.toThrow(
      /missing 1 has no wheel for Python 3\.13 on linux\/amd64 with glibc 2\.41: the index does not know it.*\nLS2608 images\/app\/requirements\.txt:1 tiny 1\.0 has no wheel for Python 3\.13 on linux\/arm64 with glibc 2\.41: the hashes are of tiny-1\.0-cp313/s,
    );
  });

  it("LS2613: have all that their packages need in the file, unless the spec says otherwise", async () => {
    const index = await startIndex();
    const { spec, pin } = site({ PIP_INDEX_URL: index.index });
    const metadata =
      "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\nRequires-Dist: Needed_Package>=2; platform_machine == 'aarch64'\n";
    const tiny = `tiny==1.0 ${index.add("tiny", pure, tinyWheel({ metadata }))}\n`;
    const needed = (version: string): string =>
      `needed-package==${version} ${index.add("needed-package", `needed_package-${version}-py3-none-any.whl`, tinyWheel({ name: "needed_package", version }))}\n`;
    spec(tiny);
    await expect(pin()).rejects.toThrow(
      /^LS2613 images\/app\/requirements\.txt:1 tiny 1\.0 needs needed-package, which is not required for linux\/arm64;[^\n]*$/,
    );
    spec(tiny, "", "[linux/amd64]");
    expect((await pin()).lock.wheels.size).toBe(1);
    spec(tiny + needed("1.9"));
    await expect(pin()).rejects.toThrow(/tiny 1\.0 needs needed-package >=2, and 1\.9 is required in line 2/);
    spec(tiny + needed("2.0"));
    expect((await pin()).lock.wheels.size).toBe(2);
    spec(tiny, ", dependencies: none");
    expect((await pin()).lock.wheels.size).toBe(1);
  });

  it("LS4201: have no file of two packages, unless it is left out", async () => {
    const index = await startIndex();
    const { spec, pin, build } = site({ PIP_INDEX_URL: index.index });
    const add = (name: string): string =>
      `${name}==1.0 ${index.add(name, `${name}-1.0-py3-none-any.whl`, tinyWheel({ name, files: { "tests/__init__.py": name } }))}\n`;
    const requirements = add("one") + add("two");
    spec(requirements);
    await pin();
    await expect(build()).rejects.toMatchObject({ code: "LS4201" });
    spec(requirements, ", exclude: [tests]");
    expect(await build()).toHaveLength(1);
  });

  it("LS2045: say which C library is meant when no Debian package does", async () => {
    const { spec, problems, root } = site({});
    spec(`tiny==1.0 --hash=sha256:${"0".repeat(64)}\n`);
    const file = join(root, "images/app/image.yaml");
    writeFileSync(
      file,
      `name: app\nlayers:\n  - python: { requirements: requirements.txt, python: "3.13", into: /opt }\n`,
    );
    await expect(problems()).rejects.toMatchObject({ code: "LS2045" });
  });

  it.each([
    ["LS2007", 'python: "3", into: /opt'],
    ["LS2007", 'python: "2.7", into: /opt'],
    ["LS2004", "python: 3.13, into: /opt"],
    ["LS2007", 'python: "3.13", glibc: "2.5", into: /opt'],
    ["LS2007", 'python: "3.13", interpreter: "/usr/bin/env python3", into: /opt'],
    ["LS2017", 'python: "3.13", into: opt'],
    ["LS2015", 'python: "3.13", into: /opt, requirements: none.txt'],
    ["LS2016", 'python: "3.13", into: /opt, requirements: ../../../etc/passwd'],
  ])("%s: refuse { %s }", async (code, text) => {
    const { spec, store, root } = site({});
    spec("");
    const requirements = text.includes("requirements:") ? "" : "requirements: requirements.txt, ";
    writeFileSync(join(root, "images/app/image.yaml"), `name: app\nlayers:\n  - python: { ${requirements}${text} }\n`);
    await expect(readSpecs(store, root)).rejects.toMatchObject({ code });
  });

  it("LS2611, LS2612: say what is wrong with an index", async () => {
    const index = await startIndex();
    const text = `tiny==1.0 --hash=sha256:${"0".repeat(64)}\n`;
    const failure = async (environment: Readonly<Record<string, string>>, change?: Partial<Host>): Promise<unknown> => {
      const { spec, pin } = site(environment, change);
      spec(text);
      return pin();
    };
    await expect(failure({ PIP_INDEX_URL: "ftp://registry.example/simple" })).rejects.toMatchObject({ code: "LS2611" });
    await expect(failure({ PIP_INDEX_URL: "nonsense" })).rejects.toMatchObject({ code: "LS2611" });
    await expect(failure({ PIP_NO_INDEX: "1", PIP_INDEX_URL: index.index })).rejects.toMatchObject({ code: "LS2611" });
    await expect(failure({ PIP_INDEX_URL: "http://127.0.0.1:1/simple" })).rejects.toMatchObject({ code: "LS2611" });
    await expect(failure({}, { findProgram: () => undefined })).rejects.toThrow(/LS2611 no package index is known/);
    for (const body of [
      "plain",
      "{}",
      '{"meta":{"api-version":"2.0"},"files":[]}',
      '{"meta":',
      '<meta name="pypi:repository-version" content="2.0">',
    ]) {
      index.files.set("/simple/tiny/", Buffer.from(body));
      await expect(failure({ PIP_INDEX_URL: index.index }), body).rejects.toMatchObject({ code: "LS2612" });
    }
  });

  it.skipIf(!hasPip)(
    "are the files that pip chooses for the same platform from the same index (needs pip)",
    async () => {
      const index = await startIndex();
      const names = [
        "tiny-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "tiny-1.0-cp313-cp313-musllinux_1_2_x86_64.whl",
        "tiny-1.0-cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64.whl",
        "tiny-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
        "tiny-1.0-cp38-abi3-manylinux_2_28_x86_64.whl",
        "tiny-1.0-cp38-abi3-manylinux_2_28_aarch64.whl",
        "tiny-1.0-2-py3-none-any.whl",
        "tiny-1.0-py2.py3-none-any.whl",
        "tiny-1.0-cp313-cp313-win_amd64.whl",
        "tiny-1.0-cp313-cp313-macosx_11_0_arm64.whl",
      ];
      const hashes = new Map(names.map((name) => [name, index.add("tiny", name, wheel(name))]));
      const { spec, pin, directory, host } = site({ PIP_INDEX_URL: index.index });
      const tags = (machine: string): readonly string[] =>
        Array.from({ length: 25 }, (_, i) => 41 - i).flatMap((minor) => [
          "--platform",
          `manylinux_2_${minor}_${machine}`,
          ...(minor === 17 ? ["--platform", `manylinux2014_${machine}`] : []),
        ]);
      // Each set without one more of the best, until only the last choices are left.
      for (let from = 0; from < names.length - 2; from++) {
        const requirement = `tiny==1.0 ${names
          .slice(from)
          .map((name) => hashes.get(name))
          .join(" ")}\n`;
        spec(requirement);
        const locked = [...(await pin()).lock.wheels.keys()];
        const chosen = new Set<string>();
        for (const machine of ["x86_64", "aarch64"]) {
          const to = join(directory, `pip-${from}-${machine}`);
          writeFileSync(join(directory, "r.txt"), requirement);
          const args = [
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary=:all:",
            "--no-cache-dir",
          ];
          const target = [...tags(machine), "--python-version", "3.13", "--implementation", "cp"];
          const where = ["--index-url", index.index, "--dest", to, "-r", join(directory, "r.txt")];
          const env = { PATH: process.env["PATH"] ?? "", PIP_CONFIG_FILE: "/dev/null", HOME: directory };
          const { code, stderr } = await host.run("python3", [...args, ...target, ...where], { env });
          expect(stderr.toString("utf8")).not.toMatch(/ERROR/);
          expect(code).toBe(0);
          chosen.add(readdirSync(to)[0] ?? "");
        }
        expect(locked).toEqual([...chosen].toSorted());
      }
    },
    120_000,
  );
});
