/**
 * Preloaded into the process that rebuilds for `verify`: shifts the clock, changes the umask and reverses directory listings, so that a
 * build that depends on any of them gives another digest.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";

const day = 86_400_000;
/** To a time before every input: a build that reads the clock would show it. */
const shift = -4000 * day;

const RealDate = Date;
const shiftedNow = (): number => RealDate.now() + shift;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget) as object,
  apply: () => new RealDate(shiftedNow()).toString(),
  get: (target, name, receiver) => (name === "now" ? shiftedNow : (Reflect.get(target, name, receiver) as unknown)),
});

// Threads share the umask of their process and may not set it.
if (isMainThread) process.umask(0o077);

function reversed<Value>(value: Value): Value {
  return Array.isArray(value) ? (value.toReversed() as Value) : value;
}

const readdirSync = fs.readdirSync.bind(fs) as (...args: unknown[]) => unknown;
const readdir = fs.promises.readdir.bind(fs.promises) as (...args: unknown[]) => Promise<unknown>;
Object.assign(fs, { readdirSync: (...args: unknown[]) => reversed(readdirSync(...args)) });
Object.assign(fs.promises, { readdir: async (...args: unknown[]) => reversed(await readdir(...args)) });
syncBuiltinESMExports();
