/** A small lock with an entry of every kind, for the tests of this room. */
import type { Lock, LockedPackage, LockedRelease } from "../../pipeline/lock/types.ts";
import { emptyLock, packageKey, releaseKey } from "../../pipeline/lock/types.ts";

export const release: LockedRelease = {
  suite: "trixie",
  archive: "debian",
  date: "2026-11-21T09:15:44Z",
  sha256: "ab".repeat(32),
  signedBy: ["0123456789ABCDEF0123456789ABCDEF01234567", "FEDCBA9876543210FEDCBA9876543210FEDCBA98"],
};

const security: LockedRelease = {
  suite: "trixie-security",
  archive: "debian-security",
  date: "2026-11-22T20:00:01Z",
  sha256: "cd".repeat(32),
  signedBy: ["0123456789ABCDEF0123456789ABCDEF01234567"],
};

function item(
  fields: Pick<LockedPackage, "name" | "version" | "architecture"> & Partial<LockedPackage>,
): LockedPackage {
  const { name, version, architecture } = fields;
  return {
    archive: "debian",
    path: `pool/main/${name.slice(0, 1)}/${name}/${name}_${version.replace(/^\d+:/, "")}_${architecture}.deb`,
    size: 1000 + name.length,
    sha256: Buffer.from(name.padEnd(32, "-").slice(0, 32)).toString("hex"),
    source: name,
    sourceVersion: version,
    release: releaseKey(release),
    ...fields,
  };
}

export const packages: readonly LockedPackage[] = [
  item({ name: "netbase", version: "6.5", architecture: "all" }),
  item({ name: "libc6", version: "2.41-12", architecture: "amd64", source: "glibc" }),
  item({ name: "libc6", version: "2.41-12", architecture: "arm64", source: "glibc", sha256: "0".repeat(64) }),
  item({
    name: "libstdc++6",
    version: "1:14.2.0-19~deb13u1",
    architecture: "amd64",
    archive: "debian-security",
    release: releaseKey(security),
  }),
];

const keys = (architecture: string): readonly string[] =>
  packages
    .filter((p) => p.architecture === "all" || p.architecture === architecture)
    .map(packageKey)
    .toSorted();

export const lock: Lock = {
  ...emptyLock,
  releases: new Map([release, security].map((r) => [releaseKey(r), r])),
  packages: new Map(packages.map((p) => [packageKey(p), p])),
  images: new Map([
    [
      "web",
      {
        suite: "trixie",
        dependencies: "all",
        request: ["libstdc++6", "netbase"],
        platforms: { "linux/amd64": keys("amd64"), "linux/arm64": keys("arm64") },
      },
    ],
    [
      "10",
      {
        suite: "trixie",
        dependencies: "none",
        request: ["netbase"],
        platforms: { "linux/arm64": ["netbase_6.5_all"] },
      },
    ],
    [
      "9",
      {
        suite: "trixie",
        dependencies: "none",
        request: ["netbase"],
        platforms: { "linux/amd64": ["netbase_6.5_all"] },
      },
    ],
  ]),
};
