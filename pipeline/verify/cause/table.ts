/** All causes, and which rules are asked about what. */
import type { Cause, Rule, Topic } from "./cause.ts";
import { compressionCauses } from "./rules/compression.ts";
import { documentCauses } from "./rules/documents.ts";
import { environmentCauses } from "./rules/environment.ts";
import { evidenceCauses } from "./rules/evidence.ts";
import { generalCauses, unknownCause } from "./rules/general.ts";
import { languageCauses } from "./rules/languages.ts";
import { orderCauses } from "./rules/order.ts";
import { ownerCauses } from "./rules/owners.ts";
import { systemCauses } from "./rules/system.ts";
import { timeCauses } from "./rules/time.ts";

/** In the order of the catalogue; what is none of its rows comes last. */
export const causes: readonly Cause[] = [
  ...timeCauses,
  ...orderCauses,
  ...compressionCauses,
  ...ownerCauses,
  ...systemCauses,
  ...languageCauses,
  ...environmentCauses,
  ...documentCauses,
  ...evidenceCauses,
  ...generalCauses,
  unknownCause,
];

export interface Asked {
  readonly cause: Cause;
  readonly rule: Rule;
}

/** The rules of each topic. */
export const rulesByTopic: ReadonlyMap<Topic, readonly Asked[]> = (() => {
  const map = new Map<Topic, Asked[]>();
  for (const cause of causes)
    for (const [topic, rule] of Object.entries(cause.rules ?? {}) as [Topic, Rule][]) {
      const list = map.get(topic);
      if (list === undefined) map.set(topic, [{ cause, rule }]);
      else list.push({ cause, rule });
    }
  return map;
})();
