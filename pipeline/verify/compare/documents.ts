/** Compares the JSON documents of an image: which fields differ, how grave that is, and nothing twice that follows from something else. */
import type { Finding, Grade, Nature, Part, Where } from "./finding.ts";
import { compareForms, compareJson, type Json, type JsonDifference, parseJson } from "./json.ts";
import { shown } from "./shown.ts";

/** What follows from differences that are told elsewhere: digests and sizes of what a document names. */
const derived: Readonly<Record<"index" | "manifest" | "config", RegExp>> = {
  // `withoutDigests` has taken them out.
  index: /^(?!)/,
  manifest: /^(?:config|subject|layers\[\d+\])\.(?:digest|size|mediaType)$|^layers\[\d+\]$/,
  config: /^rootfs\.diff_ids(?:\[\d+\])?$/,
};

const privileged =
  /^config\.(?:User|Entrypoint|Cmd|Env|Volumes|ExposedPorts|Shell|Healthcheck|OnBuild|ArgsEscaped)\b|^(?:architecture|os|variant)$/;
const timed = /^created$|^history\[\d+\]\.created$|created|\btime|date/i;
const cosmetic =
  /^(?:history\b|author$|comment$|docker_version$|container$|container_config\b|config\.(?:Labels|Image|Hostname|Domainname)\b|annotations\b)/;
const digestField = /(?:^|\.)(?:digest|size)$/;

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

function isTime(value: string | undefined): boolean {
  return value === undefined || isoTime.test(value);
}

function gradeOf(part: Part, { path, a, b, order }: JsonDifference): Grade {
  const clock = timed.test(path) && isTime(a) && isTime(b);
  if (clock) return "clock";
  if (part === "config" && privileged.test(path))
    return order === true && path === "config.Env" ? "cosmetic" : "privilege";
  if (cosmetic.test(path) || /annotations/.test(path) || order === true) return "cosmetic";
  if (path.endsWith("mediaType")) return "encoding";
  return digestField.test(path) || part === "config" ? "content" : "cosmetic";
}

function naturesOf({ path, a, b, order }: JsonDifference): readonly Nature[] {
  if (order === true) return ["order"];
  if (timed.test(path) && isTime(a) && isTime(b)) return ["time"];
  if (/version/i.test(path)) return ["version"];
  return [];
}

/** `PATH` of `PATH=/usr/bin`. */
function variable(entry: Json): string {
  return typeof entry === "string" ? (entry.split("=")[0] ?? "") : JSON.stringify(entry);
}

/** The environment is compared by name when it is one list of different names on both sides. */
function byName(list: Json | undefined): ReadonlyMap<string, string> | undefined {
  if (!Array.isArray(list)) return undefined;
  const map = new Map((list as readonly Json[]).map((entry) => [variable(entry), String(entry)]));
  return map.size === list.length ? map : undefined;
}

function environment(a: Json | undefined, b: Json | undefined): readonly JsonDifference[] | undefined {
  const [left, right] = [byName(a), byName(b)];
  if (left === undefined || right === undefined) return undefined;
  const differences: JsonDifference[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [x, y] = [left.get(name), right.get(name)];
    if (x === y) continue;
    const path = `config.Env.${name}`;
    differences.push({
      path,
      ...(x === undefined ? {} : { a: shown(x) }),
      ...(y === undefined ? {} : { b: shown(y) }),
    });
  }
  const common = (list: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string =>
    [...list.keys()].filter((name) => other.has(name)).join(", ");
  const [orderA, orderB] = [common(left, right), common(right, left)];
  if (orderA !== orderB) differences.push({ path: "config.Env", a: shown(orderA), b: shown(orderB), order: true });
  return differences;
}

export type DocumentPart = "index" | "manifest" | "config";

function memberOf(value: Json, ...names: readonly string[]): Json | undefined {
  let here: Json | undefined = value;
  for (const name of names) {
    if (typeof here !== "object" || here === null || Array.isArray(here) || !Object.hasOwn(here, name))
      return undefined;
    here = (here as { readonly [name: string]: Json })[name];
  }
  return here;
}

/** An index whose members say what they are and not which: so that another order of them is seen as that. */
function withoutDigests(value: Json): Json {
  const members = memberOf(value, "manifests");
  if (!Array.isArray(members)) return value;
  const manifests = (members as readonly Json[]).map((member): Json => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).filter(([name]) => name !== "digest" && name !== "size"));
  });
  return { ...(value as { readonly [name: string]: Json }), manifests };
}

/**
 * Compares two documents of one kind. Digests and sizes that follow from what they name are left out: whoever calls compares that too.
 * Documents that are no JSON are compared as a whole.
 */
export function compareDocuments(
  part: DocumentPart,
  a: Buffer,
  b: Buffer,
  where: Omit<Where, "part" | "field">,
): readonly Finding[] {
  if (a.equals(b)) return [];
  const [x, y] = [parseJson(a), parseJson(b)];
  const at = (field: string): Where => ({ ...where, part, field });
  if (x === undefined || y === undefined)
    return [{ where: at("form"), a: `${a.length} bytes`, b: `${b.length} bytes`, grade: "content" }];
  const all = part === "index" ? compareJson(withoutDigests(x), withoutDigests(y)) : compareJson(x, y);
  const env =
    part === "config" && all.some(({ path }) => /^config\.Env\b/.test(path))
      ? environment(memberOf(x, "config", "Env"), memberOf(y, "config", "Env"))
      : undefined;
  const differences = [
    ...all.filter(({ path }) => !derived[part].test(path) && (env === undefined || !/^config\.Env\b/.test(path))),
    ...(env ?? []),
  ];
  const findings = differences.map((difference): Finding => {
    const { path, a: left, b: right } = difference;
    const natures = naturesOf(difference);
    return {
      where: at(path),
      ...(left === undefined ? {} : { a: left }),
      ...(right === undefined ? {} : { b: right }),
      grade: gradeOf(part, difference),
      ...(natures.length === 0 ? {} : { natures }),
    };
  });
  const forms = compareForms({ bytes: a, value: x }, { bytes: b, value: y });
  if (forms !== undefined || (all.length === 0 && part !== "index"))
    findings.push({
      where: at("form"),
      a: forms?.a ?? `${a.length} bytes`,
      b: forms?.b ?? `${b.length} bytes`,
      grade: "encoding",
      natures: ["form"],
      facts: { memberOrder: forms?.memberOrder === true },
    });
  return findings;
}
