/** What `check` says. */
import { z } from "zod";
import { count, names, problem, type DocumentOf } from "./shared.ts";

const position = z.strictObject({ line: z.int().min(1), column: z.int().min(1) });
const severity = z.enum(["error", "warning", "note"]);
const rule = z
  .string()
  .regex(/^LK\d{4}$/)
  .meta({ description: "Each rule has a page in docs/rules." });

const finding = z.strictObject({
  rule,
  severity,
  message: z.string(),
  place: position.extend({ file: z.string() }),
  end: position,
  fixable: z.boolean().meta({ description: "Whether --fix mends it." }),
  suppressed: z.string().exactOptional().meta({ description: "The reason of the suppression." }),
});

export const check = z
  .union([
    z.strictObject({
      problems: z.array(problem),
      warnings: z.array(problem),
      lint: z.strictObject({
        checked: count.meta({ description: "How many files were read." }),
        fixed: names.meta({ description: "Files that were changed." }),
        findings: z.array(finding),
      }),
    }),
    z
      .strictObject({
        rules: z.array(
          z.strictObject({
            id: rule,
            title: z.string(),
            severity,
            elsewhere: severity.exactOptional().meta({ description: "Outside of Dockerfiles, where it is another." }),
            rows: names.meta({ description: "Rows of docs/catalogue.md." }),
            why: z.string(),
            remedy: z.string(),
            fixable: z.boolean(),
          }),
        ),
      })
      .meta({ description: "With --rules." }),
  ])
  .meta({ title: "Lockstep check", description: "What `lockstep check --json` has as its result." });

export type CheckDocument = DocumentOf<typeof check>;
