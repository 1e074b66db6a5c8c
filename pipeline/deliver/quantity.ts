/** Kubernetes quantities, exact: `50m`, `64Mi`, `1.5`, `2e3` (apimachinery, pkg/api/resource, "Quantity"). */

const pattern = /^(\d{1,18})(?:\.(\d{1,9}))?(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d{1,2}))?$/;

const decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** The amount in units of 10^-9, rounded up as the API server does; undefined when it is not a quantity. */
export function parseQuantity(text: string): bigint | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = "", suffix = "", exponent] = match;
  const digits = BigInt(whole + fraction);
  const power = exponent === undefined ? (decimal.indexOf(suffix) - 3) * 3 : Number(exponent);
  const two = binary.indexOf(suffix);
  // Everything as digits × 2^b × 10^d, in nano units.
  const scaled = two < 0 ? digits : digits * 1024n ** BigInt(two + 1);
  const ten = (two < 0 ? power : 0) + 9 - fraction.length;
  if (ten >= 0) return scaled * 10n ** BigInt(ten);
  const divisor = 10n ** BigInt(-ten);
  return (scaled + divisor - 1n) / divisor;
}

/** One unit (a core, a byte) as `parseQuantity` counts. */
export const oneUnit = 1_000_000_000n;
