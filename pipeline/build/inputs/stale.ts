/** Whether the lock's inputs are exactly what the specs ask for: pure but for what a kind reads in the repository. */
import type { Problem } from "../../host/errors.ts";
import { nameOf } from "../../lock/entries.ts";
import type { Lock } from "../../lock/types.ts";
import type { SpecSource } from "./kind.ts";
import { inputSections, kindOf } from "./kinds.ts";

const hint = "run `lockstep pin`";

/** LS2201 for every request that the lock does not answer, and LS2208 for every entry that nobody asks for. */
export function inputProblems(source: SpecSource, lock: Lock): readonly Problem[] {
  return inputSections.flatMap((section) => {
    const kind = kindOf(section);
    const requests = kind.requests(source, lock[section]);
    const stale = requests.flatMap((request): Problem[] => {
      const entry = lock[section].get(request.key);
      const what = entry === undefined ? "is not in the lock" : kind.mismatch(request, entry);
      if (what === undefined) return [];
      const message = `the lock is out of date: ${nameOf(section, request.key)} of image "${request.image}" ${what}`;
      return [{ code: "LS2201", message, place: request.place, hint }];
    });
    const asked = new Set(requests.map(({ key }) => key));
    const unused = [...lock[section].keys()]
      .filter((key) => !asked.has(key))
      .map((key): Problem => {
        const message = `${nameOf(section, key)} is asked for by no spec`;
        return { code: "LS2208", message, place: { file: "lockstep.lock" }, hint };
      });
    return [...stale, ...unused];
  });
}
