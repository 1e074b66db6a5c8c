/** Sigstore bundles with a signature over a file by a key (`cosign sign-blob --key`): the key in the repository is what is trusted, no log. */
import { createHash, createPublicKey, createVerify, type KeyObject, verify } from "node:crypto";
import { messageOf, type Place } from "../../host/errors.ts";
import { hexOf } from "../../store/digest.ts";
import { malformed, type SignedFile, unsigned, type Verify } from "./signature.ts";

/** Bytes of the largest file whose signature is over itself and not over its hash, which only Ed25519 makes. */
const wholeLimit = 256 << 20;

function readKey(file: SignedFile, bytes: Buffer, place: Place): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(bytes);
  } catch (error) {
    throw malformed(file, place, `the key is not a public key in PEM: ${messageOf(error)}`, error);
  }
  if (bytes.includes("PRIVATE KEY")) throw malformed(file, place, "the key in the repository is a private one");
  const kind = key.asymmetricKeyType ?? "";
  if (!["ec", "ed25519", "rsa"].includes(kind))
    throw malformed(file, place, `the key is of the kind ${kind}, which is not read`);
  return key;
}

/** Gives `sigstore <SHA-256 of the key's SubjectPublicKeyInfo>`. */
export const verifySigstore: Verify = async (file, signature, key, place) => {
  const { store, digest, size } = file;
  const trusted = readKey(file, key, place);
  const { bundleFromJSON, isBundleWithMessageSignature } = await import("@sigstore/bundle");
  let content;
  try {
    const bundle = bundleFromJSON(JSON.parse(signature.toString("utf8")));
    if (!isBundleWithMessageSignature(bundle))
      throw new Error("it has an attestation in place of a signature over the file");
    content = bundle.content.messageSignature;
  } catch (error) {
    throw malformed(file, place, `the signature is not a Sigstore bundle: ${messageOf(error)}`, error);
  }
  const stated = content.messageDigest?.digest;
  if (stated !== undefined && stated.length > 0 && Buffer.from(stated).toString("hex") !== hexOf(digest)) {
    throw unsigned(
      file,
      place,
      `it is over the SHA-256 ${Buffer.from(stated).toString("hex")}, and the file has ${hexOf(digest)}`,
    );
  }
  let good: boolean;
  if (trusted.asymmetricKeyType === "ed25519") {
    if (size > wholeLimit)
      throw malformed(
        file,
        place,
        `the signature is over a whole file of ${size} bytes; at most ${wholeLimit} are read so`,
      );
    const pieces: Buffer[] = [];
    for await (const piece of store.stream(digest)) pieces.push(piece);
    good = verify(null, Buffer.concat(pieces), trusted, content.signature);
  } else {
    const verifier = createVerify("sha256");
    for await (const piece of store.stream(digest)) verifier.update(piece);
    good = verifier.verify(trusted, content.signature);
  }
  if (!good) throw unsigned(file, place, "the file is another one than the key in the repository signed");
  const spki = trusted.export({ type: "spki", format: "der" });
  return `sigstore ${createHash("sha256").update(spki).digest("hex")}`;
};
