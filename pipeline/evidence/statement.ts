/** in-toto statements: what is claimed about which digests, in bytes that do not depend on who states it, or when. */
import { LockstepError } from "../host/errors.ts";
import { formatTime } from "../image/oci.ts";
import type { LockedPackage } from "../lock/types.ts";
import type { Platform } from "../spec/types.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, hexOf } from "../store/digest.ts";
import { buildType, localBuilder, provenanceType, spdxMediaType, statementType } from "./evidence.ts";
import type { Component } from "./components.ts";
import { debianPurl } from "./purl.ts";
import type { FileSet } from "./sbom.ts";

/** What verify found: the digest came out again, it did not, or nobody could tell. */
export type Reproduced = "yes" | "no" | "unknown";

interface PlatformEvidence {
  readonly platform: Platform;
  /** Of the platform's manifest. */
  readonly digest: Digest;
  readonly plan: Digest;
  /** Of the SBOM document. */
  readonly sbom: Digest;
}

/** A waiver as waivers.yaml has it. */
export interface StatedWaiver {
  readonly platform?: string | undefined;
  readonly layer?: number | undefined;
  readonly path?: string | undefined;
  readonly field?: string | undefined;
  readonly cause: string;
  readonly reason: string;
  readonly owner: string;
  readonly expires: string;
}

export interface ProvenanceInput {
  readonly image: string;
  /** Of the image index. */
  readonly index: Digest;
  readonly platforms: readonly PlatformEvidence[];
  readonly format: number;
  /** Seconds since 1970. */
  readonly epoch: number;
  /** Of lockstep.lock as it was read. */
  readonly lock: Digest;
  /** Debian suite of the packages; absent when there are none. */
  readonly suite?: string;
  /** Packages of all platforms; the order does not matter. */
  readonly packages: readonly LockedPackage[];
  /** Inputs besides Debian packages, of all platforms. */
  readonly components: readonly Component[];
  readonly fileSets: readonly FileSet[];
  readonly reproduced: Reproduced;
  /** What the repository has of waivers for the image, in any order: differences that somebody answers for. */
  readonly waivers: readonly StatedWaiver[];
  /** URI of the builder, by who is trusted with it; the local one unless given. */
  readonly builder?: string;
}

interface ResourceDescriptor {
  readonly name?: string;
  readonly uri?: string;
  readonly digest: { readonly sha256: string };
  readonly mediaType?: string;
}

/** Sorted by canonical text and each once: in-toto gives lists of descriptors no order of their own. */
function sorted(list: readonly ResourceDescriptor[]): readonly ResourceDescriptor[] {
  const byText = new Map(list.map((item) => [canonicalJson(item), item]));
  return [...byText.entries()].toSorted((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, item]) => item);
}

function sha256(digest: Digest): { readonly sha256: string } {
  return { sha256: hexOf(digest) };
}

function dependencies(input: ProvenanceInput): readonly ResourceDescriptor[] {
  return sorted([
    { name: "lockstep.lock", digest: sha256(input.lock) },
    ...input.packages.map((item) => ({
      name: item.path,
      uri: debianPurl(item, input.suite),
      digest: { sha256: item.sha256 },
    })),
    ...input.components.map(({ key, purl, sha256 }) => ({ name: key, uri: purl, digest: { sha256 } })),
    ...input.fileSets.map((set) => ({ name: set.name, digest: sha256(set.digest) })),
  ]);
}

function waiversOf(waivers: readonly StatedWaiver[]): readonly object[] {
  const stated = waivers.map(({ platform, layer, path, field, cause, reason, owner, expires }) => ({
    ...(platform === undefined ? {} : { platform }),
    ...(layer === undefined ? {} : { layer }),
    ...(path === undefined ? {} : { path }),
    ...(field === undefined ? {} : { field }),
    cause,
    reason,
    owner,
    expires,
  }));
  const byText = new Map(stated.map((item) => [canonicalJson(item), item]));
  return [...byText.entries()].toSorted((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, item]) => item);
}

/**
 * The provenance of an image as an in-toto Statement v1 with a SLSA v1 predicate (canonical JSON, UTF-8).
 * Subjects are the index and every platform's manifest. Equal input gives equal bytes; no time of the run and no name of the machine is in it.
 * Throws LS6005 for a build that did not reproduce: verifiers of the release key accept whatever it signed, so nothing bad is ever signed by it.
 */
export function provenance(input: ProvenanceInput): Uint8Array {
  if (input.reproduced === "no") {
    throw new LockstepError({
      code: "LS6005",
      message: `image "${input.image}" did not reproduce, so no provenance is made for it`,
      hint: "`lockstep verify` shows what differs and why",
    });
  }
  const platforms = input.platforms.toSorted((a, b) => (a.platform < b.platform ? -1 : 1));
  const statement = {
    _type: statementType,
    subject: [
      { name: input.image, digest: sha256(input.index) },
      ...platforms.map((item) => ({ name: `${input.image}@${item.platform}`, digest: sha256(item.digest) })),
    ],
    predicateType: provenanceType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { image: input.image, platforms: platforms.map((item) => item.platform) },
        internalParameters: {
          format: input.format,
          epoch: formatTime(input.epoch),
          plans: Object.fromEntries(platforms.map((item) => [item.platform, item.plan])),
        },
        resolvedDependencies: dependencies(input),
      },
      runDetails: {
        builder: { id: input.builder ?? localBuilder },
        byproducts: platforms.map((item) => ({
          name: `${input.image}@${item.platform} SBOM`,
          mediaType: spdxMediaType,
          digest: sha256(item.sbom),
        })),
        // SLSA provenance v1, "Extension fields": the vendor's name, an underscore, the field's.
        lockstep_reproduced: input.reproduced,
        ...(input.waivers.length === 0 ? {} : { lockstep_waivers: waiversOf(input.waivers) }),
      },
    },
  };
  return new TextEncoder().encode(canonicalJson(statement));
}
