import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run as runVerify } from "../../pipeline/cli/verify.ts";
import { type Report, silent } from "../../pipeline/report/report.ts";
import type { Verdict } from "../../pipeline/verify/judge.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { temporaryDirectory } from "../support.ts";

const day = 86_400_000;

describe("verify holds waivers against what differs", () => {
  it("of a published image: 0 when they answer for all, and with --strict, a waiver too many, or one missing, 1", async () => {
    const repository = await tinyRepository({
      images: { app: image("tool", "  - files: { from: app, into: /app }\n") },
      packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
      files: { "images/app/app/a": "one\n", "images/app/app/b": "two\n" },
    });
    const [built] = await repository.build();
    const published = temporaryDirectory();
    cpSync(built?.layout ?? "", published, { recursive: true });
    repository.write("images/app/app/a", "changed since\n");
    const warned: string[] = [];
    const report: Report = { ...silent, warn: (text) => void warned.push(text) };
    const signal = new AbortController().signal;
    const host = { ...repository.host, cwd: repository.root };
    const context = { host, report, store: repository.store, root: repository.root, signal };
    const verify = async (options: Readonly<Record<string, unknown>> = {}) => {
      warned.length = 0;
      const { exit, text, result } = await runVerify(context, { against: published, perturb: "none", ...options }, [
        "app",
      ]);
      return { exit, text, verdict: (result as { readonly verdicts: readonly Verdict[] }).verdicts[0] };
    };
    const { exit, verdict } = await verify();
    expect([exit, verdict?.verdict, verdict?.comparison]).toEqual([1, "differs", undefined]);
    const differences = verdict?.against?.differences ?? [];
    expect(differences.length).toBeGreaterThan(0);
    const waiver = (place: string, cause: string): string =>
      `  - image: app\n    ${place}\n    cause: ${cause}\n    reason: published before the change\n    owner: team\n    expires: ${new Date(host.now() + 30 * day).toISOString().slice(0, 10)}\n`;
    const places = differences.map(({ where, causes }) => {
      const place = where.part === "entry" ? `path: /${where.path ?? ""}` : `field: '${where.part}.${where.field}'`;
      return waiver(place, causes[0]?.id ?? "");
    });
    const all = [...new Set(places)];
    repository.write("waivers.yaml", `waivers:\n${all.join("")}`);
    const waived = await verify();
    // What differs is shown all the same.
    expect(waived).toMatchObject({ exit: 0, verdict: { verdict: "differs", accepted: true } });
    expect(waived.text).toContain("  waivers answer for all that differs\n");
    expect(waived.text).toMatch(/^LS5004 app: /);
    expect(warned).toEqual([]);
    expect(await verify({ strict: true })).toMatchObject({ exit: 1 });
    expect(warned.join("\n")).toContain("LS5208");
    repository.write("waivers.yaml", `waivers:\n${all.join("")}${waiver("path: /nothing/there", "T1")}`);
    expect(await verify()).toMatchObject({ exit: 1 });
    expect(warned.join("\n")).toContain("LS5204");
    repository.write("waivers.yaml", `waivers:\n${all.slice(1).join("") || waiver("path: /nothing/there", "T1")}`);
    expect(await verify()).toMatchObject({ exit: 1 });
    rmSync(join(repository.root, "waivers.yaml"));
    expect(await verify()).toMatchObject({ exit: 1 });
    expect(warned).toEqual([]);
  });
});
