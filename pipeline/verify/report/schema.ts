/** The schema of the comparison document: what `explain --json` prints, for whoever reads it with another program. */
import { z } from "zod";
import { grades, natures, parts } from "../compare/finding.ts";

const grade = z.enum(grades).meta({
  description: "How grave a difference is, from harmless to grave: encoding, clock, cosmetic, content, privilege.",
});
export const digest = z
  .string()
  .regex(/^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/)
  .meta({ description: "As OCI writes it, such as sha256 and 64 hexadecimal digits with a colon between." });
export const count = z.int().min(0);
const confidence = z.number().min(0).max(1).meta({ description: "0 to 1." });
const causeId = z
  .string()
  .min(1)
  .meta({ description: "The row of the catalogue of causes, such as T1; documented in docs/catalogue.md." });

export const where = z
  .strictObject({
    platform: z.string().exactOptional().meta({ description: "Such as linux/arm64; absent for the index." }),
    part: z.enum(parts).meta({
      description: "A JSON document, a layer as a whole, or one path in a layer.",
    }),
    layer: z.int().min(1).exactOptional().meta({ description: "Number of the layer, from 1." }),
    path: z.string().exactOptional().meta({
      description: "Path of the entry in the layer, without a leading slash; the root is the empty string.",
    }),
    inside: z.array(z.string()).exactOptional().meta({
      description: "What it is within the content of the entry, the outermost first: members of archives, sections.",
    }),
  })
  .meta({ description: "A place in an image." });

const nature = z.enum(natures);

const excerpt = z
  .strictObject({
    offset: count.meta({ description: "Bytes of the content before the excerpt." }),
    text: z.boolean().meta({ description: "Whether the excerpts are text; otherwise they are bytes in Base64." }),
    a: z.string(),
    b: z.string(),
  })
  .meta({ description: "Some bytes of both sides around the first that differs." });

const guess = z.strictObject({ id: causeId, confidence });

const difference = z
  .strictObject({
    where: where.extend({
      field: z
        .string()
        .min(1)
        .meta({ description: "What differs there, by the name that its specification gives it." }),
    }),
    a: z
      .string()
      .exactOptional()
      .meta({ description: "What A has there, in short; absent when it has nothing there." }),
    b: z
      .string()
      .exactOptional()
      .meta({ description: "What B has there, in short; absent when it has nothing there." }),
    grade,
    format: z.string().exactOptional().meta({ description: "The format of the innermost content, such as elf." }),
    natures: z.array(nature).exactOptional().meta({ description: "What kind of values differ." }),
    facts: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .exactOptional()
      .meta({ description: "What else is known of the difference, by name." }),
    excerpt: excerpt.exactOptional(),
    causes: z.array(guess).meta({ description: "Causes that it may have, the likeliest first." }),
    waived: z
      .strictObject({
        reason: z.string(),
        owner: z.string(),
        expires: z.iso.date().meta({ description: "The day on which the waiver ends." }),
      })
      .exactOptional()
      .meta({ description: "The waiver that allows it." }),
  })
  .meta({ description: "One difference, at its innermost place." });

const rankedCause = guess
  .extend({
    title: z.string().min(1).meta({ description: "One clause." }),
    grade: grade.meta({ description: "The gravest grade of what it explains." }),
    count: count.meta({ description: "How many differences have it as their first cause." }),
    evidence: z.array(z.string()).meta({ description: "What speaks for it." }),
    fix: z.string().meta({ description: "What to do about it." }),
    examples: z.array(count).meta({ description: "Indexes into `differences` of some that it explains." }),
  })
  .meta({ description: "A cause of some or all of the differences." });

const experiment = z
  .strictObject({
    perturbations: z.array(z.string()).meta({ description: "What was changed in the surroundings of the rerun." }),
    start: z.number().min(0).meta({ description: "Milliseconds from the start of the first rerun." }),
    duration: z.number().min(0).meta({ description: "Milliseconds." }),
    outcome: z.enum(["same", "differs", "failed"]).meta({ description: "Whether it gave what A is." }),
    digest: digest.exactOptional(),
    note: z.string().exactOptional(),
  })
  .meta({ description: "One rerun of a build." });

export const side = z.strictObject({
  name: z.string().meta({ description: "What the user called it." }),
  kind: z.enum(["image", "index", "layer", "file"]),
  digest: digest.meta({ description: "Of the root document, or of the layer." }),
});

export const comparison = z
  .strictObject({
    schema: z.literal(1).meta({ description: "Version of this document." }),
    verdict: z.enum(["equal", "differs"]).meta({ description: "`equal` only when the digests are." }),
    grade: grade.nullable().meta({ description: "The gravest of all differences; null when equal." }),
    a: side,
    b: side,
    causes: z.array(rankedCause).meta({ description: "The likeliest first." }),
    differences: z.array(difference),
    more: count.meta({ description: "How many more differences there are than are listed." }),
    unread: z
      .array(z.strictObject({ where, reason: z.string() }))
      .meta({ description: "What could not be looked into, so that more may differ within it." }),
    experiments: z
      .array(experiment)
      .exactOptional()
      .meta({ description: "The reruns that were made to find causes, in their order." }),
  })
  .meta({ title: "Lockstep comparison", description: "What `lockstep explain --json` has as its result." });

/** The same as JSON Schema (draft 2020-12), for `lockstep schema comparison` and `docs/comparison.schema.json`. */
export function comparisonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(comparison) as Readonly<Record<string, unknown>>;
}
