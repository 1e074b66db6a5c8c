/** Explain: two subjects compared down to the innermost difference, with what it is worth and where it comes from. */
import type { Spool } from "./archive/spool.ts";
import type { Host } from "../host/host.ts";
import { nameCauses } from "./cause/name.ts";
import { sideFacts } from "./cause/sides.ts";
import type { Comparison, Difference } from "./compare/comparison.ts";
import { type Finding, gravest, type Unread, type Where } from "./compare/finding.ts";
import { compareSubjects } from "./compare/images.ts";
import { type SubjectRun, withSubjects } from "./compare/open-subject.ts";
import type { NamedEncoder } from "./compare/layers.ts";
import { compared, type Subject, type SubjectBlob } from "./compare/subject.ts";
import { compareContent } from "./content/compare.ts";
import type { Content } from "./content/format.ts";
import type { Sizes } from "./report/sizes-page.ts";

/** More differences than this are counted and not kept: they take memory, and nobody reads them. */
const mostFindings = 500_000;

export interface ExplainOptions {
  /** `linux/arm64`: compare the images of this platform only. */
  readonly platform?: string;
  /** Compares an index with an image of one platform by the image of that platform in it. */
  readonly narrow?: boolean;
  /** Called with the layers and packages of both by size, where both are images or layers and differ. */
  readonly sizes?: ((sizes: readonly Sizes[]) => void) | undefined;
}

/** What comparing gives, before it is known why. */
class Findings {
  readonly findings: Finding[] = [];
  readonly unread: Unread[] = [];
  more = 0;
  readonly #spool: Spool;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  found(finding: Finding): void {
    if (this.findings.length < mostFindings) this.findings.push(finding);
    else this.more++;
  }

  async content(where: Omit<Where, "field">, a: Content, b: Content): Promise<void> {
    const at = (inside: readonly string[]): Omit<Where, "field"> =>
      inside.length === 0 ? where : { ...where, inside };
    await compareContent(
      { path: where.path ?? "", a, b },
      {
        found: (inside, field, finding) => this.found({ where: { ...at(inside), field }, ...finding }),
        unread: (inside, reason) => this.unread.push({ where: at(inside), reason }),
      },
      { keep: (pieces) => this.#spool.keep(pieces) },
    );
  }
}

/** What made two compressed layers, in words. */
async function encodersOf(a: SubjectBlob, b: SubjectBlob): Promise<readonly [NamedEncoder, NamedEncoder]> {
  const { recogniseEncoder } = await import("./encoder/recognise.ts");
  const { recognisedText } = await import("./encoder/recognised.ts");
  const name = async (blob: SubjectBlob): Promise<NamedEncoder> => {
    const recognised = await recogniseEncoder(() => blob.open());
    return { name: recognisedText(recognised), evidence: recognised.evidence };
  };
  return [await name(a), await name(b)];
}

/** Compares two opened subjects. */
async function compareOpened(host: Pick<Host, "now">, a: Subject, b: Subject, spool: Spool): Promise<Comparison> {
  const all = new Findings(spool);
  if (a.digest !== b.digest) {
    if (a.kind === "file" && b.kind === "file" && a.content !== undefined && b.content !== undefined) {
      await all.content({ part: "entry", path: "" }, a.content, b.content);
    } else {
      await compareSubjects(a, b, spool, {
        found: (finding) => all.found(finding),
        unread: (where, reason) => all.unread.push({ where, reason }),
        content: (where, x, y) => all.content(where, x, y),
        encoders: encodersOf,
      });
    }
  }
  if (a.digest !== b.digest && all.findings.length === 0 && all.unread.length === 0)
    // Whatever was passed over as a consequence is a difference of its own when there is nothing else.
    all.found({ where: { part: "manifest", field: "digest" }, a: a.digest, b: b.digest, grade: "content" });
  const { causes, guesses } = nameCauses({
    findings: all.findings,
    a: sideFacts(a, b),
    b: sideFacts(b, a),
    now: Math.floor(host.now() / 1000),
  });
  const differences = all.findings.map((finding, index): Difference => ({ ...finding, causes: guesses[index] ?? [] }));
  const verdict = a.digest === b.digest ? "equal" : "differs";
  return {
    schema: 1,
    verdict,
    grade: verdict === "equal" ? null : (gravest(differences.map(({ grade }) => grade)) ?? "content"),
    a: compared(a),
    b: compared(b),
    causes,
    differences,
    more: all.more,
    unread: all.unread,
  };
}

/** Which side is an index where the other is an image, and the platform of that image. */
function narrowing(a: Subject, b: Subject): { readonly side: 0 | 1; readonly platform: string } | undefined {
  const kinds = `${a.kind} ${b.kind}`;
  const side = kinds === "index image" ? 0 : kinds === "image index" ? 1 : undefined;
  const platform = (side === 0 ? b : a).images[0]?.platform;
  return side === undefined || platform === undefined ? undefined : { side, platform };
}

/** Opens and compares two subjects, see `openSubject` for what they are called. */
export async function explain(
  run: SubjectRun,
  nameA: string,
  nameB: string,
  { narrow = false, sizes, ...options }: ExplainOptions = {},
): Promise<Comparison> {
  return withSubjects(run, [nameA, nameB], options, async (subjects, spool, again) => {
    const found = narrow ? narrowing(...subjects) : undefined;
    const narrowed = found === undefined ? undefined : await again(found.side, found.platform);
    const a = (found?.side === 0 ? narrowed : undefined) ?? subjects[0];
    const b = (found?.side === 1 ? narrowed : undefined) ?? subjects[1];
    const comparison = await compareOpened(run.host, a, b, spool);
    if (sizes !== undefined && comparison.verdict === "differs" && a.kind !== "file" && b.kind !== "file") {
      const { reportOpened } = await import("./inventory/report.ts");
      sizes((await reportOpened(a, b)).sizes);
    }
    return comparison;
  });
}
