/** Threads for work on bytes, which answer questions. They are started when they are needed, and end with the program. */
import { availableParallelism } from "node:os";
import { type Transferable, Worker } from "node:worker_threads";

/** Asked once: Linux has to be asked for it in several files. */
const processors = availableParallelism();

/** What a thread says; the number is that of the question. */
interface Answer {
  readonly number: number;
  readonly content?: unknown;
  /** What was thrown, and its properties, such as the code of an error of the system. */
  readonly error?: Error;
  readonly known?: object;
}

/** A thread with what it has been given to do. While that is anything, it keeps the program from ending. */
class Thread {
  readonly #worker = new Worker(new URL("./thread.js", import.meta.url), {
    // What Node was told for the program is not for a thread of it.
    execArgv: [],
    // It holds little, and is not to keep what nobody needs.
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
  });
  readonly #waiting = new Map<number, { resolve(content: unknown): void; reject(error: Error): void }>();
  #asked = 0;
  #tasks = 0;
  #lost: Error | undefined;
  /** Resolves when it runs, or will not. */
  readonly #online: Promise<void>;

  constructor() {
    this.#worker.on("message", ({ number, content, error, known }: Answer) => {
      const waiting = this.#take(number);
      if (error === undefined) waiting?.resolve(content);
      else waiting?.reject(Object.assign(error, known));
    });
    this.#online = new Promise((resolve) => this.#worker.once("online", resolve).once("exit", () => resolve()));
    this.#worker.on("error", (error: Error) => this.#lose(error));
    this.#worker.on("exit", () => this.#lose(new Error("the thread has ended")));
    this.#worker.unref();
  }

  get tasks(): number {
    return this.#tasks;
  }

  async online(): Promise<void> {
    this.begin();
    await this.#online;
    this.end();
  }

  begin(): void {
    if (this.#tasks++ === 0) this.#worker.ref();
  }

  end(): void {
    if (--this.#tasks === 0) this.#worker.unref();
  }

  async ask(program: URL, content: unknown, moved: readonly Transferable[]): Promise<unknown> {
    if (this.#lost !== undefined) throw this.#lost;
    this.begin();
    try {
      return await new Promise((resolve, reject) => {
        const number = ++this.#asked;
        this.#waiting.set(number, { resolve, reject });
        this.#worker.postMessage({ number, program: program.href, content }, moved);
      });
    } finally {
      this.end();
    }
  }

  #take(number: number): { resolve(content: unknown): void; reject(error: Error): void } | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    return waiting;
  }

  #lose(error: Error): void {
    this.#lost = error;
    threads.delete(this);
    for (const number of this.#waiting.keys()) this.#take(number)?.reject(error);
  }
}

/** Those that are not lost. */
const threads = new Set<Thread>();

function start(): Thread {
  const thread = new Thread();
  threads.add(thread);
  return thread;
}

/** An idle thread, or a new one while there are fewer than processors, or the one with the least to do. */
function take(): Thread {
  let least: Thread | undefined;
  for (const thread of threads) if (least === undefined || thread.tasks < least.tasks) least = thread;
  if (least !== undefined && (least.tasks === 0 || threads.size >= processors)) return least;
  return start();
}

/**
 * Asks a thread the module `program`, which is plain JavaScript and exports `answer` (thread.js), and hands over what is moved. Rejects with
 * what `answer` throws, and when the thread is lost.
 */
export function ask(program: URL, content: unknown, moved: readonly Transferable[] = []): Promise<unknown> {
  return take().ask(program, content, moved);
}

/** Questions that go to one thread, since `program` remembers something between them. */
export interface Conversation {
  ask(content: unknown, moved: readonly Transferable[]): Promise<unknown>;
  end(): void;
}

export function converse(program: URL): Conversation {
  const thread = take();
  thread.begin();
  return {
    ask: (content, moved) => thread.ask(program, content, moved),
    end: () => thread.end(),
  };
}

/** Starts threads, so that they are there when they are needed; resolves once they are. That they cannot start is told when one is asked. */
export async function startThreads(): Promise<void> {
  try {
    while (threads.size < Math.min(2, processors)) start();
  } catch {
    return;
  }
  await Promise.all([...threads].map((thread) => thread.online()));
}
