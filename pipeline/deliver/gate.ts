/** The gate: no commit is delivered whose images cannot be had as they were built, or lack the signed statement that is asked for. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuiltImage } from "../build/build.ts";
import { provenanceType } from "../evidence/evidence.ts";
import { localKeyFiles, parseVerificationKey, type VerificationKey } from "../evidence/keys.ts";
import { type Trusted, verifyBundle } from "../evidence/verify.ts";
import { LockstepError, messageOf, type Problem, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { inParallel } from "../host/parallel.ts";
import type { Descriptor } from "../image/oci.ts";
import { parseReference } from "../registry/reference.ts";
import { openRepository } from "../registry/repository.ts";
import { readRegistrySettings, type RegistrySettings } from "../registry/settings.ts";
import type { Report } from "../report/report.ts";
import { comparePaths } from "../tree/entry.ts";
import { recordedImages } from "../verify/recorded.ts";
import type { RenderedFile } from "./model.ts";

/** An image that manifests name. */
export interface DeliveredImage {
  readonly image: string;
  /** As the manifests have it: `registry.example/team/web:1.2.3@sha256:…`. */
  readonly reference: string;
  /** Of the index, as it was built. */
  readonly index: Descriptor;
}

/** The images that rendered manifests name, each reference once, with the index that was built under its digest. */
export function deliveredImages(
  files: readonly RenderedFile[],
  built: readonly BuiltImage[],
): readonly DeliveredImage[] {
  const found = new Map<string, DeliveredImage>();
  for (const { repository, image, tag, digest } of files.flatMap(({ text }) => recordedImages(text))) {
    const index = built.find((each) => each.index.descriptor.digest === digest)?.index.descriptor;
    if (index === undefined) throw new Error(`${image} was rendered with ${digest}, which was not built`);
    const reference = `${repository}:${tag}@${digest}`;
    found.set(reference, { image, reference, index });
  }
  const named = new Set([...found.values()].map(({ index }) => index.digest));
  const unnamed = built.find(({ index }) => !named.has(index.descriptor.digest));
  if (unnamed !== undefined) throw new Error(`${unnamed.image} is delivered, and no manifest names it`);
  return [...found.values()].toSorted((a, b) => comparePaths(a.reference, b.reference));
}

export interface Attestations extends Trusted {
  /** Directory of bundles, `<image>.sigstore.json`. */
  readonly directory: string;
}

/** Keys that are trusted: those of the files, or the public half of the local key when none is named. LS6003 for what is no such key. */
export async function trustedKeys(host: Host, files: readonly string[]): Promise<readonly VerificationKey[]> {
  const named = files.length > 0 ? files : [localKeyFiles(host).publicFile];
  return Promise.all(
    named.map(async (file) => {
      const pem = await readFile(file, "utf8").catch((error: unknown) => {
        const message = `the public key cannot be read: ${systemCode(error) ?? messageOf(error)}`;
        const hint = "name the public key of whoever signs with --key";
        throw new LockstepError({ code: "LS6003", message, place: { file }, hint }, { cause: error });
      });
      return parseVerificationKey(pem, file);
    }),
  );
}

export interface GateRun {
  readonly host: Host;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly attestations?: Attestations | undefined;
}

export interface Judged extends DeliveredImage {
  /** Whether the registry has index and manifests as they were built. */
  readonly published: boolean;
  /** Hint of the key that signed its statement, or the subject of the identity. */
  readonly signer?: string;
  /** Who vouched for the subject, where an identity signed. */
  readonly issuer?: string;
  readonly problems: readonly Problem[];
}

/** What went wrong, as problems; anything that is not about the user's input is thrown on. */
async function problemsOfWork(work: () => Promise<void>): Promise<readonly Problem[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof LockstepError && error.code !== "LS1003") return error.problems;
    throw error;
  }
}

/** Throws LS7202 when the registry does not have the index or a manifest that it names, LS3208 when it has other bytes under its digest. */
async function lookUp(
  { host, report, signal }: GateRun,
  settings: RegistrySettings,
  { reference, index }: DeliveredImage,
): Promise<void> {
  const repository = await openRepository(host, parseReference(reference, settings), { signal, report, settings });
  try {
    const found = await repository.findManifest(index.digest, index);
    const parts = found?.manifests ?? [];
    const there = await inParallel(parts, 5, (part) => repository.findManifest(part.digest, part));
    if (found !== undefined && there.every((part) => part !== undefined)) return;
    const what = found === undefined ? "" : ", but for its index";
    const hint = "publish it: `lockstep publish` pushes what is missing";
    throw new LockstepError({ code: "LS7202", message: `${reference} is not in the registry${what}`, hint });
  } finally {
    repository.close();
  }
}

/** Who signed the statement about an image. LS7203 when there is none, LS61xx when it does not hold. */
async function signerOf(
  { directory, ...trusted }: Attestations,
  { image, index }: DeliveredImage,
): Promise<Pick<Judged, "signer" | "issuer">> {
  const file = join(directory, `${image}.sigstore.json`);
  const bundle = await readFile(file).catch((error: unknown) => {
    const why = systemCode(error) === "ENOENT" ? "is not there" : `cannot be read: ${messageOf(error)}`;
    const message = `the attestation of ${image} ${why}`;
    const hint = "`lockstep attest` makes one; name the directory where it lies";
    throw new LockstepError({ code: "LS7203", message, place: { file }, hint }, { cause: error });
  });
  const expected = { ...trusted, subjects: [index.digest], predicateType: provenanceType, file };
  const { signer, issuer } = await verifyBundle(bundle, expected);
  return { signer, ...(issuer === undefined ? {} : { issuer }) };
}

/** Judges every image; nothing is written anywhere. All that is wrong is told at once. LS1003. */
export function judge(run: GateRun, images: readonly DeliveredImage[]): Promise<readonly Judged[]> {
  let read: Promise<RegistrySettings> | undefined;
  return inParallel(images, 5, async (image) => {
    // Read once; what is wrong with them is told with each image.
    const published = await problemsOfWork(async () =>
      lookUp(run, await (read ??= readRegistrySettings(run.host)), image),
    );
    const { attestations } = run;
    let by: Pick<Judged, "signer" | "issuer"> = {};
    const signed =
      attestations === undefined
        ? []
        : await problemsOfWork(async () => void (by = await signerOf(attestations, image)));
    return {
      ...image,
      published: published.length === 0,
      ...by,
      problems: [...published, ...signed],
    };
  });
}
