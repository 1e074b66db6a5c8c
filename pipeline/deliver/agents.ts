/** The objects that make Argo CD or Flux apply the rendered tree. */
import type { JsonObject } from "./emit.ts";
import { type App, type DeliverySettings, renderedDirectory } from "./model.ts";

type ArgoCd = NonNullable<DeliverySettings["argocd"]>;
type Flux = NonNullable<DeliverySettings["flux"]>;

function appDirectory(app: App): string {
  return `${renderedDirectory}/${app.name}`;
}

/** argoproj.io/v1alpha1, Argo CD 3.5. */
export function argoApplication(app: App, settings: DeliverySettings, argocd: ArgoCd): JsonObject {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: {
      name: app.name,
      namespace: argocd.namespace,
      labels: { "app.kubernetes.io/name": app.name, "app.kubernetes.io/managed-by": "lockstep" },
    },
    spec: {
      project: argocd.project,
      source: {
        repoURL: settings.repository.url,
        // A full reference: Argo CD then asks for this one only, not for all of the repository.
        targetRevision: settings.repository.revision,
        path: appDirectory(app),
        directory: { recurse: true },
      },
      destination: { server: argocd.server, namespace: app.namespace },
      syncPolicy: {
        automated: { prune: true, selfHeal: true },
        syncOptions: ["ServerSideApply=true", "PruneLast=true"],
        retry: { limit: 5, backoff: { duration: "10s", factor: 2, maxDuration: "3m" } },
      },
    },
  };
}

const fluxSourceName = "lockstep";

/** source.toolkit.fluxcd.io/v1, Flux 2.9: the repository, once for all apps. */
export function fluxSource(settings: DeliverySettings, flux: Flux): JsonObject {
  return {
    apiVersion: "source.toolkit.fluxcd.io/v1",
    kind: "GitRepository",
    metadata: {
      name: fluxSourceName,
      namespace: flux.namespace,
      labels: { "app.kubernetes.io/managed-by": "lockstep" },
    },
    spec: {
      interval: flux.interval,
      url: settings.repository.url,
      ref: { name: settings.repository.revision },
      sparseCheckout: [renderedDirectory],
    },
  };
}

/** kustomize.toolkit.fluxcd.io/v1, Flux 2.9; the controller itself lists the files of a directory without kustomization.yaml. */
export function fluxKustomization(app: App, flux: Flux): JsonObject {
  return {
    apiVersion: "kustomize.toolkit.fluxcd.io/v1",
    kind: "Kustomization",
    metadata: {
      name: app.name,
      namespace: flux.namespace,
      labels: { "app.kubernetes.io/name": app.name, "app.kubernetes.io/managed-by": "lockstep" },
    },
    spec: {
      interval: flux.interval,
      retryInterval: "1m",
      timeout: "5m",
      path: `./${appDirectory(app)}`,
      prune: true,
      wait: true,
      sourceRef: { kind: "GitRepository", name: fluxSourceName },
    },
  };
}
