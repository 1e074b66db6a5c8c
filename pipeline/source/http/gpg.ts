/** Detached OpenPGP signatures (RFC 9580, section 10.4) of files from the web. */
import type { Key, Signature } from "openpgp";
import { messageOf, type Place } from "../../host/errors.ts";
import { malformed, type SignedFile, unsigned, type Verify } from "./signature.ts";

function isArmored(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 64).trimStart().startsWith("-----BEGIN PGP");
}

async function readAll(
  file: SignedFile,
  signature: Buffer,
  key: Buffer,
  place: Place,
): Promise<{ readonly signature: Signature; readonly keys: readonly Key[] }> {
  const { readKeys, readSignature } = await import("openpgp");
  const keys = await (
    isArmored(key) ? readKeys({ armoredKeys: key.toString("utf8") }) : readKeys({ binaryKeys: key })
  ).catch((error: unknown) => {
    throw malformed(file, place, `the key is not an OpenPGP key: ${messageOf(error)}`, error);
  });
  if (keys.some((each) => each.isPrivate())) throw malformed(file, place, "the key in the repository is a private one");
  const read = await (
    isArmored(signature)
      ? readSignature({ armoredSignature: signature.toString("utf8") })
      : readSignature({ binarySignature: signature })
  ).catch((error: unknown) => {
    throw malformed(file, place, `the signature is not a detached OpenPGP signature: ${messageOf(error)}`, error);
  });
  return { signature: read, keys };
}

/**
 * At least one signature must be good, by a key that was valid when it signed; a wrong one by a key of the repository fails whatever the
 * others say. Gives `gpg <fingerprint of the primary key>`.
 */
export const verifyGpg: Verify = async (file, signature, key, place) => {
  const { createMessage, verify } = await import("openpgp");
  const read = await readAll(file, signature, key, place);
  const binary = ReadableStream.from(file.store.stream(file.digest)) as ReadableStream<Uint8Array>;
  const message = await createMessage({ binary });
  const { data, signatures } = await verify({
    message,
    signature: read.signature,
    verificationKeys: [...read.keys],
    format: "binary",
  });
  // The library hashes what is read here, through methods that it has put onto the stream; nothing of it is kept.
  const reader = (data as unknown as ReadableStream<Uint8Array>).getReader();
  while (!(await reader.read()).done);
  const signers: string[] = [];
  for (const { keyID, verified } of signatures) {
    const signer = read.keys.find((each) => each.getKeys(keyID).length > 0);
    // Signatures by others are passed over, and must not count as not looked at.
    if (signer === undefined) await verified.catch(() => false);
    else {
      await verified.catch((error: unknown) => {
        throw unsigned(file, place, messageOf(error), error);
      });
      signers.push(signer.getFingerprint().toUpperCase());
    }
  }
  const [first] = signers.toSorted();
  if (first !== undefined) return `gpg ${first}`;
  const ids = signatures.map(({ keyID }) => keyID.toHex().toUpperCase()).join(", ");
  throw unsigned(file, place, `it is by ${ids === "" ? "nobody" : ids}, and not by a key in the repository`);
};
