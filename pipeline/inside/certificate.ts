/** Certificates for the proxy of a step, whose authority is known to everybody and worth nothing outside of it (RFC 5280, RFC 8410). */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";

/** One DER value. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const bytes: number[] = [];
  for (let rest = body.length; rest > 0; rest >>= 8) bytes.unshift(rest & 0xff);
  const length = body.length < 0x80 ? [body.length] : [0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value));
const octets = (...parts: readonly Uint8Array[]): Buffer => der(0x04, ...parts);
const identifier = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const truth = der(0x01, Buffer.from([0xff]));
const ed25519 = sequence(identifier("2b6570"));

function hash(value: string | Uint8Array): Buffer {
  return createHash("sha256").update(value).digest();
}

/** A private key that follows from a text. */
function keyOf(seed: string): KeyObject {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  return createPrivateKey({ key: Buffer.concat([prefix, hash(seed)]), format: "der", type: "pkcs8" });
}

function extension(oid: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(identifier(oid), ...(critical ? [truth] : []), octets(value));
}

function publicBytes(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: "der", type: "spki" });
}

function keyIdentifier(key: KeyObject): Buffer {
  return hash(publicBytes(key)).subarray(0, 20);
}

function named(name: string): Buffer {
  return sequence(der(0x31, sequence(identifier("550403"), text(0x0c, name))));
}

const authorityKey = keyOf("lockstep: the authority of the proxy in a step");
const serverKey = keyOf("lockstep: the server of the proxy in a step");
const authorityName = "Lockstep: files in the lock";

/** A certificate of the authority, in PEM. It is the same on every machine and at every time. */
function issue(subject: string, key: KeyObject, extensions: readonly Uint8Array[]): string {
  const serial = hash(`${subject} ${extensions.map((each) => Buffer.from(each).toString("hex")).join(" ")}`);
  const positive = Buffer.concat([Buffer.from([0x40]), serial.subarray(0, 15)]);
  // RFC 5280, 4.1.2.5: the last of its values says that a certificate has no well-defined end.
  const validity = sequence(text(0x17, "700101000000Z"), text(0x18, "99991231235959Z"));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, positive),
    ed25519,
    named(authorityName),
    validity,
    named(subject),
    publicBytes(key),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign(null, body, authorityKey);
  const whole = sequence(body, ed25519, der(0x03, Buffer.from([0]), signature)).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${whole.replace(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`;
}

const subjectKey = (key: KeyObject): Buffer => extension("551d0e", false, octets(keyIdentifier(key)));

/** The authority, in PEM: what a step is told to trust. */
export function authority(): string {
  return issue(authorityName, authorityKey, [
    extension("551d13", true, sequence(truth)),
    extension("551d0f", true, der(0x03, Buffer.from([2, 0x04]))),
    subjectKey(authorityKey),
  ]);
}

function addressBytes(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from(host.split(".").map(Number));
  const [head = "", tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string): readonly string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** Key and certificate of a server by its name or address, in PEM. */
export function serverOf(host: string): { readonly key: string; readonly cert: string } {
  const name = isIP(host) === 0 ? text(0x82, host) : der(0x87, addressBytes(host));
  const cert = issue("Lockstep: a server of a step", serverKey, [
    extension("551d0f", true, der(0x03, Buffer.from([7, 0x80]))),
    extension("551d25", false, sequence(identifier("2b06010505070301"))),
    extension("551d11", false, sequence(name)),
    extension("551d23", false, sequence(der(0x80, keyIdentifier(authorityKey)))),
    subjectKey(serverKey),
  ]);
  return { key: serverKey.export({ format: "pem", type: "pkcs8" }).toString(), cert };
}
