/** Looks through commands that only run another one: `sudo`, `env`, `xargs`, `timeout` and their like. */
import { type Argument, hole } from "./argument.ts";

export interface Invocation {
  /** Name of the program without its directory; empty where it is not known. */
  readonly name: string;
  readonly args: readonly Argument[];
  /** Where the name stands; undefined when there is nothing but assignments. */
  readonly word?: Argument;
  /** Programs that were looked through, outermost first. */
  readonly wrappers: readonly string[];
  /** Variables set for this command alone. */
  readonly variables: readonly { readonly name: string; readonly value: string }[];
}

interface Wrapper {
  /** Options that take the next word as their value. */
  readonly values?: RegExp;
  /** How many words come between the options and the command. */
  readonly operands?: number;
}

const wrappers: ReadonlyMap<string, Wrapper> = new Map(
  Object.entries({
    sudo: { values: /^-[CDghpRrTtUu]$|^--(?:user|group|host|prompt|chdir|chroot)$/ },
    doas: { values: /^-[Cu]$/ },
    env: { values: /^-[uC]$|^--(?:unset|chdir)$/ },
    xargs: { values: /^-[aEIdLnPs]$|^--(?:arg-file|delimiter|max-args|max-procs|replace|max-lines)$/ },
    nice: { values: /^-n$|^--adjustment$/ },
    ionice: { values: /^-[cn]$/ },
    time: { values: /^-[fo]$/ },
    timeout: { values: /^-[ks]$|^--(?:kill-after|signal)$/, operands: 1 },
    nohup: {},
    setsid: {},
    stdbuf: { values: /^-[ioe]$/ },
    exec: { values: /^-a$/ },
    builtin: {},
    busybox: {},
    eatmydata: {},
    fakeroot: {},
    chroot: { operands: 1 },
    gosu: { operands: 1 },
    "su-exec": { operands: 1 },
    setpriv: { values: /^--(?:reuid|regid|groups|bounding-set|inh-caps)$/ },
    runuser: { values: /^-[ugG]$/ },
    unshare: {},
    tini: {},
    "dumb-init": {},
    corepack: {},
  }),
);

function basename(value: string): string {
  return value.includes(hole) ? "" : value.slice(value.lastIndexOf("/") + 1);
}

/** The innermost command of some words. */
export function unwrap(words: readonly Argument[]): Invocation {
  const passed: string[] = [];
  const variables: { readonly name: string; readonly value: string }[] = [];
  let rest = words;
  for (;;) {
    const [word, ...args] = rest;
    if (word === undefined) return { name: "", args: [], wrappers: passed, variables };
    const name = basename(word.value);
    // `command -v` asks, and does not run.
    const lookup = name === "command" && /^-[vV]$/.test(args[0]?.value ?? "");
    const wrapper = name === "command" && !lookup ? {} : wrappers.get(name);
    if (wrapper === undefined) return { name, args, word, wrappers: passed, variables };
    let at = 0;
    for (; at < args.length; at++) {
      const value = args[at]?.value ?? "";
      if (value === "--") {
        at++;
        break;
      }
      const assignment = /^([A-Za-z_]\w*)=([^]*)$/.exec(value);
      if (assignment !== null) variables.push({ name: assignment[1] ?? "", value: assignment[2] ?? "" });
      else if (!value.startsWith("-") || value === "-") break;
      if ("values" in wrapper && wrapper.values?.test(value) === true) at++;
    }
    at += ("operands" in wrapper ? wrapper.operands : undefined) ?? 0;
    if (at >= args.length) return { name, args, word, wrappers: passed, variables };
    passed.push(name);
    rest = args.slice(at);
  }
}
