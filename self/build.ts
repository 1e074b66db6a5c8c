/** `npm run self`: builds the image of Lockstep itself, in a repository that is put together of this checkout's committed files. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const checkout = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** What the image has of the checkout: the program, and what its dependencies are installed from. The Dagger module is not part of it. */
const released = ["LICENSE", "package.json", "package-lock.json", "pipeline", ":!pipeline/src"] as const;

/** The repository of the image, made anew in `directory`. Files that Git does not know are not in it. */
export function assemble(directory: string): void {
  const list = spawnSync("git", ["ls-files", "-z", "--", ...released], { cwd: checkout, encoding: "utf8" });
  if (list.status !== 0) throw new Error(`git cannot list the files of ${checkout}: ${list.stderr}`);
  rmSync(directory, { recursive: true, force: true });
  const image = join(directory, "images/lockstep");
  for (const path of list.stdout.split("\0").filter((name) => name !== "")) {
    const to = join(image, "program", path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(checkout, path), to);
  }
  for (const name of ["image.yaml", "node", "npm"])
    cpSync(join(checkout, "self", name), join(image, name), { recursive: true });
  cpSync(join(checkout, "self/lockstep.lock"), join(directory, "lockstep.lock"));
}

/** `[command] [option...]`: any command of the program on that repository, `build` unless one is named. A new lock is kept. */
function main(args: readonly string[]): number {
  const directory = join(checkout, "out/self");
  assemble(directory);
  const [command = "build", ...options] = args;
  const { status } = spawnSync(join(checkout, "lockstep"), [command, "-C", directory, ...options], {
    stdio: "inherit",
  });
  if (command === "pin" && status === 0) cpSync(join(directory, "lockstep.lock"), join(checkout, "self/lockstep.lock"));
  return status ?? 4;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
