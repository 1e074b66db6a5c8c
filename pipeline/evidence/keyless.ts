/** Signs statements as an identity: a key for one signature, a certificate for it, a timestamp and a log entry, all verified before anything is kept. */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import type { SignatureBundle, VerificationMaterial } from "@sigstore/sign";
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { generateSigningKey, signSha256 } from "../host/keys.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { claimedIdentity, shownIdentity } from "./certificate.ts";
import { payloadType } from "./evidence.ts";
import { type IdentityToken, type TokenSource, tokenSource } from "./identity-token.ts";
import { ask, askJson } from "./service.ts";
import { isOver, type Sign, verifyOver } from "./sign.ts";
import { readSigningConfig, type Services } from "./signing-config.ts";
import { readTrustedRoot, type TrustedRoot } from "./trusted-root.ts";
import { isObject, type Trusted } from "./verify.ts";

/** Files that the user names. */
export interface KeylessFiles {
  /** A SigningConfig v0.2. */
  readonly signingConfig: string;
  /** A TrustedRoot. */
  readonly trustedRoot: string;
  /** An identity token; from the environment when it is not named. */
  readonly identityToken?: string;
}

interface Keyless {
  readonly host: Host;
  readonly services: Services;
  readonly root: TrustedRoot;
  readonly token: TokenSource;
  readonly signal?: AbortSignal | undefined;
}

/** The first certificate of Fulcio's answer (fulcio.proto, SigningCertificate): the leaf, in PEM. */
function leafIn(json: unknown): string | undefined {
  if (!isObject(json)) return undefined;
  const found = json["signedCertificateEmbeddedSct"] ?? json["signedCertificateDetachedSct"];
  const chain = isObject(found) ? found["chain"] : undefined;
  const list = isObject(chain) ? chain["certificates"] : undefined;
  const leaf: unknown = Array.isArray(list) ? list[0] : undefined;
  return typeof leaf === "string" && leaf.startsWith("-----BEGIN CERTIFICATE-----") ? leaf : undefined;
}

/** A signer for one signature: its key is made here and is gone afterwards. */
function signerOf({ host, services, signal }: Keyless, token: IdentityToken) {
  const key = createPrivateKey(generateSigningKey());
  const content = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
  const question = {
    who: "the certificate authority",
    url: new URL(`${services.certificates}/api/v2/signingCert`),
    secrets: [token.text],
    body: {
      credentials: { oidcIdentityToken: token.text },
      publicKeyRequest: {
        publicKey: { algorithm: "ECDSA", content },
        proofOfPossession: signSha256(key, Buffer.from(token.challenge)).toString("base64"),
      },
    },
  };
  return {
    async sign(data: Buffer) {
      const certificate = await askJson(host, question, leafIn, signal);
      return { signature: signSha256(key, data), key: { $case: "x509Certificate" as const, certificate } };
    },
  };
}

function envelopeOf(content: SignatureBundle): { readonly signature: Buffer; readonly pae: Buffer } {
  if (content.$case !== "dsseEnvelope") throw new Error("not a DSSE envelope");
  const { payload, payloadType: type, signatures } = content.dsseEnvelope;
  // DSSE, protocol.md: what is signed. The type and its length are ASCII.
  const pae = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  return { signature: signatures[0]?.sig ?? Buffer.alloc(0), pae };
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64");

/** RFC 3161 as Sigstore's authority takes it in JSON. The config has the whole address, or the server alone. */
async function timestamp({ host, signal }: Keyless, address: string, signature: Buffer): Promise<Buffer> {
  const url = new URL(new URL(address).pathname === "/" ? `${address}/api/v1/timestamp` : address);
  const body = { artifactHash: sha256(signature), hashAlgorithm: "sha256" };
  return ask(host, { who: "the timestamp authority", url, body, secrets: [] }, signal);
}

/** An entry of Rekor v2, which takes of an envelope a `hashedrekord` 0.0.2 over what was signed. Its answer is the entry with its proof. */
async function logged({ host, signal }: Keyless, address: string, content: SignatureBundle, pem: string) {
  const { TransparencyLogEntry } = await import("@sigstore/protobuf-specs");
  const { signature, pae } = envelopeOf(content);
  const rawBytes = pem.replaceAll(/-----[^-]+-----|\s/g, "");
  const verifier = { keyDetails: "PKIX_ECDSA_P256_SHA_256", x509Certificate: { rawBytes } };
  const body = {
    hashedRekordRequestV002: { digest: sha256(pae), signature: { content: signature.toString("base64"), verifier } },
  };
  const url = new URL(`${address}/api/v2/log/entries`);
  const read = (json: unknown) => {
    const entry = TransparencyLogEntry.fromJSON(json);
    const { logId, kindVersion, inclusionProof } = entry;
    const whole = logId !== undefined && kindVersion !== undefined && inclusionProof?.checkpoint !== undefined;
    return whole ? { ...entry, logId, kindVersion } : undefined;
  };
  return askJson(host, { who: "the log", url, body, secrets: [] }, read, signal);
}

function witnessesOf(keyless: Keyless) {
  const { logs, timestamps } = keyless.services;
  const witness = (testify: (content: SignatureBundle, pem: string) => Promise<VerificationMaterial>) => ({ testify });
  return [
    ...timestamps.map((address) =>
      witness(async (content) => ({
        rfc3161Timestamps: [{ signedTimestamp: await timestamp(keyless, address, envelopeOf(content).signature) }],
      })),
    ),
    ...logs.map((address) =>
      witness(async (content, pem) => ({ tlogEntries: [await logged(keyless, address, content, pem)] })),
    ),
  ];
}

/** Whom a bundle has to be by: the identity in it, when that is the token's. Throws LS6107. */
async function trustedIn(bundle: Uint8Array, token: IdentityToken, root: TrustedRoot): Promise<Trusted> {
  const identity = await claimedIdentity(bundle);
  if (identity !== undefined && token.names(identity)) return { keys: [], keyless: { root, identities: [identity] } };
  throw new LockstepError({
    code: "LS6107",
    message: `the certificate is of ${identity === undefined ? "nobody" : shownIdentity(identity)}, and the identity token is of "${token.challenge}" of "${token.issuer}"`,
    hint: "nothing was written; ask whoever runs the certificate authority",
  });
}

/**
 * Signs as the identity of a token. The files are read, and it is found out where a token comes from, before anything is built: LS6006, LS6007.
 * Signing throws these, LS6008 when a service does not do its part, and LS6101, LS6102, LS6107 and LS6108 when what they gave does not verify.
 */
export async function keylessSigner(host: Host, files: KeylessFiles, signal?: AbortSignal): Promise<Sign> {
  const [services, root] = await Promise.all([
    readSigningConfig(host, files.signingConfig),
    readTrustedRoot(files.trustedRoot),
  ]);
  const keyless: Keyless = { host, services, root, token: tokenSource(host, files.identityToken), signal };
  return async (statement, previous) => {
    const token = await keyless.token(signal);
    if (previous !== undefined) {
      const trusted = await trustedIn(previous, token, root).catch(() => undefined);
      if (trusted !== undefined && (await isOver(previous, statement, trusted)))
        return { bundle: previous, reused: true, trusted };
    }
    const { DSSEBundleBuilder } = await import("@sigstore/sign");
    const { bundleToJSON } = await import("@sigstore/bundle");
    // When one service fails, the others are not waited for.
    const over = new AbortController();
    const asking = { ...keyless, signal: AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])]) };
    const builder = new DSSEBundleBuilder({ signer: signerOf(asking, token), witnesses: witnessesOf(asking) });
    const artifact = { data: Buffer.from(statement), type: payloadType };
    const built = await builder.create(artifact).finally(() => over.abort());
    const bundle = new TextEncoder().encode(canonicalJson(bundleToJSON(built)));
    const trusted = await trustedIn(bundle, token, root);
    await verifyOver(bundle, statement, trusted, "the new bundle");
    return { bundle, reused: false, trusted };
  };
}
