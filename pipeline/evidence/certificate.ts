/** Signatures by a certificate of an identity: who it names, and whether chain, timestamp and log entry hold for a trusted root. */
import { X509Certificate } from "node:crypto";
import type { BundleWithDsseEnvelope } from "@sigstore/bundle";
import type { SignedEntity } from "@sigstore/verify";
import type { Code } from "../host/codes.ts";
import { LockstepError, messageOf } from "../host/errors.ts";
import { checkSignature } from "./signature.ts";
import type { TrustedRoot } from "./trusted-root.ts";

/** Who signed: what an issuer of identity tokens calls somebody. */
export interface Identity {
  /** The issuer's address, as in the token's `iss`. */
  readonly issuer: string;
  /** The certificate's only alternative name: a URI or an e-mail address. */
  readonly subject: string;
}

/** Fulcio, docs/oid-info.md: the issuer, as a UTF8String. */
const issuerExtension = "1.3.6.1.4.1.57264.1.8";
/** RFC 5280, 4.2.1.12: id-kp-codeSigning. */
const codeSigning = "1.3.6.1.5.5.7.3.3";

/** Both parts, exactly; no pattern and no part of a word. */
export function isSame(one: Identity, other: Identity): boolean {
  return one.issuer === other.issuer && one.subject === other.subject;
}

export function shownIdentity({ issuer, subject }: Identity): string {
  return `"${subject}" of "${issuer}"`;
}

/** The DER of the one certificate in a bundle, where it has one. */
function certificateIn({ verificationMaterial: { content } }: BundleWithDsseEnvelope): Buffer | undefined {
  return content.$case === "certificate" ? Buffer.from(content.certificate.rawBytes) : undefined;
}

function issuerIn(entity: SignedEntity): string | undefined {
  const extension = entity.key.$case === "certificate" ? entity.key.certificate.extension(issuerExtension) : undefined;
  // A UTF8String (X.690, 8.23), which the library would read as ASCII.
  if (extension === undefined || extension.value[0] !== 0x0c) return undefined;
  const text = extension.valueObj.subs[0]?.value;
  return text === undefined ? undefined : new TextDecoder("utf-8", { fatal: true }).decode(text);
}

/** The identity in the certificate of a bundle, which nothing vouches for yet. Undefined where there is no single one. */
async function identityOf(bundle: BundleWithDsseEnvelope): Promise<Identity | undefined> {
  const der = certificateIn(bundle);
  if (der === undefined) return undefined;
  const { toSignedEntity } = await import("@sigstore/verify");
  // Node writes anything out of the ordinary, a second name or a comma in one, in a way that is not matched.
  const subject = /^(?:URI|email):([^\s",]+)$/.exec(new X509Certificate(der).subjectAltName ?? "")?.[1];
  const issuer = issuerIn(toSignedEntity(bundle));
  // It is shown to people: nothing but what can be seen.
  return subject === undefined || issuer === undefined || !/^[\x21-\x7e]+$/.test(issuer)
    ? undefined
    : { issuer, subject };
}

/** The identity that the bytes of a bundle claim, to be looked at before it is known who is expected. */
export async function claimedIdentity(bytes: Uint8Array): Promise<Identity | undefined> {
  const { bundleFromJSON, isBundleWithDsseEnvelope } = await import("@sigstore/bundle");
  try {
    const bundle = bundleFromJSON(JSON.parse(new TextDecoder().decode(bytes)));
    return isBundleWithDsseEnvelope(bundle) ? await identityOf(bundle) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The identity that signed a bundle: the signature holds, its certificate is for signing and leads to an authority of the root, a timestamp
 * says that it was valid then, and the logs have the entry. Throws LS6102 when the signature does not hold, else LS6108.
 */
export async function verifyCertificate(
  bundle: BundleWithDsseEnvelope,
  { file: rootFile, material, thresholds }: TrustedRoot,
  file: string,
): Promise<Identity> {
  const refuse = (code: Code, message: string, hint: string, cause?: unknown): never => {
    throw new LockstepError({ code, message, place: { file }, hint }, { cause });
  };
  const { toSignedEntity, Verifier } = await import("@sigstore/verify");
  const der = certificateIn(bundle);
  if (der === undefined)
    return refuse("LS6101", "this is not a Sigstore bundle: it has no certificate", "sign the image again");
  // First by itself: a changed payload is told as what it is, and not as a log entry of another.
  const alone = (): SignedEntity => ({
    ...toSignedEntity(bundle),
    key: { $case: "public-key", hint: "" },
    tlogEntries: [],
    timestamps: [],
  });
  await checkSignature(alone, () => new X509Certificate(der).publicKey, file);
  const asked = `it has to hold for the trusted root ${rootFile}`;
  try {
    // A log's own word for the time does not count: only some logs give one.
    const stamps = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps.length ?? 0;
    if (stamps < thresholds.timestamps) throw new Error(`it has ${stamps} timestamps of ${thresholds.timestamps}`);
    new Verifier(material, {
      timestampThreshold: thresholds.timestamps,
      tlogThreshold: thresholds.logs,
      ctlogThreshold: thresholds.certificateLogs,
    }).verify(toSignedEntity(bundle));
    if (!(new X509Certificate(der).keyUsage ?? []).includes(codeSigning)) throw new Error("it is not for signing code");
  } catch (error) {
    // Whatever it throws, typed or not, means no.
    const what = "the certificate, its timestamp or its log entry does not hold";
    return refuse("LS6108", `${what}: ${messageOf(error)}`, asked, error);
  }
  const identity = await identityOf(bundle).catch(() => undefined);
  return identity ?? refuse("LS6108", "the certificate does not name one issuer and one subject", asked);
}
