/** The evidence of built images as files beside their layouts: SBOMs, the signed statement, and whether it verifies. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuiltImage, BuiltPlatform } from "../build/build.ts";
import { format, type PlannedImage } from "../build/plan.ts";
import { withUses } from "../build/step/open.ts";
import type { Repository } from "../build/repository.ts";
import { systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { formatLock } from "../lock/format.ts";
import type { Lock, LockedPackage } from "../lock/types.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, digestOf } from "../store/digest.ts";
import { writeFileAtomically } from "../store/store.ts";
import { readWaivers } from "../verify/waivers/read.ts";
import { componentsOf } from "./components.ts";
import { provenanceType } from "./evidence.ts";
import { localSigningKey } from "./keys.ts";
import { type FileSet, spdx } from "./sbom.ts";
import { type Sign, signStatement } from "./sign.ts";
import { provenance, type Reproduced, type StatedWaiver } from "./statement.ts";
import { verifyBundle } from "./verify.ts";

export interface SbomFile {
  readonly platform: BuiltPlatform["platform"];
  readonly path: string;
  readonly digest: Digest;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
}

/** Writes a file unless it has this content; whether it was written. */
async function update(host: Host, path: string, bytes: Uint8Array): Promise<boolean> {
  if ((await readIfThere(path))?.equals(bytes) === true) return false;
  await writeFileAtomically(host, path, bytes);
  return true;
}

/** What is in an image besides packages: its layers of entries, each named as its history names it. */
function fileSets({ plan }: PlannedImage): readonly FileSet[] {
  return plan.layers.flatMap((layer) =>
    layer.kind === "entries"
      ? [{ name: layer.title.replace(/^lockstep: /, ""), digest: digestOf(canonicalJson(layer.entries)) }]
      : [],
  );
}

/** Files of the repository that steps ran on: digests over what the plan has of them. */
function stepFiles({ plan }: PlannedImage): readonly FileSet[] {
  return plan.layers.flatMap((layer) => {
    if (layer.kind !== "step") return [];
    const { command } = layer;
    const files = command.kind === "dockerfile" ? command.context : (command.tools?.files ?? []);
    const digest = digestOf(canonicalJson(files));
    return files.length === 0 ? [] : [{ name: layer.title.replace(/^lockstep: /, ""), digest }];
  });
}

function suiteOf(lock: Lock, image: string): { readonly suite?: string } {
  const suite = lock.images.get(image)?.suite;
  return suite === undefined ? {} : { suite };
}

function planOf(planned: readonly PlannedImage[], image: string, platform: string): PlannedImage {
  const found = planned.find((item) => item.image === image && item.plan.platform === platform);
  if (found === undefined) throw new Error(`no plan for ${image} ${platform}`);
  return found;
}

/** The inputs that are in an image: what only its steps asked for was at work on it, as their tools were. */
function unpackedInputs({ plan, inputs }: PlannedImage): PlannedImage["inputs"] {
  const unpacked = plan.layers.flatMap((layer) => (layer.kind === "inputs" ? layer.inputs : []));
  const files = new Set(unpacked.flatMap(({ section, key }) => (section === "http" ? [key] : [])));
  return { ...inputs, http: new Map([...inputs.http].filter(([url]) => files.has(url))) };
}

/** Writes `<directory>/<image>-<os>-<architecture>.spdx.json` for each platform. */
export async function writeSboms(
  host: Host,
  repository: Repository,
  planned: readonly PlannedImage[],
  built: BuiltImage,
  directory: string,
): Promise<readonly SbomFile[]> {
  await mkdir(directory, { recursive: true });
  const files: SbomFile[] = [];
  for (const { platform, manifest } of built.platforms) {
    const plan = planOf(planned, built.image, platform);
    const bytes = spdx({
      image: built.image,
      platform,
      digest: manifest.descriptor.digest,
      epoch: plan.plan.epoch,
      format,
      packages: [...plan.packages.values()],
      components: componentsOf(unpackedInputs(plan)),
      fileSets: fileSets(plan),
      ...suiteOf(repository.lock, built.image),
    });
    const path = join(directory, `${built.image}-${platform.replace("/", "-")}.spdx.json`);
    await update(host, path, bytes);
    files.push({ platform, path, digest: digestOf(bytes) });
  }
  return files;
}

export interface Attested {
  readonly image: string;
  readonly path: string;
  /** Hint of the key that signed, base64 of the SHA-256 of its public key; or the subject of the identity. */
  readonly signer: string;
  /** Who vouched for the subject, where an identity signed. */
  readonly issuer?: string;
  /** Whether an earlier signature of the same statement was kept. */
  readonly reused: boolean;
}

/** Signs with the local key. */
function localSigner(host: Host, root: string): Sign {
  return async (statement, previous) => {
    const key = await localSigningKey(host, root);
    return { ...(await signStatement(key, statement, previous)), trusted: { keys: [key] } };
  };
}

/**
 * States what is known of an image, signs it, writes `<directory>/<image>.sigstore.json`, and verifies what was
 * written. Throws LS60xx and LS61xx when it cannot be signed or the bundle does not verify.
 */
async function attestImage(
  host: Host,
  repository: Repository,
  planned: readonly PlannedImage[],
  built: BuiltImage,
  sboms: readonly SbomFile[],
  reproduced: Reproduced,
  waivers: readonly StatedWaiver[],
  directory: string,
  sign: Sign,
): Promise<Attested> {
  const plans = built.platforms.map(({ platform }) => planOf(planned, built.image, platform));
  // What its steps ran in is not in the image, and has been at work on it.
  const materials = withUses(plans);
  const packages = new Map<string, LockedPackage>(materials.flatMap((plan) => [...plan.packages]));
  const index = built.index.descriptor.digest;
  const statement = provenance({
    image: built.image,
    index,
    platforms: built.platforms.map(({ platform, manifest, plan }) => ({
      platform,
      digest: manifest.descriptor.digest,
      plan,
      sbom: sboms.find((file) => file.platform === platform)?.digest ?? index,
    })),
    format,
    epoch: Math.max(...plans.map(({ plan }) => plan.epoch)),
    lock: digestOf(formatLock(repository.lock)),
    packages: [...packages.values()],
    components: materials.flatMap(({ inputs }) => componentsOf(inputs)),
    fileSets: [
      ...new Map(
        materials.flatMap((plan) => [...fileSets(plan), ...stepFiles(plan)]).map((set) => [set.name, set]),
      ).values(),
    ],
    reproduced,
    waivers,
    ...suiteOf(repository.lock, built.image),
  });
  const path = join(directory, `${built.image}.sigstore.json`);
  const { bundle, reused, trusted } = await sign(statement, await readIfThere(path));
  await mkdir(directory, { recursive: true });
  await update(host, path, bundle);
  const subjects = [index, ...built.platforms.map(({ manifest }) => manifest.descriptor.digest)];
  const expected = { ...trusted, subjects, predicateType: provenanceType, file: path };
  const { signer, issuer } = await verifyBundle(await readFile(path), expected);
  return { image: built.image, path, signer, ...(issuer === undefined ? {} : { issuer }), reused };
}

/** SBOMs and attestations of several images that were reproduced, each in its directory; signed with the local key unless `sign` is given. */
export async function attestImages(
  host: Host,
  repository: Repository,
  planned: readonly PlannedImage[],
  images: readonly BuiltImage[],
  directories: { readonly sboms: string; readonly attestations: string },
  sign: Sign = localSigner(host, repository.root),
): Promise<readonly Attested[]> {
  const waivers = await readWaivers(repository.root);
  const attested: Attested[] = [];
  for (const built of images) {
    const sboms = await writeSboms(host, repository, planned, built, directories.sboms);
    const own = waivers.filter(({ image }) => image === built.image);
    const to = directories.attestations;
    attested.push(await attestImage(host, repository, planned, built, sboms, "yes", own, to, sign));
  }
  return attested;
}
