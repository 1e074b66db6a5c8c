import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRuleFile, packList } from "../../../pipeline/source/npm/pack-list.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";

/** Contents by path; a link is `null`. */
type Files = Readonly<Record<string, string | null>>;

function packed(files: Files): readonly string[] {
  const kinds = new Map<string, "file" | "directory" | "other">();
  const texts = new Map<string, string>();
  for (const [path, content] of Object.entries(files)) {
    kinds.set(path, content === null ? "other" : "file");
    for (let above = dirname(path); above !== "."; above = dirname(above)) kinds.set(above, "directory");
    if (content !== null && isRuleFile(path)) texts.set(path, content);
  }
  return [...packList({ kinds, texts }, { file: "package" })].toSorted();
}

const manifest = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ name: "p", version: "1.0.0", ...more });

type Packlist = (tree: object, options: object) => Promise<readonly string[]>;
interface PackageJson {
  normalize(path: string): Promise<{ readonly content: object }>;
}

const wanted: Readonly<Record<string, string>> = { "npm-packlist": "10.0.4", minimatch: "10.2.5" };

/** npm's own modules, where npm is the one whose rules these are. */
function npmModules(): { readonly list: Packlist; readonly manifests: PackageJson } | undefined {
  if (!hasProgram("npm")) return undefined;
  const npm = join(run("npm", ["root", "--global"]).stdout.toString("utf8").trim(), "npm", "package.json");
  try {
    const ofNpm = createRequire(npm);
    for (const [name, version] of Object.entries(wanted))
      if ((ofNpm(`${name}/package.json`) as { readonly version: string }).version !== version) return undefined;
    return {
      list: ofNpm("npm-packlist") as Packlist,
      manifests: ofNpm("@npmcli/package-json") as PackageJson,
    };
  } catch {
    return undefined;
  }
}

const modules = npmModules();
const needed = Object.entries(wanted)
  .map(([name, version]) => `${name} ${version}`)
  .join(" and ");

async function packedByNpm(files: Files): Promise<readonly string[]> {
  if (modules === undefined) throw new Error("npm is not there");
  const directory = temporaryDirectory();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    if (content === null) symlinkSync("package.json", join(directory, path));
    else writeFileSync(join(directory, path), content);
  }
  const { content } = await modules.manifests.normalize(directory);
  const tree = { path: directory, package: content, isProjectRoot: true, edgesOut: new Map() };
  const list = await modules.list(tree, { path: directory });
  return list.map((path) => path.replace(/^\.\//, "")).toSorted();
}

const everything: Files = {
  "package.json": manifest(),
  "package-lock.json": "{}",
  "yarn.lock": "",
  "lib/yarn.lock": "",
  "index.js": "",
  link: null,
  "README.md": "",
  Readme: "",
  "lib/readme.md": "",
  "LICENCE.txt~": "",
  "CHANGES.md": "",
  "lib/a.js": "",
  "lib/a.test.js": "",
  "lib/deep/b.js": "",
  "lib/deep/a.js": "",
  "lib/node_modules/x/index.js": "",
  "node_modules/x/index.js": "",
  "test/a.js": "",
  ".npmrc": "",
  "lib/.npmrc": "",
  ".hidden": "",
  "npm-debug.log": "",
  "archived-packages/x": "",
  "build/config.gypi": "",
  ".a.swp": "",
  "x.orig": "",
  "lib/._x": "",
  "a*b": "",
  "b*/c": "",
  "@s/x": "",
};

const ignored: Files = {
  ".gitignore": "# a comment\n\ntest\n*.test.js\r\n!keep.test.js\n/index.js\n",
  "lib/.npmignore": "deep\n",
  "lib/.gitignore": "a.js\n",
  "lib/keep.test.js": "",
};

const cases: readonly (readonly [string, Files])[] = [
  ["everything but what never belongs into a package", {}],
  ["what .gitignore leaves over, and .npmignore in its place where there is one", ignored],
  [
    "what files names, whatever the ignore file beside package.json says",
    { ...ignored, "package.json": manifest({ files: ["lib"] }) },
  ],
  [
    "single files, also of directories that are left out",
    { "package.json": manifest({ files: ["lib/deep/a.js", "./index.js", "/test/a.js"] }) },
  ],
  [
    "patterns, and what they take back",
    { "package.json": manifest({ files: ["lib/*", "!lib/*.test.js", "*.md", "!**/deep"] }) },
  ],
  [
    "main, browser and commands",
    { "package.json": manifest({ files: [], main: "lib/deep/b.js", browser: "test/a.js", bin: { a: "./lib/a.js" } }) },
  ],
  [
    "a mapping of browser, of which npm makes a text",
    { b: "", o: "", x: "", "package.json": manifest({ files: [], browser: { "./a": "./b" } }) },
  ],
  [
    "ignore files that files names",
    { ...ignored, "package.json": manifest({ files: [".gitignore", "lib/.npmignore", "link", "none"] }) },
  ],
  ["everything, named by a dot", { "package.json": manifest({ files: ["."] }) }],
  ["names with groups", { "package.json": manifest({ files: ["!(lib|test)", "lib/@(a|b).js", "{index,none}.js"] }) }],
  [
    "no lock files and modules, though files names them",
    { "package.json": manifest({ files: ["package-lock.json", "node_modules", "lib/node_modules/x", ".npmrc"] }) },
  ],
];

describe("the files of a package", () => {
  it("are all but those of tools, and those that ignore files name", () => {
    expect(packed({ ...everything, ...ignored })).toEqual(
      [
        "@s/x",
        ".hidden",
        "CHANGES.md",
        "LICENCE.txt~",
        "README.md",
        "Readme",
        "lib/a.js",
        "lib/keep.test.js",
        "lib/node_modules/x/index.js",
        "lib/readme.md",
        "lib/yarn.lock",
        "package.json",
      ].toSorted(),
    );
  });

  it("are those that package.json names, and those that are always in", () => {
    const files = { ...everything, "package.json": manifest({ files: ["lib/*.js"], main: "index" }) };
    expect(packed(files)).toEqual(["README.md", "Readme", "lib/a.js", "lib/a.test.js", "package.json"]);
  });

  it.skipIf(modules === undefined).each(cases)(`as npm packs them: %s (needs npm with ${needed})`, async (_, files) => {
    const all = { ...everything, ...files };
    const list = packed(all);
    expect(list).toContain("package.json");
    expect(list).toEqual(await packedByNpm(all));
  });

  const names = [
    "a",
    "b",
    "a.js",
    "b.js",
    "lib",
    "Lib",
    "src",
    "test",
    "x.orig",
    ".npmrc",
    "node_modules",
    ".git",
    "CVS",
    "README.md",
    "license",
    "build",
    "core",
  ];
  const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const part = fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom("*", "**", "*.js", "!(a)", "{a,lib}", "?", "[ab]", ".", "..", "l*b", "@(a|b).js"),
  );
  const pattern = fc
    .tuple(
      fc.constantFrom("", "", "!", "/", "./", "!/", "!!", "#"),
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("", "", "/", "/*", "/**"),
    )
    .map(([start, parts, end]) => `${start}${parts.join("/")}${end}`);
  const rules = fc.array(pattern, { maxLength: 5 }).map((list) => `${list.join("\n")}\n`);
  const below = fc.tuple(
    fc.constantFrom("", "lib/", "src/", "lib/a/", "test/"),
    fc.constantFrom(".npmignore", ".gitignore"),
    rules,
  );
  const some = fc.record(
    { files: fc.array(fc.oneof(pattern, path), { maxLength: 4 }), main: path, bin: path, browser: path },
    { requiredKeys: [] },
  );

  it.skipIf(modules === undefined)(
    `are those that npm packs, of any directory with any rules (needs npm with ${needed})`,
    { timeout: 240_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(path, { maxLength: 14 }),
          fc.array(below, { maxLength: 3 }),
          some,
          async (paths, ignores, more) => {
            const files: Record<string, string | null> = { "package.json": manifest(more) };
            for (const [directory, name, text] of ignores) files[`${directory}${name}`] = text;
            for (const each of paths) files[each] = "";
            // A name cannot be that of a file and of a directory.
            const all = Object.keys(files);
            for (const each of all) if (all.some((other) => other.startsWith(`${each}/`))) delete files[each];
            expect(packed(files)).toEqual(await packedByNpm(files));
          },
        ),
        { numRuns: 400 },
      );
    },
  );
});

describe("LS2512: a package that npm cannot pack from its files", () => {
  it.each([
    ["has no package.json", { "index.js": "" }],
    ["has a package.json that is not JSON", { "package.json": "[1]" }],
    ["bundles packages, which its commit does not have", { "package.json": manifest({ bundledDependencies: ["a"] }) }],
    ["bundles packages, which its commit does not have", { "package.json": manifest({ bundleDependencies: true }) }],
    ["has workspaces", { "package.json": manifest({ workspaces: ["packages/*"] }) }],
    ["names its commands by a directory", { "package.json": manifest({ directories: { bin: "bin" } }) }],
    ["has files in its package.json that are no list of texts", { "package.json": manifest({ files: "lib" }) }],
    ["has files in its package.json that are no list of texts", { "package.json": manifest({ files: [1] }) }],
    ["has a main in its package.json that is no text", { "package.json": manifest({ main: ["a"] }) }],
    [
      "has a browser in its package.json that is neither a text nor a mapping",
      { "package.json": manifest({ browser: ["a"] }) },
    ],
    ["has lib/.gitignore, which is no file", { "package.json": manifest(), "lib/.gitignore": null }],
    ["has lib/.npmignore, which is no file", { "package.json": manifest(), "lib/.npmignore/a": "" }],
    [
      'has the pattern "!+(a|aa)b", which has a group that repeats',
      { "package.json": manifest({ files: ["+(a|aa)b"] }) },
    ],
    ["which has more than 4 wildcards in a name", { "package.json": manifest(), ".npmignore": "*a*a*a*a*a" }],
    ["which has more than 16 wildcards", { "package.json": manifest(), ".npmignore": "**/a/".repeat(17) }],
    ["which has more than 1024 characters", { "package.json": manifest(), ".npmignore": "a".repeat(1025) }],
    ["which has more than 1000 alternatives", { "package.json": manifest(), ".npmignore": "{1..1001}" }],
    ["has more than 10000 patterns", { "package.json": manifest(), ".npmignore": "a\n".repeat(10_001) }],
    ["a name of more than 255 bytes", { "package.json": manifest(), ["ü".repeat(128)]: "" }],
  ] satisfies readonly (readonly [string, Files])[])("%s", (message, files) => {
    expect(() => packed(files)).toThrow(new RegExp(`^LS2512 package .*${message.replaceAll(/[.()+|*]/g, "\\$&")}`));
  });
});
