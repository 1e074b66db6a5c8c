/** Runs a command of the program in its container, and gives what it said or why it failed. */
import { type Container, dag, type Platform, type Secret } from "@dagger.io/dagger";
import { once, places } from "./program.ts";

/** A command line of the program: what `lockstep <name> …` is on the local back end. */
export function commandLine(node: string, name: string, args: readonly string[]): string[] {
  const start = `${places.program}/pipeline/cli/start.js`;
  return [node, start, name, ...args, "--root", places.repository];
}

/** What a failed step printed. The class of the error is not known in a module, so its members are looked at. */
interface Printed {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
}

function printed(error: unknown): Printed {
  return typeof error === "object" && error !== null ? error : {};
}

/** What a command answered: its exit code, and what it wrote to stdout. */
interface Answer {
  readonly after: Container;
  readonly exit: number;
  readonly stdout: string;
}

/**
 * The text a person gets for a step that failed: what the command said. A command that was killed has said little, so its exit code is
 * told with its last lines: LS9003.
 */
function failureText(error: unknown): string {
  const { stdout = "", stderr = "", exitCode } = printed(error);
  const message = error instanceof Error ? error.message : String(error);
  if (exitCode === undefined) return message;
  // LK: rules of the lint.
  if (/\bLS\d{4}\b/.test(stderr)) return stderr.trim();
  if (/\bL[SK]\d{4}\b/.test(stdout)) return stdout.trim();
  const last = `${stdout}\n${stderr}`.trim().split("\n").slice(-10).join("\n") || message;
  return `LS9003 the command ended with code ${exitCode} and said no more than:\n${last}`;
}

/** A command to run in a container, about images: all of the repository when none is named. */
interface Call {
  readonly from: Container;
  readonly node: string;
  readonly name: string;
  readonly args: readonly string[];
  readonly images?: readonly string[];
  /** Of steps: a JSON object of strings by name. */
  readonly secrets?: Secret | undefined;
}

/** What the proxy of a step has to say, or the last lines of a step that failed, with why it may have: LS9007. */
function stepFailure(title: string, error: unknown): Error {
  const { stdout = "", stderr = "", exitCode } = printed(error);
  const why =
    exitCode === undefined
      ? "could not be run"
      : exitCode === 124
        ? "took longer than its timeout"
        : exitCode === 137
          ? "was killed (code 137), as when memory runs out"
          : `ended with code ${exitCode}`;
  const said = exitCode === undefined && error instanceof Error ? error.message : `${stdout}\n${stderr}`;
  const [coded, lines] = [true, false].map((is) => said.split("\n").filter((line) => /^LS901[34] /.test(line) === is));
  const told = (coded ?? []).join("\n");
  if (told !== "" && exitCode === 97) return new Error(told, { cause: error });
  const last = (lines ?? []).join("\n").trim().split("\n").slice(-10).join("\n");
  return new Error(`${told === "" ? "" : `${told}\n`}LS9007 ${title} ${why}${last === "" ? "" : `:\n${last}`}`, {
    cause: error,
  });
}

interface OpenStep {
  readonly place: string;
  readonly platform: string;
  readonly title: string;
  readonly secrets: readonly string[];
}

/** Runs the open steps of images on the engine, or all of them `again` and as often as it takes, and gives the container with what they left. */
async function withSteps({ from, node, args, images = [], secrets }: Call, again: boolean): Promise<Container> {
  const taken = ["--capsule", ...(again ? ["--perturb"] : [])].flatMap((name) =>
    args.includes(name) ? [name, args[args.indexOf(name) + 1] ?? ""] : [],
  );
  const options = [...taken, ...(again ? ["--again", once()] : [])];
  const line = ["--out", places.contexts, ...options, "--json", "--quiet", ...images];
  const values = JSON.parse((await secrets?.plaintext()) ?? "{}") as Readonly<Record<string, string>>;
  for (let made = from; ;) {
    const prepared = made.withExec(commandLine(node, "steps", line));
    const { result } = JSON.parse(await stdoutOf(prepared)) as { result: { steps: readonly OpenStep[] } };
    if (result.steps.length === 0 && made !== from) return made;
    if (result.steps.length === 0) throw new Error("LS9006 steps are open that cannot be prepared");
    const results = await Promise.all(
      result.steps.map(async ({ place, platform, title, secrets: names }) => {
        const context = prepared.directory(`${places.contexts}/${place}`);
        const given = names.map((name) => dag.setSecret(name, values[name] ?? ""));
        const left = context.dockerBuild({ platform: platform as Platform, noInit: true, secrets: given }).rootfs();
        await left.sync().catch((error: unknown) => Promise.reject(stepFailure(title, error)));
        return { path: `${places.steps}/${place}`, left };
      }),
    );
    made = results.reduce((container, { path, left }) => container.withMountedDirectory(path, left), made);
    if (!again) return made;
  }
}

/**
 * The answer of a command that may say no (exit code 1 or 3 with a document), and the container after it; everything else that fails is
 * thrown as text. Steps that it finds open are run, and then the command again.
 */
export async function answerOf(call: Call): Promise<Answer> {
  const { from, node, name, args } = call;
  const after = from.withExec(commandLine(node, name, args));
  try {
    return { after, exit: 0, stdout: await after.stdout() };
  } catch (error) {
    const { stdout = "", stderr = "", exitCode } = printed(error);
    const said = `${stdout}${stderr}`;
    if (said.includes("LS9006"))
      return answerOf({ ...call, from: await withSteps(call, / a second time /.test(said)) });
    if (exitCode !== undefined && stdout.startsWith('{"version":') && !stdout.startsWith('{"version":1,"error"')) {
      return { after, exit: exitCode, stdout };
    }
    throw new Error(failureText(error), { cause: error });
  }
}

/** The container after a command that must succeed, steps included. */
export async function afterOf(call: Call): Promise<Container> {
  const { after, exit, stdout } = await answerOf(call);
  if (exit !== 0) throw new Error(stdout.trim());
  return after;
}

/** The stdout of a command that must succeed. */
export async function stdoutOf(container: Container): Promise<string> {
  try {
    return await container.stdout();
  } catch (error) {
    throw new Error(failureText(error), { cause: error });
  }
}
