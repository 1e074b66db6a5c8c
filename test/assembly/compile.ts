/** `npm run assembly`: compiles what is written in AssemblyScript. The compiled form is committed; a test holds that it is this one. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import asc from "assemblyscript/asc";
import { root } from "../support.ts";

/** Sources, and what they become. */
export const modules = [
  { source: "pipeline/image/assembly/deflate.ts", compiled: "pipeline/image/deflate.wasm" },
  { source: "pipeline/source/assembly/lzma.ts", compiled: "pipeline/source/lzma.wasm" },
] as const;

/** The WebAssembly of a source file: no imports, no runtime, and no checks of what the code itself guarantees. */
export async function compile(source: string): Promise<Uint8Array> {
  const name = basename(source);
  const text = readFileSync(join(root, source), "utf8");
  let compiled: Uint8Array | undefined;
  const { error, stderr } = await asc.main([name, "-O3", "--runtime", "stub", "--noAssert", "--outFile", "out.wasm"], {
    readFile: (path) => (path === name ? text : null),
    writeFile: (_, contents) => void (compiled = contents as Uint8Array),
    listFiles: () => [],
  });
  if (error !== null || compiled === undefined) throw new Error(`${source} does not compile\n${stderr.toString()}`);
  return compiled;
}

if (process.argv[1] === import.meta.filename) {
  for (const { source, compiled } of modules) writeFileSync(join(root, compiled), await compile(source));
}
