/** Causes that are in evidence about software: rows V of the catalogue. */
import { type Cause, has, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";
import { innermost } from "./look.ts";

const isSbom = (finding: Finding): boolean =>
  /(?:\.spdx(?:\.json)?|\.cdx\.json|\.cdx\.xml|\bbom\.(?:json|xml)|sbom[^/]*\.json)$|(?:^|\/)sboms?\//i.test(
    innermost(finding),
  ) || /^(?:spdx|cyclonedx|sbom)$/i.test(finding.format ?? "");

const isProvenance = (finding: Finding): boolean =>
  /(?:^|\/)(?:provenance|attestations?)\/|(?:\.intoto\.jsonl?|provenance[^/]*\.jsonl?|attestation[^/]*\.jsonl?|\.dsse(?:\.json)?|\.sigstore(?:\.json)?|\.bundle(?:\.json)?)$/i.test(
    innermost(finding),
  ) || /^(?:in-toto|dsse|sigstore|provenance)/i.test(finding.format ?? "");

/** Whether the beginnings of two texts in Base64 are the same JSON but for blanks. */
function sameJson({ a = "", b = "" }: Finding): boolean {
  const [x, y] = [a, b].map((text) =>
    Buffer.from(text.replace(/…$/, ""), "base64").toString("utf8").replaceAll(/\s+/g, ""),
  );
  if (x === undefined || y === undefined || !/^[[{]/.test(x)) return false;
  const common = Math.min(x.length, y.length) - 2;
  return common > 8 && x.slice(0, common) === y.slice(0, common);
}

const sbom =
  (pattern: RegExp, confidence: number, otherwise: Rule = () => 0): Rule =>
  (finding, survey) => {
    if (!isSbom(finding)) return 0;
    return pattern.test(finding.where.field) ? confidence : otherwise(finding, survey);
  };

const provenance =
  (pattern: RegExp, confidence: number): Rule =>
  (finding) =>
    isProvenance(finding) && pattern.test(finding.where.field) ? confidence : 0;

export const evidenceCauses: readonly Cause[] = [
  {
    id: "V1",
    title: "an SBOM has a number or a name space by chance",
    seen: "`serialNumber` or `documentNamespace` of an SBOM differs",
    grade: "cosmetic",
    fix: {
      any: "derive the serial number of {path} from its content, and keep SBOMs outside of the image",
      lockstep: "keep SBOMs beside the image: `lockstep sbom` writes them from the lock",
    },
    rules: {
      content: sbom(/serialNumber|documentNamespace|\buuid\b/i, 0.97, (finding) => (has(finding, "random") ? 0.8 : 0)),
    },
  },
  {
    id: "V2",
    title: "an SBOM has the time, the tool or the paths of whoever made it",
    seen: "the time, the creator or a path in an SBOM differs",
    grade: "cosmetic",
    fix: { any: "make {path} with SOURCE_DATE_EPOCH, one version of the tool and relative paths" },
    rules: {
      content: sbom(/timestamp|creationInfo|\bcreated\b|creators?|metadata\.tools|toolComponent/i, 0.97, (finding) =>
        has(finding, "time", "path", "version") ? 0.8 : 0.3,
      ),
    },
  },
  {
    id: "V3",
    title: "an SBOM lists its components in another order or under other ids",
    seen: "components of an SBOM come in another order, or their references differ",
    grade: "cosmetic",
    fix: { any: "sort the components of {path} by purl, and derive their ids from it" },
    rules: { content: sbom(/bom-ref|SPDXID|\bref\b|dependsOn/i, 0.9, (finding) => (has(finding, "order") ? 0.97 : 0)) },
  },
  {
    id: "V4",
    title: "findings of a scanner are in the image, and its database has moved",
    seen: "vulnerabilities or matches in a report or an SBOM differ",
    grade: "cosmetic",
    fix: { any: "keep findings out of {where}: they follow from the scanner's database of the day" },
    rules: {
      content: (finding) =>
        /^(?:vulnerabilities|matches|Results|runs)\b/.test(finding.where.field) &&
        (isSbom(finding) || /scan|vuln|trivy|grype|sarif/i.test(innermost(finding)))
          ? 0.97
          : 0,
    },
  },
  {
    id: "V5",
    title: "provenance has times, ids or the runner of one run",
    seen: "start, end or invocation id in provenance differs",
    grade: "cosmetic",
    fix: { any: "keep provenance outside of the image, as a referrer" },
    rules: {
      content: provenance(
        /startedOn|finishedOn|buildStartedOn|buildFinishedOn|invocation|buildInvocationId|runDetails|runner|builder/i,
        0.96,
      ),
    },
  },
  {
    id: "V6",
    title: "a signature has randomness in it",
    seen: "the signature differs, and what is signed does not",
    grade: "cosmetic",
    fix: { any: "keep signatures outside of {where}, and compare what is signed" },
    places: { confidence: 0.85, ends: [".sig", ".asc", ".minisig", ".p7s"] },
    rules: {
      content: (finding) =>
        /^(?:messageSignature\.)?(?:sig|signature)s?\b|signatures\[\d+\]\.sig|\bsignature$/i.test(
          finding.where.field,
        ) &&
        (isProvenance(finding) || finding.format === "json")
          ? 0.94
          : 0,
    },
  },
  {
    id: "V7",
    title: "an entry of a transparency log has times and numbers",
    seen: "`logIndex`, `integratedTime` or a proof of inclusion differs",
    grade: "cosmetic",
    fix: { any: "keep bundles outside of {where}: entries of a log are made once for each signature" },
    rules: {
      content: (finding) =>
        /logIndex|integratedTime|inclusionP(?:roof|romise)|tlogEntries|checkpoint|signedEntryTimestamp/i.test(
          finding.where.field,
        )
          ? 0.97
          : 0,
    },
  },
  {
    id: "V8",
    title: "the payload of a statement was written anew as JSON",
    seen: "the payload of an envelope says the same in another notation",
    grade: "encoding",
    fix: { any: "sign and keep the exact bytes of {path}" },
    rules: {
      content: (finding) => {
        if (!isProvenance(finding)) return 0;
        if (has(finding, "form") || /(?:^|\.)(?:payload|form)$/.test(finding.where.field)) return 0.9;
        return finding.where.inside?.includes("payload") === true && sameJson(finding) ? 0.95 : 0;
      },
    },
  },
  {
    id: "V10",
    title: "statements are about other subjects",
    seen: "`subject` of a statement differs",
    grade: "content",
    fix: { any: "name the index and each platform's manifest as subjects of {path}" },
    rules: { content: provenance(/^subject\b|\.subject\b/, 0.92) },
  },
];
