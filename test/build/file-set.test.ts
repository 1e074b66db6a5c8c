import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readFileSet } from "../../pipeline/build/file-set.ts";
import type { FilesLayer } from "../../pipeline/spec/types.ts";
import { run, temporaryDirectory } from "../support.ts";

function layer(more: Partial<FilesLayer> = {}): FilesLayer {
  return {
    kind: "files",
    place: { file: "images/app/image.yaml", line: 4, column: 5 },
    from: "app",
    into: "/srv/app",
    exclude: [],
    owner: { uid: 0, gid: 0 },
    mode: [],
    ...more,
  };
}

function tree(): string {
  const root = temporaryDirectory();
  mkdirSync(join(root, "app/lib/deep"), { recursive: true });
  mkdirSync(join(root, "app/.git"));
  writeFileSync(join(root, "app/.git/HEAD"), "ref");
  writeFileSync(join(root, "app/run"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(root, "app/lib/a.js"), "a");
  writeFileSync(join(root, "app/lib/a.test.js"), "test");
  writeFileSync(join(root, "app/lib/deep/Z"), "");
  symlinkSync("../run", join(root, "app/lib/link"));
  return root;
}

const show = (root: string, more?: Partial<FilesLayer>): readonly string[] =>
  readFileSet(root, layer(more)).entries.map(
    ({ path, type, mode, uid, gid }) => `${path} ${type} ${mode.toString(8)} ${uid}:${gid}`,
  );

describe("readFileSet", () => {
  it("gives what Git would keep: files, whether they are executable, and links", () => {
    const root = tree();
    expect(show(root)).toEqual([
      "srv/app directory 755 0:0",
      "srv/app/lib directory 755 0:0",
      "srv/app/lib/a.js file 644 0:0",
      "srv/app/lib/a.test.js file 644 0:0",
      "srv/app/lib/deep directory 755 0:0",
      "srv/app/lib/deep/Z file 644 0:0",
      "srv/app/lib/link symlink 777 0:0",
      "srv/app/run file 755 0:0",
    ]);
    const { entries, sources } = readFileSet(root, layer());
    expect(entries.find(({ path }) => path === "srv/app/lib/link")?.target).toBe("../run");
    const file = entries.find(({ path }) => path === "srv/app/lib/a.js");
    expect(file).toMatchObject({ size: 1, sha256: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" });
    expect(sources.get(file?.sha256 ?? "")).toBe(join(root, "app/lib/a.js"));
  });

  it("is the same whatever umask, times, setuid bits and hard links the checkout has", () => {
    const root = tree();
    const before = readFileSet(root, layer()).entries;
    chmodSync(join(root, "app/lib"), 0o2700);
    chmodSync(join(root, "app/run"), 0o4700);
    chmodSync(join(root, "app/lib/a.js"), 0o600);
    utimesSync(join(root, "app/lib/a.js"), 1, 1);
    linkSync(join(root, "app/lib/a.js"), join(root, "outside"));
    // Sparse or not is the file system's affair.
    truncateSync(join(root, "app/lib/deep/Z"), 0);
    expect(readFileSet(root, layer()).entries).toEqual(before);
  });

  it("leaves out what is excluded, a directory with all that is in it", () => {
    const root = tree();
    expect(show(root, { exclude: ["**/*.test.*", "lib/deep"] }).map((line) => line.split(" ")[0])).toEqual([
      "srv/app",
      "srv/app/lib",
      "srv/app/lib/a.js",
      "srv/app/lib/link",
      "srv/app/run",
    ]);
  });

  it("takes owner and modes of the spec, the last that matches", () => {
    const mode = [
      { glob: "**", mode: 0o640 },
      { glob: "lib/*.js", mode: 0o400 },
    ];
    const lines = show(tree(), { owner: { uid: 5, gid: 6 }, mode });
    expect(lines).toContain("srv/app/lib/a.js file 400 5:6");
    expect(lines).toContain("srv/app/run file 640 5:6");
    expect(lines).toContain("srv/app/lib/link symlink 777 5:6");
  });

  it("copies one file to a name, or into a directory when the name ends in a slash", () => {
    const root = tree();
    expect(show(root, { from: "app/run", into: "/usr/bin/app" })).toEqual(["usr/bin/app file 755 0:0"]);
    expect(show(root, { from: "app/run", into: "/usr/bin/" })).toEqual(["usr/bin/run file 755 0:0"]);
    expect(show(root, { from: "app/run", into: "/" })).toEqual(["run file 755 0:0"]);
    expect(show(root, { from: "app/lib/deep", into: "/" })).toEqual(["Z file 644 0:0"]);
  });

  it("refuses pipes, and names that other machines would read differently", () => {
    const root = tree();
    run("mkfifo", [join(root, "app/pipe")]);
    expect(() => readFileSet(root, layer())).toThrow(
      /^LS4004 images\/app\/image\.yaml:4:5 app\/pipe is a socket, a pipe/,
    );
    expect(show(root, { exclude: ["pipe"] })).toHaveLength(8);
    writeFileSync(Buffer.concat([Buffer.from(join(root, "app/caf")), Buffer.from([0xe9])]), "");
    expect(() => readFileSet(root, layer({ exclude: ["pipe"] }))).toThrow(
      /^LS4007 images\/app\/image\.yaml:4:5 file name "café"/,
    );
  });

  it("says what cannot be read", () => {
    expect(() => readFileSet(tree(), layer({ from: "nothing" }))).toThrow(
      /^LS1004 images\/app\/image\.yaml:4:5 cannot read nothing/,
    );
  });
});
