/** Follows the references of a lock: images to packages, packages to the releases that vouch for them, and back. */
import { type Finding, nameOf, repin } from "./entries.ts";
import type { Lock, LockedPackage } from "./types.ts";

function checkPackages(lock: Lock): readonly Finding[] {
  const found: Finding[] = [];
  for (const [key, item] of lock.packages) {
    const release = lock.releases.get(item.release);
    const path = ["packages", key, "release"];
    const name = nameOf("packages", key);
    if (release === undefined) {
      const message = `${name} is vouched for by release "${item.release}", which is not there`;
      found.push({ code: "LS2207", message, path, hint: repin });
    } else if (release.archive !== item.archive) {
      const message = `${name} is in the archive ${item.archive}, its release in ${release.archive}`;
      found.push({ code: "LS2207", message, path, hint: repin });
    }
  }
  return found;
}

/** One platform of one image: every package is there, of the right architecture, in one version. */
function checkPlatform(lock: Lock, image: string, platform: string, keys: readonly string[]): readonly Finding[] {
  const found: Finding[] = [];
  const path = ["images", image, "platforms", platform];
  const architecture = platform.slice(platform.indexOf("/") + 1);
  const names = new Map<string, LockedPackage>();
  for (const key of keys) {
    const item = lock.packages.get(key);
    if (item === undefined) {
      const message = `${nameOf("images", image)} has on ${platform} the package "${key}", which is not there`;
      found.push({ code: "LS2207", message, path, hint: repin });
      continue;
    }
    if (item.architecture !== "all" && item.architecture !== architecture) {
      const message = `${nameOf("images", image)} has on ${platform} the package "${key}" of another architecture`;
      found.push({ code: "LS2207", message, path, hint: repin });
      continue;
    }
    const other = names.get(item.name);
    if (other !== undefined) {
      const message = `${nameOf("images", image)} has on ${platform} ${item.name} in two versions, ${other.version} and ${item.version}`;
      found.push({ code: "LS2207", message, path, hint: repin });
    }
    names.set(item.name, item);
  }
  return found;
}

function checkUse(lock: Lock): readonly Finding[] {
  const usedPackages = new Set([...lock.images.values()].flatMap(({ platforms }) => Object.values(platforms).flat()));
  const usedReleases = new Set([...lock.packages.values()].map(({ release }) => release));
  const unused = (section: "packages" | "releases", by: string, used: ReadonlySet<string>): readonly Finding[] =>
    [...lock[section].keys()]
      .filter((key) => !used.has(key))
      .map((key) => ({
        code: "LS2208",
        message: `${nameOf(section, key)} is used by no ${by}`,
        path: [section, key],
        hint: repin,
      }));
  return [...unused("packages", "image", usedPackages), ...unused("releases", "package", usedReleases)];
}

/** Findings LS2207 and LS2208 of a lock whose entries hold together. */
export function checkReferences(lock: Lock): readonly Finding[] {
  const images = [...lock.images].flatMap(([image, { platforms }]) =>
    Object.entries(platforms).flatMap(([platform, keys]) => checkPlatform(lock, image, platform, keys)),
  );
  return [...images, ...checkPackages(lock), ...checkUse(lock)];
}

/** The part of a lock whose references lead somewhere: what `pin` can start from when the rest is damaged. */
export function withoutDangling(lock: Lock): Lock {
  const packages = new Map(
    [...lock.packages].filter(([, item]) => lock.releases.get(item.release)?.archive === item.archive),
  );
  const intact = { ...lock, packages };
  const images = new Map(
    [...lock.images].filter(([image, { platforms }]) =>
      Object.entries(platforms).every(([platform, keys]) => checkPlatform(intact, image, platform, keys).length === 0),
    ),
  );
  return { ...intact, images };
}
