/** The schema of layers that run code: `run` and `dockerfile`. Wording as in schema.ts: what the value must be. */
import { z } from "zod";
import { forPlatforms, owner, sha256, url } from "./schema-values.ts";

const path = z.string().min(1).max(4096);
const glob = z.string().min(1).max(1024);
const name = z
  .string()
  .regex(/^[a-z0-9]+([._-][a-z0-9]+)*$/, { error: "must be the name of an image" })
  .max(128);
const scalar = z.union([z.string(), z.number(), z.boolean()], { error: "must be a string, a number or a boolean" });
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "must be the name of an environment variable" });

const seconds = z
  .int()
  .min(1)
  .max(86_400)
  .default(3600)
  .meta({ description: "Seconds after which the step is ended." });

const fetch = z
  .array(
    z.strictObject({
      url: forPlatforms(url, "an https address"),
      sha256: forPlatforms(sha256, "64 hexadecimal digits in lower case").optional(),
    }),
  )
  .max(1000)
  .default([])
  .meta({ description: "Files from the web that the step asks for; the lock pins them, and nothing else answers." });

const secrets = z
  .array(
    z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, {
        error: "must be a name of letters, digits, dots, hyphens and underscores",
      })
      .max(64),
  )
  .max(32)
  .default([])
  .meta({
    description: "Names of secrets that the step finds as files in /run/secrets; their values are nowhere in a spec.",
  });

export const run = z
  .strictObject({
    argv: z
      .array(z.string().max(65_536))
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "The program and its arguments." }),
    script: z
      .string()
      .min(1)
      .max(65_536)
      .optional()
      .meta({ description: "A script for /bin/sh -e, in place of argv." }),
    env: z.record(variable, scalar).default({}).meta({ description: "Variables besides the fixed ones." }),
    workdir: path.default("/").meta({ description: "Absolute path that the step runs in." }),
    network: z.string().max(64).default("none").meta({ description: "Only `none`: steps have no network." }),
    fetch,
    secrets,
    user: owner.default("0:0").meta({ description: 'Who runs the program, "uid:gid".' }),
    timeout: seconds,
    tools: name.optional().meta({
      description:
        "Image of this repository that the step runs in, instead of the tree so far; only `outputs` are taken.",
    }),
    files: z
      .array(z.strictObject({ from: path, into: path, exclude: z.array(glob).max(1000).default([]) }))
      .max(100)
      .optional()
      .meta({ description: "Files of the repository that the step finds beside its tools." }),
    outputs: z
      .array(z.strictObject({ from: path, into: path }))
      .min(1)
      .max(100)
      .optional()
      .meta({ description: "What is taken from the step, and where it goes in the image." }),
  })
  .refine((value) => (value.argv === undefined) !== (value.script === undefined), {
    error: "must have exactly one of argv and script",
  })
  .meta({ description: "A step that runs code, on a Dagger engine; what it changes becomes a layer." });

export const dockerfile = z
  .strictObject({
    context: path.meta({ description: "Directory with the Dockerfile, relative to the folder of image.yaml." }),
    file: path.default("Dockerfile").meta({ description: "The Dockerfile, relative to `context`." }),
    target: z
      .string()
      .regex(/^[a-zA-Z][a-zA-Z0-9._-]*$/, { error: "must be the name of a stage" })
      .max(128)
      .optional()
      .meta({ description: "The stage whose file system is taken; the last one unless given." }),
    args: z.record(variable, scalar).default({}).meta({ description: "Values of ARG." }),
    images: z.array(name).max(32).default([]).meta({
      description: "Images of this repository that FROM and COPY --from may name.",
    }),
    exclude: z
      .array(glob)
      .max(1000)
      .default([])
      .meta({ description: "Globs relative to `context` of what is left out." }),
    fetch,
    secrets,
    timeout: seconds,
  })
  .meta({ description: "What an existing Dockerfile makes, built on a Dagger engine without a network." });
