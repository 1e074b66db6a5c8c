/** The lock's sections: which fields an entry has, what each must be, and the seal that tells a hand edit. */
import { hash } from "node:crypto";
import { canonicalJson } from "../store/canonical-json.ts";
import type { Lock, LockedPackage, LockedRelease, SectionName } from "./types.ts";
import { commitScripts, installScripts, packageKey, releaseKey } from "./types.ts";

/** Why a value is not what its field must be, as a clause that follows the field's name; undefined when it is. */
export type Check = (value: unknown) => string | undefined;
export type Fields = Readonly<Record<string, Check>>;

export interface Section {
  /** What an entry is called in messages. */
  readonly entry: string;
  /** Written even without entries; the others are left out then. */
  readonly always: boolean;
  readonly key: Check;
  /** Every field an entry has; none may be missing. */
  readonly fields: Fields;
  /** Fields that an entry may have besides. */
  readonly optional?: Fields;
  /** What is wrong between fields that are right each on its own. */
  readonly together?: (content: Readonly<Record<string, unknown>>) => string | undefined;
  /** The key that follows from the content, where one does. The fields have been checked. */
  readonly keyOf?: (content: Readonly<Record<string, unknown>>) => string;
}

/** Digits of a seal. It tells slips, not forgery: whoever can write the lock can also seal it, and review is what guards against that. */
const sealLength = 16;

/** The seal of an entry: first 16 hexadecimal digits of SHA-256 over the canonical JSON of section, key and content without the seal. */
export function sealOf(section: SectionName, key: string, content: Readonly<Record<string, unknown>>): string {
  return hash("sha256", canonicalJson([section, key, content]), "hex").slice(0, sealLength);
}

function text(pattern: RegExp, must: string): Check {
  return (value) => (typeof value === "string" && pattern.test(value) ? undefined : `must be ${must}`);
}

const hex64 = text(/^[0-9a-f]{64}$/, "64 hexadecimal digits in lower case");
const suite = text(/^[a-z][a-z0-9-]*$/, "a suite");
const archive = text(/^debian(-security)?$/, '"debian" or "debian-security"');
const packageName = text(/^[a-z0-9][a-z0-9+.-]+$/, "the name of a Debian package");
const version = text(/^[0-9][A-Za-z0-9.+~:-]*$/, "a Debian version");
const sealPattern = text(/^[0-9a-f]{16}$/, "16 hexadecimal digits in lower case");

const date: Check = (value) => {
  const must = "must be a time in UTC such as 2026-11-21T09:15:44Z";
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return must;
  const time = Date.parse(value);
  // A thirtieth of February is parsed as a day of March, and gives another text.
  return Number.isNaN(time) || new Date(time).toISOString() !== value.replace("Z", ".000Z") ? must : undefined;
};

const size: Check = (value) =>
  Number.isSafeInteger(value) && Number(value) > 0 ? undefined : "must be a number of bytes";

const poolPath: Check = (value) => {
  const good =
    typeof value === "string" &&
    /^pool\/[A-Za-z0-9][A-Za-z0-9._+~/%-]*\.deb$/.test(value) &&
    value.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  return good ? undefined : "must be a path in the pool of the archive, ending in .deb";
};

/** A list of distinct texts in order of their bytes (all of them are ASCII). */
function sorted(each: Check, what: string, least: number): Check {
  return (value) => {
    if (!Array.isArray(value)) return `must be a list of ${what}`;
    const items: readonly unknown[] = value;
    if (items.length < least) return `must be a list of at least ${least} of ${what}`;
    for (const [index, item] of items.entries()) {
      if (each(item) !== undefined) return `must be a list of ${what}; item ${index + 1} is not one`;
      const before = items[index - 1];
      if (index > 0 && !(String(before) < String(item))) return "must be sorted, each item once";
    }
    return undefined;
  };
}

const packageKeyPattern = text(
  /^[a-z0-9][a-z0-9+.-]+_[0-9][A-Za-z0-9.+~:-]*_(amd64|arm64|all)$/,
  "the key of a package entry",
);

const platforms: Check = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be a mapping of platforms";
  const entries = Object.entries(value);
  if (entries.length === 0) return "must have at least one platform";
  const keys = sorted(packageKeyPattern, "keys of package entries", 0);
  for (const [platform, list] of entries) {
    if (platform !== "linux/amd64" && platform !== "linux/arm64") return `must not have the platform "${platform}"`;
    const problem = keys(list);
    if (problem !== undefined) return `for ${platform} ${problem}`;
  }
  return undefined;
};

const seal = { seal: sealPattern };

/** An address that a spec writes, which may have no blanks, no user and no fragment; all of it ASCII. */
const url = text(
  /^https?:\/\/[^\s/@#?]+\/[\x21\x22\x24-\x7e]*$/,
  "an http or https address without a user or a fragment",
);

/** What a package states of its licence. */
const license = text(/^[^\p{Cc}]{1,1000}$/u, "a line of text");

const npmKey = /^(?:@[A-Za-z0-9._~!'()*-]+\/)?[A-Za-z0-9._~!'()*-]+@[0-9A-Za-z.+-]+(?:#[0-9a-f]{12})?$/;
const npmIntegrity = /^sha(?:512|384|256|1)-[A-Za-z0-9+/]+={0,2}(?: sha(?:512|384|256|1)-[A-Za-z0-9+/]+={0,2})*$/;

/** Scripts that npm runs by these names, in the order that it runs them, each once; at least so many. */
function npmScripts(names: readonly string[], least: number): Check {
  const pattern = new RegExp(`^(${names.join("|")}): [^\\p{Cc}]+$`, "u");
  return (value) => {
    if (!Array.isArray(value) || value.length < least) return "must be a list of scripts";
    const hooks = (value as readonly unknown[]).map((item) =>
      typeof item === "string" ? names.indexOf(pattern.exec(item)?.[1] ?? "") : -1,
    );
    if (hooks.includes(-1)) return "must be a list of scripts";
    return hooks.every((hook, index) => index === 0 || hook > (hooks[index - 1] ?? 0))
      ? undefined
      : "must be in the order they run";
  };
}

const digest = text(/^sha256:[0-9a-f]{64}$/, "a SHA-256 digest");
const mediaType = text(/^application\/vnd\.[a-z0-9.+_-]+$/, "a media type of an image");

/** A mapping of exactly these members, or more precisely what is wrong with it. */
function members(fields: Fields): Check {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be a mapping";
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) return `has the unknown member "${unknown}"`;
    for (const [name, check] of Object.entries(fields)) {
      if (!Object.hasOwn(value, name)) return `has no ${name}`;
      const wrong = check((value as Readonly<Record<string, unknown>>)[name]);
      if (wrong !== undefined) return `has a ${name} that ${wrong}`;
    }
    return undefined;
  };
}

const blob = { mediaType, digest, size };

const basePlatform = members({
  manifest: members(blob),
  config: members(blob),
  created: date,
  layers: (value) => {
    if (!Array.isArray(value) || value.length === 0) return "must be a list of layers";
    const layer = members({ ...blob, diffId: digest });
    return (value as readonly unknown[]).map(layer).find((wrong) => wrong !== undefined);
  },
});

const basePlatforms: Check = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be a mapping of platforms";
  const entries = Object.entries(value);
  if (entries.length === 0) return "must have at least one platform";
  for (const [platform, content] of entries) {
    if (platform !== "linux/amd64" && platform !== "linux/arm64") return `must not have the platform "${platform}"`;
    const wrong = basePlatform(content);
    if (wrong !== undefined) return `for ${platform} ${wrong}`;
  }
  return undefined;
};

/** A repository and a ref; the repository has no `#`. */
const commitKey = text(/^[\x21\x22\x24-\x7e]+#[^\s\p{Cc}]+$/u, "a repository and a ref with a # between them");
const objectId = text(/^([0-9a-f]{40}|[0-9a-f]{64})$/, "the id of an object of git");

/** Keys of submodules by their path in the tree. */
const submodules: Check = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return "must be a mapping of paths to commits";
  for (const [path, key] of Object.entries(value)) {
    if (path === "" || path.split("/").some((part) => ["", ".", ".."].includes(part)))
      return `must not have the path "${path}"`;
    const problem = commitKey(key);
    if (problem !== undefined) return `for ${path} ${problem}`;
  }
  return undefined;
};

/** The sections of the lock. Everything that reads, writes, seals or compares locks goes by this table. */
export const sections: Readonly<Record<SectionName, Section>> = {
  bases: {
    entry: "base image",
    always: false,
    key: text(/^[A-Za-z0-9[][\x21-\x7e]{0,511}$/, "a reference to an image"),
    fields: { ...blob, platforms: basePlatforms, ...seal },
  },
  git: {
    entry: "commit",
    always: false,
    key: commitKey,
    fields: { commit: objectId, tree: objectId, date, size, sha256: hex64, ...seal },
    optional: { scripts: npmScripts(commitScripts, 0), submodules },
  },
  http: {
    entry: "file",
    always: false,
    key: url,
    fields: { size, sha256: hex64, ...seal },
    optional: {
      signedBy: text(
        /^(minisign [0-9A-F]{16}|gpg [0-9A-F]{40,64}|sigstore [0-9a-f]{64})$/,
        "a kind of signature and a key",
      ),
      signingKey: hex64,
    },
    together: ({ signedBy, signingKey }) =>
      (signedBy === undefined) === (signingKey === undefined) ? undefined : "has one of signedBy and signingKey alone",
  },
  images: {
    entry: "image",
    always: true,
    key: text(/^[a-z0-9]+([._-][a-z0-9]+)*$/, "the name of an image"),
    fields: {
      suite,
      dependencies: text(/^(all|none)$/, '"all" or "none"'),
      request: sorted(packageName, "names of packages", 1),
      platforms,
      ...seal,
    },
  },
  npm: {
    entry: "npm package",
    always: false,
    key: text(npmKey, "a name and a version of an npm package"),
    fields: { size, sha256: hex64, integrity: text(npmIntegrity, "hashes such as sha512-…"), ...seal },
    optional: {
      from: text(/^[^\p{Cc}]+$/u, "an address, or a path in the repository"),
      license,
      scripts: npmScripts(installScripts, 1),
    },
  },
  packages: {
    entry: "package",
    always: true,
    key: packageKeyPattern,
    keyOf: (content) => packageKey(content as unknown as LockedPackage),
    fields: {
      name: packageName,
      version,
      architecture: text(/^(amd64|arm64|all)$/, '"amd64", "arm64" or "all"'),
      archive,
      path: poolPath,
      size,
      sha256: hex64,
      source: packageName,
      sourceVersion: version,
      release: text(/^[a-z][a-z0-9-]*@[0-9a-f]{12}$/, "the key of a release entry"),
      ...seal,
    },
  },
  releases: {
    entry: "release",
    always: true,
    key: text(/^[a-z][a-z0-9-]*@[0-9a-f]{12}$/, "a suite and the first 12 digits of its digest"),
    keyOf: (content) => releaseKey(content as unknown as LockedRelease),
    fields: {
      suite,
      archive,
      date,
      sha256: hex64,
      signedBy: sorted(text(/^([0-9A-F]{40}|[0-9A-F]{64})$/, "a fingerprint"), "fingerprints of keys in upper case", 1),
      ...seal,
    },
  },
  wheels: {
    entry: "wheel",
    always: false,
    key: text(/^[A-Za-z0-9][A-Za-z0-9_.+!-]{0,250}\.whl$/, "the file name of a wheel"),
    fields: {
      name: text(/^[a-z0-9]+(-[a-z0-9]+)*$/, "a normalized name"),
      version: text(/^[0-9A-Za-z.!+_-]{1,100}$/, "a version"),
      size,
      sha256: hex64,
      ...seal,
    },
    optional: { license },
  },
};

/** Names of the sections in the order they are written, which is that of their bytes. */
export const sectionNames = Object.keys(sections).toSorted() as readonly SectionName[];

/** The lock with the sections that `sectionOf` gives. */
export function lockOf(sectionOf: (name: SectionName) => ReadonlyMap<string, unknown>): Lock {
  // The table has a row for every section of the type, and entries are checked against their rows.
  return Object.fromEntries(sectionNames.map((name) => [name, sectionOf(name)])) as unknown as Lock;
}
