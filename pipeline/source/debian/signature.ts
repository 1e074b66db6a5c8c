/** Verifies a clear-signed release against the archive's keys and gives back only what was signed. */
import type { Key } from "openpgp";
import { LockstepError, type Place, type Problem, messageOf } from "../../host/errors.ts";
import { readClearsigned } from "./clearsign.ts";

export interface VerifiedText {
  readonly text: string;
  /** Fingerprints of the primary keys whose signatures are good, upper case, sorted. */
  readonly signedBy: readonly string[];
}

interface Signer {
  readonly fingerprint: string;
  /** Absent when the signature is good and the key valid. */
  readonly problem?: Pick<Problem, "code" | "message">;
}

function fingerprintOf(key: Key): string {
  return key.getFingerprint().toUpperCase();
}

/** Why a key must not be trusted now although its signature is mathematically right; undefined when it may. */
async function invalidKey(key: Key, keyId: Parameters<Key["getKeys"]>[0], now: Date): Promise<string | undefined> {
  try {
    await key.getSigningKey(keyId, now);
    return undefined;
  } catch (error) {
    const expires = await key.getExpirationTime().catch(() => null);
    if (expires instanceof Date && expires <= now) return `it expired on ${expires.toISOString()}`;
    return messageOf(error);
  }
}

/**
 * Verifies an InRelease file. At least one signature must be good, by a trusted key that is valid at `now` (milliseconds since 1970);
 * a wrong signature by a trusted key fails whatever the others say; signatures by keys that are not ours are passed over.
 * Throws LS2301 (not signed, or not the one allowed form), LS2302 (wrong), LS2303 (no trusted key), LS2304 (key expired or revoked).
 */
export async function verifyClearsigned(
  bytes: Uint8Array,
  keys: readonly Key[],
  now: number,
  place: Place,
): Promise<VerifiedText> {
  const fail = (code: Problem["code"], message: string, cause?: unknown): LockstepError =>
    new LockstepError(
      { code, message, place, hint: "use a mirror that serves the archive's own files unchanged" },
      cause === undefined ? {} : { cause },
    );

  let message: string;
  try {
    message = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw fail("LS2301", "the release is not UTF-8 text", error);
  }
  const framed = readClearsigned(message);
  if (typeof framed === "string") throw fail("LS2301", `the release is not a clear-signed message: ${framed}`);

  const { readCleartextMessage, verify } = await import("openpgp");
  const date = new Date(now);
  let results;
  try {
    const cleartext = await readCleartextMessage({ cleartextMessage: message });
    if (cleartext.getText() !== framed.text) throw new Error("its text can be read in two ways");
    results = await verify({ message: cleartext, verificationKeys: [...keys], date });
  } catch (error) {
    throw fail("LS2301", `the release is not a clear-signed message: ${messageOf(error)}`, error);
  }
  if (results.signatures.length === 0) throw fail("LS2301", "the release has no signature");

  const signers: Signer[] = [];
  const unknown: string[] = [];
  for (const { keyID, verified } of results.signatures) {
    const key = keys.find((candidate) => candidate.getKeys(keyID).length > 0);
    if (key === undefined) {
      unknown.push(keyID.toHex().toUpperCase());
      continue;
    }
    const fingerprint = fingerprintOf(key);
    const invalid = await invalidKey(key, keyID, date);
    try {
      await verified;
      signers.push(
        invalid === undefined
          ? { fingerprint }
          : { fingerprint, problem: { code: "LS2304", message: `key ${fingerprint} is not valid: ${invalid}` } },
      );
    } catch (error) {
      if (invalid === undefined || /digest did not match/i.test(messageOf(error))) {
        throw fail("LS2302", `the signature by key ${fingerprint} is wrong: ${messageOf(error)}`, error);
      }
      signers.push({
        fingerprint,
        problem: { code: "LS2304", message: `key ${fingerprint} is not valid: ${invalid}` },
      });
    }
  }
  const good = signers.filter(({ problem }) => problem === undefined).map(({ fingerprint }) => fingerprint);
  if (good.length > 0) return { text: framed.text, signedBy: [...new Set(good)].toSorted() };
  const problem = signers.find((signer) => signer.problem !== undefined)?.problem;
  if (problem !== undefined) throw fail(problem.code, problem.message);
  throw fail("LS2303", `the release is signed only by keys that are not Debian's (${unknown.join(", ")})`);
}
