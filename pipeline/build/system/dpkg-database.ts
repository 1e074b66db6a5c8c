/** /var/lib/dpkg as a whole: what scanners read, and what dpkg itself needs when it is part of the image. */
import type { ImageModel } from "../../source/debian/script-model.ts";
import { comparePaths } from "../../tree/entry.ts";
import { infoName } from "./info.ts";
import { statusFile } from "./dpkg-status.ts";
import { directory, textFile } from "./generated.ts";

const base = "var/lib/dpkg";

const executables = ["preinst", "postinst", "prerm", "postrm", "config"] as const;
const members = ["templates", "triggers"] as const;

/** Interests in triggers: paths in `File`, names in files of their own (deb-triggers(5); dpkg, lib/dpkg/triglib.c). */
function writeTriggers(model: ImageModel): void {
  const files: string[] = [];
  const named = new Map<string, string[]>();
  for (const [, facts] of [...model.packages].toSorted(([a], [b]) => comparePaths(a, b))) {
    for (const line of (facts.scripts.triggers ?? "").split("\n")) {
      const [, directive, trigger = ""] = /^\s*(interest(?:-await|-noawait)?)\s+(\S+)/.exec(line) ?? [];
      if (directive === undefined) continue;
      const waiter = `${infoName(facts)}${directive === "interest-noawait" ? "/noawait" : ""}`;
      if (trigger.startsWith("/")) files.push(`${trigger} ${waiter}\n`);
      else if (/^[\w.+:-]+$/.test(trigger)) named.set(trigger, [...(named.get(trigger) ?? []), `${waiter}\n`]);
    }
  }
  if (files.length > 0) model.put(`${base}/triggers/File`, textFile(files.join("")));
  for (const [name, lines] of named) model.put(`${base}/triggers/${name}`, textFile(lines.join("")));
}

/** Maintainer scripts and triggers: dpkg needs them to remove or upgrade a package later. Without dpkg nothing would ever read them. */
function writeScripts(model: ImageModel): void {
  for (const facts of model.packages.values()) {
    const name = `${base}/info/${infoName(facts)}`;
    for (const script of executables) {
      const text = facts.scripts[script];
      if (text !== undefined) model.put(`${name}.${script}`, textFile(text, 0o755));
    }
    for (const member of members) {
      const text = facts.scripts[member];
      if (text !== undefined) model.put(`${name}.${member}`, textFile(text));
    }
  }
}

function writeDiversions(model: ImageModel): void {
  if (model.diversions.length === 0) return;
  const lines = model.diversions.toSorted((a, b) => comparePaths(a.from, b.from));
  model.put(`${base}/diversions`, textFile(lines.map(({ from, to, by }) => `${from}\n${to}\n${by}\n`).join("")));
}

function writeStatOverrides(model: ImageModel): void {
  if (model.statOverrides.size === 0) return;
  const lines = [...model.statOverrides].toSorted(([a], [b]) => comparePaths(a, b));
  model.put(
    `${base}/statoverride`,
    textFile(lines.map(([path, { user, group, mode }]) => `${user} ${group} ${mode} ${path}\n`).join("")),
  );
}

/**
 * Writes the database. A package of which something was not done is "unpacked" and not "installed", so that nobody, dpkg --audit first,
 * takes it for complete. No lock files, no backups (`status-old`), no `available`, no logs (peers.md S9, S10, S14).
 */
export function writeDatabase(model: ImageModel, incomplete: ReadonlySet<string>): void {
  if (model.packages.size === 0) return;
  for (const name of ["info", "triggers", "updates"])
    if (model.find(`${base}/${name}`) === undefined) model.put(`${base}/${name}`, directory());
  model.put(`${base}/status`, textFile(statusFile([...model.packages.values()], incomplete)));
  model.put(`${base}/info/format`, textFile("1\n"));
  writeDiversions(model);
  writeStatOverrides(model);
  if (model.program("dpkg") === undefined) return;
  writeTriggers(model);
  writeScripts(model);
}
