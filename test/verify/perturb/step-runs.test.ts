import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stepSurroundings } from "../../../pipeline/build/step/surroundings.ts";
import { mostReruns } from "../../../pipeline/verify/perturb/attribute.ts";
import { followRuns, type StepFinding, type StepOutcome } from "../../../pipeline/verify/perturb/step-runs.ts";
import { type StepPerturbation, stepPerturbations } from "../../../pipeline/verify/perturb/step-table.ts";

/** A step whose layer depends on what is changed; the number is that of the run. */
type Step = (changed: ReadonlySet<string>, run: number) => StepOutcome["outcome"];

/** An engine that makes one run at a time, and asks each time from the beginning which is the next, as the module does. */
async function onAnEngine(perturbations: readonly StepPerturbation[], step: Step) {
  const made: StepOutcome[] = [];
  const sets: (readonly string[])[] = [];
  for (;;) {
    const asked: number[] = [];
    const finding: StepFinding = await followRuns(perturbations, async (run) => {
      asked.push(run);
      return made[run];
    });
    // Each is asked for once and in order: the first that is not there is the next.
    expect(asked).toEqual([...asked.keys()]);
    if (finding.kind !== "open") return { finding, sets };
    expect(finding.run).toBe(made.length);
    const names = finding.perturbations.map(({ name }) => name);
    sets.push(names);
    made.push({ outcome: step(new Set(names), made.length) });
  }
}

const differs = (when: boolean): StepOutcome["outcome"] => (when ? "differs" : "same");

/** Made-up perturbations, for more of them than there are. */
function many(count: number): readonly StepPerturbation[] {
  const [one] = stepPerturbations;
  if (one === undefined) throw new Error("there are none");
  return Array.from({ length: count }, (_, index) => ({ ...one, name: `step-${index}` as StepPerturbation["name"] }));
}

describe("the runs of a step", () => {
  it("are one under all perturbations, when it gives the same", async () => {
    const { finding, sets } = await onAnEngine(stepPerturbations, () => "same");
    expect(finding).toEqual({ kind: "same" });
    expect(sets).toEqual([stepPerturbations.map(({ name }) => name)]);
  });

  it.each(stepSurroundings)("find %s in at most four more, and name nothing else", async (name) => {
    const { finding, sets } = await onAnEngine(stepPerturbations, (changed) => differs(changed.has(name)));
    expect(finding).toMatchObject({ kind: "differs", attribution: { kind: "found", items: [{ name }] } });
    expect(sets.length - 1).toBeLessThanOrEqual(4);
    expect(sets).toContainEqual([name]);
  });

  it("are one more, with nothing changed, for a step that differs by itself, and none more when nothing was to be changed", async () => {
    const chance = await onAnEngine(stepPerturbations, () => "differs");
    expect([chance.finding, chance.sets.slice(1)]).toMatchObject([{ attribution: { kind: "always" } }, [[]]]);
    const none = await onAnEngine([], () => "differs");
    expect([none.finding, none.sets]).toMatchObject([{ attribution: { kind: "always" } }, [[]]]);
  });

  it("find a smallest set, whatever sets of perturbations a step depends on, in as many as are said", async () => {
    const build = fc
      .integer({ min: 1, max: 20 })
      .chain((count) =>
        fc.tuple(
          fc.constant(count),
          fc.array(
            fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), { minLength: 1, maxLength: Math.min(count, 4) }),
            { minLength: 1, maxLength: 3 },
          ),
        ),
      );
    await fc.assert(
      fc.asyncProperty(build, async ([count, causes]) => {
        const step = (changed: ReadonlySet<string>): boolean =>
          causes.some((cause) => cause.every((item) => changed.has(`step-${item}`)));
        const { finding, sets } = await onAnEngine(many(count), (changed) => differs(step(changed)));
        if (finding.kind !== "differs" || finding.attribution.kind !== "found") throw new Error(finding.kind);
        const names: readonly string[] = finding.attribution.items.map(({ name }) => name);
        expect(step(new Set(names))).toBe(true);
        for (const name of names) expect(step(new Set(names.filter((other) => other !== name)))).toBe(false);
        expect(sets).toContainEqual(names);
        expect(sets.length - 1).toBeLessThanOrEqual(mostReruns(count, names.length));
      }),
      { numRuns: 500 },
    );
  });

  it("come to an end for a step by chance, and name no set that was not seen to differ", async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.constantFrom("same", "differs", "failed" as const)), async (chance) => {
        const seen: string[] = [];
        const { finding } = await onAnEngine(stepPerturbations, (changed) => {
          const outcome = chance.next().value ?? "same";
          if (outcome === "differs") seen.push([...changed].join());
          return outcome;
        });
        if (finding.kind !== "differs" || finding.attribution.kind !== "found") return;
        expect(seen).toContain(finding.attribution.items.map(({ name }) => name).join());
      }),
      { numRuns: 500 },
    );
  });

  it("say nothing about causes when one of them leaves what no layer can be", async () => {
    for (const failing of [0, 1, 2]) {
      const { finding, sets } = await onAnEngine(stepPerturbations, (changed, run) =>
        run === failing ? "failed" : differs(changed.has("step-pids")),
      );
      expect([finding, sets.length]).toMatchObject([{ attribution: { kind: "failed" } }, failing + 1]);
    }
  });
});
