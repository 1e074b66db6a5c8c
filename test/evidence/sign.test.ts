import { sign as cryptoSign } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { payloadType, provenanceType } from "../../pipeline/evidence/evidence.ts";
import { localSigningKey, type SigningKey } from "../../pipeline/evidence/keys.ts";
import { signStatement } from "../../pipeline/evidence/sign.ts";
import { provenance } from "../../pipeline/evidence/statement.ts";
import { verifyBundle } from "../../pipeline/evidence/verify.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { provenanceInput } from "./samples.ts";

const host = createHost();
const openssl = await host.run("openssl", ["version"]).then(
  (result) => result.code === 0,
  () => false,
);

interface Bundle {
  mediaType: string;
  verificationMaterial: { publicKey?: { hint: string }; tlogEntries?: unknown[] };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string }[] };
}

let directory: string;
let key: SigningKey;
let stranger: SigningKey;
let statement: Uint8Array;
let bundle: Uint8Array;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "lockstep-sign-"));
  const make = async (name: string): Promise<SigningKey> => {
    const root = join(directory, `${name}-root`);
    await mkdir(root);
    return localSigningKey({ ...host, configDirectory: join(directory, name) }, root);
  };
  key = await make("own");
  stranger = await make("stranger");
  statement = provenance(provenanceInput);
  ({ bundle } = await signStatement(key, statement));
});

afterAll(() => rm(directory, { recursive: true }));

function expectation(overrides: { readonly keys?: readonly SigningKey[]; readonly predicateType?: string } = {}) {
  return {
    keys: [key],
    subjects: [provenanceInput.index],
    predicateType: provenanceType,
    file: "web.sigstore.json",
    ...overrides,
  };
}

function changed(change: (parsed: Bundle) => void): Uint8Array {
  const parsed = JSON.parse(Buffer.from(bundle).toString()) as Bundle;
  change(parsed);
  return Buffer.from(JSON.stringify(parsed));
}

/** A bundle whose signature is good, over any payload and payload type. */
function signedAnyway(payload: string, type: string = payloadType): Uint8Array {
  const data = Buffer.from(payload);
  const pae = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${data.length} `), data]);
  return changed((parsed) => {
    parsed.dsseEnvelope.payload = data.toString("base64");
    parsed.dsseEnvelope.payloadType = type;
    parsed.dsseEnvelope.signatures = [{ sig: cryptoSign("sha256", pae, key.privateKey).toString("base64") }];
  });
}

/** The same base64 with the lowest bit of one byte turned over. */
function flip(base64: string, at: number): string {
  const bytes = Buffer.from(base64, "base64");
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes.toString("base64");
}

describe("provenance", () => {
  it("is about the index and each platform, and says what went in", () => {
    const parsed = JSON.parse(Buffer.from(statement).toString()) as {
      subject: { name: string }[];
      predicate: {
        buildDefinition: { externalParameters: unknown; resolvedDependencies: unknown[] };
        runDetails: Record<string, unknown>;
      };
    };
    expect(parsed.subject.map((item) => item.name)).toEqual(["web", "web@linux/amd64", "web@linux/arm64"]);
    expect(parsed.predicate.buildDefinition.externalParameters).toEqual({
      image: "web",
      platforms: ["linux/amd64", "linux/arm64"],
    });
    expect(parsed.predicate.buildDefinition.resolvedDependencies).toHaveLength(provenanceInput.packages.length + 3);
    expect(parsed.predicate.runDetails["lockstep_reproduced"]).toBe("yes");
  });

  it("has the same bytes in whatever order its facts come", () => {
    const turned = {
      ...provenanceInput,
      platforms: provenanceInput.platforms.toReversed(),
      packages: [...provenanceInput.packages, ...provenanceInput.packages].toReversed(),
    };
    expect(Buffer.from(provenance(turned)).equals(statement)).toBe(true);
  });

  it("lists the waivers of the image, sorted and with nothing but what they say", () => {
    const waiver = (cause: string) => ({
      path: "/var/log/x",
      field: undefined,
      cause,
      reason: "r",
      owner: "o",
      expires: "2026-06-30",
    });
    const place = { file: "waivers.yaml", line: 2, column: 5 };
    const stated = provenance({
      ...provenanceInput,
      waivers: [Object.assign(waiver("T13"), { place }), waiver("S10")],
    });
    const { predicate } = JSON.parse(Buffer.from(stated).toString()) as {
      predicate: { runDetails: Record<string, unknown> };
    };
    const shown = (cause: string) => ({ path: "/var/log/x", cause, reason: "r", owner: "o", expires: "2026-06-30" });
    expect(predicate.runDetails["lockstep_waivers"]).toEqual([shown("S10"), shown("T13")]);
    expect(Buffer.from(statement).includes("lockstep_waivers")).toBe(false);
  });

  it("LS6005: is not made for a build that did not reproduce", () => {
    expect(() => provenance({ ...provenanceInput, reproduced: "no" })).toThrow(
      expect.objectContaining({ code: "LS6005", exitCode: 1 }),
    );
  });
});

describe("signing", () => {
  it("makes a v0.3 bundle with one signature, the key's hint and nothing else", () => {
    const parsed = JSON.parse(Buffer.from(bundle).toString()) as Bundle;
    expect(parsed.mediaType).toBe("application/vnd.dev.sigstore.bundle.v0.3+json");
    expect(parsed.verificationMaterial.publicKey?.hint).toBe(key.hint);
    expect(parsed.dsseEnvelope.signatures).toHaveLength(1);
    expect(Buffer.from(parsed.dsseEnvelope.payload, "base64").equals(statement)).toBe(true);
  });

  it("keeps an earlier bundle of the same statement, byte for byte", async () => {
    const again = await signStatement(key, statement, bundle);
    expect(again.reused).toBe(true);
    expect(Buffer.from(again.bundle).equals(bundle)).toBe(true);
  });

  it("signs anew when the statement changed, or the earlier bundle is another's, tampered with or rubbish", async () => {
    const other = provenance({ ...provenanceInput, index: digestOf("another index") });
    const tampered = changed((parsed) => {
      parsed.dsseEnvelope.signatures = [{ sig: Buffer.alloc(70, 1).toString("base64") }];
    });
    const attempts = [
      await signStatement(key, other, bundle),
      await signStatement(stranger, statement, bundle),
      await signStatement(key, statement, tampered),
      await signStatement(key, statement, Buffer.from("{")),
    ];
    expect(attempts.map((attempt) => attempt.reused)).toEqual([false, false, false, false]);
  });

  it.skipIf(!openssl)("makes a signature that openssl verifies over the PAE (needs openssl)", async () => {
    const parsed = JSON.parse(Buffer.from(bundle).toString()) as Bundle;
    const pae = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${statement.length} `),
      statement,
    ]);
    const signature = join(directory, "signature.der");
    await writeFile(signature, Buffer.from(parsed.dsseEnvelope.signatures[0]?.sig ?? "", "base64"));
    const args = ["dgst", "-sha256", "-verify", key.publicFile, "-signature", signature];
    const good = await host.run("openssl", args, { input: pae });
    expect(good.stdout.toString()).toBe("Verified OK\n");
    const bad = await host.run("openssl", args, { input: Buffer.concat([pae, Buffer.from(" ")]) });
    expect(bad.code).not.toBe(0);
  });
});

describe("verifying", () => {
  it("gives what was signed, and by which key", async () => {
    const verified = await verifyBundle(bundle, expectation({ keys: [stranger, key] }));
    expect(verified.signer).toBe(key.hint);
    expect(Buffer.from(verified.payload).equals(statement)).toBe(true);
    expect(verified.subjects[0]).toEqual({ name: "web", sha256: provenanceInput.index.slice(7) });
  });

  it("LS6102: refuses a payload, a type or a signature that was changed", async () => {
    const tampered = [
      changed((parsed) => {
        const text = Buffer.from(parsed.dsseEnvelope.payload, "base64").toString().replace('"yes"', '"no!"');
        parsed.dsseEnvelope.payload = Buffer.from(text).toString("base64");
      }),
      changed((parsed) => (parsed.dsseEnvelope.payloadType = "text/plain")),
      changed((parsed) => (parsed.dsseEnvelope.signatures = [{ sig: "AAAA" }])),
    ];
    for (const bytes of tampered) {
      await expect(verifyBundle(bytes, expectation())).rejects.toMatchObject({ code: "LS6102", exitCode: 1 });
    }
  });

  it("LS6102: refuses every single changed byte of payload and signature", async () => {
    const { payload, signatures } = (JSON.parse(Buffer.from(bundle).toString()) as Bundle).dsseEnvelope;
    const length = Buffer.from(payload, "base64").length;
    for (let at = 0; at < length; at += 97) {
      const bytes = changed((parsed) => (parsed.dsseEnvelope.payload = flip(payload, at)));
      await expect(verifyBundle(bytes, expectation())).rejects.toMatchObject({ code: "LS6102" });
    }
    const sig = signatures[0]?.sig ?? "";
    for (let at = 0; at < Buffer.from(sig, "base64").length; at++) {
      const bytes = changed((parsed) => (parsed.dsseEnvelope.signatures = [{ sig: flip(sig, at) }]));
      await expect(verifyBundle(bytes, expectation())).rejects.toMatchObject({ code: "LS6102" });
    }
  });

  it("LS6103: refuses a key that is not trusted, and no key at all", async () => {
    for (const keys of [[stranger], []]) {
      await expect(verifyBundle(bundle, expectation({ keys }))).rejects.toMatchObject({ code: "LS6103", exitCode: 1 });
    }
  });

  it("LS6102: refuses a bundle of a stranger that names the trusted key", async () => {
    const { bundle: theirs } = await signStatement({ ...stranger, hint: key.hint }, statement);
    await expect(verifyBundle(theirs, expectation())).rejects.toMatchObject({ code: "LS6102" });
  });

  it("LS6104: refuses a digest that is not a subject, and names all that are missing", async () => {
    const subjects = [provenanceInput.index, digestOf("one"), digestOf("two")];
    const attempt = verifyBundle(bundle, { ...expectation(), subjects });
    await expect(attempt).rejects.toMatchObject({ code: "LS6104", problems: [{}, {}] });
  });

  it("LS6106: refuses a good statement of another kind", async () => {
    const attempt = verifyBundle(bundle, expectation({ predicateType: "https://spdx.dev/Document" }));
    await expect(attempt).rejects.toMatchObject({ code: "LS6106" });
  });

  it.each([
    ["not JSON", "hello", payloadType],
    ["another payload type", '{"_type":"https://in-toto.io/Statement/v1"}', "application/json"],
    ["an old statement", '{"_type":"https://in-toto.io/Statement/v0.1","subject":[]}', payloadType],
    [
      "no subjects",
      '{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x","predicate":{}}',
      payloadType,
    ],
    ["no predicate", '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"00"}}]}', payloadType],
    ["null", "null", payloadType],
  ])("LS6105: refuses a signed payload that is %s", async (_, payload, type) => {
    await expect(verifyBundle(signedAnyway(payload, type), expectation())).rejects.toMatchObject({ code: "LS6105" });
  });

  it.each([
    ["nothing", () => new Uint8Array()],
    ["bytes that are not UTF-8", () => Uint8Array.of(0xff, 0xfe)],
    ["JSON null", () => Buffer.from("null")],
    ["a list", () => Buffer.from("[]")],
    ["an empty object", () => Buffer.from("{}")],
    ["an older media type", () => changed((parsed) => (parsed.mediaType = parsed.mediaType.replace("v0.3", "v0.2")))],
    ["no envelope", () => changed((parsed) => delete (parsed as Partial<Bundle>).dsseEnvelope)],
    ["no key", () => changed((parsed) => delete parsed.verificationMaterial.publicKey)],
    ["no signature", () => changed((parsed) => (parsed.dsseEnvelope.signatures = []))],
    [
      "two signatures",
      () =>
        changed((parsed) => (parsed.dsseEnvelope.signatures = [...parsed.dsseEnvelope.signatures, { sig: "AAAA" }])),
    ],
    ["an empty payload", () => changed((parsed) => (parsed.dsseEnvelope.payload = ""))],
    ["a log entry of the wrong shape", () => changed((parsed) => (parsed.verificationMaterial.tlogEntries = [{}]))],
  ])("LS6101: refuses %s", async (_, bytes) => {
    await expect(verifyBundle(bytes(), expectation())).rejects.toMatchObject({ code: "LS6101", exitCode: 3 });
  });

  it("takes no property of objects for a key hint", async () => {
    const bytes = changed((parsed) => (parsed.verificationMaterial.publicKey = { hint: "constructor" }));
    await expect(verifyBundle(bytes, expectation())).rejects.toMatchObject({ code: "LS6103" });
  });
});
