/** Whether the parts of two contents that both have, such as members or accounts, come in one order. */
import type { Finding, Grade } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { Looker } from "./format.ts";

/** Says `order` when the names that both have are in another order, by the first that is elsewhere; whether it did. */
export function compareOrder(
  a: ReadonlyMap<string, unknown>,
  b: ReadonlyMap<string, unknown>,
  looker: Pick<Looker, "found">,
  grade: Grade,
  facts?: Finding["facts"],
): boolean {
  const x = [...a.keys()].filter((name) => b.has(name));
  const y = [...b.keys()].filter((name) => a.has(name));
  const at = x.findIndex((name, index) => name !== y[index]);
  if (at < 0) return false;
  looker.found("order", {
    grade,
    natures: ["order"],
    a: shown(`${x[at]} first`),
    b: shown(`${y[at]} first`),
    ...(facts === undefined ? {} : { facts }),
  });
  return true;
}
