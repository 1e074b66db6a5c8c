import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { provenanceType } from "../../pipeline/evidence/evidence.ts";
import { keylessSigner } from "../../pipeline/evidence/keyless.ts";
import { provenance } from "../../pipeline/evidence/statement.ts";
import { readTrustedRoot } from "../../pipeline/evidence/trusted-root.ts";
import { verifyBundle } from "../../pipeline/evidence/verify.ts";
import type { Host } from "../../pipeline/host/host.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { scene } from "../support.ts";
import { plain } from "./der.ts";
import { provenanceInput } from "./samples.ts";
import { type Claims, type FakeSigstore, startSigstore, tokenOf, usualClaims } from "./sigstore.ts";

const now = Date.UTC(2026, 0, 15, 12);
const statement = provenance(provenanceInput);
const other = provenance({ ...provenanceInput, index: digestOf("another index") });
const issuer = String(usualClaims["iss"]);
const subject = String(usualClaims["sub"]);

interface Bundle {
  mediaType: string;
  verificationMaterial: {
    certificate?: { rawBytes: string };
    publicKey?: unknown;
    tlogEntries: unknown[];
    timestampVerificationData?: { rfc3161Timestamps: unknown[] };
  };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

interface Stage {
  readonly host: Host;
  readonly sigstore: FakeSigstore;
  readonly directory: string;
  readonly files: { readonly signingConfig: string; readonly trustedRoot: string };
  sign(claims?: Claims, over?: Uint8Array, previous?: Uint8Array): Promise<{ bundle: Uint8Array; reused: boolean }>;
}

async function stage(environment: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const { host: usual, directory } = scene(environment);
  const host = { ...usual, now: () => now };
  const sigstore = await startSigstore(join(directory, "sigstore"), now);
  const files = { signingConfig: sigstore.signingConfig, trustedRoot: sigstore.trustedRoot };
  return {
    host,
    sigstore,
    directory,
    files,
    async sign(claims, over = statement, previous) {
      const env = (name: string): string | undefined => (name === "SIGSTORE_ID_TOKEN" ? tokenOf(claims) : undefined);
      return (await keylessSigner({ ...host, env }, files))(over, previous);
    },
  };
}

async function verified(
  at: Stage,
  bundle: Uint8Array,
  identity = { issuer, subject },
  trustedRoot = at.files.trustedRoot,
) {
  const keyless = { root: await readTrustedRoot(trustedRoot), identities: [identity] };
  const subjects = [provenanceInput.index];
  return verifyBundle(bundle, {
    keys: [],
    keyless,
    subjects,
    predicateType: provenanceType,
    file: "web.sigstore.json",
  });
}

function changed(bundle: Uint8Array, change: (parsed: Bundle) => void): Uint8Array {
  const parsed = JSON.parse(Buffer.from(bundle).toString()) as Bundle;
  change(parsed);
  return Buffer.from(JSON.stringify(parsed));
}

function edit(file: string, change: (parsed: Record<string, unknown>) => void): void {
  const parsed = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  change(parsed);
  writeFileSync(file, JSON.stringify(parsed));
}

async function failure(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "",
    (error: unknown) => {
      let text = "";
      for (let each: unknown = error; each instanceof Error; each = each.cause) text += `${each.message}\n`;
      return text;
    },
  );
}

describe("signing as an identity", () => {
  it("gives a bundle with certificate, timestamp and log entry that verifies, and says who signed", async () => {
    const at = await stage();
    const { bundle, reused } = await at.sign();
    expect(reused).toBe(false);
    const { verificationMaterial, mediaType } = JSON.parse(Buffer.from(bundle).toString()) as Bundle;
    expect(mediaType).toBe("application/vnd.dev.sigstore.bundle.v0.3+json");
    expect(Object.keys(verificationMaterial).toSorted()).toEqual([
      "certificate",
      "timestampVerificationData",
      "tlogEntries",
    ]);
    expect(await verified(at, bundle)).toMatchObject({ signer: subject, issuer, payload: statement });
    expect(at.sigstore.asked.toSorted()).toEqual(["/api/v1/timestamp", "/api/v2/log/entries", "/api/v2/signingCert"]);
  });

  it("keeps an earlier bundle of the same identity over the same statement, byte for byte, and asks no service", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    const before = at.sigstore.asked.length;
    expect(await at.sign(usualClaims, statement, bundle)).toMatchObject({ bundle, reused: true });
    expect(at.sigstore.asked).toHaveLength(before);
  });

  it("signs anew when the statement or the identity is another, or the earlier bundle is tampered with or rubbish", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    const tampered = changed(bundle, (parsed) => (parsed.verificationMaterial.tlogEntries = []));
    const attempts = [
      await at.sign(usualClaims, other, bundle),
      await at.sign({ ...usualClaims, sub: "https://ci.example/else" }, statement, bundle),
      await at.sign({ ...usualClaims, iss: "https://else.example" }, statement, bundle),
      await at.sign(usualClaims, statement, tampered),
      await at.sign(usualClaims, statement, Buffer.from("{")),
    ];
    expect(attempts.map(({ reused }) => reused)).toEqual([false, false, false, false, false]);
  });

  it.each([
    ["an e-mail address", { ...usualClaims, email: "ann@example.org", email_verified: true }, "ann@example.org"],
    [
      "the workflow that runs",
      {
        ...usualClaims,
        sub: "repo:team/app:ref:refs/heads/main",
        job_workflow_ref: "team/app/ci.yaml@refs/heads/main",
      },
      "https://forge.example/team/app/ci.yaml@refs/heads/main",
    ],
    [
      "the configuration that runs",
      { ...usualClaims, sub: "project:1", ci_config_ref_uri: "forge.example/team/app//ci.yml@refs/heads/main" },
      "https://forge.example/team/app//ci.yml@refs/heads/main",
    ],
  ])("takes a certificate that calls the identity by %s", async (_, claims, name) => {
    const at = await stage();
    at.sigstore.faults.names = () => [plain(name.includes("://") ? 6 : 1, Buffer.from(name))];
    const { bundle } = await at.sign(claims);
    expect(await verified(at, bundle, { issuer, subject: name })).toMatchObject({ signer: name, issuer });
  });

  it.each([
    ["another subject", { names: () => [plain(6, Buffer.from(`${subject}/more`))] }],
    ["two subjects", { names: () => [plain(6, Buffer.from(subject)), plain(6, Buffer.from("https://else.example"))] }],
    ["a subject with a comma", { names: () => [plain(6, Buffer.from(`${subject},URI:x`))] }],
    ["another issuer", { issuer: () => `${issuer}.else.example` }],
    ["an issuer with a letter that looks alike", { issuer: () => issuer.replace("i", "\u0456") }],
    ["no name", { names: () => [] }],
    ["a subject that is no URI", { names: () => [plain(2, Buffer.from(subject))] }],
  ])("LS6107: takes no certificate with %s", async (_, faults) => {
    const at = await stage();
    Object.assign(at.sigstore.faults, faults);
    await expect(at.sign()).rejects.toMatchObject({ code: "LS6107", exitCode: 1 });
  });

  it("LS6108: takes no certificate that is not for signing code", async () => {
    const at = await stage();
    at.sigstore.faults.purpose = "1.3.6.1.5.5.7.3.1";
    await expect(at.sign()).rejects.toMatchObject({ code: "LS6108", message: expect.stringContaining("signing code") });
  });

  it.each([
    ["before", -2],
    ["after", 11],
  ])("LS6108: takes no timestamp from %s the certificate's time", async (_, minutes) => {
    const at = await stage();
    at.sigstore.faults.late = minutes * 60_000;
    await expect(at.sign()).rejects.toMatchObject({ code: "LS6108", exitCode: 1 });
  });

  it("LS6108: takes no log entry over something else", async () => {
    const at = await stage();
    at.sigstore.faults.logged = ({ hashedRekordRequestV002: request }) => ({
      hashedRekordRequestV002: { ...request, digest: Buffer.alloc(32, 1).toString("base64") },
    });
    await expect(at.sign()).rejects.toMatchObject({ code: "LS6108" });
  });

  it("LS6108: takes nothing of services that the trusted root does not have", async () => {
    const at = await stage();
    const stranger = await startSigstore(join(at.directory, "stranger"), now);
    const files = { signingConfig: stranger.signingConfig, trustedRoot: at.files.trustedRoot };
    const token = { ...at.host, env: (name: string) => (name === "SIGSTORE_ID_TOKEN" ? tokenOf() : undefined) };
    await expect((await keylessSigner(token, files))(statement)).rejects.toMatchObject({ code: "LS6108" });
  });
});

describe("a service that does not do its part", () => {
  const [certificates, log, stamps] = ["/api/v2/signingCert", "/api/v2/log/entries", "/api/v1/timestamp"];

  it.each(
    [certificates, log, stamps].flatMap((path) => [400, 403, 429, 500, 503].map((status) => [path, status] as const)),
  )(
    "LS6008: %s answers with %i, and the token is not in the message although it is sent back",
    async (path, status) => {
      const at = await stage();
      at.sigstore.faults.instead = (asked, _, response, body) => {
        if (asked !== path) return false;
        response.statusCode = status;
        response.end(JSON.stringify({ message: `refused: ${body}` }));
        return true;
      };
      const said = await failure(at.sign());
      expect(said).toMatch(new RegExp(`^LS6008 the [a-z ]+ at ${at.sigstore.base} answers with ${status}: refused`));
      for (const part of tokenOf().split(".")) expect(said).not.toContain(part);
    },
  );

  it.each([
    ["nothing", ""],
    ["a page", "<html>"],
    ["JSON null", "null"],
    ["JSON of another shape", '{"signedCertificateEmbeddedSct":{"chain":{"certificates":[5]}},"logId":7}'],
  ])("LS6008: authority and log answer with %s", async (_, answer) => {
    for (const path of [certificates, log]) {
      const at = await stage();
      at.sigstore.faults.instead = (asked, _request, response) => {
        if (asked === path) response.end(answer);
        return asked === path;
      };
      await expect(at.sign()).rejects.toMatchObject({ code: "LS6008", exitCode: 4 });
    }
  });

  it("LS6101, LS6102 or LS6108: certificate and timestamp are rubbish", async () => {
    for (const [path, answer] of [
      [
        certificates,
        '{"signedCertificateEmbeddedSct":{"chain":{"certificates":["-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"]}}}',
      ],
      [stamps, "rubbish"],
      [stamps, ""],
    ] as const) {
      const at = await stage();
      at.sigstore.faults.instead = (asked, _request, response) => {
        if (asked === path) response.end(answer);
        return asked === path;
      };
      await expect(at.sign()).rejects.toMatchObject({ code: expect.stringMatching(/^LS610[1278]$/) });
    }
  });

  it("LS6008: a redirect is not followed, as the token would go along", async () => {
    const at = await stage();
    at.sigstore.faults.instead = (path, _, response) => {
      if (path !== certificates) return false;
      response.writeHead(307, { location: `${at.sigstore.base}/elsewhere` }).end();
      return true;
    };
    expect(await failure(at.sign())).toContain("answers with 307");
    expect(at.sigstore.asked).toEqual([certificates]);
  });

  it("LS6008: an answer without an end is not read on", async () => {
    const at = await stage();
    at.sigstore.faults.instead = (path, _, response) => {
      if (path !== certificates) return false;
      const more = (): void =>
        void response.write(Buffer.alloc(65536), (error) => (error == null ? more() : undefined));
      more();
      return true;
    };
    expect(await failure(at.sign())).toContain("sends more than 1048576 bytes");
  });

  it("LS6008: one that never answers is given up", async () => {
    const at = await stage();
    let reached = (): void => {};
    const asked = new Promise<void>((resolve) => (reached = resolve));
    at.sigstore.faults.instead = () => {
      reached();
      return true;
    };
    const env = (name: string): string | undefined => (name === "SIGSTORE_ID_TOKEN" ? tokenOf() : undefined);
    const sign = await keylessSigner({ ...at.host, env, sleep: () => asked }, at.files);
    expect(await failure(sign(statement))).toContain("LS6008 the certificate authority");
  });

  it("LS1003: Ctrl-C ends the waiting", async () => {
    const at = await stage();
    const stop = new AbortController();
    at.sigstore.faults.instead = () => {
      stop.abort();
      return true;
    };
    const env = (name: string): string | undefined => (name === "SIGSTORE_ID_TOKEN" ? tokenOf() : undefined);
    const sign = await keylessSigner({ ...at.host, env }, at.files, stop.signal);
    await expect(sign(statement)).rejects.toMatchObject({ code: "LS1003" });
  });

  it("LS6008: one that is not there is said to be so", async () => {
    const at = await stage();
    edit(at.files.signingConfig, (config) => (config["caUrls"] = [{ url: "http://127.0.0.1:1", majorApiVersion: 1 }]));
    expect(await failure(at.sign())).toContain(
      "LS6008 the certificate authority at http://127.0.0.1:1 cannot be asked",
    );
  });
});

describe("the identity token", () => {
  const payload = (claims: unknown): string => Buffer.from(JSON.stringify(claims)).toString("base64url");

  it.each([
    ["not a token", "secret-but-not-a-token", "is not a token that can be read"],
    ["of two parts", `aaaaaaaa.${payload(usualClaims)}`, "is not a token that can be read"],
    ["rubbish in three parts", "secretsecret.secretsecret.secretsecret", "is not a token that can be read"],
    ["a list", `aaaaaaaa.${payload([])}.bbbbbbbb`, "is not a token that can be read"],
    ["of no issuer", tokenOf({ sub: "x" }), "does not say who issued it"],
    ["of nobody", tokenOf({ iss: issuer }), "does not say whom it is about"],
    ["expired", tokenOf({ ...usualClaims, exp: now / 1000 }), "is not valid any more"],
    [
      "of an address that nobody verified",
      tokenOf({ ...usualClaims, email: "a@b.c" }),
      "has an e-mail address that its issuer did not verify",
    ],
  ])("LS6006: is refused and not shown when it is %s", async (_, text, why) => {
    const at = await stage();
    const identityToken = join(at.directory, "token");
    writeFileSync(identityToken, `${text}\n`);
    const said = await failure((await keylessSigner(at.host, { ...at.files, identityToken }))(statement));
    expect(said).toContain(`LS6006 the identity token of ${identityToken} ${why}`);
    for (const part of text.split(".")) expect(said).not.toContain(part);
    expect(at.sigstore.asked).toEqual([]);
  });

  it("is read from the file that is named, before anything of the environment", async () => {
    const at = await stage({ SIGSTORE_ID_TOKEN: "rubbish" });
    const identityToken = join(at.directory, "token");
    writeFileSync(identityToken, `${tokenOf()}\n`);
    const { bundle } = await (await keylessSigner(at.host, { ...at.files, identityToken }))(statement);
    expect(await verified(at, bundle)).toMatchObject({ signer: subject });
  });

  it("LS6006: has to be there before anything is built", async () => {
    const at = await stage();
    await expect(keylessSigner(at.host, at.files)).rejects.toMatchObject({ code: "LS6006", exitCode: 3 });
    const files = { ...at.files, identityToken: join(at.directory, "none") };
    expect(await failure((await keylessSigner(at.host, files))(statement))).toContain("cannot be read (ENOENT)");
  });

  it("is asked for in a job of GitHub Actions, with its audience and the job's own word", async () => {
    const at = await stage();
    let question = "";
    const request = `${at.sigstore.base}/token?api-version=1`;
    const environment: Readonly<Record<string, string>> = {
      ACTIONS_ID_TOKEN_REQUEST_URL: request,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "word-of-the-job",
    };
    const host = { ...at.host, env: (name: string) => environment[name] };
    let answer = { status: 200, body: JSON.stringify({ value: tokenOf() }) };
    at.sigstore.faults.instead = (path, { headers }, response) => {
      if (!path.startsWith("/token")) return false;
      question = `${path} ${headers.authorization}`;
      response.statusCode = answer.status;
      response.end(answer.body);
      return true;
    };
    const sign = await keylessSigner(host, at.files);
    expect(await verified(at, (await sign(statement)).bundle)).toMatchObject({ signer: subject });
    expect(question).toBe("/token?api-version=1&audience=sigstore Bearer word-of-the-job");
    for (const [status, body, code] of [
      [403, JSON.stringify({ message: "no word-of-the-job" }), "LS6008"],
      [200, "{}", "LS6008"],
      [200, "null", "LS6008"],
      [200, JSON.stringify({ value: "rubbish" }), "LS6006"],
    ] as const) {
      answer = { status, body };
      const said = await failure(sign(statement));
      expect(said).toContain(code);
      expect(said).not.toMatch(/word-of-the-job|rubbish/);
    }
  });
});

describe("the files of a Sigstore", () => {
  const service = (url: string, more = {}) => [{ url, majorApiVersion: 1, ...more }];

  it.each([
    ["is not JSON", "signingConfig", undefined],
    ["is not JSON", "trustedRoot", undefined],
    ["is of another kind", "signingConfig", { mediaType: "application/json" }],
    ["is of another kind", "trustedRoot", { mediaType: "application/json" }],
    ["sends the token unencrypted to another machine", "signingConfig", { caUrls: service("http://192.0.2.1") }],
    ["has a user name in an address", "signingConfig", { caUrls: service("https://a:b@ca.example") }],
    ["has no certificate authority", "signingConfig", { caUrls: [] }],
    [
      "has an authority for later only",
      "signingConfig",
      { caUrls: service("https://a.example", { validFor: { start: "2027-01-01T00:00:00Z" } }) },
    ],
    [
      "has an authority of the past",
      "signingConfig",
      { caUrls: service("https://a.example", { validFor: { end: "2025-01-01T00:00:00Z" } }) },
    ],
    ["has no timestamp authority", "signingConfig", { tsaUrls: [] }],
    ["has an old log only", "signingConfig", { rekorTlogUrls: service("https://log.example") }],
    ["wants more timestamps than it has", "signingConfig", { tsaConfig: { selector: "EXACT", count: 2 } }],
    ["has no certificate authority", "trustedRoot", { certificateAuthorities: [] }],
    ["has no timestamp authority", "trustedRoot", { timestampAuthorities: [] }],
    [
      "has a certificate that is none",
      "trustedRoot",
      { certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: "AAAA" }] } }] },
    ],
  ] as const)("LS6007: one that %s is refused (%s)", async (_, which, change) => {
    const at = await stage({ SIGSTORE_ID_TOKEN: tokenOf() });
    if (change === undefined) writeFileSync(at.files[which], "{");
    else edit(at.files[which], (parsed) => Object.assign(parsed, change));
    await expect(keylessSigner(at.host, at.files)).rejects.toMatchObject({ code: "LS6007", exitCode: 3 });
  });

  it("LS6007: a trusted root has to say since when the key of a log is valid", async () => {
    const at = await stage();
    edit(at.files.trustedRoot, (root) => {
      const [log] = root["tlogs"] as { publicKey: { validFor?: unknown } }[];
      delete log?.publicKey.validFor;
    });
    await expect(readTrustedRoot(at.files.trustedRoot)).rejects.toMatchObject({ code: "LS6007" });
  });

  it("need no log: signatures are then not logged, and none is asked for", async () => {
    const at = await stage();
    edit(at.files.signingConfig, (config) => delete config["rekorTlogUrls"]);
    edit(at.files.trustedRoot, (root) => delete root["tlogs"]);
    const { bundle } = await at.sign();
    expect(await verified(at, bundle)).toMatchObject({ signer: subject });
    expect(at.sigstore.asked).not.toContain("/api/v2/log/entries");
  });

  it("LS6108: a certificate that no log of certificates has is none for a trusted root with one", async () => {
    const at = await stage();
    edit(at.files.trustedRoot, (root) => (root["ctlogs"] = root["tlogs"]));
    await expect(at.sign()).rejects.toMatchObject({
      code: "LS6108",
      message: expect.stringContaining("expected 1 SCTs"),
    });
  });

  it("LS6108: a signature without a log entry is none for a trusted root with a log", async () => {
    const at = await stage();
    edit(at.files.signingConfig, (config) => delete config["rekorTlogUrls"]);
    await expect(at.sign()).rejects.toMatchObject({
      code: "LS6108",
      message: expect.stringContaining("expected 1 tlog entries"),
    });
  });
});

describe("verifying a bundle of an identity", () => {
  it.each([
    ["another subject", { issuer, subject: `${subject}2` }],
    ["a part of the subject", { issuer, subject: subject.slice(0, -1) }],
    ["a pattern of the subject", { issuer, subject: "https://ci.example/.*" }],
    ["another issuer", { issuer: `${issuer}/`, subject }],
    ["no subject", { issuer, subject: "" }],
  ])("LS6107: refuses it where %s is trusted", async (_, identity) => {
    const at = await stage();
    const { bundle } = await at.sign();
    await expect(verified(at, bundle, identity)).rejects.toMatchObject({ code: "LS6107", exitCode: 1 });
  });

  it("LS6107: refuses it where keys alone are trusted, or no identity", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    const expected = { keys: [], subjects: [], predicateType: provenanceType, file: "web.sigstore.json" };
    await expect(verifyBundle(bundle, expected)).rejects.toMatchObject({ code: "LS6107" });
    const keyless = { root: await readTrustedRoot(at.files.trustedRoot), identities: [] };
    await expect(verifyBundle(bundle, { ...expected, keyless })).rejects.toMatchObject({ code: "LS6107" });
  });

  it("LS6108: refuses it for the trusted root of another Sigstore", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    const stranger = await startSigstore(join(at.directory, "stranger"), now);
    const attempt = verified(at, bundle, { issuer, subject }, stranger.trustedRoot);
    await expect(attempt).rejects.toMatchObject({ code: "LS6108", exitCode: 1 });
  });

  it("LS6102: refuses a payload, a type or a signature that was changed", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    for (const change of [
      (parsed: Bundle) => (parsed.dsseEnvelope.payload = Buffer.from(other).toString("base64")),
      (parsed: Bundle) => (parsed.dsseEnvelope.payloadType = "text/plain"),
      (parsed: Bundle) => (parsed.dsseEnvelope.signatures = [{ sig: "AAAA" }]),
    ]) {
      await expect(verified(at, changed(bundle, change))).rejects.toMatchObject({ code: "LS6102", exitCode: 1 });
    }
  });

  it("LS6108: refuses it without its timestamp, without its log entry, and with those of another signature", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    const { verificationMaterial: theirs } = JSON.parse(
      Buffer.from((await at.sign(usualClaims, other)).bundle).toString(),
    ) as Bundle;
    for (const change of [
      ({ verificationMaterial: own }: Bundle) => delete own.timestampVerificationData,
      ({ verificationMaterial: own }: Bundle) => (own.timestampVerificationData = { rfc3161Timestamps: [] }),
      ({ verificationMaterial: own }: Bundle) => (own.tlogEntries = []),
      ({ verificationMaterial: own }: Bundle) => (own.tlogEntries = theirs.tlogEntries),
      ({ verificationMaterial: own }: Bundle) =>
        Object.assign(own, { timestampVerificationData: theirs.timestampVerificationData }),
    ]) {
      await expect(verified(at, changed(bundle, change))).rejects.toMatchObject({ code: "LS6108" });
    }
  });

  it("LS6102: refuses the certificate of another signature", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    const theirs = JSON.parse(Buffer.from((await at.sign()).bundle).toString()) as Bundle;
    const mixed = changed(bundle, ({ verificationMaterial: own }) =>
      Object.assign(own, { certificate: theirs.verificationMaterial.certificate }),
    );
    await expect(verified(at, mixed)).rejects.toMatchObject({ code: "LS6102" });
  });

  it("LS6108: refuses a log entry whose proof or index was changed", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    for (const change of [
      (entry: { inclusionProof: { hashes: string[] } }) =>
        (entry.inclusionProof.hashes = [Buffer.alloc(32).toString("base64")]),
      (entry: { inclusionProof: { logIndex: string } }) => (entry.inclusionProof.logIndex = "0"),
      (entry: { inclusionProof: { checkpoint: { envelope: string } } }) =>
        (entry.inclusionProof.checkpoint.envelope = entry.inclusionProof.checkpoint.envelope.replace("\n2\n", "\n3\n")),
    ]) {
      const bytes = changed(bundle, ({ verificationMaterial: { tlogEntries } }) => change(tlogEntries[0] as never));
      await expect(verified(at, bytes)).rejects.toMatchObject({ code: "LS6108" });
    }
  });

  it("LS6101: refuses a certificate of the wrong shape", async () => {
    const at = await stage();
    const { bundle } = await at.sign();
    const bytes = changed(bundle, ({ verificationMaterial: own }) => Object.assign(own, { certificate: {} }));
    await expect(verified(at, bytes)).rejects.toMatchObject({ code: expect.stringMatching(/^LS610[12]$/) });
  });
});
