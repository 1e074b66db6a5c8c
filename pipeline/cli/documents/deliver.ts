/** What `deliver` says of the branch and of the images. */
import { z } from "zod";
import { count, digest, image, problem, type DocumentOf } from "./shared.ts";

const commit = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
  .meta({ description: "Id of a commit." });

export const deliver = z
  .strictObject({
    outcome: z
      .enum(["moved", "would-move", "current", "refused"])
      .meta({ description: "would-move: with --dry-run. current: the branch has the commit already." }),
    remote: z.string().meta({ description: "Address of the repository." }),
    branch: z.string().meta({ description: "Such as refs/heads/delivered." }),
    commit,
    before: commit
      .exactOptional()
      .meta({ description: "What the branch had; absent when there was none, or nobody looked." }),
    followed: z
      .string()
      .exactOptional()
      .meta({ description: "The ref that Argo CD or Flux follows by manifests/delivery.yaml." }),
    images: z
      .array(
        z.strictObject({
          image,
          reference: z.string().meta({ description: "As the manifests have it." }),
          digest,
          size: count.meta({ description: "Bytes of the index." }),
          published: z.boolean().meta({ description: "Whether the registry has it as it was built." }),
          signer: z.string().exactOptional().meta({
            description:
              "Base64 of the SHA-256 of the public key, or the subject of the identity; absent when no attestation was asked for, or none holds.",
          }),
          issuer: z
            .string()
            .exactOptional()
            .meta({ description: "Who vouched for the subject, where an identity signed." }),
        }),
      )
      .meta({ description: "Empty when the commit is not what is rendered: no registry is asked then." }),
    problems: z.array(problem).meta({ description: "Why it is refused." }),
  })
  .meta({ title: "Lockstep deliver", description: "What `lockstep deliver --json` has as its result." });

export type DeliverDocument = DocumentOf<typeof deliver>;
