import { describe, expect, it } from "vitest";
import { gitLocation, gitPurl } from "../../pipeline/evidence/purl.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

describe("names of git repositories in evidence", () => {
  it.each([
    ["https://github.com/Owner/Name.git", `pkg:github/owner/name@${commit}`],
    ["git@github.com:Owner/Name", `pkg:github/owner/name@${commit}`],
    [
      "https://git.example/team/project.git",
      `pkg:generic/project@${commit}?vcs_url=git%2Bhttps:%2F%2Fgit.example%2Fteam%2Fproject.git%40${commit}`,
    ],
    [
      "git@git.example:team/project.git",
      `pkg:generic/project@${commit}?vcs_url=git%2Bssh:%2F%2Fgit%40git.example%2Fteam%2Fproject.git%40${commit}`,
    ],
    [".", `pkg:generic/repository@${commit}`],
  ])("%s", (repository, purl) => {
    const name =
      repository
        .replace(/\.git$/, "")
        .split("/")
        .at(-1) ?? "";
    expect(gitPurl(repository, name, commit)).toBe(purl);
  });

  it("are locations in the form of SPDX", () => {
    expect(gitLocation("git@git.example:team/project.git", commit)).toBe(
      `git+ssh://git@git.example/team/project.git@${commit}`,
    );
    expect(gitLocation(".", commit)).toBeUndefined();
  });
});
