import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCommitId, isRefName, readAddress, submoduleAddress } from "../../pipeline/spec/git-address.ts";
import { hasProgram, run } from "../support.ts";

describe("addresses of repositories", () => {
  it.each([
    ["https://git.example/team/project.git", "https"],
    ["https://git.example:8443/project", "https"],
    ["ssh://git@git.example:2222/team/project.git", "ssh"],
    ["git@git.example:team/project.git", "ssh"],
    ["http://127.0.0.1:8080/project", "http"],
    ["git://git.example/project", "git"],
    ["file:///srv/git/project.git", "file"],
    [".", "own"],
  ])("takes %s", (text, protocol) => {
    expect(readAddress(text)).toEqual({ ok: true, address: { repository: text, protocol } });
  });

  it.each([
    "ext::sh -c touch% /tmp/x",
    "ext::sh",
    "fd::17",
    "--upload-pack=touch",
    "-oProxyCommand=x",
    "https://user:secret@git.example/project",
    "https://user@git.example/project",
    "https://git.example/project?x=1",
    "https://git.example/project#frag",
    "https://git.example/",
    "https:///project",
    "ssh://-oProxyCommand=x/project",
    "ssh://git@git.example/-x",
    "-x@git.example:project",
    "git@-x.example:project",
    "git@git.example:-project",
    "git@git.example:/",
    "file://host/share",
    "/srv/git/project",
    "../project",
    "https://git.example/pro ject",
    "https://git.example/a\nb",
    "https://git.example\\@other.example/x",
    "javascript:alert(1)",
    "",
  ])("refuses %j", (text) => {
    expect(readAddress(text)).toMatchObject({ ok: false, must: expect.stringMatching(/^must /) as string });
  });

  it("never shows the password that it refuses", () => {
    expect(JSON.stringify(readAddress("https://user:s3cret@git.example/p"))).not.toContain("s3cret");
  });

  it.each([
    ["https://git.example/team/project.git", "../other.git", "https://git.example/team/other.git"],
    ["https://git.example/team/project.git", "./sub.git", "https://git.example/team/project.git/sub.git"],
    ["https://git.example/team/project", "../../x/y", "https://git.example/x/y"],
    ["git@git.example:team/project.git", "../other.git", "git@git.example:team/other.git"],
    ["ssh://git@git.example:22/a/b", "../c", "ssh://git@git.example:22/a/c"],
    ["file:///srv/a/b.git", "../c.git", "file:///srv/a/c.git"],
    ["https://git.example/a/b", "https://other.example/c", "https://other.example/c"],
  ])("of a submodule: %s and %s are %s", (above, url, address) => {
    expect(submoduleAddress(above, url)).toBe(address);
  });

  it("of a submodule: has nothing above a repository at the top, or above this one", () => {
    expect(submoduleAddress("https://git.example/a", "../../../b")).toBeUndefined();
    expect(submoduleAddress(".", "../b")).toBeUndefined();
  });
});

describe("names of refs", () => {
  it.skipIf(!hasProgram("git"))("are allowed as git check-ref-format allows them (needs git)", () => {
    const parts = [
      "a",
      "B",
      "1",
      "/",
      ".",
      "..",
      "@",
      "{",
      "~",
      "^",
      ":",
      "?",
      "*",
      "[",
      "\\",
      " ",
      ".lock",
      "-",
      "ü",
      "\u007f",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 6 }), (chosen) => {
        const name = chosen.join("");
        const allowed = run("git", ["check-ref-format", `refs/heads/${name}`]).status === 0;
        // A dash at the start is no option here, and "@" alone means HEAD.
        expect(isRefName(name)).toBe(allowed && !name.startsWith("-") && name !== "@");
      }),
      { numRuns: 300 },
    );
  });

  it("tells ids of commits from names", () => {
    expect(isCommitId("0".repeat(40))).toBe(true);
    expect(isCommitId("a".repeat(64))).toBe(true);
    expect(isCommitId("a".repeat(39))).toBe(false);
    expect(isCommitId("A".repeat(40))).toBe(false);
  });
});
