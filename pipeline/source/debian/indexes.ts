/** The package indexes of a release: which files they are, and reading them from the store, checked. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { LockstepError, type Place, messageOf, systemCode } from "../../host/errors.ts";
import type { DebianArchitecture } from "../../lock/types.ts";
import { type Digest, digestOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { addressBelow } from "../address.ts";
import { decompress } from "../decompress.ts";
import type { Wanted } from "../download.ts";
import type { VerifiedRelease } from "./archive.ts";
import type { Mirrors } from "./mirrors.ts";
import { PackagesIndex } from "./packages-index.ts";
import type { IndexFile } from "./release.ts";
import type { IndexSource } from "./universe.ts";

export type BinaryArchitecture = Exclude<DebianArchitecture, "all">;

/** A compressed Packages file that a release lists. */
export interface WantedIndex extends Wanted {
  readonly release: VerifiedRelease;
  readonly architecture: BinaryArchitecture;
  /** Path below `dists/<suite>/`. */
  readonly path: string;
  /** The file once decompressed. */
  readonly plain: IndexFile;
}

/** In the order of preference: gzip is the fastest to read by far; xz is what some suites have alone. */
const endings = [".gz", ".xz"];

/**
 * The indexes of component main for an architecture (the packages for all architectures are in it, or in an index of their own).
 * Throws LS2309 when the release has none.
 */
export function indexesOf(release: VerifiedRelease, architecture: BinaryArchitecture): readonly WantedIndex[] {
  const { suite } = release.locked;
  const names = [architecture, ...(release.release.separateAll ? ["all"] : [])];
  return names.flatMap((name): readonly WantedIndex[] => {
    const directory = `main/binary-${name}`;
    const plain = release.release.files.get(`${directory}/Packages`);
    const path = endings.map((ending) => `${directory}/Packages${ending}`).find((it) => release.release.files.has(it));
    const file = path === undefined ? undefined : release.release.files.get(path);
    if (plain === undefined || path === undefined || file === undefined) {
      throw new LockstepError({
        code: "LS2309",
        message: `the release of ${suite} lists no compressed index of packages for ${name}`,
        place: { file: `dists/${suite}/InRelease` },
        hint: "check that the suite is built for that platform",
      });
    }
    if (plain.size === 0) return [];
    const digest: Digest = `sha256:${file.sha256}`;
    return [{ digest, size: file.size, name: `dists/${suite}/${path}`, release, architecture, path, plain }];
  });
}

/** Where an index is: by its hash first, which stays right while a mirror is being updated. */
export function indexAddresses(index: WantedIndex, mirrors: Mirrors): readonly string[] {
  const { archive, suite } = index.release.locked;
  const directory = index.path.slice(0, index.path.lastIndexOf("/"));
  const byHash = `dists/${suite}/${directory}/by-hash/SHA256/${index.digest.slice("sha256:".length)}`;
  return mirrors[archive].flatMap((base) => [
    ...(index.release.release.acquireByHash ? [addressBelow(base, byHash)] : []),
    addressBelow(base, `dists/${suite}/${index.path}`),
  ]);
}

const gunzipWhole = promisify(gunzip);

/** The largest Packages file that is read, in bytes: Debian's are below 64 MB. */
const plainLimit = 1 << 30;

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}

async function expand(bytes: Buffer, path: string, size: number, place: Place): Promise<Buffer> {
  if (path.endsWith(".gz")) {
    // One piece of a byte more than is expected: nothing has to be joined, which would need the memory twice.
    return await gunzipWhole(bytes, { maxOutputLength: size, chunkSize: size + 64 });
  }
  const plain = Buffer.allocUnsafe(size);
  let at = 0;
  for await (const chunk of decompress(once(bytes), path, place, size)) {
    plain.set(chunk, at);
    at += chunk.length;
  }
  return plain.subarray(0, at);
}

/**
 * Reads an index from the store. What it becomes must have exactly the size and hash that the release gives, so a small file cannot
 * become a large one. Throws LS2101 when it does not, LS3001 or LS3002 when the store does not have it whole.
 */
export async function readIndex(store: Store, index: WantedIndex): Promise<IndexSource> {
  const place: Place = { file: index.name };
  const malformed = (what: string, cause?: unknown): LockstepError =>
    new LockstepError(
      {
        code: "LS2101",
        message: `the index ${what}`,
        place,
        hint: "the archive's index is at fault; try another mirror",
      },
      cause === undefined ? {} : { cause },
    );
  const { size, sha256 } = index.plain;
  if (size > plainLimit) throw malformed(`would have ${size} bytes`);
  const bytes = await store.read(index.digest);
  let plain: Buffer;
  try {
    plain = await expand(bytes, index.path, size, place);
  } catch (error) {
    if (systemCode(error) === "ERR_BUFFER_TOO_LARGE" || (error instanceof LockstepError && error.code === "LS4005")) {
      throw malformed(`becomes larger than the ${size} bytes that its release gives`, error);
    }
    throw malformed(`cannot be decompressed: ${messageOf(error)}`, error);
  }
  if (plain.length !== size) throw malformed(`becomes ${plain.length} bytes, not the ${size} that its release gives`);
  if (digestOf(plain) !== `sha256:${sha256}`) throw malformed("is not the file whose hash its release gives");
  return {
    index: new PackagesIndex(plain),
    origin: {
      file: index.name,
      archive: index.release.locked.archive,
      release: index.release.key,
      architecture: index.architecture,
    },
  };
}
