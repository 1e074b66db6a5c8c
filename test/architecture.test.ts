import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Source, sources } from "./sources.ts";
import { root, run } from "./support.ts";

const all = sources();
const tracked = run("git", ["ls-files", "-z"], { cwd: root })
  .stdout.toString("utf8")
  .split("\0")
  .filter((path) => path !== "");

/** What each room may import besides itself. Dependencies point one way: command line → verbs → nouns → host. */
const nouns = [
  "host",
  "report",
  "shell",
  "dockerfile",
  "store",
  "tree",
  "image",
  "spec",
  "lock",
  "source",
  "registry",
  "advisory",
];
const allowedRooms: Readonly<Record<string, readonly string[]>> = {
  host: [],
  report: ["host"],
  shell: [],
  dockerfile: ["shell"],
  store: ["host", "report"],
  tree: ["host", "store"],
  image: ["host", "store", "tree"],
  spec: ["host", "tree"],
  lock: ["host", "store", "tree"],
  source: ["host", "report", "shell", "store", "tree", "image", "spec", "lock"],
  registry: ["host", "report", "store", "image"],
  advisory: ["host", "tree", "lock", "source"],
  build: [...nouns, "inside"],
  verify: [...nouns, "build"],
  evidence: [...nouns, "build", "verify"],
  share: [...nouns, "build", "verify", "evidence"],
  deliver: [...nouns, "build", "verify", "evidence"],
  lint: ["host", "report", "shell", "dockerfile", "store", "tree"],
  cli: [...nouns, "build", "verify", "evidence", "share", "deliver", "lint"],
  // It runs beside a step, where nothing else of the program is.
  inside: [],
  src: [],
};

/** npm packages: which files may import each, and how. Anything else is a decision that belongs in this table first. */
const allowedPackages: Readonly<Record<string, { readonly files: RegExp; readonly late: boolean }>> = {
  "@opentelemetry/api": { files: /^report\/trace\.ts$/, late: true },
  "@opentelemetry/sdk-trace-base": { files: /^report\/trace\.ts$/, late: true },
  "@opentelemetry/exporter-trace-otlp-proto": { files: /^report\/trace\.ts$/, late: true },
  "@opentelemetry/resources": { files: /^report\/trace\.ts$/, late: true },
  commander: { files: /^cli\//, late: false },
  yaml: { files: /^(spec|deliver)\/|^(host\/settings|lint\/yaml)\.ts$/, late: false },
  zod: {
    files:
      /^(cli\/documents\/[a-z]+|verify\/(waivers|report)\/schema|spec\/schema|deliver\/schema|deliver\/read|spec\/[a-z-]+)\.ts$/,
    late: false,
  },
  semver: { files: /^deliver\/|^advisory\/affects\.ts$|^build\/pin-items\.ts$/, late: false },
  openpgp: { files: /^source\/(debian\/(keys|signature)|http\/gpg)\.ts$/, late: true },
  minimatch: { files: /^source\/npm\/pack-list\.ts$/, late: false },
  pako: { files: /^verify\/encoder\/encode-again\.ts$/, late: true },
  "spdx-expression-parse": { files: /^evidence\/licence\.ts$/, late: false },
  "xz-decompress": { files: /^source\/decompress\.ts$/, late: true },
  "@sigstore/protobuf-specs": { files: /^evidence\//, late: true },
  "@sigstore/sign": { files: /^evidence\//, late: true },
  "@sigstore/verify": { files: /^evidence\//, late: true },
  "@sigstore/bundle": { files: /^evidence\/|^source\/http\/sigstore\.ts$/, late: true },
};

/** What a build must not see of the machine it runs on. */
const ambient: Readonly<Record<string, RegExp>> = {
  clock: /\bDate\.now\b|\bnew Date\(\s*\)|(?<![\w.])Date\(\s*\)|\bperformance\b|\bprocess\.hrtime\b|\bTemporal\.Now\b/,
  timers: /\bset(?:Timeout|Interval|Immediate)\(|"node:timers/,
  process: /\bprocess\s*[.[?]|globalThis\.process|"node:process"/,
  randomness:
    /\bMath\.random\b|\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b|\bgenerateKey(?:Pair)?(?:Sync)?\b|\bwebcrypto\b/,
  processes: /"node:(?:child_process|cluster)"/,
  machine: /"node:os"|\bimport\.meta\.env\b|\bnavigator\b/,
  locale: /\btoLocale[A-Z]\w*|\blocaleCompare\b|\bIntl\b/,
};

/** Where something ambient is used outside of host/ all the same, and why no byte of an image can depend on it. */
const exceptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "cli/main.ts": { process: "the command line: arguments in, text and exit code out, signals" },
  "cli/start.js": { process: "finds the user's compile cache before anything else", machine: "the same" },
  "inside/serve.ts": {
    process: "a program of its own, in the container of a step: its arguments are the step's command line",
    processes: "starts the step",
    machine: "names of signals",
  },
  "src/program.ts": {
    randomness: "a step that has an effect outside must not be found in the engine's cache; no command reads it",
  },
  "source/http.ts": { timers: "limits on how long a silent server is waited for; what it sends is checked by digest" },
};

describe("rooms", () => {
  it.each(Object.keys(Object.groupBy(all, ({ room }) => room)))("%s imports only what it may", (room) => {
    expect(Object.keys(allowedRooms)).toContain(room);
    const may = new Set([room, ...(allowedRooms[room] ?? [])]);
    const wrong = all
      .filter((source) => source.room === room)
      .flatMap(({ path, imports }) =>
        imports.flatMap(({ file, from }) => {
          if (file === undefined) return [];
          return may.has(file.split("/")[0] ?? "") ? [] : [`${path} imports ${from}`];
        }),
      );
    expect(wrong).toEqual([]);
  });

  it("have no pair that may import each other", () => {
    const mutual = Object.entries(allowedRooms).flatMap(([room, others]) =>
      others.filter((other) => allowedRooms[other]?.includes(room) === true).map((other) => `${room} and ${other}`),
    );
    expect(mutual).toEqual([]);
  });

  it("import only files that exist, and name them with .ts", () => {
    const known = new Set(all.map(({ path }) => path));
    const wrong = all.flatMap(({ path, imports }) =>
      imports.flatMap(({ file, from }) =>
        file === undefined || known.has(file) || file.endsWith(".json") ? [] : [`${path} imports ${from}`],
      ),
    );
    expect(wrong).toEqual([]);
  });

  it("have no files that need each other to be loaded", () => {
    const byPath = new Map(all.map((source) => [source.path, source]));
    const needs = ({ imports }: Source): readonly Source[] =>
      imports.flatMap(({ file, typeOnly, late }) => {
        const source = file === undefined || typeOnly || late ? undefined : byPath.get(file);
        return source === undefined ? [] : [source];
      });
    const circles: string[] = [];
    const state = new Map<string, "open" | "done">();
    const visit = (source: Source, trail: readonly string[]): void => {
      if (state.get(source.path) === "done") return;
      const here = [...trail, source.path];
      if (state.get(source.path) === "open") {
        circles.push(here.slice(here.indexOf(source.path)).join(" → "));
        return;
      }
      state.set(source.path, "open");
      for (const next of needs(source)) visit(next, here);
      state.set(source.path, "done");
    };
    for (const source of all) visit(source, []);
    expect(circles).toEqual([]);
  });

  it("say in the first line of every file what it is for", () => {
    expect(all.filter(({ text }) => !text.startsWith("/**")).map(({ path }) => path)).toEqual([]);
  });
});

const packageOf = (from: string): string =>
  from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");

const outside = (item: { readonly from: string; readonly file?: string }): boolean =>
  item.file === undefined && !item.from.startsWith("node:") && item.from !== "@dagger.io/dagger";

describe("dependencies", () => {
  const used = all.flatMap((source) =>
    source.imports
      .filter(({ file, from }) => file === undefined && !from.startsWith("node:"))
      // The engine puts its own library beside the module; the command line never loads it.
      .filter(({ from }) => source.room !== "src" || from !== "@dagger.io/dagger")
      .map((item) => ({ source, item, name: packageOf(item.from) })),
  );

  it("are those of the table, where the table allows them", () => {
    const wrong = used
      .filter(({ source, item, name }) => !item.typeOnly && allowedPackages[name]?.files.test(source.path) !== true)
      .map(({ source, name }) => `${source.path} imports ${name}`);
    expect(wrong).toEqual([]);
  });

  it("that are heavy are loaded when they are needed, so that starting stays fast", () => {
    const wrong = used
      .filter(({ item, name }) => allowedPackages[name]?.late === true && !item.late && !item.typeOnly)
      .map(({ source, name }) => `${source.path} loads ${name} at start`);
    expect(wrong).toEqual([]);
  });

  it("of Node for HTTP are loaded by host/http.ts alone, which leaves out what nobody uses of them", () => {
    const wrong = all
      // A step's proxy is a program of its own.
      .filter(({ path }) => path !== "host/http.ts" && path !== "inside/serve.ts")
      .flatMap(({ path, imports }) =>
        imports.flatMap(({ from, typeOnly }) => (!typeOnly && /^node:https?$/.test(from) ? [path] : [])),
      );
    expect(wrong).toEqual([]);
  });

  it("of package.json are exactly those of the table, at exact versions", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
      string,
      Record<string, string>
    >;
    expect(Object.keys(manifest["dependencies"] ?? {})).toEqual(Object.keys(allowedPackages).toSorted());
    const versions = ["dependencies", "devDependencies", "optionalDependencies"].flatMap((kind) =>
      Object.values(manifest[kind] ?? {}),
    );
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it("are not needed by the Dagger module", () => {
    expect(all.filter(({ room, imports }) => room === "src" && imports.some(outside))).toEqual([]);
    expect(used.filter(({ name, source }) => name === "@dagger.io/dagger" && source.room !== "src")).toEqual([]);
  });
});

describe("ambient input", () => {
  it.each(Object.keys(ambient))("%s is used only in host/, and where the table of exceptions says why", (kind) => {
    const wrong = all
      .filter(({ room, path }) => room !== "host" && exceptions[path]?.[kind] === undefined)
      .flatMap(({ path, code }) => {
        const found = ambient[kind]?.exec(code)?.[0];
        return found === undefined ? [] : [`${path} uses ${found}`];
      });
    expect(wrong).toEqual([]);
  });

  it("has no exception that is not needed", () => {
    const idle = Object.entries(exceptions).flatMap(([path, kinds]) =>
      Object.keys(kinds).filter(
        (kind) => ambient[kind]?.test(all.find((source) => source.path === path)?.code ?? "") !== true,
      ),
    );
    expect(idle).toEqual([]);
  });

  it("is found by these patterns", () => {
    const samples: Readonly<Record<string, string>> = {
      clock: "const t = new Date();",
      timers: "setTimeout(done, 5);",
      process: 'process.env["TZ"]',
      randomness: "randomUUID()",
      processes: 'import { spawn } from "node:child_process";',
      machine: 'import { cpus } from "node:os";',
      locale: "names.toSorted((a, b) => a.localeCompare(b))",
    };
    for (const [kind, pattern] of Object.entries(ambient)) expect(samples[kind]).toMatch(pattern);
    expect("new Date(seconds * 1000)").not.toMatch(ambient["clock"] ?? /$/);
  });

  it("of directory listings is put in order where it is read", () => {
    const unordered = all
      .filter(({ room, code }) => room !== "host" && /\breaddir(?:Sync)?\(/.test(code) && !/\.toSorted\(/.test(code))
      // The layout's only loop over names removes files; the order of that leaves no trace.
      .filter(({ path }) => path !== "image/layout.ts");
    expect(unordered.map(({ path }) => path)).toEqual([]);
  });
});

describe("rules of the language", () => {
  it("are errors for the linter, and are switched off nowhere", () => {
    const settings = JSON.parse(readFileSync(join(root, ".oxlintrc.json"), "utf8")) as {
      readonly rules: Readonly<Record<string, string>>;
      readonly overrides: readonly { readonly files: readonly string[] }[];
    };
    for (const rule of ["typescript/no-explicit-any", "typescript/no-non-null-assertion", "import/no-default-export"])
      expect(settings.rules[rule]).toBe("error");
    // vitest reads its settings from a default export.
    expect(settings.overrides.flatMap(({ files }) => files)).toEqual(["vitest.config.ts"]);
    // Control characters and holes in arrays are sometimes exactly what is meant; nothing else is.
    const switches =
      /lint-disabl[e](?![\w-]* no-(?:control-regex|sparse-arrays)\b)|@ts-(?:ignore|nocheck|expect-error)\b/;
    const code = tracked.filter((path) => /\.(?:ts|js|mjs)$/.test(path));
    expect(code.filter((path) => switches.test(readFileSync(join(root, path), "utf8")))).toEqual([]);
  });

  it("of TypeScript are the strict ones", () => {
    const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")) as {
      readonly compilerOptions: Readonly<Record<string, unknown>>;
    };
    for (const option of ["strict", "erasableSyntaxOnly", "noUncheckedIndexedAccess", "exactOptionalPropertyTypes"])
      expect(compilerOptions[option]).toBe(true);
  });
});

/** Put together here so that this file itself names no host. */
const registries = [
  ["debian", "org"],
  ["debian", "net"],
  ["ubuntu", "com"],
  ["npmjs", "org"],
  ["npmjs", "com"],
  ["npmmirror", "com"],
  ["yarnpkg", "com"],
  ["docker", "io"],
  ["ghcr", "io"],
  ["quay", "io"],
  ["gcr", "io"],
  ["pkg", "dev"],
  ["registry", "k8s", "io"],
  ["pypi", "org"],
  ["pythonhosted", "org"],
  ["crates", "io"],
  ["proxy", "golang", "org"],
  ["rubygems", "org"],
  ["maven", "org"],
  ["azurecr", "io"],
].map((parts) => parts.join("."));

/** Hosts of these domains that serve pages for people, not packages. */
const pages = /^(?:www|wiki|bugs|lists|lists\.alioth|manpages|tracker|sources|docs)\./;

describe("files of the repository", () => {
  const texts = tracked.flatMap((path) => {
    const bytes = readFileSync(join(root, path));
    return bytes.includes(0) ? [] : [{ path, text: bytes.toString("utf8") }];
  });

  it("name no host of a package registry or mirror", () => {
    const domains = registries.map((host) => host.replaceAll(".", "\\.")).join("|");
    const pattern = new RegExp(`(?<![\\w.-])(?:[\\w-]+\\.)*(?:${domains})(?![\\w-])`, "g");
    const wrong = texts.flatMap(({ path, text }) =>
      [...text.matchAll(pattern)].flatMap(([found]) => (pages.test(found) ? [] : [`${path}: ${found}`])),
    );
    expect(wrong).toEqual([]);
  });

  it("contain no path of a machine", () => {
    // The home directory itself may be /root, which is a path in images; what machines have in it begins with a dot.
    const places = [`${root}/`, `${homedir()}/.`, ["/Us", "ers/"].join(""), ["/wo", "rk/"].join("")];
    const pattern = new RegExp(
      `(?<![\\w.-])(?:${places.map((place) => place.replace(/[.\\/]/g, "\\$&")).join("|")})[\\w.-]*`,
      "g",
    );
    const wrong = texts.flatMap(({ path, text }) => [...text.matchAll(pattern)].map(([found]) => `${path}: ${found}`));
    expect(wrong).toEqual([]);
  });

  it("include a package-lock.json without download addresses", () => {
    const text = readFileSync(join(root, "package-lock.json"), "utf8");
    expect(text).not.toMatch(
      /"resolved"|https?:\/\/(?![^"]*(?:sponsor|funding|opencollective|paypal\.me|github\.com))/,
    );
    expect(readFileSync(join(root, ".npmrc"), "utf8")).toContain("omit-lockfile-registry-resolved=true");
  });
});
