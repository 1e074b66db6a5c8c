/** How far a task is, how fast it goes and how long it will still take. */
import { humanAmount, humanRemaining } from "./format.ts";

/** Milliseconds over which the rate is taken: long enough to be calm, short enough to notice that a download slows down. */
const window = 5000;

interface Sample {
  readonly at: number;
  readonly done: number;
}

export class Meter {
  readonly unit: "bytes" | "items";
  readonly startedAt: number;
  #samples: readonly Sample[];
  #done = 0;
  #total = 0;

  /** `at` is monotonic milliseconds (`host.elapsed()`), here and below. */
  constructor(unit: "bytes" | "items", at: number) {
    this.unit = unit;
    this.startedAt = at;
    this.#samples = [{ at, done: 0 }];
  }

  update(done: number, total: number, at: number): void {
    // Work that starts again (a download from the next mirror) starts its rate again too.
    const kept = done < this.#done ? [] : this.#samples;
    this.#done = done;
    this.#total = total;
    const last = kept.at(-1);
    // Ten samples a second are enough; a callback per chunk would grow the list without bound.
    const recent = last !== undefined && kept.length > 1 && at - last.at < 100 ? kept.slice(0, -1) : kept;
    // The newest sample older than the window stays: it is where the window begins.
    const from = recent.findLastIndex((sample) => sample.at <= at - window);
    this.#samples = [...recent.slice(Math.max(0, from)), { at, done }];
  }

  /** Between 0 and 1; 0 while the total is not known. */
  get fraction(): number {
    return this.#total > 0 ? Math.min(1, Math.max(0, this.#done / this.#total)) : 0;
  }

  /** Units a second; 0 while it is not known. */
  get rate(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 100) return 0;
    return ((last.done - first.done) * 1000) / (last.at - first.at);
  }

  /** Milliseconds still to go at the present rate; undefined while it cannot be told. */
  get remaining(): number | undefined {
    const { rate } = this;
    return rate > 0 && this.#total > this.#done ? ((this.#total - this.#done) / rate) * 1000 : undefined;
  }

  /** ` 45 %  12.0 MiB of 27.0 MiB  4.10 MiB/s  4 s left`, as much of it as is known; empty before the first progress. */
  describe(): string {
    if (this.#total <= 0 && this.#done <= 0) return "";
    const amount = (value: number): string => humanAmount(value, this.unit);
    const parts =
      this.#total > 0
        ? [
            `${Math.floor(this.fraction * 100)
              .toFixed(0)
              .padStart(3)} %`,
            `${amount(this.#done)} of ${amount(this.#total)}`,
          ]
        : [amount(this.#done)];
    if (this.rate > 0) parts.push(`${this.unit === "bytes" ? amount(this.rate) : this.rate.toFixed(1)}/s`);
    if (this.remaining !== undefined) parts.push(`${humanRemaining(this.remaining)} left`);
    return parts.join("  ");
  }
}
