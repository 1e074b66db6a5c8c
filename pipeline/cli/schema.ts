/** `lockstep schema`: the JSON Schema of image.yaml, for editors. */
import { imageSchema } from "../spec/schema.ts";
import type { CommandModule } from "./command.ts";

export const define: CommandModule["define"] = () => {};

export const examples: CommandModule["examples"] = ["lockstep schema > image.schema.json"];

export const run: CommandModule["run"] = () => {
  const schema = imageSchema();
  return Promise.resolve({ exit: 0, result: schema, text: `${JSON.stringify(schema, undefined, 2)}\n` });
};
