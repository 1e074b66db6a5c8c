/** A base under an image: its tree, the accounts added to it, and the note of what the image's own layers need of it. */
import { canonicalJson } from "../../store/canonical-json.ts";
import { digestOf } from "../../store/digest.ts";
import { accountFiles } from "../../source/image/layer.ts";
import type { BaseTree } from "../../source/image/tree.ts";
import type { Stores } from "../package-fragment.ts";
import type { BaseLayer, Plan, PlannedBase, PlannedLayer, PlannedSystem } from "../plan.ts";
import type { SystemResult } from "../system/types.ts";
import { extendAccounts } from "./accounts.ts";
import { baseTree } from "./layers.ts";

/** What an own layer found in the base: another base on which it is to have the same bytes must have the same. */
export interface BaseNeeds {
  /** Mode and owner of directories that own layers name, by path: `0755 0:0`. */
  readonly directories: Readonly<Record<string, string>>;
  /** Digests of files that own layers have other versions of, made from these; `absent` where there was none. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The annotation of a manifest that `rebase` goes by (docs/format.md, "Images on a base"). */
export const rebaseAnnotation = "dev.lockstep.base";

export function baseLayersOf(plan: Plan): readonly BaseLayer[] {
  return plan.layers.filter((layer) => layer.kind === "base");
}

/** The tree of the plan's base; undefined for an image that has none. LS2805, LS2808 and LS40xx for bases that cannot be used. */
export async function foundationOf(stores: Stores, plan: Plan): Promise<BaseTree | undefined> {
  const layers = baseLayersOf(plan);
  return layers.length === 0 ? undefined : await baseTree(stores, layers);
}

/** The files of the system on a base: those of accounts. `file` is the spec that problems are about. */
export function systemOnBase(tree: BaseTree, { users, groups }: PlannedSystem, file: string): SystemResult {
  const files = extendAccounts(tree, users, groups, file);
  return { files, overrides: [], removed: [], diversions: [], done: [], notDone: [] };
}

/** The state of a base's files of accounts. */
export function accountStates(tree: BaseTree): Readonly<Record<string, string>> {
  return Object.fromEntries(
    accountFiles.map((path) => {
      const entry = tree.find(path);
      if (entry === undefined) return [path, "absent"];
      const { content, mode, uid, gid, type } = entry;
      return [path, content === undefined ? type : digestOf(canonicalJson({ content, mode, uid, gid }))];
    }),
  );
}

/** What the documents say of a base's layer otherwise than of an own one. */
export function baseLayerTexts(layer: PlannedLayer | undefined): Pick<BaseLayer, "mediaType" | "history"> | undefined {
  return layer?.kind === "base" ? { mediaType: layer.mediaType, history: layer.history } : undefined;
}

/** Annotations of the manifest of an image on a base (OCI image-spec, annotations.md, and one of our own). */
export function baseAnnotations(
  base: PlannedBase | undefined,
  ownLayers: number,
  needs: readonly (BaseNeeds | undefined)[],
  steps = false,
): Readonly<Record<string, string>> {
  if (base === undefined) return {};
  const { name, digest, ...kept } = base;
  const note = {
    ...kept,
    directories: Object.assign({}, ...needs.map((each) => each?.directories ?? {})) as Readonly<Record<string, string>>,
    files: Object.assign({}, ...needs.map((each) => each?.files ?? {})) as Readonly<Record<string, string>>,
    layers: ownLayers,
    // What a step does may depend on anything in the base: such an image is built anew, and a note with this member says so.
    ...(steps ? { steps } : {}),
  };
  return {
    [rebaseAnnotation]: canonicalJson(note),
    "org.opencontainers.image.base.digest": digest,
    "org.opencontainers.image.base.name": name,
  };
}
