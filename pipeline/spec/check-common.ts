/** Parts that the checks of a spec share: paths in the image, and values that are there twice. */
import type { Place, Problem } from "../host/errors.ts";
import { type LocatedDocument, type Path, placeOf, showPath } from "./located.ts";
import { malformedPath, reservedPath } from "./paths.ts";

/** Values, each with where it is. */
export type Located = readonly (readonly [value: string, path: Path])[];

/** Problems of a path in the image: its form, then what is there. */
export function checkPath(
  document: LocatedDocument,
  path: Path,
  value: string,
  mayBeReserved = false,
): readonly Problem[] {
  const found = malformedPath(value) ?? (mayBeReserved ? undefined : reservedPath(value));
  if (found === undefined) return [];
  const { code, message, hint } = found;
  const subject = code === "LS2018" ? value : `${showPath(path)} "${value}"`;
  return [
    { code, message: `${subject} ${message}`, place: placeOf(document, path), ...(hint === undefined ? {} : { hint }) },
  ];
}

/** One problem for each value that was there before; `what` names it in the message. */
export function checkTwice(
  document: LocatedDocument,
  code: "LS2019" | "LS2021" | "LS2022",
  what: string,
  values: Located,
): readonly Problem[] {
  const seen = new Map<string, Place>();
  const problems: Problem[] = [];
  for (const [value, path] of values) {
    const place = placeOf(document, path);
    const first = seen.get(value);
    if (first === undefined) seen.set(value, place);
    else {
      const where = first.line === undefined ? "before" : `first in line ${first.line}`;
      const verb = code === "LS2021" ? "listed" : "declared";
      const hint = code === "LS2019" && what.endsWith("id") ? "give each its own" : "keep one of them";
      problems.push({ code, message: `${what} ${value} is ${verb} twice, ${where}`, place, hint });
    }
  }
  return problems;
}

/** Values of the items of a list. */
export function each<T>(items: readonly T[], path: Path, value: (item: T) => string | number, ...rest: Path): Located {
  return items.map((item, index) => [String(value(item)), [...path, index, ...rest]]);
}
