/** What `publish` and `copy` say of what they transferred. */
import { z } from "zod";
import { count, digest, image, names, type DocumentOf } from "./shared.ts";

const transferred = {
  from: z.string(),
  to: z.string().meta({ description: "Whole name of what was written, with its digest." }),
  digest,
  mediaType: z.string(),
  tags: names,
  manifests: count,
  blobs: z.strictObject({ pushed: count, mounted: count, present: count }),
  sent: count.meta({ description: "Bytes." }),
};

export const publish = z
  .strictObject({ images: z.array(z.strictObject({ image, ...transferred })) })
  .meta({ title: "Lockstep publish", description: "What `lockstep publish --json` has as its result." });

export const copy = z
  .strictObject(transferred)
  .meta({ title: "Lockstep copy", description: "What `lockstep copy --json` has as its result." });

export type PublishDocument = DocumentOf<typeof publish>;
export type CopyDocument = DocumentOf<typeof copy>;
