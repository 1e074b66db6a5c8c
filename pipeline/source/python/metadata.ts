/** What a wheel says that it needs, and under which licence it is (core metadata specification), and whether a file of requirements has all of it. */
import { LockstepError, type Problem } from "../../host/errors.ts";
import type { Digest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { comparePaths } from "../../tree/entry.ts";
import { openBlob } from "../../tree/random-access.ts";
import { readZipMember } from "../../tree/zip-content.ts";
import { readZipDirectory } from "../../tree/zip-directory.ts";
import { evaluateMarker, MarkerError, normalizedName } from "./markers.ts";
import type { Requirement } from "./requirements.ts";
import { markerEnvironment, type PythonTarget } from "./target.ts";
import { allows } from "./version.ts";

export interface WheelMetadata {
  /** `Requires-Dist`, each as it is written. */
  readonly requires: readonly string[];
  /** `Requires-Python`: a specifier. */
  readonly python?: string;
  /** `License-Expression`; without one the names of its classifiers, or a `License` of one line. Sorted. */
  readonly licences: readonly string[];
  /** The same in one line, where a `License` that is a name comes before classifiers: those are names of groups of licences. */
  readonly license?: string;
}

/** Bytes of the largest METADATA: it has the whole description of the project. */
const metadataLimit = 16 << 20;

/** Characters of a licence that is a name and no text. */
const shortLicence = 100;

export function parseMetadata(text: string): WheelMetadata {
  // Lines that begin with a blank go on with the header before; the description follows an empty line.
  const head = (text.split(/\r?\n\r?\n/)[0] ?? "").replace(/\r?\n[ \t]+/g, " ");
  const values = (name: string): readonly string[] =>
    [...head.matchAll(new RegExp(`^${name}:[ \\t]*(.*?)[ \\t\\r]*$`, "gim"))].map(([, value = ""]) => value);
  const [python] = values("Requires-Python");
  const classified = values("Classifier").flatMap((text) => /^License :: (?:.* :: )?(.+)$/.exec(text)?.[1] ?? []);
  // Older packages have the whole text of their licence in the field.
  const short = values("License").filter((text) => text !== "" && text.length <= shortLicence);
  const expression = values("License-Expression");
  const stated = [expression, classified, short].find((names) => names.length > 0) ?? [];
  const named = [expression, short, classified].find((names) => names.length > 0);
  return {
    requires: values("Requires-Dist"),
    ...(python === undefined || python === "" ? {} : { python }),
    licences: [...new Set(stated)].toSorted(comparePaths),
    ...(named === undefined ? {} : { license: named.join("; ") }),
  };
}

/** The metadata of a wheel in the store. LS2609 when it has none; LS40xx, LS3001 and LS3002 as reading it gives them. */
export async function readMetadata(store: Store, digest: Digest, name: string): Promise<WheelMetadata> {
  const place = { file: name };
  const file = await openBlob(store, digest);
  try {
    const members = await readZipDirectory(file, place);
    const member = members.find(({ path, type }) => type === "file" && /^[^/]+\.dist-info\/METADATA$/.test(path));
    if (member === undefined) throw new LockstepError({ code: "LS2609", message: "has no METADATA", place });
    return parseMetadata((await readZipMember(file, member, place, metadataLimit)).toString("utf8"));
  } finally {
    await file.close();
  }
}

interface Need {
  readonly name: string;
  readonly extras: readonly string[];
  readonly specifier: string;
  readonly marker?: string;
}

/** One dependency (dependency specifiers specification); undefined when it is none. */
function parseNeed(text: string): Need | undefined {
  const semicolon = text.indexOf(";");
  const body = semicolon < 0 ? text : text.slice(0, semicolon);
  const marker = semicolon < 0 ? "" : text.slice(semicolon + 1).trim();
  const [, name, extras = "", rest = ""] =
    /^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*?)\s*$/s.exec(body) ?? [];
  if (name === undefined) return undefined;
  return {
    name: normalizedName(name),
    extras: extras
      .split(",")
      .map((extra) => normalizedName(extra.trim()))
      .filter((extra) => extra !== ""),
    // An address names one file; the hashes say which that is.
    specifier: rest.startsWith("@") ? "" : rest.replace(/^\((.*)\)$/s, "$1"),
    ...(marker === "" ? {} : { marker }),
  };
}

/** Whether a marker of a package holds. The third number of Python's version is asked for only where it decides. */
function applies(marker: string, target: PythonTarget, extra: string): boolean {
  const on = (python: string): boolean =>
    evaluateMarker(marker, new Map([...markerEnvironment({ ...target, python }), ["extra", extra]]));
  if (target.python.split(".").length === 3) return on(target.python);
  const [first, last] = [on(`${target.python}.0`), on(`${target.python}.999`)];
  if (first === last) return first;
  throw new MarkerError(`holds for some versions of Python ${target.python} only; say the third number in the spec`);
}

/** A requirement with what the wheel that was chosen for it says. */
export interface RequiredWheel {
  readonly requirement: Requirement;
  readonly file: string;
  readonly metadata: WheelMetadata;
}

/**
 * What wheels need and the requirements do not have: LS2613 for a package that is not there or is there in another version, and for another
 * Python; LS2606 for a marker without an answer. `all` are the requirements that count on the target, by name.
 */
export function unmetNeeds(
  wheels: readonly RequiredWheel[],
  all: ReadonlyMap<string, Requirement>,
  target: PythonTarget,
): readonly Problem[] {
  const problems = new Map<string, Problem>();
  const report = (problem: Problem): void => void problems.set(JSON.stringify(problem), problem);
  const byName = new Map(wheels.map((wheel) => [wheel.requirement.name, wheel]));
  const open = wheels.flatMap((wheel) => ["", ...wheel.requirement.extras].map((extra) => ({ wheel, extra })));
  const seen = new Set<string>();
  const hint = "write the file of requirements anew with all that its packages need; pip-compile and uv do that";
  for (const { wheel, extra } of open) {
    const { requirement, file, metadata } = wheel;
    const { name, place } = requirement;
    const step = `${name}[${extra}]`;
    if (seen.has(step)) continue;
    seen.add(step);
    const says = `${name} ${requirement.version}${extra === "" ? "" : ` with ${extra}`}`;
    if (metadata.python !== undefined && allows(metadata.python, fullVersion(target.python)) === false) {
      report({
        code: "LS2613",
        message: `${says} is for Python ${metadata.python}, and the layer has ${target.python}`,
        place,
      });
    }
    for (const text of metadata.requires) {
      const need = parseNeed(text);
      if (need === undefined) {
        report({ code: "LS2609", message: `Requires-Dist ${JSON.stringify(text)} is no requirement`, place: { file } });
        continue;
      }
      try {
        if (need.marker !== undefined && !applies(need.marker, target, extra)) continue;
      } catch (error) {
        if (!(error instanceof MarkerError)) throw error;
        report({ code: "LS2606", message: `marker ${JSON.stringify(need.marker)} in ${says} ${error.message}`, place });
        continue;
      }
      const found = all.get(need.name);
      if (found === undefined) {
        report({
          code: "LS2613",
          message: `${says} needs ${need.name}, which is not required for ${target.platform}`,
          place,
          hint,
        });
      } else if (allows(need.specifier, found.version) === false) {
        const message = `${says} needs ${need.name} ${need.specifier}, and ${found.version} is required in line ${found.place.line ?? 1}`;
        report({ code: "LS2613", message, place, hint });
      }
      const next = byName.get(need.name);
      if (next !== undefined) open.push(...need.extras.map((it) => ({ wheel: next, extra: it })));
    }
  }
  return [...problems.values()];
}

/** A version to hold against specifiers where the third number is not known: a late one, as images get. */
function fullVersion(python: string): string {
  return python.split(".").length === 3 ? python : `${python}.999`;
}
