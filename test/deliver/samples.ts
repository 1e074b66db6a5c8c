/** Images and an app for the tests of delivery. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseApp, parseSettings } from "../../pipeline/deliver/read.ts";
import type { DeliveryModel } from "../../pipeline/deliver/model.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import type { ImageSpec } from "../../pipeline/spec/types.ts";

export const repository = fileURLToPath(new URL("../..", import.meta.url));

function imageSpec(name: string, overrides: Partial<ImageSpec> = {}): ImageSpec {
  return {
    name,
    file: `images/${name}/image.yaml`,
    platforms: ["linux/amd64", "linux/arm64"],
    layers: [],
    users: [],
    groups: [],
    config: { ports: ["8080/tcp"], env: {}, labels: {}, volumes: [], user: "65532:65532" },
    ...overrides,
  };
}

const emptyConfig = { ports: [], env: {}, labels: {}, volumes: [] };

const base = { image: "registry.example/base:1", place: { file: "images/foreign/image.yaml" } };

export const images: ReadonlyMap<string, ImageSpec> = new Map([
  ["web", imageSpec("web", { from: "node", config: { ...emptyConfig, ports: ["8080/tcp"] } })],
  ["node", imageSpec("node", { config: { ...emptyConfig, user: "65532:65532" } })],
  ["root", imageSpec("root", { config: emptyConfig })],
  ["zero", imageSpec("zero", { from: "root", config: { ...emptyConfig, user: "0:0" } })],
  ["foreign", imageSpec("foreign", { base, config: { ...emptyConfig, ports: ["9000/tcp"] } })],
  ["user", imageSpec("user", { base, config: { ...emptyConfig, ports: ["9000/tcp"], user: "7" } })],
  ["arm", imageSpec("arm", { platforms: ["linux/arm64"] })],
]);

export const minimal = `name: web
image: web
tag: 1.2.3
replicas: 2
port: 8080
resources:
  requests: { cpu: 50m, memory: 64Mi }
probes:
  readiness: /readyz
  liveness: /healthz
`;

/** `minimal` for another app, with lines put in the place of others or at the end. */
export function appText(changes: Readonly<Record<string, string>> = {}): string {
  let text = minimal;
  for (const [from, to] of Object.entries(changes)) {
    if (from !== "" && !text.includes(from)) throw new Error(`the minimal app has no "${from}"`);
    text = from === "" ? text + to : text.replace(from, to);
  }
  return text;
}

/** The lines a user would see. */
export function messagesOf(step: () => unknown): readonly string[] {
  try {
    step();
  } catch (error) {
    if (error instanceof LockstepError) return error.message.split("\n");
    throw error;
  }
  return [];
}

/** The repository's own sample, with the images of these tests. */
export async function sampleModel(): Promise<DeliveryModel> {
  return {
    settings: parseSettings(await readFile(`${repository}/manifests/delivery.yaml`, "utf8"), "manifests/delivery.yaml"),
    apps: [
      parseApp(await readFile(`${repository}/manifests/apps/web.yaml`, "utf8"), "manifests/apps/web.yaml", images).app,
    ],
  };
}
