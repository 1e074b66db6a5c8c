/** Decodes .xz in threads, so that archives are unpacked while the next of them are decoded. */
import { Worker } from "node:worker_threads";

/** What a thread is asked, and what it says: `xz-thread.js` has what each of it means. */
interface Question {
  readonly id: number;
  readonly input?: Uint8Array;
  readonly last: boolean;
  readonly buffer?: ArrayBuffer;
}

interface Answer {
  readonly id: number;
  readonly status: number;
  readonly output: Uint8Array<ArrayBuffer>;
  readonly wants: boolean;
}

/** Bytes of input that are handed over at once. */
const pieceSize = 1 << 18;

/** lzma_ret of liblzma: what is said of streams that cannot be decoded. */
const [okay, ended] = [0, 1];
const complaints: Readonly<Record<number, string>> = {
  5: "it needs more memory than there is for it",
  6: "it needs more memory than is allowed",
  7: "it is no .xz stream, or something follows its end",
  8: "it uses what this decoder does not know",
  9: "it is damaged",
  10: "it ends in the middle",
};

/** A thread with the streams that it decodes. */
class Thread {
  readonly #worker = new Worker(new URL("./xz-thread.js", import.meta.url), {
    // It holds little, and is not to keep what nobody needs.
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
  });
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #streams = 0;
  #lost: Error | undefined;

  constructor() {
    this.#worker.on("message", (answer: Answer) => this.#take(answer.id)?.resolve(answer));
    this.#worker.on("error", (error: Error) => this.#lose(error));
    this.#worker.on("exit", () => this.#lose(new Error("the thread has ended")));
    this.#worker.unref();
  }

  get streams(): number {
    return this.#streams;
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** As long as there is a stream, the thread keeps the program from ending. */
  begin(): void {
    if (this.#streams++ === 0) this.#worker.ref();
  }

  end(id: number): void {
    this.#worker.postMessage({ id, last: true, end: true });
    if (--this.#streams === 0) this.#worker.unref();
  }

  ask(question: Question): Promise<Answer> {
    const { id, input, buffer } = question;
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost);
      this.#waiting.set(id, { resolve, reject });
      const moved = [input?.buffer as ArrayBuffer | undefined, buffer].filter((bytes) => bytes !== undefined);
      this.#worker.postMessage(question, moved);
    });
  }

  #take(id: number): { resolve(answer: Answer): void; reject(error: Error): void } | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #lose(error: Error): void {
    this.#lost = error;
    for (const id of this.#waiting.keys()) this.#take(id)?.reject(error);
  }
}

const threads: Thread[] = [];
let begun = 0;

/** An idle thread, or a new one while there are fewer than `most`, or the one with the fewest streams. */
function thread(most: number): Thread {
  const there = threads.filter(({ lost }) => !lost).toSorted((a, b) => a.streams - b.streams);
  const [least] = there;
  if (least !== undefined && (least.streams === 0 || there.length >= most)) return least;
  const started = new Thread();
  threads.push(started);
  return started;
}

/**
 * The content of .xz streams that follow each other, with padding between them (xz specification, section 2). Throws for what is damaged, cut,
 * followed by something else, or wants more than 160 MiB of memory. A piece is gone when the next but one is asked for.
 */
export async function* decodeXz(source: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array, void> {
  const decoder = thread(most);
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
    const taken = Uint8Array.prototype.slice.call(piece, 0, pieceSize);
    piece = piece.subarray(taken.length);
    return taken;
  };
  let spare: ArrayBuffer | undefined;
  const ask = async (wants: boolean): Promise<Answer> => {
    const given = wants ? { input: await more(), last } : { last };
    const buffer = spare;
    spare = undefined;
    return decoder.ask({ id, ...given, ...(buffer === undefined ? {} : { buffer }) });
  };
  decoder.begin();
  let asked = ask(true);
  try {
    for (;;) {
      const { status, output, wants } = await asked;
      if (status !== okay && status !== ended) throw new Error(complaints[status] ?? `the decoder failed (${status})`);
      // The next piece is decoded while this one is used.
      if (status === okay) asked = ask(wants);
      // That it fails is seen when it is waited for.
      asked.catch(() => {});
      if (output.length > 0) yield output;
      spare = output.buffer;
      if (status === ended) return;
    }
  } finally {
    await asked.catch(() => {});
    decoder.end(id);
    await input.return?.();
  }
}
