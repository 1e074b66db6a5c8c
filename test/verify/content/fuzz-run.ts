/** `npm run fuzz`: compares very many contents that were made to break the comparers; `npm run fuzz -- 500000 7` says how many, and the seed. */
import fc from "fast-check";
import { holds, inputs } from "./fuzz.ts";

const [count = "100000", seed] = process.argv.slice(2);
const started = performance.now();
let slowest = 0;
await fc.assert(
  fc.asyncProperty(inputs, async (input) => {
    const before = performance.now();
    await holds(input);
    slowest = Math.max(slowest, performance.now() - before);
  }),
  { numRuns: Number(count), ...(seed === undefined ? {} : { seed: Number(seed) }) },
);
const seconds = (performance.now() - started) / 1000;
console.log(`${count} inputs in ${seconds.toFixed(0)} s, none crashed; the slowest took ${slowest.toFixed(0)} ms`);
