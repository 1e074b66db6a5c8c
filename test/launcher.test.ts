/** The launcher, with an npm of the test's own in place of the real one. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasProgram, root, run, temporaryDirectory } from "./support.ts";

/** A checkout whose lock is newer than what is installed, or that has nothing installed, and what npm is asked to do for it. */
function asked(installed: readonly string[] | undefined, args: readonly string[]): string {
  const checkout = temporaryDirectory();
  copyFileSync(join(root, "lockstep"), join(checkout, "lockstep"));
  chmodSync(join(checkout, "lockstep"), 0o755);
  for (const directory of ["node_modules", ...(installed ?? [])])
    mkdirSync(join(checkout, directory), { recursive: true });
  writeFileSync(join(checkout, "package-lock.json"), "{}");
  if (installed !== undefined) {
    writeFileSync(join(checkout, "node_modules/.package-lock.json"), "{}");
    utimesSync(join(checkout, "node_modules/.package-lock.json"), 1, 1);
  }
  mkdirSync(join(checkout, "bin"));
  const said = join(checkout, "said");
  writeFileSync(join(checkout, "bin/npm"), `#!/bin/sh\necho "$@" > "${said}"\nexit 1\n`, { mode: 0o755 });
  const { status, stderr } = run(join(checkout, "lockstep"), args, {
    env: { PATH: `${join(checkout, "bin")}:/usr/bin:/bin` },
  });
  expect([status, stderr.toString()]).toEqual([4, expect.stringContaining("LS1001 npm could not install")]);
  return readFileSync(said, "utf8").trim();
}

describe("the launcher", () => {
  it("installs what commands need where nothing is installed", () => {
    expect(asked(undefined, ["--version"])).toMatch(/^ci --ignore-scripts .*--omit=dev$/);
  });

  it("installs what the tests need for a program that is named", () => {
    expect(asked(undefined, ["--node", "test/run.ts"])).toMatch(/^ci --ignore-scripts .*--include=dev$/);
  });

  it("keeps what the tests need when the lock has moved", () => {
    expect(asked(["node_modules/vitest"], ["--version"])).toMatch(/--include=dev$/);
    expect(asked([], ["--version"])).toMatch(/--omit=dev$/);
  });

  it.skipIf(!hasProgram("flock"))("installs once where several start together (needs flock)", async () => {
    const checkout = temporaryDirectory();
    copyFileSync(join(root, "lockstep"), join(checkout, "lockstep"));
    mkdirSync(join(checkout, "bin"));
    writeFileSync(join(checkout, "package-lock.json"), "{}");
    // It takes its time, and says whether another one was at work meanwhile.
    const npm = [
      "mkdir working || echo together >> said",
      "echo installed >> said",
      "sleep 0.5",
      "mkdir -p node_modules/vitest",
      "touch node_modules/.package-lock.json node_modules/vitest/package.json",
      "rmdir working",
    ];
    writeFileSync(join(checkout, "bin/npm"), `#!/bin/sh\n${npm.join("\n")}\n`, { mode: 0o755 });
    writeFileSync(join(checkout, "program.mjs"), 'console.log("ran");');
    const env = { PATH: `${join(checkout, "bin")}:${dirname(process.execPath)}:/usr/bin:/bin` };
    const started = Array.from({ length: 3 }, async () => {
      const child = spawn("sh", [join(checkout, "lockstep"), "--node", "program.mjs"], { env });
      const [stdout, [code]] = await Promise.all([child.stdout.toArray(), once(child, "close")]);
      return [code, Buffer.concat(stdout as Buffer[]).toString()];
    });
    expect(await Promise.all(started)).toEqual(Array.from({ length: 3 }, () => [0, "ran\n"]));
    expect(readFileSync(join(checkout, "said"), "utf8")).toBe("installed\n");
  });

  it("finds the checkout by whatever name it is called", () => {
    const elsewhere = temporaryDirectory();
    symlinkSync(join(root, "lockstep"), join(elsewhere, "absolute"));
    symlinkSync("absolute", join(elsewhere, "relative"));
    const said = ["./absolute", "./relative", join(elsewhere, "relative")].map((name) =>
      run(name, ["--version"], { cwd: elsewhere }).stdout.toString(),
    );
    said.push(run("./lockstep", ["--version"], { cwd: root }).stdout.toString());
    said.push(run("sh", ["lockstep", "--version"], { cwd: root }).stdout.toString());
    expect(new Set(said)).toEqual(new Set([expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]));
  });

  it("gives V8 no option, with which Node could not use what is compiled in its binary", () => {
    const program = join(temporaryDirectory(), "tag.mjs");
    writeFileSync(program, 'import { cachedDataVersionTag } from "node:v8"; console.log(cachedDataVersionTag());');
    const { stdout } = run(join(root, "lockstep"), ["--node", program]);
    const plain = run(process.execPath, [program]).stdout;
    expect(stdout.toString()).toBe(plain.toString());
  });
});
