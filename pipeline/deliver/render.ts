/** Renders the delivery model with a release: a pure function from values to the files of manifests/rendered. */
import { LockstepError } from "../host/errors.ts";
import type { Digest } from "../store/digest.ts";
import { comparePaths } from "../tree/entry.ts";
import { argoApplication, fluxKustomization, fluxSource } from "./agents.ts";
import { emitYaml, type JsonObject } from "./emit.ts";
import {
  type App,
  type DeliveryModel,
  type Release,
  type RenderedFile,
  renderedDirectory,
  settingsFile,
} from "./model.ts";
import { allowedFlows, allowedFlowsName, defaultDeny } from "./network.ts";
import { deployment, disruptionBudget, imageReference, namespaceObject, service } from "./workload.ts";

/** One object a file, named `<kind>-<name>.yaml`: small differences, and owners can be set by kind. */
function file(directory: string, object: JsonObject, name: string, sources: readonly string[]): RenderedFile {
  const path = `${renderedDirectory}/${directory}/${String(object["kind"]).toLowerCase()}-${name}.yaml`;
  const header = [`Made by \`lockstep render\` from ${sources.join(" and ")}; do not edit.`];
  return { path, text: emitYaml(object, header) };
}

function digestFor(app: App, release: Release): Digest | undefined {
  return Object.getOwnPropertyDescriptor(release, app.image)?.value as Digest | undefined;
}

function appFiles(app: App, image: string, model: DeliveryModel): readonly RenderedFile[] {
  const apps = new Map(model.apps.map((item) => [item.name, item]));
  const { argocd, flux } = model.settings;
  const both = [app.file, settingsFile];
  const files = [
    file(app.name, namespaceObject(app), app.namespace, [app.file]),
    file(app.name, deployment(app, image), app.name, both),
    file(app.name, service(app), app.name, [app.file]),
    file(app.name, defaultDeny(app), "default-deny", [app.file]),
    file(app.name, allowedFlows(app, apps), allowedFlowsName(app), [app.file]),
    file(app.name, disruptionBudget(app), app.name, [app.file]),
  ];
  if (argocd !== undefined) files.push(file("argocd", argoApplication(app, model.settings, argocd), app.name, both));
  if (flux !== undefined) files.push(file("flux", fluxKustomization(app, flux), app.name, both));
  return files;
}

/**
 * All files of the rendered tree, sorted by path. `release` has the index digest of every image that an app uses.
 * Throws LS7012 for the images it does not have, all at once: nothing is ever rendered with a tag alone.
 */
export function render(model: DeliveryModel, release: Release): readonly RenderedFile[] {
  const missing = model.apps.filter((app) => digestFor(app, release) === undefined);
  if (missing.length > 0) {
    throw new LockstepError(
      missing.map((app) => ({
        code: "LS7012",
        message: `image "${app.image}" has no digest in the release`,
        place: { file: app.file },
        hint: `build it first: lockstep build ${app.image}`,
      })),
    );
  }
  const files = model.apps.flatMap((app) => {
    const digest = digestFor(app, release);
    return digest === undefined ? [] : appFiles(app, imageReference(app, model.settings.images, digest), model);
  });
  const { flux } = model.settings;
  if (flux !== undefined) {
    files.push(file("flux", fluxSource(model.settings, flux), "lockstep", [settingsFile]));
  }
  return files.toSorted((a, b) => comparePaths(a.path, b.path));
}
