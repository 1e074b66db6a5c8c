/** What a lock holds of each kind of input, in the one shape that differences, `outdated` and advisories read. */
import compare from "semver/functions/compare.js";
import valid from "semver/functions/valid.js";
import { sections } from "../lock/section.ts";
import {
  type InputEntry,
  type InputSection,
  type Lock,
  type LockedInputs,
  type LockEntries,
  sizeOf,
} from "../lock/types.ts";
import { compareVersions } from "../source/debian/version.ts";
import { compareVersions as comparePythonVersions, parseVersion } from "../source/python/version.ts";
import { hexOf, digestOf } from "../store/digest.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import type { SpecSource } from "./inputs/kind.ts";
import { inputRequests, inputSections } from "./inputs/kinds.ts";

/** Where a package stands in a database of advisories. */
export interface AdvisorySubject {
  /** The name without what follows a colon: `Debian`, `npm`, `PyPI`. */
  readonly ecosystem: string;
  /** What may follow the colon: the number of Debian's release. */
  readonly release?: string;
  /** Of Debian the source package. */
  readonly name: string;
  readonly version: string;
}

export interface LockedItem {
  readonly kind: string;
  /** Of an input that is no Debian package, its key in the lock. */
  readonly key?: string;
  readonly name: string;
  readonly version: string;
  /** Bytes to download. */
  readonly size: number;
  /** Of the file, or where there is none of the entry, 64 hexadecimal digits: what tells a rebuild of one version from the other. */
  readonly sha256: string;
  /** What a reviewer should know besides, each a clause: `runs install: node build.js`. */
  readonly notes?: readonly string[];
  /** Absent for what no database of advisories knows. */
  readonly subject?: AdvisorySubject;
}

/** That an image has an item on a platform; of inputs that the lock does not assign to images, neither is there. */
interface ItemUse {
  readonly image?: string;
  readonly platform?: string;
  readonly item: LockedItem;
}

/** A kind of input as far as pins are looked at by people. */
export interface PinKind {
  readonly kind: string;
  /** What several of its items are called. */
  readonly plural: string;
  readonly current: (lock: Lock) => readonly ItemUse[];
  /** Whether one name has one version as long as nobody replaces it, so that another is a reason to look twice. */
  readonly fixed: boolean;
  /** Negative, zero or positive as version `a` is older than, the same as or newer than `b`; undefined when they have no order. */
  readonly compare: (a: string, b: string) => number | undefined;
}

/** The number of a release of Debian, as databases of advisories have it, by its code name. */
const debianReleases: Readonly<Record<string, string>> = {
  bullseye: "11",
  bookworm: "12",
  trixie: "13",
  forky: "14",
  duke: "15",
};

const debian: PinKind = {
  kind: "debian",
  plural: "packages",
  fixed: false,
  compare: compareVersions,
  current: (lock) =>
    [...lock.images].flatMap(([image, { suite, platforms }]) =>
      Object.entries(platforms).flatMap(([platform, keys]) =>
        keys.flatMap((key) => {
          const found = lock.packages.get(key);
          if (found === undefined) return [];
          const { name, version, size, sha256, source, sourceVersion } = found;
          const release = debianReleases[suite];
          const subject = {
            ecosystem: "Debian",
            ...(release === undefined ? {} : { release }),
            name: source,
            version: sourceVersion,
          };
          return [{ image, platform, item: { kind: "debian", name, version, size, sha256, subject } }];
        }),
      ),
    ),
};

/** How entries of a section are read as items; without a row they are told by key and hash. */
interface InputReading<Section extends InputSection> {
  readonly plural?: string;
  readonly fixed?: boolean;
  readonly compare?: PinKind["compare"];
  readonly read: (key: string, entry: LockEntries[Section]) => Partial<LockedItem>;
}

function compareSemver(a: string, b: string): number | undefined {
  return valid(a) === null || valid(b) === null ? undefined : compare(a, b);
}

function comparePython(a: string, b: string): number | undefined {
  const [x, y] = [parseVersion(a), parseVersion(b)];
  return x === undefined || y === undefined ? undefined : comparePythonVersions(x, y);
}

const readings: { readonly [Section in InputSection]?: InputReading<Section> } = {
  bases: {
    fixed: false,
    read: (_, { digest, platforms }) => {
      const blobs = Object.values(platforms).flatMap(({ layers }) => layers);
      const size = [...new Map(blobs.map((blob) => [blob.digest, blob.size])).values()].reduce(
        (sum, each) => sum + each,
        0,
      );
      return { version: digest.slice(0, "sha256:".length + 12), sha256: hexOf(digest), size };
    },
  },
  git: {
    // A branch is there to move.
    fixed: false,
    // Sixteen digits tell commits apart in any repository there is.
    read: (_, { commit, date, scripts = [] }) => ({
      version: `${commit.slice(0, 16)} of ${date.slice(0, 10)}`,
      ...(scripts.length === 0 ? {} : { notes: scripts.map((script) => `would run ${script}`) }),
    }),
  },
  http: {
    read: (_, { signedBy }) => (signedBy === undefined ? {} : { notes: [`signed by ${signedBy}`] }),
  },
  npm: {
    plural: "npm packages",
    fixed: false,
    compare: compareSemver,
    read: (key, { from, scripts = [] }) => {
      // `@scope/name@1.0.0`, and a digest behind # where one version is there with several contents.
      const [, name = key, version = ""] = /^(@?[^@]+)@([^#]*)/.exec(key) ?? [];
      return {
        name,
        version,
        notes: [...(from === undefined ? [] : [`from ${from}`]), ...scripts.map((script) => `would run ${script}`)],
        ...(from === undefined ? { subject: { ecosystem: "npm", name, version } } : {}),
      };
    },
  },
  wheels: {
    plural: "Python packages",
    fixed: false,
    compare: comparePython,
    read: (_, { name, version }) => ({ name, version, subject: { ecosystem: "PyPI", name, version } }),
  },
};

/** The reading of a section, whose entries the caller takes from the same section. */
function readingOf(section: InputSection): InputReading<InputSection> | undefined {
  return readings[section] as InputReading<InputSection> | undefined;
}

/** An entry of an input as an item. */
export function inputItem(section: InputSection, key: string, entry: InputEntry): LockedItem {
  const sha256 = "sha256" in entry ? entry.sha256 : hexOf(digestOf(canonicalJson(entry)));
  const plain = { kind: section, key, name: key, version: sha256.slice(0, 12), size: sizeOf(entry), sha256 };
  return { ...plain, ...readingOf(section)?.read(key, entry) };
}

function inputKind(section: InputSection): PinKind {
  const { plural = `${sections[section].entry}s`, fixed = true, compare = () => undefined } = readingOf(section) ?? {};
  return {
    kind: section,
    plural,
    fixed,
    compare,
    current: (lock) =>
      [...lock[section]].map(([key, entry]: readonly [string, InputEntry]) => ({
        item: inputItem(section, key, entry),
      })),
  };
}

/** Every kind, in the order in which a difference tells of them. */
export const pinKinds: readonly PinKind[] = [debian, ...inputSections.map(inputKind)];

/** Images that ask for an input, by section and key joined with a space. */
export type InputImages = ReadonlyMap<string, readonly string[]>;

export function imagesOfInputs(source: SpecSource, lock: LockedInputs): InputImages {
  const found = new Map<string, string[]>();
  for (const [section, requests] of inputRequests(source, lock)) {
    for (const { key, image } of requests) {
      const place = `${section} ${key}`;
      const known = found.get(place);
      if (known === undefined) found.set(place, [image]);
      else if (!known.includes(image)) known.push(image);
    }
  }
  return found;
}
