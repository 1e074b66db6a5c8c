/** Proof of use: what an image is made of is exactly what the lock has for it; nothing of it left out, and nothing from elsewhere. */
import { LockstepError, type Problem } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { nameOf } from "../lock/entries.ts";
import type { InputSection, LockedPackage, SectionName } from "../lock/types.ts";
import { sourceOf } from "../source/debian/candidate.ts";
import type { PackageFacts } from "../source/debian/facts.ts";
import { type Digest, digestOf, hexOf, isDigest } from "../store/digest.ts";
import { Store } from "../store/store.ts";
import type { Plan, PlannedImage, PlannedLayer } from "./plan.ts";

/** An entry of the lock by its place there, with the bytes it stands for. */
export interface Used {
  readonly section: SectionName;
  readonly key: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** What a layer of a plan takes from the lock. */
export function layerUse(plan: Plan, layer: PlannedLayer): readonly Used[] {
  switch (layer.kind) {
    case "packages":
      return layer.packages.map(({ key, sha256 }) => ({ section: "packages", key, sha256 }));
    case "inputs":
      return layer.inputs.map(({ section, key, sha256 }) => ({ section, key, sha256 }));
    case "base":
      return [{ section: "bases", key: plan.base?.name ?? "", sha256: hexOf(layer.digest) }];
    case "entries":
      return [];
    // Images of the repository that a step uses are proven each by itself.
    case "step":
      return (layer.command.fetch ?? []).map(({ url, sha256 }) => ({ section: "http", key: url, sha256 }));
  }
}

/** What a plan takes from the lock. */
export function plannedUse(plan: Plan): readonly Used[] {
  const manifest: readonly Used[] =
    plan.base === undefined ? [] : [{ section: "bases", key: plan.base.name, sha256: hexOf(plan.base.digest) }];
  return [...manifest, ...plan.layers.flatMap((layer) => layerUse(plan, layer))];
}

/** Entries of inputs whose bytes are one blob. */
function blobUse(
  section: Exclude<InputSection, "bases">,
  entries: ReadonlyMap<string, { readonly sha256: string }>,
): readonly Used[] {
  return [...entries].map(([key, { sha256 }]) => ({ section, key, sha256 }));
}

/** What the lock has for an image on a platform: everything that must go into its layers. */
function lockedUse({ packages, inputs, plan }: PlannedImage): readonly Used[] {
  const bySection: Readonly<Record<InputSection, readonly Used[]>> = {
    bases: [...inputs.bases].flatMap(([key, { platforms }]) => {
      const base = platforms[plan.platform];
      const digests = base === undefined ? [] : [base.manifest.digest, ...base.layers.map(({ digest }) => digest)];
      return digests.map((digest): Used => ({ section: "bases", key, sha256: hexOf(digest) }));
    }),
    git: blobUse("git", inputs.git),
    http: blobUse("http", inputs.http),
    npm: blobUse("npm", inputs.npm),
    wheels: blobUse("wheels", inputs.wheels),
  };
  return [
    ...[...packages].map(([key, { sha256 }]): Used => ({ section: "packages", key, sha256 })),
    ...Object.values(bySection).flat(),
  ];
}

function idOf({ section, key, sha256 }: Used): string {
  return JSON.stringify([section, key, sha256]);
}

/**
 * Holds what went into the layers of an image against what the lock has for it. Throws LS2703 for bytes that the lock does not have for the
 * image, and LS2704 for an entry that nothing was made of.
 */
export function proveUse(image: PlannedImage, used: readonly Used[]): void {
  const locked = lockedUse(image);
  const known = new Set(locked.map(idOf));
  const taken = new Set(used.map(idOf));
  const where = `image "${image.image}" on ${image.plan.platform}`;
  const hint = "this is a mistake of Lockstep's: report it with the spec and the lock";
  const problems: Problem[] = [
    ...used
      .filter((item) => !known.has(idOf(item)))
      .map(({ section, key, sha256 }): Problem => ({
        code: "LS2703",
        message: `${where} is made of ${nameOf(section, key)} (sha256 ${sha256}), which the lock does not have for it`,
        hint,
      })),
    ...locked
      .filter((item) => !taken.has(idOf(item)))
      .map(({ section, key }): Problem => ({
        code: "LS2704",
        message: `${where} should be made of ${nameOf(section, key)} too, and was made without it`,
        hint,
      })),
  ];
  if (problems.length > 0) throw new LockstepError(problems);
}

/**
 * What the lock says of the packages of a layer beyond their bytes, as a digest: a record of the layer is believed for these entries, whose
 * control files were read when it was made, and for no others.
 */
export function provenEntries({ packages }: PlannedImage, layer: PlannedLayer): Digest | undefined {
  if (layer.kind !== "packages" || layer.packages.length === 0) return undefined;
  const entries = layer.packages.map(({ key }) => {
    const item = packages.get(key);
    return [key, item?.name, item?.version, item?.architecture, item?.source, item?.sourceVersion].map(
      (part) => part ?? "",
    );
  });
  return digestOf(JSON.stringify(entries));
}

/** LS2705 where the control file of a package says something else than its entry in the lock, which SBOM and provenance believe. */
export function provePackage(key: string, locked: LockedPackage, { control }: PackageFacts): void {
  const name = control["Package"] ?? "";
  const version = control["Version"] ?? "";
  const found = { name, version, architecture: control["Architecture"], ...sourceOf(control["Source"], name, version) };
  const wrong = Object.entries(found).filter(([field, value]) => value !== locked[field as keyof typeof found]);
  if (wrong.length === 0) return;
  throw new LockstepError(
    wrong.map(([field, value]) => ({
      code: "LS2705",
      message: `${nameOf("packages", key)} has the ${field} ${JSON.stringify(value)}, and the lock says ${JSON.stringify(locked[field as keyof typeof found])}`,
      place: { file: "lockstep.lock" },
      hint: "the lock was changed by hand: run `lockstep pin`, and review the difference",
    })),
  );
}

/** The store of inputs as a build sees it: blobs of the lock's entries for the images it builds, and no others. */
export class LockedStore extends Store {
  readonly #allowed: ReadonlySet<Digest>;

  constructor(host: Host, store: Store, images: readonly PlannedImage[]) {
    super(host, store.directory);
    const digests = images.flatMap(lockedUse).map(({ sha256 }) => `sha256:${sha256}`);
    this.#allowed = new Set(digests.filter(isDigest));
  }

  /** Every way to read a blob begins with where it is. LS2703 for one that is of no entry. */
  override pathOf(digest: Digest): string {
    if (!this.#allowed.has(digest)) {
      const message = `the build asks for ${digest}, which no entry of the lock that it is for has`;
      throw new LockstepError({
        code: "LS2703",
        message,
        hint: "this is a mistake of Lockstep's: report it with the spec and the lock",
      });
    }
    return super.pathOf(digest);
  }
}
