/** What `report` says of two releases. */
import { z } from "zod";
import { side, where } from "../../verify/report/schema.ts";
import { packageKinds } from "../../verify/inventory/packages.ts";
import { count, digest, platform, type DocumentOf } from "./shared.ts";

const amount = z.strictObject({ count, size: count.meta({ description: "Bytes." }) });

const imageSize = z.strictObject({
  download: count.meta({ description: "Bytes of all layers as they are downloaded." }),
  files: amount.meta({ description: "What can be seen in the image." }),
  packages: count,
});

const layerSize = z.strictObject({
  digest,
  download: count.meta({ description: "Bytes of the layer as it is downloaded." }),
  size: count.meta({ description: "Bytes of the files in it." }),
  files: count,
});

const packageSide = z.strictObject({ version: z.string(), size: count.meta({ description: "Bytes of its files." }) });

const packageChange = z.strictObject({
  kind: z.enum(packageKinds),
  name: z.string(),
  change: z.enum(["added", "removed", "upgraded", "downgraded", "version", "size"]).meta({
    description: "`version`: the two versions have no order. `size`: the same version, other bytes of files.",
  }),
  a: packageSide.exactOptional(),
  b: packageSide.exactOptional(),
});

const files = z.strictObject({
  added: amount,
  removed: amount,
  grown: amount.meta({ description: "The size is by how much." }),
  shrunk: amount.meta({ description: "The size is by how much." }),
  largest: z
    .array(z.strictObject({ path: z.string(), a: count.exactOptional(), b: count.exactOptional() }))
    .meta({ description: "Those that changed most, the largest change first; bytes of both sides." }),
});

const imageChange = z.strictObject({
  platform: platform.exactOptional(),
  a: imageSize.exactOptional(),
  b: imageSize.exactOptional(),
  layers: z.array(
    z.strictObject({
      number: z.int().min(1),
      a: layerSize.exactOptional(),
      b: layerSize.exactOptional(),
    }),
  ),
  packages: z.array(packageChange),
  files,
});

const unread = z.array(z.strictObject({ where, reason: z.string() }));

export const report = z
  .strictObject({
    schema: z.literal(1).meta({ description: "Version of this document." }),
    a: side,
    b: side,
    images: z.array(imageChange).meta({ description: "One for each platform of either side." }),
    unread: z
      .strictObject({ a: unread, b: unread })
      .meta({ description: "What could not be read, so that more may have changed there." }),
  })
  .meta({ title: "Lockstep report", description: "What `lockstep report --json` has as its result." });

export type ReportDocument = DocumentOf<typeof report>;
