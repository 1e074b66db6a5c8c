import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { provenanceType } from "../../pipeline/evidence/evidence.ts";
import { keylessSigner } from "../../pipeline/evidence/keyless.ts";
import { provenance } from "../../pipeline/evidence/statement.ts";
import { readTrustedRoot } from "../../pipeline/evidence/trusted-root.ts";
import { verifyBundle } from "../../pipeline/evidence/verify.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { run, scene } from "../support.ts";
import { provenanceInput } from "./samples.ts";
import { cosign, servers, startIssuer, startServers } from "./sigstore-servers.ts";

const subject = "https://forge.example/team/app/.github/workflows/ci.yaml@refs/heads/main";
const claims = {
  sub: "repo:team/app:ref:refs/heads/main",
  job_workflow_ref: "team/app/.github/workflows/ci.yaml@refs/heads/main",
  ref: "refs/heads/main",
};
const artifact = Buffer.from("an index\n");
const statement = provenance({ ...provenanceInput, index: digestOf(artifact) });

/** A statement signed through the servers as a job of a forge. */
async function signed() {
  const { host, directory } = scene();
  if (servers === undefined) throw new Error("no servers");
  const issuer = await startIssuer();
  const files = await startServers(directory, issuer, servers);
  const identityToken = join(directory, "token");
  const sign = async (more: object = {}): Promise<Uint8Array> => {
    writeFileSync(identityToken, issuer.token({ ...claims, ...more }));
    return (await (await keylessSigner(host, { ...files, identityToken }))(statement)).bundle;
  };
  return { ...files, sign, directory, issuer: issuer.url };
}

describe.skipIf(servers === undefined)(
  "Sigstore's servers (needs go for fulcio, rekor-tiles and timestamp-authority, and port 2112)",
  () => {
    it("give a bundle that verifies as their identity, and refuse a token for others with no word of it in the message", async () => {
      const { sign, trustedRoot, issuer } = await signed();
      const bundle = await sign();
      const keyless = { root: await readTrustedRoot(trustedRoot), identities: [{ issuer, subject }] };
      const expected = {
        keys: [],
        keyless,
        subjects: [digestOf(artifact)],
        predicateType: provenanceType,
        file: "web",
      };
      expect(await verifyBundle(bundle, expected)).toMatchObject({ signer: subject, issuer });
      await expect(sign({ aud: "somebody else" })).rejects.toMatchObject({
        code: "LS6008",
        message: expect.not.stringMatching(/eyJ/),
      });
    });

    it.skipIf(cosign === undefined)(
      "give a bundle that cosign verifies for exactly this identity and artifact (needs cosign 3)",
      async () => {
        const { sign, trustedRoot, issuer, directory } = await signed();
        const [bundle, blob, other] = ["bundle.json", "blob", "other"].map((name) => join(directory, name));
        writeFileSync(bundle ?? "", await sign());
        writeFileSync(blob ?? "", artifact);
        writeFileSync(other ?? "", "another index\n");
        const check = (file = "", identity = subject, by = issuer) => {
          const options = { bundle, "trusted-root": trustedRoot, "certificate-identity": identity };
          const args = Object.entries({ ...options, "certificate-oidc-issuer": by, type: provenanceType }).flatMap(
            ([name, value]) => [`--${name}`, value ?? ""],
          );
          // There is no log of certificates.
          const all = ["verify-blob-attestation", ...args, "--use-signed-timestamps", "--insecure-ignore-sct", file];
          return run(cosign ?? "", all, { env: { HOME: directory, PATH: process.env["PATH"] ?? "" } });
        };
        const good = check(blob);
        expect(`${good.stdout.toString()}${good.stderr.toString()}`).toContain("Verified OK");
        expect(good.status).toBe(0);
        expect(check(other).status).not.toBe(0);
        expect(check(blob, `${subject}x`).status).not.toBe(0);
        expect(check(blob, subject, `${issuer}/x`).status).not.toBe(0);
      },
    );
  },
);
