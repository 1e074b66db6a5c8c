import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openRepository } from "../../pipeline/build/repository.ts";
import { attestImages } from "../../pipeline/evidence/record.ts";
import { canUnpack, stepScene } from "../build/step/step-scene.ts";
import { image } from "../build/tiny-repository.ts";

it.skipIf(!canUnpack)(
  "provenance names what a step ran in and on; the SBOM does not, as it is not in the image (needs root, tar)",
  async () => {
    const at = await stepScene({
      images: {
        app: 'platforms: [linux/amd64]\nlayers:\n  - run:\n      argv: [/usr/bin/cc]\n      tools: tools\n      files: [{ from: src, into: /src }]\n      fetch: [{ url: "https://files.example/asked.tar" }]\n      outputs: [{ from: /a, into: /a }]\n',
        tools: image("tiny"),
      },
      packages: [{ name: "tiny", architecture: "all", data: [{ name: "./usr/bin/cc", content: "cc" }] }],
      http: { "https://files.example/asked.tar": Buffer.from("asked") },
      files: { "images/app/src/a.c": "int main;" },
    });
    await at.step((directory) => writeFileSync(join(directory, "a"), "a"), ["app"]);
    const built = await at.build({ names: ["app"] });
    const out = join(at.directory, "evidence");
    mkdirSync(out);
    const repository = await openRepository(at.store, at.root);
    const planned = await at.plan(at.host, ["app"]);
    const [attested] = await attestImages(at.host, repository, planned, built, { sboms: out, attestations: out });
    const bundle = JSON.parse(readFileSync(attested?.path ?? "", "utf8")) as {
      readonly dsseEnvelope: { readonly payload: string };
    };
    const statement = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8");
    const { predicate } = JSON.parse(statement) as {
      readonly predicate: {
        readonly buildDefinition: { readonly resolvedDependencies: readonly { readonly name: string }[] };
      };
    };
    const names = predicate.buildDefinition.resolvedDependencies.map(({ name }) => name);
    expect(names).toContain("pool/main/t/tiny/tiny_1.0_all.deb");
    expect(names).toContain("run /usr/bin/cc");
    expect(names).toContain("https://files.example/asked.tar");
    expect(readFileSync(join(out, "app-linux-amd64.spdx.json"), "utf8")).not.toMatch(/tiny|asked/);
  },
);
