/** Figures from samples; pure. */
import type { Figure, Measured, Sample, Spread } from "./model.ts";

/** Throws a RangeError for no values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)];
  const high = sorted[Math.ceil(middle)];
  const min = sorted[0];
  const max = sorted.at(-1);
  if (low === undefined || high === undefined || min === undefined || max === undefined)
    throw new RangeError("a spread of no values");
  return { median: (low + high) / 2, min, max };
}

/** CPU time and memory are given only when every sample has them. */
export function summarise(name: string, samples: readonly Sample[]): Measured {
  const present = (pick: (sample: Sample) => number | undefined): readonly number[] | undefined => {
    const values = samples.map(pick).filter((value) => value !== undefined);
    return values.length === samples.length ? values : undefined;
  };
  const cpu = present((sample) => sample.cpu);
  const peak = present((sample) => sample.peak);
  return {
    name,
    rounds: samples.length,
    wall: spreadOf(samples.map(({ wall }) => wall)),
    ...(cpu === undefined ? {} : { cpu: spreadOf(cpu) }),
    ...(peak === undefined ? {} : { peak: Math.max(...peak) }),
  };
}

/** The one with the smallest median; undefined of none. */
export function fastest(measured: readonly Measured[]): Measured | undefined {
  return measured.toSorted((a, b) => a.wall.median - b.wall.median)[0];
}

/** Undefined for a figure without a target. */
export function isReached({ value, target }: Figure): boolean | undefined {
  return target === undefined ? undefined : value <= target;
}

/** Peak memory of the contenders that were measured, as figures with one target in MiB. */
export function peakFigures(measured: readonly Measured[], target: number): readonly Figure[] {
  return measured.flatMap(({ name, peak }): readonly Figure[] =>
    peak === undefined ? [] : [{ name: `peak memory: ${name}`, value: peak / 2 ** 20, unit: "MiB", target }],
  );
}
