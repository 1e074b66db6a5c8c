/**
 * Shares images out among engines: the longest first, in batches that get smaller towards the end, each image as often as it is to be
 * rebuilt and never twice by one engine. Pure: it is told what happened, and says what comes next.
 */

export interface Job {
  readonly image: string;
  /** What a rebuild is thought to take, in seconds. */
  readonly cost: number;
}

export interface ScheduleOptions {
  /** How many engines rebuild each image. */
  readonly rebuilders: number;
  /** What a call takes whatever is in it, in seconds: batches are made so large that it does not matter. */
  readonly overhead: number;
  /** How many images a call has at most: so many are lost with an engine. */
  readonly largestBatch: number;
}

/** How often an image is tried on engines that are lost under it, before it is suspected of being why. */
const mostLosses = 3;

interface Open {
  readonly job: Job;
  /** How many engines are still to rebuild it, besides those that are at it. */
  wanted: number;
  /** Engines that have rebuilt it, failed at it, or are at it. */
  readonly taken: Set<string>;
  /** Engines that were lost while they were at it. */
  losses: number;
  /** Whether it goes alone: because of what happened to a batch with it. */
  alone: boolean;
}

export class Schedule {
  readonly #open: Open[];
  readonly #byImage: ReadonlyMap<string, Open>;
  readonly #engines = new Set<string>();
  readonly #busy = new Map<string, readonly Open[]>();
  readonly #options: ScheduleOptions;

  /** Throws a RangeError when fewer engines than rebuilders are there. */
  constructor(jobs: readonly Job[], engines: readonly string[], options: ScheduleOptions) {
    for (const engine of engines) this.#engines.add(engine);
    if (options.rebuilders < 1 || this.#engines.size < options.rebuilders)
      throw new RangeError(`${options.rebuilders} rebuilders and ${this.#engines.size} engines`);
    this.#options = options;
    this.#open = jobs
      .toSorted((x, y) => y.cost - x.cost || (x.image < y.image ? -1 : 1))
      .map((job) => ({ job, wanted: options.rebuilders, taken: new Set<string>(), losses: 0, alone: false }));
    this.#byImage = new Map(this.#open.map((open) => [open.job.image, open]));
  }

  /** Seconds of work that nobody has begun. */
  get #left(): number {
    return this.#open.reduce((sum, { job, wanted }) => sum + wanted * job.cost, 0);
  }

  /** What an engine is to do now; undefined when there is nothing for it, at least not yet. */
  next(engine: string): readonly string[] | undefined {
    if (!this.#engines.has(engine) || this.#busy.has(engine)) return undefined;
    const fitting = this.#open.filter(({ wanted, taken }) => wanted > 0 && !taken.has(engine));
    const [first] = fitting;
    if (first === undefined) return undefined;
    // Half of an even share, so that what is left evens out what was misjudged; but not so little that calls are all there is.
    const share = Math.max(this.#left / (2 * this.#engines.size), this.#options.overhead);
    const batch: Open[] = [];
    let cost = 0;
    for (const open of fitting) {
      if (batch.length > 0 && (open.alone || first.alone || cost + open.job.cost > share)) continue;
      batch.push(open);
      cost += open.job.cost;
      if (batch.length === this.#options.largestBatch || first.alone) break;
    }
    for (const open of batch) {
      open.wanted--;
      open.taken.add(engine);
    }
    this.#busy.set(engine, batch);
    return batch.map(({ job }) => job.image);
  }

  /** The engine has done all that it was given. */
  done(engine: string): void {
    this.#busy.delete(engine);
  }

  /**
   * The engine failed at what it was given, and is still there. Images of a batch are tried again one by one, on it or on others; one that
   * was alone is not tried on it again, and elsewhere only as long as there are engines that have not.
   */
  failed(engine: string): void {
    const batch = this.#busy.get(engine) ?? [];
    this.#busy.delete(engine);
    for (const open of batch) {
      open.wanted++;
      if (batch.length > 1) open.taken.delete(engine);
      open.alone = true;
    }
  }

  /** The engine is gone, and what it was at with it. Gives the images that lost too many engines to be tried again. */
  lost(engine: string): readonly string[] {
    const batch = this.#busy.get(engine) ?? [];
    this.#busy.delete(engine);
    this.#engines.delete(engine);
    const suspect: string[] = [];
    for (const open of batch) {
      open.losses++;
      open.alone ||= open.losses > 1;
      if (open.losses < mostLosses) open.wanted++;
      else {
        open.wanted = 0;
        suspect.push(open.job.image);
      }
    }
    return suspect;
  }

  /** An image is settled, whatever is still wanted of it: it failed where it was tried alone. */
  giveUp(image: string): void {
    const open = this.#byImage.get(image);
    if (open !== undefined) open.wanted = 0;
  }

  /** Whether an engine that is idle may get something later: from one that fails or is lost. */
  get waiting(): boolean {
    return this.#busy.size > 0;
  }

  /** Images that not enough engines are left for. */
  get abandoned(): readonly string[] {
    return this.#open.filter(({ wanted }) => wanted > 0).map(({ job }) => job.image);
  }
}
