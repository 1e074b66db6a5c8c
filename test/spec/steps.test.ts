import { describe, expect, it } from "vitest";
import { problemsOfRepository, problemsOfText, specOfText } from "./read.ts";

const step = (lines: string): string => `name: web\nlayers:\n  - run:\n${lines.replace(/^/gm, "      ")}\n`;

describe("a run layer", () => {
  it("has every default written out, and a script is one for the shell", async () => {
    const [layer] = (await specOfText(step("script: make install\nenv: { VERSION: 1.10 }"))).layers;
    expect(layer).toEqual({
      kind: "run",
      place: { file: "images/web/image.yaml", line: 3, column: 5 },
      argv: ["/bin/sh", "-e", "-c", "make install"],
      env: { VERSION: "1.10" },
      workdir: "/",
      timeout: 3600,
      fetch: [],
      secrets: [],
      user: { uid: 0, gid: 0 },
    });
  });

  it("runs in another image of which outputs are taken", async () => {
    const text = step(
      "argv: [/usr/bin/make]\ntools: compiler\nfiles: [{ from: src, into: /src }]\noutputs: [{ from: /out, into: /opt }]",
    );
    const [layer] = (await specOfText(text)).layers;
    expect(layer).toMatchObject({
      argv: ["/usr/bin/make"],
      tools: {
        image: "compiler",
        files: [{ kind: "files", from: "images/web/src", into: "/src", exclude: [] }],
        outputs: [{ from: "/out", into: "/opt" }],
      },
    });
  });

  it("LS2055: has no network, whatever it is called", async () => {
    for (const network of ["default", "host", "bridge"]) {
      const [problem] = await problemsOfText(step(`argv: [/bin/true]\nnetwork: ${network}`));
      expect(problem).toBe(
        `LS2055 images/web/image.yaml:5:16 network: ${network}: what a step fetches is in no lock, so steps have no network; name the files that it needs under fetch:, or put them below it with an http, git, debian, npm or python layer`,
      );
    }
    expect(await problemsOfText(step("argv: [/bin/true]\nnetwork: none"))).toEqual([]);
  });

  it("fetches files that are named as in an http layer, for each platform", async () => {
    const [layer] = (
      await specOfText(
        step(
          `script: a\nuser: "65532:7"\nfetch:\n  - url: { linux/amd64: "https://files.example/a", linux/arm64: "https://files.example/b" }\n  - { url: "https://files.example/c", sha256: ${"ab".repeat(32)} }`,
        ),
      )
    ).layers;
    const c = { url: "https://files.example/c", sha256: "ab".repeat(32) };
    expect(layer).toMatchObject({
      user: { uid: 65532, gid: 7 },
      fetch: [
        {
          place: { line: 7, column: 11 },
          sources: {
            "linux/amd64": { url: "https://files.example/a" },
            "linux/arm64": { url: "https://files.example/b" },
          },
        },
        { sources: { "linux/amd64": c, "linux/arm64": c } },
      ],
    });
  });

  it("LS2007, LS2021: names secrets, each once, and never a value", async () => {
    const problems = async (names: string): Promise<readonly string[]> =>
      (await problemsOfText(step(`script: a\nsecrets: ${names}`))).map((line) => line.slice(0, 6));
    expect(await problems("[token, npm.token]")).toEqual([]);
    expect(await problems("[token, token]")).toEqual(["LS2021"]);
    expect(await problems('["a=b"]')).toEqual(["LS2007"]);
    expect(await problems("{ token: x }")).toEqual(["LS2004"]);
    expect(await problems('["../x"]')).toEqual(["LS2007"]);
  });

  it.each([
    ["LS2030", '{ url: "http://127.0.0.1/a" }', "is of the machine itself"],
    ["LS2030", '{ url: "https://localhost:8080/a" }', "is of the machine itself"],
    ["LS2030", '{ url: "http://files.example/a" }', "is not an https address"],
    ["LS2030", '{ url: "https://u:p@files.example/a" }', "has a user or a password in it"],
    ["LS2031", '{ url: { linux/amd64: "https://files.example/a" } }', "has nothing for linux/arm64"],
    ["LS2021", '{ url: "https://files.example/a" }, { url: "https://files.example/a" }', "is listed twice"],
    ["LS2003", '{ url: "https://files.example/a", into: /a }', "into"],
  ])("%s: refuses to fetch %s", async (code, items, message) => {
    for (const kind of [`run: { script: a, fetch: [${items}] }`, `dockerfile: { context: app, fetch: [${items}] }`]) {
      const problems = await problemsOfText(`name: web\nlayers:\n  - ${kind}\n`);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(new RegExp(`^${code} images/web/image.yaml:3:`));
      expect(problems[0]).toContain(message);
    }
  });

  it.each([
    ["argv: [make]", 'program "make" is not an absolute path'],
    ["argv: [/a=b]", "is not an absolute path"],
    ["argv: [/bin/a]\noutputs: [{ from: /a, into: /b }]", "outputs without tools"],
    ["argv: [/bin/a]\nfiles: [{ from: a, into: /b }]", "files without tools"],
    ["argv: [/bin/a]\ntools: node", "tools without outputs"],
  ])("LS2056: refuses %j", async (lines, message) => {
    const problems = (await problemsOfText(step(lines))).filter((line) => line.startsWith("LS2056"));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it("LS2007, LS2016 to LS2018: refuses what any layer refuses", async () => {
    const codes = async (lines: string): Promise<readonly string[]> =>
      (await problemsOfText(step(lines))).map((line) => line.slice(0, 6));
    expect(await codes("argv: [/bin/a]\nscript: a")).toEqual(["LS2007"]);
    expect(await codes("env: {}")).toEqual(["LS2007"]);
    expect(await codes("argv: [/bin/a]\nworkdir: a")).toEqual(["LS2017"]);
    const tools = "argv: [/bin/a]\ntools: node\n";
    expect(await codes(`${tools}outputs: [{ from: /a, into: /etc/passwd }]`)).toEqual(["LS2018"]);
    expect(await codes(`${tools}outputs: [{ from: a, into: /b }]`)).toEqual(["LS2017"]);
    const files = `${tools}outputs: [{ from: /a, into: /b }]\nfiles:`;
    expect(await codes(`${files} [{ from: ../../../x, into: /b }]`)).toEqual(["LS2016"]);
    expect(await codes(`${files} [{ from: x, into: /b, exclude: [/x] }]`)).toEqual(["LS2007"]);
  });

  it("LS2057: has no packages above it, and no packages, users or groups of an image that is from it", async () => {
    const debian = "  - debian: { suite: trixie, packages: [tiny] }\n";
    const [same] = await problemsOfText(`${step("argv: [/bin/a]")}${debian}`);
    expect(same).toBe(
      "LS2057 images/web/image.yaml:5:5 packages above a step that runs code; put the debian layer before the step",
    );
    const problems = await problemsOfRepository({
      "images/base/image.yaml": "name: base\nlayers:\n  - run: { argv: [/bin/a] }\n",
      "images/web/image.yaml": `name: web\nfrom: base\nlayers:\n${debian}users: [{ name: u, uid: 7, gid: 7 }]\ngroups: [{ name: u, gid: 7 }]\n`,
    });
    expect(problems).toEqual([
      'LS2057 images/web/image.yaml:4:5 packages on image "base", which has a step that runs code; put them into image "base", before its step',
      'LS2057 images/web/image.yaml:5:8 users on image "base", which has a step that runs code; put them into image "base", before its step',
      'LS2057 images/web/image.yaml:6:9 groups on image "base", which has a step that runs code; put them into image "base", before its step',
    ]);
  });
});

describe("a dockerfile layer", () => {
  it("has every default written out", async () => {
    const text = "name: web\nlayers:\n  - dockerfile: { context: app, args: { B: 1.10 }, images: [node, base] }\n";
    const [layer] = (await specOfText(text)).layers;
    expect(layer).toMatchObject({
      kind: "dockerfile",
      context: "images/web/app",
      file: "Dockerfile",
      args: { B: "1.10" },
      images: ["base", "node"],
      exclude: [],
      timeout: 3600,
    });
  });

  it("LS2016, LS2021, LS2056: stays in its context, which is in the repository", async () => {
    const codes = async (members: string): Promise<readonly string[]> =>
      (await problemsOfText(`name: web\nlayers:\n  - dockerfile: { ${members} }\n`)).map((line) => line.slice(0, 6));
    expect(await codes("context: ../../..")).toEqual(["LS2016"]);
    expect(await codes("context: app, file: ../Dockerfile")).toEqual(["LS2056"]);
    expect(await codes("context: app, file: /Dockerfile")).toEqual(["LS2056"]);
    expect(await codes("context: app, images: [a, a]")).toEqual(["LS2021"]);
  });

  it("LS2015: has a context that is there", async () => {
    const problems = await problemsOfRepository({
      "images/web/image.yaml": "name: web\nlayers:\n  - dockerfile: { context: app }\n",
    });
    expect(problems[0]).toContain("LS2015 images/web/image.yaml:3:28 images/web/app is not there");
  });
});

describe("images that steps use", () => {
  const uses = (name: string, more = ""): string =>
    `${more}layers:\n  - run: { argv: [/bin/a], tools: ${name}, outputs: [{ from: /a, into: /opt/a }] }\n`;

  it("LS2011 and LS2013: are there, for every platform", async () => {
    const problems = await problemsOfRepository({
      "images/app/image.yaml": `name: app\n${uses("tols")}`,
      "images/tools/image.yaml": `name: tools\nplatforms: [linux/amd64]\n${uses("app")}`,
      "images/web/image.yaml": `name: web\n${uses("tools")}`,
    });
    expect(problems).toEqual([
      'LS2011 images/app/image.yaml:3:35 image "tols" does not exist; did you mean "tools"?',
      'LS2013 images/web/image.yaml:3:35 image "tools", which a step uses, is not built for linux/arm64; write platforms: [linux/amd64]',
    ]);
  });

  it("LS2012: use each other in no circle, told once", async () => {
    const problems = await problemsOfRepository({
      "images/app/image.yaml": `name: app\n${uses("tools")}`,
      "images/base/image.yaml": `name: base\n${uses("app")}`,
      "images/tools/image.yaml": "name: tools\nfrom: base\nlayers: []\n",
    });
    expect(problems).toEqual([
      "LS2012 images/app/image.yaml:3:35 images are based on each other: app -> tools -> base -> app; remove one link of the circle",
    ]);
  });
});
