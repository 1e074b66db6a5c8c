/** What a schema cannot see: whether an app fits its image, its own numbers and the other apps. All pure; every problem has its place. */
import valid from "semver/functions/valid.js";
import type { Problem } from "../host/errors.ts";
import { didYouMean } from "../host/suggest.ts";
import { type LocatedDocument, type Path, placeOf } from "../spec/located.ts";
import type { ImageSpec } from "../spec/types.ts";
import type { App, PodCount } from "./model.ts";
import { oneUnit, parseQuantity } from "./quantity.ts";

/** An app with the document it was read from. */
export interface LocatedApp {
  readonly app: App;
  readonly document: LocatedDocument;
}

type Images = ReadonlyMap<string, ImageSpec>;

function problem(item: LocatedApp, path: Path, code: Problem["code"], message: string, hint?: string): Problem {
  const place = placeOf(item.document, path);
  return { code, message, place, ...(hint === undefined ? {} : { hint }) };
}

/** The image and what it is from, nearest first; stops at what is not there. */
function chain(image: ImageSpec, images: Images): readonly ImageSpec[] {
  const found = [image];
  let base = image.from === undefined ? undefined : images.get(image.from);
  while (base !== undefined && !found.includes(base)) {
    found.push(base);
    base = base.from === undefined ? undefined : images.get(base.from);
  }
  return found;
}

function checkImage(item: LocatedApp, images: Images): readonly Problem[] {
  const { app } = item;
  const image = images.get(app.image);
  if (image === undefined) {
    const hint = didYouMean(app.image, images.keys()) ?? "images are the folders of images/";
    return [problem(item, ["image"], "LS7001", `there is no image "${app.image}" in this repository`, hint)];
  }
  const problems: Problem[] = [];
  const layers = chain(image, images);
  // What an image of a registry says of itself is not in the specs.
  const foreign = layers.find(({ base }) => base !== undefined)?.base?.image;
  const user = layers.find((spec) => spec.config.user !== undefined)?.config.user;
  if (user === undefined || /^0+(:|$)/.test(user) || !/^\d+(:|$)/.test(user)) {
    const nobody = foreign === undefined ? "names no user, so it runs as root" : `leaves its user to ${foreign}`;
    const runs = user === undefined ? nobody : `runs as user "${user}"`;
    const hint = `set config.user in ${image.file} to a numeric id that is not 0, such as "65532:65532"`;
    problems.push(problem(item, ["image"], "LS7007", `image "${image.name}" ${runs}`, hint));
  }
  const ports = layers.flatMap((spec) => spec.config.ports);
  if (foreign === undefined && ports.length > 0 && !ports.includes(`${app.port}/tcp`)) {
    const message = `image "${image.name}" does not declare port ${app.port}`;
    problems.push(problem(item, ["port"], "LS7008", message, `it declares ${ports.join(", ")}`));
  }
  return problems;
}

function checkTag(item: LocatedApp): readonly Problem[] {
  const { tag } = item.app;
  // valid() also takes "v1.2.3" and " =1.2.3", and drops what a tag cannot hold.
  if (valid(tag) === tag && !tag.includes("+")) return [];
  const hint = tag.includes("+")
    ? 'an image tag cannot hold "+"; leave the build metadata out'
    : "write it as major.minor.patch, such as 1.4.2; it is for people, the digest pins";
  return [problem(item, ["tag"], "LS7002", `tag "${tag}" is not a semantic version`, hint)];
}

const resourceNames = ["cpu", "memory"] as const;
/** The least that can be meant: a thousandth of a core (the API server refuses less), and a KiB. */
const least = { cpu: oneUnit / 1000n, memory: oneUnit * 1024n } as const;

function checkQuantity(item: LocatedApp, path: Path, text: string, atLeast: bigint): readonly Problem[] {
  const amount = parseQuantity(text);
  if (amount !== undefined && amount >= atLeast) return [];
  const thousandths = atLeast > oneUnit && text.endsWith("m");
  const hint = thousandths ? `"m" means thousandths; did you mean "${text.replace(/m$/, "Mi")}"?` : undefined;
  return [problem(item, path, "LS7011", `quantity "${text}" is too small to be meant`, hint)];
}

function checkResources(item: LocatedApp): readonly Problem[] {
  const { requests, limits } = item.app.resources;
  const problems: Problem[] = [];
  for (const name of resourceNames) {
    const request = requests[name];
    const limit = limits[name];
    problems.push(...checkQuantity(item, ["resources", "requests", name], request, least[name]));
    // A limit that is the request, written or filled in, was looked at already.
    if (limit === undefined || limit === request) continue;
    problems.push(...checkQuantity(item, ["resources", "limits", name], limit, least[name]));
    if ((parseQuantity(request) ?? 0n) > (parseQuantity(limit) ?? 0n)) {
      const message = `request of ${request} ${name} is larger than the limit of ${limit}`;
      const hint = "raise the limit or ask for less";
      problems.push(problem(item, ["resources", "requests", name], "LS7003", message, hint));
    }
  }
  for (const { path, size } of item.app.writable) {
    problems.push(...checkQuantity(item, ["writable", path], size, least.memory));
  }
  return problems;
}

/** Pods that a count stands for; percentages are rounded up, as the disruption controller does. */
function pods(count: PodCount, replicas: number): number {
  return typeof count === "number" ? count : Math.ceil((replicas * Number.parseInt(count, 10)) / 100);
}

function checkDisruption(item: LocatedApp): readonly Problem[] {
  const { disruption, replicas } = item.app;
  const allowed =
    "maxUnavailable" in disruption
      ? pods(disruption.maxUnavailable, replicas)
      : replicas - pods(disruption.minAvailable, replicas);
  if (allowed > 0) return [];
  const message = `with ${replicas} ${replicas === 1 ? "replica" : "replicas"} this never lets a pod be evicted, so no node can be drained`;
  const key = "maxUnavailable" in disruption ? "maxUnavailable" : "minAvailable";
  return [problem(item, ["disruption", key], "LS7004", message, "allow at least one pod to be away")];
}

function checkFlows(item: LocatedApp, apps: ReadonlyMap<string, App>): readonly Problem[] {
  const { name, network } = item.app;
  const problems: Problem[] = [];
  for (const side of ["from", "to"] as const) {
    const other = side === "from" ? "to" : "from";
    for (const [index, peer] of network[side].entries()) {
      if (peer.kind !== "app") continue;
      const path = ["network", side, index, "app"];
      const found = apps.get(peer.app);
      if (found === undefined) {
        const hint = didYouMean(peer.app, apps.keys()) ?? "apps are the files of manifests/apps/";
        problems.push(problem(item, path, "LS7009", `there is no app "${peer.app}"`, hint));
      } else if (!found.network[other].some((back) => back.kind === "app" && back.app === name)) {
        const message = `app "${peer.app}" does not allow this flow, so it would be dropped`;
        const hint = `add {app: ${name}} to network.${other} in ${found.file}`;
        problems.push(problem(item, path, "LS7010", message, hint));
      }
    }
  }
  return problems;
}

/** Problems of one app by itself and beside its image. */
export function checkAlone(item: LocatedApp, images: Images): readonly Problem[] {
  const { name, file } = item.app;
  const named = file.slice(file.lastIndexOf("/") + 1) === `${name}.yaml`;
  return [
    ...(named
      ? []
      : [problem(item, ["name"], "LS7005", `app "${name}" is in ${file}`, `the file must be named ${name}.yaml`)]),
    ...checkImage(item, images),
    ...checkTag(item),
    ...checkResources(item),
    ...checkDisruption(item),
  ];
}

/** Problems between apps: namespaces that are shared, flows that lead nowhere. */
export function checkTogether(items: readonly LocatedApp[]): readonly Problem[] {
  const apps = new Map(items.map(({ app }) => [app.name, app]));
  const owners = new Map<string, App>();
  const problems: Problem[] = [];
  for (const item of items) {
    const owner = owners.get(item.app.namespace);
    if (owner === undefined) owners.set(item.app.namespace, item.app);
    else {
      const message = `namespace "${item.app.namespace}" belongs to the app of ${owner.file} already`;
      problems.push(problem(item, ["namespace"], "LS7006", message, "give each app a namespace of its own"));
    }
    problems.push(...checkFlows(item, apps));
  }
  return problems;
}
