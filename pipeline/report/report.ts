/** What a verb tells while it works: events that become a progress bar, plain lines or nothing, depending on who listens. */

export interface Task {
  /** Work done so far and in all, in the task's unit (bytes where it moves data). */
  progress(done: number, total: number): void;
  /** Ends the task; `summary` is shown in its place. */
  done(summary?: string): void;
}

export interface Report {
  /** Starts a piece of work that takes time; `unit` tells how its amounts are shown. */
  task(title: string, unit?: "bytes" | "items"): Task;
  /** A line for a person who asked for detail (`--verbose`). */
  detail(line: string): void;
  /** Something the user should know although the work goes on, with its code where it has one. */
  warn(line: string): void;
}

/** A report nobody listens to. */
export const silent: Report = {
  task: () => ({ progress: () => {}, done: () => {} }),
  detail: () => {},
  warn: () => {},
};
