/** A worker thread that makes package fragments: one job at a time, its answer as a message. */
import { parentPort, workerData } from "node:worker_threads";
import { LockstepError, messageOf, type Problem } from "../host/errors.ts";
import { createHost } from "../host/host.ts";
import { makePackageFragment, type PackageFragment, type PackageRecipe } from "./package-fragment.ts";

export interface WorkerData {
  /** Directory of the store that has the packages. */
  readonly inputs: string;
  /** Directory of the store that gets the fragments. */
  readonly results: string;
}

export interface Job {
  readonly recipe: PackageRecipe;
  readonly name: string;
}

export type Answer = { readonly made: PackageFragment } | { readonly problems: readonly Problem[] };

const { inputs, results } = workerData as WorkerData;
const host = createHost();

async function answer({ recipe, name }: Job): Promise<Answer> {
  try {
    return { made: await makePackageFragment(host, inputs, results, recipe, name) };
  } catch (error) {
    if (error instanceof LockstepError) return { problems: error.problems };
    return { problems: [{ code: "LS1000", message: messageOf(error), place: { file: name } }] };
  }
}

parentPort?.on("message", (job: Job) => {
  void answer(job).then((result) => parentPort?.postMessage(result));
});
