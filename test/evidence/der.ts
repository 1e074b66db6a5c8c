/** Enough of DER (X.690) to write certificates and timestamps. */
import { createPublicKey, type KeyObject, sign } from "node:crypto";

function tagged(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => tagged(0x30, ...items);
export const set = (...items: readonly Uint8Array[]): Buffer => tagged(0x31, ...items);
export const octets = (content: Uint8Array): Buffer => tagged(0x04, content);
const bits = (content: Uint8Array): Buffer => tagged(0x03, Buffer.from([0]), content);
const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text));
export const integer = (value: number): Buffer => tagged(0x02, Buffer.from([value]));
const yes = tagged(0x01, Buffer.from([0xff]));
/** A context-specific tag: constructed, or `plain`. */
export const context = (number: number, content: Uint8Array): Buffer => tagged(0xa0 | number, content);
export const plain = (number: number, content: Uint8Array): Buffer => tagged(0x80 | number, content);
export const time = (milliseconds: number): Buffer =>
  tagged(0x18, Buffer.from(`${new Date(milliseconds).toISOString().replaceAll(/[-:T]|\..*/g, "")}Z`));

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...others].flatMap((part) => {
    const groups = [part & 0x7f];
    for (let rest = part >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80);
    return groups;
  });
  return tagged(0x06, Buffer.from(bytes));
}

export const sha256Id = sequence(oid("2.16.840.1.101.3.4.2.1"));
/** ecdsa-with-SHA256. */
export const signatureId = sequence(oid("1.2.840.10045.4.3.2"));

export const nameOf = (text: string): Buffer => sequence(set(sequence(oid("2.5.4.3"), utf8(text))));
const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));

/** What makes a certificate an authority: basicConstraints, and keyUsage for signing certificates. */
export const authority: readonly Buffer[] = [
  extension("2.5.29.19", sequence(yes), true),
  extension("2.5.29.15", tagged(0x03, Buffer.from([1, 0x06])), true),
];
/** extKeyUsage. */
export const purpose = (id: string): Buffer => extension("2.5.29.37", sequence(oid(id)), true);
/** subjectAltName with these names: `context` tag 6 is a URI, 1 an address of e-mail. */
export const alternatives = (...names: readonly Uint8Array[]): Buffer =>
  extension("2.5.29.17", sequence(...names), true);
/** Fulcio's extension with the issuer of the token. */
export const issuedBy = (issuer: string): Buffer => extension("1.3.6.1.4.1.57264.1.8", utf8(issuer));

export interface CertificateOptions {
  readonly subject: string;
  readonly issuer: string;
  readonly key: KeyObject;
  readonly signer: KeyObject;
  readonly from: number;
  readonly to: number;
  readonly extensions: readonly Uint8Array[];
}

/** A certificate (RFC 5280) with serial number 1. */
export function certificate({ subject, issuer, key, signer, from, to, extensions }: CertificateOptions): Buffer {
  const spki = (key.type === "public" ? key : createPublicKey(key)).export({ type: "spki", format: "der" });
  const body = sequence(
    context(0, integer(2)),
    integer(1),
    signatureId,
    nameOf(issuer),
    sequence(time(from), time(to)),
    nameOf(subject),
    spki,
    context(3, sequence(...extensions)),
  );
  return sequence(body, signatureId, bits(sign("sha256", body, signer)));
}
