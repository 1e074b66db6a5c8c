/** Compares two contents for tests, and gives what was found in a form that is easy to assert. */
import { expect } from "vitest";
import { compareContent } from "../../../pipeline/verify/content/compare.ts";
import { contentOf } from "../../../pipeline/verify/content/format.ts";
import type { Finding } from "../../../pipeline/verify/compare/finding.ts";

export interface Seen extends Omit<Finding, "where"> {
  /** Names within and the field: `libfoo.a > member.o > ar_date`. */
  readonly place: string;
}

export interface Compared {
  readonly findings: readonly Seen[];
  readonly unread: readonly string[];
}

/** What comparing finds; different bytes always give something, equal ones nothing. */
export async function compared(path: string, a: string | Uint8Array, b: string | Uint8Array): Promise<Compared> {
  const findings: Seen[] = [];
  const unread: string[] = [];
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  await compareContent(
    { path, a: contentOf(x), b: contentOf(y) },
    {
      found: (inside, field, finding) => findings.push({ place: [...inside, field].join(" > "), ...finding }),
      unread: (inside, reason) => unread.push([...inside, reason].join(" > ")),
    },
  );
  expect(findings.length > 0).toBe(!x.equals(y));
  return { findings, unread };
}

/** Places with grades: `line 3: clock`. */
export async function places(path: string, a: string | Uint8Array, b: string | Uint8Array): Promise<readonly string[]> {
  const { findings, unread } = await compared(path, a, b);
  expect(unread).toEqual([]);
  return findings.map(({ place, grade }) => `${place}: ${grade}`);
}

/** The only finding. */
export async function only(path: string, a: string | Uint8Array, b: string | Uint8Array): Promise<Seen> {
  const { findings, unread } = await compared(path, a, b);
  expect(unread).toEqual([]);
  expect(findings.map(({ place }) => place)).toHaveLength(1);
  return findings[0] ?? expect.fail();
}
