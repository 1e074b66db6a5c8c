/** /etc/pam.d/common-* as pam-auth-update(8) makes them on a fresh system: every profile whose default is yes. */
import type { ImageModel } from "../../source/debian/script-model.ts";
import { directory, textFile } from "./generated.ts";

interface Profile {
  readonly name: string;
  readonly fields: ReadonlyMap<string, string>;
}

const types = ["auth", "account", "password", "session", "session-noninteractive"] as const;

const primaryMark = '# here are the per-package modules (the "Primary" block)';
const fallbackMark = "# here's the fallback if no module succeeds";
const additionalMark = '# and here are more per-package modules (the "Additional" block)';
const endMark = "# end of pam-auth-update config";

/** A profile's fields; lines that follow a field continue it, their blanks removed. */
function parse(name: string, text: string): Profile {
  const fields = new Map<string, string>();
  let last = "";
  for (const line of text.split("\n")) {
    const [, field, value = ""] = /^(\S+):\s+(.*?)\s*$/.exec(line) ?? /^(\S+):()$/.exec(line) ?? [];
    if (field !== undefined) {
      last = field.replace(/-Final$/, "");
      fields.set(last, value);
    } else if (line.trim() !== "" && last !== "") {
      fields.set(last, `${fields.get(last) ?? ""}\n${line.trim()}`.replace(/^\s+/, ""));
    }
  }
  // Sessions without a terminal are like others unless the profile says that it is for terminals only.
  if (fields.get("Session-Interactive-Only") !== "yes") {
    for (const suffix of ["", "-Type", "-Initial"]) {
      const value = fields.get(`Session${suffix}`);
      if (value !== undefined) fields.set(`Session-noninteractive${suffix}`, value);
    }
  }
  return { name, fields };
}

function priority({ fields }: Profile): number {
  return Number(fields.get("Priority") ?? "0") || 0;
}

/** All profiles, the highest priority first, then in reverse order of names. */
function profiles(model: ImageModel): readonly Profile[] {
  return model
    .glob("/usr/share/pam-configs/", /\/[^/#~]+$/)
    .flatMap((path) => {
      const content = model.find(path)?.content;
      return content === undefined ? [] : [parse(path.slice(path.lastIndexOf("/") + 1), content.toString("utf8"))];
    })
    .toSorted((a, b) => priority(b) - priority(a) || (a.name < b.name ? 1 : -1));
}

/** Those that are on by default, without what a profile of higher priority conflicts with. */
function enabled(all: readonly Profile[]): readonly Profile[] {
  const kept: Profile[] = [];
  for (const profile of all.filter(({ fields }) => fields.get("Default") === "yes")) {
    const excluded = kept.some((other) => other.fields.get("Conflicts")?.split(", ").includes(profile.name) === true);
    if (!excluded) kept.push(profile);
  }
  return kept;
}

function capital(type: string): string {
  return type.charAt(0).toUpperCase() + type.slice(1);
}

/** Lines that the profiles add to one block; the first of a block may have lines of its own. */
function block(
  chosen: readonly Profile[],
  type: string,
  kind: "Primary" | "Additional",
): readonly { name: string; lines: readonly string[] }[] {
  const field = capital(type);
  return chosen
    .filter(({ fields }) => fields.get(`${field}-Type`) === kind)
    .map(({ name, fields }, index) => {
      const initial = index === 0 ? fields.get(`${field}-Initial`) : undefined;
      const text = initial !== undefined && initial !== "" ? initial : (fields.get(field) ?? "");
      return { name, lines: text.split("\n").filter((line) => line !== "") };
    });
}

function mergeLine(line: string, count: number): string {
  const [, head = "", options = ""] = /^((?:\[[^\]]+\]|\w+)\s+\S+)\s*(.*)/.exec(line) ?? [];
  return `${head.replaceAll("end", String(count))} ${options.split(/\s+/).join(" ")}\n`;
}

function blockText(chosen: readonly Profile[], type: string, kind: "Primary" | "Additional"): string {
  const service = type.replace("-noninteractive", "");
  const lines = block(chosen, type, kind).flatMap((each) => each.lines);
  if (kind === "Primary" && lines.length === 0) return `${service}\t[default=1]\t\t\tpam_permit.so\n`;
  // A jump from the additional block must not leave the stack.
  let count = lines.length - (kind === "Additional" ? 1 : 0);
  return lines.map((line) => `${service}\t${mergeLine(line, count--)}`).join("");
}

/** The template with its two blocks filled in; undefined when a mark is missing. */
function fill(template: string, chosen: readonly Profile[], type: string): string | undefined {
  const [head, rest = ""] = split(template, primaryMark);
  const [, middle = ""] = split(rest, fallbackMark);
  const [between, last = ""] = split(middle, additionalMark);
  const [, tail] = split(last, endMark);
  if (tail === undefined) return undefined;
  return (
    `${head}${primaryMark}\n${blockText(chosen, type, "Primary")}${fallbackMark}${between}` +
    `${additionalMark}\n${blockText(chosen, type, "Additional")}${endMark}${tail}`
  );
}

function split(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** What pam-auth-update keeps in /var/lib/pam to tell its own lines from those of the administrator. */
function saved(chosen: readonly Profile[], type: string): string {
  let text = "";
  const primary = block(chosen, type, "Primary");
  for (const { name, lines } of primary) text += `Module: ${name}\n${lines.join("\n")}\n`;
  if (primary.length === 0) text += "Module: null\n[default=1]\t\t\tpam_permit.so\n";
  for (const { name, lines } of block(chosen, type, "Additional")) text += `Module: ${name}\n${lines.join("\n")}\n`;
  return text;
}

/** Writes the files when libpam-runtime, which brings the templates, is part of the image. */
export function writePam(model: ImageModel): void {
  if (!model.packages.has("libpam-runtime")) return;
  const all = profiles(model);
  const chosen = enabled(all);
  model.put("var/lib/pam", directory());
  model.put("var/lib/pam/seen", textFile(all.map(({ name }) => `${name}\n`).join("")));
  for (const type of types) {
    const template = model.find(`usr/share/pam/common-${type}`)?.content?.toString("utf8");
    const text = template === undefined ? undefined : fill(template, chosen, type);
    if (text === undefined) continue;
    model.put(`etc/pam.d/common-${type}`, textFile(text));
    model.put(`var/lib/pam/${type}`, textFile(saved(chosen, type)));
  }
}
