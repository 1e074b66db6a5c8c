/** Verifies a signed statement: the signature first, and then everything that a valid signature does not say by itself. */
import { createPublicKey, type KeyObject } from "node:crypto";
import type { BundleWithDsseEnvelope } from "@sigstore/bundle";
import { type Code } from "../host/codes.ts";
import { LockstepError, messageOf } from "../host/errors.ts";
import { type Digest, hexOf } from "../store/digest.ts";
import { type Identity, isSame, shownIdentity, verifyCertificate } from "./certificate.ts";
import { bundleMediaType, payloadType, statementType } from "./evidence.ts";
import type { VerificationKey } from "./keys.ts";
import { checkSignature } from "./signature.ts";
import type { TrustedRoot } from "./trusted-root.ts";

/** Who may have signed: any one of these. */
export interface Trusted {
  readonly keys: readonly VerificationKey[];
  /** Identities in certificates, compared exactly, and whose certificates, timestamps and log entries count. */
  readonly keyless?: { readonly root: TrustedRoot; readonly identities: readonly Identity[] };
}

export interface Expectation extends Trusted {
  /** All of these must be among the statement's subjects. */
  readonly subjects: readonly Digest[];
  readonly predicateType: string;
  /** Name of the bundle in messages: a path or a reference. */
  readonly file: string;
}

export interface VerifiedStatement {
  /** Hint of the key that signed, or the subject of the identity. */
  readonly signer: string;
  /** Who vouched for the subject, where an identity signed. */
  readonly issuer?: string;
  readonly subjects: readonly { readonly name: string; readonly sha256: string }[];
  readonly predicateType: string;
  readonly predicate: Readonly<Record<string, unknown>>;
  /** The signed bytes. */
  readonly payload: Uint8Array;
}

/** No statement of ours comes near; what is larger is not parsed. */
const largestBundle = 32 * 1024 * 1024;

function refuse(code: Code, file: string, message: string, hint: string, cause?: unknown): never {
  throw new LockstepError({ code, message, place: { file }, hint }, { cause });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(file: string, what: string, cause?: unknown): never {
  return refuse("LS6101", file, `this is not a Sigstore bundle: ${what}`, "sign the image again", cause);
}

/** The hint of the public key a bundle names, or none where it has a certificate, after its outer shape was checked; the library accepts older shapes too. */
function shapeOf(bundle: Uint8Array, file: string): { readonly json: object; readonly hint: string | undefined } {
  if (bundle.length > largestBundle) malformed(file, `it is larger than ${largestBundle} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bundle));
  } catch (error) {
    malformed(file, messageOf(error), error);
  }
  if (!isObject(json)) malformed(file, "it is not a JSON object");
  if (json["mediaType"] !== bundleMediaType) malformed(file, `its mediaType is not "${bundleMediaType}"`);
  if (!isObject(json["dsseEnvelope"])) malformed(file, "it holds no DSSE envelope");
  const material = json["verificationMaterial"];
  const key = isObject(material) ? material["publicKey"] : undefined;
  const hint = isObject(key) ? key["hint"] : undefined;
  if (isObject(material) && key === undefined && isObject(material["certificate"])) return { json, hint: undefined };
  if (typeof hint !== "string") malformed(file, "it does not name the public key that signed it");
  return { json, hint };
}

interface SignedPayload {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** The bundle in a document whose outer shape is right. */
async function bundleIn(json: object, file: string): Promise<BundleWithDsseEnvelope> {
  const { bundleFromJSON, isBundleWithDsseEnvelope } = await import("@sigstore/bundle");
  let bundle: ReturnType<typeof bundleFromJSON>;
  try {
    bundle = bundleFromJSON(json);
  } catch (error) {
    return malformed(file, messageOf(error), error);
  }
  return isBundleWithDsseEnvelope(bundle) ? bundle : malformed(file, "it holds no DSSE envelope");
}

function payloadOf({ content: { dsseEnvelope } }: BundleWithDsseEnvelope): SignedPayload {
  return { type: dsseEnvelope.payloadType, bytes: Uint8Array.from(dsseEnvelope.payload) };
}

/** The payload of a bundle whose signature holds. */
async function verifySignature(json: object, hint: string, key: VerificationKey, file: string): Promise<SignedPayload> {
  const bundle = await bundleIn(json, file);
  const { toSignedEntity } = await import("@sigstore/verify");
  const publicKey = createPublicKey({ key: Buffer.from(key.der), format: "der", type: "spki" });
  const keyOf = (asked: string): KeyObject => {
    if (asked !== hint) throw new Error("the bundle asks for another key than it names");
    return publicKey;
  };
  await checkSignature(() => toSignedEntity(bundle), keyOf, file);
  return payloadOf(bundle);
}

interface Signed {
  readonly signer: string;
  readonly issuer?: string;
  readonly payload: SignedPayload;
}

async function signedByKey(json: object, hint: string, { keys, file }: Expectation): Promise<Signed> {
  const key = keys.find((candidate) => candidate.hint === hint);
  if (key === undefined) {
    return refuse(
      "LS6103",
      file,
      `the bundle is signed by key "${hint}", which is not trusted here`,
      `trusted: ${keys.map((candidate) => candidate.hint).join(", ") || "none"}`,
    );
  }
  return { signer: hint, payload: await verifySignature(json, hint, key, file) };
}

async function signedByIdentity(json: object, { keyless, file }: Expectation): Promise<Signed> {
  if (keyless === undefined) {
    return refuse(
      "LS6107",
      file,
      "the bundle is signed with a certificate, and no identity is trusted here",
      "get one that a trusted key signed",
    );
  }
  const bundle = await bundleIn(json, file);
  const identity = await verifyCertificate(bundle, keyless.root, file);
  if (!keyless.identities.some((candidate) => isSame(candidate, identity))) {
    return refuse(
      "LS6107",
      file,
      `the bundle is signed by ${shownIdentity(identity)}, which is not trusted here`,
      `trusted: ${keyless.identities.map(shownIdentity).join(", ") || "none"}`,
    );
  }
  return { signer: identity.subject, issuer: identity.issuer, payload: payloadOf(bundle) };
}

function subjectsOf(statement: Readonly<Record<string, unknown>>): VerifiedStatement["subjects"] | undefined {
  const list = statement["subject"];
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const subjects: { name: string; sha256: string }[] = [];
  for (const item of list as readonly unknown[]) {
    if (!isObject(item) || !isObject(item["digest"])) return undefined;
    const { sha256 } = item["digest"];
    if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    subjects.push({ name: typeof item["name"] === "string" ? item["name"] : "", sha256 });
  }
  return subjects;
}

function readStatement({ payload, ...by }: Signed, file: string): VerifiedStatement {
  const bad = (what: string): never =>
    refuse("LS6105", file, `what was signed is not an in-toto statement: ${what}`, "sign the image again");
  if (payload.type !== payloadType) return bad(`its payload type is "${payload.type}"`);
  let statement: unknown;
  try {
    statement = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload.bytes));
  } catch (error) {
    return bad(messageOf(error));
  }
  if (!isObject(statement) || statement["_type"] !== statementType) return bad(`its _type is not "${statementType}"`);
  const { predicateType, predicate } = statement;
  if (typeof predicateType !== "string" || !isObject(predicate)) return bad("it has no predicate");
  const subjects = subjectsOf(statement);
  if (subjects === undefined) return bad("it has no subjects with SHA-256 digests");
  return { ...by, subjects, predicateType, predicate, payload: payload.bytes };
}

/**
 * The statement in a bundle (Sigstore bundle v0.3 with a DSSE envelope, and a public key or a certificate), when everything expected of it holds.
 * Throws LS6101 (malformed bundle), LS6103 (key not among those trusted), LS6102 (signature does not hold: tampered),
 * LS6108 (certificate, timestamp or log entry does not hold), LS6107 (identity not among those trusted),
 * LS6105 (payload is no statement), LS6106 (other predicate type), LS6104 (digest is not a subject).
 */
export async function verifyBundle(bundle: Uint8Array, expected: Expectation): Promise<VerifiedStatement> {
  const { file } = expected;
  const { json, hint } = shapeOf(bundle, file);
  const signed = hint === undefined ? await signedByIdentity(json, expected) : await signedByKey(json, hint, expected);
  const statement = readStatement(signed, file);
  if (statement.predicateType !== expected.predicateType) {
    refuse(
      "LS6106",
      file,
      `the statement is about "${statement.predicateType}", not "${expected.predicateType}"`,
      "a valid signature on something else proves nothing here",
    );
  }
  const missing = expected.subjects.filter((digest) =>
    statement.subjects.every((subject) => subject.sha256 !== hexOf(digest)),
  );
  if (missing.length > 0) {
    throw new LockstepError(
      missing.map((digest) => ({
        code: "LS6104",
        message: `the statement is not about ${digest}`,
        place: { file },
        hint: `it is about ${statement.subjects.map((subject) => subject.name).join(", ")}`,
      })),
    );
  }
  return statement;
}
