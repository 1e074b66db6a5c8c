/** The SBOM of one platform of an image, from the lock: SPDX 2.3 in canonical JSON, the same bytes on every machine. */
import { createHash } from "node:crypto";
import { formatTime } from "../image/oci.ts";
import type { LockedPackage } from "../lock/types.ts";
import { packageKey } from "../lock/types.ts";
import type { Platform } from "../spec/types.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, hexOf } from "../store/digest.ts";
import type { Component } from "./components.ts";
import { declared, type ExtractedLicence } from "./licence.ts";
import { debianPurl, imagePurl, releaseNumber } from "./purl.ts";

export interface FileSet {
  /** As the spec names it, for example `images/web/app`. */
  readonly name: string;
  readonly digest: Digest;
}

export interface SbomInput {
  readonly image: string;
  readonly platform: Platform;
  /** Of the platform's manifest. */
  readonly digest: Digest;
  /** Seconds since 1970, the image's own. */
  readonly epoch: number;
  /** Number of the byte rules the image was made with. */
  readonly format: number;
  /** Absent when no layer comes from Debian. */
  readonly suite?: string;
  readonly packages: readonly LockedPackage[];
  /** Inputs besides Debian packages. */
  readonly components: readonly Component[];
  readonly fileSets: readonly FileSet[];
}

type JsonObject = Readonly<Record<string, unknown>>;

const unknown = "NOASSERTION";

/** SPDX ids hold letters, digits, `.` and `-` only (SPDX 2.3, 7.2), so what was named goes in as a hash. */
function idOf(kind: string, name: string): string {
  return `SPDXRef-${kind}-${createHash("sha256").update(name).digest("hex").slice(0, 20)}`;
}

/** What every package of the document states, unknown said outright (NTIA minimum elements). */
function packageBase(id: string, name: string, purpose: string): JsonObject {
  return {
    SPDXID: id,
    name,
    downloadLocation: unknown,
    filesAnalyzed: false,
    licenseConcluded: unknown,
    licenseDeclared: unknown,
    copyrightText: unknown,
    primaryPackagePurpose: purpose,
  };
}

function sha256(hex: string): readonly JsonObject[] {
  return [{ algorithm: "SHA256", checksumValue: hex }];
}

function purl(locator: string): readonly JsonObject[] {
  return [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: locator }];
}

function imagePackage(input: SbomInput): JsonObject {
  return {
    ...packageBase("SPDXRef-Image", input.image, "CONTAINER"),
    versionInfo: input.digest,
    supplier: unknown,
    checksums: sha256(hexOf(input.digest)),
    externalRefs: purl(imagePurl(input.image, input.digest, input.platform)),
  };
}

/** The distribution as a package of its own: scanners take it as the operating system whose advisories apply. */
function systemPackage(suite: string): JsonObject {
  return {
    ...packageBase("SPDXRef-OperatingSystem", "debian", "OPERATING-SYSTEM"),
    versionInfo: releaseNumber(suite) ?? suite,
    supplier: "Organization: Debian",
  };
}

function binaryPackage(item: LockedPackage, suite: string | undefined): JsonObject {
  return {
    ...packageBase(idOf("Package", packageKey(item)), item.name, "INSTALL"),
    versionInfo: item.version,
    supplier: "Organization: Debian",
    packageFileName: item.path.slice(item.path.lastIndexOf("/") + 1),
    // In these words Trivy finds the source package, which Debian's advisories are about.
    sourceInfo: `built package from: ${item.source} ${item.sourceVersion}`,
    checksums: sha256(item.sha256),
    externalRefs: purl(debianPurl(item, suite)),
  };
}

function componentId(item: Component): string {
  return idOf("Input", item.key);
}

function componentPackage(item: Component): JsonObject {
  return {
    ...packageBase(componentId(item), item.name, "INSTALL"),
    ...(item.version === undefined ? {} : { versionInfo: item.version }),
    ...(item.location === undefined ? {} : { downloadLocation: item.location }),
    ...(item.license === undefined ? {} : { licenseDeclared: declared(item.license).license }),
    supplier: unknown,
    checksums: sha256(item.sha256),
    externalRefs: purl(item.purl),
  };
}

/** The texts that the document refers to for want of an expression, sorted, each once (SPDX 2.3, clause 10); no member without one. */
function extractedLicences(components: readonly Component[]): {
  readonly hasExtractedLicensingInfos?: readonly ExtractedLicence[];
} {
  const texts = components.flatMap(({ license }) => (license === undefined ? [] : (declared(license).extracted ?? [])));
  const byId = new Map(texts.map((text) => [text.licenseId, text]));
  if (byId.size === 0) return {};
  const sorted = [...byId.values()].toSorted((a, b) => (a.licenseId < b.licenseId ? -1 : 1));
  return { hasExtractedLicensingInfos: sorted };
}

function sourceId(item: LockedPackage): string {
  return idOf("Source", `${item.source}_${item.sourceVersion}`);
}

/** A source package has no purl here: a scanner that met one would report its vulnerabilities a second time. */
function sourcePackage(item: LockedPackage): JsonObject {
  return {
    ...packageBase(sourceId(item), item.source, "SOURCE"),
    versionInfo: item.sourceVersion,
    supplier: "Organization: Debian",
  };
}

function fileSetPackage(set: FileSet): JsonObject {
  return {
    ...packageBase(idOf("Files", set.name), set.name, "FILE"),
    versionInfo: set.digest,
    supplier: unknown,
    checksums: sha256(hexOf(set.digest)),
  };
}

/** Sorted, each SPDX id once: many binary packages come from one source, and a document that names an id twice is not valid. */
function distinct(packages: readonly JsonObject[]): readonly JsonObject[] {
  const byId = new Map(packages.map((item) => [String(item["SPDXID"]), item]));
  return [...byId.entries()].toSorted((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, item]) => item);
}

function relation(from: string, type: string, to: string): JsonObject {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}

function relationships(input: SbomInput): readonly JsonObject[] {
  const list = [relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")];
  if (input.suite !== undefined) list.push(relation("SPDXRef-Image", "CONTAINS", "SPDXRef-OperatingSystem"));
  for (const item of input.packages) {
    const id = idOf("Package", packageKey(item));
    list.push(relation("SPDXRef-Image", "CONTAINS", id), relation(id, "GENERATED_FROM", sourceId(item)));
  }
  for (const item of input.components) list.push(relation("SPDXRef-Image", "CONTAINS", componentId(item)));
  for (const set of input.fileSets) list.push(relation("SPDXRef-Image", "CONTAINS", idOf("Files", set.name)));
  const byText = new Map(list.map((item) => [canonicalJson(item), item]));
  return [...byText.entries()].toSorted((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, item]) => item);
}

/** A UUID from content: version 8, custom (RFC 9562, 5.8), of the first 128 bits of the SHA-256. */
function contentUuid(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * The SPDX 2.3 document (JSON, canonical by RFC 8785, UTF-8, no final newline) of one platform of an image.
 * Equal input gives equal bytes whatever the order of `packages` and `fileSets`; the namespace follows from the content
 * in the form that SPDX 2.3, 6.5 gives for those without a web site of their own.
 */
export function spdx(input: SbomInput): Uint8Array {
  const name = `${input.image}-${input.platform.replace("/", "-")}`;
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    creationInfo: { created: formatTime(input.epoch), creators: [`Tool: lockstep-format-${input.format}`] },
    packages: distinct([
      imagePackage(input),
      ...(input.suite === undefined ? [] : [systemPackage(input.suite)]),
      ...input.packages.flatMap((item) => [binaryPackage(item, input.suite), sourcePackage(item)]),
      ...input.components.map(componentPackage),
      ...input.fileSets.map(fileSetPackage),
    ]),
    relationships: relationships(input),
    ...extractedLicences(input.components),
  };
  const documentNamespace = `https://spdx.org/spdxdocs/lockstep-${name}-${contentUuid(canonicalJson(document))}`;
  return new TextEncoder().encode(canonicalJson({ ...document, documentNamespace }));
}
