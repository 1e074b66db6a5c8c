import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../../pipeline/report/report.ts";
import { explain } from "../../../pipeline/verify/explain.ts";
import { injectable, injectCause } from "../../../pipeline/verify/inject/inject.ts";
import { tinyRepository } from "../../build/tiny-repository.ts";
import { lockstep } from "../../cli/lockstep.ts";
import { root, temporaryDirectory } from "../../support.ts";
import { sabotagePage } from "./page.ts";

const spec = `platforms: [linux/amd64, linux/arm64]
layers:
  - files: { from: app, into: /app }
  - symlinks: [{ path: /usr/local/bin/app, target: /app/run.sh }]
  - files: { from: lib, into: /opt/lib }
config:
  env: { A: "1", B: "2" }
  cmd: [/app/run.sh]
`;
const files = {
  "images/web/app/run.sh": "#!/bin/sh\nexec true\n",
  "images/web/app/notes.txt": `${Array.from({ length: 3000 }, (_, index) => `line ${index * 7919}`).join("\n")}\n`,
  "images/web/lib/a.js": "export const a = 1;\n",
  "images/web/lib/b.js": "export const b = 2;\n",
  [`images/web/lib/${"long".repeat(30)}.js`]: "export const c = 3;\n",
};

async function built() {
  const repository = await tinyRepository({ images: { web: spec }, files });
  const [image] = await repository.build();
  if (image === undefined) throw new Error("one image was built");
  return { repository, layout: image.layout };
}

/** Rows that say the same of what was injected. */
const same: Readonly<Record<string, readonly string[]>> = { Z2: ["Z7"], Z10: ["Z2"], P2: ["P1"] };

describe("build --inject", () => {
  it("is seen by explain, which names what was injected, for every cause", async () => {
    const { repository, layout } = await built();
    const { host, store } = repository;
    const named: (readonly [cause: string, place: number, ids: readonly string[]])[] = [];
    for (const cause of injectable.keys()) {
      const to = join(temporaryDirectory(), "web");
      await injectCause(host, layout, to, cause);
      const run = { host, store, report: silent, signal: new AbortController().signal };
      const { verdict, causes, differences, unread } = await explain(run, layout, to);
      expect([cause, verdict, differences.length > 0, unread]).toEqual([cause, "differs", true, []]);
      const ids = causes.map(({ id }) => id);
      named.push([cause, ids.findIndex((id) => id === cause || same[cause]?.includes(id) === true), ids.slice(0, 4)]);
    }
    const missed = (most: number): readonly string[] =>
      named.filter(([, place]) => place < 0 || place > most).map(([cause, , ids]) => `${cause}: ${ids.join(" ")}`);
    // What a cause looks like may also be the work of another; the corpus measures that. These shares only ever go up.
    expect(1 - missed(0).length / named.length, missed(0).join("\n")).toBeGreaterThanOrEqual(0.85);
    expect(1 - missed(2).length / named.length, missed(2).join("\n")).toBeGreaterThanOrEqual(0.94);
  });

  it("leaves store, records and later builds as they are, and marks the layout outside of the image", async () => {
    const { repository, layout } = await built();
    const before = readFileSync(join(layout, "index.json"), "utf8");
    const stored = readdirSync(repository.store.directory, { recursive: true }).toSorted();
    const to = join(temporaryDirectory(), "web");
    await injectCause(repository.host, layout, to, "P7");
    expect(readdirSync(repository.store.directory, { recursive: true }).toSorted()).toEqual(stored);
    const [again] = await repository.build();
    expect(again?.unchanged).toBe(true);
    expect(readFileSync(join(layout, "index.json"), "utf8")).toBe(before);
    expect(JSON.parse(readFileSync(join(to, "index.json"), "utf8"))).toMatchObject({
      annotations: { "dev.lockstep.injected": "P7" },
    });
    for (const name of readdirSync(join(to, "blobs/sha256"))) {
      const bytes = readFileSync(join(to, "blobs/sha256", name));
      if (bytes[0] === 0x7b) expect(bytes.toString("utf8")).not.toContain("injected");
    }
  });

  it("says when there is nothing to inject into, and writes no layout (LS5404)", async () => {
    const repository = await tinyRepository({
      images: { web: "layers:\n  - files: { from: app, into: /app }\n" },
      files,
    });
    const [image] = await repository.build();
    const to = join(temporaryDirectory(), "web");
    await expect(injectCause(repository.host, image?.layout ?? "", to, "O15")).rejects.toThrow(
      /nothing that O15 could change/,
    );
    expect(existsSync(join(to, "index.json"))).toBe(false);
  });

  it("works from the command line, end to end: explain and verify tell it from the build, copy refuses it", async () => {
    const { repository } = await built();
    const run = (...args: readonly string[]) => lockstep(args, { cwd: repository.root });
    const out = join(temporaryDirectory(), "injected");
    expect((await run("build", "web", "--offline")).code).toBe(0);
    const injected = await run("build", "web", "--offline", "--inject", "P7", "--out", out);
    expect(injected.stdout).toMatch(/^web {2}sha256:[0-9a-f]{64} .* with P7 injected\n$/);
    expect(injected.code).toBe(0);
    const explained = await run("explain", "out/images/web", join(out, "web"));
    expect(explained.code).toBe(1);
    expect(explained.stdout).toContain("P7");
    const against = await run("verify", "web", "--against", join(out, "web"));
    expect([against.code, against.stdout + against.stderr]).toEqual([1, expect.stringContaining("LS5004")]);
    const copied = await run("copy", `oci:${out}/web:web`, `oci:${out}/copy:web`);
    expect([copied.code, copied.stderr]).toEqual([3, expect.stringContaining("LS5403")]);
    expect((await run("build", "--help")).stdout).not.toContain("inject");
  });

  it("refuses unknown causes (LS5401), and to write where built images are (LS5402)", async () => {
    const { repository } = await built();
    const run = (...args: readonly string[]) =>
      lockstep(["build", "web", "--offline", ...args], { cwd: repository.root });
    const out = temporaryDirectory();
    expect(await run("--inject", "T99", "--out", out)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("LS5401") as string,
    });
    expect(await run("--inject", "P7")).toMatchObject({ code: 2, stderr: expect.stringContaining("LS5402") as string });
    expect(await run("--inject", "P7", "--out", "out/images")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("LS5402") as string,
    });
    expect(readdirSync(out)).toEqual([]);
  });
});

describe("docs/sabotage.md", () => {
  it("is what can be injected (npm test -- test/verify/inject -u writes it)", async () => {
    await expect(sabotagePage()).toMatchFileSnapshot(join(root, "docs/sabotage.md"));
  });
});
