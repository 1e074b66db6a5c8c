/** What `pin`, `lock diff` and `outdated` say of locked inputs. */
import { z } from "zod";
import { count, names, sha256, type DocumentOf } from "./shared.ts";

const licence = z.union([
  z.strictObject({ kind: z.literal("names"), names }),
  z.strictObject({ kind: z.literal("text"), sha256 }),
  z.strictObject({ kind: z.literal("unknown") }),
]);

const item = z
  .strictObject({
    version: z.string(),
    size: count.meta({ description: "Bytes to download." }),
    sha256,
    key: z.string().exactOptional().meta({ description: "Of what is no Debian package, its key in the lock." }),
    notes: names.exactOptional().meta({ description: "What a reviewer should know besides." }),
    installedSize: count.exactOptional().meta({ description: "Bytes once installed." }),
    licence: licence.exactOptional(),
  })
  .meta({ id: "item" });

const licenceChange = z.union([
  z.strictObject({ kind: z.enum(["same", "unknown", "text"]) }),
  z.strictObject({ kind: z.literal("new"), names }),
  z.strictObject({ kind: z.literal("names"), added: names, removed: names }),
]);

const change = z.strictObject({
  kind: z.string().meta({ description: "`debian`, or the section of the lock." }),
  name: z.string(),
  change: z.enum(["added", "removed", "upgraded", "downgraded", "rebuilt", "changed"]).meta({
    description: "`rebuilt`: the same version with other bytes. `changed`: two versions that have no order.",
  }),
  platforms: names,
  everywhere: z.boolean().meta({ description: "Whether those are all platforms that have it before or after." }),
  images: names,
  from: item.exactOptional(),
  to: item.exactOptional(),
  licence: licenceChange.exactOptional(),
});

const advisory = z
  .strictObject({
    id: z.string(),
    names,
    summary: z.string(),
    severity: z.string().exactOptional(),
    subjects: names.meta({ description: "Names and versions that it is about." }),
  })
  .meta({ id: "advisory" });

const diff = z.strictObject({
  unchanged: z.boolean(),
  addedImages: names,
  removedImages: names,
  size: z.strictObject({ before: count, after: count }).meta({ description: "Bytes of all that is locked." }),
  changes: z.array(change),
  advisories: z
    .strictObject({
      read: count,
      modified: z.string().meta({ description: "When the newest of them was changed." }),
      fixed: z.array(advisory),
      introduced: z.array(advisory),
      remaining: z.array(advisory),
      undecided: names.meta({ description: "Items whose version has no order in their ecosystem." }),
    })
    .exactOptional(),
});

export const pin = z
  .strictObject({
    written: z.boolean().exactOptional().meta({ description: "Of `pin`: whether lockstep.lock was written." }),
    diff,
  })
  .meta({
    title: "Lockstep pin",
    description: "What `lockstep pin --json` and `lockstep lock diff --json` have as their result.",
  });

const offered = z.strictObject({ version: z.string(), size: count, sha256 });

export const outdated = z
  .strictObject({
    outdated: z.array(
      z.strictObject({
        kind: z.string().meta({ description: "`debian`, or the section of the lock." }),
        name: z.string(),
        current: offered,
        newest: offered.exactOptional().meta({ description: "Absent when it is no longer offered at all." }),
        platforms: names,
        images: names,
      }),
    ),
  })
  .meta({ title: "Lockstep outdated", description: "What `lockstep outdated --json` has as its result." });

export type PinDocument = DocumentOf<typeof pin>;
export type OutdatedDocument = DocumentOf<typeof outdated>;
