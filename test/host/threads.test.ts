import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { ask, converse } from "../../pipeline/host/threads.ts";
import { root, temporaryDirectory } from "../support.ts";

/** A module for threads. */
function program(text: string): URL {
  const directory = temporaryDirectory();
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
  writeFileSync(join(directory, "program.js"), text);
  return pathToFileURL(join(directory, "program.js"));
}

describe("threads", () => {
  it("answer, several at once, and move what they are told to", async () => {
    const double = program("export const answer = (n) => ({ content: n * 2 });");
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    expect(await Promise.all(numbers.map((n) => ask(double, n)))).toEqual(numbers.map((n) => n * 2));
    const bytes = new Uint8Array([1, 2, 3]);
    const reverse = program("export const answer = (b) => ({ content: b.reverse(), moved: [b.buffer] });");
    expect(await ask(reverse, bytes, [bytes.buffer])).toEqual(new Uint8Array([3, 2, 1]));
    expect(bytes.length).toBe(0);
  });

  it("remember within a conversation", async () => {
    const count = program(
      "const seen = new Map(); export const answer = (id) => (seen.set(id, (seen.get(id) ?? 0) + 1), { content: seen.get(id) });",
    );
    const talk = converse(count);
    for (const expected of [1, 2, 3, 4, 5]) expect(await talk.ask("a", [])).toBe(expected);
    talk.end();
  });

  it("pass on what is thrown, with the code of an error of the system, and go on", async () => {
    const open = program(
      'import { openSync } from "node:fs"; export const answer = (path) => ({ content: openSync(path) > 0 });',
    );
    await expect(ask(open, "/nowhere/at/all")).rejects.toMatchObject({ code: "ENOENT", syscall: "open" });
    expect(await ask(open, import.meta.filename)).toBe(true);
    await expect(ask(program("export const none = 1;"), 1)).rejects.toThrow(/answer/);
  });

  it("that are lost fail what they were asked, and others take their place", async () => {
    const leave = program("export const answer = () => process.exit(3);");
    await expect(ask(leave, 1)).rejects.toThrow("the thread has ended");
    const double = program("export const answer = (n) => ({ content: n * 2 });");
    expect(await ask(double, 4)).toBe(8);
  });

  it("keep the program from ending only while they owe an answer", () => {
    const slow = program(
      "export const answer = async (ms) => (await new Promise((done) => setTimeout(done, ms)), { content: ms });",
    );
    const script = `
      const { ask, startThreads } = await import(${JSON.stringify(join(root, "pipeline/host/threads.ts"))});
      await startThreads();
      ask(new URL(${JSON.stringify(slow.href)}), 200).then((ms) => console.log("answered", ms));`;
    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      timeout: 20_000,
    });
    expect([status, stdout.toString()]).toEqual([0, "answered 200\n"]);
  });
});
