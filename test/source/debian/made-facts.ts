/** Facts of packages that exist only in tests. */
import type { ElfLibrary, PackageFacts, ScriptName } from "../../../pipeline/source/debian/facts.ts";
import type { Entry } from "../../../pipeline/tree/entry.ts";
import { comparePaths } from "../../../pipeline/tree/entry.ts";

interface Made {
  readonly control?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Partial<Record<ScriptName, string>>>;
  /** Paths: a string is a file's content, `-> x` a link, a path that ends in `/` a directory. */
  readonly files?: Readonly<Record<string, string>>;
  readonly conffiles?: readonly string[];
  readonly md5?: Readonly<Record<string, string>>;
  readonly libraries?: readonly ElfLibrary[];
}

function entry(path: string, content: string): Entry {
  const owner = { uid: 0, gid: 0, mtime: 0 };
  if (path.endsWith("/")) return { type: "directory", path: path.slice(0, -1), mode: 0o755, ...owner };
  if (content.startsWith("-> ")) return { type: "symlink", path, mode: 0o777, ...owner, target: content.slice(3) };
  const mode = /(?:^|\/)s?bin\//.test(path) ? 0o755 : 0o644;
  return { type: "file", path, mode, ...owner, size: Buffer.byteLength(content) };
}

export function madeFacts(name: string, made: Made = {}): PackageFacts {
  const files = made.files ?? {};
  const contents = Object.entries(files).filter(([path, content]) => !path.endsWith("/") && !content.startsWith("-> "));
  return {
    control: {
      Package: name,
      Version: "1.0-1",
      Architecture: "amd64",
      Maintainer: "Nobody <nobody@example.org>",
      Description: "made for a test",
      ...made.control,
    },
    conffiles: made.conffiles ?? [],
    md5: made.md5 ?? {},
    scripts: made.scripts ?? {},
    entries: Object.entries(files)
      .map(([path, content]) => entry(path, content))
      .toSorted((a, b) => comparePaths(a.path, b.path)),
    contents: Object.fromEntries(contents.map(([path, content]) => [path, Buffer.from(content).toString("base64")])),
    libraries: made.libraries ?? [],
  };
}
