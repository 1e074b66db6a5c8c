/** Signs statements: a DSSE envelope in a Sigstore bundle, made only when there is not already a good one for the same statement. */
import { LockstepError } from "../host/errors.ts";
import { signSha256 } from "../host/keys.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { payloadType } from "./evidence.ts";
import type { SigningKey } from "./keys.ts";
import { type Trusted, verifyBundle } from "./verify.ts";

export interface SignedBundle {
  /** Sigstore bundle v0.3 as canonical JSON, UTF-8. */
  readonly bundle: Uint8Array;
  /** Whether it is the earlier bundle, unchanged. */
  readonly reused: boolean;
}

/** Signs statements; an earlier bundle over the same statement by the same signer is kept. Says by whom the bundle has to be. */
export type Sign = (
  statement: Uint8Array,
  previous?: Uint8Array,
) => Promise<SignedBundle & { readonly trusted: Trusted }>;

/** Whether a bundle is by one of these, holds exactly this statement, and verifies. */
export async function isOver(bundle: Uint8Array, statement: Uint8Array, trusted: Trusted): Promise<boolean> {
  try {
    await verifyOver(bundle, statement, trusted, "earlier bundle");
    return true;
  } catch (error) {
    // An earlier bundle that is not good is replaced; it is never trusted for anything.
    if (error instanceof LockstepError) return false;
    throw error;
  }
}

/** Throws LS61xx unless a bundle is by one of these, holds exactly this statement, and verifies. */
export async function verifyOver(
  bundle: Uint8Array,
  statement: Uint8Array,
  trusted: Trusted,
  file: string,
): Promise<void> {
  const { predicateType } = JSON.parse(new TextDecoder().decode(statement)) as { readonly predicateType: string };
  const { payload } = await verifyBundle(bundle, { ...trusted, subjects: [], predicateType, file });
  if (Buffer.from(payload).equals(statement)) return;
  throw new LockstepError({
    code: "LS6104",
    message: "the bundle is over another statement",
    place: { file },
    hint: "sign the image again",
  });
}

/**
 * Signs a statement (in-toto, canonical JSON) with a local key; no log, no timestamp, no network.
 * ECDSA draws a new nonce each time, so with the `previous` bundle of the same statement that one is kept: repeating a run changes no bytes.
 */
export async function signStatement(
  key: SigningKey,
  statement: Uint8Array,
  previous?: Uint8Array,
): Promise<SignedBundle> {
  if (previous !== undefined && (await isOver(previous, statement, { keys: [key] }))) {
    return { bundle: previous, reused: true };
  }
  const { DSSEBundleBuilder } = await import("@sigstore/sign");
  const { bundleToJSON } = await import("@sigstore/bundle");
  const signer = {
    sign: (data: Buffer) =>
      Promise.resolve({
        signature: signSha256(key.privateKey, data),
        key: { $case: "publicKey" as const, publicKey: key.pem, hint: key.hint },
      }),
  };
  const built = await new DSSEBundleBuilder({ signer, witnesses: [] }).create({
    data: Buffer.from(statement),
    type: payloadType,
  });
  return { bundle: new TextEncoder().encode(canonicalJson(bundleToJSON(built))), reused: false };
}
