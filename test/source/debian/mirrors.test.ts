import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { archiveOf } from "../../../pipeline/source/debian/apt-sources.ts";
import { type Mirrors, findMirrors } from "../../../pipeline/source/debian/mirrors.ts";
import { addressBelow, shownAddress } from "../../../pipeline/source/address.ts";
import { scene } from "../../support.ts";

interface Given {
  readonly env?: Record<string, string>;
  readonly config?: string;
  readonly apt?: Record<string, string>;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

async function find({ env = {}, config, apt = {} }: Given): Promise<Mirrors> {
  const { host, directory } = scene(env);
  if (config !== undefined) write(join(host.configDirectory, "config.yaml"), config);
  for (const [name, text] of Object.entries(apt)) write(join(directory, "apt", name), text);
  return await findMirrors(host, join(directory, "apt"));
}

async function failure(given: Given): Promise<string> {
  return await find(given).then(
    (mirrors) => JSON.stringify(mirrors),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

const apt = { "sources.list": "deb http://apt.example/debian trixie main\n" };

describe("mirrors", () => {
  it("come from the environment first, then the user's settings, then apt", async () => {
    const config = "debian:\n  mirrors: [https://config.example/debian]\n";
    const env = { LOCKSTEP_DEBIAN_MIRROR: "http://env.example/debian/" };
    expect((await find({ env, config, apt })).debian).toEqual(["http://env.example/debian"]);
    expect((await find({ config, apt })).debian).toEqual(["https://config.example/debian"]);
    expect((await find({ apt })).debian).toEqual(["http://apt.example/debian"]);
  });

  it("are several, and the security archive is a sibling unless it is given", async () => {
    const LOCKSTEP_DEBIAN_MIRROR = "http://a.example/debian, file:///srv/debian";
    expect(await find({ env: { LOCKSTEP_DEBIAN_MIRROR } })).toEqual({
      debian: ["http://a.example/debian", "file:///srv/debian"],
      "debian-security": ["http://a.example/debian-security", "file:///srv/debian-security"],
    });
    const env = { LOCKSTEP_DEBIAN_MIRROR, LOCKSTEP_DEBIAN_SECURITY_MIRROR: "http://s.example/x" };
    expect((await find({ env }))["debian-security"]).toEqual(["http://s.example/x"]);
    const config = "other: 1\ndebian: {mirrors: [http://a.example/d], securityMirrors: [http://s.example/d]}\n";
    expect(await find({ config })).toEqual({
      debian: ["http://a.example/d"],
      "debian-security": ["http://s.example/d"],
    });
  });

  it("are found in apt's lists of both forms, Debian's archives only, each once", async () => {
    const found = await find({
      apt: {
        "sources.list":
          "# deb http://no.example/debian trixie main\n" +
          "deb [arch=amd64 signed-by=/x] http://a.example/debian trixie main # why\n" +
          "deb-src http://src.example/debian trixie main\n" +
          "deb http://a.example/debian/ trixie-updates main\n" +
          "deb mirror+file:/etc/apt/mirrors.list trixie main\n" +
          "deb https://ubuntu.example/ubuntu noble main\n" +
          "deb cdrom:[x]/debian trixie main\n",
        "sources.list.d/b.list": "deb http://s.example/debian-security trixie-security main\n",
        "sources.list.d/a.sources":
          "Types: deb deb-src\nURIs: http://b.example/debian https://c.example/debian\n  http://d.example/other\nSuites: trixie\nComponents: main\n\n" +
          "types: deb\nuris: http://off.example/debian\nenabled: no\n\nTypes: deb-src\nURIs: http://src.example/debian\n",
        "sources.list.d/a.sources.save": "Types: deb\nURIs: http://save.example/debian\n",
      },
    });
    expect(found).toEqual({
      debian: ["http://a.example/debian", "http://b.example/debian", "https://c.example/debian"],
      "debian-security": ["http://s.example/debian-security"],
    });
  });

  it("are asked for in words where there are none, as on Ubuntu", async () => {
    const ubuntu = {
      "sources.list.d/ubuntu.sources": "Types: deb\nURIs: http://ubuntu.example/ubuntu\nSuites: noble\n",
    };
    for (const given of [{}, { apt: ubuntu }, { config: "" }, { config: "other: 1\n" }]) {
      expect(await failure(given)).toMatch(
        /^LS3101 no mirror of Debian's archive is known: this machine's apt sources name none; set LOCKSTEP_DEBIAN_MIRROR to the address of a mirror \(it ends in \/debian\), or write it as debian.mirrors in .*config.yaml$/,
      );
    }
  });

  it.each([
    [
      { env: { LOCKSTEP_DEBIAN_MIRROR: "deb.example/debian" } },
      'LS1005 LOCKSTEP_DEBIAN_MIRROR: "deb.example/debian" is not an address',
    ],
    [{ env: { LOCKSTEP_DEBIAN_MIRROR: "ftp://a.example/debian" } }, "is not an http, https or file address"],
    [{ env: { LOCKSTEP_DEBIAN_MIRROR: "http://a.example/debian?x=1" } }, "has a query or a fragment"],
    [
      { env: { LOCKSTEP_DEBIAN_SECURITY_MIRROR: "http://a.example/d" } },
      "LS1005 LOCKSTEP_DEBIAN_SECURITY_MIRROR is set, but LOCKSTEP_DEBIAN_MIRROR is not; set both, or neither",
    ],
    [{ config: "debian:\n  mirrors: [a b]\n" }, 'config.yaml:2:13 debian.mirrors: "a b" is not an address'],
    [{ config: "debian:\n  mirror: [x]\n" }, "config.yaml:2:3 debian.mirror is not a setting"],
    [{ config: "debian:\n  mirrors: x\n" }, "config.yaml:2:3 debian.mirrors is not a list"],
    [{ config: "debian:\n  mirrors: [1]\n" }, "config.yaml:2:13 debian.mirrors holds something other than text"],
    [{ config: "debian: [" }, "LS3105"],
    [{ config: "debian: x\n" }, "debian is not a map"],
    [{ config: "- x\n" }, "the settings are not a map"],
    [
      { config: "debian: {securityMirrors: [http://a.example/x]}\n" },
      "debian.securityMirrors is set, but debian.mirrors is not",
    ],
  ] as const)("refuses %j", async (given, message) => {
    expect(await failure(given)).toContain(message);
  });
});

describe("addresses", () => {
  it("know Debian's archives by their path", () => {
    expect(archiveOf("http://x.example/debian/")).toBe("debian");
    expect(archiveOf("https://x.example/a/debian-security")).toBe("debian-security");
    for (const address of ["http://x.example/ubuntu", "http://x.example/debian-ports", "tor+http://x.example/debian"]) {
      expect(archiveOf(address)).toBeUndefined();
    }
  });

  it("escape what servers could read otherwise, and never show a password", () => {
    expect(addressBelow("http://x.example/debian", "pool/main/g/g++/g++_1~2+b1_amd64.deb")).toBe(
      "http://x.example/debian/pool/main/g/g%2B%2B/g%2B%2B_1~2%2Bb1_amd64.deb",
    );
    expect(shownAddress("https://user:secret@x.example/debian")).toBe("https://x.example/debian");
  });
});
