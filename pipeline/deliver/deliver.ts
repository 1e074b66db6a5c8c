/** Delivering: when a commit is whole and its images can be had, the branch that Argo CD or Flux follows is moved to it. */
import type { BuiltImage } from "../build/build.ts";
import type { Problem } from "../host/errors.ts";
import { moveBranch, refusalOf, relationOf, tipOf } from "./branch.ts";
import { checkedOut, notCommitted } from "./committed.ts";
import { deliveredImages, type GateRun, judge, type Judged } from "./gate.ts";
import type { DeliverySettings, RenderedFile } from "./model.ts";
import type { Delivering } from "./remote.ts";
import { checkRendered } from "./tree.ts";

export interface DeliverRun extends GateRun {
  /** The repository's root directory. */
  readonly root: string;
  readonly git: Delivering;
  /** `refs/heads/delivered`. */
  readonly reference: string;
  /** Look at everything, and move nothing. */
  readonly dryRun: boolean;
}

export interface Delivered {
  readonly outcome: "moved" | "would-move" | "current" | "refused";
  readonly commit: string;
  /** What the branch had; absent when there was none, or nobody looked. */
  readonly before?: string;
  readonly images: readonly Judged[];
  /** Why it is refused. */
  readonly problems: readonly Problem[];
}

/** The ref that Argo CD or Flux follows by `delivery.yaml`, where one of them is rendered for. */
export function followed({ argocd, flux, repository }: DeliverySettings): string | undefined {
  return argocd === undefined && flux === undefined ? undefined : repository.revision;
}

/**
 * Delivers the commit that is checked out. `files` are what is rendered now of the images that were built. Throws LS7206, LS7208, LS2901
 * and LS1003; whatever else is against it is an outcome.
 */
export async function deliver(
  run: DeliverRun,
  files: readonly RenderedFile[],
  built: readonly BuiltImage[],
): Promise<Delivered> {
  const { host, root, git, reference } = run;
  const commit = await checkedOut(git);
  const stale = await checkRendered(root, files);
  const uncommitted = stale.length > 0 ? [] : await notCommitted(host, git, commit, files);
  const whole = [...stale, ...uncommitted];
  if (whole.length > 0) return { outcome: "refused", commit, images: [], problems: whole };
  const images = await judge(run, deliveredImages(files, built));
  const judged = images.flatMap(({ problems }) => problems);
  if (judged.length > 0) return { outcome: "refused", commit, images, problems: judged };
  const before = await tipOf(git, reference);
  const found = { commit, ...(before === undefined ? {} : { before }), images };
  const relation = await relationOf(git, before, commit);
  const refusal = refusalOf(relation, reference, before, commit);
  if (refusal !== undefined) return { outcome: "refused", ...found, problems: [refusal] };
  if (relation === "same") return { outcome: "current", ...found, problems: [] };
  if (run.dryRun) return { outcome: "would-move", ...found, problems: [] };
  const lost = await moveBranch(git, reference, before, commit);
  return { outcome: lost === undefined ? "moved" : "refused", ...found, problems: lost === undefined ? [] : [lost] };
}
