/** `npm test`: installs the oracles that are missing where that is possible, runs every test, and says what was skipped and why. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installOracles } from "./peers/install.ts";

interface AssertionResult {
  readonly fullName: string;
  readonly status: "passed" | "failed" | "skipped" | "pending" | "todo" | "disabled";
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly AssertionResult[];
  }[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "lockstep-run-"));
try {
  await installOracles();
  const file = join(scratch, "report.json");
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const args = [
    vitest,
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
    ...process.argv.slice(2),
  ];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  const report = JSON.parse(readFileSync(file, "utf8")) as VitestReport;
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const count = (...states: readonly AssertionResult["status"][]): number =>
    results.filter((result) => states.includes(result.status)).length;
  const skipped = results.filter(({ status: state }) => state !== "passed" && state !== "failed");
  if (skipped.length > 0) console.log(`\nskipped:\n${skipped.map(({ fullName }) => `  ${fullName}\n`).join("")}`);
  // A file that could not be loaded has no tests, and still it failed.
  const broken = report.testResults.filter(
    (test) => test.status === "failed" && test.assertionResults.every(({ status: state }) => state !== "failed"),
  );
  const failed = count("failed") + broken.length;
  console.log(`\n${count("passed")} passed, ${failed} failed, ${skipped.length} skipped`);
  process.exitCode = status === 0 && failed === 0 && count("passed") > 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
