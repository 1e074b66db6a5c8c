/** Steps without an engine: the tree that one is given is unpacked by GNU tar, and a test changes it as the step would. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { prepareSteps } from "../../../pipeline/build/build.ts";
import { treeOf } from "../../../pipeline/build/step/below.ts";
import { flatten } from "../../../pipeline/build/step/flatten.ts";
import { placeOf, stepsVariable } from "../../../pipeline/build/step/open.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { hasProgram, run } from "../../support.ts";
import { tinyRepository, type TinyOptions, type TinyRepository } from "../tiny-repository.ts";

/** Owners and capabilities are only kept for root. */
export const canUnpack = process.getuid?.() === 0 && hasProgram("tar");

export interface StepScene extends TinyRepository {
  /** Does the next open steps of images: each gets its directory with the tree as it is before. Gives how many there were. */
  step(change: (directory: string) => void, names?: readonly string[]): Promise<number>;
  /** The same for a run to compare, the first of which a rebuild takes. */
  again(change: (directory: string) => void, run?: number): Promise<number>;
  /** From now on nobody has results. */
  forget(): void;
}

/** Unpacks a tar archive with everything it says. */
export function unpack(archive: string, directory: string): void {
  const args = ["--extract", "--same-owner", "--same-permissions", "--xattrs", "--xattrs-include=*"];
  const { status, stderr } = run("tar", [...args, `--file=${archive}`, `--directory=${directory}`]);
  if (status !== 0) throw new Error(stderr.toString("utf8"));
}

export async function stepScene(options: TinyOptions): Promise<StepScene> {
  const environment: Record<string, string> = { ...options.environment };
  const at = await tinyRepository({ ...options, environment });
  const results = join(at.directory, "steps");
  environment[stepsVariable] = results;
  const perform = async (
    run: number | undefined,
    change: (directory: string) => void,
    names: readonly string[] = [],
  ): Promise<number> => {
    const every = run !== undefined;
    const stores = { inputs: at.store, results: at.store };
    const steps = await prepareSteps(at.host, stores, silent, await at.plan(at.host, names), { every });
    for (const { image, index, below, used } of steps) {
      const directory = join(results, placeOf(image, index, run));
      mkdirSync(directory, { recursive: true });
      const layers = [...used.values()][0] ?? below;
      const archive = join(at.directory, "tree.tar");
      await flatten(at.store, layers, await treeOf(at.store, layers), archive);
      unpack(archive, directory);
      // A container hides it below its devices.
      rmSync(join(directory, "dev"), { recursive: true });
      change(directory);
    }
    return steps.length;
  };
  return {
    ...at,
    step: (change, names) => perform(undefined, change, names),
    again: (change, run = 0) => perform(run, change),
    forget: () => void delete environment[stepsVariable],
  };
}
