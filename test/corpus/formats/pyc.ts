/** Writes compiled Python (PEP 552): the header of 3.11, and some marshalled code. */
export function pyc(mtime: number, size: number, code = "e30000000000000000", flags = 0): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt16LE(3495, 0);
  head.write("\r\n", 2, "latin1");
  head.writeUInt32LE(flags, 4);
  head.writeUInt32LE(mtime, 8);
  head.writeUInt32LE(size, 12);
  return Buffer.concat([head, Buffer.from(code, "hex")]);
}
