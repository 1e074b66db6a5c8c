/** The subject hash of an X.509 certificate, by which OpenSSL finds it in a directory (X509_NAME_hash(3)). */
import { createHash } from "node:crypto";

/** Bytes that are no certificate. */
export class DerError extends Error {}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly whole: Buffer;
  /** What follows. */
  readonly rest: Buffer;
}

/** The first element of DER bytes (X.690, 8.1 and 10.1). */
function readElement(bytes: Buffer): Element {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError("is not DER");
  let header = 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    header = 2 + octets;
    if (octets === 0 || octets > 4 || bytes.length < header) throw new DerError("is not DER");
    length = bytes.readUIntBE(2, octets);
  }
  const end = header + length;
  if (end > bytes.length) throw new DerError("is cut off");
  return { tag, content: bytes.subarray(header, end), whole: bytes.subarray(0, end), rest: bytes.subarray(end) };
}

function elements(content: Buffer): readonly Element[] {
  const found: Element[] = [];
  for (let rest = content; rest.length > 0;) {
    const element = readElement(rest);
    found.push(element);
    ({ rest } = element);
  }
  return found;
}

function encode(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const octets: number[] = [];
  for (let value = length; value > 0; value = Math.floor(value / 256)) octets.unshift(value & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | octets.length, ...octets]), content]);
}

const SEQUENCE = 0x30;
const SET = 0x31;
const UTF8_STRING = 0x0c;

function codeUnits(content: Buffer, width: 2 | 4): string {
  let text = "";
  for (let at = 0; at + width <= content.length; at += width) {
    const code = content.readUIntBE(at, width);
    if (code > 0x10ffff) throw new DerError("has a character outside Unicode in its subject");
    text += String.fromCodePoint(code);
  }
  return text;
}

/** The text of a string type that OpenSSL makes canonical; undefined for other types (crypto/x509/x_name.c, ASN1_MASK_CANON). */
function stringOf({ tag, content }: Element): string | undefined {
  switch (tag) {
    case UTF8_STRING:
      return content.toString("utf8");
    // PrintableString, IA5String, VisibleString; T61String, which OpenSSL takes for Latin 1.
    case 0x13:
    case 0x14:
    case 0x16:
    case 0x1a:
      return content.toString("latin1");
    case 0x1c:
      return codeUnits(content, 4);
    case 0x1e:
      return codeUnits(content, 2);
    default:
      return undefined;
  }
}

/** UTF-8, ASCII letters in lower case, runs of white space one blank, none at the ends. */
function canonical(value: Element): Buffer {
  const text = stringOf(value);
  if (text === undefined) return value.whole;
  const plain = text
    .replaceAll(/[ \t\n\v\f\r]+/g, " ")
    .replaceAll(/^ | $/g, "")
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return encode(UTF8_STRING, Buffer.from(plain, "utf8"));
}

/** The subject Name of a certificate (RFC 5280, section 4.1). */
function subject(der: Buffer): Element {
  const [body] = elements(readElement(der).content);
  const fields = body === undefined ? [] : elements(body.content);
  // version [0] is left out in version 1 certificates; serialNumber, signature, issuer and validity come before the subject.
  const name = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (name?.tag !== SEQUENCE) throw new DerError("has no subject");
  return name;
}

/** Eight hexadecimal digits: the first four bytes of SHA-1 over the canonical subject, the last first. */
export function subjectHash(der: Buffer): string {
  const hash = createHash("sha1");
  for (const relative of elements(subject(der).content)) {
    const attributes = elements(relative.content).map((attribute) => {
      const [type, value] = elements(attribute.content);
      if (type === undefined || value === undefined) throw new DerError("has an unusable subject");
      return encode(SEQUENCE, Buffer.concat([type.whole, canonical(value)]));
    });
    hash.update(encode(SET, Buffer.concat(attributes.toSorted((a, b) => Buffer.compare(a, b)))));
  }
  return hash.digest().readUInt32LE(0).toString(16).padStart(8, "0");
}

/** SHA-256 of the whole certificate. */
export function certificateDigest(der: Buffer): string {
  return createHash("sha256").update(der).digest("hex");
}

/** The DER bytes of the one certificate in a PEM text (RFC 7468). Throws DerError. */
export function readCertificate(pem: string): Buffer {
  const blocks = [...pem.matchAll(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END /g)];
  const [first] = blocks;
  if (first?.[1] === undefined || blocks.length !== 1)
    throw new DerError(`holds ${blocks.length} certificates where one is expected`);
  const bytes = Buffer.from(first[1], "base64");
  return readElement(bytes).whole;
}
