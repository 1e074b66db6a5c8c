import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../support.ts";
import { compile, modules } from "./compile.ts";

/** As far as it is used here; no library of types but the browser's has it. */
declare const WebAssembly: {
  readonly Module: { new (bytes: Uint8Array): object; imports(module: object): readonly object[] };
};

describe("WebAssembly", () => {
  it.each(modules)("$compiled is what $source compiles to (npm run assembly)", async ({ source, compiled }) => {
    const bytes = await compile(source);
    expect(Buffer.compare(bytes, readFileSync(join(root, compiled)))).toBe(0);
    const module = new WebAssembly.Module(bytes);
    // What it may reach is its own memory.
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });
});
