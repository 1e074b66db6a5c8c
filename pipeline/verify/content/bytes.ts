/** Compares contents of which nothing is known: where they begin to differ, and how much of them does. */
import type { Finding } from "../compare/finding.ts";
import type { Content, Pair } from "./format.ts";

const window = 1 << 18;
const excerpt = 64;

/** Offset of the first byte that differs; undefined when they are equal. */
function firstDifference(a: Content, b: Content): number | undefined {
  const common = Math.min(a.size, b.size);
  for (let offset = 0; offset < common; offset += window) {
    const length = Math.min(window, common - offset);
    const [x, y] = [a.read(offset, length), b.read(offset, length)];
    if (x.equals(y)) continue;
    const index = x.findIndex((byte, position) => byte !== y[position]);
    return offset + Math.max(0, index);
  }
  return a.size === b.size ? undefined : common;
}

/** Says where two contents begin to differ. */
export function compareBytes(
  { a, b }: Pair,
  found: (field: string, finding: Omit<Finding, "where" | "format">) => void,
): void {
  const first = firstDifference(a, b);
  if (first === undefined) return;
  const offset = Math.max(0, first - 16);
  found(`bytes ${first}`, {
    grade: "content",
    a: `${a.size} bytes, ${a.read(first, 8).toString("hex")} there`,
    b: `${b.size} bytes, ${b.read(first, 8).toString("hex")} there`,
    excerpt: {
      offset,
      text: false,
      a: a.read(offset, excerpt).toString("base64"),
      b: b.read(offset, excerpt).toString("base64"),
    },
  });
}
