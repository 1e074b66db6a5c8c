/** The trusted root: whose certificates, timestamps and log entries count, and how many of each a signature needs. */
import type { TrustMaterial } from "@sigstore/verify";
import { readSigstoreFile, unusable } from "./sigstore-files.ts";

export interface TrustedRoot {
  readonly file: string;
  readonly material: TrustMaterial;
  /** How many a bundle has to have, at least. A log that the root has must have the signature. */
  readonly thresholds: { readonly timestamps: 1; readonly logs: 0 | 1; readonly certificateLogs: 0 | 1 };
}

const mediaType = /^application\/vnd\.dev\.sigstore\.trustedroot(?:\.v0\.[12]\+json|\+json;version=0\.[12])$/;

/** Reads a TrustedRoot (Sigstore protobuf-specs, JSON). Throws LS6007, also for one without authorities of certificates and of timestamps. */
export async function readTrustedRoot(file: string): Promise<TrustedRoot> {
  const { TrustedRoot: Message } = await import("@sigstore/protobuf-specs");
  const { toTrustMaterial } = await import("@sigstore/verify");
  const [root, material] = await readSigstoreFile(file, "trusted root", mediaType, (json) => {
    const message = Message.fromJSON(json);
    return [message, toTrustMaterial(message, {})] as const;
  });
  const { certificateAuthorities, timestampAuthorities, tlogs, ctlogs } = root;
  if (certificateAuthorities.length === 0) unusable(file, "the trusted root has no certificate authority");
  if (timestampAuthorities.length === 0) unusable(file, "the trusted root has no timestamp authority");
  // Without a beginning the library takes the key for valid at all times.
  if ([...tlogs, ...ctlogs].some(({ publicKey }) => publicKey?.validFor?.start === undefined))
    unusable(file, "the trusted root has a log without the time from which its key is valid");
  return {
    file,
    material,
    thresholds: { timestamps: 1, logs: tlogs.length === 0 ? 0 : 1, certificateLogs: ctlogs.length === 0 ? 0 : 1 },
  };
}
