/** Names in layers that take away what is below (OCI image-spec, layer.md "Whiteouts"). */

/** What all of them begin with. */
export const whiteoutPrefix = ".wh.";

/** One of these: a path that is gone, a directory whose content is gone; neither where no runtime does anything. Paths have no slash at the start. */
export interface Whiteout {
  readonly removed?: string;
  readonly opaque?: string;
}

/** What the entry's name means besides a name; undefined for an entry like any other, "nothing" for one that names no file. */
export function whiteoutOf(path: string): Whiteout | "nothing" | undefined {
  const slash = path.lastIndexOf("/") + 1;
  const name = path.slice(slash);
  if (!name.startsWith(whiteoutPrefix)) return undefined;
  if (name === ".wh..wh..opq") return { opaque: path.slice(0, Math.max(slash - 1, 0)) };
  const gone = name.slice(whiteoutPrefix.length);
  // What the first union file system kept for itself; no runtime unpacks it.
  if (gone.startsWith(whiteoutPrefix)) return {};
  return gone === "" || gone === "." || gone === ".." ? "nothing" : { removed: `${path.slice(0, slash)}${gone}` };
}
