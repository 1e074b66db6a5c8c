/** Pairs of images that were made with other tools, one thing changed in between: scripts that are run for both sides. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHost } from "../../../pipeline/host/host.ts";
import { run } from "../../support.ts";

/** A pair as it is written down; scripts run under `sh -eu`, those of both sides in a directory of one name. */
export interface Script {
  /** The row of the catalogue, as for programmatic pairs. */
  readonly cause: string;
  readonly or?: readonly string[];
  readonly what: string;
  readonly needs: readonly string[];
  /** Run for both sides after a tree of files was made in `tree`; unless it makes `out` itself, `tree` is packed in one way for both. */
  readonly both?: string;
  readonly a?: string;
  readonly b?: string;
  readonly root?: true;
  /** Of the subject; `out` unless given. */
  readonly name?: string;
}

export interface RealPair {
  readonly cause: string;
  readonly or?: readonly string[];
  readonly what: string;
  /** What is not on this machine; undefined where the pair can be made. */
  readonly missing?: string;
  /** Makes both sides below a directory, and gives their names for explain. */
  readonly make: (directory: string) => readonly [string, string];
}

const tree = `
umask 022
mkdir -p tree/app/lib tree/etc
printf 'hello\\n' > tree/app/hello.txt
seq 1 3000 > tree/app/lib/numbers.txt
printf '#!/bin/sh\\nexec true\\n' > tree/app/run.sh
chmod 755 tree/app/run.sh
ln -s hello.txt tree/app/greeting
printf 'root:x:0:0:root:/root:/bin/sh\\n' > tree/etc/passwd
find tree -exec touch -h -d @1704067200 {} +
`;
const pack = `
if [ ! -e out ]; then
  tar -C tree --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@1704067200 -cf out .
fi
`;

type Environment = Record<string, string>;

function side(directory: string, script: Script, which: "a" | "b", environment: Environment): string {
  const work = join(directory, "work");
  mkdirSync(work, { recursive: true });
  const path = join(work, "make.sh");
  writeFileSync(path, `${tree}\n${script.both ?? ""}\n${script[which] ?? ""}\n${pack}`);
  const env = { ...environment, HOME: work, LC_ALL: "C.UTF-8", SIDE: which };
  const { status, stderr } = run("sh", ["-eu", path], { cwd: work, env });
  if (status !== 0) throw new Error(`${script.what}, ${which}: ${stderr.toString().slice(-500)}`);
  const own = join(directory, which);
  renameSync(work, own);
  const name = script.name ?? "out";
  return name.includes(":") ? name.replace(":", `:${own}/`) : join(own, name);
}

/** The pairs of scripts, each with what is missing for it in an environment. */
export function pairsOf(scripts: readonly Script[], environment: Environment): readonly RealPair[] {
  const has = (program: string): boolean =>
    run("sh", ["-c", `command -v ${program}`], { env: environment }).status === 0;
  return scripts.map((script) => {
    const absent = script.needs.find((program) => !has(program));
    const missing = absent ?? (script.root === true && createHost().uid !== 0 ? "root" : undefined);
    const { cause, or, what } = script;
    return {
      cause,
      what,
      ...(or === undefined ? {} : { or }),
      ...(missing === undefined ? {} : { missing }),
      make: (directory) => [side(directory, script, "a", environment), side(directory, script, "b", environment)],
    };
  });
}
