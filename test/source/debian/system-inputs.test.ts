import { describe, expect, it } from "vitest";
import { mergedUsr } from "../../../pipeline/source/debian/merged-usr.ts";
import { isSystemInput } from "../../../pipeline/source/debian/system-inputs.ts";

describe("contents that are kept", () => {
  it.each([
    ["etc/ld.so.conf", true],
    ["etc/ld.so.conf.d/libc.conf", true],
    ["etc/ld.so.conf.d/libc.conf.dpkg-old", false],
    ["usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt", true],
    ["usr/share/ca-certificates/mozilla/readme", false],
    ["usr/share/base-passwd/passwd.master", true],
    ["usr/share/debianutils/shells.d/bash", true],
    ["usr/bin/bash", false],
  ])("%s: %s", (path, expected) => {
    expect(isSystemInput(path)).toBe(expected);
  });
});

describe("merged /usr", () => {
  it.each([
    ["bin/sh", "symlink", "usr/bin/sh"],
    ["lib64/ld-linux-x86-64.so.2", "symlink", "usr/lib64/ld-linux-x86-64.so.2"],
    ["sbin", "directory", "usr/sbin"],
    ["sbin", "symlink", "sbin"],
    ["lib", "symlink", "lib"],
    ["library/x", "file", "library/x"],
    ["usr/lib/x", "file", "usr/lib/x"],
    ["etc/bin/x", "file", "etc/bin/x"],
    ["", "directory", ""],
  ] as const)("%s (%s) is %s", (path, type, expected) => {
    expect(mergedUsr(path, type)).toBe(expected);
  });
});
