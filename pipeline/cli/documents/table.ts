/** The schemas of what commands print with `--json`, by the name of the command. */
import { z } from "zod";
import { attest, build, render, sbom, ship } from "./build.ts";
import { check } from "./check.ts";
import { deliver } from "./deliver.ts";
import { outdated, pin } from "./pin.ts";
import { copy, publish } from "./publish.ts";
import { report } from "./report.ts";
import { output } from "./shared.ts";
import { verify } from "./verify.ts";

export const documents = {
  output,
  ship,
  pin,
  outdated,
  build,
  verify,
  report,
  sbom,
  attest,
  publish,
  copy,
  render,
  deliver,
  check,
} satisfies Readonly<Record<string, z.ZodType>>;

/** As JSON Schema (draft 2020-12). */
export function documentSchema(name: keyof typeof documents): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(documents[name]) as Readonly<Record<string, unknown>>;
}
