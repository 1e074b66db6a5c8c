/** The report a person reads: bars with rate and remaining time on a terminal, plain lines elsewhere, silence when asked. */
import type { Host } from "../host/host.ts";
import { displayWidth, humanDuration, pad, printable, truncate } from "./format.ts";
import { Meter } from "./meter.ts";
import type { Report, Task } from "./report.ts";
import { painter, type Style } from "./style.ts";

/** The part of a terminal or file stream that is used; standard error is one. */
export interface TextStream {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

type Level = "quiet" | "normal" | "verbose";

export interface TerminalOptions {
  /** Whether the stream is a terminal that understands cursor movements. */
  readonly tty: boolean;
  readonly color: boolean;
  /** `quiet` shows warnings only, `verbose` details too. */
  readonly level: Level;
  /** Ends the drawing when it fires, so that an interrupted program leaves a clean line and a visible cursor. */
  readonly signal?: AbortSignal;
}

export interface TerminalReport extends Report {
  /** Takes the bars away and gives the cursor back. Idempotent; what comes after it is written as plain lines. */
  close(): void;
}

interface Row {
  readonly title: string;
  readonly meter: Meter;
  /** When the last plain line was written, monotonic milliseconds. */
  saidAt: number;
}

/** Milliseconds between two drawings of the bars, and between two plain lines of one task. */
const redrawEvery = 100;
const sayEvery = 5000;
const barColumns = 24;
const mostBars = 8;

/**
 * Whether to write colours to a stream: NO_COLOR and FORCE_COLOR decide (no-color.org, force-color.org), else whether it is a terminal.
 * FORCE_COLOR=0 and NO_COLOR both mean no.
 */
export function wantsColor(host: Host, tty: boolean): boolean {
  if (host.env("NO_COLOR") !== undefined) return false;
  const force = host.env("FORCE_COLOR");
  if (force !== undefined) return force !== "0" && force !== "false";
  return tty && host.env("TERM") !== "dumb";
}

/** `=====>    `: plain ASCII, so that it looks the same in every font and locale. */
function bar(fraction: number): string {
  const full = Math.floor(fraction * barColumns);
  const head = full < barColumns ? ">" : "";
  return "=".repeat(full) + head + " ".repeat(barColumns - full - head.length);
}

class Screen implements TerminalReport {
  readonly #host: Host;
  readonly #stream: TextStream;
  readonly #options: TerminalOptions;
  readonly #rows = new Set<Row>();
  /** Lines of bars that are on the screen now, above the cursor. */
  #drawn = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(host: Host, stream: TextStream, options: TerminalOptions) {
    this.#host = host;
    this.#stream = stream;
    this.#options = options;
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
    if (options.signal?.aborted === true) this.close();
  }

  task(title: string, unit: "bytes" | "items" = "items"): Task {
    const at = this.#host.elapsed();
    const row: Row = { title: printable(title), meter: new Meter(unit, at), saidAt: at };
    this.#rows.add(row);
    if (this.#bars) this.#draw(false);
    else this.#line(row.title);
    return {
      progress: (done, total) => this.#progress(row, done, total),
      done: (summary) => this.#done(row, summary),
    };
  }

  detail(line: string): void {
    if (this.#options.level === "verbose") this.#above(this.#style("dim", printable(line)));
  }

  warn(line: string): void {
    this.#above(`${this.#style("yellow", "warning:")} ${printable(line)}`);
  }

  close(): void {
    if (this.#closed) return;
    this.#erase("");
    this.#closed = true;
  }

  get #interrupted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  get #bars(): boolean {
    return this.#options.tty && !this.#closed && this.#options.level !== "quiet";
  }

  #progress(row: Row, done: number, total: number): void {
    // A late callback of a finished task must not bring its bar back, and a task that is interrupted has nothing more to say.
    if (!this.#rows.has(row) || this.#interrupted) return;
    const at = this.#host.elapsed();
    row.meter.update(done, total, at);
    if (this.#bars) this.#draw(false);
    else if (at - row.saidAt >= sayEvery) {
      row.saidAt = at;
      this.#line(`${row.title}: ${row.meter.describe().trimStart()}`);
    }
  }

  #done(row: Row, summary: string | undefined): void {
    if (!this.#rows.delete(row) || this.#interrupted) return;
    const took = humanDuration(this.#host.elapsed() - row.meter.startedAt);
    const what = summary === undefined ? "done" : printable(summary);
    if (this.#options.level === "quiet") return;
    if (this.#bars) this.#above(`${this.#style("green", row.title)}: ${what} ${this.#style("dim", `(${took})`)}`);
    else this.#line(`${row.title}: ${what} (${took})`);
  }

  #style(style: Style, text: string): string {
    return painter(this.#options.color)(style, text);
  }

  #line(text: string): void {
    if (this.#options.level !== "quiet") this.#stream.write(`${text}\n`);
  }

  /** A line that stays, with the bars drawn again below it. */
  #above(text: string): void {
    if (!this.#bars) {
      this.#stream.write(`${text}\n`);
      return;
    }
    this.#erase(`${text}\n`);
    this.#draw(true);
  }

  /** Takes the bars off the screen, shows the cursor, and writes `after` in their place, all in one write. */
  #erase(after: string): void {
    const clear = this.#drawn > 0 ? `${this.#up}\u001b[0J\u001b[?25h` : "";
    this.#drawn = 0;
    if (clear + after !== "") this.#stream.write(clear + after);
  }

  /** To the beginning of the first bar. The terminal shows `^C` where the cursor was, so that it need not be at the beginning of a line. */
  get #up(): string {
    return `\r\u001b[${this.#drawn}A`;
  }

  #draw(now: boolean): void {
    const at = this.#host.elapsed();
    if (!now && at - this.#drawnAt < redrawEvery) return;
    this.#drawnAt = at;
    const lines = this.#lines();
    if (lines.length === 0) return;
    const up = this.#drawn > 0 ? this.#up : "\u001b[?25l";
    // Each line is cleared after it was written, and then whatever was below: nothing flickers.
    this.#stream.write(`${up}${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[0J`);
    this.#drawn = lines.length;
  }

  #lines(): readonly string[] {
    // One column is kept free: a full line would wrap on some terminals and the count of lines would be wrong.
    const columns = Math.max(10, (this.#stream.columns ?? 80) - 1);
    const room = Math.max(1, Math.min(mostBars, (this.#stream.rows ?? 24) - 2));
    const rows = [...this.#rows];
    const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
    const titles = Math.min(32, Math.max(0, ...shown.map((row) => displayWidth(row.title))));
    const lines = shown.map((row) => {
      const title = pad(truncate(row.title, titles), titles);
      const text = row.meter.describe();
      const full = text.includes("%") ? `${title} [${bar(row.meter.fraction)}] ${text}` : `${title} ${text}`;
      // The bar goes before the numbers do when the terminal is narrow.
      const line = displayWidth(full) <= columns ? full : `${title} ${text}`;
      return this.#style("cyan", truncate(line, columns).trimEnd());
    });
    if (shown.length < rows.length) lines.push(this.#style("dim", `and ${rows.length - shown.length} more`));
    return lines;
  }
}

/** A report for one stream, usually stderr; time is the host's monotonic clock. Writes nothing until something is reported. */
export function terminalReport(host: Host, stream: TextStream, options: TerminalOptions): TerminalReport {
  return new Screen(host, stream, options);
}
