/** Values that several parts of the schema have. Wording as in schema.ts: what the value must be. */
import { z } from "zod";

/** Wording rule: every message of the schema says what the value must be, as a clause that follows the value's path. */
export function text(pattern: RegExp, must: string) {
  return z.string().regex(pattern, { error: `must be ${must}` });
}

/** 4294967295 is (uid_t) -1, which means "no change" to chown(2). */
const idsInRange = (ids: string): boolean => ids.split(":").every((value) => Number(value) <= 4_294_967_294);
export const owner = text(/^(0|[1-9]\d{0,9}):(0|[1-9]\d{0,9})$/, 'numeric ids with a colon, such as "65532:65532"')
  .refine(idsInRange, { error: "must have ids of at most 4294967294" })
  .meta({ description: 'Numeric owner, "uid:gid".' });

export const url = text(
  /^https?:\/\/[\x21-\x7e]+$/,
  "an https address, with everything but letters, digits and usual signs escaped",
).max(2000);

export const sha256 = text(/^[0-9a-f]{64}$/, "64 hexadecimal digits in lower case");

export const forPlatforms = <Value extends z.ZodType>(value: Value, must: string) =>
  z.union([value, z.strictObject({ "linux/amd64": value.optional(), "linux/arm64": value.optional() })], {
    error: `must be ${must}, or one for each platform`,
  });
