/** Network policies: everything denied in an app's namespace, and then exactly the flows its model declares. */
import type { JsonObject } from "./emit.ts";
import type { App, Destination, Source } from "./model.ts";
import { metadata, selectorLabels } from "./workload.ts";

type Apps = ReadonlyMap<string, App>;

function inNamespace(namespace: string): JsonObject {
  // Set by the API server on every namespace; nobody can forge it.
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } };
}

function podsOf(app: App): JsonObject {
  return { ...inNamespace(app.namespace), podSelector: { matchLabels: selectorLabels(app) } };
}

function peer(end: Source | Destination, apps: Apps): JsonObject {
  switch (end.kind) {
    case "namespace":
      return inNamespace(end.namespace);
    case "cidr":
      return { ipBlock: { cidr: end.cidr } };
    case "app": {
      const app = apps.get(end.app);
      if (app === undefined) throw new Error(`the model names app "${end.app}" but does not hold it`);
      return podsOf(app);
    }
  }
}

function portOf(to: Destination, apps: Apps): number {
  return to.kind === "app" ? (apps.get(to.app)?.port ?? 0) : to.port;
}

/** Names are looked up in the cluster's DNS; without this rule no flow to a name would work. */
const dns: JsonObject = {
  to: [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
      podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    },
  ],
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

/** Denies all traffic of every pod in the namespace, in both directions. */
export function defaultDeny(app: App): JsonObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(app, "default-deny"),
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
}

/** Of its own, so that no app's name can meet the other policy's. */
export function allowedFlowsName(app: App): string {
  return `allow-${app.name}`;
}

/** Allows the declared flows of an app, each to its port only. */
export function allowedFlows(app: App, apps: Apps): JsonObject {
  const { from, to } = app.network;
  const egress = to.map((end) => ({
    to: [peer(end, apps)],
    ports: [{ protocol: "TCP", port: portOf(end, apps) }],
  }));
  const names = to.some((end) => end.kind !== "cidr");
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(app, allowedFlowsName(app)),
    spec: {
      podSelector: { matchLabels: selectorLabels(app) },
      policyTypes: ["Ingress", "Egress"],
      ...(from.length === 0
        ? {}
        : { ingress: [{ from: from.map((end) => peer(end, apps)), ports: [{ protocol: "TCP", port: app.port }] }] }),
      ...(egress.length === 0 ? {} : { egress: names ? [dns, ...egress] : egress }),
    },
  };
}
