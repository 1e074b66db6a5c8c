/** Rules about package.json, package-lock.json and .npmrc. */
import type { EntryLine, Found, Rule } from "../rule.ts";
import { entries, get, type Node, scalar, textOf } from "../../dockerfile/tree.ts";
import { found } from "./tools.ts";

const groups = ["dependencies", "devDependencies", "optionalDependencies"];

interface Dependency {
  readonly name: string;
  readonly range: string;
  readonly place: Node;
}

function dependencies(manifest: Node): readonly Dependency[] {
  return groups.flatMap((group) =>
    entries(get(manifest, group)).flatMap(({ key, value }) => {
      const range = textOf(value);
      return range === undefined ? [] : [{ name: key, range: range.trim(), place: value }];
    }),
  );
}

const repository =
  /^(?:git[+:]|git@|github:|gitlab:|bitbucket:|gist:|ssh:)|^[\w-]+\/[\w.-]+(?:#.*)?$|^https?:.*\.git(?:#|$)/;

/** A setting of `.npmrc` that should not be there. */
function setting(lines: readonly EntryLine[], pattern: RegExp, message: string): readonly Found[] {
  return lines.flatMap((line) =>
    pattern.test(line.text) ? [found(line, message, [{ at: line.at, end: line.end, text: "" }])] : [],
  );
}

function lock(version: number, integrity: boolean): string {
  const held = integrity ? `, "integrity": "sha512-${"A".repeat(86)}=="` : "";
  return `{ "lockfileVersion": ${version}, "packages": { "node_modules/a": { "version": "1.0.0"${held} } } }\n`;
}

export const npmFileRules: readonly Rule[] = [
  {
    id: "LK4001",
    title: "package.json without a lock file",
    severity: "warning",
    rows: ["L1"],
    why: "Without a lock file every installation resolves the ranges anew.",
    remedy: "Run `npm install --package-lock-only` once and commit `package-lock.json`.",
    example: {
      file: "package.json",
      bad: '{ "dependencies": { "express": "5.1.0" } }\n',
      good: '{ "name": "app", "version": "1.0.0" }\n',
    },
    on: "package",
    check(manifest, { beside }) {
      const locks = [
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "bun.lock",
        "bun.lockb",
      ];
      // A workspace has its lock file further up.
      const above = ["", "../", "../../", "../../../"];
      const [first] = dependencies(manifest);
      if (first === undefined || above.some((prefix) => locks.some((name) => beside(`${prefix}${name}`)))) return [];
      const group = groups
        .map((name) => entries(manifest).find(({ key }) => key === name))
        .find((entry) => entry !== undefined);
      return [found(group?.keyExtent ?? manifest, "nothing locks these dependencies")];
    },
  },
  {
    id: "LK4002",
    title: "dependency on any version",
    severity: "error",
    rows: ["L1"],
    why: "`latest`, `*` and open ranges take a new major version as soon as there is one, at the next change of the lock file.",
    remedy: "Name a version, or a range within one major version.",
    example: {
      file: "package.json",
      bad: '{ "devDependencies": { "typescript": "latest" } }\n',
      beside: "package-lock.json",
      good: '{ "devDependencies": { "typescript": "5.9.3" } }\n',
    },
    on: "package",
    check: (manifest) =>
      dependencies(manifest).flatMap(({ name, range, place }) =>
        /^(?:latest|next|\*|x|)$/i.test(range) || /^>=?[^<]*$/.test(range)
          ? [found(place, `${name} may be any version`)]
          : [],
      ),
  },
  {
    id: "LK4003",
    title: "dependency on a branch or an address",
    severity: "error",
    rows: ["L1", "L26"],
    why: "A branch or tag of a repository moves; an address may send something else.",
    remedy: "Name the commit by its full id behind `#`; better, depend on a published version.",
    example: {
      file: "package.json",
      bad: '{ "dependencies": { "tool": "git+https://git.example/tool.git#main" } }\n',
      beside: "package-lock.json",
      good: `{ "dependencies": { "tool": "git+https://git.example/tool.git#${"0123456789".repeat(4)}" } }\n`,
    },
    on: "package",
    check: (manifest) =>
      dependencies(manifest).flatMap(({ name, range, place }) => {
        if (repository.test(range) && !/#[0-9a-f]{40}$/.test(range))
          return [found(place, `${name} is whatever its branch points to`)];
        return /^https?:/.test(range) && !repository.test(range)
          ? [found(place, `${name} is whatever the server sends`)]
          : [];
      }),
  },
  {
    id: "LK4004",
    title: "script that runs at installation",
    severity: "note",
    rows: ["L6"],
    why: "What runs while packages are installed may use the network, the clock and the machine, unseen by the lock file.",
    remedy: "Do the work in a step of its own.",
    example: {
      file: "package.json",
      bad: '{ "scripts": { "postinstall": "node setup.js" } }\n',
      good: '{ "scripts": { "setup": "node setup.js" } }\n',
    },
    on: "package",
    check: (manifest) =>
      entries(get(manifest, "scripts")).flatMap(({ key, keyExtent }) =>
        /^(?:preinstall|install|postinstall)$/.test(key)
          ? [found(keyExtent, `${key} runs while packages are installed`)]
          : [],
      ),
  },
  {
    id: "LK4005",
    title: "package manager without an exact version",
    severity: "warning",
    rows: ["L4", "E14"],
    why: "Another version of the package manager writes another lock file, and may install another tree.",
    remedy: "Name the exact version, as corepack writes it: `pnpm@10.18.2`.",
    example: {
      file: "package.json",
      bad: '{ "packageManager": "pnpm@10" }\n',
      good: '{ "packageManager": "pnpm@10.18.2" }\n',
    },
    on: "package",
    check(manifest) {
      const manager = scalar(get(manifest, "packageManager"));
      return manager === undefined || /@\d+\.\d+\.\d+/.test(manager.text)
        ? []
        : [found(manager, `${manager.text} is no exact version`)];
    },
  },
  {
    id: "LK4006",
    title: "locked package without integrity",
    severity: "error",
    rows: ["L1", "X4"],
    why: "Without a hash npm takes whatever the registry sends under that name.",
    remedy:
      "Remove `node_modules` and the entry, run `npm install --package-lock-only`, and look that the entry has `integrity`.",
    example: { file: "package-lock.json", bad: lock(3, false), good: lock(3, true) },
    on: "package-lock",
    check: (file) =>
      entries(get(file, "packages")).flatMap(({ key, keyExtent, value }) => {
        const own = key === "" || !/(?:^|\/)node_modules\//.test(key);
        const exempt = get(value, "link") ?? get(value, "inBundle") ?? get(value, "integrity");
        const resolved = textOf(get(value, "resolved")) ?? "";
        return own || exempt !== undefined || /^(?:git[+:]|file:)/.test(resolved)
          ? []
          : [found(keyExtent, `${key} has no integrity`)];
      }),
  },
  {
    id: "LK4007",
    title: "lock file of an old npm",
    severity: "warning",
    rows: ["L4"],
    why: "Version 1 of the lock file does not say where packages are put, so npm decides anew, and newer versions rewrite the file.",
    remedy: "Run `npm install --package-lock-only` with npm 7 or newer.",
    example: { file: "package-lock.json", bad: lock(1, true), good: lock(3, true) },
    on: "package-lock",
    check(file) {
      const version = scalar(get(file, "lockfileVersion"));
      return version?.text === "1" ? [found(version, "version 1 does not hold the tree")] : [];
    },
  },
  {
    id: "LK4008",
    title: "lock file turned off",
    severity: "error",
    rows: ["L1"],
    why: "With this setting npm neither writes nor reads `package-lock.json`.",
    remedy: "Remove the line.",
    fix: "Removes the line.",
    example: { file: ".npmrc", bad: "fund=false\npackage-lock=false\n", good: "fund=false\n" },
    on: "npmrc",
    check: (lines) => setting(lines, /^(?:package-lock|shrinkwrap)\s*=\s*false$/, "npm does not use a lock file"),
  },
  {
    id: "LK4009",
    title: "certificate of the registry not checked",
    severity: "error",
    rows: ["X4", "E6"],
    why: "Without that anybody on the way may send anything that has no hash in the lock file.",
    remedy: "Remove the line; name the certificate authority with `cafile`.",
    fix: "Removes the line.",
    example: { file: ".npmrc", bad: "fund=false\nstrict-ssl=false\n", good: "fund=false\n" },
    on: "npmrc",
    check: (lines) => setting(lines, /^strict-ssl\s*=\s*false$/, "the certificate of the registry is not checked"),
  },
];
