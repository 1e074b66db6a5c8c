import fc from "fast-check";
import { writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatReference, parseReference, type ShortNames } from "../../pipeline/registry/reference.ts";
import { readRegistrySettings } from "../../pipeline/registry/settings.ts";
import { scene } from "../support.ts";

const none: ShortNames = { short: new Map() };
const digest = `sha256:${"ab".repeat(32)}`;

describe("parseReference", () => {
  it.each([
    ["registry.example/app", { host: "registry.example", repository: "app" }],
    ["registry.example:5000/team/app:1.0", { host: "registry.example:5000", repository: "team/app", tag: "1.0" }],
    ["localhost/app:x", { host: "localhost", repository: "app", tag: "x" }],
    ["[::1]:5000/a/b__c.d-e", { host: "[::1]:5000", repository: "a/b__c.d-e" }],
    [`registry.example/app@${digest}`, { host: "registry.example", repository: "app", digest }],
    [`registry.example/app:1@${digest}`, { host: "registry.example", repository: "app", tag: "1", digest }],
  ])("reads %s", (text, expected) => {
    const reference = parseReference(text, none);
    expect(reference).toEqual(expected);
    expect(formatReference(reference)).toBe(text);
  });

  it.each([
    "registry.example/App",
    "registry.example/app:",
    "registry.example/app:-x",
    `registry.example/app:${"x".repeat(129)}`,
    "registry.example/app@sha256:12",
    `registry.example/app@sha512:${"ab".repeat(64)}`,
    "registry.example/",
    "registry.example//app",
    "registry.example/a..b",
    "registry.example/../app",
    "registry.example/app?x=1",
    "registry.example/app#x",
    "user@registry.example/app",
    "https://registry.example/app",
    "registry.example:port/app",
    "-registry.example/app",
    `registry.example/${"a".repeat(250)}`,
  ])("LS3201: refuses %s", (text) => {
    expect(() => parseReference(text, none)).toThrow(/^LS3201 /);
  });

  it("LS3202: completes short names from settings and from nothing else", () => {
    expect(() => parseReference("debian:13", none)).toThrow(/^LS3202 "debian:13" names no registry/);
    const names: ShortNames = {
      short: new Map([["debian", "registry.example/os/debian"]]),
      prefix: "mirror.example/library",
    };
    expect(formatReference(parseReference("debian:13", names))).toBe("registry.example/os/debian:13");
    expect(formatReference(parseReference("team/app:1", names))).toBe("mirror.example/library/team/app:1");
    expect(() => parseReference("constructor", none)).toThrow(/^LS3202 /);
  });

  it("reads what it writes", () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const reference = fc.record({
      host: fc.constantFrom("localhost:5000", "registry.example", "[2001:db8::1]", "127.0.0.1:80"),
      repository: fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
      tag: fc.stringMatching(/^\w[\w.-]{0,20}$/),
      digest: fc.constant(digest as `sha256:${string}`),
    });
    fc.assert(
      fc.property(reference, (value) => {
        expect(parseReference(formatReference(value), none)).toEqual(value);
      }),
    );
  });
});

describe("readRegistrySettings", () => {
  const read = (yaml: string) => {
    const at = scene();
    mkdirSync(at.host.configDirectory, { recursive: true });
    writeFileSync(join(at.host.configDirectory, "config.yaml"), yaml);
    writeFileSync(join(at.host.configDirectory, "ca.pem"), "PEM");
    return readRegistrySettings(at.host);
  };

  it("has nothing when there is no file", async () => {
    const settings = await readRegistrySettings(scene().host);
    expect([settings.prefix, settings.short.size, settings.hosts.size]).toEqual([undefined, 0, 0]);
  });

  it("reads short names and how single registries are reached, and leaves other sections alone", async () => {
    const settings = await read(`
debian: { mirrors: [http://mirror.example/debian] }
registries:
  default: registry.example/library/
  short: { debian: registry.example/os/debian }
  hosts:
    registry.example: { ca: ca.pem }
    "10.0.0.1:5000": { plainHttp: true }
`);
    expect(settings.prefix).toBe("registry.example/library");
    expect(settings.short.get("debian")).toBe("registry.example/os/debian");
    expect(settings.hosts.get("registry.example")).toEqual({ ca: "PEM" });
    expect(settings.hosts.get("10.0.0.1:5000")).toEqual({ plainHttp: true });
  });

  it.each([
    ["registries: [1]", "config.yaml:1:13 registries is not a map"],
    ["registries:\n  defaults: x", "config.yaml:2:13 registries.defaults is not a setting"],
    ["registries:\n  default: library", "registries.default does not begin with a registry"],
    ["registries:\n  short: { a: b/c }", "registries.short.a does not begin with a registry"],
    [
      "registries:\n  hosts: { a.example: { address: 'https://b.example' } }",
      'address: "https://b.example" is not a host',
    ],
    ["registries:\n  hosts: { 'a b': {} }", 'registries.hosts: "a b" is not a host'],
    [
      "registries:\n  hosts: { a.example: { plainHttp: maybe } }",
      "registries.hosts.a.example.plainHttp is not a setting",
    ],
    ["registries:\n  hosts: { a.example: { ca: gone.pem } }", "gone.pem cannot be read (ENOENT)"],
    ["registries:\n  hosts: { a.example: { ca: ca.pem, plainHttp: true } }", "has both plainHttp and ca"],
    ["registries: {", "config.yaml:1:14 "],
  ])("LS3203: refuses %s with its place", async (yaml, message) => {
    await expect(read(yaml)).rejects.toThrow(message);
    await expect(read(yaml)).rejects.toMatchObject({ code: "LS3203" });
  });
});
