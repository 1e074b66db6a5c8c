/** Short ways to write findings and scenes for the tests of causes. */
import type { Finding, Grade, Nature } from "../../../pipeline/verify/compare/finding.ts";
import type { Scene, SideFacts } from "../../../pipeline/verify/cause/scene.ts";

export interface More {
  readonly grade?: Grade;
  readonly natures?: readonly Nature[];
  readonly format?: string;
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  readonly inside?: readonly string[];
  readonly layer?: number;
  readonly platform?: string;
  readonly excerpt?: readonly [string, string];
}

type Side = string | undefined;

function made(
  where: Omit<Finding["where"], "inside" | "platform">,
  a: Side,
  b: Side,
  { grade = "content", natures, format, facts, inside, platform, excerpt }: More,
): Finding {
  return {
    where: { ...where, ...(inside === undefined ? {} : { inside }), ...(platform === undefined ? {} : { platform }) },
    ...(a === undefined ? {} : { a }),
    ...(b === undefined ? {} : { b }),
    grade,
    ...(natures === undefined ? {} : { natures }),
    ...(format === undefined ? {} : { format }),
    ...(facts === undefined ? {} : { facts }),
    ...(excerpt === undefined ? {} : { excerpt: { offset: 0, text: true, a: excerpt[0], b: excerpt[1] } }),
  };
}

/** A field of an entry of a layer. */
export function entry(path: string, field: string, a: Side, b: Side, more: More = {}): Finding {
  return made({ part: "entry", layer: more.layer ?? 1, path, field }, a, b, more);
}

/** Something within the content of a file. */
export function content(path: string, field: string, a: Side, b: Side, more: More = {}): Finding {
  return entry(path, field, a, b, { format: "text", ...more });
}

/** A path that one side has. */
export function only(path: string, side: "a" | "b", type = "file", more: More = {}): Finding {
  return entry(path, "presence", side === "a" ? type : undefined, side === "b" ? type : undefined, more);
}

export function mtime(path: string, a: string, b: string, type = "file", more: More = {}): Finding {
  return entry(path, "mtime", a, b, { grade: "clock", ...more, facts: { type } });
}

export function mode(path: string, a: string, b: string, type = "file", more: More = {}): Finding {
  return entry(path, "mode", a, b, { grade: "privilege", ...more, facts: { type } });
}

export function layer(field: string, a: Side, b: Side, facts?: More["facts"]): Finding {
  return made({ part: "layer", layer: 1, field }, a, b, {
    grade: "encoding",
    ...(facts === undefined ? {} : { facts }),
  });
}

export function document(
  part: "index" | "manifest" | "config",
  field: string,
  a: Side,
  b: Side,
  more: More = {},
): Finding {
  return made({ part, field }, a, b, { grade: "cosmetic", ...more });
}

export interface Told {
  /** Lines of the history, of both sides. */
  readonly steps?: readonly string[];
  readonly created?: readonly [number, number] | number;
  readonly format?: string;
  /** What the clock of whoever looks says. */
  readonly now?: number;
}

export function scene(findings: readonly Finding[], { steps = [], created, format, now }: Told = {}): Scene {
  const side = (time: number | undefined): SideFacts => ({
    ...(time === undefined ? {} : { created: time }),
    ...(format === undefined ? {} : { format }),
    platform: "linux/amd64",
    madeBy: new Map(steps.map((step, index) => [index + 1, step])),
  });
  const [a, b] = typeof created === "number" ? [created, created] : (created ?? []);
  return { findings, a: side(a), b: side(b), ...(now === undefined ? {} : { now }) };
}
