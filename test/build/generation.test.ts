import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { generation } from "../../pipeline/build/generation.ts";
import { sources } from "../sources.ts";
import { root, temporaryDirectory } from "../support.ts";

const all = sources();

/** Rooms that code which decides bytes may use although a change of theirs makes no record stale, and why no byte depends on them. */
const decideNothing: Readonly<Record<string, string>> = {
  advisory: "what is known of vulnerabilities is printed beside a pin, and goes into no plan",
  registry: "what it fetches is named by digest in the lock, and held against it by the code that uses it",
  report: "words for people; nothing reads them again",
};

/** A program of one file for each room, and what its generation is. */
function program() {
  const directory = temporaryDirectory();
  const pipeline = join(directory, "pipeline");
  writeFileSync(join(directory, "package-lock.json"), "{}");
  for (const { room } of all) mkdirSync(join(pipeline, room), { recursive: true });
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(pipeline, path)), { recursive: true });
    writeFileSync(join(pipeline, path), text);
    return generation(pipeline);
  };
  return { directory, pipeline, write };
}

/** The rooms of which a change is seen in the generation. */
function hashed(): ReadonlySet<string> {
  const { write, pipeline } = program();
  const before = generation(pipeline);
  const found = new Set<string>();
  let last = before;
  for (const room of readdirSync(pipeline).toSorted()) {
    const now = write(`${room}/below/a.ts`, "one");
    if (now !== last) found.add(room);
    last = now;
  }
  return found;
}

describe("the generation of records", () => {
  // What a build starts from is in such a room, so the whole graph below it is held by what each of their files imports.
  it("has every room that the code which decides bytes uses, however far away, but for those that decide none", () => {
    const rooms = hashed();
    const inside = all.filter(({ room }) => rooms.has(room));
    for (const start of ["build/build.ts", "build/planner.ts", "build/repository.ts"])
      expect(inside.map(({ path }) => path)).toContain(start);
    const missing = inside.flatMap(({ path, imports }) =>
      imports.flatMap(({ file, typeOnly }) => {
        const [room = ""] = file?.split("/") ?? [];
        const known = file === undefined || typeOnly || rooms.has(room) || decideNothing[room] !== undefined;
        return known ? [] : [`${path} imports ${file}`];
      }),
    );
    expect(missing).toEqual([]);
  });

  it("has no room that the code which decides bytes does not use, and no exception that is not needed", () => {
    const rooms = hashed();
    const used = new Set(
      all
        .filter(({ room }) => rooms.has(room))
        .flatMap(({ imports }) =>
          imports.flatMap(({ file, typeOnly }) => (file === undefined || typeOnly ? [] : [file.split("/")[0]])),
        ),
    );
    expect([...rooms].filter((room) => room !== "build" && !used.has(room))).toEqual([]);
    expect(Object.keys(decideNothing).filter((room) => rooms.has(room) || !used.has(room))).toEqual([]);
  });

  it("has every file of these rooms but the keys of Debian, which decide what is pinned and are in no plan", () => {
    const rooms = hashed();
    const others = [...rooms].flatMap((room) =>
      readdirSync(join(root, "pipeline", room), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !/\.(?:[jt]s|wasm)$/.test(entry.name))
        .map(({ parentPath, name }) => join(parentPath, name).slice(join(root, "pipeline/").length)),
    );
    expect(others.filter((path) => !/^source\/debian\/keyring\/[\w-]+\.asc$/.test(path))).toEqual([]);
  });

  it("changes with names and contents of files and with the locked dependencies, and with nothing else", () => {
    const { directory, pipeline, write } = program();
    const first = write("image/tar.ts", "one");
    expect(first).toMatch(/^[0-9a-f]{12}$/);
    expect(write("image/tar.ts", "two")).not.toBe(first);
    expect(write("image/tar.ts", "one")).toBe(first);
    expect(write("image/tar.wasm", "code")).not.toBe(first);
    rmSync(join(pipeline, "image/tar.wasm"));
    expect(write("image/note.md", "text")).toBe(first);
    const moved = temporaryDirectory();
    cpSync(directory, moved, { recursive: true });
    expect(generation(join(moved, "pipeline"))).toBe(first);
    const two = write("image/rat.ts", "one");
    expect(two).not.toBe(first);
    writeFileSync(join(directory, "package-lock.json"), "{ }");
    expect(generation(pipeline)).not.toBe(two);
  });
});
