import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, run } from "./support.ts";

/** The checks that need no run of the program: they are tests like all others, so that `npm test` is all there is. */
describe("the sources", () => {
  it.each([
    ["have no type errors", "tsc", ["--noEmit"]],
    ["have no type errors in the script of the page", "tsc", ["-p", "pipeline/verify/report/page"]],
    ["pass the linter", "oxlint", []],
    ["are formatted", "oxfmt", ["--check"]],
    ["have no unused files, exports or dependencies", "knip", ["--no-progress"]],
  ] as const)("%s", (_, program, args) => {
    const bin = join(root, "node_modules/.bin");
    const result = run(join(bin, program), args, { cwd: root, env: { PATH: `${bin}:${process.env["PATH"] ?? ""}` } });
    expect(`${result.stdout.toString()}${result.stderr.toString()}\nexit ${result.status ?? result.signal}`).toMatch(
      /exit 0$/,
    );
  });
});
