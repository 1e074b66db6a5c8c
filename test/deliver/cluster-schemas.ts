/** JSON schemas of what a cluster with Argo CD and Flux accepts, strict about unknown fields, in the layout that kubeconform reads. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { goModule } from "./go-tools.ts";

type Schema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Refuses fields that a schema does not list, and takes "int or string" as what it says. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (!isObject(value)) return value;
  if (value["x-kubernetes-int-or-string"] === true || value["format"] === "int-or-string") {
    return { type: ["integer", "string"] };
  }
  const inner = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, strict(item)]));
  const open =
    !isObject(value["properties"]) ||
    value["additionalProperties"] !== undefined ||
    value["x-kubernetes-preserve-unknown-fields"] === true;
  return open ? inner : { ...inner, additionalProperties: false };
}

/** The definitions that one refers to, itself included. */
function reachable(name: string, definitions: Schema, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, next = ""] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    reachable(next, definitions, found);
  }
  return found;
}

/** `deployment-apps-v1.json`: kubeconform's `{{.ResourceKind}}{{.KindSuffix}}.json`. */
function fileName(group: string, version: string, kind: string): string {
  const parts = [kind, group.split(".")[0] ?? "", version].filter((part) => part !== "");
  return `${parts.join("-").toLowerCase()}.json`;
}

async function coreSchemas(kubernetes: string, kinds: readonly string[]): Promise<ReadonlyMap<string, Schema>> {
  const swagger = JSON.parse(await readFile(join(kubernetes, "api/openapi-spec/swagger.json"), "utf8")) as {
    readonly definitions: Schema;
  };
  const schemas = new Map<string, Schema>();
  for (const [name, definition] of Object.entries(swagger.definitions)) {
    const kind = isObject(definition) ? definition["x-kubernetes-group-version-kind"] : undefined;
    const [known] = Array.isArray(kind) ? (kind as readonly { group: string; version: string; kind: string }[]) : [];
    if (known === undefined || !kinds.includes(known.kind)) continue;
    const wanted = reachable(name, swagger.definitions);
    const definitions = Object.fromEntries([...wanted].map((key) => [key, strict(swagger.definitions[key])]));
    schemas.set(fileName(known.group, known.version, known.kind), { $ref: `#/definitions/${name}`, definitions });
  }
  return schemas;
}

interface CustomResourceDefinition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

async function customSchemas(file: string): Promise<ReadonlyMap<string, Schema>> {
  const { spec } = parse(await readFile(file, "utf8")) as CustomResourceDefinition;
  return new Map(
    spec.versions.map((version) => [
      fileName(spec.group, version.name, spec.names.kind),
      strict(version.schema.openAPIV3Schema) as Schema,
    ]),
  );
}

/** Writes the schemas into a directory; false where Go or a module is not to be had. */
export async function writeClusterSchemas(directory: string): Promise<boolean> {
  const kubernetes = await goModule("k8s.io/kubernetes", "v1.36.3");
  const argo = await goModule("github.com/argoproj/argo-cd/v3", "v3.5.1");
  const kustomize = await goModule("github.com/fluxcd/kustomize-controller", "v1.9.5");
  const source = await goModule("github.com/fluxcd/source-controller", "v1.9.5");
  if (kubernetes === undefined || argo === undefined || kustomize === undefined || source === undefined) return false;
  const kinds = ["Namespace", "Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"];
  const schemas = [
    await coreSchemas(kubernetes, kinds),
    await customSchemas(join(argo, "manifests/crds/application-crd.yaml")),
    await customSchemas(join(kustomize, "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml")),
    await customSchemas(join(source, "config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml")),
  ];
  for (const [name, schema] of schemas.flatMap((map) => [...map])) {
    await writeFile(join(directory, name), JSON.stringify(schema));
  }
  return true;
}
