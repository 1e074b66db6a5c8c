/** What to do about a cause, said for the tool that made the layer and the step that did it. */
import type { Finding } from "../compare/finding.ts";
import type { Cause } from "./cause.ts";
import { stepText } from "./makers.ts";
import type { Survey } from "./survey.ts";

/** ``layer 2 (`COPY app /app`)``, or the image where it is in no layer. */
export function whereText(finding: Finding, survey: Survey): string {
  const { layer } = finding.where;
  if (layer === undefined)
    return finding.where.part === "entry" || finding.where.part === "layer" ? "the archive" : "the image";
  const step = stepText(survey.made(finding));
  return step === undefined || step === "" ? `layer ${layer}` : `layer ${layer} (\`${step}\`)`;
}

/** The fix of a cause, by the finding that stands for all it explains. */
export function fixFor({ fix }: Cause, finding: Finding, survey: Survey): string {
  const { maker } = survey.made(finding);
  const { path } = finding.where;
  return (fix[maker] ?? fix.any)
    .replaceAll("{where}", () => whereText(finding, survey))
    .replaceAll("{path}", () => (path === undefined || path === "" ? "it" : `/${path}`));
}
