/** npm packages that lock files of projects name: pinned by their integrity, fetched from where npm is configured to, unpacked as npm does. */
import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { LockedInputs, LockedNpm } from "../../lock/types.ts";
import { fetchBlobs } from "../../source/fetch.ts";
import type { NpmConfiguration } from "../../source/npm/configuration.ts";
import type { NpmCommit } from "../../source/npm/git-origin.ts";
import { type NpmCommitPlace, type NpmPlace, type NpmTarball, type NpmTree, npmTree } from "../../source/npm/layout.ts";
import { readNpmProject } from "../../source/npm/project.ts";
import type { NpmLayer, Platform } from "../../spec/types.ts";
import type { Digest } from "../../store/digest.ts";
import { parentOf } from "../../tree/entry.ts";
import type { PlannedEntry, PlannedNpm, PlannedNpmCommit } from "../plan.ts";
import type { InputKind, InputRequest, SpecSource } from "./kind.ts";
import { inOneLine, shortened } from "./stated.ts";

interface NpmRequest extends InputRequest {
  readonly project: string;
  readonly tarball: NpmTarball;
}

/** Trees of layers by platform: they are asked for by every step of a command, and a specification is read once a process. */
const known = new WeakMap<NpmLayer, Map<Platform, NpmTree>>();

function treeOf(root: string, layer: NpmLayer, platform: Platform): NpmTree {
  const trees = known.get(layer) ?? new Map<Platform, NpmTree>();
  known.set(layer, trees);
  const tree =
    trees.get(platform) ??
    npmTree(readNpmProject(root, layer.project, layer.place), { platform, libc: layer.libc, omit: layer.omit });
  trees.set(platform, tree);
  return tree;
}

/** What an entry says of where its tarball is from; nothing for the registry. A file is named relative to the repository. */
function sourceOf({ name, version, origin }: NpmTarball, project: string): string | undefined {
  if (origin.kind === "registry") return undefined;
  if (origin.kind === "address") return origin.address;
  const path = posix.join(project, origin.path);
  if (!origin.path.startsWith("/") && path !== ".." && !path.startsWith("../")) return path;
  throw new LockstepError({
    code: "LS2506",
    message: `${name}@${version} comes from ${origin.path}, which is outside of the repository`,
    place: { file: posix.join(project, "package.json") },
    hint: "put the tarball into the repository",
  });
}

/** Keys that a tarball may have: by name and version, and, where a repository has several of that name, by what it has to be too. */
function keysOf(tarball: NpmTarball, project: string): readonly [plain: string, exact: string] {
  const plain = `${tarball.name}@${tarball.version}`;
  const identity = JSON.stringify([tarball.integrity, sourceOf(tarball, project) ?? ""]);
  return [plain, `${plain}#${createHash("sha256").update(identity).digest("hex").slice(0, 12)}`];
}

function answers(tarball: NpmTarball, project: string, entry: LockedNpm): boolean {
  return entry.integrity === tarball.integrity && entry.from === sourceOf(tarball, project);
}

function requestsOf({ root, specs }: SpecSource): readonly NpmRequest[] {
  const requests = new Map<string, NpmRequest & { readonly platforms: Platform[] }>();
  const exact = new Map<string, Set<string>>();
  for (const { name: image, platforms, layers } of specs) {
    for (const layer of layers) {
      if (layer.kind !== "npm") continue;
      for (const platform of platforms) {
        for (const { tarball } of treeOf(root, layer, platform).places) {
          const [plain, full] = keysOf(tarball, layer.project);
          exact.set(plain, (exact.get(plain) ?? new Set()).add(full));
          const id = `${image} ${layer.project} ${full}`;
          const before = requests.get(id);
          if (before === undefined) {
            const { project, place } = layer;
            requests.set(id, { image, key: plain, platforms: [platform], place, project, tarball });
          } else if (!before.platforms.includes(platform)) before.platforms.push(platform);
        }
      }
    }
  }
  return [...requests.values()].map((request) => {
    const [plain, full] = keysOf(request.tarball, request.project);
    return (exact.get(plain)?.size ?? 0) > 1 ? { ...request, key: full } : request;
  });
}

/** The addresses of a tarball, in the order to try them. */
function addressesOf(
  { tarball, project }: NpmRequest,
  root: string,
  configuration: NpmConfiguration,
  addressBelow: (registry: string, name: string, version: string) => string,
): readonly string[] {
  const { name, version, origin } = tarball;
  if (origin.kind === "address") return [origin.address];
  if (origin.kind === "file") return [pathToFileURL(join(root, sourceOf(tarball, project) ?? "")).href];
  const configured = addressBelow(configuration.registryOf(name), name, version);
  return [...new Set([configured, ...(origin.resolved === undefined ? [] : [origin.resolved])])];
}

/** How to reach the tarballs of requests: their addresses, and what to show there. */
async function routesOf(host: Host, root: string, requests: readonly NpmRequest[]) {
  const { readNpmConfiguration, tarballAddress } = await import("../../source/npm/configuration.ts");
  const configurations = new Map<string, NpmConfiguration>();
  for (const { project } of requests)
    if (!configurations.has(project))
      configurations.set(project, await readNpmConfiguration(host, join(root, project)));
  const all = [...configurations.values()];
  const ca = all.flatMap((configuration) => configuration.ca ?? []);
  const addresses = new Map<string, readonly string[]>();
  for (const request of requests) {
    const configuration = configurations.get(request.project);
    if (configuration === undefined) continue;
    const own = addressesOf(request, root, configuration, tarballAddress);
    addresses.set(request.key, [...new Set([...(addresses.get(request.key) ?? []), ...own])]);
  }
  return {
    addressesOf: (key: string) => addresses.get(key) ?? [],
    transport: {
      authorizationOf: (url: URL) => all.map((each) => each.authorizationOf(url)).find((text) => text !== undefined),
      ...(ca.length === 0 ? {} : { ca: [...new Set(ca)] }),
    },
  };
}

/** Commits that npm projects depend on: each once for every layer and platform that has it. */
export function npmCommits({
  root,
  specs,
}: SpecSource): readonly (NpmCommit & Pick<InputRequest, "image" | "platforms" | "place">)[] {
  return specs.flatMap(({ name: image, platforms, layers }) =>
    layers.flatMap((layer) =>
      layer.kind !== "npm"
        ? []
        : platforms.flatMap((platform) =>
            treeOf(root, layer, platform).commits.map(({ commit }) => {
              return { image, platforms: [platform], place: layer.place, ...commit };
            }),
          ),
    ),
  );
}

export const npmKind: InputKind<"npm", NpmRequest> = {
  requests: requestsOf,

  mismatch({ tarball, project }, entry) {
    if (answers(tarball, project, entry)) return undefined;
    const from = sourceOf(tarball, project);
    if (entry.from !== from)
      return `is locked to ${entry.from ?? "the registry"}, and the project has it from ${from ?? "there"}`;
    return `is locked to the integrity ${entry.integrity}, and the project says ${tarball.integrity}`;
  },

  moves: () => false,

  async resolve({ host, store, report, root, signal }, questions) {
    const [{ downloadTarballs }, { inspectTarball }] = await Promise.all([
      import("../../source/npm/download.ts"),
      import("../../source/npm/tarball.ts"),
    ]);
    const routes = await routesOf(
      host,
      root,
      questions.flatMap(({ requests }) => requests),
    );
    const asked = questions.flatMap(({ key, requests: [first] }) => (first === undefined ? [] : [{ key, first }]));
    const wanted = asked.map(({ key, first }) => {
      return { name: key, integrity: first.tarball.integrity, addresses: routes.addressesOf(key) };
    });
    const found = await downloadTarballs(host, store, report, wanted, routes.transport, signal);
    const entries = new Map<string, LockedNpm>();
    for (const [index, { key, first }] of asked.entries()) {
      const blob = found[index];
      if (blob === undefined) continue;
      const stated = await inspectTarball({ store, digest: `sha256:${blob.sha256}`, place: { file: key } });
      // The list of the older form is one to choose from.
      const license = inOneLine(stated.licences.length > 1 ? `(${stated.licences.join(" OR ")})` : stated.licences[0]);
      const from = sourceOf(first.tarball, first.project);
      entries.set(key, {
        ...blob,
        integrity: first.tarball.integrity,
        ...(from === undefined ? {} : { from }),
        ...(license === undefined ? {} : { license }),
        ...(stated.scripts.length === 0 ? {} : { scripts: stated.scripts.map(shortened) }),
      });
    }
    return entries;
  },

  async fetch(host, store, report, source, entries, options) {
    const wanted: { readonly name: string; readonly size: number; readonly digest: Digest }[] = [];
    for (const [name, { sha256, size }] of entries) {
      const digest = `sha256:${sha256}` as const;
      if ((await store.find(digest))?.size !== size) wanted.push({ name, size, digest });
    }
    if (wanted.length === 0) return;
    const title = "download npm packages";
    if (options.offline === true) {
      await fetchBlobs(host, store, report, wanted, () => [], { title, ...options });
      return;
    }
    const names = new Set(wanted.map(({ name }) => name));
    const routes = await routesOf(
      host,
      source.root,
      requestsOf(source).filter(({ key }) => names.has(key)),
    );
    await fetchBlobs(host, store, report, wanted, ({ name }) => routes.addressesOf(name), {
      title,
      whenGone: "look at `npm config list` in the project: it says which registry is asked",
      ...routes.transport,
      ...options,
    });
  },
};

/** The entry of the lock that a tarball is, with its key; the caller has checked that there is one. */
function lockedOf(
  tarball: NpmTarball,
  project: string,
  locked: ReadonlyMap<string, LockedNpm>,
): { readonly key: string; readonly sha256: string } {
  for (const key of keysOf(tarball, project)) {
    const entry = locked.get(key);
    if (entry !== undefined && answers(tarball, project, entry)) return { key, sha256: entry.sha256 };
  }
  throw new LockstepError({ code: "LS1000", message: `${tarball.name}@${tarball.version} is not in the lock` });
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Links between packages of the project, and the directories they are in. */
function entriesOf(root: string, layer: NpmLayer, into: string, tree: NpmTree): readonly PlannedEntry[] {
  const { uid, gid } = layer.owner;
  // A command of a package of the project gets a link when the repository has its file, as with npm.
  const bins = tree.linkedBins.filter(({ file }) => isFile(join(root, layer.project, file)));
  const links = [...tree.links, ...bins];
  const directories = new Set<string>();
  for (const { path } of links)
    for (let parent = parentOf(path); /(?:^|\/)node_modules(?:\/|$)/.test(parent); parent = parentOf(parent))
      directories.add(parent);
  const at = (path: string): string => [into, path].filter((part) => part !== "").join("/");
  return [
    ...[...directories].map((path) => ({ path: at(path), type: "directory", mode: 0o755, uid, gid }) as const),
    ...links.map(({ path, target }) => ({ path: at(path), type: "symlink", mode: 0o777, uid, gid, target }) as const),
  ];
}

/** A commit as the plan has it; the caller has checked that the lock has it. */
function plannedCommit(
  { commit: { repository, commit }, ...place }: NpmCommitPlace,
  locked: LockedInputs["git"],
): Omit<PlannedNpmCommit, "into" | "uid" | "gid"> {
  const key = `${repository}#${commit}`;
  const entry = locked.get(key);
  if (entry === undefined) throw new LockstepError({ code: "LS1000", message: `${key} is not in the lock` });
  const { sha256, tree, date } = entry;
  const facts = { commit: entry.commit, tree, time: Date.parse(date) / 1000 };
  return { section: "git", key, sha256, unpack: "npm-git", ...place, ...facts };
}

/** What one layer puts into the image of a platform; the caller has checked that the lock answers the spec. */
export function planNpm(
  root: string,
  layer: NpmLayer,
  platform: Platform,
  locked: LockedInputs,
): {
  readonly title: string;
  readonly inputs: readonly (PlannedNpm | PlannedNpmCommit)[];
  readonly entries: readonly PlannedEntry[];
} {
  const tree = treeOf(root, layer, platform);
  const into = layer.into.replace(/^\/+|\/+$/g, "");
  const { uid, gid } = layer.owner;
  const commits = tree.commits.map((place) => ({ ...plannedCommit(place, locked.git), into, uid, gid }));
  const tarballs = tree.places.map(({ tarball, ...place }: NpmPlace): PlannedNpm => {
    const found = lockedOf(tarball, layer.project, locked.npm);
    return { section: "npm", ...found, unpack: "npm", into, uid, gid, ...place };
  });
  return {
    title: `lockstep: npm ${layer.project} ${layer.into}`,
    inputs: [...commits, ...tarballs],
    entries: entriesOf(root, layer, into, tree),
  };
}
