import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { DeliveryModel } from "../../pipeline/deliver/model.ts";
import { parseApp } from "../../pipeline/deliver/read.ts";
import { render } from "../../pipeline/deliver/render.ts";
import { writeRendered } from "../../pipeline/deliver/tree.ts";
import { createHost, type RunResult } from "../../pipeline/host/host.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { writeClusterSchemas } from "./cluster-schemas.ts";
import { goTool } from "./go-tools.ts";
import { appText, images, sampleModel } from "./samples.ts";

const host = createHost();
const release = { web: digestOf("an index") };
const schemas = await mkdtemp(join(tmpdir(), "lockstep-schemas-"));
const kustomize = await goTool("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1");
const kubeconform = await goTool("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0");
const hasSchemas = kubeconform !== undefined && (await writeClusterSchemas(schemas));

/** The sample beside an app that uses every field of the model. */
async function fullModel(): Promise<DeliveryModel> {
  const sample = await sampleModel();
  const everything = appText({
    "name: web": "name: shop\nnamespace: shop-live",
    "  requests: { cpu: 50m, memory: 64Mi }": "  requests: { cpu: 2, memory: 64Mi }\n  limits: { cpu: 4, memory: 1Gi }",
    "": `servicePort: 8443
env: { ON: "on", NO: "no", DATE: 2024-01-01, OCTAL: "0o14", UNDERSCORE: "1_000", TEXT: 'it is "so": \${X} #', EMPTY: "" }
writable: { /tmp: 64Mi, /var/cache: 1Gi }
disruption: { minAvailable: "50%" }
network:
  from: [{ namespace: gateway }, { cidr: "2001:db8::/32" }]
  to: [{ namespace: database, port: 5432 }, { cidr: 10.1.0.0/16, port: 443 }]
`,
  });
  return { ...sample, apps: [parseApp(everything, "manifests/apps/shop.yaml", images).app, ...sample.apps] };
}

/** kubeconform's verdict on some files, with our schemas only. */
function validate(files: readonly string[]): Promise<RunResult> {
  const location = join(schemas, "{{.ResourceKind}}{{.KindSuffix}}.json");
  const options = ["-strict", "-verbose", "-output=json", "-schema-location", location];
  return host.run(kubeconform ?? "", [...options, ...files]);
}

let root: string;
let paths: readonly string[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lockstep-peers-"));
  ({ written: paths } = await writeRendered(host, root, render(await fullModel(), release)));
});

afterAll(async () => {
  await rm(root, { recursive: true });
  await rm(schemas, { recursive: true });
});

describe.skipIf(!hasSchemas)(
  "kubeconform with the schemas of Kubernetes 1.36, Argo CD 3.5 and Flux 2.9 (needs Go)",
  () => {
    it("takes every rendered file", async () => {
      const result = await validate(paths.map((path) => join(root, path)));
      const { resources } = JSON.parse(result.stdout.toString()) as {
        readonly resources: readonly { readonly status: string; readonly msg: string }[];
      };
      expect(resources.filter((item) => item.status !== "statusValid")).toEqual([]);
      expect(resources).toHaveLength(paths.length);
      expect(result.code).toBe(0);
    });

    it("would have seen a field that does not exist", async () => {
      for (const [path, from, to] of [
        ["web/deployment-web.yaml", "imagePullPolicy", "imagePulPolicy"],
        ["argocd/application-web.yaml", "targetRevision", "targetRevison"],
        ["flux/kustomization-web.yaml", "prune:", "purge:"],
      ] as const) {
        const text = await readFile(join(root, "manifests/rendered", path), "utf8");
        const broken = join(root, `broken-${basename(path)}`);
        await writeFile(broken, text.replace(from, to));
        expect((await validate([broken])).code).not.toBe(0);
      }
    });
  },
);

describe.skipIf(kustomize === undefined)("kustomize (needs Go)", () => {
  it("builds each app's directory, as Flux does, to the same objects", async () => {
    for (const app of ["web", "shop"]) {
      const files = paths.filter((path) => path.startsWith(`manifests/rendered/${app}/`));
      const directory = join(root, `kustomize-${app}`);
      await mkdir(directory);
      const texts = await Promise.all(files.map((path) => readFile(join(root, path), "utf8")));
      for (const [index, text] of texts.entries()) await writeFile(join(directory, `${index}.yaml`), text);
      const resources = files.map((_, index) => `  - ${index}.yaml\n`).join("");
      const header = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
      await writeFile(join(directory, "kustomization.yaml"), `${header}resources:\n${resources}`);
      const result = await host.run(kustomize ?? "", ["build", directory]);
      expect(result.stderr.toString()).toBe("");
      const built = parseAllDocuments(result.stdout.toString()).map((document) => document.toJS() as unknown);
      const ours = texts.map((text) => parse(text) as unknown);
      expect(built).toHaveLength(ours.length);
      for (const object of ours) expect(built).toContainEqual(object);
    }
  });
});
