/** Names the causes of differences: for each finding the likeliest ones, and for all of them together. */
import type { CauseGuess, RankedCause } from "../compare/comparison.ts";
import type { Finding } from "../compare/finding.ts";
import type { Cause, Topic } from "./cause.ts";
import { PlaceIndex } from "./places.ts";
import { rankCauses } from "./rank.ts";
import { unknownCause } from "./rules/general.ts";
import type { Scene } from "./scene.ts";
import { Survey } from "./survey.ts";
import { causes, rulesByTopic } from "./table.ts";

export interface NamedCauses {
  /** Of the whole, the one that explains most first. */
  readonly causes: readonly RankedCause[];
  /** Of each finding, in their order; at least one and at most three of each. */
  readonly guesses: readonly (readonly CauseGuess[])[];
}

const mostGuesses = 3;
/** Less than that is not worth saying. */
const leastConfidence = 0.15;

/** Topics of which the path alone may say the cause. */
const placed: ReadonlySet<Topic> = new Set<Topic>([
  "content",
  "entry.presence",
  "entry.type",
  "entry.target",
  "entry.sparse",
]);

const nobodyKnows: readonly CauseGuess[] = [{ id: unknownCause.id, confidence: 0.1 }];

function guess(finding: Finding, topic: Topic, survey: Survey, places: PlaceIndex): readonly CauseGuess[] {
  const best: { cause: Cause; confidence: number }[] = [];
  const add = (cause: Cause, confidence: number): void => {
    if (!(confidence >= leastConfidence)) return;
    const known = best.findIndex((other) => other.cause === cause);
    if (known >= 0) {
      if ((best[known]?.confidence ?? 0) >= confidence) return;
      best.splice(known, 1);
    }
    // Among equals the earlier row stays first.
    let at = best.length;
    while (at > 0 && (best[at - 1]?.confidence ?? 0) < confidence) at--;
    if (at >= mostGuesses) return;
    best.splice(at, 0, { cause, confidence });
    if (best.length > mostGuesses) best.pop();
  };
  // An entry of an archive within a file is an entry, and the file is content all the same.
  const topics: readonly Topic[] = finding.format === "tar" && topic !== "content" ? [topic, "content"] : [topic];
  if (topics.some((one) => placed.has(one)))
    for (const { cause, confidence } of places.of(finding.where.path ?? "")) add(cause, confidence);
  for (const one of topics)
    for (const { cause, rule } of rulesByTopic.get(one) ?? []) add(cause, rule(finding, survey));
  return best.length === 0
    ? nobodyKnows
    : best.map(({ cause, confidence }) => ({ id: cause.id, confidence: Math.min(confidence, 1) }));
}

/** Names causes; pure, and the same whatever the order of the findings. */
export function nameCauses(scene: Scene): NamedCauses {
  const survey = new Survey(scene);
  const places = new PlaceIndex(causes);
  const guesses = scene.findings.map((finding, index) =>
    guess(finding, survey.topics[index] ?? "content", survey, places),
  );
  return { causes: rankCauses(survey, guesses, causes), guesses };
}
