/** Rules about the images that a Dockerfile is built on and takes files from. */
import type { Dockerfile, Instruction } from "../../dockerfile/parser.ts";
import { expand, globalArguments } from "../../dockerfile/variables.ts";
import { isMoving, isPinned } from "../image-reference.ts";
import type { Rule, SourceFile } from "../rule.ts";
import { extentOf } from "../../dockerfile/text.ts";
import { found } from "./tools.ts";

const digest = `sha256:${"0".repeat(64)}`;
const base = `FROM registry.example/debian@${digest}\n`;

interface Base {
  readonly place: { readonly at: number; readonly end: number };
  /** As it is written. */
  readonly written: string;
  /** With variables put in; undefined where one has no value. */
  readonly image: string | undefined;
}

/** Whether a Dockerfile in the folder of an image names another one of the repository, which the lock pins (docs/steps.md, "Dockerfiles"). */
function isOwnImage({ path, beside }: SourceFile, name: string): boolean {
  const parts = path.split("/");
  if (parts[0] !== "images" || !/^[a-z0-9][a-z0-9._-]*$/.test(name)) return false;
  return beside(`${"../".repeat(parts.length - 2)}${name}/image.yaml`);
}

/** The images that stages are from; stages, `scratch` and images of the repository are left out. */
function bases(file: Dockerfile, source: SourceFile): readonly Base[] {
  const variables = globalArguments(file);
  const earlier = new Set(["scratch"]);
  return file.stages.flatMap(({ base: written, name }) => {
    const image = expand(written.text, variables);
    const isBase = image === undefined || !(earlier.has(image.toLowerCase()) || isOwnImage(source, image));
    if (name !== undefined) earlier.add(name);
    if (!isBase) return [];
    return [{ place: extentOf(written, 0, written.text.length), written: written.text, image }];
  });
}

/** Whether `from=` names no image: a stage by name or number, or what is not known. */
function isStage(stages: ReadonlySet<string | undefined>, name: string): boolean {
  return (
    name === "" || name.includes("$") || /^\d+$/.test(name) || name === "scratch" || stages.has(name.toLowerCase())
  );
}

function instructions(file: Dockerfile, ...keywords: readonly string[]): readonly Instruction[] {
  return file.instructions.filter(({ keyword }) => keywords.includes(keyword));
}

export const baseImageRules: readonly Rule[] = [
  {
    id: "LK1001",
    title: "base image without a digest",
    severity: "error",
    rows: ["I10", "I11"],
    why: "A tag is moved when the image is published again, usually with every security update. The same Dockerfile is then built on something else.",
    remedy:
      "Name the base by digest, `name:tag@sha256:…`, and let a tool or `lockstep pin` bring newer ones by a commit.",
    example: {
      file: "Dockerfile",
      bad: "FROM registry.example/debian:13.2-slim\n",
      good: `FROM registry.example/debian:13.2-slim@${digest}\n`,
    },
    on: "dockerfile",
    check: (file, source) =>
      bases(file, source).flatMap(({ place, image }) =>
        image === undefined || isPinned(image) || isMoving(image)
          ? []
          : [found(place, `${image} is another image when its tag is published again`)],
      ),
  },
  {
    id: "LK1002",
    title: "base image that is meant to move",
    severity: "error",
    rows: ["I10", "I11"],
    why: "No tag means `latest`. `latest`, `stable` and their like are another image, and another major version, without any change of yours.",
    remedy: "Choose a version and name it by digest: `name:13.2@sha256:…`.",
    example: {
      file: "Dockerfile",
      bad: "FROM registry.example/debian:latest\n",
      good: `FROM registry.example/debian:13.2@${digest}\n`,
    },
    on: "dockerfile",
    check: (file, source) =>
      bases(file, source).flatMap(({ place, image }) =>
        image !== undefined && isMoving(image) ? [found(place, `${image} is the newest image of its kind`)] : [],
      ),
  },
  {
    id: "LK1003",
    title: "files from an image without a digest",
    severity: "error",
    rows: ["I10", "I11"],
    why: "`COPY --from` and `RUN --mount=from` take files out of whatever image the tag means today.",
    remedy: "Name the image by digest, or a stage.",
    example: {
      file: "Dockerfile",
      bad: `${base}COPY --from=registry.example/tools:2.1 /bin/tool /usr/local/bin/tool\n`,
      good: `${base}COPY --from=registry.example/tools:2.1@${digest} /bin/tool /usr/local/bin/tool\n`,
    },
    on: "dockerfile",
    check(file, source) {
      const stages = new Set(file.stages.map(({ name }) => name));
      return instructions(file, "COPY", "ADD", "RUN").flatMap(({ flags }) =>
        flags.flatMap((flag) => {
          const from =
            flag.name === "from"
              ? flag.value
              : flag.name === "mount"
                ? /(?:^|,)from=([^,]*)/.exec(flag.value)?.[1]
                : undefined;
          if (from === undefined || isStage(stages, from) || isPinned(from) || isOwnImage(source, from)) return [];
          return [found(flag, `${from} is another image when its tag is published again`)];
        }),
      );
    },
  },
  {
    id: "LK1004",
    title: "Dockerfile syntax without a digest",
    severity: "warning",
    rows: ["E14", "I10"],
    why: "`# syntax=` names an image that is the builder's front end: another one may build other layers from the same file.",
    remedy: "Name it by digest, or leave the line out and pin the builder.",
    example: {
      file: "Dockerfile",
      bad: `# syntax=registry.example/dockerfile:1\n${base}`,
      good: `# syntax=registry.example/dockerfile:1@${digest}\n${base}`,
    },
    on: "dockerfile",
    check: (file) =>
      file.directives.flatMap(({ name, value }) =>
        name === "syntax" && !isPinned(value.text)
          ? [
              found(
                extentOf(value, 0, value.text.length),
                `${value.text} is another front end when its tag is published again`,
              ),
            ]
          : [],
      ),
  },
  {
    id: "LK1008",
    title: "base image that only the command line knows",
    severity: "warning",
    rows: ["I10", "X4"],
    why: "The file does not say what it is built on: an ARG has no default.",
    remedy: "Give the ARG a default with a digest.",
    example: {
      file: "Dockerfile",
      bad: "ARG BASE\nFROM ${BASE}\n",
      good: `ARG BASE=registry.example/debian@${digest}\nFROM \${BASE}\n`,
    },
    on: "dockerfile",
    check: (file, source) =>
      bases(file, source).flatMap(({ place, image, written }) =>
        image === undefined && !/@sha256:[0-9a-f]{64}$/.test(written)
          ? [found(place, "the base is not in the file")]
          : [],
      ),
  },
];
