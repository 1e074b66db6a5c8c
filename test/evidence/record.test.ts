import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openRepository } from "../../pipeline/build/repository.ts";
import { attestImages } from "../../pipeline/evidence/record.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";

it("the statement of an image has the waivers of waivers.yaml that are for it, with everything that they say", async () => {
  const all = {
    image: "app",
    platform: "linux/amd64",
    layer: 2,
    path: "/app/a",
    field: "line 3",
    cause: "T1",
    reason: "known",
    owner: "team",
    expires: "2026-12-31",
  };
  const at = await tinyRepository({
    images: { app: image("tool"), other: image("tool") },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x" }] }],
    files: { "waivers.yaml": JSON.stringify({ waivers: [all, { ...all, image: "other", owner: "others" }] }) },
  });
  const built = await at.build();
  const out = join(at.directory, "evidence");
  mkdirSync(out);
  const repository = await openRepository(at.store, at.root);
  const attested = await attestImages(at.host, repository, await at.plan(), built, { sboms: out, attestations: out });
  const waivers = attested.map(({ path }) => {
    const bundle = JSON.parse(readFileSync(path, "utf8")) as { readonly dsseEnvelope: { readonly payload: string } };
    const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8")) as {
      readonly predicate: { readonly runDetails: Readonly<Record<string, unknown>> };
    };
    return statement.predicate.runDetails["lockstep_waivers"];
  });
  const { image: _, ...stated } = all;
  expect(waivers).toEqual([[stated], [{ ...stated, owner: "others" }]]);
});
