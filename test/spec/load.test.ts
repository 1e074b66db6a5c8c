import { mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadImages } from "../../pipeline/spec/load.ts";
import { type Files, problemsOfRepository, withRepository } from "./read.ts";

/** A repository with one spec for each name. */
function images(specs: Readonly<Record<string, string>>): Files {
  const files = Object.entries(specs).map(([name, text]) => [`images/${name}/image.yaml`, `name: ${name}\n${text}`]);
  return Object.fromEntries(files);
}

const debian = "layers: [{ debian: { suite: trixie, packages: [nodejs] } }]\n";

describe("the images of a repository", () => {
  it("come with a base before those that are from it, otherwise by name", async () => {
    const files = images({ a: "from: z\n", b: debian, c: "from: a\n", z: "from: y\n", y: debian, m: debian });
    const names = await withRepository(files, async (root) => (await loadImages(root)).map(({ name }) => name));
    expect(names).toEqual(["b", "m", "y", "z", "a", "c"]);
  });

  it("are those of the samples, whose specs are good", async () => {
    const specs = await loadImages(fileURLToPath(new URL("../..", import.meta.url)));
    expect(specs.map(({ name }) => name)).toEqual([
      "compiler",
      "hello",
      "node",
      "markdown",
      "static",
      "legacy",
      "toolbox",
      "web",
    ]);
  });

  it("are none where there is none, and files and hidden folders beside them are no images", async () => {
    expect(await withRepository({ "images/README.md": "", "images/.cache/x": "" }, loadImages)).toEqual([]);
  });
});

describe("specs that are remembered", () => {
  const files = {
    ...images({
      base: debian,
      a: 'from: base\nconfig: { env: { B: "1", A: "2" } }\nlayers: [{ files: { from: x, into: /x } }]\n',
    }),
    "images/a/x": "",
  };

  it("are the same, are not parsed again, and are parsed again once they change", async () => {
    await withRepository(files, async (root) => {
      const known = new Map<string, string>();
      const memo = {
        get: (key: string) =>
          Promise.resolve(known.has(key) ? (JSON.parse(known.get(key) ?? "") as unknown) : undefined),
        put: (key: string, value: unknown) => Promise.resolve(void known.set(key, JSON.stringify(value))),
      };
      const parsed = await loadImages(root, memo);
      expect(known.size).toBe(2);
      const first = [...known.keys()];
      const recalled = await loadImages(root, memo);
      expect(recalled).toEqual(parsed);
      expect(JSON.stringify(recalled)).toBe(JSON.stringify(parsed));
      expect([...known.keys()]).toEqual(first);
      await writeFile(join(root, "images/base/image.yaml"), `name: base\nplatforms: [linux/arm64]\n${debian}`);
      await expect(loadImages(root, memo)).rejects.toThrow("LS2013 images/a/image.yaml:2:7");
      await writeFile(join(root, "images/base/image.yaml"), `name: base\n${debian}`);
      await rm(join(root, "images/a/x"));
      await expect(loadImages(root, memo)).rejects.toThrow("LS2015 images/a/image.yaml:4:27 images/a/x is not there");
      expect([...known.keys()]).toEqual(first);
    });
  });
});

describe("what is wrong with a repository", () => {
  it.each<[string, Files, readonly string[]]>([
    [
      "no images at all",
      { "README.md": "" },
      [
        "LS1006 <root> there is no folder images/; run the command in a repository with a folder images/<name>/image.yaml for each image",
      ],
    ],
    [
      "a folder without spec",
      { "images/web/image.yml": "name: web\n", "images/api/x": "" },
      [
        "LS2009 images/api has no image.yaml; write one, or remove the folder",
        "LS2009 images/web has no image.yaml; rename image.yml to image.yaml",
      ],
    ],
    [
      "a base that does not exist",
      images({ node: debian, web: "from: nod\n", api: "from: python\n", db: "from: db\n" }),
      [
        'LS2011 images/api/image.yaml:2:7 image "python" does not exist; there are db, node, web',
        "LS2012 images/db/image.yaml:2:7 images are based on each other: db -> db; remove one `from` of the circle",
        'LS2011 images/web/image.yaml:2:7 image "nod" does not exist; did you mean "node"?',
      ],
    ],
    [
      "a circle",
      images({ a: "from: b\n", b: "from: c\n", c: "from: a\n", d: "from: a\n" }),
      [
        "LS2012 images/a/image.yaml:2:7 images are based on each other: a -> b -> c -> a; remove one `from` of the circle",
      ],
    ],
    [
      "platforms the base lacks",
      images({
        base: `platforms: [linux/arm64]\n${debian}`,
        a: "from: base\n",
        b: "from: base\nplatforms: [linux/amd64]\n",
        c: "from: base\nplatforms: [linux/arm64]\n",
      }),
      [
        'LS2013 images/a/image.yaml:2:7 image "base", which this one is from, is not built for linux/amd64; write platforms: [linux/arm64]',
        'LS2013 images/b/image.yaml:3:12 image "base", which this one is from, is not built for linux/amd64; write platforms: [linux/arm64]',
      ],
    ],
    [
      "packages that do not fit the base",
      images({
        base: debian,
        mid: "from: base\n",
        a: "from: mid\nlayers:\n  - debian: { suite: bookworm, packages: [nodejs], dependencies: none }\n",
      }),
      [
        'LS2014 images/a/image.yaml:4:22 suite bookworm on image "base", which has packages of trixie; packages of two releases do not fit together: use one suite for both',
        'LS2014 images/a/image.yaml:4:66 dependencies: none on image "base", which has its packages with their dependencies; write dependencies: all',
      ],
    ],
    [
      "accounts of the base",
      images({
        base: `${debian}users: [{ name: app, uid: 1000, gid: 1000 }]\ngroups: [{ name: app, gid: 1000 }]\n`,
        mid: "from: base\n",
        a: "from: mid\nusers: [{ name: app, uid: 7, gid: 1000 }, { name: b, uid: 1000, gid: 1000 }]\ngroups: [{ name: b, gid: 1000, members: [app] }]\n",
      }),
      [
        'LS2019 images/a/image.yaml:3:17 user app is declared by image "base" already; remove it here: it comes with image "base"',
        'LS2019 images/a/image.yaml:3:59 uid 1000 belongs to app of image "base" already; give each its own',
        'LS2019 images/a/image.yaml:4:26 gid 1000 belongs to app of image "base" already; give each its own',
      ],
    ],
    [
      "groups and members that are not there",
      images({
        a: `${debian}users: [{ name: app, uid: 1000, gid: 1000 }, { name: b, uid: 1, gid: 100 }]\ngroups: [{ name: x, gid: 7000, members: [ap, www-data, app] }]\n`,
        b: "layers: [{ directories: [{ path: /a }] }]\nusers: [{ name: b, uid: 1, gid: 100 }]\n",
      }),
      [
        "LS2020 images/a/image.yaml:3:38 user app has gid 1000, and no group has it; add groups: [{ name: app, gid: 1000 }]",
        'LS2020 images/a/image.yaml:4:42 group x has the member ap, and no user is called so; did you mean "app"?',
        "LS2020 images/b/image.yaml:3:33 user b has gid 100, and no group has it; add groups: [{ name: b, gid: 100 }]",
      ],
    ],
    [
      "problems of several files, without those that follow from others",
      {
        ...images({ a: "from: b\nusers: [{ name: x, uid: 1, gid: 5000 }]\n", c: "from: d\n" }),
        "images/b/image.yaml": "name: b\nlayer: []\n",
        "images/d/image.yaml": "name: e\nlayers: []\n",
      },
      [
        "LS2005 images/b/image.yaml:1:1 layers must be given for an image that is not from another",
        'LS2003 images/b/image.yaml:2:1 unknown key "layer"; did you mean "layers"?',
        'LS2010 images/d/image.yaml:1:7 image "e" is in the folder "d"; write name: d, or rename the folder',
      ],
    ],
    [
      "files that are not there",
      {
        ...images({ a: "layers:\n  - files: { from: app, into: /a }\n  - files: { from: image.yaml/x, into: /b }\n" }),
      },
      [
        "LS2015 images/a/image.yaml:3:20 images/a/app is not there; names are relative to the folder of image.yaml",
        "LS2015 images/a/image.yaml:4:20 images/a/image.yaml/x is not there; names are relative to the folder of image.yaml",
      ],
    ],
  ])("is told: %s", async (_, files, expected) => {
    expect(await problemsOfRepository(files)).toEqual(expected);
  });

  it("is told once of sources whose names leave the repository, whatever is there", async () => {
    const names = ["../../..", "../../../nowhere", "/etc", "/nowhere", "app/../../../..", "../.."];
    const layers = names.map((name, index) => `  - files: { from: "${name}", into: /a${index} }\n`).join("");
    const lines = await problemsOfRepository(images({ a: `layers:\n${layers}` }));
    expect(lines.map((line) => line.replace(/ is not inside .*/, ""))).toEqual(
      names.map((name, index) => `LS2016 images/a/image.yaml:${index + 3}:20 layers[${index}].files.from "${name}"`),
    );
  });

  it("is told of sources that leave the repository through a link, are links, or are no files", async () => {
    const files = images({
      a: "layers:\n  - files: { from: out/etc, into: /a }\n  - files: { from: link, into: /b }\n  - files: { from: ../../shared/in, into: /c }\n",
    });
    const lines = await problemsOfRepository({ ...files, "shared/real/in/x": "" }, async (root) => {
      await symlink("/", join(root, "images/a/out"));
      await symlink("image.yaml", join(root, "images/a/link"));
      await symlink("real/in", join(root, "shared/in"));
    });
    expect(lines).toEqual([
      "LS2016 images/a/image.yaml:3:20 images/a/out/etc leads through a symbolic link out of the repository; copy the files into the repository",
      "LS2015 images/a/image.yaml:4:20 images/a/link is a symbolic link; name what the link points to",
      "LS2015 images/a/image.yaml:5:20 shared/in is a symbolic link; name what the link points to",
    ]);
  });

  it("is told of a spec that is too large, not text, or not a file", async () => {
    const files = { "images/a/image.yaml": "", "images/b/image.yaml": "name: b", "images/c/x": "" };
    const lines = await problemsOfRepository(files, async (root) => {
      await truncate(join(root, "images/a/image.yaml"), (1 << 20) + 1);
      await writeFile(join(root, "images/b/image.yaml"), Buffer.from("name: \xe4", "latin1"));
      await rename(join(root, "images/c/x"), join(root, "images/c/y"));
      await mkdir(join(root, "images/c/image.yaml"));
    });
    expect(lines).toEqual([
      "LS2006 images/a/image.yaml document is larger than 1 MiB",
      "LS2001 images/b/image.yaml is not UTF-8 text; save it as UTF-8",
      "LS2009 images/c/image.yaml is not a file; make it one",
    ]);
  });
});
