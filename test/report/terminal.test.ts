import { describe, expect, it } from "vitest";
import { createHost, type Host } from "../../pipeline/host/host.ts";
import { type TerminalOptions, terminalReport, wantsColor } from "../../pipeline/report/terminal.ts";

/** A terminal of a few lines that understands what the report sends: the oracle is what a person would see. */
class FakeTerminal {
  readonly columns: number;
  readonly rows: number;
  raw = "";
  writes = 0;
  cursorHidden = false;
  #screen: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns = 100, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.raw += text;
    this.writes++;
    for (const [token, count, command] of text.matchAll(/\p{Cc}\[\??(\d*)([A-Za-z])|[^]/gu)) {
      if (command === undefined) this.#put(token);
      else if (command === "A") this.#row -= Number(count);
      else if (command === "K") this.#screen[this.#row] = this.#line().slice(0, this.#column);
      else if (command === "J")
        this.#screen = [...this.#screen.slice(0, this.#row), this.#line().slice(0, this.#column)];
      else if (command === "l") this.cursorHidden = true;
      else if (command === "h") this.cursorHidden = false;
      else if (command !== "m") throw new Error(`the fake terminal does not know ${JSON.stringify(token)}`);
    }
  }

  #line(): string {
    return this.#screen[this.#row] ?? "";
  }

  #put(character: string): void {
    if (character === "\n" || character === "\r") {
      if (character === "\n") this.#row++;
      this.#column = 0;
      this.#screen[this.#row] ??= "";
      return;
    }
    const line = this.#line().padEnd(this.#column);
    this.#screen[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
    if (this.#column > this.columns) throw new Error("a line is wider than the terminal");
  }

  get lines(): readonly string[] {
    return this.#screen.filter((line) => line !== "");
  }
}

function setUp(options: Partial<TerminalOptions> = {}, terminal = new FakeTerminal()) {
  let clock = 1000;
  const host: Host = { ...createHost(), elapsed: () => clock };
  const report = terminalReport(host, terminal, { tty: true, color: false, level: "normal", ...options });
  return { report, terminal, pass: (milliseconds: number) => (clock += milliseconds) };
}

describe("on a terminal", () => {
  it("draws a bar with percentage, amounts, rate and remaining time", () => {
    const { report, terminal, pass } = setUp();
    const task = report.task("download", "bytes");
    pass(1000);
    task.progress(25 * 1024 * 1024, 100 * 1024 * 1024);
    expect(terminal.lines).toEqual([
      "download [======>                 ]  25 %  25.0 MiB of 100 MiB  25.0 MiB/s  3 s left",
    ]);
    expect(terminal.cursorHidden).toBe(true);
  });

  it("draws several bars at once and leaves one line for each when they end", () => {
    const { report, terminal, pass } = setUp();
    const first = report.task("linux/amd64");
    const second = report.task("linux/arm64");
    pass(500);
    first.progress(1, 2);
    second.progress(1, 4);
    pass(500);
    second.progress(2, 4);
    expect(terminal.lines).toHaveLength(2);
    first.done("sha256:abc");
    expect(terminal.lines[0]).toBe("linux/amd64: sha256:abc (1.00 s)");
    expect(terminal.lines[1]).toContain("linux/arm64 [============>");
    second.done();
    expect(terminal.lines).toEqual(["linux/amd64: sha256:abc (1.00 s)", "linux/arm64: done (1.00 s)"]);
    expect(terminal.cursorHidden).toBe(false);
  });

  it("redraws at most ten times a second", () => {
    const { report, terminal, pass } = setUp();
    const task = report.task("compress", "bytes");
    for (let i = 0; i < 1000; i++) {
      pass(1);
      task.progress(i, 1000);
    }
    expect(terminal.writes).toBeLessThanOrEqual(11);
  });

  it("keeps details and warnings above the bars", () => {
    const { report, terminal, pass } = setUp({ level: "verbose" });
    const task = report.task("build");
    pass(200);
    task.progress(1, 2);
    report.warn("postinst of dash is not run");
    report.detail("layer 3 is cached");
    expect(terminal.lines.slice(0, 2)).toEqual(["warning: postinst of dash is not run", "layer 3 is cached"]);
    expect(terminal.lines[2]).toContain("build [");
  });

  it("shows the cursor and leaves no bar behind when interrupted", () => {
    const interrupt = new AbortController();
    const { report, terminal, pass } = setUp({ signal: interrupt.signal });
    const task = report.task("build");
    pass(200);
    task.progress(1, 2);
    // What a terminal does at Ctrl-C.
    terminal.write("^C");
    interrupt.abort();
    expect(terminal.lines).toEqual([]);
    expect(terminal.cursorHidden).toBe(false);
    // Nobody is told that it is done, and neither how far it is.
    pass(6000);
    task.progress(2, 2);
    task.done();
    expect(terminal.lines).toEqual([]);
    report.close();
    expect(terminal.raw.endsWith("\u001b[?25h")).toBe(true);
  });

  it.each([20, 40, 60, 200])("never writes a line wider than a terminal of %i columns", (columns) => {
    const { report, terminal, pass } = setUp({ color: true }, new FakeTerminal(columns));
    const task = report.task("a title that is much longer than anybody would want to read 漢字", "bytes");
    pass(1000);
    task.progress(5e9, 9e9);
    expect(terminal.lines).toHaveLength(1);
  });

  it("shows at most eight bars and says how many more there are", () => {
    const { report, terminal, pass } = setUp();
    const tasks = Array.from({ length: 20 }, (_, i) => report.task(`package ${i}`));
    pass(200);
    tasks[0]?.progress(1, 2);
    expect(terminal.lines).toHaveLength(8);
    expect(terminal.lines[7]).toBe("and 13 more");
  });

  it("does not let a title or a line move the cursor or add lines", () => {
    const { report, terminal } = setUp();
    report.task("evil\u001b[2Jtitle\nsecond").done("\u202egnp.exe");
    report.warn("a\rb");
    expect(terminal.lines).toEqual(["evil\\u{1b}[2Jtitle\\u{a}second: \\u{202e}gnp.exe (0.00 s)", "warning: a\\u{d}b"]);
  });

  it("does not bring a finished task back, and ends it once", () => {
    const { report, terminal, pass } = setUp();
    const task = report.task("build");
    task.done();
    pass(500);
    task.progress(1, 2);
    task.done("again");
    expect(terminal.lines).toEqual(["build: done (0.00 s)"]);
  });
});

describe("without a terminal", () => {
  it("writes start, at most one line every five seconds a task, and the end", () => {
    const { report, terminal, pass } = setUp({ tty: false });
    const task = report.task("download", "bytes");
    for (let i = 1; i <= 12; i++) {
      pass(1000);
      task.progress(i * 1024 * 1024, 20 * 1024 * 1024);
    }
    task.done("12 files");
    expect(terminal.lines).toEqual([
      "download",
      "download: 25 %  5.00 MiB of 20.0 MiB  1.00 MiB/s  15 s left",
      "download: 50 %  10.0 MiB of 20.0 MiB  1.00 MiB/s  10 s left",
      "download: 12 files (12.0 s)",
    ]);
    expect(terminal.raw).not.toContain("\u001b");
  });

  it("quiet shows warnings and nothing else", () => {
    for (const tty of [true, false]) {
      const { report, terminal, pass } = setUp({ tty, level: "quiet" });
      const task = report.task("download");
      pass(6000);
      task.progress(1, 2);
      report.detail("detail");
      report.warn("the mirror is slow");
      task.done();
      report.close();
      expect(terminal.raw).toBe("warning: the mirror is slow\n");
    }
  });

  it("keeps details for verbose", () => {
    const { report, terminal } = setUp({ tty: false });
    report.detail("not shown");
    expect(terminal.raw).toBe("");
  });

  it("colours a warning only when told to", () => {
    const { report, terminal } = setUp({ tty: false, color: true });
    report.warn("x");
    expect(terminal.raw).toBe("\u001b[33mwarning:\u001b[39m x\n");
  });
});

function colorGiven(variables: Readonly<Record<string, string>>, tty: boolean): boolean {
  return wantsColor({ ...createHost(), env: (name) => variables[name] }, tty);
}

describe("wantsColor", () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ TERM: "dumb" }, true, false],
  ])("%j on a terminal: %s gives %s", (variables, tty, expected) => {
    expect(colorGiven(variables as Readonly<Record<string, string>>, tty)).toBe(expected);
  });
});
