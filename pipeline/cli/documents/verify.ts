/** What `verify` says, of this machine, of past releases and of engines. */
import { z } from "zod";
import { comparison } from "../../verify/report/schema.ts";
import { count, digest, image, names, place, type DocumentOf } from "./shared.ts";

const answer = z.enum(["reproduced", "differs", "could not tell"]);

/** An `id` makes a definition of what is there several times. */
const compared = comparison.meta({ id: "comparison" });

const conclusion = z.strictObject({
  kind: z.enum(["always", "found", "unreproduced", "failed", "input"]),
  perturbations: names.meta({ description: "Of `found`: what makes the difference together." }),
  text: z.string(),
});

const stepConclusion = conclusion.extend({
  platform: z.string(),
  step: z.int().min(1).meta({ description: "Among the steps of the image." }),
  layer: z.int().min(1).meta({ description: "Among its layers." }),
  title: z.string(),
  place: place.exactOptional(),
  runs: z
    .array(
      z.strictObject({
        perturbations: names,
        outcome: z.enum(["same", "differs", "failed"]),
        digest: z.string().exactOptional().meta({ description: "Of its layer." }),
        note: z.string().exactOptional(),
      }),
    )
    .meta({ description: "The first is the one that is compared." }),
});

export const verdict = z
  .strictObject({
    image,
    verdict: answer,
    expected: digest.meta({ description: "Of the index that was built." }),
    rebuilt: digest
      .exactOptional()
      .meta({ description: "Of the index that was rebuilt; absent when it could not be told." }),
    differences: z
      .array(z.strictObject({ platform: z.string(), what: z.string(), expected: z.string(), rebuilt: z.string() }))
      .meta({ description: "The smallest parts whose digests differ." }),
    comparison: compared.exactOptional().meta({ description: "What differs in the bytes, and why." }),
    conclusion: conclusion.exactOptional().meta({ description: "What reruns say about why the rebuild differs." }),
    steps: z
      .array(stepConclusion)
      .exactOptional()
      .meta({ description: "Steps that give another layer when they are run again." }),
    against: compared.exactOptional().meta({ description: "What --against named, and what was rebuilt." }),
    reason: z.string().exactOptional().meta({ description: "Why it could not be told." }),
    known: z.boolean().meta({ description: "Whether an earlier verdict on the same plans and digest was kept." }),
    accepted: z
      .literal(true)
      .exactOptional()
      .meta({ description: "Waivers answer for everything that differs; the verdict stays what it is." }),
  })
  .meta({ id: "verdict" });

const change = z.strictObject({ name: z.string(), changes: z.string() });

const changes = {
  perturbations: z.array(z.array(change)).meta({ description: "What was changed, for each rebuild." }),
  skipped: z
    .array(z.strictObject({ name: z.string(), reason: z.string() }))
    .meta({ description: "What cannot be changed on this machine." }),
};

const here = z.strictObject({
  ...changes,
  stepPerturbations: z.array(change).meta({ description: "What is changed for the second run of steps." }),
  verdicts: z.array(verdict),
});

const release = z.strictObject({
  tag: z.string(),
  commit: z.string(),
  image: image.exactOptional().meta({ description: "Absent when nothing could be told of the whole release." }),
  verdict: answer,
  recorded: z.string().exactOptional().meta({ description: "The digest that the release's manifests name." }),
  rebuilt: digest.exactOptional(),
  reason: z.string().exactOptional(),
});

const rebuild = z.strictObject({
  image,
  verdict: answer,
  digest: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  engine: z.string(),
  seconds: z.number().min(0).meta({ description: "Of the call that it was part of." }),
  together: count.meta({ description: "How many images the call had." }),
});

const engines = z.strictObject({
  engines: names,
  rebuilders: z.int().min(1).meta({ description: "How many engines rebuild each image." }),
  verdicts: z.array(
    z.strictObject({
      image,
      verdict: answer,
      expected: z.string().exactOptional().meta({ description: "Of the layout that lies here, where there is one." }),
      rebuilds: z.array(rebuild),
      reasons: names,
    }),
  ),
  lost: z.record(z.string(), z.string()).meta({ description: "Why an engine could not be used, by its address." }),
});

export const verify = z
  .union([
    here,
    z.strictObject({ ...changes, releases: z.array(release) }).meta({ description: "With --all-tags." }),
    engines.meta({ description: "With --engine." }),
  ])
  .meta({ title: "Lockstep verify", description: "What `lockstep verify --json` has as its result." });

export type VerifyDocument = DocumentOf<typeof verify>;
