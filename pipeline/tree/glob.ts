/** Globs over paths, the same on every machine: `*` within a component, `**` across them, `?` one character, `{a,b}` either. */

/** A glob over a whole path (`/` between components, no leading slash). */
export interface Glob {
  test(path: string): boolean;
}

/** A state of the automaton: what is reached without a character, and with one. */
interface State {
  readonly free: State[];
  readonly moves: { readonly takes: (character: string) => boolean; readonly to: State }[];
}

type Part =
  | { readonly kind: "text"; readonly character: string }
  | { readonly kind: "one" | "within" | "across" | "directories" }
  | { readonly kind: "either"; readonly branches: readonly (readonly Part[])[] };

interface Parsed {
  readonly branches: readonly (readonly Part[])[];
  readonly end: number;
}

const notSlash = (character: string): boolean => character !== "/";
const anything = (): boolean => true;

/** The alternatives from `start` to the brace that closes them, or to the end. */
function parse(characters: readonly string[], start: number, nested: boolean): Parsed {
  const branches: Part[][] = [[]];
  let i = start;
  while (i < characters.length) {
    const character = characters[i] ?? "";
    const branch = branches.at(-1) ?? [];
    if (character === "*" && characters[i + 1] === "*") {
      const slash = characters[i + 2] === "/";
      branch.push({ kind: slash ? "directories" : "across" });
      i += slash ? 3 : 2;
    } else if (character === "{") {
      const inner = parse(characters, i + 1, true);
      branch.push({ kind: "either", branches: inner.branches });
      i = inner.end;
    } else {
      i++;
      if (nested && character === "}") return { branches, end: i };
      if (nested && character === ",") branches.push([]);
      else if (character === "*") branch.push({ kind: "within" });
      else if (character === "?") branch.push({ kind: "one" });
      else branch.push({ kind: "text", character });
    }
  }
  return { branches, end: i };
}

/** The state that accepts the parts from here on and then goes on with `next`. */
function compile(parts: readonly Part[], next: State): State {
  let state = next;
  for (const part of parts.toReversed()) {
    const to = state;
    switch (part.kind) {
      case "text": {
        const { character } = part;
        state = { free: [], moves: [{ takes: (each) => each === character, to }] };
        break;
      }
      case "one":
        state = { free: [], moves: [{ takes: notSlash, to }] };
        break;
      case "within":
      case "across":
        state = { free: [to], moves: [] };
        state.moves.push({ takes: part.kind === "within" ? notSlash : anything, to: state });
        break;
      case "directories": {
        // Any number of whole components, each with its slash.
        const inside: State = { free: [], moves: [] };
        state = { free: [to], moves: [{ takes: notSlash, to: inside }] };
        inside.moves.push({ takes: notSlash, to: inside }, { takes: (each) => each === "/", to: state });
        break;
      }
      case "either":
        state = { free: part.branches.map((branch) => compile(branch, to)), moves: [] };
        break;
    }
  }
  return state;
}

function withFree(states: Iterable<State>): ReadonlySet<State> {
  const all = new Set(states);
  // A set is walked to its end even when it grows meanwhile.
  for (const state of all) for (const next of state.free) all.add(next);
  return all;
}

/** Compiles a glob. All ways of matching are followed at once, so no pattern takes more than its length times that of the path. */
export function parseGlob(glob: string): Glob {
  const end: State = { free: [], moves: [] };
  const { branches } = parse([...glob], 0, false);
  const start = withFree(branches.map((branch) => compile(branch, end)));
  return {
    test: (path) => {
      let states = start;
      for (const character of path) {
        const reached = [...states].flatMap(({ moves }) =>
          moves.flatMap(({ takes, to }) => (takes(character) ? [to] : [])),
        );
        states = withFree(reached);
        if (states.size === 0) return false;
      }
      return states.has(end);
    },
  };
}

/** Whether any of the globs matches the path. */
export function matchesAny(globs: readonly Glob[], path: string): boolean {
  return globs.some((glob) => glob.test(path));
}
