/** A small image's facts for the tests of evidence: realistic names, made-up digests. */
import type { LockedPackage } from "../../pipeline/lock/types.ts";
import type { SbomInput } from "../../pipeline/evidence/sbom.ts";
import type { ProvenanceInput } from "../../pipeline/evidence/statement.ts";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";

export function lockedPackage(
  name: string,
  version: string,
  source: string = name,
  sourceVersion: string = version,
  architecture: LockedPackage["architecture"] = "amd64",
): LockedPackage {
  return {
    name,
    version,
    architecture,
    archive: "debian",
    path: `pool/main/${source.slice(0, 1)}/${source}/${name}_${version.replace(/^\d+:/, "")}_${architecture}.deb`,
    size: 1234,
    sha256: hexOf(digestOf(`${name} ${version}`)),
    source,
    sourceVersion,
    release: "trixie@0123456789ab",
  };
}

export const packages = [
  lockedPackage("libssl3t64", "3.5.1-1+deb13u1", "openssl"),
  lockedPackage("openssl", "3.5.1-1+deb13u1"),
  lockedPackage("libstdc++6", "14.2.0-19", "gcc-14"),
  lockedPackage("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", "zlib", "1:1.3.dfsg+really1.3.1-1"),
  lockedPackage("netbase", "6.5", "netbase", "6.5", "all"),
];

export const sbomInput: SbomInput = {
  image: "web",
  platform: "linux/amd64",
  digest: digestOf("manifest"),
  epoch: 1_763_716_544,
  format: 1,
  suite: "trixie",
  packages,
  components: [
    {
      key: "https://files.example/tool-1.0.tar.gz",
      name: "tool-1.0.tar.gz",
      purl: "pkg:generic/tool-1.0.tar.gz?checksum=sha256:00&download_url=https%3A%2F%2Ffiles.example%2Ftool-1.0.tar.gz",
      sha256: "12".repeat(32),
      location: "https://files.example/tool-1.0.tar.gz",
    },
    ...["(MIT OR Apache-2.0)", "UNLICENSED", "SEE LICENSE IN <LICENSE & more>", "UNLICENSED", "GPL-2.0"].map(
      (license, index) => ({
        key: `p${index}@1.0.0`,
        name: `p${index}`,
        version: "1.0.0",
        purl: `pkg:npm/p${index}@1.0.0`,
        sha256: `${index}f`.repeat(32),
        license,
      }),
    ),
  ],
  fileSets: [{ name: "images/web/app", digest: digestOf("files") }],
};

export const provenanceInput: ProvenanceInput = {
  image: "web",
  index: digestOf("index"),
  platforms: [
    { platform: "linux/arm64", digest: digestOf("arm64"), plan: digestOf("plan arm64"), sbom: digestOf("sbom arm64") },
    { platform: "linux/amd64", digest: digestOf("amd64"), plan: digestOf("plan amd64"), sbom: digestOf("sbom amd64") },
  ],
  format: 1,
  epoch: 1_763_716_544,
  lock: digestOf("lock"),
  suite: "trixie",
  packages,
  components: [
    {
      key: "https://files.example/tool-1.0.tar.gz",
      name: "tool-1.0.tar.gz",
      purl: "pkg:generic/tool-1.0.tar.gz?checksum=sha256:00&download_url=https%3A%2F%2Ffiles.example%2Ftool-1.0.tar.gz",
      sha256: "12".repeat(32),
      location: "https://files.example/tool-1.0.tar.gz",
    },
  ],
  fileSets: [{ name: "images/web/app", digest: digestOf("files") }],
  reproduced: "yes",
  waivers: [],
};
