/**
 * Compares JavaScript and style sheets that have source maps inline (ECMA-426, "Linking inline JavaScript"): the maps as what they are, and the
 * text without them.
 *
 * The names within are `code` and `source map N`.
 */
import { contentOf, type Format, type Looker, type Pair } from "./format.ts";
import { wholeOf } from "./windows.ts";

const largest = 64 << 20;
const inline = /(sourceMappingURL=data:application\/json(?:;charset=[\w-]+)?;base64,)([A-Za-z0-9+/]+={0,2})/g;

interface Parts {
  readonly code: Buffer;
  readonly maps: readonly Buffer[];
}

/** A text without its maps; each leaves its mark, so that one more or less shows. Undefined when a map is not written as Base64 is. */
function partsOf(text: string): Parts | undefined {
  const maps: Buffer[] = [];
  let whole = true;
  const code = text.replace(inline, (_, before: string, encoded: string) => {
    const bytes = Buffer.from(encoded, "base64");
    if (bytes.toString("base64") !== encoded) whole = false;
    maps.push(bytes);
    return before;
  });
  return whole ? { code: Buffer.from(code, "latin1"), maps } : undefined;
}

async function compareJavaScript({ path, a, b }: Pair, looker: Looker): Promise<void> {
  const [x, y] = [a, b].map((side) => partsOf(wholeOf(side, largest).toString("latin1")));
  if (x === undefined || y === undefined || x.maps.length === 0 || x.maps.length !== y.maps.length) return;
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!x.code.equals(y.code)) await looker.inside(name, contentOf(x.code), contentOf(y.code));
  for (const [index, map] of x.maps.entries()) {
    const other = y.maps[index];
    if (other !== undefined && !map.equals(other))
      await looker.inside(`${name}.${index + 1}.map`, contentOf(map), contentOf(other));
  }
}

export const javascript: Format = {
  name: "javascript",
  accepts: ({ path, a, b }) => /\.(?:[cm]?js|css)$/.test(path) && a.size <= largest && b.size <= largest,
  compare: compareJavaScript,
};
