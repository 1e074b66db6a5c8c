/** Other programs: installs what is missing where that is possible (root on Debian), and tells their versions. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { gnuTime } from "./measure.ts";
import { type Bench, Skip } from "./model.ts";
import { succeeds } from "./succeeds.ts";

/** The Debian package of each program, and how it is asked for its version. */
const known: Readonly<Record<string, { readonly package: string; readonly version: readonly string[] }>> = {
  apt: { package: "apt", version: ["--version"] },
  buildah: { package: "buildah", version: ["--version"] },
  diffoscope: { package: "diffoscope-minimal", version: ["--version"] },
  "dpkg-deb": { package: "dpkg", version: ["--version"] },
  gzip: { package: "gzip", version: ["--version"] },
  mmdebstrap: { package: "mmdebstrap", version: ["--version"] },
  pigz: { package: "pigz", version: ["--version"] },
  skopeo: { package: "skopeo", version: ["--version"] },
  umoci: { package: "umoci", version: ["--version"] },
};

export function hasProgram(program: string): boolean {
  return succeeds("sh", ["-c", 'command -v "$1"', "sh", program]);
}

function apt(...args: readonly string[]): boolean {
  return succeeds("apt-get", ["-q", "-y", ...args], { DEBIAN_FRONTEND: "noninteractive" });
}

function install(bench: Bench, packages: readonly string[]): void {
  bench.say(`installing ${packages.join(" ")}`);
  const wanted = ["install", "--no-install-recommends", ...packages];
  // The lists of packages may be absent or old.
  if (!apt(...wanted) && apt("update")) apt(...wanted);
}

const mayInstall = (bench: Bench): boolean => bench.host.uid === 0 && existsSync("/usr/bin/apt-get");

/** GNU time gives memory and CPU time; without it those columns stay empty. */
export function wantTime(bench: Bench): boolean {
  if (!existsSync(gnuTime) && mayInstall(bench)) install(bench, ["time"]);
  return existsSync(gnuTime);
}

/** Makes sure of programs; a Skip that names what is missing otherwise. */
export function need(bench: Bench, programs: readonly string[]): void {
  const absent = (): readonly string[] => programs.filter((program) => !hasProgram(program));
  if (absent().length > 0 && mayInstall(bench))
    install(
      bench,
      absent().map((program) => known[program]?.package ?? program),
    );
  const missing = absent();
  if (missing.length > 0) throw new Skip(`${missing.join(", ")} not installed`);
}

/** First line of what each installed program says of its version. */
export function versions(): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [program, { version }] of Object.entries(known)) {
    const { status, stdout } = spawnSync(program, version, { encoding: "utf8" });
    if (status === 0) found[program] = (stdout.trim().split("\n")[0] ?? "").replace(/\s+/g, " ");
  }
  return found;
}
