import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { startSigstore, tokenOf, usualClaims } from "../evidence/sigstore.ts";
import { lockstep } from "./lockstep.ts";

it("attest signs as an identity and says which, keeps that signature, and writes none when the certificate is refused", async () => {
  const at = await tinyRepository({
    images: { app: image("tool") },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
  });
  const sigstore = await startSigstore(join(at.directory, "sigstore"), Date.now());
  const files = ["--signing-config", sigstore.signingConfig, "--trusted-root", sigstore.trustedRoot];
  const env = { LOCKSTEP_STORE: at.store.directory, SIGSTORE_ID_TOKEN: tokenOf() };
  const attest = (...args: readonly string[]) => lockstep(["attest", ...files, ...args], { cwd: at.root, env });
  const by = `identity ${String(usualClaims["sub"])} of ${String(usualClaims["iss"])}`;

  expect(await attest("--quiet")).toEqual({
    code: 0,
    signal: null,
    stdout: `app  out/attestations/app.sigstore.json  verified, ${by}\n`,
    stderr: "",
  });
  const bytes = readFileSync(join(at.root, "out/attestations/app.sigstore.json"));
  const again = JSON.parse((await attest("--json")).stdout) as { readonly result: unknown };
  expect(again.result).toMatchObject({
    attestations: [{ image: "app", signer: usualClaims["sub"], issuer: usualClaims["iss"], reused: true }],
  });
  expect(readFileSync(join(at.root, "out/attestations/app.sigstore.json")).equals(bytes)).toBe(true);

  sigstore.faults.instead = (_path, _request, response, body) => {
    response.statusCode = 403;
    response.end(JSON.stringify({ message: `no certificate for ${body}` }));
    return true;
  };
  const refused = await attest("--out", "elsewhere", "--verbose");
  expect(refused.code).toBe(4);
  expect(refused.stderr).toContain("LS6008 the certificate authority at");
  for (const part of tokenOf().split(".")) expect(`${refused.stdout}${refused.stderr}`).not.toContain(part);
  expect(existsSync(join(at.root, "elsewhere/attestations"))).toBe(false);
});
