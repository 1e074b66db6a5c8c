/** Which advisories a pin fixes, which it introduces, and which remain. */
import { type AdvisoryDatabase, readAdvisories } from "../advisory/database.ts";
import type { Advisory } from "../advisory/osv.ts";
import type { Lock } from "../lock/types.ts";
import { comparePaths } from "../tree/entry.ts";
import { type AdvisorySubject, pinKinds } from "./pin-items.ts";
import type { AdvisoryMatch, AdvisoryReport } from "./pin-report.ts";

function subjectsOf(lock: Lock): ReadonlyMap<string, AdvisorySubject> {
  const subjects = pinKinds.flatMap((kind) => kind.current(lock)).flatMap(({ item }) => item.subject ?? []);
  return new Map(
    subjects.map((subject) => [
      [subject.ecosystem, subject.release, subject.name, subject.version].join("\0"),
      subject,
    ]),
  );
}

/** What a lock is affected by: advisories by a key that all names of one vulnerability share, with the versions they are about. */
interface Exposure {
  readonly advisory: Advisory;
  readonly name: string;
  readonly versions: Set<string>;
}

/** Advisories that are aliases of each other get one and the same representative: the first id in order. */
class Aliases {
  readonly #parent = new Map<string, string>();

  find(id: string): string {
    let at = id;
    for (let next = this.#parent.get(at); next !== undefined; next = this.#parent.get(at)) at = next;
    return at;
  }

  join(a: string, b: string): void {
    const [first = a, second = b] = [this.find(a), this.find(b)].toSorted(comparePaths);
    if (first !== second) this.#parent.set(second, first);
  }
}

function exposures(
  database: AdvisoryDatabase,
  subjects: Iterable<AdvisorySubject>,
  aliases: Aliases,
  undecided: Set<string>,
): ReadonlyMap<string, Exposure> {
  const found = new Map<string, Exposure>();
  for (const subject of subjects) {
    for (const { advisory, certain } of database.about(subject)) {
      if (!certain) undecided.add(`${subject.name} ${subject.version}`);
      const key = [aliases.find(advisory.id), subject.ecosystem, subject.name].join("\0");
      const known = found.get(key) ?? { advisory, name: subject.name, versions: new Set() };
      known.versions.add(subject.version);
      found.set(key, known);
    }
  }
  return found;
}

/** Exposures as one match for each vulnerability. */
function matches(found: Iterable<Exposure>, aliases: Aliases): readonly AdvisoryMatch[] {
  const byId = new Map<string, { readonly advisory: Advisory; readonly subjects: Set<string> }>();
  for (const { advisory, name, versions } of found) {
    const id = aliases.find(advisory.id);
    const known = byId.get(id) ?? { advisory, subjects: new Set<string>() };
    for (const version of versions) known.subjects.add(`${name} ${version}`);
    byId.set(id, known);
  }
  return [...byId.values()]
    .map(({ advisory, subjects }) => ({ advisory, subjects: [...subjects].toSorted(comparePaths) }))
    .toSorted((a, b) => comparePaths(a.advisory.id, b.advisory.id));
}

/**
 * Compares two locks by the advisories that they are affected by. A vulnerability of a package is fixed when no locked version of the
 * package has it any more. What cannot be decided counts as affected, and is told. Throws LS2212 and LS2213.
 */
export async function compareAdvisories(
  sources: readonly { readonly path: string; readonly shown: string }[],
  before: Lock,
  after: Lock,
): Promise<AdvisoryReport> {
  const old = subjectsOf(before);
  const now = subjectsOf(after);
  const database = await readAdvisories(sources, [...old.values(), ...now.values()]);
  const aliases = new Aliases();
  for (const subject of [...old.values(), ...now.values()]) {
    for (const { advisory } of database.about(subject))
      for (const alias of advisory.aliases) aliases.join(advisory.id, alias);
  }
  const undecided = new Set<string>();
  const was = exposures(database, old.values(), aliases, undecided);
  const is = exposures(database, now.values(), aliases, undecided);
  const pick = (from: ReadonlyMap<string, Exposure>, test: (key: string) => boolean): readonly AdvisoryMatch[] =>
    matches(
      [...from].filter(([key]) => test(key)).map(([, exposure]) => exposure),
      aliases,
    );
  return {
    read: database.read,
    modified: database.modified,
    fixed: pick(was, (key) => !is.has(key)),
    introduced: pick(is, (key) => !was.has(key)),
    remaining: pick(is, (key) => was.has(key)),
    undecided: [...undecided].toSorted(comparePaths),
  };
}
