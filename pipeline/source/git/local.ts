/** git as the machine has it, in the repository that somebody works in: it asks nobody anything, and its words are the same everywhere. */
import type { Host } from "../../host/host.ts";
import type { GitOutput } from "./program.ts";

/** What git says in a directory; undefined when there is no git. */
export async function localGit(
  host: Host,
  directory: string,
  args: readonly string[],
  signal: AbortSignal,
  variables: Readonly<Record<string, string>> = {},
): Promise<GitOutput | undefined> {
  const program = host.findProgram("git");
  if (program === undefined) return undefined;
  // Called from a hook these would name another repository than the one that is asked for.
  const inherited = Object.entries(host.environment()).filter(([name]) => !/^GIT_(?!CONFIG_|SSL_)/.test(name));
  const env = { ...Object.fromEntries(inherited), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", ...variables };
  const { code, stdout, stderr } = await host.run(
    program,
    ["-c", "core.hooksPath=/dev/null", "-C", directory, ...args],
    { env, signal },
  );
  return { code, stdout, stderr: stderr.toString("utf8").trim() };
}
