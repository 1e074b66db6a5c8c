/**
 * `npm run simulate`: what the schedule of docs/scale.md makes of 10,000 images, in simulated time. Prints the table of that page; the same
 * each time.
 */
import { type Job, Schedule } from "../../pipeline/verify/engines/schedule.ts";

/** Seconds that a call takes whatever is in it (docs/dagger.md, "Figures"). */
const overhead = 8;
const images = 10_000;

/** Numbers from 0 to 1 that only look random (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of a normal distribution, by Box and Muller. */
function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

interface Site {
  readonly engines: number;
  readonly rebuilders: number;
  /** How far off estimates are: the standard deviation of the logarithm. */
  readonly error: number;
  /** Engines that are lost on the way. */
  readonly lost: number;
}

interface Outcome {
  /** Seconds until the last image is done. */
  readonly whole: number;
  readonly calls: number;
  /** Seconds of work that were lost with engines. */
  readonly wasted: number;
}

/** Images whose sizes are those of a site: most small, a few large; with what they really take. */
function catalogue(error: number): { readonly jobs: readonly Job[]; readonly real: ReadonlyMap<string, number> } {
  const next = numbers(1);
  const real = new Map<string, number>();
  const jobs = Array.from({ length: images }, (_, index): Job => {
    const seconds = Math.min(600, Math.exp(1.5 + normal(next)));
    const image = `image-${index}`;
    real.set(image, seconds);
    return { image, cost: seconds * Math.exp(error * normal(next)) };
  });
  return { jobs, real };
}

function simulate(site: Site, alone: boolean): Outcome {
  const { jobs, real } = catalogue(site.error);
  const names = Array.from({ length: site.engines }, (_, index) => `engine-${index}`);
  const largestBatch = alone ? 1 : 100;
  const schedule = new Schedule(jobs, names, { rebuilders: site.rebuilders, overhead, largestBatch });
  const next = numbers(2);
  const even = ([...real.values()].reduce((sum, seconds) => sum + seconds, 0) * site.rebuilders) / site.engines;
  // Spread over the time that it takes when nothing goes wrong.
  const losses = new Map(names.slice(0, site.lost).map((name) => [name, next() * even]));
  const busy = new Map<string, { readonly start: number; readonly end: number }>();
  const idle = new Set(names);
  let [now, calls, wasted] = [0, 0, 0];
  for (;;) {
    for (const engine of idle) {
      const batch = schedule.next(engine);
      if (batch === undefined) continue;
      idle.delete(engine);
      calls++;
      busy.set(engine, {
        start: now,
        end: now + overhead + batch.reduce((sum, image) => sum + (real.get(image) ?? 0), 0),
      });
    }
    const [first] = [...busy].toSorted(([, x], [, y]) => x.end - y.end);
    if (first === undefined) return { whole: now, calls, wasted };
    const [engine, { start, end }] = first;
    busy.delete(engine);
    const death = losses.get(engine);
    if (death !== undefined && death < end) {
      now = Math.max(now, death);
      wasted += Math.max(0, now - start);
      schedule.lost(engine);
      continue;
    }
    now = end;
    schedule.done(engine);
    idle.add(engine);
  }
}

/** No schedule is faster: the work shared out evenly, or the longest image. */
function bound(site: Site): number {
  const { real } = catalogue(site.error);
  const work = [...real.values()].reduce((sum, seconds) => sum + seconds, 0) * site.rebuilders;
  return Math.max(work / (site.engines - site.lost / 2), Math.max(...real.values())) + overhead;
}

const sites: readonly Site[] = [
  { engines: 10, rebuilders: 1, error: 0.5, lost: 0 },
  { engines: 40, rebuilders: 1, error: 0.5, lost: 0 },
  { engines: 40, rebuilders: 2, error: 0.5, lost: 0 },
  { engines: 40, rebuilders: 2, error: 1, lost: 0 },
  { engines: 40, rebuilders: 2, error: 0.5, lost: 8 },
  { engines: 200, rebuilders: 2, error: 0.5, lost: 0 },
];

const minutes = (seconds: number): string => (seconds / 60).toFixed(1);
const lines = sites.map((site) => {
  const [ours, single, least] = [simulate(site, false), simulate(site, true), bound(site)];
  const cells = [
    site.engines,
    site.rebuilders,
    site.error,
    site.lost,
    minutes(least),
    minutes(ours.whole),
    (ours.whole / least).toFixed(2),
    ours.calls,
    minutes(ours.wasted),
    minutes(single.whole),
  ];
  return `| ${cells.join(" | ")} |`;
});
process.stdout.write(
  [
    "| engines | rebuilders | error of estimates | engines lost | least possible, min | this schedule, min | ratio | calls | lost work, min | one image a call, min |",
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
    "",
  ].join("\n"),
);
