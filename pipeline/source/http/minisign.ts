/** Signatures of minisign (jedisct1's format): Ed25519 over the file, or over its BLAKE2b-512 where it is hashed first. */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Place } from "../../host/errors.ts";
import { malformed, type SignedFile, unsigned, type Verify } from "./signature.ts";

/** The largest file whose signature is over itself: it has to be whole in memory. */
const wholeLimit = 256 << 20;
/** SubjectPublicKeyInfo of an Ed25519 key without the key itself (RFC 8410, section 4). */
const spki = Buffer.from("302a300506032b6570032100", "hex");

interface PublicKey {
  /** As minisign shows it: 16 hexadecimal digits in upper case. */
  readonly id: string;
  readonly key: KeyObject;
}

/** A line of base64 of exactly so many bytes, in its one form. */
function decode(line: string | undefined, length: number): Buffer | undefined {
  const text = line ?? "";
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length && bytes.toString("base64") === text ? bytes : undefined;
}

function idOf(bytes: Buffer): string {
  return Buffer.from(bytes.toReversed()).toString("hex").toUpperCase();
}

/** Lines without the comment that nobody signed; a text that is the key alone is taken too, as minisign -P does. */
function linesOf(bytes: Buffer): readonly string[] {
  const lines = bytes
    .toString("utf8")
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  return lines[0]?.startsWith("untrusted comment:") === true ? lines.slice(1) : lines;
}

function readKey(file: SignedFile, bytes: Buffer, place: Place): PublicKey {
  const raw = decode(linesOf(bytes)[0], 42);
  if (raw === undefined || raw.toString("latin1", 0, 2) !== "Ed") {
    throw malformed(file, place, "the key is not a public key of minisign");
  }
  const key = createPublicKey({ key: Buffer.concat([spki, raw.subarray(10)]), format: "der", type: "spki" });
  return { id: idOf(raw.subarray(2, 10)), key };
}

async function signedBytes(algorithm: string, file: SignedFile, place: Place): Promise<Buffer> {
  const { store, digest, size } = file;
  if (algorithm === "ED") {
    const hash = createHash("blake2b512");
    for await (const piece of store.stream(digest)) hash.update(piece);
    return hash.digest();
  }
  if (size > wholeLimit) {
    throw malformed(
      file,
      place,
      `the signature is over a file of ${size} bytes that was not hashed first; at most ${wholeLimit} are read so`,
    );
  }
  const pieces: Buffer[] = [];
  for await (const piece of store.stream(digest)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The signature of the file, and that of the trusted comment, by the one key. Gives `minisign <key id>`. */
export const verifyMinisign: Verify = async (file, signature, key, place) => {
  const trusted = readKey(file, key, place);
  const [line, comment = "", global, ...rest] = linesOf(signature);
  const raw = decode(line, 74);
  const overall = decode(global, 64);
  const algorithm = raw?.toString("latin1", 0, 2) ?? "";
  const prefix = "trusted comment: ";
  if (
    raw === undefined ||
    overall === undefined ||
    !["Ed", "ED"].includes(algorithm) ||
    !comment.startsWith(prefix) ||
    rest.some((more) => more !== "")
  ) {
    throw malformed(file, place, "the signature is not one of minisign");
  }
  const id = idOf(raw.subarray(2, 10));
  if (id !== trusted.id)
    throw unsigned(file, place, `it is by the key ${id}, and the key in the repository is ${trusted.id}`);
  const own = raw.subarray(10);
  const good =
    verify(null, await signedBytes(algorithm, file, place), trusted.key, own) &&
    verify(null, Buffer.concat([own, Buffer.from(comment.slice(prefix.length))]), trusted.key, overall);
  if (!good) throw unsigned(file, place, `the file is another one than the key ${id} signed`);
  return `minisign ${id}`;
};
