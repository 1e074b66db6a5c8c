/** Package fragments: the tar entries of one package, compressed, made once and known by their recipe ever after. */
import { type Fragment, type FragmentWriter, makeFragment } from "../image/fragment.ts";
import type { Decoders } from "../source/decompress.ts";
import { unpackDeb } from "../source/debian/deb.ts";
import type { PackageFacts } from "../source/debian/facts.ts";
import type { Override } from "../source/debian/script-model.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, digestOf, hexOf } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import { ByteReader } from "../tree/bytes.ts";
import { comparePaths, type Entry } from "../tree/entry.ts";
import { format } from "./plan.ts";
import { infoFiles } from "./system/info.ts";

export interface Stores {
  /** Has everything that was fetched. */
  readonly inputs: Store;
  /** Has, and gets, what was made: fragments, layers, records. The same store, except when verifying. */
  readonly results: Store;
}

/** Everything the bytes of a package fragment depend on. */
export interface PackageRecipe {
  /** Of the .deb file, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Paths that other packages of the image replace, sorted. */
  readonly drop: readonly string[];
  /** Diversions made by other packages, sorted: `[from, to]`. */
  readonly divert: readonly (readonly [string, string])[];
  /** Owners and modes that maintainer scripts change, sorted by path; what is not changed is absent. */
  readonly override: readonly Override[];
  /** The latest time an entry may have, in seconds; absent when no entry is later, so that the fragment serves every image. */
  readonly clamp?: number;
}

export interface PackageFragment {
  readonly fragment: Fragment;
  /** Blob with the facts as JSON. */
  readonly facts: Digest;
  /** The newest time of any entry before clamping, in seconds. */
  readonly newest: number;
}

export function recipeKey(recipe: PackageRecipe): string {
  return hexOf(digestOf(canonicalJson({ format, kind: "package", ...recipe })));
}

/** A recorded fragment whose blobs are still there. */
export async function findPackageFragment(results: Store, recipe: PackageRecipe): Promise<PackageFragment | undefined> {
  const record = (await results.getRecord("fragment", recipeKey(recipe))) as PackageFragment | undefined;
  if (record === undefined) return undefined;
  const [fragment, facts] = await Promise.all([results.find(record.fragment.digest), results.find(record.facts)]);
  return fragment?.size === record.fragment.size && facts !== undefined ? record : undefined;
}

/** Unpacks one package of the `inputs` store into a fragment of the `results` store and records it. `name` is what problems call it. */
export async function makePackageFragment(
  { inputs, results: store }: Stores,
  decoders: Decoders,
  recipe: PackageRecipe,
  name: string,
): Promise<PackageFragment> {
  let newest = Number.NEGATIVE_INFINITY;
  const timed = <Item extends Entry>(entry: Item): Item => {
    newest = Math.max(newest, entry.mtime);
    return recipe.clamp === undefined || entry.mtime <= recipe.clamp ? entry : { ...entry, mtime: recipe.clamp };
  };
  const overrides = new Map(recipe.override.map((override) => [override.path, override]));
  const placed = <Item extends Entry>(entry: Item): Item => {
    const override = overrides.get(entry.type === "hardlink" ? entry.target : entry.path);
    return timed(override === undefined ? entry : { ...entry, ...override, path: entry.path });
  };
  const bytes = new ByteReader(inputs.stream(`sha256:${recipe.sha256}`, 1 << 18), { file: name });
  let facts: PackageFacts | undefined;
  try {
    const fragment = await makeFragment(store, async (writer) => {
      const sink = {
        entry: (entry: Entry) => writer.entry(placed(entry)),
        content: (piece: Uint8Array) => writer.content(piece),
      };
      const options = { drop: new Set(recipe.drop), divert: new Map(recipe.divert), decoders };
      facts = await unpackDeb(bytes, sink, options).catch(async (error: unknown) => {
        // A damaged blob looks like a malformed archive; reading it to its end tells which it is.
        await bytes.drain();
        throw error;
      });
      await writeInfo(writer, facts, timed, newest);
    });
    const known = await store.put(Buffer.from(JSON.stringify(facts)));
    const made: PackageFragment = { fragment, facts: known.digest, newest: Number.isFinite(newest) ? newest : 0 };
    await store.putRecord("fragment", recipeKey(recipe), made);
    return made;
  } finally {
    await bytes.close();
  }
}

/** The package's own files in dpkg's database; their time is that of its newest entry, so that no image's epoch gets in. */
async function writeInfo(
  writer: FragmentWriter,
  facts: PackageFacts,
  timed: (entry: Entry) => Entry,
  newest: number,
): Promise<void> {
  const mtime = Number.isFinite(newest) ? newest : 0;
  for (const file of [...infoFiles(facts)].toSorted((a, b) => comparePaths(a.path, b.path))) {
    if (file.type !== "file") continue;
    await writer.entry(
      timed({
        type: "file",
        path: file.path,
        mode: file.mode,
        uid: file.uid,
        gid: file.gid,
        mtime,
        size: file.content.length,
      }),
    );
    await writer.content(file.content);
  }
}

export async function readFacts(results: Store, made: PackageFragment): Promise<PackageFacts> {
  return JSON.parse((await results.read(made.facts)).toString("utf8")) as PackageFacts;
}
