/** Rules about the other instructions of Dockerfiles. */
import type { Dockerfile, Instruction } from "../../dockerfile/parser.ts";
import { declarations, parentStage } from "../../dockerfile/variables.ts";
import type { Found, Rule } from "../rule.ts";
import { extentOf } from "../../dockerfile/text.ts";
import { found } from "./tools.ts";

const digest = `sha256:${"0".repeat(64)}`;
const base = `FROM registry.example/debian@${digest}\n`;

function instructions(file: Dockerfile, ...keywords: readonly string[]): readonly Instruction[] {
  return file.instructions.filter(({ keyword }) => keywords.includes(keyword));
}

/** Sources of ADD and COPY: all words but the last. */
function sources({
  json,
  body,
}: Instruction): readonly { readonly text: string; readonly at: number; readonly end: number }[] {
  const words =
    json === undefined
      ? [...body.text.matchAll(/\S+/g)].map((match) => ({
          text: match[0],
          ...extentOf(body, match.index, match.index + match[0].length),
        }))
      : json.map(({ text, at, end }) => ({ text, at, end }));
  return words.slice(0, -1).filter(({ text }) => !text.startsWith("<<"));
}

const repository = /^(?:git@|git:\/\/|ssh:\/\/git@)|^https?:\/\/[^#?]*\.git(?:[#?]|$)/;

function where(instruction: Instruction): { readonly at: number; readonly end: number } {
  return { at: instruction.at, end: instruction.at + instruction.keyword.length };
}

function named(
  file: Dockerfile,
  keyword: readonly string[],
  test: (name: string, value: string | undefined) => string | undefined,
): readonly Found[] {
  return instructions(file, ...keyword).flatMap((instruction) =>
    declarations(instruction).flatMap(({ name, value, at }) => {
      const message = test(name, value);
      return message === undefined ? [] : [found(extentOf(instruction.body, at, at + name.length), message)];
    }),
  );
}

/** Words in a `.dockerignore` that keep `.git` out. */
function ignoresGit(text: string | undefined): boolean {
  const lines = (text ?? "").split("\n").map((line) => line.trim().replace(/^\/|\/$/g, ""));
  return (
    lines.some((line) => /^(?:\*\*\/)?\.git(?:\/\*\*?)?$|^\*\*?$|^\.\*$|^\.git\*$/.test(line)) &&
    !lines.some((line) => line.startsWith("!.git"))
  );
}

/** Tools that put times into what they make unless SOURCE_DATE_EPOCH tells them otherwise. */
const compiles =
  /^(?:make|gmake|ninja|cmake|gcc|g\+\+|cc|c\+\+|clang|clang\+\+|rustc|javac|mvn|mvnw|gradle|gradlew|sphinx-build|doxygen|pdflatex|xelatex|latexmk|asciidoctor|mksquashfs|dpkg-buildpackage|rpmbuild)$/;

export const dockerfileRules: readonly Rule[] = [
  {
    id: "LK1005",
    title: "ADD of an address without a checksum",
    severity: "error",
    rows: ["E6", "X4"],
    why: "The server decides what is in the layer.",
    remedy: "Add `--checksum=sha256:…`.",
    example: {
      file: "Dockerfile",
      bad: `${base}ADD https://files.example/tool-1.2.0 /usr/local/bin/tool\n`,
      good: `${base}ADD --checksum=${digest} https://files.example/tool-1.2.0 /usr/local/bin/tool\n`,
    },
    on: "dockerfile",
    check: (file) =>
      instructions(file, "ADD").flatMap((add) =>
        add.flags.some(({ name }) => name === "checksum")
          ? []
          : sources(add).flatMap((source) =>
              /^https?:\/\//.test(source.text) && !repository.test(source.text)
                ? [found(source, "nothing checks what the server sends")]
                : [],
            ),
      ),
  },
  {
    id: "LK1006",
    title: "ADD of a repository without a commit",
    severity: "error",
    rows: ["L26", "E6"],
    why: "Without a commit the newest state of a branch is added.",
    remedy: "Name the commit by its full id behind `#`.",
    example: {
      file: "Dockerfile",
      bad: `${base}ADD https://git.example/tool.git#main /src\n`,
      good: `${base}ADD https://git.example/tool.git#${"0123456789".repeat(4)} /src\n`,
    },
    on: "dockerfile",
    check: (file) =>
      instructions(file, "ADD").flatMap((add) =>
        sources(add).flatMap((source) =>
          repository.test(source.text) &&
          !/#[0-9a-f]{40}(?::|$)|[?&](?:commit|checksum)=[0-9a-f]{40}/.test(source.text) &&
          !/[#=]\$/.test(source.text) &&
          !add.flags.some(({ name }) => name === "checksum")
            ? [found(source, "the newest state of a branch is added")]
            : [],
        ),
      ),
  },
  {
    id: "LK1007",
    title: "whole context copied with .git",
    severity: "warning",
    rows: ["L24", "P1"],
    why: "The index and logs in `.git` differ between two clones of one commit, and so does everything that lies around in a working directory.",
    remedy: "Copy what is needed by name, or list `.git` in `.dockerignore`.",
    example: { file: "Dockerfile", bad: `${base}COPY . /app\n`, good: `${base}COPY src /app/src\n` },
    on: "dockerfile",
    check(file, { path, readBeside }) {
      const name = path.slice(path.lastIndexOf("/") + 1);
      if (ignoresGit(readBeside(`${name}.dockerignore`) ?? readBeside(".dockerignore"))) return [];
      return instructions(file, "COPY", "ADD").flatMap((copy) =>
        copy.flags.some(
          (flag) => flag.name === "from" || (flag.name === "exclude" && /^(?:\*\*\/)?\.git/.test(flag.value)),
        )
          ? []
          : sources(copy).flatMap((source) =>
              /^(?:\.|\.\/|\/|\*|\.\/\*)$/.test(source.text)
                ? [found(source, "the whole context is copied, and no .dockerignore leaves .git out")]
                : [],
            ),
      );
    },
  },
  {
    id: "LK1009",
    title: "label that changes with every build",
    severity: "warning",
    rows: ["T8", "T9", "I2", "I3"],
    why: "A label with the time, a number of the build or a name of the builder gives every build another configuration and another digest.",
    remedy: "Leave it out; who built what and when belongs in the signed statement beside the image.",
    example: {
      file: "Dockerfile",
      bad: `${base}ARG BUILD_DATE\nLABEL org.opencontainers.image.created=$BUILD_DATE\n`,
      good: `${base}LABEL org.opencontainers.image.title=app\n`,
    },
    on: "dockerfile",
    check: (file) =>
      named(file, ["LABEL"], (name) =>
        /(?:^|[._-])(?:created|build[._-]?(?:date|time|number|id|host|timestamp)|timestamp|vcs-date|built[._-]?(?:at|on|by))$/i.test(
          name,
        )
          ? `the label ${name} differs from build to build`
          : undefined,
      ),
  },
  {
    id: "LK1010",
    title: "owner by name",
    severity: "warning",
    rows: ["P6", "P12"],
    why: "A name is looked up in `/etc/passwd` of the base, and another base gives another number.",
    remedy: "Give numbers: `--chown=65532:65532`.",
    example: {
      file: "Dockerfile",
      bad: `${base}COPY --chown=app:app src /app\n`,
      good: `${base}COPY --chown=65532:65532 src /app\n`,
    },
    on: "dockerfile",
    check: (file) =>
      instructions(file, "COPY", "ADD").flatMap(({ flags }) =>
        flags.flatMap((flag) =>
          flag.name === "chown" && !flag.value.includes("$") && !/^(?:\d+|root)(?::(?:\d+|root))?$/.test(flag.value)
            ? [found(flag, `what number ${flag.value} is, is decided by the base`)]
            : [],
        ),
      ),
  },
  {
    id: "LK1011",
    title: "user by name",
    severity: "note",
    rows: ["P6"],
    why: "A name is looked up in `/etc/passwd` when the container starts. Kubernetes cannot tell whether it is root.",
    remedy: "Give numbers: `USER 65532:65532`.",
    example: { file: "Dockerfile", bad: `${base}USER app\n`, good: `${base}USER 65532:65532\n` },
    on: "dockerfile",
    check: (file) =>
      instructions(file, "USER").flatMap((user) => {
        const name = user.body.text.trim();
        return name.includes("$") || /^(?:\d+|root)(?::(?:\d+|root))?$/.test(name)
          ? []
          : [found(where(user), `user ${name} is a name`)];
      }),
  },
  {
    id: "LK1012",
    title: "cache that steps share",
    severity: "note",
    rows: ["X1", "X16"],
    why: "What is in a cache mount depends on the builds that ran before on this machine. A step that reads from it may come to another result.",
    remedy: "Use it for downloads that are checked by hash, and build without it before a release.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN --mount=type=cache,target=/home/build/.cache configure-app\n`,
      good: `${base}RUN configure-app\n`,
    },
    on: "dockerfile",
    check: (file) =>
      instructions(file, "RUN").flatMap(({ flags }) =>
        flags.flatMap((flag) =>
          flag.name === "mount" && /(?:^|,)type=cache(?:,|$)/.test(flag.value)
            ? [found(flag, "what is in this cache depends on earlier builds")]
            : [],
        ),
      ),
  },
  {
    id: "LK1013",
    title: "step on the network or with the rights of the machine",
    severity: "warning",
    rows: ["E3", "E6", "E8"],
    why: "`--network=host` and `--security=insecure` let a step see names, ports and devices of the machine that builds.",
    remedy: "Remove the flag; `--network=none` is best where nothing is downloaded.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN --network=host configure-app\n`,
      good: `${base}RUN --network=none configure-app\n`,
    },
    on: "dockerfile",
    check: (file) =>
      instructions(file, "RUN").flatMap(({ flags }) =>
        flags.flatMap((flag) =>
          (flag.name === "network" && flag.value === "host") || (flag.name === "security" && flag.value === "insecure")
            ? [found(flag, `--${flag.name}=${flag.value} shows the step the machine that builds`)]
            : [],
        ),
      ),
  },
  {
    id: "LK1014",
    title: "step that compiles without the epoch",
    severity: "note",
    rows: ["T11", "T14", "L23"],
    why: "Compilers and generators of documents write times. Those that can be told otherwise read `SOURCE_DATE_EPOCH`, and a step only has it when the stage declares it.",
    remedy: "Declare `ARG SOURCE_DATE_EPOCH` in the stage.",
    fix: "Adds `ARG SOURCE_DATE_EPOCH` behind FROM.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN make\n`,
      good: `${base}ARG SOURCE_DATE_EPOCH\nRUN make\n`,
    },
    on: "script",
    check(script) {
      const { run, variables, text } = script.setting;
      if (run === undefined || variables.has("SOURCE_DATE_EPOCH")) return [];
      const command = script.commands.find(({ name }) => compiles.test(name));
      const from = run.file.stages[run.instruction.stage]?.from;
      if (command === undefined || from === undefined || run.instruction.onbuild) return [];
      // Where several steps compile they all ask for the same line, which is put in once.
      const at = text.indexOf("\n", from.end) + 1;
      const fix = at > 0 ? [{ at, end: at, text: "ARG SOURCE_DATE_EPOCH\n" }] : undefined;
      return [found(command.word ?? command, `${command.name} does not know the epoch`, fix)];
    },
  },
  {
    id: "LK1015",
    title: "working directory that depends on the base",
    severity: "warning",
    rows: ["E2", "I9"],
    why: "A relative `WORKDIR` is below that of the base image, whatever that is in its next version.",
    remedy: "Write an absolute path first.",
    example: { file: "Dockerfile", bad: `${base}WORKDIR app\n`, good: `${base}WORKDIR /app\n` },
    on: "dockerfile",
    check(file) {
      const absolute = new Set<number>();
      const isAbsolute = (stage: number | undefined): boolean =>
        stage !== undefined && (absolute.has(stage) || isAbsolute(parentStage(file, stage)));
      return instructions(file, "WORKDIR").flatMap((instruction) => {
        const path = instruction.body.text.replace(/^["']/, "");
        if (/^(?:\/|\$|[A-Za-z]:)/.test(path)) absolute.add(instruction.stage);
        return isAbsolute(instruction.stage)
          ? []
          : [found(where(instruction), `${path} is below the working directory of the base`)];
      });
    },
  },
  {
    id: "LK1016",
    title: "secret in the configuration or history",
    severity: "error",
    rows: ["E12", "I2"],
    why: "Values of ENV and ARG are in the image for everybody who has it, and change its digest when they are changed.",
    remedy: "Mount secrets: `RUN --mount=type=secret`; give them to the container when it starts.",
    example: {
      file: "Dockerfile",
      bad: `${base}ENV API_TOKEN=abc123\n`,
      good: `${base}RUN --mount=type=secret,id=api-token configure-app\n`,
    },
    on: "dockerfile",
    check: (file) =>
      named(file, ["ENV", "ARG"], (name, value) =>
        /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY|CREDENTIALS?)$/i.test(name) &&
        value !== undefined &&
        value !== "" &&
        !value.includes("$")
          ? `${name} is in the image for everybody to read`
          : undefined,
      ),
  },
  {
    id: "LK1017",
    title: "flags for the processor of the builder",
    severity: "error",
    rows: ["L19"],
    why: "`native` in a variable that compilers read means the processor of the machine that builds. Another builder makes other code, and it may not run elsewhere.",
    remedy: "Name the baseline that the image is for, such as `-march=x86-64-v2`.",
    example: {
      file: "Dockerfile",
      bad: `${base}ENV CFLAGS="-O2 -march=native"\n`,
      good: `${base}ENV CFLAGS="-O2 -march=x86-64-v2"\n`,
    },
    on: "dockerfile",
    check: (file) =>
      named(file, ["ENV", "ARG"], (name, value) =>
        /(?:^|[\s,])-m(?:arch|tune|cpu)=native\b|target-cpu=native\b/.test(value ?? "")
          ? `${name} asks for code for the processor of the builder`
          : undefined,
      ),
  },
];
