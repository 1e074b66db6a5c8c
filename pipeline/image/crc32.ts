/** CRC-32 of a concatenation from the CRCs of its parts, so that a gzip member can be joined from fragments without reading their contents. */

// The polynomial of RFC 1952 section 8, bits reflected: the coefficient of x^0 is the most significant bit.
const polynomial = 0xedb88320;
const one = 0x80000000;

/** a(x) * b(x) modulo the polynomial, over GF(2). */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ polynomial;
  }
  return product >>> 0;
}

// x^(2^k) modulo the polynomial for k = 0, 1, …
const powers: number[] = [];
for (let k = 0, power = one >>> 1; k < 64; k++, power = multiply(power, power)) powers.push(power);

/** The CRC of `first` followed by `second`, where `length` is the number of bytes of `second`. */
export function combineCrc32(first: number, second: number, length: number): number {
  // Appending n bytes multiplies the first CRC by x^(8n).
  let shift = one;
  let rest = length;
  for (let k = 3; rest > 0; k++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = multiply(powers[k] ?? one, shift);
  }
  return (multiply(shift, first >>> 0) ^ second) >>> 0;
}
