/**
 * Resolves the packages an image asks for to exact packages with everything they need, as `apt-get --no-install-recommends install`
 * does on an empty system: newest version, first alternative, depth first; and goes back where that leads nowhere.
 */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { didYouMean } from "../../host/suggest.ts";
import { comparePaths } from "../../tree/entry.ts";
import { type Candidate, matches } from "./candidate.ts";
import type { Clause } from "./relations.ts";
import { type Failure, explain } from "./resolve-failure.ts";
import { type Chosen, Selection } from "./selection.ts";
import { type Universe, type Wish, candidatesOf } from "./universe.ts";

interface RequestedPackage {
  readonly name: string;
  readonly place?: Place;
}

export interface ResolveInput extends Wish {
  readonly universe: Universe;
  /** Name of the image, the root of every chain in a message, and where it is written. */
  readonly image: string;
  readonly place?: Place;
  /** What the image it is `from` consists of: kept as it is, its dependencies not followed again. */
  readonly base: readonly Candidate[];
  readonly request: readonly RequestedPackage[];
  readonly dependencies: "all" | "none";
  /** Packages every image with packages has; added last, and their dependencies are not followed. */
  readonly implied: readonly string[];
}

/** Enough for any real archive; a search that needs more is not going to end. */
const stepLimit = 200_000;

interface Select {
  readonly clause: Clause;
  readonly owner?: Chosen;
  /** Set when the image itself asks: only the package of that very name will do. */
  readonly request?: RequestedPackage;
  readonly follow: boolean;
}

/** What is still to be done: a list that shares its tails, so that going back costs nothing. */
interface Agenda {
  readonly item: Select | { readonly expand: string };
  readonly rest: Agenda | undefined;
}

/** A choice that was made, with what is left to try. */
interface Frame {
  readonly item: Select;
  readonly rest: Agenda | undefined;
  readonly alternatives: readonly Candidate[];
  next: number;
  /** Size of the selection before the choice. */
  readonly mark: number;
  /** Earlier choices that share the blame when nothing is left to try. */
  readonly blamed: Set<number>;
  failure: Failure | undefined;
}

function prepend(items: readonly Agenda["item"][], rest: Agenda | undefined): Agenda | undefined {
  return items.reduceRight<Agenda | undefined>((list, item) => ({ item, rest: list }), rest);
}

/** Among packages that provide a name: Essential first, then by Priority, then by name (as apt's CompareProviders). */
function compareProviders(a: Candidate, b: Candidate): number {
  return Number(b.essential) - Number(a.essential) || a.priority - b.priority || comparePaths(a.name, b.name);
}

/** Packages that satisfy a clause, in the order in which they are tried. */
function alternativesFor(input: ResolveInput, clause: Clause): readonly Candidate[] {
  const { universe } = input;
  const found = new Set<Candidate>();
  for (const relation of clause) {
    const fits = (candidate: Candidate): boolean => matches(relation, candidate);
    for (const candidate of candidatesOf(universe, relation.name, input).filter(fits)) found.add(candidate);
    const providers = universe
      .providers(relation.name)
      .filter((name) => name !== relation.name)
      .flatMap((name) => candidatesOf(universe, name, input).filter(fits))
      .toSorted(compareProviders);
    for (const candidate of providers) found.add(candidate);
  }
  return [...found];
}

/** One problem for each requested package that the suite does not have (LS2103). */
function missingPackages(input: ResolveInput, request: readonly RequestedPackage[]): readonly Problem[] {
  const { universe } = input;
  return request.flatMap(({ name, place }) => {
    if (candidatesOf(universe, name, input).length > 0) return [];
    const providers = universe.providers(name);
    const hint =
      providers.length > 0
        ? `it is a virtual package: name one that provides it (${providers.slice(0, 8).join(", ")}${providers.length > 8 ? ", …" : ""})`
        : didYouMean(name, universe.names());
    return {
      code: "LS2103" as const,
      message: `package "${name}" is not in ${universe.suite}`,
      ...(place === undefined ? {} : { place }),
      ...(hint === undefined ? {} : { hint }),
    };
  });
}

class Search {
  readonly #input: ResolveInput;
  readonly #selection = new Selection();
  readonly #frames: Frame[] = [];
  #steps = 0;

  constructor(input: ResolveInput) {
    this.#input = input;
    for (const candidate of input.base) this.#selection.add({ candidate, level: -1 });
  }

  run(): readonly Candidate[] {
    const { request, implied, dependencies } = this.#input;
    let agenda = prepend(
      [
        // All that is asked for is chosen before any dependency is looked at, so that it wins over other alternatives.
        ...request.map((item) => ({ clause: [{ name: item.name }], request: item, follow: false })),
        ...(dependencies === "all" ? request.map(({ name }) => ({ expand: name })) : []),
        ...implied.map((name) => ({ clause: [{ name }], request: { name }, follow: false })),
      ],
      undefined,
    );
    while (agenda !== undefined) {
      const { item, rest }: Agenda = agenda;
      if ("expand" in item) {
        const chosen = this.#selection.get(item.expand);
        agenda = chosen === undefined ? rest : this.#follow(chosen, rest);
      } else if (item.request === undefined ? this.#selection.satisfies(item.clause) : this.#has(item.request.name)) {
        agenda = rest;
      } else {
        this.#frames.push({
          item,
          rest,
          alternatives: alternativesFor(this.#input, item.clause).filter(
            ({ name }) => item.request === undefined || name === item.request.name,
          ),
          next: 0,
          mark: this.#selection.size,
          blamed: new Set(),
          failure: undefined,
        });
        agenda = this.#proceed();
      }
    }
    return this.#selection.all.map(({ candidate }) => candidate);
  }

  #has(name: string): boolean {
    return this.#selection.get(name) !== undefined;
  }

  #follow(chosen: Chosen, rest: Agenda | undefined): Agenda | undefined {
    return prepend(
      chosen.candidate.depends.map((clause) => ({ clause, owner: chosen, follow: true })),
      rest,
    );
  }

  /**
   * Makes the next possible choice: in the newest frame or, when nothing is left there, in the newest earlier one that had a part in the
   * failure (conflict-directed backjumping), and gives what is to be done after it.
   */
  #proceed(): Agenda | undefined {
    for (;;) {
      const level = this.#frames.length - 1;
      const frame = this.#frames[level];
      if (frame === undefined) throw new Error("no frame to proceed in");
      const { item, alternatives, blamed } = frame;
      for (let candidate = alternatives[frame.next]; candidate !== undefined; candidate = alternatives[frame.next]) {
        frame.next++;
        if (++this.#steps > stepLimit) throw this.#tooManySteps();
        const blockers = this.#selection.blockers(candidate);
        if (blockers.length === 0) {
          const chosen: Chosen = { candidate, level, ...(item.owner === undefined ? {} : { parent: item.owner }) };
          this.#selection.add(chosen);
          return item.follow ? this.#follow(chosen, frame.rest) : frame.rest;
        }
        for (const { by } of blockers) blamed.add(by.level);
        frame.failure ??= { kind: "blocked", item, candidate, blockers };
      }
      frame.failure ??= { kind: "absent", item };
      if (item.owner !== undefined) blamed.add(item.owner.level);
      blamed.delete(-1);
      if (blamed.size === 0) throw new LockstepError(explain(frame.failure, this.#input));
      const target = Math.max(...blamed);
      const earlier = this.#frames[target];
      if (earlier === undefined) throw new Error("blame on a frame that is not there");
      this.#frames.length = target + 1;
      this.#selection.undo(earlier.mark);
      for (const other of blamed) if (other !== target) earlier.blamed.add(other);
      earlier.failure ??= frame.failure;
    }
  }

  #tooManySteps(): LockstepError {
    const { image, place, universe } = this.#input;
    return new LockstepError({
      code: "LS2107",
      message: `the packages of image "${image}" cannot be resolved in ${universe.suite} within ${stepLimit} steps`,
      ...(place === undefined ? {} : { place }),
      hint: "name the alternatives you want in the list of packages, so that fewer are open",
    });
  }
}

/**
 * The packages of an image for one architecture, sorted by name: those of its base, those it asks for, and what they depend on.
 * Throws LS2103 (not in the suite; all of them at once), LS2102 (a dependency that nothing satisfies, with its chain),
 * LS2104 (packages that exclude each other, with both chains) or LS2107.
 */
export function resolve(input: ResolveInput): readonly Candidate[] {
  const implied = input.implied.map((name) => ({ name, ...(input.place === undefined ? {} : { place: input.place }) }));
  const missing = missingPackages(input, [...input.request, ...implied]);
  if (missing.length > 0) throw new LockstepError(missing);
  return new Search(input).run().toSorted((a, b) => comparePaths(a.name, b.name));
}
