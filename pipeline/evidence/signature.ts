/** The signature of a bundle by itself, whoever signed: what it is over was not changed since. */
import type { KeyObject } from "node:crypto";
import type { SignedEntity } from "@sigstore/verify";
import { LockstepError, messageOf } from "../host/errors.ts";

/**
 * Checks the signature by the key that `keyOf` gives for the hint of the entity; no certificate, log or timestamp has to be there. `file` names
 * the bundle in messages. Throws LS6102 when it does not hold, and when entity or key cannot be had.
 */
export async function checkSignature(
  entityOf: () => SignedEntity,
  keyOf: (hint: string) => KeyObject,
  file: string,
): Promise<void> {
  const { Verifier } = await import("@sigstore/verify");
  const trust = {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: (hint: string) => ({ publicKey: keyOf(hint), validFor: () => true }),
  };
  try {
    new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(entityOf());
  } catch (error) {
    // Whatever it throws, typed or not, means no.
    throw new LockstepError(
      {
        code: "LS6102",
        message: `the signature does not hold: ${messageOf(error)}`,
        place: { file },
        hint: "the bundle was changed after it was signed, or damaged; get it again from where it was made",
      },
      { cause: error },
    );
  }
}
