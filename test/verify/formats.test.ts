import { expect, it } from "vitest";
import { format } from "../../pipeline/build/plan.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";

/** Index digests by number of the format. Those of a past number never change: what was released with it must come out again. */
const golden: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  1: {
    base: "sha256:5381f5eb2e8c928b6d94054b096bb13c16fa2fc5ddd95b321bcd076d51473cc5",
    app: "sha256:1f2f40fe128bab4447a71800f026ca801d8b01f7e36cc9d071c5ef6dcb14b860",
  },
};

it("every number of the format so far has golden digests", () => {
  expect(Object.keys(golden).map(Number)).toEqual(Array.from({ length: format }, (_, index) => index + 1));
});

it(`format ${format} gives its golden digests`, async () => {
  const repository = await tinyRepository({
    images: {
      base: image("tool", '  - directories: [{ path: /srv/data, mode: "0750", owner: "7:8" }]\n'),
      app: `from: base\nplatforms: [linux/amd64]\nlayers:\n  - files: { from: app, into: /app }\nconfig: { entrypoint: [/app/run], env: { A: b } }\n`,
    },
    packages: [
      {
        name: "tool",
        data: [
          { name: "./usr/bin/tool", content: "x".repeat(5000), mode: 0o4755 },
          { name: "./usr/bin/alias", flag: "2", link: "tool" },
        ],
      },
    ],
    files: { "images/app/app/run": "#!/bin/sh\n", [`images/app/app/${"long/".repeat(30)}name`]: "é\n" },
  });
  const built = await repository.build();
  const digests = built.map(({ image: name, index }) => [name, index.descriptor.digest]);
  expect(Object.fromEntries(digests)).toEqual(golden[format]);
});
