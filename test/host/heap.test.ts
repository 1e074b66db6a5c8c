/** The size of the heap while packages are unpacked. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { root, run } from "../support.ts";

/** Prints what V8 calls the set of its options, before and after. */
const program = `
const { growHeapFreely } = await import(process.argv[1]);
const { cachedDataVersionTag } = await import("node:v8");
const before = cachedDataVersionTag();
growHeapFreely();
console.log(before === cachedDataVersionTag() ? "ignored" : "taken");
`;

it("V8 knows the option that lets the heap grow", () => {
  const { stdout, stderr } = run(process.execPath, [
    "--input-type=module",
    "-e",
    program,
    join(root, "pipeline/host/heap.ts"),
  ]);
  // V8 says on stderr what it does not know, and does nothing else about it.
  expect([stdout.toString(), stderr.toString()]).toEqual(["taken\n", ""]);
});
