/**
 * Compares tar archives within files, such as those of packages, by the same rules as layers.
 *
 * The names within are those of entries. Fields are those of entries and of archives as wholes (`mtime`, `mode`, `order`, `dialect`, see
 * compare/finding.ts), with their facts.
 */
import { compareArchives } from "../archive/archives.ts";
import type { Nature } from "../compare/finding.ts";
import type { Content, Format } from "./format.ts";
import { piecesOf } from "./windows.ts";

/** Where a header says that it is one (POSIX.1-2017, pax, "ustar Interchange Format"). */
function isTar(content: Content): boolean {
  return content.size >= 512 && content.read(257, 5).toString("latin1") === "ustar";
}

const natures: Readonly<Record<string, readonly Nature[]>> = {
  mtime: ["time"],
  "pax.atime": ["time"],
  "pax.ctime": ["time"],
  uid: ["identity"],
  gid: ["identity"],
  user: ["identity"],
  group: ["identity"],
};

export const tar: Format = {
  name: "tar",
  accepts: ({ a, b }) => isTar(a) && isTar(b),
  async compare({ path, a, b }, looker) {
    const archive = (content: Content) => ({ name: path, open: () => piecesOf(content) });
    await compareArchives([archive(a)], [archive(b)], looker, {
      found: ({ path: entry, field, ...finding }) => {
        const known = natures[field];
        const told = { ...(known === undefined ? {} : { natures: known }), ...finding };
        (entry === undefined ? looker : looker.within(entry)).found(field, told);
      },
      content: (entry, x, y) => looker.inside(entry, x, y),
    });
  },
};
