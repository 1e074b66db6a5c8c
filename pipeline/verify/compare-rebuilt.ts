/** Compares what was rebuilt with what was built, and with what was published. */
import type { BuiltImage } from "../build/build.ts";
import type { Digest } from "../store/digest.ts";
import type { Comparison } from "./compare/comparison.ts";
import type { SubjectRun } from "./compare/open-subject.ts";
import type { Verdict } from "./judge.ts";
import type { Sizes } from "./report/sizes-page.ts";
import type { SizeNode } from "./report/treemap.ts";

/** What was built with what was rebuilt, or with what it is compared with besides. */
export type Compares = "comparison" | "against";

/** What the comparisons of one verification share. */
export interface Comparing {
  readonly run: SubjectRun;
  readonly against?: string;
  readonly sizes?: (part: Compares, sizes: readonly Sizes[]) => void;
  /** What rebuilds were compared with besides, by their digests. */
  readonly compared: Map<Digest, Comparison>;
}

/** Hands on sizes; what has another `name` than people know it by gets that. */
function sizesFor(
  { sizes }: Comparing,
  part: Compares,
  names: Readonly<Record<string, string>>,
): ((both: readonly Sizes[]) => void) | undefined {
  if (sizes === undefined) return undefined;
  const known = (node: SizeNode): SizeNode => {
    const [before, name] = Object.entries(names).find(([each]) => node.name.startsWith(each)) ?? ["", ""];
    return { ...node, name: `${name}${node.name.slice(before.length)}` };
  };
  return (both) =>
    sizes(
      part,
      both.map((each) => ({ a: known(each.a), b: known(each.b) })),
    );
}

/** How the bytes of two layouts of one image differ. */
export async function compareLayouts(
  comparing: Comparing,
  { image, layout }: BuiltImage,
  rebuilt: string,
): Promise<Comparison> {
  // Loaded only when something differs, which it hardly ever does.
  const { explain } = await import("./explain.ts");
  const [nameA, nameB] = [`oci:${layout}:${image}`, `oci:${rebuilt}:${image}`];
  // The directory of the rebuild is gone by the time that anybody reads this.
  const known = { [nameA]: `${image} as built`, [nameB]: `${image} rebuilt` };
  const { a, b, ...comparison } = await explain(comparing.run, nameA, nameB, {
    sizes: sizesFor(comparing, "comparison", known),
  });
  return { ...comparison, a: { ...a, name: known[nameA] ?? a.name }, b: { ...b, name: known[nameB] ?? b.name } };
}

/**
 * How a published image differs from what was rebuilt; one of a single platform is compared with that platform. Rebuilds that give one digest
 * are compared once.
 */
export async function compareWith(
  comparing: Comparing,
  { image }: BuiltImage,
  verdict: Pick<Verdict, "rebuilt">,
  rebuilt: string,
): Promise<Comparison> {
  const { run, against = "", compared } = comparing;
  const before = verdict.rebuilt === undefined ? undefined : compared.get(verdict.rebuilt);
  if (before !== undefined) return before;
  const { explain } = await import("./explain.ts");
  const [name, known] = [`oci:${rebuilt}:${image}`, `${image} rebuilt`];
  const sizes = sizesFor(comparing, "against", { [name]: known });
  const { b, ...comparison } = await explain(run, against, name, { narrow: true, sizes });
  const found = { ...comparison, b: { ...b, name: known } };
  if (verdict.rebuilt !== undefined) compared.set(verdict.rebuilt, found);
  return found;
}
