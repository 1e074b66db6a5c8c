/** The two places where keys meet randomness: making one, and the nonce of an ECDSA signature. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A new P-256 key (FIPS 186-5, curve P-256) as PKCS #8 in PEM. */
export function generateSigningKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
}

/** An ECDSA signature with SHA-256, in DER; other bytes each time, because the nonce is random. */
export function signSha256(key: KeyObject, data: Uint8Array): Buffer {
  return sign("sha256", data, key);
}
