import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDockerfile } from "../../pipeline/dockerfile/parser.ts";
import { Lines } from "../../pipeline/dockerfile/text.ts";
import { root, run } from "../support.ts";
import { buildkitParser } from "./buildkit-parser.ts";
import { findingsOf, fixed, found } from "./lint-text.ts";

const folder = join(root, "test/lint/corpus");
const files = readdirSync(folder).filter((name) => name.endsWith(".Dockerfile"));
const read = (name: string): string => readFileSync(join(folder, name), "utf8");
const parser = await buildkitParser();

describe("the corpus of Dockerfiles", () => {
  it("has at least thirty, and exactly the findings that were reviewed", async () => {
    expect(files.length).toBeGreaterThanOrEqual(30);
    const lines = files.flatMap((name) => [`${name}`, ...found(name, read(name)).map((each) => `  ${each}`)]);
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(join(folder, "findings.golden"));
  });

  it.each(files)("%s has findings that lie in it, and fixes that change nothing the second time", (name) => {
    const text = read(name);
    for (const { at, end, fix } of findingsOf(name, text))
      for (const place of [{ at, end }, ...(fix ?? [])]) {
        expect(place.at).toBeGreaterThanOrEqual(0);
        expect(place.end).toBeGreaterThanOrEqual(place.at);
        expect(place.end).toBeLessThanOrEqual(text.length);
      }
    const once = fixed(name, text);
    expect(fixed(name, once)).toBe(once);
    // What is mended reads as before: no fix makes something that is not understood.
    const unread = (content: string): number => found(name, content).filter((each) => each.startsWith("LK9004")).length;
    expect(unread(once)).toBe(unread(text));
  });

  it.skipIf(parser === undefined).each(files)("%s is read as BuildKit reads it (needs python3 and PyPI)", (name) => {
    const text = read(name);
    const answer = run(parser?.python ?? "", ["-c", parser?.program ?? ""], { input: Buffer.from(text) });
    const theirs: unknown = JSON.parse(answer.stdout.toString());
    const lines = new Lines(text);
    const ours = parseDockerfile(text).instructions.map((instruction) => ({
      keyword: instruction.keyword,
      onbuild: instruction.onbuild,
      json: instruction.json?.map((item) => item.text) ?? null,
      flags: instruction.flags.map(({ at, end }) => text.slice(at, end)),
      body: instruction.keyword === "RUN" && instruction.json === undefined ? instruction.body.text.trim() : null,
      line: lines.place(instruction.at).line,
    }));
    // BuildKit's parser takes what is no instruction too; what it means is decided later.
    expect(ours).toEqual(theirs);
  });
});
