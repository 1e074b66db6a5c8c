import { describe, expect, it } from "vitest";
import { declared } from "../../pipeline/evidence/licence.ts";

describe("a licence as a package states it", () => {
  it.each([
    "MIT",
    "(MIT OR Apache-2.0)",
    "GPL-2.0-only WITH Classpath-exception-2.0",
    "LGPL-2.1+",
    "BSD-3-Clause AND (ISC OR 0BSD)",
    // Deprecated, and in the list all the same.
    "GPL-2.0",
    "GPL-3.0-or-later",
  ])("is an expression of SPDX: %s", (statement) => {
    expect(declared(statement)).toEqual({ license: statement });
  });

  it.each([
    "UNLICENSED",
    "SEE LICENSE IN LICENSE.md",
    "Apache 2",
    "mit",
    "MIT and ISC",
    "MIT OR",
    "NOASSERTION",
    "NONE",
    "(MIT",
    // What it refers to would be in a document that nobody has.
    "LicenseRef-ours",
    "MIT OR DocumentRef-other:LicenseRef-theirs",
  ])("is kept in its own words when it is none: %s", (statement) => {
    const { license, extracted } = declared(statement);
    expect(license).toMatch(/^LicenseRef-stated-[0-9a-f]{20}$/);
    expect(extracted).toMatchObject({ licenseId: license, name: statement, extractedText: statement });
  });

  it("is another reference for other words, and the same for the same", () => {
    expect(declared("a").license).not.toBe(declared("b").license);
    expect(declared("a")).toEqual(declared("a"));
  });
});
