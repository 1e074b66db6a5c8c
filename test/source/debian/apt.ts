/** apt as an oracle: a private apt with an empty dpkg status, its own lists and Debian's keys, on the mirrors the program finds. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mirrors } from "../../../pipeline/source/debian/mirrors.ts";
import { keyringDirectory } from "../../../pipeline/source/debian/keys.ts";
import { run } from "../../support.ts";

export interface Apt {
  /** `name version` of everything that would be installed, sorted. Throws apt's message when it refuses. */
  install(names: readonly string[]): readonly string[];
}

/** Sets it up below `directory` and downloads the lists. */
export function startApt(directory: string, mirrors: Mirrors, suite: string, architecture: string): Apt {
  for (const path of [
    "etc/apt/preferences.d",
    "etc/apt/apt.conf.d",
    "var/lib/apt/lists/partial",
    "var/cache/apt/archives/partial",
    "var/log/apt",
  ]) {
    mkdirSync(join(directory, path), { recursive: true });
  }
  writeFileSync(join(directory, "status"), "");
  const [debian] = mirrors.debian;
  const [security] = mirrors["debian-security"];
  writeFileSync(
    join(directory, "etc/apt/sources.list"),
    `deb ${debian} ${suite} main\ndeb ${debian} ${suite}-updates main\ndeb ${security} ${suite}-security main\n`,
  );
  const config = join(directory, "apt.conf");
  writeFileSync(
    config,
    `Dir "${directory}";
Dir::Etc "etc/apt";
Dir::Etc::trustedparts "${keyringDirectory}";
Dir::Etc::trusted "/dev/null";
Dir::State::status "${directory}/status";
Dir::State::extended_states "${directory}/extended_states";
APT::Architecture "${architecture}";
APT::Architectures "${architecture}";
APT::Install-Recommends "false";
APT::Sandbox::User "";
APT::Solver "internal";
APT::Get::Assume-Yes "true";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
`,
  );
  // dpkg's foreign architectures of this machine must not come in.
  const env = { APT_CONFIG: config, LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  const update = run("apt-get", ["update", "-q"], { env });
  if (update.status !== 0) throw new Error(`apt-get update: ${update.stderr.toString()}`);
  return {
    install: (names) => {
      const { status, stdout, stderr } = run("apt-get", ["install", "-s", "-q", "--no-install-recommends", ...names], {
        env,
      });
      if (status !== 0) throw new Error(`${stdout.toString()}${stderr.toString()}`);
      return [...stdout.toString().matchAll(/^Inst (\S+) \((\S+) /gm)]
        .map(([, name, version]) => `${(name ?? "").replace(/:.*/, "")} ${version ?? ""}`)
        .toSorted();
    },
  };
}
