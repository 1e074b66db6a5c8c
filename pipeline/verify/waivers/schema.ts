/** The schema of waivers.yaml: shapes and patterns. What needs the table of causes or the date is checked in read.ts and apply.ts. */
import { z } from "zod";
import type { Issue } from "../../spec/schema-problems.ts";

/** Every message says what the value must be, as a clause that follows the value's path. */
function text(pattern: RegExp, must: string) {
  return z.string().regex(pattern, { error: `must be ${must}` });
}

const words = text(/\S/, "some words").max(1000);

/** A day that the calendar has: 2026-02-30 is none. */
const day = text(/^\d{4}-\d\d-\d\d$/, "a day, such as 2026-12-31").refine(
  (value) => {
    const time = Date.parse(`${value}T00:00:00Z`);
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
  },
  { error: "must be a day that the calendar has" },
);

const field = text(/^[^*\s][^*]*$/, "one field, exactly as `explain` names it").max(1000);

const waiver = z
  .strictObject({
    image: text(/^[a-z0-9]+([._-][a-z0-9]+)*$/, "the name of an image of the repository").max(128),
    platform: text(/^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9]+)?$/, "a platform, such as linux/arm64").optional(),
    layer: z.int().min(1).max(1000).optional(),
    path: text(/^\/(?!.*\/$)[^*]*$/, "one absolute path in the image, without stars and a slash at the end")
      .max(4096)
      .optional(),
    field: field.optional(),
    cause: text(/^[A-Za-z]+\d{0,2}$/, "the id of a cause, such as S10"),
    reason: words,
    owner: words,
    expires: day,
  })
  .refine(({ path, field: named }) => path !== undefined || named !== undefined, {
    error: "must have a path, a field, or both",
  })
  .refine(
    ({ path, field: named }) => path !== undefined || /^(?:index|manifest|config|layer)\../.test(named ?? "manifest.x"),
    {
      error: "must have a field that begins with index., manifest., config. or layer. where there is no path",
    },
  );

const document = z.strictObject({ waivers: z.array(waiver).max(1000) });

export type RawWaiver = z.output<typeof waiver>;

export type CheckedWaivers =
  | { readonly ok: true; readonly value: readonly RawWaiver[] }
  | { readonly ok: false; readonly issues: readonly Issue[] };

export function checkWaivers(value: unknown): CheckedWaivers {
  const result = document.safeParse(value);
  return result.success ? { ok: true, value: result.data.waivers } : { ok: false, issues: result.error.issues };
}

/** As JSON Schema (draft 2020-12), for suggestions. */
export function waiversSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(document, { io: "input" }) as Readonly<Record<string, unknown>>;
}
