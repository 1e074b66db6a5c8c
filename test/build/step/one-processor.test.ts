import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { oneProcessor } from "../../../pipeline/build/step/one-processor.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";

/** How to run a program for another machine; undefined where that cannot be done. */
const runners: Readonly<Record<string, readonly string[] | undefined>> = {
  "linux/amd64": process.arch === "x64" ? [] : hasProgram("qemu-x86_64-static") ? ["qemu-x86_64-static"] : undefined,
  "linux/arm64":
    process.arch === "arm64" ? [] : hasProgram("qemu-aarch64-static") ? ["qemu-aarch64-static"] : undefined,
};

describe.each(["linux/amd64", "linux/arm64"] as const)("the program for %s", (platform) => {
  const runner = runners[platform];
  const start = (...words: readonly string[]) => {
    const file = join(temporaryDirectory(), "one-processor");
    writeFileSync(file, oneProcessor(platform), { mode: 0o755 });
    const [program = file, ...args] = [...(runner ?? []), file, ...words];
    return run(program, args, { env: { A: "1" } });
  };

  it.skipIf(runner === undefined)(
    "leaves one of the processors, and gives arguments and environment on (needs a processor of its kind or qemu)",
    () => {
      const script =
        'while read name list; do [ "$name" = Cpus_allowed_list: ] && echo "$list"; done < /proc/self/status; echo "$0 $* $A"';
      const { status, stdout } = start("/bin/sh", "-c", script, "x", "y z", "");
      expect(status).toBe(0);
      expect(stdout.toString("utf8")).toMatch(/^\d+\nx y z  1\n$/);
      if (availableParallelism() > 1)
        expect(run("/bin/sh", ["-c", script]).stdout.toString("utf8")).not.toMatch(/^\d+\n/);
    },
  );

  it.skipIf(runner === undefined)(
    "ends with 126 when there is no program to become (needs a processor of its kind or qemu)",
    () => {
      expect(start("/nonexistent/program").status).toBe(126);
      expect(start().status).toBe(126);
    },
  );
});
