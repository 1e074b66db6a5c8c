/** What images ask of Debian's archive, along the chain of images they are `from`. */
import type { Place } from "../host/errors.ts";
import type { DebianLayer, ImageSpec, Platform } from "../spec/types.ts";
import { comparePaths } from "../tree/entry.ts";

/** Packages of every image that has any: os-release and the links of the merged /usr, and the base users. */
export const impliedPackages: readonly string[] = ["base-files", "base-passwd"];

export interface PackageRequest {
  readonly image: string;
  readonly place: Place;
  readonly platforms: readonly Platform[];
  readonly suite: string;
  readonly dependencies: "all" | "none";
  /** The next image of the chain below that has packages. */
  readonly base?: string;
  /** What the image asks for itself, sorted. */
  readonly own: readonly { readonly name: string; readonly place: Place }[];
  /** Names asked for by the image and all below it, sorted; without the implied ones, which may be asked for as well. */
  readonly names: readonly string[];
}

function isDebian(layer: ImageSpec["layers"][number]): layer is DebianLayer {
  return layer.kind === "debian";
}

/**
 * The requests of all images that have packages of their own or from an image they are `from`, bases before those that use them.
 * `specs` are validated: every `from` is there, and there are no circles.
 */
export function packageRequests(specs: readonly ImageSpec[]): readonly PackageRequest[] {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const found = new Map<string, PackageRequest | undefined>();
  const visit = (spec: ImageSpec): PackageRequest | undefined => {
    if (found.has(spec.name)) return found.get(spec.name);
    const below = spec.from === undefined ? undefined : byName.get(spec.from);
    const base = below === undefined ? undefined : visit(below);
    const layers = spec.layers.filter(isDebian);
    const layer = layers[0];
    const suite = layer?.suite ?? base?.suite;
    if (suite === undefined) {
      found.set(spec.name, undefined);
      return undefined;
    }
    const own = layers.flatMap(({ packages }) => packages).toSorted((a, b) => comparePaths(a.name, b.name));
    const names = new Set([...(base?.names ?? []), ...own.map(({ name }) => name)]);
    const request: PackageRequest = {
      image: spec.name,
      place: layer?.place ?? { file: spec.file },
      platforms: spec.platforms,
      suite,
      dependencies: layer?.dependencies ?? base?.dependencies ?? "all",
      ...(base === undefined ? {} : { base: base.image }),
      own,
      names: [...names].toSorted(comparePaths),
    };
    found.set(spec.name, request);
    return request;
  };
  for (const spec of specs) visit(spec);
  return [...found.values()].filter((request) => request !== undefined);
}
