/**
 * Preloaded into a process that rebuilds for `verify`: changes what its address asks for (`perturb.ts?clock=-86400000&umask=77`), so that a
 * build that depends on any of it gives another digest. The table of what can be asked for is in pipeline/verify/perturb/table.ts.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { isMainThread } from "node:worker_threads";

// In the address, not in the environment: that stays as it was chosen, and threads are given the same address.
const asked = new URL(import.meta.url).searchParams;

/** Shifts the clock by milliseconds. */
function shiftClock(shift: number): void {
  const RealDate = Date;
  const shiftedNow = (): number => RealDate.now() + shift;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget) as object,
    apply: () => new RealDate(shiftedNow()).toString(),
    get: (target, name, receiver) => (name === "now" ? shiftedNow : (Reflect.get(target, name, receiver) as unknown)),
  });
}

/** In another order that is the same in every run with this seed. */
function shuffled(values: readonly unknown[], seed: number): readonly unknown[] {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  return values
    .map((value) => ({ value, key: next() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

type Listing = (...args: unknown[]) => unknown;

/** Directories list their entries in another order. */
function reorderListings(reorder: (values: readonly unknown[]) => readonly unknown[]): void {
  const otherwise = (value: unknown): unknown => (Array.isArray(value) ? reorder(value) : value);
  const readdirSync = fs.readdirSync.bind(fs) as Listing;
  const readdir = fs.readdir.bind(fs) as Listing;
  const promised = fs.promises.readdir.bind(fs.promises) as (...args: unknown[]) => Promise<unknown>;
  Object.assign(fs, {
    readdirSync: (...args: unknown[]) => otherwise(readdirSync(...args)),
    readdir: (...args: unknown[]) => {
      const done = args.at(-1) as (error: unknown, names?: unknown) => void;
      readdir(...args.slice(0, -1), (error: unknown, names?: unknown) => done(error, otherwise(names)));
    },
  });
  Object.assign(fs.promises, { readdir: async (...args: unknown[]) => otherwise(await promised(...args)) });
}

/** The machine seems to have this many processors. */
function countProcessors(count: number): void {
  const [one] = os.cpus();
  Object.assign(os, { availableParallelism: () => count, cpus: () => Array.from({ length: count }, () => one) });
}

const { clock, umask, listings, processors, host } = Object.fromEntries(asked) as Readonly<
  Partial<Record<string, string>>
>;
if (clock !== undefined) shiftClock(Number(clock));
// Threads share the umask of their process and may not set it.
if (umask !== undefined && isMainThread) process.umask(Number.parseInt(umask, 8));
if (listings === "reverse") reorderListings((values) => values.toReversed());
else if (listings !== undefined) reorderListings((values) => shuffled(values, Number(listings)));
if (processors !== undefined) countProcessors(Number(processors));
if (host !== undefined) Object.assign(os, { hostname: () => host });
syncBuiltinESMExports();
