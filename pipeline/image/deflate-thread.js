/** What deflate.ts asks threads: compresses blocks. */
import { readFileSync } from "node:fs";

const program = readFileSync(new URL("./deflate.wasm", import.meta.url));
const { memory, prepare, input, output, deflate } = /** @type {any} */ (
  new WebAssembly.Instance(new WebAssembly.Module(program)).exports
);
prepare();
const [start, result] = [input(), output()];
const memoryBytes = new Uint8Array(memory.buffer);

/** @param {{ bytes: Uint8Array, dictionary: number }} question */
export function answer({ bytes, dictionary }) {
  memoryBytes.set(bytes, start - dictionary);
  const size = deflate(dictionary, bytes.length - dictionary);
  const content = memoryBytes.slice(result, result + size);
  return { content, moved: [content.buffer] };
}
