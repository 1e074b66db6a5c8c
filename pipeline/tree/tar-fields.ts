/** Fields of tar headers as every dialect has them: numbers, checksums, texts that end in a NUL. */
import type { LockstepError } from "../host/errors.ts";

/** Makes the error of a reader: LS4002 for what is malformed, LS4005 for a number that nothing can be. */
export type TarFailure = (code: "LS4002" | "LS4005", message: string) => LockstepError;

export function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** An octal field, or GNU's base-256 form when the first bit is set; 0 for an empty one. `name` is what it is called in errors. */
export function tarNumber(header: Buffer, offset: number, length: number, name: string, fail: TarFailure): number {
  const field = header.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = BigInt(first & 0x7f);
    for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(field[i] ?? 0);
    // Two's complement over the field's bits without the marker.
    if ((first & 0x40) !== 0) value -= 1n << BigInt(8 * length - 1);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw fail("LS4005", `${name} in a tar header is absurd`);
    return number;
  }
  const text = untilNul(field).toString("latin1").trim();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw fail("LS4002", `${name} in a tar header is not a number`);
  return Number.parseInt(text, 8);
}

/** The sum over a header of 512 bytes with its checksum taken for blanks (POSIX.1-2017, pax, "ustar Interchange Format"). */
export function checkTarSum(header: Buffer, fail: TarFailure): void {
  const stated = tarNumber(header, 148, 8, "checksum", fail);
  let sum = 0;
  for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0);
  if (sum !== stated) throw fail("LS4002", "a tar header has a wrong checksum");
}
