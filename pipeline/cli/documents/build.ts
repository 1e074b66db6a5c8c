/** What `build`, `sbom`, `attest` and `ship` say of images. */
import { z } from "zod";
import { count, digest, image, names, path, platform, type DocumentOf } from "./shared.ts";
import { verdict } from "./verify.ts";

const layer = z.strictObject({
  digest,
  size: count.meta({ description: "Bytes as it is downloaded." }),
  diffId: digest.meta({ description: "Of the uncompressed tar." }),
  tarSize: count.meta({ description: "Bytes of the uncompressed tar." }),
});

const builtPlatform = z.strictObject({
  platform,
  plan: digest.meta({ description: "Of everything that decided the bytes." }),
  digest: digest.meta({ description: "Of the manifest." }),
  config: digest,
  size: count.meta({ description: "Bytes of layers, config and manifest." }),
  packages: count.meta({ description: "Of Debian, npm and Python." }),
  cached: z.boolean().meta({ description: "Whether every layer was known already." }),
  seconds: z.number().min(0),
  layers: z.array(layer),
  notDone: z
    .array(z.strictObject({ package: z.string(), script: z.string(), commands: names }))
    .meta({ description: "What maintainer scripts would have done and nobody did." }),
  steps: z
    .array(
      z.strictObject({
        title: z.string(),
        directories: count,
        entries: count.meta({ description: "Files and links." }),
        removed: names.meta({ description: "Paths of layers below that are gone." }),
        leftOut: names.meta({ description: "Paths that the step made or changed and that are not taken." }),
      }),
    )
    .meta({ description: "What was made of each step." }),
  installScripts: names.meta({ description: "Scripts of npm packages that npm would have run." }),
});

export const builtImage = z
  .strictObject({
    image,
    digest: digest.meta({ description: "Of the index of all platforms." }),
    layout: path.meta({ description: "Directory of the OCI layout." }),
    unchanged: z.boolean().meta({ description: "Whether the layout was as it should be already." }),
    platforms: z.array(builtPlatform),
  })
  .meta({ id: "image" });

export const build = z
  .strictObject({ images: z.array(builtImage) })
  .meta({ title: "Lockstep build", description: "What `lockstep build --json` has as its result." });

export const sbom = z
  .strictObject({ sboms: z.array(z.strictObject({ image, platform, path, digest })) })
  .meta({ title: "Lockstep sbom", description: "What `lockstep sbom --json` has as its result." });

const attestation = z.strictObject({
  image,
  path: path.meta({ description: "The Sigstore bundle." }),
  signer: z.string().meta({ description: "Base64 of the SHA-256 of the public key; or the subject of the identity." }),
  issuer: z.string().exactOptional().meta({ description: "Who vouched for the subject, where an identity signed." }),
  reused: z.boolean().meta({ description: "Whether an earlier signature of the same statement was kept." }),
});

export const attest = z
  .union([
    z.strictObject({ attestations: z.array(attestation) }),
    z.strictObject({ verdicts: z.array(verdict) }).meta({ description: "When something does not reproduce." }),
  ])
  .meta({ title: "Lockstep attest", description: "What `lockstep attest --json` has as its result." });

const changed = {
  written: names.meta({ description: "Files of the rendered tree that were written." }),
  removed: names.meta({ description: "Files that are not rendered any more." }),
};

export const render = z
  .strictObject({
    files: names.meta({ description: "The whole rendered tree, relative to the repository." }),
    ...changed,
    message: z.string().exactOptional().meta({ description: "For the commit, where --message asked for it." }),
  })
  .meta({ title: "Lockstep render", description: "What `lockstep render --json` has as its result." });

export const ship = z
  .union([
    z.strictObject({
      unchanged: z.boolean().meta({ description: "Whether there was nothing to do." }),
      images: z.array(builtImage),
      verdicts: z.array(verdict),
      attestations: z.array(attestation),
      rendered: z.strictObject(changed),
    }),
    z
      .strictObject({ images: z.array(builtImage), verdicts: z.array(verdict) })
      .meta({ description: "When something does not reproduce." }),
  ])
  .meta({ title: "Lockstep ship", description: "What `lockstep ship --json` has as its result." });

export type BuildDocument = DocumentOf<typeof build>;
export type SbomDocument = DocumentOf<typeof sbom>;
export type AttestDocument = DocumentOf<typeof attest>;
export type RenderDocument = DocumentOf<typeof render>;
export type ShipDocument = DocumentOf<typeof ship>;
export type BuiltImageDocument = DocumentOf<typeof builtImage>;
