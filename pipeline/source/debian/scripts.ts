/** Reads the maintainer scripts of all packages of an image and tells what they would have done; none of them is ever run. */
import { memoize } from "../../host/memoize.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { PackageFacts, ScriptName } from "./facts.ts";
import { runCommand } from "./script-commands.ts";
import { covered } from "./script-covered.ts";
import type { Residual } from "./script-evaluation.ts";
import { evaluateScript, prepareScript } from "./script-evaluator.ts";
import type { ImageModel } from "./script-model.ts";

export interface ScriptReport {
  readonly package: string;
  readonly script: ScriptName;
  /** What was done in the script's place. */
  readonly done: readonly string[];
  /** What it would have done, or may have done, and nothing does in its place. */
  readonly residual: readonly Residual[];
}

/** Packages whose files and accounts the scripts of others count on, in the order in which a fresh system gets them. */
const first: readonly string[] = ["base-passwd", "base-files"];

function rank(name: string): number {
  return first.includes(name) ? first.indexOf(name) : first.length;
}

/** The order in which scripts are read (peers.md S15): the base first, then by name. */
function scriptOrder(packages: readonly PackageFacts[]): readonly PackageFacts[] {
  return packages.toSorted((a, b) => {
    const [x, y] = [a.control["Package"] ?? "", b.control["Package"] ?? ""];
    return rank(x) - rank(y) || comparePaths(x, y);
  });
}

/** The defaults of a package's debconf templates by name (debconf-devel(7)): what debconf answers when nobody is asked. */
export const debconfDefaults = memoize((templates: string): ReadonlyMap<string, string> => {
  const defaults = new Map<string, string>();
  let name: string | undefined;
  for (const line of templates.split("\n")) {
    const [, field, value = ""] = /^(Template|Type|Default):[ \t]*(.*?)\s*$/.exec(line) ?? [];
    if (field === "Template") name = value;
    if (name === undefined) continue;
    if (field === "Type" && !defaults.has(name)) defaults.set(name, value === "boolean" ? "false" : "");
    if (field === "Default") defaults.set(name, value);
  }
  return defaults;
}, 2000);

/** Parses what `readScripts` needs; it is remembered. Throws what parsing throws. */
export function prepareScripts({ scripts }: PackageFacts): void {
  debconfDefaults(scripts.templates ?? "");
  for (const text of [scripts.preinst, scripts.postinst]) if (text !== undefined) prepareScript(text);
}

/** Triggers of a package that other packages of the image set off (deb-triggers(5)). */
function activated(facts: PackageFacts, packages: readonly PackageFacts[], model: ImageModel): readonly string[] {
  const lines = (facts.scripts.triggers ?? "").split("\n").map((line) => line.trim().split(/\s+/));
  const interests = lines
    .filter(([directive]) => directive?.startsWith("interest") === true)
    .map(([, name = ""]) => name);
  return interests.filter((name) => {
    if (name === "") return false;
    if (model.triggers.has(name)) return true;
    if (name.startsWith("/")) {
      const path = name.slice(1);
      return packages.some((other) =>
        other.entries.some((entry) => entry.path === path || entry.path.startsWith(`${path}/`)),
      );
    }
    const pattern = new RegExp(String.raw`^\s*activate\S*\s+${name.replace(/[^\w-]/g, String.raw`\$&`)}\s*$`, "m");
    return packages.some((other) => pattern.test(other.scripts.triggers ?? ""));
  });
}

/**
 * Follows every script in the way dpkg calls it on a fresh installation: preinst `install`, postinst `configure ""`, and postinst
 * `triggered` when another package sets off one of its triggers. What is understood is done on the model.
 * With `wanted`, only the scripts of some packages are followed.
 * prerm and postrm only run when a package goes, config only asks; they have no part in an image.
 */
export function readScripts(
  model: ImageModel,
  wanted: (facts: PackageFacts) => boolean = () => true,
): readonly ScriptReport[] {
  const packages = scriptOrder([...model.packages.values()].filter(wanted));
  const reports: ScriptReport[] = [];
  const answers = new Map(packages.map((facts) => [facts, debconfDefaults(facts.scripts.templates ?? "")]));
  const read = (facts: PackageFacts, script: "preinst" | "postinst", args: readonly string[]): void => {
    const text = facts.scripts[script];
    if (text === undefined) return;
    const name = facts.control["Package"] ?? "";
    const caller = { model, packageName: name, answers: answers.get(facts) ?? new Map<string, string>() };
    const { done, residual } = evaluateScript(text, {
      model,
      args,
      variables: {
        DPKG_ROOT: "",
        DPKG_MAINTSCRIPT_ARCH: facts.control["Architecture"] ?? model.architecture,
        DPKG_MAINTSCRIPT_NAME: script,
        DPKG_MAINTSCRIPT_PACKAGE: name,
        DEBIAN_FRONTEND: "noninteractive",
        HOME: "/root",
      },
      command: (call) => runCommand(call, caller),
    });
    const kept = new Set(done);
    const left: Residual[] = [];
    for (const each of residual) {
      const what = covered(name, script, each.command);
      if (what !== undefined) kept.add(what);
      else if (!left.some(({ command }) => command === each.command)) left.push(each);
    }
    if (kept.size > 0 || left.length > 0) reports.push({ package: name, script, done: [...kept], residual: left });
  };
  for (const facts of packages) read(facts, "preinst", ["install"]);
  for (const facts of packages) read(facts, "postinst", ["configure", ""]);
  for (const facts of packages) {
    const triggers = activated(facts, packages, model);
    if (triggers.length > 0) read(facts, "postinst", ["triggered", triggers.join(" ")]);
  }
  return reports;
}
