/** What the documents of `--json` are written with: schemas that are published, and the types that follow from them. */
import { z } from "zod";
import { count, digest } from "../../verify/report/schema.ts";

export { count, digest };

/** A value of a document, which nobody changes. */
type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

/** What a schema describes, for results to be held against it by the compiler. */
export type DocumentOf<Schema extends z.ZodType> = Frozen<z.output<Schema>>;

export const platform = z.string().meta({ description: "Such as linux/arm64." });
export const image = z.string().meta({ description: "Name of the image: its folder in images/." });
export const path = z.string().meta({ description: "Absolute." });
export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: "64 hexadecimal digits." });
export const names = z.array(z.string());

export const place = z.strictObject({
  file: z.string(),
  line: count.exactOptional().meta({ description: "From 1." }),
  column: count.exactOptional().meta({ description: "From 1." }),
});

export const problem = z
  .strictObject({
    code: z
      .string()
      .regex(/^LS\d{4}$/)
      .meta({ description: "Each code has a page in docs/errors." }),
    message: z.string(),
    place: place.exactOptional(),
    hint: z.string().exactOptional().meta({ description: "What to do." }),
  })
  .meta({ id: "problem", description: "What is wrong, where, and what to do about it." });

/** Everything that stdout has with `--json`; what `result` is depends on the command. */
export const output = z
  .union([
    z.strictObject({
      version: z.literal(1).meta({ description: "Version of all documents." }),
      command: z.string(),
      exit: z.int().min(0).max(4).meta({ description: "The exit code." }),
      result: z.unknown().meta({ description: "What the schema of the command describes." }),
    }),
    z.strictObject({
      version: z.literal(1),
      error: z.strictObject({ problems: z.array(problem).min(1) }),
    }),
  ])
  .meta({ title: "Lockstep output", description: "What a command prints with --json." });
