/** Writes a key store of Java (JKS, version 2) with one trusted certificate, whose entry has a date. */
import { createHash } from "node:crypto";
import { X509Certificate } from "node:crypto";
import { certificates } from "./certificates.ts";

function utf(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}

function number(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(typeof value === "bigint" ? 8 : 4);
  if (typeof value === "bigint") bytes.writeBigUInt64BE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

/** `date` in milliseconds since 1970. */
export function jks(date: number): Buffer {
  const der = new X509Certificate(certificates.march).raw;
  const body = Buffer.concat([
    number(0xfeedfeed),
    number(2),
    number(1),
    number(2),
    utf("example-root"),
    number(BigInt(date)),
    utf("X.509"),
    number(der.length),
    der,
  ]);
  // The password in UTF-16, then what JDK puts between password and data.
  const secret = Buffer.from("changeit", "utf16le").swap16();
  return Buffer.concat([body, createHash("sha1").update(secret).update("Mighty Aphrodite").update(body).digest()]);
}
