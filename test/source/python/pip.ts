/** pip and what it carries, as the oracle for wheels; nothing of the machine's own configuration counts unless asked for. */
import { hasProgram, run } from "../../support.ts";

export const hasPip = hasProgram("python3") && run("python3", ["-m", "pip", "--version"]).status === 0;

/** Runs Python with `data`, and gives what it prints as JSON. */
export function python<Answer>(script: string, data: unknown): Answer {
  const { stdout, stderr, status } = run(
    "python3",
    ["-c", `import json, sys\ndata = json.load(sys.stdin)\n${script}`],
    {
      input: Buffer.from(JSON.stringify(data)),
    },
  );
  if (status !== 0) throw new Error(stderr.toString("utf8"));
  return JSON.parse(stdout.toString("utf8")) as Answer;
}
