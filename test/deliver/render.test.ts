import { constantFrom, jsonValue, oneof, property, string, assert as check } from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, parseDocument } from "yaml";
import { emitYaml, type JsonObject } from "../../pipeline/deliver/emit.ts";
import type { DeliveryModel } from "../../pipeline/deliver/model.ts";
import { oneUnit, parseQuantity } from "../../pipeline/deliver/quantity.ts";
import { parseApp } from "../../pipeline/deliver/read.ts";
import { render } from "../../pipeline/deliver/render.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { appText, images, minimal, sampleModel } from "./samples.ts";

const release = { web: digestOf("an index") };

function modelOf(...texts: readonly string[]): DeliveryModel {
  const apps = texts.map(
    (text) => parseApp(text, `manifests/apps/${/name: (.*)/.exec(text)?.[1] ?? ""}.yaml`, images).app,
  );
  return {
    settings: {
      images: "registry.example/team",
      repository: { url: "https://git.example/a/b.git", revision: "refs/heads/main" },
    },
    apps,
  };
}

function objectAt(model: DeliveryModel, path: string): unknown {
  const file = render(model, release).find((item) => item.path === `manifests/rendered/${path}`);
  if (file === undefined) throw new Error(`${path} is not rendered`);
  return parse(file.text);
}

describe("render", () => {
  it("gives the reviewed manifests of the sample", async () => {
    // Golden: `vitest -u` writes it anew; look at the difference as at code.
    const text = render(await sampleModel(), release)
      .map((file) => `=== ${file.path}\n${file.text}`)
      .join("");
    await expect(text).toMatchFileSnapshot("rendered.golden");
  });

  it("is the same for the same model and release, sorted, and every file says where it comes from", async () => {
    const files = render(await sampleModel(), release);
    expect(render(await sampleModel(), release)).toEqual(files);
    expect(files.map((file) => file.path)).toEqual(files.map((file) => file.path).toSorted());
    for (const { text } of files)
      expect(text).toMatch(/^# Made by `lockstep render` from manifests\/.*; do not edit\.\napiVersion: /);
  });

  it("pins the image by tag and index digest", () => {
    const model = modelOf(minimal);
    const text = JSON.stringify(objectAt(model, "web/deployment-web.yaml"));
    expect(text).toContain(`"image":"registry.example/team/web:1.2.3@${release.web}"`);
    expect(render(model, release).some((file) => /argocd|flux/.test(file.path))).toBe(false);
  });

  it("LS7012: never renders a tag alone, and names all images that have no digest", () => {
    const model = modelOf(minimal, minimal.replace("name: web", "name: arm").replace("image: web", "image: arm"));
    expect(() => render(model, {})).toThrow(
      expect.objectContaining({ code: "LS7012", problems: [{}, {}].map(() => expect.anything()) }),
    );
    expect(() => render(model, release)).toThrow(
      'LS7012 manifests/apps/arm.yaml image "arm" has no digest in the release; build it first: lockstep build arm',
    );
    expect(() => render(modelOf(minimal), Object.create({ web: "inherited" }) as typeof release)).toThrow("LS7012");
  });

  it("runs the pods of an image for one architecture on its nodes only", () => {
    const text = minimal.replace("image: web", "image: arm");
    const files = render(modelOf(text), { arm: digestOf("arm") });
    expect(files.map((file) => file.text).join("")).toMatch(/values:\n +- arm64\n +\w/);
  });

  it("allows exactly the declared flows, each to its port", () => {
    const api = appText({ "name: web": "name: api", "": "network: { from: [{ app: web }] }\n" });
    const web = appText({ "": "network: { to: [{ app: api }, { cidr: 10.1.0.0/16, port: 5432 }] }\n" });
    const model = modelOf(api, web);
    const egress = (objectAt(model, "web/networkpolicy-allow-web.yaml") as { spec: { egress: unknown } }).spec.egress;
    expect(egress).toEqual([
      {
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
      },
      {
        to: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "api" } },
            podSelector: { matchLabels: { "app.kubernetes.io/name": "api" } },
          },
        ],
        ports: [{ protocol: "TCP", port: 8080 }],
      },
      { to: [{ ipBlock: { cidr: "10.1.0.0/16" } }], ports: [{ protocol: "TCP", port: 5432 }] },
    ]);
  });

  it("denies everything where nothing is declared, names of the DNS included", () => {
    const policy = objectAt(modelOf(minimal), "web/networkpolicy-allow-web.yaml") as { spec: object };
    expect(Object.keys(policy.spec)).toEqual(["podSelector", "policyTypes"]);
  });

  it("gives directories to write to, and keeps Flux from filling in what looks like a variable", () => {
    const model = modelOf(appText({ "": 'env: { A: "${HOME}" }\nwritable: { /tmp: 64Mi, /cache: 1Gi }\n' }));
    const text = JSON.stringify(objectAt(model, "web/deployment-web.yaml"));
    expect(text).toContain(
      '"volumeMounts":[{"name":"writable-0","mountPath":"/cache"},{"name":"writable-1","mountPath":"/tmp"}]',
    );
    expect(text).toContain('{"name":"writable-0","emptyDir":{"sizeLimit":"1Gi"}}');
    expect(text).toContain('"kustomize.toolkit.fluxcd.io/substitute":"disabled"');
  });
});

describe("emitYaml", () => {
  const traps = [
    "on",
    "Yes",
    "n",
    "NO",
    "null",
    "~",
    "2024-01-01",
    "1_000",
    "0b11",
    "0o14",
    "0x1F",
    "12:30:45",
    "1e3",
    ".inf",
    "-",
    "- a",
    "a: b",
    "a:",
    "a #b",
    "#a",
    "<<",
    "=",
    "!x",
    "&x",
    "*x",
    "%x",
    "@x",
    "`x",
    "[",
    "{",
    "|",
    ">",
    "'",
    '"',
    "",
    " a ",
    "a\nb",
    "é",
    "\u0085",
    "\u2028",
    "\ufeff",
    "${X}",
    "registry.example/a:1.2.3@sha256:00",
    "app.kubernetes.io/name",
    "50m",
    "0.1.0",
  ];

  it("gives text that YAML 1.1 and 1.2 parsers read back as it was", () => {
    for (const text of traps) {
      const yaml = emitYaml({ [text]: text, list: [text] }, ["header"]);
      for (const version of ["1.1", "1.2"] as const) {
        expect(parseDocument(yaml, { version, merge: false }).toJS()).toEqual({ [text]: text, list: [text] });
      }
    }
  });

  it("does so for any value", () => {
    const values = jsonValue({ maxDepth: 3, stringUnit: "binary" });
    check(
      property(oneof(constantFrom(...traps), string({ unit: "binary" })), values, (text, value) => {
        // Negative zero is a number that JSON has no word for.
        const object = { text, value: JSON.parse(JSON.stringify(value)) as JsonObject };
        for (const version of ["1.1", "1.2"] as const) {
          expect(parseDocument(emitYaml(object, []), { version, merge: false }).toJS()).toEqual(object);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("parseQuantity", () => {
  it.each([
    ["1", oneUnit],
    ["50m", oneUnit / 20n],
    ["0.05", oneUnit / 20n],
    ["5e-2", oneUnit / 20n],
    ["1Ki", 1024n * oneUnit],
    ["1.5Gi", 1536n * 1024n * 1024n * oneUnit],
    ["1G", 1_000_000_000n * oneUnit],
    ["1n", 1n],
    ["0.0000000001", undefined],
    ["1e-10", 1n],
    ["64MB", undefined],
    ["-1", undefined],
    ["", undefined],
    ["1.", undefined],
  ])("%s", (text, expected) => expect(parseQuantity(text)).toBe(expected));
});
