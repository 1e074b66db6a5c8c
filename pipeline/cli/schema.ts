/** `lockstep schema`: the JSON Schemas of the documents that are read and written, for editors and other programs. */
import { Argument } from "commander";
import type { CommandModule } from "./command.ts";
import type { documents } from "./documents/table.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Each schema is loaded when it is asked for. */
const schemas: Readonly<Record<string, () => Promise<Schema>>> = {
  image: async () => (await import("../spec/schema.ts")).imageSchema(),
  comparison: async () => (await import("../verify/report/schema.ts")).comparisonSchema(),
  ...Object.fromEntries(
    (
      [
        "output",
        "ship",
        "pin",
        "outdated",
        "build",
        "verify",
        "report",
        "sbom",
        "attest",
        "publish",
        "copy",
        "render",
        "deliver",
        "check",
      ] satisfies readonly (keyof typeof documents)[]
    ).map((name) => [name, async (): Promise<Schema> => (await import("./documents/table.ts")).documentSchema(name)]),
  ),
};

export const define: CommandModule["define"] = (command) => {
  command.addArgument(
    new Argument("[document]", "image.yaml, or what a command prints with --json")
      .choices(Object.keys(schemas))
      .default("image"),
  );
};

export const examples: CommandModule["examples"] = [
  "lockstep schema > image.schema.json",
  "lockstep schema comparison > comparison.schema.json",
  "lockstep schema report",
];

export const run: CommandModule["run"] = async (_context, _options, [document = "image"]) => {
  const schema = (await schemas[document]?.()) ?? {};
  return { exit: 0, result: schema, text: `${JSON.stringify(schema, undefined, 2)}\n` };
};
