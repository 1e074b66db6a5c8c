/** Files of requirements in pip's hash-checking mode: every package with its version and the hashes of the files that it may come from. */
import type { Code } from "../../host/codes.ts";
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { evaluateMarker, MarkerError, normalizedName } from "./markers.ts";
import { markerEnvironment, type PythonTarget } from "./target.ts";
import { parseVersion } from "./version.ts";

export interface Requirement {
  /** Normalized. */
  readonly name: string;
  /** As it is written. */
  readonly version: string;
  /** Normalized, sorted. */
  readonly extras: readonly string[];
  readonly marker?: string;
  /** SHA-256 of the files that will do, 64 hexadecimal digits each. */
  readonly hashes: readonly string[];
  readonly place: Place;
}

const fileLimit = 16 << 20;

interface Line {
  readonly text: string;
  /** Number of its first line, from 1. */
  readonly line: number;
}

/** Lines without comments, those that go on with `\` joined (pip, "Requirements File Format"). */
function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let open: { text: string; line: number } | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const comment = /^\s*#/.test(raw);
    const goesOn = !comment && raw.endsWith("\\");
    const part = comment ? "" : goesOn ? raw.slice(0, -1) : raw;
    open = open === undefined ? { text: part, line: index + 1 } : { text: `${open.text} ${part}`, line: open.line };
    if (goesOn) continue;
    lines.push(open);
    open = undefined;
  }
  if (open !== undefined) lines.push(open);
  return lines
    .map(({ text: whole, line }) => ({ text: whole.replace(/(?:^|\s)#.*$/, "").trim(), line }))
    .filter(({ text: whole }) => whole !== "");
}

type Refuse = (code: Code, message: string, hint: string) => void;

/** Options that change nothing here, because what they ask for is always so. */
const always = /^(?:--require-hashes|--only-binary[= ]:all:|--prefer-binary)$/;
const configuration =
  /^(?:-i|--index-url|--extra-index-url|-f|--find-links|--no-index|--trusted-host|--pypi-url|--proxy|--cert|--client-cert)\b/;

function checkOption(text: string, refuse: Refuse): void {
  if (always.test(text)) return;
  if (/^(?:-e|--editable)\b/.test(text)) {
    refuse("LS2603", "is an editable requirement, which has no hash", "pin a released version with its hashes");
  } else if (configuration.test(text)) {
    const [option = ""] = text.split(/[= ]/);
    refuse(
      "LS2604",
      `has ${option}, which decides where packages come from`,
      "write it into pip's configuration of the machine",
    );
  } else {
    const [option = ""] = text.split(/[= ]/);
    refuse("LS2604", `has the option ${option}`, "a file of requirements has packages and their hashes only");
  }
}

const requirementPattern = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)$/s;

/** One line that is no option. */
function readRequirement({ text }: Line, place: Place, refuse: Refuse): Requirement | undefined {
  const [head = "", ...options] = text.split(/\s(?=--?[A-Za-z])/).map((part) => part.trim());
  const semicolon = head.indexOf(";");
  const body = (semicolon < 0 ? head : head.slice(0, semicolon)).trim();
  const marker = semicolon < 0 ? undefined : head.slice(semicolon + 1).trim();
  if (/^[A-Za-z+]+:\/\/|^[a-z]+\+|^\.{0,2}\/|@|\.(?:whl|zip|tar\.gz)$/.test(body)) {
    refuse(
      "LS2603",
      `${JSON.stringify(body.replace(/\/\/[^/@\s]*@/, "//"))} is a path, an address or a repository`,
      "pin a version that the package index has, with its hashes",
    );
    return undefined;
  }
  const [, name, extras = "", rest = ""] = requirementPattern.exec(body) ?? [];
  if (name === undefined) {
    refuse("LS2601", `${JSON.stringify(body)} is no requirement`, "write `name==version --hash=sha256:…`");
    return undefined;
  }
  const specifier = rest.replace(/^\((.*)\)$/s, "$1").trim();
  const version = /^==\s*([^\s,*=][^\s,*]*)$/.exec(specifier)?.[1];
  if (version === undefined || parseVersion(version) === undefined) {
    refuse("LS2602", `${name} is not pinned to one version`, "write `==` and a version; pip-compile and uv do that");
    return undefined;
  }
  const hashes: string[] = [];
  for (const option of options) {
    const [, algorithm, digest] = /^--hash[= ]([a-z0-9]+):([0-9A-Fa-f]+)$/.exec(option) ?? [];
    if (algorithm === "sha256" && digest?.length === 64) hashes.push(digest.toLowerCase());
    else if (algorithm !== undefined)
      refuse("LS2605", `${name} has a hash that is no SHA-256`, "write `--hash=sha256:` with 64 digits");
    else refuse("LS2604", `${name} has the option ${option.split(/[= ]/)[0] ?? ""}`, "a requirement has hashes only");
  }
  if (options.length === 0)
    refuse(
      "LS2605",
      `${name} has no hash`,
      "write the hashes of its files; `pip-compile --generate-hashes` and `uv pip compile --generate-hashes` do that",
    );
  const wanted = extras
    .split(",")
    .map((extra) => extra.trim())
    .filter((extra) => extra !== "");
  if (!wanted.every((extra) => /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(extra))) {
    refuse("LS2601", `${name} has an extra that is no name`, "write `name[extra]==version`");
  }
  return {
    name: normalizedName(name),
    version,
    extras: [...new Set(wanted.map(normalizedName))].toSorted(),
    ...(marker === undefined ? {} : { marker }),
    hashes,
    place,
  };
}

/** All requirements of a file, for whatever target. Throws all problems at once: LS2601 to LS2605. */
export function parseRequirements(text: string, file: string): readonly Requirement[] {
  const problems: Problem[] = [];
  if (text.length > fileLimit)
    throw new LockstepError({ code: "LS2601", message: "is larger than 16 MiB", place: { file } });
  const found = linesOf(text).flatMap((line) => {
    const place = { file, line: line.line };
    const refuse: Refuse = (code, message, hint) => void problems.push({ code, message, place, hint });
    // What the environment of a machine would put in would be known to nobody else.
    if (/\$\{[A-Z0-9_]+\}/.test(line.text)) {
      refuse("LS2604", "has a variable of the environment", "write what it stands for");
      return [];
    }
    if (line.text.startsWith("-")) {
      checkOption(line.text, refuse);
      return [];
    }
    const requirement = readRequirement(line, place, refuse);
    return requirement === undefined ? [] : [requirement];
  });
  if (problems.length > 0) throw new LockstepError(problems);
  return found;
}

/** The requirements that count on a target, sorted by name. Throws LS2606 (a marker) and LS2607 (a package twice), all at once. */
export function requirementsFor(all: readonly Requirement[], target: PythonTarget): readonly Requirement[] {
  const environment = markerEnvironment(target);
  const problems: Problem[] = [];
  const byName = new Map<string, Requirement>();
  for (const requirement of all) {
    const { name, marker, place } = requirement;
    try {
      if (marker !== undefined && !evaluateMarker(marker, environment)) continue;
    } catch (error) {
      if (!(error instanceof MarkerError)) throw error;
      problems.push({ code: "LS2606", message: `marker ${JSON.stringify(marker)} of ${name} ${error.message}`, place });
      continue;
    }
    const before = byName.get(name);
    if (before !== undefined) {
      const message = `${name} is required a second time, first in line ${before.place.line ?? 1}`;
      problems.push({
        code: "LS2607",
        message,
        place,
        hint: "leave one, or give them markers that exclude each other",
      });
    }
    byName.set(name, requirement);
  }
  if (problems.length > 0) throw new LockstepError(problems);
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
