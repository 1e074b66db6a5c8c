import { describe, expect, it } from "vitest";
import { componentsOf } from "../../pipeline/evidence/components.ts";
import { noInputs } from "../../pipeline/lock/types.ts";

const tarball = { size: 5, sha256: "12".repeat(32), integrity: `sha512-${"A".repeat(86)}==` };

describe("npm packages in evidence", () => {
  const purls = (entries: Readonly<Record<string, { readonly from?: string }>>) =>
    componentsOf({
      ...noInputs,
      npm: new Map(Object.entries(entries).map(([key, more]) => [key, { ...tarball, ...more }])),
    }).map(({ purl, name, version }) => `${name} ${version} ${purl}`);

  it("have the purl that scanners look them up by", () => {
    expect(purls({ "@s/a@1.0.0-rc.1+b": {}, "left-pad@1.3.0": {}, "x@1.0.0#0123456789ab": {} })).toEqual([
      "@s/a 1.0.0-rc.1+b pkg:npm/%40s/a@1.0.0-rc.1%2Bb",
      "left-pad 1.3.0 pkg:npm/left-pad@1.3.0",
      "x 1.0.0 pkg:npm/x@1.0.0",
    ]);
  });

  it("say when they are from elsewhere, so that nobody takes them for those of a registry", () => {
    expect(purls({ "a@1.0.0": { from: "https://files.example/a.tgz" }, "b@1.0.0": { from: "app/b.tgz" } })).toEqual([
      "a 1.0.0 pkg:npm/a@1.0.0?download_url=https:%2F%2Ffiles.example%2Fa.tgz",
      `b 1.0.0 pkg:generic/b@1.0.0?checksum=sha256:${tarball.sha256}`,
    ]);
  });
});
