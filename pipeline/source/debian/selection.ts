/** The packages chosen so far, with why; can be taken back to any earlier moment. */
import { type Candidate, type Negative, matches } from "./candidate.ts";
import type { Clause } from "./relations.ts";

export interface Chosen {
  readonly candidate: Candidate;
  /** The package whose dependency asked for it; absent for what an image asks for itself. */
  readonly parent?: Chosen;
  /** Number of the decision that chose it; -1 for what a base image brings. */
  readonly level: number;
}

/** Why a package cannot join the chosen ones. */
export interface Blocker {
  readonly by: Chosen;
  /** Who excludes whom; absent when the same package is chosen in another version. */
  readonly negative?: Negative;
  /** Whether the negative relation is the newcomer's own. */
  readonly own: boolean;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** Every name a package answers to, each once. */
function namesOf(candidate: Candidate): ReadonlySet<string> {
  return new Set([candidate.name, ...candidate.provides.map(({ name }) => name)]);
}

export class Selection {
  readonly #trail: Chosen[] = [];
  readonly #byName = new Map<string, Chosen>();
  /** Chosen packages by every name that they answer to. */
  readonly #answering = new Map<string, Chosen[]>();
  /** Negative relations of chosen packages by the name they exclude. */
  readonly #excluding = new Map<string, { readonly by: Chosen; readonly negative: Negative }[]>();

  /** How many packages are chosen; `undo` takes it back to such a number. */
  get size(): number {
    return this.#trail.length;
  }

  get all(): readonly Chosen[] {
    return this.#trail;
  }

  get(name: string): Chosen | undefined {
    return this.#byName.get(name);
  }

  satisfies(clause: Clause): boolean {
    return clause.some((relation) =>
      this.#answering.get(relation.name)?.some(({ candidate }) => matches(relation, candidate)),
    );
  }

  /** What keeps a package from being chosen now; empty when it may be. */
  blockers(candidate: Candidate): readonly Blocker[] {
    const found: Blocker[] = [];
    const other = this.#byName.get(candidate.name);
    if (other !== undefined) found.push({ by: other, own: false });
    for (const negative of candidate.conflicts) {
      for (const by of this.#answering.get(negative.relation.name) ?? []) {
        if (by.candidate.name === candidate.name || !matches(negative.relation, by.candidate)) continue;
        found.push({ by, negative, own: true });
      }
    }
    for (const name of namesOf(candidate)) {
      for (const { by, negative } of this.#excluding.get(name) ?? []) {
        // A package that conflicts with a name it provides itself excludes the others, not itself (Policy 7.4).
        if (by.candidate.name === candidate.name || !matches(negative.relation, candidate)) continue;
        found.push({ by, negative, own: false });
      }
    }
    return found;
  }

  add(chosen: Chosen): void {
    this.#trail.push(chosen);
    this.#byName.set(chosen.candidate.name, chosen);
    for (const name of namesOf(chosen.candidate)) push(this.#answering, name, chosen);
    for (const negative of chosen.candidate.conflicts) {
      push(this.#excluding, negative.relation.name, { by: chosen, negative });
    }
  }

  undo(size: number): void {
    while (this.#trail.length > size) {
      const chosen = this.#trail.pop();
      if (chosen === undefined) return;
      this.#byName.delete(chosen.candidate.name);
      // Lists grow and shrink as stacks, so the newest entry is always the last.
      for (const name of namesOf(chosen.candidate)) this.#answering.get(name)?.pop();
      for (const negative of chosen.candidate.conflicts) this.#excluding.get(negative.relation.name)?.pop();
    }
  }
}
