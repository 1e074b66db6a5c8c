/** A process of row 9: compresses its standard input to its standard output as one fragment. */
import { once } from "node:events";
import { FragmentWriter } from "../../pipeline/image/fragment.ts";

const refuse = (): Promise<never> => Promise.reject(new Error("not a store"));
const writer = new FragmentWriter({
  async write(bytes) {
    if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
  },
  commit: refuse,
  abort: refuse,
});
for await (const piece of process.stdin) await writer.raw(piece as Buffer);
await writer.finish();
