/** Rebuilds many images on several engines: shares them out, collects what each says, and goes on when an engine is lost. */
import { interrupted } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { Report } from "../../report/report.ts";
import { type Job, Schedule, type ScheduleOptions } from "./schedule.ts";

/** What an engine says of one image: it built it, and rebuilt it in other surroundings. */
export interface EngineVerdict {
  readonly image: string;
  readonly verdict: "reproduced" | "differs" | "could not tell";
  /** Of the rebuilt index; absent when there is none. */
  readonly digest?: string;
  readonly reason?: string;
}

/** What came of a call: `failed` when the engine is there and the work did not end well, `lost` when the engine is gone. */
export type CallOutcome =
  | { readonly kind: "done"; readonly verdicts: readonly EngineVerdict[] }
  | { readonly kind: "failed" | "lost"; readonly reason: string };

/** A way to have images rebuilt on an engine. */
export interface EngineRunner {
  /** Why the engine cannot be used; undefined when it can. */
  ready(engine: string): Promise<string | undefined>;
  rebuild(engine: string, images: readonly string[]): Promise<CallOutcome>;
}

/** One rebuild of one image. */
export interface Rebuilt extends EngineVerdict {
  readonly engine: string;
  /** Of the call that it was part of. */
  readonly seconds: number;
  /** How many images the call had. */
  readonly together: number;
}

export interface FleetResult {
  /** By image, in the order in which they came. */
  readonly rebuilds: ReadonlyMap<string, readonly Rebuilt[]>;
  /** Why rebuilds that were wanted did not happen, by image. */
  readonly failures: ReadonlyMap<string, readonly string[]>;
  /** Engines that could not be used, or were lost, with why. */
  readonly lost: ReadonlyMap<string, string>;
}

/** How often an image may fail alone, on different engines, before it is given up. */
const mostFailures = 2;

class Fleet {
  readonly #host: Host;
  readonly #runner: EngineRunner;
  readonly #schedule: Schedule;
  readonly rebuilds = new Map<string, Rebuilt[]>();
  readonly failures = new Map<string, string[]>();
  readonly lost = new Map<string, string>();
  #wake: (() => void)[] = [];

  constructor(host: Host, runner: EngineRunner, schedule: Schedule) {
    this.#host = host;
    this.#runner = runner;
    this.#schedule = schedule;
  }

  /** Lets idle engines look again. */
  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #fail(images: readonly string[], reason: string): void {
    for (const image of images) this.failures.set(image, [...(this.failures.get(image) ?? []), reason]);
  }

  async #call(engine: string, images: readonly string[]): Promise<boolean> {
    const begin = this.#host.elapsed();
    const outcome = await this.#runner.rebuild(engine, images);
    const seconds = (this.#host.elapsed() - begin) / 1000;
    if (outcome.kind === "lost") {
      this.lost.set(engine, outcome.reason);
      this.#fail(this.#schedule.lost(engine), `${engine} was lost: ${outcome.reason}`);
      return false;
    }
    const verdicts = outcome.kind === "done" ? outcome.verdicts : [];
    const missing = images.filter((image) => !verdicts.some((one) => one.image === image));
    if (missing.length > 0) {
      const reason = outcome.kind === "failed" ? outcome.reason : `it said nothing of ${missing.join(", ")}`;
      this.#schedule.failed(engine);
      const [only] = images;
      if (images.length === 1 && only !== undefined) {
        this.#fail([only], `${engine}: ${reason}`);
        if ((this.failures.get(only)?.length ?? 0) >= mostFailures) this.#schedule.giveUp(only);
      }
      return true;
    }
    for (const verdict of verdicts) {
      if (!images.includes(verdict.image)) continue;
      const rebuilt = { ...verdict, engine, seconds, together: images.length };
      this.rebuilds.set(verdict.image, [...(this.rebuilds.get(verdict.image) ?? []), rebuilt]);
    }
    this.#schedule.done(engine);
    return true;
  }

  async serve(engine: string, signal: AbortSignal, onDone: (count: number) => void): Promise<void> {
    const reason = await this.#runner.ready(engine);
    if (reason !== undefined) {
      this.lost.set(engine, reason);
      this.#schedule.lost(engine);
      this.#changed();
      return;
    }
    for (;;) {
      if (signal.aborted) return;
      const images = this.#schedule.next(engine);
      if (images === undefined) {
        if (!this.#schedule.waiting) return;
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      const alive = await this.#call(engine, images);
      this.#changed();
      if (!alive) return;
      onDone(images.length);
    }
  }
}

/**
 * Rebuilds every image on as many engines as `options` says. Gives what there is also when engines are lost or images fail: who reads it
 * decides what that means. Throws LS1003 when it is interrupted.
 */
export async function rebuildOnEngines(
  host: Host,
  report: Report,
  runner: EngineRunner,
  jobs: readonly Job[],
  engines: readonly string[],
  options: ScheduleOptions,
  signal: AbortSignal,
): Promise<FleetResult> {
  const schedule = new Schedule(jobs, engines, options);
  const fleet = new Fleet(host, runner, schedule);
  const total = jobs.length * options.rebuilders;
  const task = report.task(`rebuild ${jobs.length} images on ${engines.length} engines`, "items");
  let done = 0;
  task.progress(0, total);
  try {
    await Promise.all(
      engines.map((engine) => fleet.serve(engine, signal, (count) => task.progress((done += count), total))),
    );
  } finally {
    task.done();
  }
  if (signal.aborted) throw interrupted();
  for (const image of schedule.abandoned)
    if (!fleet.failures.has(image)) fleet.failures.set(image, ["no engine is left to rebuild it"]);
  return fleet;
}
