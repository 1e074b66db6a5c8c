/** A pool of worker threads for package fragments. Jobs go out largest first; what they give does not depend on how many there are. */
import { Worker } from "node:worker_threads";
import { interrupted, LockstepError } from "../host/errors.ts";
import type { PackageFragment } from "./package-fragment.ts";
import type { Answer, Job, WorkerData } from "./worker.ts";

export interface SizedJob extends Job {
  /** Bytes of the package, for the order of work and for progress. */
  readonly size: number;
}

export interface PoolOptions {
  readonly data: WorkerData;
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onDone?: (job: SizedJob) => void;
}

/** Runs every job and gives the answers in the order of the jobs. The first failure stops the rest and is thrown. */
export async function runJobs(jobs: readonly SizedJob[], options: PoolOptions): Promise<readonly PackageFragment[]> {
  const answers: PackageFragment[] = [];
  const queue = jobs.map((job, index) => ({ job, index })).toSorted((a, b) => b.job.size - a.job.size);
  const workers: Worker[] = [];
  const stop = (): Promise<unknown> => Promise.all(workers.map((worker) => worker.terminate()));
  const ask = (worker: Worker, job: Job): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => reject(interrupted());
      const settle = (then: () => void): void => {
        worker.off("message", onMessage);
        worker.off("error", onError);
        worker.off("exit", onExit);
        options.signal?.removeEventListener("abort", onAbort);
        then();
      };
      const onMessage = (answer: Answer): void => settle(() => resolve(answer));
      const onError = (error: unknown): void => settle(() => reject(error));
      const onExit = (code: number): void =>
        settle(() => reject(new LockstepError({ code: "LS1000", message: `a worker ended with code ${code}` })));
      worker.on("message", onMessage);
      worker.on("error", onError);
      worker.on("exit", onExit);
      options.signal?.addEventListener("abort", onAbort);
      if (options.signal?.aborted === true) onAbort();
      worker.postMessage({ recipe: job.recipe, name: job.name });
    });
  const serve = async (): Promise<void> => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: options.data });
    workers.push(worker);
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const answer = await ask(worker, next.job);
      if ("problems" in answer) throw new LockstepError(answer.problems);
      answers[next.index] = answer.made;
      options.onDone?.(next.job);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.threads, jobs.length) }, serve));
    return answers;
  } finally {
    queue.length = 0;
    await stop();
  }
}
