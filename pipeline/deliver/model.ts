/** Delivery: from the model in manifests/ and a release to Kubernetes manifests pinned by digest, which Argo CD or Flux apply. */
import type { Digest } from "../store/digest.ts";

/** Where a flow of network traffic comes from. */
export type Source =
  | { readonly kind: "app"; readonly app: string }
  | { readonly kind: "namespace"; readonly namespace: string }
  | { readonly kind: "cidr"; readonly cidr: string };

/** Where it goes; traffic to an app goes to that app's port. */
export type Destination =
  | { readonly kind: "app"; readonly app: string }
  | { readonly kind: "namespace"; readonly namespace: string; readonly port: number }
  | { readonly kind: "cidr"; readonly cidr: string; readonly port: number };

/** Quantities as they are written: `50m`, `64Mi`. */
interface Resources {
  readonly requests: { readonly cpu: string; readonly memory: string };
  readonly limits: { readonly cpu?: string; readonly memory: string };
}

/** A number of pods, or a percentage of them: `25%`. */
export type PodCount = number | `${number}%`;

type Disruption = { readonly maxUnavailable: PodCount } | { readonly minAvailable: PodCount };

/** One service, from `manifests/apps/<name>.yaml`, with every default filled in. */
export interface App {
  readonly name: string;
  /** `manifests/apps/web.yaml`. */
  readonly file: string;
  readonly namespace: string;
  /** Name of an image of this repository. */
  readonly image: string;
  /** Semantic version; the digest pins, the tag tells people. */
  readonly tag: string;
  /** Architectures the image is built for (`amd64`), sorted. */
  readonly architectures: readonly string[];
  readonly replicas: number;
  /** Port the container listens on, TCP. */
  readonly port: number;
  readonly servicePort: number;
  readonly resources: Resources;
  readonly probes: { readonly readiness: string; readonly liveness: string; readonly startupSeconds: number };
  /** In the order of the file. */
  readonly env: Readonly<Record<string, string>>;
  /** Directories the program may write to, with the most they may hold, sorted by path. */
  readonly writable: readonly { readonly path: string; readonly size: string }[];
  readonly disruption: Disruption;
  readonly network: { readonly from: readonly Source[]; readonly to: readonly Destination[] };
}

/** `manifests/delivery.yaml`: what all apps share. */
export interface DeliverySettings {
  /** Registry and repository that image names are put below: `registry.example/lockstep`. */
  readonly images: string;
  /** The git repository that holds the rendered tree, as the cluster reaches it. */
  readonly repository: { readonly url: string; readonly revision: string };
  readonly argocd?: { readonly namespace: string; readonly project: string; readonly server: string };
  readonly flux?: { readonly namespace: string; readonly interval: string };
}

export interface DeliveryModel {
  readonly settings: DeliverySettings;
  /** Sorted by name. */
  readonly apps: readonly App[];
}

/** Image name to the digest of its index. */
export type Release = Readonly<Record<string, Digest>>;

/** One file of the rendered tree; the path is relative to the repository root. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

export const settingsFile = "manifests/delivery.yaml";
export const appsDirectory = "manifests/apps";
export const renderedDirectory = "manifests/rendered";
