import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openRepository } from "../../pipeline/build/repository.ts";
import { keylessSigner } from "../../pipeline/evidence/keyless.ts";
import { attestImages } from "../../pipeline/evidence/record.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { startSigstore, tokenOf, usualClaims } from "./sigstore.ts";

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

it("an identity signs the statement that the key would sign, once; and nothing is written when a service fails", async () => {
  const at = await tinyRepository({
    images: { app: image("tool") },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x" }] }],
  });
  const [built, planned] = [await at.build(), await at.plan()];
  const repository = await openRepository(at.store, at.root);
  const now = Date.UTC(2026, 0, 15, 12);
  const sigstore = await startSigstore(join(at.directory, "sigstore"), now);
  const env = (name: string): string | undefined => (name === "SIGSTORE_ID_TOKEN" ? tokenOf() : undefined);
  const sign = await keylessSigner({ ...at.host, env, now: () => now }, sigstore);
  const into = (name: string) => ({ sboms: join(at.directory, "sboms"), attestations: join(at.directory, name) });
  const attest = (name: string) => attestImages(at.host, repository, planned, built, into(name), sign);
  const payload = (path: string): string =>
    (JSON.parse(readFileSync(path, "utf8")) as { dsseEnvelope: { payload: string } }).dsseEnvelope.payload;

  const [first] = await attest("identity");
  expect(first).toMatchObject({ signer: usualClaims["sub"], issuer: usualClaims["iss"], reused: false });
  const bytes = readFileSync(first?.path ?? "");
  expect(await attest("identity")).toMatchObject([{ reused: true }]);
  expect(readFileSync(first?.path ?? "").equals(bytes)).toBe(true);
  const [byKey] = await attestImages(at.host, repository, planned, built, into("key"));
  expect(payload(first?.path ?? "")).toBe(payload(byKey?.path ?? ""));

  sigstore.faults.instead = (path, _, response) => {
    response.statusCode = 500;
    if (path === "/api/v2/log/entries") response.end();
    return path === "/api/v2/log/entries";
  };
  await expect(attest("none")).rejects.toMatchObject({ code: "LS6008" });
  expect(existsSync(into("none").attestations)).toBe(false);
});
