import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { causes } from "../../../pipeline/verify/cause/table.ts";
import { createHost, type Host } from "../../../pipeline/host/host.ts";
import { changesTheUsual, choosePerturbations, roundsOf } from "../../../pipeline/verify/perturb/choose.ts";
import {
  directoryIn,
  type Perturbation,
  rebuildCommand,
  usualSurroundings,
} from "../../../pipeline/verify/perturb/surroundings.ts";
import { stepPerturbations } from "../../../pipeline/verify/perturb/step-table.ts";
import { copied, perturbationsOf, usualPerturbations } from "../../../pipeline/verify/perturb/table.ts";
import { npmNode } from "../../peers/nodes.ts";
import { root, temporaryDirectory } from "../../support.ts";

const hour = 3_600_000;

/** What a process sees of its surroundings, each under the name of what changes it. The clock is in hours from now. */
const script = `
import fs, { lstatSync, readdirSync, statfsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
const [repository, store] = process.argv.slice(2);
const { env } = process;
const [names, listings] = [["PATH", "LOCKSTEP_DECODER", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "UV_THREADPOOL_SIZE"], "/proc/sys"];
const strange = ["USER", "LOGNAME", "HOSTNAME", "TERM", "COLUMNS", "CI", "PWD"];
const hours = (Date.now() - ${Date.now()}) / ${hour};
if (new Date().getTime() - Date.now() > 9 || Date().slice(11, 15) !== String(new Date().getFullYear())) throw new Error("two clocks");
if (Date.parse("1970-01-01T00:00:01Z") !== 1000 || new Date(5).getTime() !== 5 || !(new Date() instanceof Date)) throw new Error("no clock");
const order = JSON.stringify(readdirSync(listings));
const others = [
  fs.readdirSync(listings, { withFileTypes: true }).map(({ name }) => name),
  await readdir(listings),
  await promisify((done) => fs.readdir(listings, done))(),
  await promisify((done) => fs.readdir(listings, { encoding: "utf8" }, done))(),
];
if (others.some((other) => JSON.stringify(other) !== order)) throw new Error("several orders");
const below = (path) => [path, ...(lstatSync(path).isDirectory() ? readdirSync(path).toSorted().flatMap((name) => below(join(path, name))) : [])];
const stats = below(join(repository, "images")).map((path) => lstatSync(path));
const threaded = await new Promise((resolve, reject) =>
  new Worker(new URL("thread.mjs", import.meta.url)).on("message", resolve).on("error", reject));
if (Math.abs(threaded - Date.now()) > ${hour / 2}) throw new Error("a thread has another clock");
console.log(JSON.stringify({
  "file-system": statfsSync(store).type,
  depth: store.includes("Ümlaut"),
  environment: Object.keys(env).filter((name) => ![...names, ...strange].includes(name)).toSorted(),
  "environment-order": Object.keys(env).join(),
  variables: strange.map((name) => env[name]),
  decoder: env.PATH + " " + env.LOCKSTEP_DECODER,
  zone: new Date(0).getTimezoneOffset() + " " + env.TZ,
  language: env.LANG + env.LC_ALL,
  umask: process.umask(),
  home: os.homedir(),
  temporary: env.TMPDIR,
  directory: process.cwd(),
  clock: Math.round(hours),
  listings: order,
  processors: os.availableParallelism() + " " + os.cpus().length,
  threads: env.UV_THREADPOOL_SIZE,
  "host-name": os.hostname(),
  user: process.getuid() + " " + process.getgid() ,
  node: process.version,
  repository: repository.split("/").at(-1),
  copies: stats.map(({ nlink, mode }) => (mode & 0o40000 ? 0 : nlink)),
  holes: stats.map(({ blocks, size, mode }) => (mode & 0o40000 ? 0 : blocks * 512 < size)),
  modes: stats.map(({ mode }) => mode),
  owners: stats.map(({ uid, gid }) => uid + " " + gid),
  times: stats.some(({ mtimeMs }) => mtimeMs === 1000000000250),
}));
`;

const base = mkdtempSync(join(tmpdir(), "lockstep-surroundings-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const repository = join(base, "given");
mkdirSync(join(repository, "images/app/deep"), { recursive: true });
mkdirSync(join(repository, ".git"));
mkdirSync(join(repository, "out/images"), { recursive: true });
for (const name of ["a", "b", "deep/a"]) writeFileSync(join(repository, "images/app", name), "the same\n");
writeFileSync(join(repository, "images/app/tool"), "the same\n");
chmodSync(join(repository, "images/app/tool"), 0o755);
writeFileSync(join(repository, "images/app/hole"), Buffer.concat([Buffer.from("x"), Buffer.alloc(100_000)]));
symlinkSync("nowhere", join(repository, "images/app/link"));
writeFileSync(join(base, "tell.mjs"), script);
writeFileSync(
  join(base, "thread.mjs"),
  'import { parentPort } from "node:worker_threads"; parentPort.postMessage(Date.now());',
);

const node22 = await npmNode("22.23.3", "x64");
const environment: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "",
  HOME: base,
  TZ: "UTC",
  LANG: "C.UTF-8",
  SECRET: "one",
  OTHER: "two",
  LOCKSTEP_NODES: `${node22 ?? ""}:/nonexistent/node`,
};
const host: Host = {
  ...createHost(),
  cwd: base,
  env: (name) => environment[name],
  environment: () => environment,
};
const all = await perturbationsOf(host);
let count = 0;

/** Treats surroundings as `rebuild` does, and gives what a process sees in them. */
async function told(chosen: readonly Perturbation[]): Promise<Readonly<Record<string, unknown>>> {
  let at = usualSurroundings(host, repository, join(base, `work ${++count}`));
  try {
    for (const perturbation of chosen) {
      if (perturbation.copies === true && at.repository === repository)
        at = await copied(at, chosen, [join(repository, "out/images")]);
      at = await perturbation.apply(host, at);
    }
    const store = await directoryIn(at, "store");
    const command = rebuildCommand(at, join(at.work, "out"), store, []);
    const [program = "", ...args] = command.slice(
      0,
      command.findIndex((word) => word.endsWith("cli/main.ts")),
    );
    const env = { ...at.env, LOCKSTEP_STORE: store };
    const options = { cwd: at.cwd, env };
    const result = await host.run(program, [...args, join(base, "tell.mjs"), at.repository, store], options);
    expect(result.stderr.toString()).toBe("");
    return JSON.parse(result.stdout.toString()) as Record<string, unknown>;
  } finally {
    for (const directory of at.temporary) rmSync(directory, { recursive: true, force: true });
  }
}

/** Which other things a perturbation changes with its own. */
const besides: Readonly<Record<string, readonly string[]>> = {
  environment: ["environment-order"],
  variables: ["environment-order"],
  decoder: ["environment-order"],
  language: ["environment-order"],
  temporary: ["environment-order"],
  threads: ["environment-order"],
  user: ["owners"],
};

describe("a perturbation of a rebuild", () => {
  const able = all.map((perturbation) => ({ ...perturbation, perturbation }));
  it.each(able)("$name: $changes; and nothing else is changed", async ({ name, subject, perturbation }) => {
    const lacking = await perturbation.lacking?.(host, base);
    if (lacking !== undefined) {
      expect(lacking).toMatch(/^\S.*\S$/);
      return;
    }
    const { copies = false } = perturbation;
    const [usual, changed] = await Promise.all([told([]), told([perturbation])]);
    const seen = new Set([...Object.keys(usual), ...Object.keys(changed)]);
    const keys = [...seen].filter((key) => JSON.stringify(usual[key]) !== JSON.stringify(changed[key]));
    const own = seen.has(name) || !seen.has(subject) ? name : subject;
    // A copy has another name. Nothing that this process can ask shows in which order files were created.
    const expected = new Set([own, ...(besides[own] ?? []), ...(copies ? ["repository"] : [])]);
    for (const unseen of ["attributes", "files-reversed"]) expected.delete(unseen);
    // A shell that gives the host its name puts the variables in its own order.
    expect(new Set(name === "host-name" ? keys.filter((key) => key !== "environment-order") : keys)).toEqual(expected);
  });

  it("has a name, a subject, causes of the table, and what to do", () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    const known = new Set(causes.map(({ id }) => id));
    for (const { name, causes: ids, reads, fix, changes } of [...all, ...stepPerturbations]) {
      expect(name).toMatch(/^[a-z0-9./+-]+$/);
      expect([ids.some((id) => known.has(id)) || ids[0]?.startsWith("E"), reads.length > 9, fix.length > 9]).toEqual([
        true,
        true,
        true,
      ]);
      expect(changes).not.toMatch(/[.|]$/);
    }
  });

  it("is in the table of docs/verify.md, with what it changes", () => {
    const page = readFileSync(join(root, "docs/verify.md"), "utf8");
    const rows = [...page.matchAll(/^\| `([^`]+)`(\*?) \| (.*?) \| (.*?) \|$/gm)].map(([, name, usual, changes]) => [
      name,
      usual === "*",
      changes,
    ]);
    const wanted = [
      ...all.filter(({ subject }) => subject !== "node").map(({ name, usual, changes }) => [name, usual, changes]),
      ...stepPerturbations.map(({ name, changes }) => [name, true, changes]),
    ];
    expect(rows.filter(([name]) => name !== "node-VERSION")).toEqual(wanted);
  });
});

describe("a copy of the repository", () => {
  it("has what a build reads, and no repository's own data", async () => {
    const work = temporaryDirectory();
    const copying = all.filter(({ name }) => name === "repository");
    const at = await copied(usualSurroundings(host, repository, work), copying, [join(repository, "out/images")]);
    const entry = (path: string): string => {
      const info = lstatSync(join(at.repository, path), { throwIfNoEntry: false });
      return info === undefined ? "none" : info.isSymbolicLink() ? "link" : (info.mode & 0o777).toString(8);
    };
    expect(["images/app/tool", "images/app/a", "images/app/link", ".git", "out", "out/images"].map(entry)).toEqual([
      "755",
      "644",
      "link",
      "none",
      "755",
      "none",
    ]);
    expect(readFileSync(join(at.repository, "images/app/hole"))).toEqual(
      readFileSync(join(repository, "images/app/hole")),
    );
  });
});

describe("--perturb", () => {
  const names = (rounds: readonly (readonly Perturbation[])[]): readonly (readonly string[])[] =>
    rounds.map((round) => round.map(({ name }) => name));

  it("all: makes each that can be made once, never two of one subject together, and names the others", async () => {
    const { rounds, steps, skipped } = await choosePerturbations(host, "all", base);
    const made = names(rounds).flat();
    expect([...made, ...skipped.map(({ name }) => name)].toSorted()).toEqual(all.map(({ name }) => name).toSorted());
    expect(skipped).toContainEqual({ name: "node-/nonexistent/node", reason: "/nonexistent/node is no Node" });
    expect(changesTheUsual({ rounds, steps, skipped })).toBe(true);
    expect(rounds).toHaveLength(4);
  });

  it("usual and none", async () => {
    const usual = await choosePerturbations(host, "usual", base);
    expect([usual.rounds, changesTheUsual(usual)]).toEqual([[usualPerturbations], true]);
    expect(names(usual.rounds)).toEqual([
      ["environment", "decoder", "zone", "language", "umask", "home", "directory", "clock", "listings"],
    ]);
    const none = await choosePerturbations(host, "none", base);
    expect([none.rounds, changesTheUsual(none)]).toEqual([[[]], false]);
  });

  it("a list: in the order of the table, in several rounds where it must be", async () => {
    const { rounds } = await choosePerturbations(host, "clock+1d,umask,clock-1y", base);
    expect(names(rounds)).toEqual([["umask", "clock-1y"], ["clock+1d"]]);
  });

  it("LS5005: refuses a name that there is not, with exit code 2, and says which is near", async () => {
    const error = await choosePerturbations(host, "umask,klock", base).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "LS5005",
      exitCode: 2,
      message: 'LS5005 there is no perturbation "klock"; did you mean "clock"?',
    });
    await expect(choosePerturbations(host, "", base)).rejects.toMatchObject({ code: "LS5005" });
    await expect(choosePerturbations(host, ",", base)).rejects.toMatchObject({ code: "LS5005" });
  });

  it("LS5006: refuses what this machine cannot do when it is asked for by name, with exit code 4", async () => {
    const error = await choosePerturbations(host, "node-/nonexistent/node", base).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "LS5006", exitCode: 4 });
  });

  it("never has two of one subject in a round, loses none, and keeps their order", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...all]), (chosen) => {
        const rounds = roundsOf(chosen);
        expect(new Set(rounds.flat())).toEqual(new Set(chosen));
        expect(rounds.flat()).toHaveLength(chosen.length);
        const sizes = Object.values(Object.groupBy(chosen, ({ subject }) => subject)).map(
          (group) => group?.length ?? 0,
        );
        expect(rounds).toHaveLength(Math.max(1, ...sizes));
        for (const round of rounds) {
          expect(new Set(round.map(({ subject }) => subject)).size).toBe(round.length);
          const places = round.map((item) => chosen.indexOf(item));
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});
