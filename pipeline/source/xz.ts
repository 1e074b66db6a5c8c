/** Decodes .xz in threads, so that archives are unpacked while the next of them are decoded. */
import { converse } from "../host/threads.ts";

/** What a thread says: `xz-thread.js` has what each of it means. */
interface Answer {
  readonly output: Uint8Array<ArrayBuffer>;
  readonly wants: boolean;
  readonly ended: boolean;
  readonly problem?: string;
}

/** Bytes of input that are handed over at once, and of output: of what is large more, so that the threads wait for this one less often. */
const inputSize = 1 << 18;
const outputSize = { small: 1 << 18, large: 1 << 20 } as const;
/** From this many bytes on a source is large. */
const largeSource = 1 << 20;

const program = new URL("./xz-thread.js", import.meta.url);
let begun = 0;

/**
 * The content of .xz streams that follow each other, with padding between them (xz specification, section 2). Throws for what is damaged, cut,
 * followed by something else, or wants a dictionary of more than 128 MiB. A piece is gone when the next is asked for. `size` is that of
 * the source in bytes, as far as it is known.
 */
export async function* decodeXz(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void> {
  const decoder = converse(program);
  const id = ++begun;
  const input = source[Symbol.asyncIterator]();
  let piece: Uint8Array = new Uint8Array(0);
  let last = false;
  const more = async (): Promise<Uint8Array<ArrayBuffer>> => {
    while (piece.length === 0 && !last) {
      const next = await input.next();
      if (next.done === true) last = true;
      else piece = next.value;
    }
    // A copy, because it goes to the thread.
    const taken = Uint8Array.prototype.slice.call(piece, 0, inputSize);
    piece = piece.subarray(taken.length);
    return taken;
  };
  let spare: ArrayBuffer | undefined;
  const ask = async (wants: boolean): Promise<Answer> => {
    const given = wants ? { input: await more(), last } : { last };
    const buffer = spare ?? new ArrayBuffer(size < largeSource ? outputSize.small : outputSize.large);
    spare = undefined;
    const moved = [...(given.input === undefined ? [] : [given.input.buffer]), buffer];
    return decoder.ask({ id, ...given, buffer }, moved) as Promise<Answer>;
  };
  let asked = ask(true);
  try {
    for (;;) {
      const { output, wants, ended, problem } = await asked;
      if (problem !== undefined) throw new Error(problem);
      // The next piece is decoded while this one is used.
      if (!ended) asked = ask(wants);
      // That it fails is seen when it is waited for.
      asked.catch(() => {});
      if (output.length > 0) yield output;
      spare = output.buffer;
      if (ended) return;
    }
  } finally {
    await asked.catch(() => {});
    decoder.ask({ id }, []).catch(() => {});
    decoder.end();
    await input.return?.();
  }
}
