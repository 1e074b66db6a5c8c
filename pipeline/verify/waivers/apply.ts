/** Holds differences against waivers: which are answered for, and which waivers must go. */
import type { Problem } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { Comparison, Difference, Waived } from "../compare/comparison.ts";
import type { Waiver } from "./parse.ts";

/** No waiver lasts longer than this: what nobody looks at again grows for ever. */
const mostDays = 366;

const dayLength = 86_400_000;

export interface WaiverOptions {
  /** Whether waivers are refused altogether. */
  readonly strict: boolean;
}

export interface WaivedComparison {
  /** With `waived` at each difference that is answered for. Verdict and grade stay what they are. */
  readonly comparison: Comparison;
  /** LS5202 to LS5205 and LS5208: why the waivers do not do. */
  readonly problems: readonly Problem[];
  /** Whether every difference is answered for, everything was looked into, and no waiver has a problem. */
  readonly accepted: boolean;
}

/** `config.created`; of an entry the field alone. */
function fieldOf({ where }: Difference): string {
  return where.part === "entry" ? where.field : `${where.part}.${where.field}`;
}

/** What a waiver for a difference must name: the path of an entry, the field of anything else. */
function placeOf(difference: Difference): string {
  const { part, path } = difference.where;
  return part === "entry" ? `/${path ?? ""}` : fieldOf(difference);
}

/** Whether a waiver is about the place of a difference, whatever its cause. */
function isAbout(waiver: Waiver, difference: Difference): boolean {
  const { platform, layer, path, part } = difference.where;
  if (waiver.platform !== undefined && waiver.platform !== platform) return false;
  if (waiver.layer !== undefined && waiver.layer !== layer) return false;
  if (waiver.path !== undefined) {
    if (part !== "entry" || waiver.path !== `/${path ?? ""}`) return false;
    return waiver.field === undefined || waiver.field === difference.where.field;
  }
  return part !== "entry" && waiver.field === fieldOf(difference);
}

function waivedBy({ reason, owner, expires }: Waiver): Waived {
  return { reason, owner, expires };
}

/** The first day that is not covered any more. */
function endOf({ expires }: Waiver): number {
  return Date.parse(`${expires}T00:00:00Z`) + dayLength;
}

function datesOf(
  waivers: readonly Waiver[],
  now: number,
): { readonly expired: ReadonlySet<Waiver>; readonly problems: readonly Problem[] } {
  const expired = new Set<Waiver>();
  const problems: Problem[] = [];
  for (const waiver of waivers) {
    const { place, expires, owner, image } = waiver;
    if (endOf(waiver) <= now) {
      expired.add(waiver);
      problems.push({
        code: "LS5203",
        message: `the waiver for ${image} ended on ${expires}`,
        place,
        hint: `mend the cause and remove the waiver, or let ${owner} decide anew`,
      });
    } else if (endOf(waiver) - dayLength > now + mostDays * dayLength) {
      expired.add(waiver);
      problems.push({
        code: "LS5205",
        message: `the waiver for ${image} would last until ${expires}`,
        place,
        hint: `choose a day within ${mostDays} days`,
      });
    }
  }
  return { expired, problems };
}

function unusedOf(waiver: Waiver, differences: readonly Difference[]): Problem {
  const near = differences.find((difference) => isAbout(waiver, difference));
  const now = near?.causes[0]?.id;
  const privilege = near?.grade === "privilege";
  const message =
    now === undefined
      ? `the waiver for ${waiver.image} covers nothing that differs`
      : `what the waiver for ${waiver.image} covers differs, but its cause is ${now}, not ${waiver.cause}`;
  return {
    code: privilege ? "LS5202" : "LS5204",
    message: privilege ? `the waiver for ${waiver.image} would cover a privilege` : message,
    place: waiver.place,
    hint: privilege
      ? "mend the cause of the difference"
      : "remove it, so that what it covered does not go unseen when it comes back",
  };
}

/**
 * Holds what a comparison of an image found against the waivers of the repository. Those of other images are left alone. A difference is
 * answered for when a waiver names its place and its first cause; one of grade `privilege` never is. The clock of the host says which
 * waivers have ended.
 */
export function applyWaivers(
  host: Pick<Host, "now">,
  comparison: Comparison,
  image: string,
  all: readonly Waiver[],
  { strict }: WaiverOptions,
): WaivedComparison {
  const waivers = all.filter((waiver) => waiver.image === image);
  const complete = comparison.verdict === "equal";
  if (strict && waivers.length > 0) {
    const problems = waivers.map(({ place, owner }): Problem => ({
      code: "LS5208",
      message: `a waiver of ${owner} for ${image}, and none is allowed here`,
      place,
      hint: "mend the cause of the difference",
    }));
    return { comparison, problems, accepted: false };
  }
  const { expired, problems: dates } = datesOf(waivers, host.now());
  const valid = waivers.filter((waiver) => !expired.has(waiver));
  const byPlace = Map.groupBy(valid, ({ path, field }) => path ?? field ?? "");
  const used = new Set<Waiver>();
  const differences = comparison.differences.map((difference): Difference => {
    if (valid.length === 0 || difference.grade === "privilege") return difference;
    const first = difference.causes[0]?.id;
    const candidates = byPlace.get(placeOf(difference)) ?? [];
    const waiver = candidates.find((each) => each.cause === first && isAbout(each, difference));
    if (waiver === undefined) return difference;
    used.add(waiver);
    return { ...difference, waived: waivedBy(waiver) };
  });
  const unused = valid.filter((waiver) => !used.has(waiver)).map((waiver) => unusedOf(waiver, comparison.differences));
  const problems = [...dates, ...unused];
  const answered =
    differences.length > 0 &&
    differences.every(({ waived }) => waived !== undefined) &&
    comparison.more === 0 &&
    comparison.unread.length === 0;
  return {
    comparison: used.size === 0 ? comparison : { ...comparison, differences },
    problems,
    accepted: problems.length === 0 && (complete || answered),
  };
}
