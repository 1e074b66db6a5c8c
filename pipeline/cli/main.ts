/** The program's entry: parses the command line, runs one command, prints its outcome, and ends with its exit code. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { type ExitCode, LockstepError, messageOf, type Problem } from "../host/errors.ts";
import { generation } from "../build/generation.ts";
import { createHost, type Host } from "../host/host.ts";
import { terminalReport, wantsColor } from "../report/terminal.ts";
import { startTrace, wantsTrace } from "../report/trace.ts";
import { Store } from "../store/store.ts";
import type { CommandEntry, CommandModule, Context } from "./command.ts";
import { commands } from "./commands.ts";

/** The version of the JSON documents that `--json` prints. */
const documentVersion = 1;
const version = "0.1.0";

interface CommonOptions {
  readonly root?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** The nearest directory upwards that has images/ or a lock; the current one when there is none. */
function findRoot(from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, "images")) || existsSync(join(directory, "lockstep.lock"))) return directory;
    if (directory === dirname(directory)) return from;
  }
}

function printDocument(content: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ version: documentVersion, ...content })}\n`);
}

function printFailure(error: unknown, json: boolean, verbose: boolean): ExitCode {
  const problems: readonly Problem[] =
    error instanceof LockstepError
      ? error.problems
      : [
          {
            code: "LS1000",
            message: `${messageOf(error)}; please report this`,
            hint: "run it again with --verbose for the stack",
          },
        ];
  const exit = error instanceof LockstepError ? error.exitCode : 4;
  if (json) printDocument({ error: { problems } });
  const text = error instanceof LockstepError ? error.message : new LockstepError(problems).message;
  process.stderr.write(`${text}\n`);
  if (verbose && !(error instanceof LockstepError) && error instanceof Error)
    process.stderr.write(`${error.stack ?? ""}
`);
  return exit;
}

async function runCommand(host: Host, module: CommandModule, command: Command): Promise<ExitCode> {
  const options = command.opts<CommonOptions & Record<string, unknown>>();
  const abort = new AbortController();
  const level = options.quiet === true ? "quiet" : options.verbose === true ? "verbose" : "normal";
  const tty = process.stderr.isTTY && host.env("TERM") !== "dumb" && host.env("CI") === undefined;
  const report = terminalReport(host, process.stderr, {
    tty,
    color: wantsColor(host, process.stderr.isTTY),
    level,
    signal: abort.signal,
  });
  let signals = 0;
  const onSignal = (): void => {
    // The second time the user means it: temporary files are found by the next `store gc`.
    if (++signals > 1) process.exit(4);
    abort.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const trace = wantsTrace(host) ? await startTrace(host, report, command.name()) : undefined;
  const root = options.root === undefined ? findRoot(host.cwd) : resolve(host.cwd, options.root);
  const context: Context = {
    host,
    report: trace?.report ?? report,
    store: new Store(host, host.cacheDirectory, generation),
    root,
    signal: abort.signal,
    output: {
      ...(process.stdout.isTTY ? { columns: process.stdout.columns } : {}),
      color: wantsColor(host, process.stdout.isTTY),
    },
  };
  let ended: ExitCode = 4;
  try {
    const { exit, result, text } = await module.run(context, options, command.args);
    ended = exit;
    report.close();
    if (options.json === true) printDocument({ command: command.name(), exit, result });
    else if (text !== "") process.stdout.write(text);
    return exit;
  } catch (error) {
    report.close();
    ended = printFailure(error, options.json === true, options.verbose === true);
    return ended;
  } finally {
    await trace?.end(ended);
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

function common(command: Command): void {
  command
    .addOption(
      new Option("-C, --root <directory>", "the repository to work in").default(undefined, "the nearest one upwards"),
    )
    .option("--json", "print one JSON document on stdout")
    .option("-q, --quiet", "show warnings and errors only")
    .option("-v, --verbose", "show details")
    .showHelpAfterError("(--help shows what is possible)");
}

async function define(
  program: Command,
  entry: CommandEntry,
  onExit: (exit: ExitCode) => void,
  host: Host,
): Promise<void> {
  const module = await entry.load();
  const command = program.command(entry.name).description(entry.summary);
  module.define(command);
  common(command);
  command.addHelpText("after", ["\nExamples:", ...module.examples.map((example) => `  ${example}`)].join("\n"));
  command.exitOverride();
  command.action(async () => onExit(await runCommand(host, module, command)));
}

/** `lockstep -C dir build` is `lockstep build -C dir`: what all commands have in common may stand before the command. */
function commandFirst(argv: readonly string[]): readonly string[] {
  const before: string[] = [];
  let rest = argv;
  for (;;) {
    const [first = "", ...more] = rest;
    const taken = ["-C", "--root"].includes(first)
      ? 2
      : /^(--root=.*|--json|-q|--quiet|-v|--verbose)$/.test(first)
        ? 1
        : 0;
    if (taken === 0 || more.length === 0) break;
    before.push(...rest.slice(0, taken));
    rest = rest.slice(taken);
  }
  const [command, ...args] = rest;
  return command === undefined ? argv : [command, ...before, ...args];
}

async function main(host: Host, given: readonly string[]): Promise<ExitCode> {
  const argv = commandFirst(given);
  const program = new Command("lockstep")
    .description("Builds container images that have one digest on every machine, proves it, and delivers them.")
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      "after",
      `\nExit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 wrong input, 4 machine or network.\n\nExamples:\n  lockstep ship\n  lockstep build web --json\n  lockstep pin --dry-run`,
    );
  let exit: ExitCode = 0;
  const called = commands.filter(({ name }) => name === argv[0]);
  // Only the command that is called is loaded, unless there is none and help or a suggestion needs all of them.
  const versionOnly = ["-V", "--version"].includes(argv[0] ?? "");
  for (const entry of called.length > 0 || versionOnly ? called : commands)
    await define(program, entry, (code) => (exit = code), host);
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv as string[], { from: "user" });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    if (argv.includes("--json"))
      printDocument({ error: { problems: [{ code: "LS1002", message: error.message.replace(/^error: /, "") }] } });
    return 2;
  }
}

const host = createHost();
// Whoever reads our output may stop reading.
process.stdout.on("error", (error: Error & { code?: string }) => {
  if (error.code !== "EPIPE") throw error;
});
try {
  process.exitCode = await main(host, process.argv.slice(2));
} catch (error) {
  process.exitCode = printFailure(error, process.argv.includes("--json"), false);
}
