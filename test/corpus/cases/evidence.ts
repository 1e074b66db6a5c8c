/** Pairs for the rows V of the catalogue: documents about an image that lie in it, and pairs that are the same. */
import { gzipSync } from "node:zlib";
import { archiveOf, savedArchiveOf } from "../../verify/image-of.ts";
import { tarOf } from "../../verify/tar-of.ts";
import { files, image, noise } from "../base.ts";
import type { Case } from "../case.ts";

const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;
const sbom = (
  more: object,
  components: readonly object[] = [
    { "bom-ref": "pkg:npm/left-pad@1.3.0", name: "left-pad", version: "1.3.0", purl: "pkg:npm/left-pad@1.3.0" },
  ],
): string => json({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1, ...more, components });
const component = (name: string): object => ({
  "bom-ref": `pkg:npm/${name}@1.0.0`,
  name,
  version: "1.0.0",
  purl: `pkg:npm/${name}@1.0.0`,
});
const statement = (
  predicateType: string,
  predicate: object,
  subject: readonly object[] = [{ name: "app", digest: { sha256: "4".repeat(64) } }],
): object => ({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate });
const provenance = (invocationId: string, startedOn: string): object =>
  statement("https://slsa.dev/provenance/v1", {
    buildDefinition: { buildType: "https://build.example/v1" },
    runDetails: {
      builder: { id: "https://build.example" },
      metadata: { invocationId, startedOn, finishedOn: startedOn.replace(":00Z", ":59Z") },
    },
  });
const envelope = (payload: string, sig: string): string =>
  json({
    payloadType: "application/vnd.in-toto+json",
    payload: Buffer.from(payload).toString("base64"),
    signatures: [{ keyid: "k", sig }],
  });
const signature = (seed: number): string => noise(70, seed).toString("base64");
const plain = JSON.stringify(provenance("1", "2024-01-01T00:00:00Z"));

const layer = tarOf([{ name: "a/" }, { name: "a/b", content: "c\n" }]);

export const evidenceCases: readonly Case[] = [
  {
    cause: "V1",
    what: "the serial number of an SBOM",
    ...files(
      "built",
      "usr/share/sbom/app.cdx.json",
      sbom({ serialNumber: "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79" }),
      sbom({ serialNumber: "urn:uuid:9a1c44e0-0d53-4b1a-8c0e-1b2f30a7c1d2" }),
    ),
  },
  {
    cause: "V2",
    what: "time and tool of an SBOM",
    ...files(
      "built",
      "usr/share/sbom/app.cdx.json",
      sbom({ metadata: { timestamp: "2024-01-01T10:00:00Z", tools: [{ name: "scanner", version: "1.2.0" }] } }),
      sbom({ metadata: { timestamp: "2024-01-02T11:30:00Z", tools: [{ name: "scanner", version: "1.3.1" }] } }),
    ),
  },
  {
    cause: "V3",
    what: "components of an SBOM in another order",
    ...files(
      "built",
      "usr/share/sbom/app.cdx.json",
      sbom({}, ["a", "b", "c", "d"].map(component)),
      sbom({}, ["c", "a", "d", "b"].map(component)),
    ),
  },
  {
    cause: "V4",
    what: "a report of a scanner whose database moved",
    ...files(
      "built",
      "usr/share/scan/report.json",
      json({ vulnerabilities: [{ id: "CVE-2024-0001", severity: "low" }] }),
      json({
        vulnerabilities: [
          { id: "CVE-2024-0001", severity: "high" },
          { id: "CVE-2024-0077", severity: "low" },
        ],
      }),
    ),
  },
  {
    cause: "V5",
    what: "provenance of two runs",
    ...files(
      "built",
      "usr/share/provenance/app.json",
      json(provenance("run-1042", "2024-01-01T10:00:00Z")),
      json(provenance("run-1057", "2024-01-02T11:30:00Z")),
    ),
  },
  {
    cause: "V6",
    what: "a signature made twice over the same",
    ...files(
      "built",
      "usr/share/provenance/app.dsse.json",
      envelope(plain, signature(1)),
      envelope(plain, signature(2)),
    ),
  },
  {
    cause: "V7",
    what: "another entry of the transparency log",
    ...files(
      "built",
      "usr/share/provenance/app.sigstore.json",
      json({
        mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
        verificationMaterial: { tlogEntries: [{ logIndex: "1001", integratedTime: "1704067300" }] },
      }),
      json({
        mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
        verificationMaterial: { tlogEntries: [{ logIndex: "2044", integratedTime: "1704099000" }] },
      }),
    ),
  },
  {
    cause: "V8",
    what: "the payload written anew as JSON",
    ...files(
      "built",
      "usr/share/provenance/app.dsse.json",
      envelope(plain, signature(1)),
      envelope(JSON.stringify(JSON.parse(plain), null, 2), signature(1)),
    ),
  },
  {
    cause: "V10",
    what: "a statement about another subject",
    ...files(
      "built",
      "usr/share/provenance/app.json",
      json(statement("https://slsa.dev/provenance/v1", {})),
      json(statement("https://slsa.dev/provenance/v1", {}, [{ name: "app", digest: { sha256: "5".repeat(64) } }])),
    ),
  },
];

export const sameCases: readonly Case[] = [
  { cause: "none", what: "an image and its copy", a: image(), b: image() },
  { cause: "none", what: "an image as a layout and as an archive", a: image(), b: archiveOf(image()) },
  { cause: "none", what: "an archive and the same compressed", a: archiveOf(image()), b: gzipSync(archiveOf(image())) },
  { cause: "none", what: "an index and its copy", a: { images: [image()] }, b: { images: [image()] } },
  {
    cause: "none",
    what: "an archive of docker save, and the same under another tag",
    a: savedArchiveOf(image()),
    b: savedArchiveOf(image(), ["registry.example/app:2"]),
  },
  { cause: "none", what: "a layer and its copy", a: layer, b: Buffer.from(layer) },
  { cause: "none", what: "a compressed layer and its copy", a: gzipSync(layer), b: gzipSync(layer) },
  { cause: "none", what: "a file that is no archive and its copy", a: noise(999), b: noise(999) },
];
