/** The schemas of manifests/delivery.yaml and manifests/apps/<name>.yaml: shapes, patterns and ranges. */
import { isIP } from "node:net";
import { z } from "zod";

/** Every message says what the value must be, as a clause that follows the value's path. */
function text(pattern: RegExp, must: string) {
  return z.string().regex(pattern, { error: `must be ${must}` });
}

const label = text(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, 'lower-case letters, digits and "-", beginning with a letter').max(
  63,
);
/** Directories of the rendered tree that are not an app's. */
const appName = label.refine((name) => name !== "argocd" && name !== "flux", {
  error: "must not be argocd or flux, whose directories these are",
});
/** Default-deny in a namespace of the cluster itself would cut the cluster off. */
const ownNamespace = label.refine((name) => name !== "default" && !name.startsWith("kube-"), {
  error: "must be a namespace of the app's own, not one of the cluster's",
});
const path = text(/^\/[A-Za-z0-9._~/-]*$/, 'an absolute path, such as "/healthz"').max(1024);
const directory = text(/^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/, 'an absolute path, such as "/tmp"').max(1024);
const quantity = text(
  /^\d+(\.\d+)?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/,
  "a quantity in quotes or with a unit, such as 50m or 64Mi",
);
/** A whole number of cores may be written without quotes. */
const cpu = z.union([quantity, z.int().min(1).max(1024)], { error: "must be an amount of CPU, such as 50m or 2" });
const anyPort = z.int().min(1).max(65_535);
const port = anyPort.refine((value) => value >= 1024, {
  error: "must be at least 1024, because no container runs as root",
});
const podCount = z.union([z.int().min(0), text(/^(100|[1-9]?\d)%$/, 'a percentage, such as "25%"')], {
  error: 'must be a number of pods, or a percentage such as "25%"',
});
const cidr = z.string().refine(isCidr, { error: "must be an address range, such as 10.0.0.0/8" });

function isCidr(value: string): boolean {
  const [address = "", bits = "", ...rest] = value.split("/");
  const version = isIP(address);
  return rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

/** Exactly one of the kinds of peer, and a port exactly where it is not known otherwise. */
function isPeer(peer: Readonly<Record<string, unknown>>, ports: boolean): boolean {
  const kinds = ["app", "namespace", "cidr"].filter((kind) => peer[kind] !== undefined);
  return kinds.length === 1 && (ports && kinds[0] !== "app") === (peer["port"] !== undefined);
}

const source = z
  .strictObject({ app: label.optional(), namespace: label.optional(), cidr: cidr.optional() })
  .refine((peer) => isPeer(peer, false), { error: "must have exactly one of app, namespace and cidr" });

const destination = z
  .strictObject({ app: label.optional(), namespace: label.optional(), cidr: cidr.optional(), port: anyPort.optional() })
  .refine((peer) => isPeer(peer, true), {
    error: "must have exactly one of app, namespace with port, and cidr with port",
  });

const app = z.strictObject({
  name: appName.meta({ description: "Name of the app; the same as that of its file." }),
  namespace: ownNamespace.optional().meta({ description: "Namespace of its own; the app's name unless given." }),
  image: z.string().min(1).max(128).meta({ description: "Image of this repository." }),
  tag: z.string().min(1).max(128).meta({ description: "Semantic version; the digest is added when rendering." }),
  replicas: z.int().min(1).max(1000),
  port,
  servicePort: anyPort.default(80),
  resources: z.strictObject({
    requests: z.strictObject({ cpu, memory: quantity }),
    limits: z.strictObject({ cpu: cpu.optional(), memory: quantity.optional() }).default({}),
  }),
  probes: z.strictObject({ readiness: path, liveness: path, startupSeconds: z.int().min(1).max(3600).default(30) }),
  env: z
    .record(
      text(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an environment variable"),
      z.union([text(/^[^\p{Cc}\u2028\u2029]*$/u, "without control characters"), z.number(), z.boolean()], {
        error: "must be a string without control characters, a number or a boolean",
      }),
    )
    .default({}),
  writable: z.record(directory, quantity).default({}),
  disruption: z
    .strictObject({ maxUnavailable: podCount.optional(), minAvailable: podCount.optional() })
    .refine((value) => (value.maxUnavailable === undefined) !== (value.minAvailable === undefined), {
      error: "must have exactly one of maxUnavailable and minAvailable",
    })
    .default({ maxUnavailable: 1 }),
  network: z
    .strictObject({ from: z.array(source).max(1000).default([]), to: z.array(destination).max(1000).default([]) })
    .prefault({}),
});

const settings = z.strictObject({
  images: text(
    /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/,
    "a registry and a repository without tag, such as registry.example/team",
  ).max(200),
  repository: z.strictObject({
    url: text(
      /^(https:\/\/|ssh:\/\/([a-z_][a-z0-9_-]*@)?)[A-Za-z0-9.-]+(:\d{1,5})?\/[\w./~-]+$/,
      "an https or ssh address without a password, such as https://git.example/team/deploy.git",
    ),
    revision: text(/^refs\/(heads|tags)\/[\w./-]+$/, "a full reference, such as refs/heads/main").default(
      "refs/heads/main",
    ),
  }),
  argocd: z
    .strictObject({
      namespace: label.default("argocd"),
      project: label.default("default"),
      server: text(/^https:\/\/[\w.-]+(:\d{1,5})?$/, "the https address of an API server").default(
        "https://kubernetes.default.svc",
      ),
    })
    .optional(),
  flux: z
    .strictObject({
      namespace: label.default("flux-system"),
      interval: text(/^([1-9]\d*(h|m|s))+$/, "a duration, such as 10m").default("10m"),
    })
    .optional(),
});

export type RawApp = z.output<typeof app>;
export type RawSettings = z.output<typeof settings>;
type Issues = readonly z.core.$ZodIssue[];
type Checked<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly issues: Issues };
type JsonSchema = Readonly<Record<string, unknown>>;

export function checkApp(value: unknown): Checked<RawApp> {
  const result = app.safeParse(value);
  return result.success ? { ok: true, value: result.data } : { ok: false, issues: result.error.issues };
}

export function checkSettings(value: unknown): Checked<RawSettings> {
  const result = settings.safeParse(value);
  return result.success ? { ok: true, value: result.data } : { ok: false, issues: result.error.issues };
}

/** As JSON Schema (draft 2020-12), for editors and for suggestions. */
export function appSchema(): JsonSchema {
  return z.toJSONSchema(app, { io: "input" }) as JsonSchema;
}

export function settingsSchema(): JsonSchema {
  return z.toJSONSchema(settings, { io: "input" }) as JsonSchema;
}
