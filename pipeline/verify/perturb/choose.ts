/** Which perturbations a verification makes, and which of them together. */
import { mkdir } from "node:fs/promises";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { didYouMean } from "../../host/suggest.ts";
import { type StepPerturbation, stepPerturbations } from "./step-table.ts";
import type { Perturbation } from "./surroundings.ts";
import { perturbationsOf, usualPerturbations } from "./table.ts";

export interface Chosen {
  /** Each round is one rebuild. At least one, which is empty when nothing is changed. */
  readonly rounds: readonly (readonly Perturbation[])[];
  /** What is changed for the second run of steps. */
  readonly steps: readonly StepPerturbation[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** As few rounds as it takes for perturbations of one subject never to meet, each as early as it can be. Pure. */
export function roundsOf(chosen: readonly Perturbation[]): readonly (readonly Perturbation[])[] {
  const rounds: Perturbation[][] = [[]];
  for (const perturbation of chosen) {
    const free = rounds.find((round) => round.every(({ subject }) => subject !== perturbation.subject));
    if (free === undefined) rounds.push([perturbation]);
    else free.push(perturbation);
  }
  return rounds;
}

/** Those that are made when nothing is said. */
export const usualChoice: Chosen = { rounds: [usualPerturbations], steps: stepPerturbations, skipped: [] };

/** For past releases: as usual, but for a clock that is far ahead, since what is wrong with those comes with time. */
export async function releaseChoice(host: Host): Promise<Chosen> {
  const later = (await perturbationsOf(host)).filter(
    ({ name, usual }) => name === "clock+20y" || (usual && name !== "clock"),
  );
  return { rounds: roundsOf(later), steps: stepPerturbations, skipped: [] };
}

/** Whether everything that is usual is changed in some rebuild, so that the verdict is worth as much as the usual one. */
export function changesTheUsual({ rounds, steps }: Chosen): boolean {
  const names = new Set([...rounds.flat(), ...steps].map(({ name }) => name));
  return [...usualPerturbations, ...stepPerturbations].every(({ name }) => names.has(name));
}

/** Words of a list. LS5005 for what is none of `known`. */
function namesIn(text: string, known: readonly string[]): ReadonlySet<string> {
  const names = text.split(",").filter((name) => name !== "");
  const problems = (names.length === 0 ? [""] : names)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      code: "LS5005" as const,
      message: `there is no perturbation "${name}"`,
      hint: didYouMean(name, known) ?? `there are ${known.join(", ")}, and all, none and usual`,
    }));
  if (problems.length > 0) throw new LockstepError(problems);
  return new Set(names);
}

/**
 * What `--perturb` means: `usual`, `all`, `none` or a list of names. Of `all` those that this machine cannot make are left out and named.
 * `directory` is that of rebuilds, and is made when it is not there. LS5005 for a name that there is not, LS5006 for a named one that cannot be made here.
 */
export async function choosePerturbations(host: Host, text: string, directory: string): Promise<Chosen> {
  if (text === "usual") return usualChoice;
  if (text === "none") return { rounds: [[]], steps: [], skipped: [] };
  const all = await perturbationsOf(host);
  const known = [...all, ...stepPerturbations].map(({ name }) => name);
  const names = text === "all" ? new Set(known) : namesIn(text, known);
  const named = all.filter(({ name }) => names.has(name));
  await mkdir(directory, { recursive: true });
  const able: Perturbation[] = [];
  const skipped: { readonly name: string; readonly reason: string }[] = [];
  for (const perturbation of named) {
    const reason = await perturbation.lacking?.(host, directory);
    if (reason === undefined) able.push(perturbation);
    else skipped.push({ name: perturbation.name, reason });
  }
  if (text !== "all" && skipped.length > 0)
    throw new LockstepError(
      skipped.map(({ name, reason }) => ({ code: "LS5006", message: `${name} cannot be changed here: ${reason}` })),
    );
  return { rounds: roundsOf(able), steps: stepPerturbations.filter(({ name }) => names.has(name)), skipped };
}
