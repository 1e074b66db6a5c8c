import { describe, expect, it } from "vitest";
import { problemsOfText, specOfText } from "./read.ts";

const npm = (...layers: readonly string[]): string =>
  `name: web\nlayers:\n${layers.map((layer) => `  - ${layer}\n`).join("")}`;

describe("an npm layer", () => {
  it("has every default written out, and its project relative to the repository", async () => {
    const { layers } = await specOfText(npm("npm: { project: app, into: /srv }"));
    expect(layers[0]).toEqual({
      kind: "npm",
      place: { file: "images/web/image.yaml", line: 3, column: 5 },
      project: "images/web/app",
      into: "/srv",
      omit: ["dev"],
      libc: "glibc",
      owner: { uid: 0, gid: 0 },
    });
  });

  it("may take development dependencies, leave out others, and be for another C library", async () => {
    const text = npm('npm: { project: ../../services/api, into: /, omit: [peer, dev], libc: musl, owner: "1:2" }');
    expect((await specOfText(text)).layers[0]).toMatchObject({
      project: "services/api",
      omit: ["dev", "peer"],
      libc: "musl",
      owner: { uid: 1, gid: 2 },
    });
    expect((await specOfText(npm("npm: { project: app, into: /a, omit: [] }"))).layers[0]).toMatchObject({ omit: [] });
  });

  it.each([
    [
      "LS2016",
      "npm: { project: ../../.., into: /srv }",
      'layers[0].npm.project "../../.." is not inside the repository',
    ],
    ["LS2017", "npm: { project: app, into: srv }", 'layers[0].npm.into "srv" must be absolute'],
    ["LS2018", "npm: { project: app, into: /bin }", "/bin is a link to /usr/bin in Debian"],
    ["LS2021", "npm: { project: app, into: /srv, omit: [dev, dev] }", "kind of dependency dev is listed twice"],
    ["LS2005", "npm: { project: app }", 'layers[0].npm needs the key "into"'],
    ["LS2003", "npm: { project: app, into: /srv, dev: true }", "dev"],
    ["LS2007", "npm: { project: app, into: /srv, libc: uclibc }", "layers[0].npm.libc"],
  ])("%s: is refused as %s", async (code, layer, message) => {
    const [line = "", ...more] = await problemsOfText(npm(layer));
    expect(more).toEqual([]);
    expect(line).toMatch(new RegExp(`^${code} images/web/image.yaml:3:`));
    expect(line).toContain(message);
  });

  it("LS2022: cannot be below a link", async () => {
    const text = npm("npm: { project: app, into: /srv }", "symlinks: [{ path: /srv, target: /data }]");
    expect((await problemsOfText(text))[0]).toMatch(/^LS2022 .*\/srv\/node_modules is below \/srv/);
  });
});
