import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, property, shuffledSubarray } from "fast-check";
import { describe, expect, it } from "vitest";
import { debianPurl, imagePurl } from "../../pipeline/evidence/purl.ts";
import { spdx } from "../../pipeline/evidence/sbom.ts";
import { createHost } from "../../pipeline/host/host.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { lockedPackage, packages, sbomInput } from "./samples.ts";
import { spdxTools } from "./spdx-tools.ts";

interface Document {
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string };
  readonly packages: readonly {
    readonly SPDXID: string;
    readonly name: string;
    readonly sourceInfo?: string;
    readonly licenseDeclared: string;
    readonly checksums?: readonly { readonly checksumValue: string }[];
    readonly externalRefs?: readonly { readonly referenceLocator: string }[];
  }[];
  readonly hasExtractedLicensingInfos?: readonly { readonly licenseId: string; readonly extractedText: string }[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relationshipType: string;
    readonly relatedSpdxElement: string;
  }[];
}

function parse(bytes: Uint8Array): Document {
  return JSON.parse(new TextDecoder().decode(bytes)) as Document;
}

const tools = await spdxTools();

describe("purl", () => {
  it.each([
    ["libssl3t64", "pkg:deb/debian/libssl3t64@3.5.1-1%2Bdeb13u1?arch=amd64&distro=debian-13&upstream=openssl"],
    ["openssl", "pkg:deb/debian/openssl@3.5.1-1%2Bdeb13u1?arch=amd64&distro=debian-13"],
    ["libstdc++6", "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13&upstream=gcc-14"],
    [
      "zlib1g",
      "pkg:deb/debian/zlib1g@1:1.3.dfsg%2Breally1.3.1-1%2Bb1?arch=amd64&distro=debian-13&upstream=zlib%401:1.3.dfsg%2Breally1.3.1-1",
    ],
    ["netbase", "pkg:deb/debian/netbase@6.5?arch=all&distro=debian-13"],
  ])("of %s", (name, expected) => {
    const item = packages.find((candidate) => candidate.name === name);
    expect(item && debianPurl(item, "trixie")).toBe(expected);
  });

  it("names a suite without a number, and leaves out one that is not known", () => {
    const item = lockedPackage("netbase", "6.5");
    expect(debianPurl(item, "sid")).toContain("distro=sid");
    expect(debianPurl(item, undefined)).not.toContain("distro");
  });

  it("of an image is its digest", () => {
    const digest = digestOf("x");
    expect(imagePurl("web", digest, "linux/arm64")).toBe(`pkg:oci/web@${digest}?arch=arm64&os=linux`);
  });
});

describe("spdx", () => {
  const document = parse(spdx(sbomInput));

  it("describes the image, which contains packages, system and file sets", () => {
    expect(document.relationships[0]?.spdxElementId).toBeDefined();
    const contained = document.relationships.filter((item) => item.relationshipType === "CONTAINS");
    expect(contained).toHaveLength(packages.length + sbomInput.components.length + 2);
    expect(contained.every((item) => item.spdxElementId === "SPDXRef-Image")).toBe(true);
    expect(document.relationships).toContainEqual({
      spdxElementId: "SPDXRef-DOCUMENT",
      relationshipType: "DESCRIBES",
      relatedSpdxElement: "SPDXRef-Image",
    });
  });

  it("names each source package once, and every relationship ends at a package that is there", () => {
    const ids = document.packages.map((item) => item.SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => id.startsWith("SPDXRef-Source-"))).toHaveLength(4);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
      expect([...ids, "SPDXRef-DOCUMENT"]).toContain(spdxElementId);
      expect(ids).toContain(relatedSpdxElement);
    }
  });

  it("gives each package its digest and its source in the words scanners know", () => {
    const item = document.packages.find((candidate) => candidate.name === "libssl3t64");
    expect(item?.sourceInfo).toBe("built package from: openssl 3.5.1-1+deb13u1");
    expect(item?.checksums?.[0]?.checksumValue).toBe(packages[0]?.sha256);
  });

  it("declares licences as packages state them: expressions, or references to their words, each once", () => {
    const texts = new Map(document.hasExtractedLicensingInfos?.map((text) => [text.licenseId, text.extractedText]));
    const licences = document.packages
      .filter(({ name }) => /^p\d$/.test(name))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ licenseDeclared }) => texts.get(licenseDeclared) ?? `expression ${licenseDeclared}`);
    expect(licences).toEqual([
      "expression (MIT OR Apache-2.0)",
      "UNLICENSED",
      "SEE LICENSE IN <LICENSE & more>",
      "UNLICENSED",
      "expression GPL-2.0",
    ]);
    expect(texts.size).toBe(2);
    expect(document.packages.find(({ name }) => name === "netbase")?.licenseDeclared).toBe("NOASSERTION");
    expect(parse(spdx({ ...sbomInput, components: [] })).hasExtractedLicensingInfos).toBeUndefined();
  });

  it("takes its time from the epoch", () => {
    expect(document.creationInfo.created).toBe("2025-11-21T09:15:44Z");
  });

  it("has the same bytes in whatever order the packages come", () => {
    const expected = Buffer.from(spdx(sbomInput)).toString();
    assert(
      property(shuffledSubarray([...packages], { minLength: packages.length }), (shuffled) => {
        expect(Buffer.from(spdx({ ...sbomInput, packages: shuffled })).toString()).toBe(expected);
      }),
      { numRuns: 30 },
    );
  });

  it("has another namespace as soon as anything in it differs", () => {
    const others = [
      spdx({ ...sbomInput, digest: digestOf("other") }),
      spdx({ ...sbomInput, platform: "linux/arm64" }),
      spdx({ ...sbomInput, packages: packages.slice(1) }),
      spdx({ ...sbomInput, components: [] }),
      spdx({ ...sbomInput, fileSets: [] }),
      spdx({ ...sbomInput, epoch: sbomInput.epoch + 1 }),
    ].map((bytes) => parse(bytes).documentNamespace);
    expect(new Set([document.documentNamespace, ...others]).size).toBe(others.length + 1);
    expect(document.documentNamespace).toMatch(
      /^https:\/\/spdx\.org\/spdxdocs\/lockstep-web-linux-amd64-[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it.skipIf(tools === undefined)("is valid for the SPDX project's validator (needs python3 and PyPI)", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lockstep-sbom-"));
    try {
      const { suite: _, ...withoutSuite } = sbomInput;
      const documents = {
        web: spdx(sbomInput),
        empty: spdx({ ...withoutSuite, packages: [], components: [], fileSets: [] }),
      };
      for (const [name, bytes] of Object.entries(documents)) {
        const file = join(directory, `${name}.spdx.json`);
        await writeFile(file, bytes);
        const result = await createHost().run(tools ?? "", ["-i", file]);
        expect(result.stderr.toString() + result.stdout.toString()).not.toMatch(/not valid|error/i);
        expect(result.code).toBe(0);
      }
      const broken = join(directory, "broken.spdx.json");
      await writeFile(broken, Buffer.from(spdx(sbomInput)).toString().replace("SPDXRef-Image", "SPDXRef_Image"));
      expect((await createHost().run(tools ?? "", ["-i", broken])).code).not.toBe(0);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
