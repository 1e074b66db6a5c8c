/** Entries of every section of inputs, together with every field that one may have: a new kind of input adds its own here. */
import type { LockedBasePlatform, LockedInputs } from "../../pipeline/lock/types.ts";

const basePlatform = (letter: string): LockedBasePlatform => ({
  manifest: {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${`${letter}1`.repeat(32)}`,
    size: 800,
  },
  config: {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: `sha256:${`${letter}2`.repeat(32)}`,
    size: 9,
  },
  created: "2026-02-03T04:05:06Z",
  layers: [3, 4].map((number) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    digest: `sha256:${`${letter}${number}`.repeat(32)}`,
    size: 1000 + number,
    diffId: `sha256:${`d${number}`.repeat(32)}`,
  })),
});

export const inputSamples: LockedInputs = {
  bases: new Map([
    [
      "registry.example/distro/base:1",
      {
        mediaType: "application/vnd.oci.image.index.v1+json",
        digest: `sha256:${"a1".repeat(32)}`,
        size: 700,
        platforms: {
          "linux/amd64": basePlatform("b"),
          "linux/arm64": basePlatform("c"),
        },
      },
    ],
  ]),
  git: new Map([
    [
      "https://git.example/team/project.git#v1.2",
      {
        commit: "ab".repeat(20),
        tree: "cd".repeat(20),
        date: "2026-01-02T03:04:05Z",
        size: 99,
        sha256: "78".repeat(32),
        submodules: { "lib/sub": `git@git.example:team/sub.git#${"ef".repeat(20)}` },
      },
    ],
    [
      `ssh://git@git.example/team/package.git#${"23".repeat(20)}`,
      {
        commit: "23".repeat(20),
        tree: "45".repeat(20),
        date: "2026-01-03T03:04:05Z",
        size: 97,
        sha256: "67".repeat(32),
        scripts: ["install: node-gyp rebuild", "prepare: node build.js", "postprepare: b"],
      },
    ],
    [
      `git@git.example:team/sub.git#${"ef".repeat(20)}`,
      {
        commit: "ef".repeat(20),
        tree: "01".repeat(20),
        date: "2026-01-01T03:04:05Z",
        size: 98,
        sha256: "9a".repeat(32),
        submodules: {},
      },
    ],
  ]),
  http: new Map([
    ["https://files.example/a?b=1", { size: 5, sha256: "12".repeat(32) }],
    [
      "https://files.example/tool.tar.gz",
      { size: 77, sha256: "34".repeat(32), signedBy: "minisign 0123456789ABCDEF", signingKey: "56".repeat(32) },
    ],
  ]),
  npm: new Map([
    [
      "@s/a@1.0.0-rc.1",
      { size: 9, sha256: "78".repeat(32), integrity: `sha512-${"A".repeat(86)}==`, license: "(MIT OR Apache-2.0)" },
    ],
    [
      "b@2.0.0#0123456789ab",
      {
        size: 10,
        sha256: "9a".repeat(32),
        integrity: `sha1-${"B".repeat(27)}=`,
        from: "https://files.example/b.tgz",
        scripts: ["preinstall: a", "install: node-gyp rebuild", "postinstall: b"],
      },
    ],
  ]),
  wheels: new Map([
    [
      "My_Tool-1.2.0-cp313-cp313-manylinux_2_28_x86_64.whl",
      { name: "my-tool", version: "1.2.0", size: 55, sha256: "bc".repeat(32), license: "MIT" },
    ],
  ]),
};
