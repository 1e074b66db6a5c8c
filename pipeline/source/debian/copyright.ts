/** The licence of a Debian package: the names in its copyright file, or that it has a text without names. */
import { LockstepError } from "../../host/errors.ts";
import { hexOf, digestOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { type Entry, comparePaths, parentOf } from "../../tree/entry.ts";
import { unpackDeb } from "./deb.ts";
import { parseDeb822 } from "./deb822.ts";

export type Licence =
  /** Short names of every `License` field, sorted, each once. */
  | { readonly kind: "names"; readonly names: readonly string[] }
  /** No machine reads it; the hash of the text tells when it is another one. */
  | { readonly kind: "text"; readonly sha256: string }
  /** The package has no copyright file of its own. */
  | { readonly kind: "unknown" };

/** The largest copyright file that is read, in bytes: Debian's largest have two megabytes. */
const copyrightLimit = 16 << 20;

/** Of one file, far more than any package has. */
const mostNames = 1000;

/**
 * The licence that a text states: the first lines of the License fields of a machine-readable copyright file
 * (copyright-format/1.0, sections 6 and 7). A text that is not in that form is known by its hash only.
 */
export function readCopyright(bytes: Buffer): Licence {
  const text: Licence = { kind: "text", sha256: hexOf(digestOf(bytes)) };
  const content = bytes.toString("utf8");
  // Only the first field is looked at before the form is known: free texts are full of lines that look like fields.
  if (!/^Format(?:-Specification)?:[ \t]*\S*(?:copyright-format|dep5)/i.test(content.trimStart())) return text;
  const names = new Set<string>();
  for (const { stanza } of parseDeb822(content).stanzas) {
    for (const [field, value] of stanza) {
      if (field.toLowerCase() !== "license") continue;
      const name = value.split("\n")[0]?.trim().replaceAll(/\s+/g, " ") ?? "";
      if (name !== "") names.add(name);
    }
  }
  if (names.size === 0 || names.size > mostNames) return text;
  return { kind: "names", names: [...names].toSorted(comparePaths) };
}

export interface PackageLicence {
  readonly licence: Licence;
  /** The package whose copyright file is this one's too: documentation of one source is often shared (Debian Policy, section 12.5). */
  readonly shared?: string;
  /** Bytes that the package says it takes once installed; whole KiB (deb-control(5), Installed-Size). */
  readonly installedSize?: number;
}

const documentation = "usr/share/doc";

/** Where a link leads, as a path of the image. */
function linked(path: string, target: string): string {
  const parts: string[] = target.startsWith("/") ? [] : parentOf(path).split("/");
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** The package whose documentation a link leads to. */
function sharedWith(path: string, target: string): string | undefined {
  return /^usr\/share\/doc\/([a-z0-9][a-z0-9+.-]+)(?:\/copyright)?$/.exec(linked(path, target))?.[1];
}

/**
 * Reads licence and installed size from a package in the store; undefined when it is not there. `name` is that of the package.
 * Throws LS3001 and LS40xx for what is damaged or hostile.
 */
export async function readLicence(store: Store, name: string, sha256: string): Promise<PackageLicence | undefined> {
  const digest = `sha256:${sha256}` as const;
  if ((await store.find(digest)) === undefined) return undefined;
  const directory = `${documentation}/${name}`;
  const file = `${directory}/copyright`;
  const pieces: Uint8Array[] = [];
  let reading = false;
  let shared: string | undefined;
  const sink = {
    entry: (entry: Exclude<Entry, { type: "directory" }>): Promise<void> => {
      reading = entry.type === "file" && entry.path === file && entry.size <= copyrightLimit;
      if (entry.type === "symlink" && (entry.path === file || entry.path === directory))
        shared = sharedWith(entry.path, entry.target);
      return Promise.resolve();
    },
    content: (piece: Uint8Array): Promise<void> => {
      if (reading) pieces.push(Uint8Array.from(piece));
      return Promise.resolve();
    },
  };
  const bytes = new ByteReader(store.stream(digest), { file: name });
  try {
    const facts = await unpackDeb(bytes, sink);
    const kibibytes = /^\d{1,12}$/.test(facts.control["Installed-Size"] ?? "")
      ? Number(facts.control["Installed-Size"])
      : undefined;
    return {
      licence: pieces.length === 0 ? { kind: "unknown" } : readCopyright(Buffer.concat(pieces)),
      ...(shared === undefined ? {} : { shared }),
      ...(kibibytes === undefined ? {} : { installedSize: kibibytes * 1024 }),
    };
  } catch (error) {
    // A damaged blob looks like a malformed archive; reading it to its end tells which it is.
    if (error instanceof LockstepError) await bytes.drain();
    throw error;
  } finally {
    await bytes.close();
  }
}
