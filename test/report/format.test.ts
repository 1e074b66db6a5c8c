import { assert, nat, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  counted,
  displayWidth,
  humanBytes,
  humanCount,
  humanDuration,
  humanRemaining,
  pad,
  printable,
  truncate,
} from "../../pipeline/report/format.ts";
import { Meter } from "../../pipeline/report/meter.ts";
import { table } from "../../pipeline/report/table.ts";

describe("amounts", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [3120, "3,120"],
    [1234567, "1,234,567"],
    [-5, "0"],
  ])("%i things are %s", (count, expected) => expect(humanCount(count)).toBe(expected));

  it("have their noun", () => {
    expect(counted(1, "file")).toBe("1 file");
    expect(counted(3120, "file")).toBe("3,120 files");
    expect(counted(2, "index", "indices")).toBe("2 indices");
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [1536, "1.50 KiB"],
    [10 * 1024 - 1, "10.0 KiB"],
    [1024 * 1024 - 1, "1.00 MiB"],
    [149 * 1024 * 1024, "149 MiB"],
    [2 ** 31, "2.00 GiB"],
    [-5, "0 B"],
  ])("%i bytes are %s", (bytes, expected) => expect(humanBytes(bytes)).toBe(expected));

  it.each([
    [0, "0.00 s"],
    [420, "0.42 s"],
    [9999, "10.0 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min 00 s"],
    [125_000, "2 min 05 s"],
    [3_599_600, "1 h 00 min"],
    [3_720_000, "1 h 02 min"],
  ])("%i ms are %s", (milliseconds, expected) => expect(humanDuration(milliseconds)).toBe(expected));

  it("rounds what remains up to whole seconds", () => {
    expect(humanRemaining(1)).toBe("1 s");
    expect(humanRemaining(61_000)).toBe("1 min 01 s");
  });
});

describe("text", () => {
  it("cuts and pads by columns, not by characters", () => {
    expect(displayWidth("漢字")).toBe(4);
    expect(truncate("漢字漢字", 5)).toBe("漢字…");
    expect(pad("漢", 4)).toBe("漢  ");
    expect(pad("7", 3, "right")).toBe("  7");
  });

  it("never gives more columns than asked for, and no control characters", () => {
    assert(
      property(string({ unit: "binary" }), nat(40), (text, columns) => {
        const shown = truncate(printable(text), columns);
        expect(displayWidth(shown)).toBeLessThanOrEqual(columns);
        expect(shown).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});

describe("table", () => {
  it("aligns columns and ends lines without spaces", () => {
    const rows = [
      { image: "web", size: "41.2 MiB", reproduced: "yes" },
      { image: "toolbox", size: "9.10 MiB", reproduced: "" },
    ];
    const text = table(rows, [
      { title: "image", value: (row) => row.image },
      { title: "size", value: (row) => row.size, align: "right" },
      { title: "reproduced", value: (row) => row.reproduced },
    ]);
    expect(text).toBe("image        size  reproduced\nweb      41.2 MiB  yes\ntoolbox  9.10 MiB\n");
  });

  it("keeps a hostile cell on its line", () => {
    expect(table([{ a: "x\ny" }], [{ title: "a", value: (row) => row.a }])).toBe("a\nx\\u{a}y\n");
  });
});

describe("meter", () => {
  it("takes the rate over the last seconds and forgets a fast start", () => {
    const meter = new Meter("bytes", 0);
    meter.update(1_000_000, 2_000_000, 1000);
    for (let second = 2; second <= 20; second++) meter.update(1_000_000 + second * 10, 2_000_000, second * 1000);
    expect(meter.rate).toBeCloseTo(10, 5);
  });

  it("starts again when the work does", () => {
    const meter = new Meter("bytes", 0);
    meter.update(500, 1000, 1000);
    meter.update(0, 1000, 2000);
    expect(meter.rate).toBe(0);
    meter.update(100, 1000, 3000);
    expect(meter.rate).toBe(100);
    expect(meter.remaining).toBe(9000);
  });

  it("keeps few samples however often it is told", () => {
    const meter = new Meter("bytes", 0);
    for (let i = 1; i <= 100_000; i++) meter.update(i, 100_000, i / 10);
    expect(meter.rate).toBeCloseTo(10_000, -3);
  });

  it("says only what it knows", () => {
    const meter = new Meter("items", 0);
    expect(meter.describe()).toBe("");
    meter.update(3, 0, 10);
    expect(meter.describe()).toBe("3");
    meter.update(3, 4, 20);
    expect(meter.describe()).toBe(" 75 %  3 of 4");
  });
});
