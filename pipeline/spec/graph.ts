/** Checks between images: what `from` leads to, and what an image has to share with the images it is from. */
import type { Problem } from "../host/errors.ts";
import { didYouMean } from "../host/suggest.ts";
import { comparePaths } from "../tree/entry.ts";
import { debianGids, debianUsers, minimalGids, minimalUsers } from "./base-groups.ts";
import type { ParsedImage } from "./parse.ts";
import type { DebianLayer, ImageSpec } from "./types.ts";
import { checkUses, isStep, usesOf } from "./uses.ts";

export type Images = ReadonlyMap<string, ParsedImage>;

/**
 * The images an image is from, nearest first. `whole` is false when the chain ends in one that could not be parsed, does not exist or
 * comes back to itself; what the image inherits is not known then.
 */
function chainOf(image: ImageSpec, images: Images): { readonly bases: readonly ImageSpec[]; readonly whole: boolean } {
  const bases: ImageSpec[] = [];
  let name = image.from;
  while (name !== undefined) {
    const base = images.get(name)?.spec;
    if (base === undefined || base === image || bases.includes(base)) return { bases, whole: false };
    bases.push(base);
    name = base.from;
  }
  return { bases, whole: true };
}

function debianLayerOf(spec: ImageSpec): DebianLayer | undefined {
  return spec.layers.find((layer) => layer.kind === "debian");
}

function checkFrom({ spec, at }: ParsedImage, images: Images, folders: readonly string[]): readonly Problem[] {
  const { from } = spec;
  if (from === undefined || images.has(from) || folders.includes(from)) return [];
  const others = folders.filter((name) => name !== spec.name);
  const hint =
    didYouMean(from, others) ??
    (others.length === 0 ? "it names an image of this repository" : `there are ${others.join(", ")}`);
  return [{ code: "LS2011", message: `image "${from}" does not exist`, place: at(["from"]), hint }];
}

/** Each circle once, told by the image whose name sorts first. */
function checkCircle({ spec, at }: ParsedImage, images: Images): readonly Problem[] {
  const trailTo = (name: string, trail: readonly string[], seen: Set<string>): readonly string[] | undefined => {
    const next = images.get(name)?.spec;
    if (next === undefined) return undefined;
    for (const other of [
      ...(next.from === undefined ? [] : [next.from]),
      ...usesOf(next).map(({ name: used }) => used),
    ]) {
      if (other === spec.name) return [...trail, other];
      if (seen.has(other)) continue;
      seen.add(other);
      const found = trailTo(other, [...trail, other], seen);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const names = trailTo(spec.name, [spec.name], new Set());
  if (names === undefined || names.some((name) => comparePaths(name, spec.name) < 0)) return [];
  const message = `images are based on each other: ${names.join(" -> ")}`;
  const first = names[1];
  const path = spec.from === first ? ["from"] : (usesOf(spec).find(({ name }) => name === first)?.path ?? []);
  const bases = names.slice(1).every((name, index) => images.get(names[index] ?? "")?.spec.from === name);
  const hint = `remove one ${bases ? "`from`" : "link"} of the circle`;
  return [{ code: "LS2012", message, place: at(path), hint }];
}

/** On an image of a registry nobody knows which packages there are, also not for images further up the chain. */
function checkForeign({ spec, at }: ParsedImage, bases: readonly ImageSpec[]): readonly Problem[] {
  const foreign = bases.find(({ base }) => base !== undefined);
  const own = debianLayerOf(spec);
  if (foreign === undefined || own === undefined) return [];
  const message = `a debian layer on image "${foreign.name}", which is from ${foreign.base?.image}: its packages are not in the lock, so nothing can be resolved against them`;
  const hint = "make the image from debian layers alone, or take the base as it is";
  return [{ code: "LS2036", message, place: at(["layers", spec.layers.indexOf(own)]), hint }];
}

function checkBase({ spec, at }: ParsedImage, bases: readonly ImageSpec[]): readonly Problem[] {
  const problems: Problem[] = [];
  const [base] = bases;
  if (base === undefined) return [];
  const lacking = spec.platforms.filter((platform) => !base.platforms.includes(platform));
  if (lacking.length > 0) {
    const place = at(["platforms"]).line === at([]).line ? at(["from"]) : at(["platforms"]);
    const message = `image "${base.name}", which this one is from, is not built for ${lacking.join(" and ")}`;
    problems.push({ code: "LS2013", message, place, hint: `write platforms: [${base.platforms.join(", ")}]` });
  }
  const own = debianLayerOf(spec);
  const below = bases.find((image) => debianLayerOf(image) !== undefined);
  const inherited = below === undefined ? undefined : debianLayerOf(below);
  if (own === undefined || below === undefined || inherited === undefined) return problems;
  const path = ["layers", spec.layers.indexOf(own), "debian"];
  if (own.suite !== inherited.suite) {
    const message = `suite ${own.suite} on image "${below.name}", which has packages of ${inherited.suite}`;
    const hint = "packages of two releases do not fit together: use one suite for both";
    problems.push({ code: "LS2014", message, place: at([...path, "suite"]), hint });
  }
  if (own.dependencies === "none" && inherited.dependencies === "all") {
    const message = `dependencies: none on image "${below.name}", which has its packages with their dependencies`;
    problems.push({ code: "LS2014", message, place: at([...path, "dependencies"]), hint: "write dependencies: all" });
  }
  return problems;
}

/** The files of the system are made from packages and accounts alone: above a step they would undo what it did to them. */
function checkAbove({ spec, at }: ParsedImage, bases: readonly ImageSpec[]): readonly Problem[] {
  const below = bases.find(({ layers }) => layers.some(isStep));
  if (below === undefined) return [];
  const hint = `put them into image "${below.name}", before its step`;
  const problems: Problem[] = [];
  const tell = (path: readonly (string | number)[], what: string): void => {
    const message = `${what} on image "${below.name}", which has a step that runs code`;
    problems.push({ code: "LS2057", message, place: at(path), hint });
  };
  const debian = spec.layers.findIndex(({ kind }) => kind === "debian");
  if (debian >= 0) tell(["layers", debian], "packages");
  if (spec.users.length > 0) tell(["users"], "users");
  if (spec.groups.length > 0) tell(["groups"], "groups");
  return problems;
}

/** A user or group of an image below may not be declared again, neither by name nor by id. */
function checkInherited({ spec, at }: ParsedImage, bases: readonly ImageSpec[]): readonly Problem[] {
  const problems: Problem[] = [];
  for (const base of bases) {
    for (const [list, id] of [
      ["users", "uid"],
      ["groups", "gid"],
    ] as const) {
      const idOf = (item: { readonly uid?: number; readonly gid: number }): number =>
        id === "uid" ? (item.uid ?? item.gid) : item.gid;
      for (const [index, item] of spec[list].entries()) {
        const hint = `remove it here: it comes with image "${base.name}"`;
        if (base[list].some((other) => other.name === item.name)) {
          const message = `${list.slice(0, -1)} ${item.name} is declared by image "${base.name}" already`;
          problems.push({ code: "LS2019", message, place: at([list, index, "name"]), hint });
          continue;
        }
        const same = base[list].find((other) => idOf(other) === idOf(item));
        if (same === undefined) continue;
        const message = `${id} ${idOf(item)} belongs to ${same.name} of image "${base.name}" already`;
        problems.push({ code: "LS2019", message, place: at([list, index, id]), hint: "give each its own" });
      }
    }
  }
  return problems;
}

function checkReferences({ spec, at }: ParsedImage, bases: readonly ImageSpec[]): readonly Problem[] {
  const all = [spec, ...bases];
  // Which accounts an image of a registry has shows when it is read.
  if (all.some(({ base }) => base !== undefined)) return [];
  const debian = all.some((image) => debianLayerOf(image) !== undefined);
  const gids = new Set([
    ...(debian ? debianGids : minimalGids),
    ...all.flatMap(({ groups }) => groups.map(({ gid }) => gid)),
  ]);
  const names = new Set([
    ...(debian ? debianUsers : minimalUsers),
    ...all.flatMap(({ users }) => users.map(({ name }) => name)),
  ]);
  const problems: Problem[] = [];
  for (const [index, user] of spec.users.entries()) {
    if (gids.has(user.gid)) continue;
    const message = `user ${user.name} has gid ${user.gid}, and no group has it`;
    const hint = `add groups: [{ name: ${user.name}, gid: ${user.gid} }]`;
    problems.push({ code: "LS2020", message, place: at(["users", index, "gid"]), hint });
  }
  for (const [index, group] of spec.groups.entries()) {
    for (const [position, member] of group.members.entries()) {
      if (names.has(member)) continue;
      const message = `group ${group.name} has the member ${member}, and no user is called so`;
      const hint = didYouMean(member, names) ?? "declare the user with `users:`";
      problems.push({ code: "LS2020", message, place: at(["groups", index, "members", position]), hint });
    }
  }
  return problems;
}

/**
 * All problems LS2011 to LS2014, LS2019, LS2020, LS2036 and LS2057 between images. `folders` are the names of all image folders, also of those whose
 * spec could not be parsed: to be from one of those is not one more mistake.
 */
export function checkGraph(images: Images, folders: readonly string[]): readonly Problem[] {
  return [...images.values()].flatMap((image) => {
    const { bases, whole } = chainOf(image.spec, images);
    return [
      ...checkFrom(image, images, folders),
      ...checkCircle(image, images),
      ...checkBase(image, bases),
      ...checkForeign(image, bases),
      ...checkUses(image, images, folders),
      ...checkAbove(image, bases),
      ...checkInherited(image, bases),
      ...(whole ? checkReferences(image, bases) : []),
    ];
  });
}

/** Images in the order they can be built: a base or an image with tools before those that need it, otherwise by name. There must be no circle. */
export function buildOrder(specs: readonly ImageSpec[]): readonly ImageSpec[] {
  const waiting = specs.toSorted((a, b) => comparePaths(a.name, b.name));
  const ordered: ImageSpec[] = [];
  const done = new Set<string>();
  while (waiting.length > 0) {
    const next = waiting.findIndex(
      (spec) => (spec.from === undefined || done.has(spec.from)) && usesOf(spec).every(({ name }) => done.has(name)),
    );
    const [spec] = waiting.splice(Math.max(next, 0), 1);
    if (spec === undefined) break;
    ordered.push(spec);
    done.add(spec.name);
  }
  return ordered;
}
