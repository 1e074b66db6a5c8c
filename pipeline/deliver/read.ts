/** Reads the delivery model of a repository: manifests/delivery.yaml and manifests/apps/, checked against each other and the images. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Problem, systemCode } from "../host/errors.ts";
import { type LocatedDocument, writtenAt } from "../spec/located.ts";
import { problemsOf } from "../spec/schema-problems.ts";
import type { ImageSpec } from "../spec/types.ts";
import { readYaml } from "../spec/yaml.ts";
import { comparePaths } from "../tree/entry.ts";
import { checkAlone, checkTogether, type LocatedApp } from "./checks.ts";
import {
  type App,
  appsDirectory,
  type DeliveryModel,
  type DeliverySettings,
  type PodCount,
  settingsFile,
} from "./model.ts";
import { appSchema, checkApp, checkSettings, type RawApp, type RawSettings, settingsSchema } from "./schema.ts";

type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Collects what a step throws as a user's mistake; anything else is passed on. */
function attempt<Value>(step: () => Value): Read<Value> {
  try {
    return { ok: true, value: step() };
  } catch (error) {
    if (error instanceof LockstepError) return { ok: false, problems: error.problems };
    throw error;
  }
}

function podCount(value: number | string): PodCount {
  return typeof value === "number" ? value : `${Number.parseInt(value, 10)}%`;
}

function disruptionOf(raw: RawApp["disruption"]): App["disruption"] {
  if (raw.maxUnavailable !== undefined) return { maxUnavailable: podCount(raw.maxUnavailable) };
  return { minAvailable: podCount(raw.minAvailable ?? 0) };
}

function sourceOf(raw: RawApp["network"]["from"][number]): App["network"]["from"][number] {
  if (raw.app !== undefined) return { kind: "app", app: raw.app };
  if (raw.namespace !== undefined) return { kind: "namespace", namespace: raw.namespace };
  return { kind: "cidr", cidr: raw.cidr ?? "" };
}

function destinationOf(raw: RawApp["network"]["to"][number]): App["network"]["to"][number] {
  if (raw.app !== undefined) return { kind: "app", app: raw.app };
  const port = raw.port ?? 0;
  if (raw.namespace !== undefined) return { kind: "namespace", namespace: raw.namespace, port };
  return { kind: "cidr", cidr: raw.cidr ?? "", port };
}

function resourcesOf(raw: RawApp["resources"]): App["resources"] {
  const { requests, limits } = raw;
  return {
    requests: { cpu: String(requests.cpu), memory: requests.memory },
    // Memory beyond its request is taken back by killing the pod: the limit is the request unless something else is asked for.
    limits: {
      ...(limits.cpu === undefined ? {} : { cpu: String(limits.cpu) }),
      memory: limits.memory ?? requests.memory,
    },
  };
}

function appOf(raw: RawApp, document: LocatedDocument, images: ReadonlyMap<string, ImageSpec>): App {
  const platforms = images.get(raw.image)?.platforms ?? [];
  return {
    name: raw.name,
    file: document.file,
    namespace: raw.namespace ?? raw.name,
    image: raw.image,
    tag: raw.tag,
    architectures: platforms.map((platform) => platform.slice(platform.indexOf("/") + 1)).toSorted(comparePaths),
    replicas: raw.replicas,
    port: raw.port,
    servicePort: raw.servicePort,
    resources: resourcesOf(raw.resources),
    probes: raw.probes,
    // Numbers and booleans are taken as they are written: 1.10 stays 1.10.
    env: Object.fromEntries(
      Object.entries(raw.env).map(([name, value]) => [
        name,
        typeof value === "string" ? value : (writtenAt(document, ["env", name]) ?? String(value)),
      ]),
    ),
    writable: Object.entries(raw.writable)
      .map(([path, size]) => ({ path, size }))
      .toSorted((a, b) => comparePaths(a.path, b.path)),
    disruption: disruptionOf(raw.disruption),
    network: { from: raw.network.from.map(sourceOf), to: raw.network.to.map(destinationOf) },
  };
}

function settingsOf(raw: RawSettings): DeliverySettings {
  return {
    images: raw.images,
    repository: raw.repository,
    ...(raw.argocd === undefined ? {} : { argocd: raw.argocd }),
    ...(raw.flux === undefined ? {} : { flux: raw.flux }),
  };
}

/** Parses manifests/delivery.yaml. Throws LS2001 to LS2007. */
export function parseSettings(text: string, file: string): DeliverySettings {
  const document = readYaml(text, file);
  const checked = checkSettings(document.value);
  if (!checked.ok) throw new LockstepError(problemsOf(checked.issues, document, settingsSchema));
  return settingsOf(checked.value);
}

/** Parses one app and checks it beside its image. Throws LS2001 to LS2007, LS7001 to LS7005, LS7007, LS7008, LS7011, all at once. */
export function parseApp(text: string, file: string, images: ReadonlyMap<string, ImageSpec>): LocatedApp {
  const document = readYaml(text, file);
  const checked = checkApp(document.value);
  if (!checked.ok) throw new LockstepError(problemsOf(checked.issues, document, appSchema));
  const item = { app: appOf(checked.value, document, images), document };
  const problems = checkAlone(item, images);
  if (problems.length > 0) throw new LockstepError(problems);
  return item;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function appFiles(root: string): Promise<readonly string[]> {
  try {
    const names = await readdir(join(root, appsDirectory));
    return names.filter((name) => name.endsWith(".yaml") && !name.startsWith(".")).toSorted(comparePaths);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/**
 * The delivery model of the repository at `root`; undefined when it has none. `images` are those of the repository.
 * All problems of all files are thrown together: LS20xx for the files, LS70xx for what does not fit.
 */
export async function readDelivery(root: string, images: readonly ImageSpec[]): Promise<DeliveryModel | undefined> {
  const byName = new Map(images.map((image) => [image.name, image]));
  const text = await textOf(join(root, settingsFile));
  const names = await appFiles(root);
  if (text === undefined && names.length === 0) return undefined;
  const settings: Read<DeliverySettings> =
    text === undefined ? { ok: false, problems: [missingSettings] } : attempt(() => parseSettings(text, settingsFile));
  const apps: Read<LocatedApp>[] = [];
  for (const name of names) {
    const file = `${appsDirectory}/${name}`;
    const content = await readFile(join(root, file), "utf8");
    apps.push(attempt(() => parseApp(content, file, byName)));
  }
  const problems = [
    ...(settings.ok ? [] : settings.problems),
    ...apps.flatMap((item) => (item.ok ? [] : item.problems)),
  ];
  const items = apps.flatMap((item) => (item.ok ? [item.value] : []));
  // Flows between apps can be judged only when every app could be read.
  const together = problems.length === 0 ? checkTogether(items) : [];
  if (!settings.ok || problems.length + together.length > 0) throw new LockstepError([...problems, ...together]);
  return {
    settings: settings.value,
    apps: items.map((item) => item.app).toSorted((a, b) => comparePaths(a.name, b.name)),
  };
}

const missingSettings: Problem = {
  code: "LS7013",
  message: "there are apps but no delivery settings",
  place: { file: settingsFile },
  hint: "say in it where images and the repository are; see docs/deliver.md",
};
