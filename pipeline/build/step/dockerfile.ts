/** Dockerfiles as they are given to an engine: with nothing from outside but what is locked, and without what differs from run to run. */
import { LockstepError, type Problem } from "../../host/errors.ts";
import { type Dockerfile, type Instruction, parseDockerfile } from "../../dockerfile/parser.ts";
import { declarations } from "../../dockerfile/variables.ts";
import type { Launcher } from "./surroundings.ts";

/** The stage with the context: so no file of Lockstep's own is in it. */
export const contextStage = "lockstep-context";

/** What an engine adds to the environment of what it runs, and what differs from run to run. */
const ambient = [
  "BAGGAGE",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
  "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
  "OTEL_EXPORTER_OTLP_PROTOCOL",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_LIVE",
  "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
  "OTEL_LOGS_EXPORTER",
  "OTEL_METRICS_EXPORTER",
  "OTEL_TRACES_EXPORTER",
  "TRACEPARENT",
  "TRACESTATE",
];

/** Instructions that say how the image is run: they are in `config:` of the spec. */
const ofTheConfig = new Set([
  "CMD",
  "ENTRYPOINT",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "STOPSIGNAL",
  "VOLUME",
]);

/** An image of the repository that stages may be from. */
interface StageImage {
  readonly name: string;
  /** Instructions that put its tree into the stage. */
  readonly add: readonly string[];
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
}

/** What a Dockerfile is held against. */
interface Asked {
  readonly target?: string;
  readonly args: Readonly<Record<string, string>>;
  /** Names of secrets that the spec says it needs. */
  readonly secrets?: readonly string[];
  /** By name. */
  readonly images: Readonly<Record<string, unknown>>;
}

interface Edit {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\$]/g, "\\$&")}"`;
}

/** Collects what is wrong with one file, and what has to be put into it. */
class Reader {
  readonly #text: string;
  readonly #file: string;
  readonly #command: Asked;
  readonly #prefix: readonly string[];
  readonly #mounts: string;
  readonly problems: Problem[] = [];
  readonly edits: Edit[] = [];

  constructor(text: string, file: string, command: Asked, prefix: readonly string[], mounts: readonly string[]) {
    this.#text = text;
    this.#file = file;
    this.#command = command;
    this.#prefix = prefix;
    this.#mounts = mounts.map((mount) => ` ${mount}`).join("");
  }

  refuse(at: number, message: string, hint: string, code: "LS2058" | "LS2059" = "LS2059"): void {
    const before = this.#text.slice(0, at).split("\n");
    const place = { file: this.#file, line: before.length, column: (before.at(-1) ?? "").length + 1 };
    this.problems.push({ code, message, place, hint });
  }

  read(parsed: Dockerfile): void {
    for (const { at, message } of parsed.problems) this.refuse(at, message, "mend the Dockerfile", "LS2058");
    if (parsed.stages.length === 0) this.refuse(0, "there is no FROM", "begin a stage with FROM", "LS2058");
    for (const { name, extent } of parsed.directives) {
      if (name === "syntax")
        this.refuse(extent.at, "another program would read this Dockerfile", "leave the line with syntax= out");
      if (name === "escape") this.refuse(extent.at, "another sign for escaping", "leave the line with escape= out");
    }
    const names = new Set<string>();
    for (const [number, { from, base, name }] of parsed.stages.entries()) {
      this.#known(from.body.origin(0), base.text, names, "FROM");
      for (const flag of from.flags)
        this.refuse(flag.at, `FROM --${flag.name}: a stage is for the platform of the image`, "leave it out");
      this.edits.push({
        at: from.end,
        end: from.end,
        text: `\nSHELL ${JSON.stringify([...this.#prefix, "/bin/sh", "-c"])}`,
      });
      if (name !== undefined) names.add(name);
      names.add(String(number));
    }
    const declared = new Set<string>();
    const before = new Set<string>();
    for (const instruction of parsed.instructions) {
      if (instruction.keyword === "FROM") {
        const stage = parsed.stages[instruction.stage - 1];
        if (instruction.stage > 0) before.add(String(instruction.stage - 1));
        if (stage?.name !== undefined) before.add(stage.name);
      }
      this.#instruction(instruction, before, declared);
    }
    const { target } = this.#command;
    if (target !== undefined && !names.has(target.toLowerCase()))
      this.refuse(0, `there is no stage ${target}`, "name a stage of the Dockerfile as target");
    for (const name of Object.keys(this.#command.args))
      if (!declared.has(name)) this.refuse(0, `there is no ARG ${name}`, "leave it out of args, or declare it");
  }

  /** LS2059 unless a name is that of a stage before, or of an image of the repository that the spec names. */
  #known(at: number, name: string, stages: ReadonlySet<string>, what: string): void {
    if (name.toLowerCase() === "scratch" || stages.has(name.toLowerCase())) return;
    if (Object.hasOwn(this.#command.images, name)) return;
    const hint = `make an image of this repository of it (from: { image: ${name} } pins it in the lock), name that here and under images`;
    this.refuse(at, `${what} ${name}, which is no stage before and no image under images`, hint);
  }

  #instruction(instruction: Instruction, stages: ReadonlySet<string>, declared: Set<string>): void {
    const { at, keyword, onbuild } = instruction;
    if (onbuild) return this.refuse(at, "ONBUILD is for builds on an image", "write the instruction where it is used");
    switch (keyword) {
      case "ADD": {
        const hint = "use COPY for files of the context, and an http layer for files from the web";
        return this.refuse(at, "ADD fetches or unpacks, depending on what it is given", hint);
      }
      case "ARG":
        return this.#arg(instruction, declared);
      case "COPY":
        return this.#copy(instruction, stages);
      case "RUN":
        return this.#run(instruction, stages);
      case "SHELL":
        return this.#exec(instruction, "SHELL without a list of strings");
    }
  }

  #arg(instruction: Instruction, declared: Set<string>): void {
    const { body } = instruction;
    const found = declarations(instruction);
    for (const { name } of found) declared.add(name);
    const { args } = this.#command;
    if (!found.some(({ name }) => Object.hasOwn(args, name))) return;
    const parts = found.map(({ name, at }, index) =>
      Object.hasOwn(args, name)
        ? `${name}=${quoted(args[name] ?? "")}`
        : body.text.slice(at, found[index + 1]?.at ?? body.text.length).trim(),
    );
    this.edits.push({ at: instruction.at, end: instruction.end, text: `ARG ${parts.join(" ")}` });
  }

  #copy({ at, keyword, flags, heredocs, body, json }: Instruction, stages: ReadonlySet<string>): void {
    const from = flags.find(({ name }) => name === "from");
    if (from !== undefined) return this.#known(from.valueAt, from.value, stages, "COPY --from");
    const words =
      json === undefined ? body.text.split(/\s+/).filter((word) => word !== "") : json.map(({ text }) => text);
    const sources = words.slice(0, -1);
    if (heredocs.length > 0) {
      if (sources.every((source) => /^\d*<</.test(source))) return undefined;
      return this.refuse(at, "COPY of files and here-documents at once", "write two instructions");
    }
    const end = at + keyword.length;
    this.edits.push({ at: end, end, text: ` --from=${contextStage}` });
    return undefined;
  }

  #run(instruction: Instruction, stages: ReadonlySet<string>): void {
    const { at, keyword, flags, json, body } = instruction;
    for (const flag of flags) {
      if (flag.name === "network") {
        if (flag.value !== "none")
          this.refuse(flag.at, `RUN --network=${flag.value}: what is fetched is in no lock`, "leave it out");
      } else if (flag.name !== "mount") {
        this.refuse(flag.at, `RUN --${flag.name}: the surroundings of steps are fixed`, "leave it out");
      } else this.#mount(flag.value, flag.at, flag.valueAt, stages);
    }
    const end = at + keyword.length;
    const network = flags.some(({ name }) => name === "network") ? "" : " --network=none";
    this.edits.push({ at: end, end, text: `${network}${this.#mounts}` });
    if (json !== undefined) this.#exec(instruction, "RUN without a program");
    else if (body.text.trim() === "") this.refuse(at, "RUN without a program", "write one", "LS2058");
  }

  #mount(value: string, at: number, valueAt: number, stages: ReadonlySet<string>): void {
    const options = new Map(
      value.split(",").map((option): readonly [string, string] => {
        const equals = option.indexOf("=");
        return equals < 0 ? [option, ""] : [option.slice(0, equals), option.slice(equals + 1)];
      }),
    );
    const type = options.get("type") ?? "bind";
    if (type === "tmpfs") return;
    if (type === "secret") return this.#secret(options, at);
    if (type !== "bind") {
      const hint = type === "cache" ? "what is in a cache is in no lock: leave it out" : "leave it out";
      return this.refuse(at, `RUN --mount=type=${type}`, hint);
    }
    const from = options.get("from");
    if (from !== undefined) return this.#known(at, from, stages, "RUN --mount from");
    this.edits.push({ at: valueAt, end: valueAt, text: `from=${contextStage},` });
  }

  /** As a file, and only one that the spec names: a variable would be handed on to every program. */
  #secret(options: ReadonlyMap<string, string>, at: number): void {
    const id = options.get("id") ?? "";
    if (options.has("env") || !/^$|^\/(?:run|tmp)\//.test(options.get("target") ?? options.get("dst") ?? ""))
      this.refuse(at, `RUN --mount=type=secret,id=${id} is no file in /run/secrets`, "leave env and target out");
    else if (this.#command.secrets?.includes(id) !== true)
      this.refuse(at, `RUN --mount=type=secret,id=${id}, which is not among its secrets`, "name it under secrets:");
  }

  /** Puts what starts every program before one that is written as a list. */
  #exec({ at, json, body }: Instruction, wrong: string): void {
    if (json === undefined || json.length === 0) return this.refuse(at, wrong, "write a list of strings", "LS2058");
    const start = body.origin(0) + 1;
    this.edits.push({ at: start, end: start, text: `${JSON.stringify(this.#prefix).slice(1, -1)}, ` });
  }
}

/** The stages of images, and of the context. */
function stagesOf(
  images: readonly StageImage[],
  env: Readonly<Record<string, string>>,
  context: readonly string[],
): string {
  const lines = images.flatMap(({ name, add, env: own, workdir, user }) => [
    `FROM scratch AS ${name}`,
    ...add,
    ...[...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...own].map((variable) => {
      const equals = variable.indexOf("=");
      return `ENV ${variable.slice(0, equals)}=${quoted(variable.slice(equals + 1))}`;
    }),
    ...(workdir === undefined ? [] : [`WORKDIR ${workdir}`]),
    ...(user === undefined ? [] : [`USER ${user}`]),
  ]);
  return [...lines, `FROM scratch AS ${contextStage}`, ...context, ""].join("\n");
}

function apply(text: string, edits: readonly Edit[]): string {
  let result = "";
  let done = 0;
  for (const { at, end, text: put } of edits.toSorted((a, b) => a.at - b.at)) {
    result += `${text.slice(done, at)}${put}`;
    done = end;
  }
  return result + text.slice(done);
}

export interface Hermetic {
  readonly text: string;
  /** Instructions that say how an image is run, each once: they are not taken. */
  readonly notTaken: readonly string[];
}

/** How programs are started. */
interface Start {
  readonly timeout: number;
  /** Where only an engine sees it. */
  readonly nonce: string;
  readonly launcher?: Launcher | undefined;
  /** What starts a program beside the proxy. */
  readonly proxy?: readonly string[];
  /** Options of RUN. */
  readonly mounts?: readonly string[];
  /** For a shell to do first. */
  readonly clauses?: readonly string[];
}

/** What comes before the words of every program. */
function prefixOf({ timeout, nonce, launcher, clauses = [], proxy = [] }: Start): readonly string[] {
  const unset = [`lockstep-${nonce}`, ...ambient].flatMap((name) => ["-u", name]);
  // A shell sets some variables of its own.
  const shell = ["/bin/sh", "-c", [...clauses, 'unset PWD OLDPWD SHLVL _ && exec "$@"'].join(" && "), "sh"];
  const before = [...(launcher === undefined ? [] : [launcher.command]), ...(clauses.length === 0 ? [] : shell)];
  return [...before, ...proxy, "/usr/bin/timeout", "-k", "10", String(timeout), "/usr/bin/env", ...unset];
}

/**
 * A Dockerfile that gives the same and fetches nothing: images are stages of their own, nothing has a network, and every program is
 * started without what an engine adds to its environment. `env` are variables of every stage of an image, `context` puts the context into its
 * stage, `file` is what problems name. Throws LS2058 and LS2059, all at once.
 */
export function hermeticDockerfile(
  text: string,
  file: string,
  command: Asked,
  env: Readonly<Record<string, string>>,
  images: readonly StageImage[],
  context: readonly string[],
  start: Start,
): Hermetic {
  const parsed = parseDockerfile(text);
  const { launcher, mounts = [] } = start;
  const flags = [...(launcher === undefined ? [] : [launcher.mount]), ...mounts];
  const reader = new Reader(text, file, command, prefixOf(start), flags);
  reader.read(parsed);
  if (reader.problems.length > 0) throw new LockstepError(reader.problems);
  const first = parsed.stages[0]?.from.at ?? 0;
  const edits = [
    { at: first, end: first, text: `${launcher?.stage ?? ""}${stagesOf(images, env, context)}` },
    ...reader.edits,
  ];
  const target = command.target === undefined ? "" : `\nFROM ${command.target}\n`;
  const notTaken = parsed.instructions.map(({ keyword }) => keyword).filter((keyword) => ofTheConfig.has(keyword));
  return { text: `${apply(text, edits)}${target}`, notTaken: [...new Set(notTaken)].toSorted() };
}
