/** Globs over paths, the same on every machine: `*` within a component, `**` across them, `?` one character, `{a,b}` either. */

function escape(character: string): string {
  return /[\\^$.|?*+()[\]{}]/.test(character) ? `\\${character}` : character;
}

/** The regular expression of a glob over a whole path (`/` between components, no leading slash). */
export function globToRegExp(glob: string): RegExp {
  let source = "";
  let depth = 0;
  for (let i = 0; i < glob.length;) {
    const character = glob.charAt(i);
    if (glob.startsWith("**/", i)) {
      source += "(?:[^/]+/)*";
      i += 3;
    } else if (glob.startsWith("**", i)) {
      source += ".*";
      i += 2;
    } else {
      if (character === "*") source += "[^/]*";
      else if (character === "?") source += "[^/]";
      else if (character === "{") {
        source += "(?:";
        depth++;
      } else if (character === "}" && depth > 0) {
        source += ")";
        depth--;
      } else if (character === "," && depth > 0) source += "|";
      else source += escape(character);
      i++;
    }
  }
  return new RegExp(`^${source}${")".repeat(depth)}$`, "su");
}

/** Whether any of the globs matches the path, or a directory that it is in. */
export function matchesAny(globs: readonly RegExp[], path: string): boolean {
  return globs.some((glob) => glob.test(path));
}
