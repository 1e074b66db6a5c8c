/** Whether an advisory is about a version: the evaluation of the OSV schema, with the order of versions of each ecosystem. */
import { compareVersions, isVersion } from "../source/debian/version.ts";
import { compareVersions as comparePython, parseVersion } from "../source/python/version.ts";
import type { Affected, RangeEvent } from "./osv.ts";

/** Negative, zero or positive as `a` is older than, the same as or newer than `b`; undefined when one is no version of the ecosystem. */
type Order = (a: string, b: string) => number | undefined;

export interface Ecosystem {
  readonly order: Order;
  /** The name under which a package is known, whatever way it is written. */
  readonly nameOf: (name: string) => string;
}

const same = (name: string): string => name;

/** The ecosystems whose versions can be ordered. Loads the order of semantic versions, which is why it has to be waited for. */
export async function loadEcosystems(): Promise<ReadonlyMap<string, Ecosystem>> {
  const semver = await import("semver");
  const compareSemver: Order = (a, b) => {
    const x = semver.parse(a);
    const y = semver.parse(b);
    return x === null || y === null ? undefined : semver.compare(x, y);
  };
  const compareDebian: Order = (a, b) => (isVersion(a) && isVersion(b) ? compareVersions(a, b) : undefined);
  const comparePyPi: Order = (a, b) => {
    const x = parseVersion(a);
    const y = parseVersion(b);
    return x === undefined || y === undefined ? undefined : comparePython(x, y);
  };
  return new Map([
    ["Debian", { order: compareDebian, nameOf: same }],
    ["npm", { order: compareSemver, nameOf: same }],
    // Names are compared without regard to case and to which of - _ . is written (PEP 503).
    ["PyPI", { order: comparePyPi, nameOf: (name) => name.toLowerCase().replaceAll(/[-_.]+/g, "-") }],
  ]);
}

/** `undecided`: a version has no order in its ecosystem, so that nobody can tell. */
export type Answer = "affected" | "unaffected" | "undecided";

function inRange(events: readonly RangeEvent[], version: string, order: Order): Answer {
  const isStart = ({ bound, version }: RangeEvent): boolean => bound === "introduced" && version === "0";
  const isEnd = ({ bound, version }: RangeEvent): boolean => bound === "limit" && version === "*";
  if (events.some((event) => !isStart(event) && !isEnd(event) && order(event.version, version) === undefined))
    return "undecided";
  const against = (event: RangeEvent): number =>
    isStart(event) ? 1 : isEnd(event) ? -1 : (order(version, event.version) ?? 0);
  const limits = events.filter(({ bound }) => bound === "limit");
  if (limits.length > 0 && !limits.some((limit) => against(limit) < 0)) return "unaffected";
  const sorted = events
    .filter(({ bound }) => bound !== "limit")
    .toSorted(
      (a, b) => Number(isStart(b)) - Number(isStart(a)) || (isStart(a) ? 0 : (order(a.version, b.version) ?? 0)),
    );
  let affected = false;
  for (const event of sorted) {
    if (event.bound === "introduced" && against(event) >= 0) affected = true;
    if (event.bound === "fixed" && against(event) >= 0) affected = false;
    if (event.bound === "last_affected" && against(event) > 0) affected = false;
  }
  return affected ? "affected" : "unaffected";
}

/** Whether a version is listed, or lies in one of the ranges (OSV schema, "Evaluation"). The caller has compared the package. */
export function affects(affected: Affected, version: string, order: Order): Answer {
  if (affected.versions.has(version)) return "affected";
  const answers = affected.ranges.map((events) => inRange(events, version, order));
  if (answers.includes("affected")) return "affected";
  return answers.includes("undecided") ? "undecided" : "unaffected";
}
