import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Directories, type DirectoryMetadata } from "../../pipeline/build/directories.ts";

const plain = { mode: 0o755, uid: 0, gid: 0 };
const sticky = { mode: 0o1777, uid: 0, gid: 0 };
const mail = { mode: 0o2775, uid: 0, gid: 8 };

describe("Directories", () => {
  it("names each directory once, parents before what is in them, in the order of bytes", () => {
    const directories = new Directories();
    directories.add("usr/share", plain, "a");
    directories.addParents("usr/lib/x/y", "b");
    directories.add("var/mail", mail, "b");
    directories.addParents("var/mail/root", "b");
    expect(directories.entries(7).map(({ path, mode, gid, mtime }) => [path, mode, gid, mtime])).toEqual(
      [
        ["usr", 0o755, 0, 7],
        ["usr/lib", 0o755, 0, 7],
        ["usr/lib/x", 0o755, 0, 7],
        ["usr/share", 0o755, 0, 7],
        ["var/mail", 0o2775, 8, 7],
      ].toSpliced(4, 0),
    );
  });

  it("does not depend on who names a directory first", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(["plain a", "plain b", "sticky c"], { minLength: 3 }), (order) => {
        const directories = new Directories();
        for (const item of order) directories.add("tmp", item.startsWith("plain") ? plain : sticky, item);
        expect(directories.entries(0)).toEqual([{ type: "directory", path: "tmp", ...sticky, mtime: 0 }]);
      }),
    );
  });

  it("refuses two that differ, with both and where they are from (LS4202)", () => {
    const directories = new Directories();
    directories.add("srv", { mode: 0o700, uid: 100, gid: 100 }, "a_1_all");
    directories.add("srv", plain, "b_1_all");
    expect(() => directories.add("srv", { mode: 0o1770, uid: 0, gid: 50 }, "c_1_all")).toThrow(
      "LS4202 directory srv is 0700 100:100 in a_1_all and 1770 0:50 in c_1_all",
    );
    // What Lockstep itself makes decides.
    directories.replace("srv", sticky, "the system");
    expect(directories.entries(0)[0]).toMatchObject(sticky);
  });

  it("does not repeat what the layers below have, and never resets it by a plain mention", () => {
    const below: ReadonlyMap<string, DirectoryMetadata> = new Map([
      ["tmp", sticky],
      ["usr", plain],
    ]);
    const directories = new Directories(below);
    directories.add("tmp", plain, "a");
    directories.add("usr", plain, "a");
    directories.add("opt", plain, "a");
    expect(directories.entries(0).map(({ path }) => path)).toEqual(["opt"]);
    expect(directories.merged().get("tmp")).toEqual(sticky);
    // A spec that names it means it.
    expect(directories.entries(0, new Set(["tmp"])).map(({ path }) => path)).toEqual(["opt", "tmp"]);
    directories.add("usr", mail, "b");
    expect(directories.entries(0).map(({ path }) => path)).toEqual(["opt", "usr"]);
  });
});
