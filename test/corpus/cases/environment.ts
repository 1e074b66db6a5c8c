/** Pairs for the rows E of the catalogue. */
import { both, files, noise, prose } from "../base.ts";
import type { Case } from "../case.ts";
import { elf } from "../formats/elf.ts";

const env = (...lines: readonly string[]) => ({
  config: (value: Record<string, unknown>) =>
    Object.assign(value["config"] as object, {
      Env: ["PATH=/usr/local/bin:/usr/bin", "NODE_ENV=production", ...lines],
    }),
});
const uuid = (seed: number): string =>
  noise(16, seed)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{3}).(.{3}).(.{2})(.*)$/, "$1-$2-4$3-a$4-$5$6")
    .slice(0, 36);

export const environmentCases: readonly Case[] = [
  {
    cause: "E1",
    what: "language and zone of the machine in the environment",
    ...both(env("LANG=C.UTF-8", "TZ=UTC"), env("LANG=de_DE.UTF-8", "TZ=Europe/Berlin")),
  },
  {
    cause: "E1",
    what: "messages of a tool in two languages",
    ...files(
      "built",
      "opt/tool/build.txt",
      "LANG=C.UTF-8\nTZ=UTC\nCOLUMNS=80\n",
      "LANG=fr_FR.UTF-8\nTZ=Europe/Paris\nCOLUMNS=211\n",
    ),
  },
  {
    cause: "E2",
    what: "home and directory of the build in the environment",
    ...both(env("HOME=/root", "PWD=/src"), env("HOME=/home/alice", "PWD=/home/alice/app")),
  },
  {
    cause: "E2",
    what: "the directory of the build in a file",
    ...files(
      "built",
      "opt/tool/tool.pc",
      "prefix=/home/alice/build/tool\nlibdir=${prefix}/lib\n",
      "prefix=/builds/7f3a/tool\nlibdir=${prefix}/lib\n",
    ),
  },
  {
    cause: "E3",
    what: "the name of the host in a file",
    ...files(
      "built",
      "opt/tool/build-host.txt",
      "built on buildd-03.corp.example\n",
      "built on runner-x7k2.ci.example\n",
    ),
  },
  {
    cause: "E3",
    what: "ids of containers in a file",
    ...files(
      "built",
      "opt/tool/origin.txt",
      "container 4f1d0a9b8c7e\nHOSTNAME=4f1d0a9b8c7e\n",
      "container 0a9b8c7e4f1d\nHOSTNAME=0a9b8c7e4f1d\n",
    ),
  },
  {
    cause: "E4",
    what: "the kernel of the machine in a file",
    ...files(
      "built",
      "opt/tool/config.log",
      "uname -r = 6.12.48+deb13-amd64\nuname -s = Linux\n",
      "uname -r = 6.8.0-1021-aws\nuname -s = Linux\n",
    ),
  },
  {
    cause: "E5",
    what: "the number of processors in a file",
    ...files(
      "built",
      "opt/tool/build.ninja.txt",
      "jobs = 8\nprocessors = 8\nmemory = 31 GiB\n",
      "jobs = 2\nprocessors = 2\nmemory = 7 GiB\n",
    ),
  },
  { cause: "E6", what: "a step downloaded what has changed since", a: curl().a, b: curl().b },
  { cause: "E7", what: "a proxy in the environment", ...both(env("HTTP_PROXY=http://proxy.corp.example:3128"), env()) },
  {
    cause: "E7",
    what: "an address of the network in a file",
    ...files("built", "opt/tool/mirror.conf", "server = 10.20.0.7:8080\n", "server = 192.168.178.21:8080\n"),
  },
  {
    cause: "E8",
    what: "the user who built in a file",
    ...files("built", "opt/tool/build-info.txt", "built by alice (uid 1000)\n", "built by jenkins (uid 998)\n"),
  },
  {
    cause: "E10",
    what: "a UUID of the build",
    ...files("built", "opt/tool/id.json", `{"id":"${uuid(1)}"}\n`, `{"id":"${uuid(2)}"}\n`),
  },
  {
    cause: "E10",
    what: "a token made by chance",
    ...files("built", "opt/tool/salt.txt", `${noise(24, 1).toString("hex")}\n`, `${noise(24, 2).toString("hex")}\n`),
  },
  {
    cause: "E11",
    what: "a note that qemu ran the build",
    ...files(
      "built",
      "opt/tool/config.txt",
      "host: x86_64-pc-linux-gnu\nemulator: none\n",
      "host: aarch64-unknown-linux-gnu\nemulator: qemu-aarch64-static\n",
    ),
  },
  {
    cause: "E12",
    what: "a secret in the environment",
    ...both(
      env("NPM_TOKEN=npm_4f1d0a9b8c7e4f1d0a9b8c7e4f1d0a9b8c7e"),
      env("NPM_TOKEN=npm_0a9b8c7e4f1d0a9b8c7e4f1d0a9b8c7e4f1d"),
    ),
  },
  {
    cause: "E12",
    what: "a file of credentials",
    ...files(
      "dependencies",
      "root/.npmrc",
      undefined,
      "//registry.example/:_authToken=4f1d0a9b-8c7e-4f1d-8a9b-8c7e4f1d0a9b\n",
    ),
  },
  {
    cause: "E13",
    what: "mask and limits of the shell in a file",
    ...files(
      "built",
      "opt/tool/env.txt",
      "umask 0022\nopen files (-n) 1024\n",
      "umask 0077\nopen files (-n) 1048576\n",
    ),
  },
  {
    cause: "E14",
    what: "another version of the compiler",
    ...files(
      "built",
      "opt/tool/tool",
      elf({ comment: "GCC: (Debian 14.2.0-19) 14.2.0\0" }),
      elf({ comment: "GCC: (Debian 15.1.0-4) 15.1.0\0" }),
    ),
  },
];

/** What `curl` of a moving address gave. */
function curl(): ReturnType<typeof files> {
  const pair = files("built", "opt/tool/latest.txt", prose(900, 41), prose(950, 47));
  const fetched = "RUN /bin/sh -c curl -fsSL https://files.example/tool/latest -o /opt/tool/latest.txt # buildkit";
  const told = <T extends typeof pair.a>(side: T): T => ({
    ...side,
    config: (value: Record<string, unknown>) => {
      side.config?.(value);
      value["history"] = (value["history"] as readonly object[]).map((line, index) =>
        index === 3 ? { ...line, created_by: fetched } : line,
      );
    },
  });
  return { a: told(pair.a), b: told(pair.b) };
}
