/** Files that several packages have: an error, unless one of the packages says that it replaces the other (Debian Policy, section 7.6.1). */
import { LockstepError, type Problem } from "../host/errors.ts";
import type { PackageFacts } from "../source/debian/facts.ts";
import { parseRelations } from "../source/debian/relations.ts";
import { satisfies } from "../source/debian/version.ts";
import { comparePaths } from "../tree/entry.ts";

/** Where a package's files go instead, because another package diverts them: `[from, to]`. */
export type Diversions = readonly (readonly [string, string])[];

function nameOf(facts: PackageFacts): string {
  return facts.control["Package"] ?? "";
}

/** Whether `facts` may take over files of `other`. */
function replaces(facts: PackageFacts, other: PackageFacts): boolean {
  const clauses = parseRelations(facts.control["Replaces"] ?? "") ?? [];
  const version = other.control["Version"] ?? "";
  return clauses.flat().some((relation) => {
    if (relation.name !== nameOf(other)) return false;
    return relation.version === undefined || satisfies(version, relation.version.relation, relation.version.bound);
  });
}

/**
 * Which paths each package (by its place in the list) must leave out because another package of the image replaces them.
 * Throws LS4201 with every conflict that no Replaces field allows.
 */
export function settleConflicts(
  packages: readonly PackageFacts[],
  divert: readonly Diversions[] = [],
): readonly ReadonlySet<string>[] {
  const owners = new Map<string, number>();
  const drop = packages.map(() => new Set<string>());
  const problems: Problem[] = [];
  for (const [index, facts] of packages.entries()) {
    const moved = new Map(divert[index]);
    for (const { path: shipped, type } of facts.entries) {
      if (type === "directory") continue;
      const path = moved.get(shipped) ?? shipped;
      const owner = owners.get(path);
      const other = owner === undefined ? undefined : packages[owner];
      if (owner === undefined || other === undefined) {
        owners.set(path, index);
      } else if (replaces(facts, other)) {
        drop[owner]?.add(path);
        owners.set(path, index);
      } else if (replaces(other, facts)) {
        drop[index]?.add(path);
      } else {
        problems.push({
          code: "LS4201",
          message: `${nameOf(other)} and ${nameOf(facts)} both have the file ${path}, and neither says that it replaces the other's`,
          hint: "leave one of the two packages out of the image",
        });
      }
    }
  }
  // A directory of one package where another has a file or a link would put files behind that link.
  for (const facts of packages) {
    for (const { path, type } of facts.entries) {
      const owner = type === "directory" ? owners.get(path) : undefined;
      const other = owner === undefined ? undefined : packages[owner];
      if (other === undefined || other === facts) continue;
      problems.push({
        code: "LS4201",
        message: `${path} is a directory in ${nameOf(facts)} and not one in ${nameOf(other)}`,
      });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems.toSorted((a, b) => comparePaths(a.message, b.message)));
  return drop;
}
