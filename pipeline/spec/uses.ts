/** Which images a spec uses in its steps, besides the one it is from: as tools, or in a Dockerfile. */
import type { Problem } from "../host/errors.ts";
import { didYouMean } from "../host/suggest.ts";
import type { Path } from "./located.ts";
import type { ParsedImage } from "./parse.ts";
import type { ImageSpec, LayerSpec, StepLayerSpec } from "./types.ts";

interface Use {
  readonly name: string;
  /** Where it is written. */
  readonly path: Path;
}

export function isStep(layer: LayerSpec): layer is StepLayerSpec {
  return layer.kind === "run" || layer.kind === "dockerfile";
}

/** In the order of the spec. */
export function usesOf({ layers }: ImageSpec): readonly Use[] {
  return layers.flatMap((layer, index): readonly Use[] => {
    if (layer.kind === "dockerfile")
      return layer.images.map((name) => ({ name, path: ["layers", index, "dockerfile", "images"] }));
    if (layer.kind !== "run" || layer.tools === undefined) return [];
    return [{ name: layer.tools.image, path: ["layers", index, "run", "tools"] }];
  });
}

/** LS2011 for an image that does not exist, LS2013 for one that is not built for a platform of the image that uses it. */
export function checkUses(
  { spec, at }: ParsedImage,
  images: ReadonlyMap<string, ParsedImage>,
  folders: readonly string[],
): readonly Problem[] {
  return usesOf(spec).flatMap(({ name, path }): readonly Problem[] => {
    const used = images.get(name)?.spec;
    if (used === undefined) {
      if (folders.includes(name)) return [];
      const others = folders.filter((folder) => folder !== spec.name);
      const hint = didYouMean(name, others) ?? "it names an image of this repository";
      return [{ code: "LS2011", message: `image "${name}" does not exist`, place: at(path), hint }];
    }
    const lacking = spec.platforms.filter((platform) => !used.platforms.includes(platform));
    if (lacking.length === 0) return [];
    const message = `image "${name}", which a step uses, is not built for ${lacking.join(" and ")}`;
    const hint = `write platforms: [${used.platforms.join(", ")}]`;
    return [{ code: "LS2013", message, place: at(path), hint }];
  });
}
