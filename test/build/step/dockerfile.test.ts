import { describe, expect, it } from "vitest";
import type { PlannedDockerfile } from "../../../pipeline/build/plan.ts";
import { hermeticDockerfile } from "../../../pipeline/build/step/dockerfile.ts";
import { dockerfileProblems } from "../../../pipeline/build/step/check-dockerfiles.ts";
import { readSpecs } from "../../../pipeline/build/repository.ts";
import { launcherOf } from "../../../pipeline/build/step/surroundings.ts";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { parseDockerfile } from "../../../pipeline/dockerfile/parser.ts";
import { tinyRepository } from "../tiny-repository.ts";

const digest = `sha256:${"a".repeat(64)}` as const;
const command: PlannedDockerfile = {
  kind: "dockerfile",
  file: "Dockerfile",
  args: {},
  env: { TZ: "UTC" },
  network: "none",
  images: { base: digest, tools: digest },
  context: [],
};
const images = [
  { name: "base", add: ["ADD base.tar /"], env: ['A=x "y" $z \\'], workdir: "/srv", user: "65532:65532" },
  { name: "tools", add: ["ADD tools.tar /"], env: [] },
];

function hermetic(text: string, more: Partial<PlannedDockerfile> = {}, nonce = "n") {
  return hermeticDockerfile(
    text,
    "app/Dockerfile",
    { ...command, ...more },
    command.env,
    images,
    ["ADD lockstep-context.tar /"],
    {
      timeout: 60,
      nonce,
    },
  );
}

/** The text without what starts programs and without the stages of images. */
function plain(text: string, more: Partial<PlannedDockerfile> = {}): string {
  const made = hermetic(text, more).text;
  return made
    .slice(made.indexOf("ADD lockstep-context.tar /\n") + "ADD lockstep-context.tar /\n".length)
    .replaceAll(/"\/usr\/bin\/timeout","-k","10","60","\/usr\/bin\/env"(?:,"-u","[\w-]+")+/g, "START");
}

function problems(text: string, more: Partial<PlannedDockerfile> = {}): readonly string[] {
  try {
    hermetic(text, more);
    return [];
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.problems.map(({ code, place, message }) => `${code} ${place?.line}:${place?.column} ${message}`);
  }
}

describe("a Dockerfile that is given to an engine", () => {
  it("starts every program otherwise where it is to be", () => {
    const launcher = launcherOf("linux/amd64", new Set(["step-processors"]));
    const text = 'FROM base\nRUN a\nRUN --network=none ["/b"]\nSHELL ["/bin/dash", "-c"]\n';
    const start = { timeout: 60, nonce: "n", launcher, clauses: ["ulimit -S -n 512"] };
    const made = hermeticDockerfile(
      text,
      "Dockerfile",
      command,
      {},
      images,
      ["ADD lockstep-context.tar /"],
      start,
    ).text;
    expect(
      made.startsWith("FROM scratch AS lockstep-launcher\nADD lockstep-launcher.tar /\nFROM scratch AS base\n"),
    ).toBe(true);
    const words =
      '"/run/lockstep/one-processor","/bin/sh","-c","ulimit -S -n 512 && unset PWD OLDPWD SHLVL _ && exec \\"$@\\"","sh",';
    const mount = "--mount=type=bind,from=lockstep-launcher,target=/run/lockstep";
    const lines = made.slice(made.lastIndexOf("FROM base\n")).split("\n");
    const short = lines.map((line) => line.replace(/"\/usr\/bin\/timeout".*?"-u","TRACESTATE"/, "START"));
    expect(short).toEqual([
      "FROM base",
      `SHELL [${words}START,"/bin/sh","-c"]`,
      `RUN --network=none ${mount} a`,
      `RUN ${mount} --network=none [${words}START, "/b"]`,
      `SHELL [${words}START, "/bin/dash", "-c"]`,
      "",
    ]);
  });

  it("begins with a stage for each image, as its config has it, and one for the context", () => {
    expect(hermetic("ARG V=1\nFROM base\n").text.split("FROM base\n")[0]).toBe(
      [
        "ARG V=1",
        "FROM scratch AS base",
        "ADD base.tar /",
        'ENV TZ="UTC"',
        'ENV A="x \\"y\\" \\$z \\\\"',
        "WORKDIR /srv",
        "USER 65532:65532",
        "FROM scratch AS tools",
        "ADD tools.tar /",
        'ENV TZ="UTC"',
        "FROM scratch AS lockstep-context",
        "ADD lockstep-context.tar /",
        "FROM base",
      ]
        .join("\n")
        .replace(/FROM base$/, ""),
    );
  });

  it("runs everything without a network, and starts it without what the engine adds", () => {
    expect(
      plain('FROM base\nRUN a \\\n  && b\nrun --network=none ["c", "d"]\nSHELL ["/bin/bash", "-c"]\nRUN <<E\nx\nE\n'),
    ).toBe(
      'FROM base\nSHELL [START,"/bin/sh","-c"]\nRUN --network=none a \\\n  && b\nrun --network=none [START, "c", "d"]\nSHELL [START, "/bin/bash", "-c"]\nRUN --network=none <<E\nx\nE\n',
    );
    const { text } = hermetic("FROM base\nRUN a\n");
    for (const name of ["TRACEPARENT", "OTEL_EXPORTER_OTLP_ENDPOINT"]) expect(text).toContain(`"-u","${name}"`);
  });

  it("runs again for another word, which no program sees", () => {
    const [first, second] = ["one", "two"].map((word) => hermetic("FROM base\nRUN a\n", {}, word).text);
    expect(first).not.toBe(second);
    expect(first?.replaceAll("lockstep-one", "")).toBe(second?.replaceAll("lockstep-two", ""));
    expect(first).toContain('"/usr/bin/env","-u","lockstep-one",');
  });

  it("takes files from the context alone, in which nothing of Lockstep is", () => {
    expect(
      plain(
        "FROM base AS a\nCOPY --chown=1:1 x y /z/\nCOPY <<E /t\nx\nE\nFROM tools\nCOPY --from=a /z /z\nCOPY --from=base /q /q\nCOPY --from=0 /z /y\n",
      ),
    ).toBe(
      'FROM base AS a\nSHELL [START,"/bin/sh","-c"]\nCOPY --from=lockstep-context --chown=1:1 x y /z/\nCOPY <<E /t\nx\nE\nFROM tools\nSHELL [START,"/bin/sh","-c"]\nCOPY --from=a /z /z\nCOPY --from=base /q /q\nCOPY --from=0 /z /y\n',
    );
    expect(plain("FROM base\nRUN --mount=type=bind,target=/src --mount=type=tmpfs,target=/t a\n")).toContain(
      "RUN --network=none --mount=from=lockstep-context,type=bind,target=/src --mount=type=tmpfs,target=/t a",
    );
  });

  it("has the values that the spec gives to ARG, and ends in the stage that it names", () => {
    const text = 'FROM base AS a\nARG V=1 W="w x"\nARG X\nFROM base\n';
    expect(plain(text, { args: { V: 'q "$1"', X: "x" }, target: "a" })).toBe(
      'FROM base AS a\nSHELL [START,"/bin/sh","-c"]\nARG V="q \\"\\$1\\"" W="w x"\nARG X="x"\nFROM base\nSHELL [START,"/bin/sh","-c"]\n\nFROM a\n',
    );
  });

  it("can be read again, with the same instructions in the same stages", () => {
    const text = 'FROM base AS a\nRUN x\nCOPY a b\nFROM scratch\nCOPY --from=a /b /b\nCMD ["/b"]\nLABEL a=b\n';
    const { text: made, notTaken } = hermetic(text);
    const words = parseDockerfile(made).instructions.map(({ keyword }) => keyword);
    expect(words.join(" ")).toMatch(/FROM SHELL RUN COPY FROM SHELL COPY CMD LABEL$/);
    expect(parseDockerfile(made).problems).toEqual([]);
    expect(notTaken).toEqual(["CMD", "LABEL"]);
  });
});

describe("LS2059: a Dockerfile is refused that", () => {
  it.each([
    [
      "is from an image that is not of the repository",
      "FROM debian:12\n",
      "1:6 FROM debian:12, which is no stage before and no image under images",
    ],
    ["is from one with a digest all the same", `FROM debian@${digest}\n`, `1:6 FROM debian@${digest}, which is`],
    ["is from what a variable names", "ARG B=base\nFROM $B\n", "2:6 FROM $B, which is"],
    ["is from a stage that comes later", "FROM a\nFROM base AS a\n", "1:6 FROM a, which is"],
    [
      "is for another platform",
      "FROM --platform=linux/arm64 base\n",
      "1:6 FROM --platform: a stage is for the platform of the image",
    ],
    [
      "copies from an image of a registry",
      "FROM base\nCOPY --from=registry.example/x /a /a\n",
      "2:13 COPY --from registry.example/x, which is",
    ],
    [
      "copies from its own stage by number, which is none before",
      "FROM base\nCOPY --from=0 /a /a\n",
      "2:13 COPY --from 0, which is",
    ],
    ["adds", "FROM base\nADD https://files.example/x /x\n", "2:1 ADD fetches or unpacks"],
    [
      "has a network",
      "FROM base\nRUN --network=default a\n",
      "2:5 RUN --network=default: what is fetched is in no lock",
    ],
    ["has the network of the host", "FROM base\nRUN --network=host a\n", "2:5 RUN --network=host"],
    [
      "may do everything",
      "FROM base\nRUN --security=insecure a\n",
      "2:5 RUN --security: the surroundings of steps are fixed",
    ],
    ["keeps a cache", "FROM base\nRUN --mount=type=cache,target=/c a\n", "2:5 RUN --mount=type=cache"],
    ["takes a secret", "FROM base\nRUN --mount=type=secret,id=x a\n", "2:5 RUN --mount=type=secret"],
    ["takes keys", "FROM base\nRUN --mount=type=ssh a\n", "2:5 RUN --mount=type=ssh"],
    [
      "mounts an image of a registry",
      "FROM base\nRUN --mount=from=debian:12,target=/d a\n",
      "2:5 RUN --mount from debian:12, which is",
    ],
    [
      "is read by another program",
      "# syntax=docker/dockerfile:1\nFROM base\n",
      "1:1 another program would read this Dockerfile",
    ],
    ["waits for other builds", "FROM base\nONBUILD RUN a\n", "2:1 ONBUILD is for builds on an image"],
    [
      "copies both files and a here-document",
      "FROM base\nCOPY a <<E /t/\nx\nE\n",
      "2:1 COPY of files and here-documents at once",
    ],
  ])("%s", (_, text, message) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`LS2059 ${message}`);
  });

  it("lacks the stage or the ARG that the spec names; and all of it is told at once", () => {
    expect(problems("FROM base\nADD a b\nRUN --network=host c\n", { target: "x", args: { V: "1" } })).toEqual([
      expect.stringContaining("LS2059 2:1 ADD"),
      expect.stringContaining("LS2059 3:5 RUN --network=host"),
      "LS2059 1:1 there is no stage x",
      "LS2059 1:1 there is no ARG V",
    ]);
  });
});

describe("LS2058: a Dockerfile is refused that", () => {
  it.each([
    ["has something else in it", "FROM base\nRNU a\n", '2:1 "RNU" is no instruction'],
    ["has no stage", "ARG A\n", "1:1 there is no FROM"],
    ["is empty", "", "1:1 there is no FROM"],
    ["runs nothing", "FROM base\nRUN []\n", "2:1 RUN without a program"],
    ["has a shell that is no list", "FROM base\nSHELL /bin/sh\n", "2:1 SHELL without a list of strings"],
  ])("%s", (_, text, message) => {
    expect(problems(text)).toEqual([`LS2058 ${message}`]);
  });
});

describe("check of a repository with Dockerfiles", () => {
  it("LS2058, LS2059: tells what is wrong with each, before anything is built", async () => {
    const at = await tinyRepository({
      images: {
        base: "layers: []\nfrom: none\n",
        fetching: "layers:\n  - dockerfile: { context: app }\n",
        lacking: "layers:\n  - dockerfile: { context: app, file: other }\n",
        sound: "layers:\n  - dockerfile: { context: app, file: sound, images: [base] }\n",
      },
      files: {
        "images/base/image.yaml": "name: base\nlayers:\n  - directories: [{ path: /a }]\n",
        "images/fetching/app/Dockerfile": "FROM debian:12\nRUN --network=host a\n",
        "images/lacking/app/x": "",
        "images/sound/app/sound": "FROM base\nCOPY x /x\n",
      },
    });
    const found = await dockerfileProblems(at.root, await readSpecs(at.store, at.root));
    expect(found.map(({ code, place }) => `${code} ${place?.file}:${place?.line}`)).toEqual([
      "LS2059 images/fetching/app/Dockerfile:1",
      "LS2059 images/fetching/app/Dockerfile:2",
      "LS2058 images/lacking/image.yaml:3",
    ]);
  });
});
