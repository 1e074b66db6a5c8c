/** The objects that run an app: Namespace, Deployment, Service, PodDisruptionBudget, all within the restricted pod security standard. */
import type { Digest } from "../store/digest.ts";
import type { JsonObject } from "./emit.ts";
import type { App } from "./model.ts";

/** Labels that select an app's pods; they never change, because selectors cannot. */
export function selectorLabels(app: App): JsonObject {
  return { "app.kubernetes.io/name": app.name };
}

function objectLabels(app: App): JsonObject {
  return { ...selectorLabels(app), "app.kubernetes.io/managed-by": "lockstep" };
}

export function metadata(app: App, name: string): JsonObject {
  return { name, namespace: app.namespace, labels: objectLabels(app) };
}

export function namespaceObject(app: App): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: app.namespace,
      labels: {
        ...objectLabels(app),
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    },
  };
}

function probe(path: string, settings: JsonObject): JsonObject {
  return { httpGet: { path, port: "http", scheme: "HTTP" }, timeoutSeconds: 2, successThreshold: 1, ...settings };
}

/** Seconds between two probes while the app starts. */
const startupPeriod = 2;

function container(app: App, image: string): JsonObject {
  const { cpu } = app.resources.limits;
  return {
    name: app.name,
    image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "http", containerPort: app.port, protocol: "TCP" }],
    ...(Object.keys(app.env).length === 0
      ? {}
      : { env: Object.entries(app.env).map(([name, value]) => ({ name, value })) }),
    resources: {
      requests: { cpu: app.resources.requests.cpu, memory: app.resources.requests.memory },
      limits: { ...(cpu === undefined ? {} : { cpu }), memory: app.resources.limits.memory },
    },
    startupProbe: probe(app.probes.liveness, {
      periodSeconds: startupPeriod,
      failureThreshold: Math.ceil(app.probes.startupSeconds / startupPeriod),
    }),
    readinessProbe: probe(app.probes.readiness, { periodSeconds: 5, failureThreshold: 3 }),
    livenessProbe: probe(app.probes.liveness, { periodSeconds: 10, failureThreshold: 3 }),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
    },
    ...(app.writable.length === 0
      ? {}
      : { volumeMounts: app.writable.map(({ path }, index) => ({ name: `writable-${index}`, mountPath: path })) }),
  };
}

/** Pods spread over nodes and zones where there are several; a preference, so that a small cluster still runs them. */
function spread(app: App): JsonObject {
  if (app.replicas < 2) return {};
  const over = (topologyKey: string): JsonObject => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorLabels(app) },
    matchLabelKeys: ["pod-template-hash"],
  });
  return { topologySpreadConstraints: [over("kubernetes.io/hostname"), over("topology.kubernetes.io/zone")] };
}

/** Only nodes that the image has a platform for. */
function affinity(app: App): JsonObject {
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: "kubernetes.io/os", operator: "In", values: ["linux"] },
              { key: "kubernetes.io/arch", operator: "In", values: app.architectures },
            ],
          },
        ],
      },
    },
  };
}

function podSpec(app: App, image: string): JsonObject {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    affinity: affinity(app),
    ...spread(app),
    terminationGracePeriodSeconds: 30,
    containers: [container(app, image)],
    ...(app.writable.length === 0
      ? {}
      : {
          volumes: app.writable.map(({ size }, index) => ({
            name: `writable-${index}`,
            emptyDir: { sizeLimit: size },
          })),
        }),
  };
}

/** Flux may substitute `${…}` in what it applies, cluster-wide; text of ours is meant as it stands. */
function annotations(app: App): JsonObject {
  return Object.values(app.env).some((value) => value.includes("${"))
    ? { annotations: { "kustomize.toolkit.fluxcd.io/substitute": "disabled" } }
    : {};
}

/** `prefix/web:0.1.0@sha256:…`: the tag for people, the digest of the index for the kubelet. */
export function imageReference(app: App, prefix: string, digest: Digest): string {
  return `${prefix}/${app.image}:${app.tag}@${digest}`;
}

export function deployment(app: App, image: string): JsonObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: app.name,
      namespace: app.namespace,
      labels: { ...objectLabels(app), "app.kubernetes.io/version": app.tag },
      ...annotations(app),
    },
    spec: {
      replicas: app.replicas,
      revisionHistoryLimit: 5,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: selectorLabels(app) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels: objectLabels(app) }, spec: podSpec(app, image) },
    },
  };
}

export function service(app: App): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(app, app.name),
    spec: {
      type: "ClusterIP",
      selector: selectorLabels(app),
      ports: [{ name: "http", port: app.servicePort, targetPort: "http", protocol: "TCP" }],
    },
  };
}

export function disruptionBudget(app: App): JsonObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(app, app.name),
    spec: {
      ...app.disruption,
      selector: { matchLabels: selectorLabels(app) },
      // A pod that does not work anyway must not keep a node from being drained.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
