/** The files of the system that maintainer scripts would have made: accounts, certificates, linker cache, alternatives, the package database. */
import type { Problem } from "../../host/errors.ts";
import { mergedDirectories } from "../../source/debian/merged-usr.ts";
import type { PackageFacts } from "../../source/debian/facts.ts";
import { ImageModel } from "../../source/debian/script-model.ts";
import { prepareScripts, readScripts, type ScriptReport } from "../../source/debian/scripts.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { GeneratedFile } from "../../tree/generated.ts";
import { homeDirectories, seedAccounts, writeAccounts } from "./accounts.ts";
import { writeAlternatives } from "./alternatives.ts";
import { prepareCertificates, writeCertificates } from "./certificates.ts";
import { writeDatabase } from "./dpkg-database.ts";
import { writeLinkerCache } from "./linker-cache.ts";
import { writePam } from "./pam.ts";
import { writeShells } from "./shells.ts";
import type { ScriptNote, SystemInput, SystemResult } from "./types.ts";

/** Links of the root directory that base-files does not ship (before trixie, usrmerge made them). */
function mergeUsr(model: ImageModel): void {
  for (const [name, target] of mergedDirectories) {
    if (model.find(name, false) === undefined && model.find(target)?.type === "directory")
      model.put(name, { type: "symlink", mode: 0o777, uid: 0, gid: 0, target });
  }
}

function generated(model: ImageModel): readonly GeneratedFile[] {
  const files: GeneratedFile[] = [];
  for (const [path, node] of model.made) {
    const { mode, uid, gid } = node;
    // The scripts' own temporary files.
    if (path.startsWith("tmp/")) continue;
    if (node.type === "directory") files.push({ type: "directory", path, mode, uid, gid });
    else if (node.target !== undefined) files.push({ type: "symlink", path, mode, uid, gid, target: node.target });
    else files.push({ type: "file", path, mode, uid, gid, content: node.content ?? Buffer.alloc(0) });
  }
  return files.toSorted((a, b) => comparePaths(a.path, b.path));
}

/** Directories a person has to know to be the runtime's: files that a container gets when it starts (peers.md S1 to S3). */
const fromRuntime: readonly string[] = ["etc/hostname", "etc/hosts", "etc/machine-id", "etc/resolv.conf"];

/** tzdata's own default, which its config script would have answered with. */
function writeTimeZone(model: ImageModel): void {
  const target = "/usr/share/zoneinfo/Etc/UTC";
  if (
    model.packages.has("tzdata") &&
    model.find(target) !== undefined &&
    model.find("etc/localtime", false) === undefined
  )
    model.put("etc/localtime", { type: "symlink", mode: 0o777, uid: 0, gid: 0, target });
}

function notes(reports: readonly ScriptReport[]): readonly ScriptNote[] {
  return reports
    .filter((report) => report.residual.length > 0)
    .map((report) => ({
      package: report.package,
      script: report.script,
      commands: report.residual.map(({ command, certain }) => (certain ? command : `${command} (perhaps)`)),
    }));
}

/**
 * Does ahead what `systemFiles` does with each package by itself and remembers, while others are still unpacked. What is wrong with a package
 * is told there.
 */
export function prepareSystem(facts: PackageFacts): void {
  for (const prepare of [prepareScripts, prepareCertificates]) {
    try {
      prepare(facts);
    } catch {
      // A throw is not remembered: it comes again.
    }
  }
}

/**
 * Makes the files of the system for one image of one architecture. Pure: the same input gives the same bytes, and no script is run.
 * Throws LockstepError with LS2401 to LS2403 for accounts that contradict each other and LS2404 for certificates that cannot be read.
 */
export function systemFiles(input: SystemInput): SystemResult {
  const model = new ImageModel(input.packages, input.architecture);
  mergeUsr(model);
  seedAccounts(model, input);
  const reports = readScripts(model);
  for (const path of fromRuntime) if (model.made.has(path)) model.remove(path);
  homeDirectories(model, input);
  writeAccounts(model);
  writeTimeZone(model);
  writeShells(model);
  writePam(model);
  writeCertificates(model);
  const refused = writeAlternatives(model);
  writeLinkerCache(model);
  const left = [...notes(reports), ...refused];
  writeDatabase(model, new Set(left.map((each) => each.package)));
  return {
    files: generated(model),
    overrides: model.overrides.toSorted((a, b) => comparePaths(a.path, b.path)),
    removed: model.removed,
    diversions: model.diversions,
    done: reports.flatMap(({ package: name, script, done }) => done.map((what) => ({ package: name, script, what }))),
    notDone: left,
  };
}

export type { SystemResult } from "./types.ts";

/** What `check` warns of: one problem with LS2405 for every script whose work nobody does, naming what it would have run. */
export function unfinishedScripts(result: Pick<SystemResult, "notDone">, file: string): readonly Problem[] {
  return result.notDone.map((each) => ({
    code: "LS2405",
    message: `${each.script} of ${each.package} would have run: ${each.commands.join("; ")}`,
    place: { file },
    hint: "do in a files, directories or symlinks layer what the image needs of it",
  }));
}
