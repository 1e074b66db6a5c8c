import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { problemsOfText, specOfText } from "./read.ts";

const debian = "  - debian: { suite: trixie, packages: [nodejs] }";

describe("an image spec", () => {
  it("is read with every default filled in", async () => {
    expect(await specOfText(`name: web\nlayers:\n${debian}\n`)).toEqual({
      name: "web",
      file: "images/web/image.yaml",
      platforms: ["linux/amd64", "linux/arm64"],
      layers: [
        {
          kind: "debian",
          place: { file: "images/web/image.yaml", line: 3, column: 5 },
          suite: "trixie",
          packages: [{ name: "nodejs", place: { file: "images/web/image.yaml", line: 3, column: 41 } }],
          dependencies: "all",
          split: 1,
        },
      ],
      users: [],
      groups: [],
      config: { ports: [], env: {}, labels: {}, volumes: [] },
    });
  });

  it("is read whole", async () => {
    const spec = await specOfText(`
name: web
platforms: [linux/arm64, linux/amd64]
from: node
layers:
  - debian: { suite: trixie, packages: [tzdata, libstdc++6, ca-certificates], dependencies: none, split: 4 }
  - files:
      from: ../shared/app
      into: /app
      exclude: ["**/*.test.*", "{a,b}"]
      owner: "1:2"
      mode: { "bin/*": "0755", "8080": "644" }
  - directories: [{ path: /data, owner: 65532:65532, mode: "1777" }, { path: /x }]
  - symlinks: [{ path: /usr/local/bin/x, target: ../../../opt/x }]
users: [{ name: nonroot, uid: 65532, gid: 65532, shell: /bin/sh, gecos: The user }]
groups: [{ name: nonroot, gid: 65532, members: [nonroot] }]
config:
  entrypoint: [/usr/bin/node, "", -v]
  cmd: []
  user: 65532
  workdir: /app
  ports: [8080, 53/udp, "443"]
  env: { B: 1.10, A: 0755, C: no, D: true, E: "", F: "x y" }
  labels: { "10": 1, org.example/x: y }
  volumes: [/data, /a]
  stopSignal: SIGTERM
`);
    expect(spec.layers).toMatchObject([
      {
        packages: [{ name: "ca-certificates" }, { name: "libstdc++6" }, { name: "tzdata" }],
        dependencies: "none",
        split: 4,
      },
      {
        from: "images/shared/app",
        into: "/app",
        exclude: ["**/*.test.*", "{a,b}"],
        owner: { uid: 1, gid: 2 },
        mode: [
          { glob: "bin/*", mode: 0o755 },
          { glob: "8080", mode: 0o644 },
        ],
      },
      {
        directories: [
          { path: "/data", owner: { uid: 65532, gid: 65532 }, mode: 0o1777 },
          { path: "/x", owner: { uid: 0, gid: 0 }, mode: 0o755 },
        ],
      },
      { symlinks: [{ path: "/usr/local/bin/x", target: "../../../opt/x" }] },
    ]);
    expect(spec.platforms).toEqual(["linux/amd64", "linux/arm64"]);
    expect(spec.users).toEqual([
      { name: "nonroot", uid: 65532, gid: 65532, home: "/home/nonroot", shell: "/bin/sh", gecos: "The user" },
    ]);
    expect(spec.groups).toEqual([{ name: "nonroot", gid: 65532, members: ["nonroot"] }]);
    expect(spec.config).toEqual({
      entrypoint: ["/usr/bin/node", "", "-v"],
      cmd: [],
      user: "65532",
      workdir: "/app",
      ports: ["443/tcp", "53/udp", "8080/tcp"],
      env: { B: "1.10", A: "0755", C: "no", D: "true", E: "", F: "x y" },
      labels: { "10": "1", "org.example/x": "y" },
      volumes: ["/a", "/data"],
      stopSignal: "SIGTERM",
    });
    expect(Object.keys(spec.config.env)).toEqual(["B", "A", "C", "D", "E", "F"]);
  });

  it("may use anchors, whose places are those of the anchor", async () => {
    const text = "name: web\nfrom: node\nusers:\n  - &u { name: a, uid: 1, gid: 0 }\n  - *u\n";
    expect(await problemsOfText(text)).toEqual([
      "LS2019 images/web/image.yaml:4:16 user a is declared twice, first in line 4; keep one of them",
      "LS2019 images/web/image.yaml:4:24 uid 1 is declared twice, first in line 4; give each its own",
    ]);
  });

  it("needs no layers when it is from another image", async () => {
    expect((await specOfText("name: web\nfrom: node\n")).layers).toEqual([]);
  });
});

const head = "name: web\nlayers:\n";
const at = "images/web/image.yaml";

describe("what is wrong with an image spec", () => {
  it.each<[string, string, readonly string[]]>([
    // LS2001
    [
      "a list that is not closed",
      "name: [web\nlayers: []\n",
      [
        `LS2001 ${at}:2:1 is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]`,
      ],
    ],
    [
      "a tab",
      "name: web\nlayers:\n\t- x\n",
      [`LS2001 ${at}:3:1 is not YAML: Tabs are not allowed as indentation; indent with spaces`],
    ],
    [
      "a colon too many",
      "name: web: x\n",
      [
        `LS2001 ${at}:1:7 is not YAML: Nested mappings are not allowed in compact mappings; put the text in quotes if it is one string, or check the indentation`,
      ],
    ],
    ["an alias of nothing", "name: *x\n", [`LS2001 ${at}:1:7 alias *x has no anchor before it`]],
    ["an alias of itself", "name: web\nlayers: &a [*a]\n", [`LS2001 ${at}:2:13 alias *a has no anchor before it`]],
    ["a tag", "name: !!binary aGk=\n", [`LS2001 ${at}:1:7 is not YAML: Unresolved tag: tag:yaml.org,2002:binary`]],
    [
      "YAML 1.1",
      "%YAML 1.1\n---\nname: no\n",
      [
        `LS2001 ${at}:1:1 is not YAML: the directive asks for YAML 1.1; remove the %YAML directive: files are read as YAML 1.2, where \`no\` and \`0755\` are no surprise`,
      ],
    ],
    ["a list as key", "? [a]\n: 1\n", [`LS2001 ${at}:1:3 a key must be plain text`]],
    [
      "a NUL",
      'name: "a\\0b"\n',
      [`LS2001 ${at}:1:7 text holds a NUL character or half of a surrogate pair, which no file name and no JSON can`],
    ],
    [
      "half a character",
      'name: "\\ud800"\n',
      [`LS2001 ${at}:1:7 text holds a NUL character or half of a surrogate pair, which no file name and no JSON can`],
    ],
    [
      "a key that JavaScript takes for something else",
      "name: web\n__proto__: {}\n",
      [`LS2001 ${at}:2:1 a key must not be called "__proto__"`],
    ],
    // LS2002
    [
      "a key twice",
      "name: web\nlayers: []\nname: api\n",
      [`LS2002 ${at}:3:1 key "name" is written twice; the first is in line 1; keep one of them`],
    ],
    [
      "two keys twice",
      "name: web\nname: web\nconfig:\n  env: {A: 1,\n    A: 2}\n",
      [
        `LS2002 ${at}:2:1 key "name" is written twice; the first is in line 1; keep one of them`,
        `LS2002 ${at}:5:5 key "A" is written twice; the first is in line 4; keep one of them`,
      ],
    ],
    // LS2003
    [
      "an unknown key",
      `${head}${debian}\nplattforms: []\n`,
      [`LS2003 ${at}:4:1 unknown key "plattforms"; did you mean "platforms"?`],
    ],
    [
      "an unknown key with nothing like it",
      `${head}${debian}\nhealthcheck: {}\n`,
      [
        `LS2003 ${at}:4:1 unknown key "healthcheck"; known here are name, platforms, from, layers, users, groups, config`,
      ],
    ],
    [
      "an unknown key far within",
      `${head}  - debian: { suite: trixie, packages: [nodejs], dependecies: none }\n`,
      [`LS2003 ${at}:3:50 unknown key "dependecies"; did you mean "dependencies"?`],
    ],
    [
      "an unknown kind of layer",
      `${head}  - debain: {}\n`,
      [`LS2003 ${at}:3:5 unknown key "debain"; did you mean "debian"?`],
    ],
    [
      "a merge key",
      `x: &x {suite: trixie}\n${head}  - debian: { <<: *x, packages: [nodejs] }\n`,
      [
        `LS2003 ${at}:1:1 unknown key "x"; known here are name, platforms, from, layers, users, groups, config`,
        `LS2005 ${at}:4:13 layers[0].debian needs the key "suite"`,
        `LS2003 ${at}:4:15 unknown key "<<"; known here are suite, packages, dependencies, split`,
      ],
    ],
    // LS2004
    ["a list instead of a mapping", "[]\n", [`LS2004 ${at}:1:1 the document must be a mapping, not a list`]],
    [
      "a string instead of a list",
      `${head}  - debian: { suite: trixie, packages: nodejs }\n`,
      [`LS2004 ${at}:3:40 layers[0].debian.packages must be a list, not "nodejs"; write it as a list: [nodejs]`],
    ],
    [
      "a number instead of a string",
      `${head}${debian}\nconfig: { entrypoint: [sleep, 1e3] }\n`,
      [`LS2004 ${at}:4:31 config.entrypoint[1] must be a string, not the number 1e3; put it in quotes: "1e3"`],
    ],
    [
      "nothing instead of a mapping",
      `${head}${debian}\nconfig:\n`,
      [`LS2004 ${at}:4:1 config must be a mapping, not empty`],
    ],
    [
      "a mapping in the environment",
      `${head}${debian}\nconfig: { env: { A: {}, B: } }\n`,
      [
        `LS2004 ${at}:4:21 config.env.A must be a string, a number or a boolean, not a mapping`,
        `LS2004 ${at}:4:25 config.env.B must be a string, a number or a boolean, not empty`,
      ],
    ],
    [
      "a part of a uid",
      `${head}${debian}\nusers: [{ name: a, uid: 1.5, gid: 0 }]\n`,
      [`LS2004 ${at}:4:25 users[0].uid must be a whole number, not the number 1.5`],
    ],
    // LS2005
    ["no name", `layers:\n${debian}\n`, [`LS2005 ${at}:1:1 the document needs the key "name"`]],
    [
      "no layers and no base",
      "name: web\n",
      [`LS2005 ${at}:1:1 layers must be given for an image that is not from another`],
    ],
    [
      "no suite",
      `${head}  - debian: { packages: [nodejs] }\n`,
      [`LS2005 ${at}:3:13 layers[0].debian needs the key "suite"`],
    ],
    // LS2006
    ["nothing", "", [`LS2006 ${at}:1:1 document is empty; see docs/image-spec.md for what belongs in it`]],
    [
      "only a comment",
      "# later\n",
      [`LS2006 ${at}:1:1 document is empty; see docs/image-spec.md for what belongs in it`],
    ],
    [
      "two documents",
      `${head}${debian}\n---\nname: api\n`,
      [`LS2006 ${at}:4:1 a second document begins here; keep one document a file`],
    ],
    // LS2007
    [
      "a bad name",
      `name: Web_\nlayers:\n${debian}\n`,
      [`LS2007 ${at}:1:7 name must be lower-case letters and digits, joined by single ".", "_" or "-", not "Web_"`],
    ],
    [
      "another operating system",
      `${head}${debian}\nplatforms: [linux/amd65]\n`,
      [
        `LS2007 ${at}:4:13 platforms[0] must be "linux/amd64" or "linux/arm64", not "linux/amd65"; did you mean "linux/amd64"?`,
      ],
    ],
    [
      "a suite that moves",
      `${head}  - debian: { suite: stable, packages: [nodejs] }\n`,
      [
        `LS2007 ${at}:3:22 layers[0].debian.suite must be a suite by its code name, such as trixie: this name moves to another release, not "stable"`,
      ],
    ],
    [
      "a version in the spec",
      `${head}  - debian: { suite: trixie, packages: [nodejs=20, "libc6:amd64"] }\n`,
      [
        `LS2007 ${at}:3:41 layers[0].debian.packages[0] must be the name of a Debian package, without version or architecture (the lock pins those), not "nodejs=20"`,
        `LS2007 ${at}:3:52 layers[0].debian.packages[1] must be the name of a Debian package, without version or architecture (the lock pins those), not "libc6:amd64"`,
      ],
    ],
    [
      "no packages",
      `${head}  - debian: { suite: trixie, packages: [] }\n`,
      [`LS2007 ${at}:3:40 layers[0].debian.packages must have at least 1 item`],
    ],
    [
      "too many parts",
      `${head}  - debian: { suite: trixie, packages: [nodejs], split: 33 }\n`,
      [`LS2007 ${at}:3:57 layers[0].debian.split must be at most 32, not the number 33`],
    ],
    [
      "neither all nor none",
      `${head}  - debian: { suite: trixie, packages: [nodejs], dependencies: some }\n`,
      [`LS2007 ${at}:3:64 layers[0].debian.dependencies must be "all" or "none", not "some"`],
    ],
    [
      "two kinds in one layer",
      `${head}  - debian: { suite: trixie, packages: [nodejs] }\n    directories: [{ path: /a }]\n`,
      [
        `LS2007 ${at}:3:5 layers[0] must have exactly one of debian, files, directories, symlinks, git, http, npm, python, run and dockerfile`,
      ],
    ],
    [
      "a port",
      `${head}${debian}\nconfig: { ports: [0, 65536, http, "70000/udp", null] }\n`,
      [
        `LS2007 ${at}:4:19 config.ports[0] must be at least 1, not the number 0`,
        `LS2007 ${at}:4:22 config.ports[1] must be at most 65535, not the number 65536`,
        `LS2007 ${at}:4:29 config.ports[2] must be a port such as 8080, "53/udp" or "80/tcp", not "http"`,
        `LS2007 ${at}:4:35 config.ports[3] must be at most 65535, not "70000/udp"`,
        `LS2004 ${at}:4:48 config.ports[4] must be a port such as 8080, "53/udp" or "80/tcp", not empty`,
      ],
    ],
    [
      "a user by name",
      `${head}${debian}\nconfig: { user: nonroot, stopSignal: TERM }\n`,
      [
        `LS2007 ${at}:4:17 config.user must be a numeric id, such as "65532:65532", not "nonroot"`,
        `LS2007 ${at}:4:38 config.stopSignal must be a signal by name, such as SIGTERM, not "TERM"`,
      ],
    ],
    [
      "the name of a variable",
      `${head}${debian}\nconfig: { env: { "A=B": 1, "": 2 }, labels: { " ": x } }\n`,
      [
        `LS2007 ${at}:4:18 key "A=B" in config.env must be the name of an environment variable`,
        `LS2007 ${at}:4:28 key "" in config.env must be the name of an environment variable`,
        `LS2007 ${at}:4:47 key " " in config.labels must be a label name, such as org.opencontainers.image.title`,
      ],
    ],
    [
      "fields of passwd",
      `${head}${debian}\nusers: [{ name: 1a, uid: -1, gid: 4294967295, gecos: "a:b" }]\n`,
      [
        `LS2007 ${at}:4:17 users[0].name must be lower-case letters, digits, "_" and "-", at most 32, not beginning with a digit, not "1a"`,
        `LS2007 ${at}:4:26 users[0].uid must be at least 0, not the number -1`,
        `LS2007 ${at}:4:35 users[0].gid must be at most 4294967294, not the number 4294967295`,
        `LS2007 ${at}:4:54 users[0].gecos must be without colons and control characters, not "a:b"`,
      ],
    ],
    [
      "an owner",
      `${head}  - directories: [{ path: /a, owner: root }, { path: /b, owner: "0:4294967295" }]\n`,
      [
        `LS2007 ${at}:3:38 layers[0].directories[0].owner must be numeric ids with a colon, such as "65532:65532", not "root"`,
        `LS2007 ${at}:3:65 layers[0].directories[1].owner must have ids of at most 4294967294, not "0:4294967295"`,
      ],
    ],
    [
      "globs",
      `${head}  - files:\n      from: app\n      into: /app\n      exclude: [/a, b/, ../c, "a\\\\b", "{a", "{a,{b}}", "${"*a".repeat(9)}"]\n`,
      [
        `LS2007 ${at}:6:17 glob "/a" must be relative; write "a"`,
        `LS2007 ${at}:6:21 glob "b/" must not end with a slash; write "b"`,
        `LS2007 ${at}:6:25 glob "../c" must not have ".", ".." or an empty part in it; name what is below the source`,
        `LS2007 ${at}:6:31 glob "a\\b" must not have a backslash in it; only *, **, ? and {a,b} are special`,
        `LS2007 ${at}:6:39 glob "{a" must have each { closed by a } before the next; write {a,b}`,
        `LS2007 ${at}:6:45 glob "{a,{b}}" must have each { closed by a } before the next; write {a,b}`,
        `LS2007 ${at}:6:56 glob "${"*a".repeat(9)}" must not have more than 8 stars; split it in two`,
      ],
    ],
    // LS2008
    [
      "modes that YAML reads as numbers",
      `${head}  - directories: [{ path: /a, mode: 0755 }, { path: /b, mode: 0o755 }, { path: /c, mode: "0799" }]\n`,
      [
        `LS2008 ${at}:3:37 layers[0].directories[0].mode must be an octal number in quotes, not the number 0755; write "0755" in quotes: without them YAML reads a decimal number`,
        `LS2008 ${at}:3:63 layers[0].directories[1].mode must be an octal number in quotes, not the number 0o755; write "0755" in quotes: without them YAML reads a decimal number`,
        `LS2008 ${at}:3:90 layers[0].directories[2].mode must be an octal number in quotes, not "0799"; write 3 or 4 digits from 0 to 7 in quotes, such as "0755"`,
      ],
    ],
    [
      "a mode of a glob",
      `${head}  - files: { from: app, into: /app, mode: { "bin/*": 755 } }\n`,
      [
        `LS2008 ${at}:3:54 layers[0].files.mode["bin/*"] must be an octal number in quotes, not the number 755; write "0755" in quotes: without them YAML reads a decimal number`,
      ],
    ],
    // LS2010
    [
      "the name of another folder",
      `name: api\nlayers:\n${debian}\n`,
      [`LS2010 ${at}:1:7 image "api" is in the folder "web"; write name: web, or rename the folder`],
    ],
    // LS2016
    [
      "sources outside the repository",
      `${head}  - files: { from: ../../.., into: /a }\n  - files: { from: /etc, into: /b }\n  - files: { from: ../.., into: /c }\n`,
      [
        `LS2016 ${at}:3:20 layers[0].files.from "../../.." is not inside the repository; names are relative to the folder of image.yaml, and a part of the repository`,
        `LS2016 ${at}:4:20 layers[1].files.from "/etc" is not inside the repository; names are relative to the folder of image.yaml, and a part of the repository`,
        `LS2016 ${at}:5:20 layers[2].files.from "../.." is not inside the repository; names are relative to the folder of image.yaml, and a part of the repository`,
      ],
    ],
    // LS2017
    [
      "paths that are not absolute and plain",
      `${head}  - directories: [{ path: data }, { path: /a/../b }, { path: /a/./b }, { path: /a/ }, { path: "/${"x".repeat(256)}" }]\nconfig: { workdir: ., volumes: [v] }\n`,
      [
        `LS2017 ${at}:3:27 layers[0].directories[0].path "data" must be absolute; write /data`,
        `LS2017 ${at}:3:43 layers[0].directories[1].path "/a/../b" must not have ".." in it`,
        `LS2017 ${at}:3:62 layers[0].directories[2].path "/a/./b" must not have "." or an empty part in it; write /a/b`,
        `LS2017 ${at}:3:80 layers[0].directories[3].path "/a/" must not end with a slash; write /a`,
        `LS2017 ${at}:3:95 layers[0].directories[4].path "/${"x".repeat(256)}" must not have a part of more than 255 bytes`,
        `LS2017 ${at}:4:20 config.workdir "." must be absolute; write /`,
        `LS2017 ${at}:4:33 config.volumes[0] "v" must be absolute; write /v`,
      ],
    ],
    // LS2018
    [
      "paths of the system",
      `${head}  - files: { from: a, into: /etc/passwd }\n  - files: { from: a, into: /var/lib/dpkg/info }\n  - files: { from: a, into: /bin/x }\n  - directories: [{ path: /proc }, { path: /a/.wh.b }]\n  - symlinks: [{ path: /etc/hosts, target: x }]\n`,
      [
        `LS2018 ${at}:3:29 /etc/passwd is made by Lockstep; declare users with \`users:\``,
        `LS2018 ${at}:4:29 /var/lib/dpkg/info is made by Lockstep; it is the package database, which scanners believe`,
        `LS2018 ${at}:5:29 /bin/x is in /bin, which is a link to /usr/bin in Debian; write /usr/bin/x`,
        `LS2018 ${at}:6:27 /proc belongs to the container runtime; choose another path: what an image has there is hidden`,
        `LS2018 ${at}:6:44 /a/.wh.b has a name that begins with ".wh.", which means a deletion in a layer; choose another name`,
        `LS2018 ${at}:7:24 /etc/hosts belongs to the container runtime; choose another path: what an image has there is hidden`,
      ],
    ],
    // LS2019
    [
      "accounts twice",
      `${head}${debian}\nusers: [{ name: a, uid: 1, gid: 1 }, { name: a, uid: 1, gid: 1 }]\ngroups: [{ name: a, gid: 1 }, { name: a, gid: 2 }]\n`,
      [
        `LS2019 ${at}:4:46 user a is declared twice, first in line 4; keep one of them`,
        `LS2019 ${at}:4:54 uid 1 is declared twice, first in line 4; give each its own`,
        `LS2019 ${at}:5:39 group a is declared twice, first in line 5; keep one of them`,
      ],
    ],
    // LS2021
    [
      "values twice",
      `${head}  - debian:\n      suite: trixie\n      packages:\n        - nodejs\n        - tzdata\n        - nodejs\nplatforms: [linux/amd64, linux/amd64]\nconfig: { ports: [8080, "8080/tcp"], volumes: [/a, /a] }\n`,
      [
        `LS2021 ${at}:8:11 package nodejs is listed twice, first in line 6; keep one of them`,
        `LS2021 ${at}:9:26 platform linux/amd64 is listed twice, first in line 9; keep one of them`,
        `LS2021 ${at}:10:25 port 8080/tcp is listed twice, first in line 10; keep one of them`,
        `LS2021 ${at}:10:52 volume /a is listed twice, first in line 10; keep one of them`,
      ],
    ],
    // LS2022
    [
      "paths twice, or below a link",
      `${head}  - directories: [{ path: /a }, { path: /a }, { path: /l/x }]\n  - symlinks: [{ path: /l, target: a }, { path: /a, target: b }]\n  - files: { from: app, into: /l/y }\n  - files: { from: app, into: /l }\n  - symlinks: [{ path: /, target: a }]\n`,
      [
        `LS2022 ${at}:3:41 path /a is declared twice, first in line 3; keep one of them`,
        `LS2022 ${at}:3:55 /l/x is below /l, which line 4 declares as a link; name the path the link points to`,
        `LS2022 ${at}:4:49 path /a is declared twice, first in line 3; keep one of them`,
        `LS2022 ${at}:5:31 /l/y is below /l, which line 4 declares as a link; name the path the link points to`,
        `LS2022 ${at}:6:31 path /l is declared twice, first in line 4; keep one of them`,
        `LS2022 ${at}:7:24 / cannot be a link`,
      ],
    ],
    // LS2023
    [
      "two Debian layers",
      `${head}${debian}\n${debian}\n`,
      [
        `LS2023 ${at}:4:5 a second Debian layer: packages of one image are resolved together; put all packages into layers[0]; "split" makes several OCI layers of it`,
      ],
    ],
  ])("is told for %s", async (_, text, expected) => {
    expect(await problemsOfText(text)).toEqual(expected);
  });

  it("is told all at once, also what comes after a value that cannot be read", async () => {
    const text = `
name: api
plattforms: [linux/amd64]
layers:
  - debian: { suite: trixie, packages: [nodejs, node js, nodejs], split: many }
  - files: { from: ../../../x, into: app }
  - directories: [{ path: /etc/passwd, mode: 0644 }]
config: { user: node }
`;
    await expect((await problemsOfText(text)).join("\n")).toMatchFileSnapshot("golden/everything.txt");
  });
});

describe("a hostile document", () => {
  it("is read or refused with coded problems, whatever was done to a good one", async () => {
    const good = `name: web\nfrom: node\n${head.slice(10)}${debian}\n  - files: { from: app, into: /app, mode: { a: "0755" } }\nusers: [{ name: a, uid: 1, gid: 1 }]\nconfig: { user: 1:1, env: { A: 1 }, ports: [80] }\n`;
    expect(await problemsOfText(good)).toEqual([]);
    const piece = fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      ":",
      "- ",
      "\n",
      "\t",
      "&a ",
      "*a",
      "!!x ",
      '"',
      "'",
      "|",
      "null",
      "0755",
      "-1",
      "? ",
      "#",
      "/..",
      "%",
      "\u2028",
      "\ud800",
    );
    const edit = fc.tuple(fc.nat(good.length), fc.nat(6), piece);
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const text = edits.reduce((t, [at, length, insert]) => t.slice(0, at) + insert + t.slice(at + length), good);
        for (const line of await problemsOfText(text))
          expect(line).toMatch(/^LS20\d\d images\/web\/image\.yaml:\d+:\d+ /);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, () => string, string]>([
    [
      "a billion laughs",
      () => {
        const levels = Array.from(
          { length: 9 },
          (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 9 }, () => `*a${i}`).join(", ")}]`,
        );
        return `a0: &a0 x\n${levels.join("\n")}\n`;
      },
      "LS2006 images/web/image.yaml:2:9 document has more than 50000 values",
    ],
    ["depth without end", () => "[".repeat(100_000), "LS2006 images/web/image.yaml:1:"],
    [
      "depth",
      () => `${"[".repeat(100)}${"]".repeat(100)}`,
      "LS2006 images/web/image.yaml:1:66 document is nested too deeply",
    ],
    ["size", () => `name: ${"x".repeat(1 << 20)}`, "LS2006 images/web/image.yaml document is larger than 1 MiB"],
    [
      "many keys",
      () => Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join("\n"),
      "LS2006 images/web/image.yaml:50000:",
    ],
  ])("is refused quickly for %s", async (_, text, expected) => {
    const [line] = await problemsOfText(text());
    expect(line?.startsWith(expected), line).toBe(true);
  });
});
