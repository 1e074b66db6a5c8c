import { describe, expect, it } from "vitest";
import { problemsOfRepository, problemsOfText, specOfText } from "./read.ts";

const from = (image: string): string => `name: web\nfrom: { image: "${image}" }\n`;

describe("from: { image: … }", () => {
  it.each([
    "registry.example/base:1",
    "registry.example:5000/team/base:1.2-rc_3",
    "localhost/base:1",
    "base:1",
    "team/base:latest",
    `registry.example/base@sha256:${"ab".repeat(32)}`,
    `registry.example/base:1@sha256:${"ab".repeat(32)}`,
    "[::1]:5000/a__b/c-d.e:T",
  ])("names an image of a registry: %s", async (image) => {
    const spec = await specOfText(from(image));
    expect(spec.base).toEqual({ image, place: { file: "images/web/image.yaml", line: 2, column: 16 } });
    expect(spec).not.toHaveProperty("from");
    expect(spec.layers).toEqual([]);
  });

  it.each([
    "registry.example/base:",
    "registry.example/Base:1",
    "registry.example/base:1 ",
    "https://registry.example/base:1",
    "registry.example/base:1@sha256:abcd",
    `registry.example/base@sha512:${"ab".repeat(64)}`,
    "registry.example//base:1",
    "registry.example/base:-1",
    "user@registry.example/base:1",
    "../base:1",
    `registry.example/base:${"x".repeat(129)}`,
  ])("LS2035: is a reference: not %s", async (image) => {
    const [line, ...others] = await problemsOfText(from(image));
    expect(line).toContain(`LS2035 images/web/image.yaml:2:16 from.image "${image}" is not a reference to an image`);
    expect(others).toEqual([]);
  });

  it("LS2035: has a tag or a digest; a port is none", async () => {
    for (const image of ["registry.example/base", "registry.example:5000/base"]) {
      expect(await problemsOfText(from(image))).toEqual([
        `LS2035 images/web/image.yaml:2:16 from.image "${image}" has neither a tag nor a digest; write ${image}:tag; the lock pins its digest`,
      ]);
    }
  });

  it("LS2003, LS2004, LS2007: is a name, or a mapping with exactly one key", async () => {
    for (const value of ["{ image: 5 }", "{ image: a:1, tag: x }", "[node]", "{ }", "Node", '""']) {
      expect((await problemsOfText(`name: web\nfrom: ${value}\n`)).join("\n")).toMatch(
        /^LS200[3457] images\/web\/image\.yaml:2/,
      );
    }
  });

  it("LS2036: has no debian layer on it, nor on an image that is from it", async () => {
    const layers = "layers:\n  - debian: { suite: trixie, packages: [netbase] }\n";
    expect((await problemsOfText(`${from("registry.example/base:1")}${layers}`)).join("\n")).toMatch(
      /^LS2036 images\/web\/image\.yaml:4:\d+ a debian layer on an image of a registry/,
    );
    const found = await problemsOfRepository({
      "images/low/image.yaml": from("registry.example/base:1").replace("web", "low"),
      "images/middle/image.yaml": "name: middle\nfrom: low\n",
      "images/web/image.yaml": `name: web\nfrom: middle\n${layers}`,
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(
      /^LS2036 images\/web\/image\.yaml:4:\d+ a debian layer on image "low", which is from registry\.example\/base:1/,
    );
  });

  it("leaves the question which groups there are to the base", async () => {
    const users = "users: [{ name: app, uid: 1000, gid: 4321 }]\ngroups: [{ name: g, gid: 5, members: [someone] }]\n";
    const found = await problemsOfRepository({
      "images/web/image.yaml": `${from("registry.example/base:1")}${users}`,
      "images/top/image.yaml": "name: top\nfrom: web\nusers: [{ name: other, uid: 1001, gid: 7 }]\n",
    });
    expect(found).toEqual([]);
  });
});
