/** `pin` for inputs besides Debian packages: what still answers stays, what may move is asked for again, what nobody asks for goes. */
import type { InputEntry, InputSection, Lock, LockedInputs } from "../../lock/types.ts";
import { comparePaths } from "../../tree/entry.ts";
import type { InputKind, InputRequest, PinWork, Question, SpecSource } from "./kind.ts";
import { inputRequests, inputSections, inputsOf, kindOf } from "./kinds.ts";

/** Whether `pin --only <name>` is about an input: by its key, or by an image that asks for one. */
export function isInputName(source: SpecSource, lock: Lock, name: string): boolean {
  return [...inputRequests(source, lock).values()].flat().some(({ key, image }) => key === name || image === name);
}

async function pinSection(
  work: PinWork,
  kind: InputKind<InputSection>,
  old: ReadonlyMap<string, InputEntry>,
  requests: readonly InputRequest[],
  only: string | undefined,
): Promise<ReadonlyMap<string, InputEntry>> {
  const byKey = Map.groupBy(requests, ({ key }) => key);
  const answers = new Map<string, InputEntry>();
  const questions: Question<InputRequest, InputEntry>[] = [];
  for (const [key, asking] of byKey) {
    const entry = old.get(key);
    const answered = entry !== undefined && asking.every((request) => kind.mismatch(request, entry) === undefined);
    const meant = only === undefined || asking.some(({ image }) => image === only) || key === only;
    if (answered && !(meant && asking.some((request) => kind.moves(request)))) answers.set(key, entry);
    else questions.push({ key, requests: asking, ...(entry === undefined ? {} : { old: entry }) });
  }
  if (questions.length > 0) {
    for (const [key, entry] of await kind.resolve(work, questions)) answers.set(key, entry);
  }
  // What an old entry led to, and a new one does not any more, goes with it.
  const asked = new Set(kind.requests(work, answers).map(({ key }) => key));
  return new Map([...answers].filter(([key]) => asked.has(key)).toSorted(([a], [b]) => comparePaths(a, b)));
}

/** The inputs of a lock that answers the specs. `only`: the key, or the image, that may move; everything else stays where it can. */
export async function pinInputs(work: PinWork, lock: Lock, only: string | undefined): Promise<LockedInputs> {
  const requests = inputRequests(work, lock);
  const pinned = new Map<InputSection, ReadonlyMap<string, InputEntry>>();
  for (const section of inputSections) {
    const asked = requests.get(section) ?? [];
    pinned.set(section, await pinSection(work, kindOf(section), lock[section], asked, only));
  }
  return inputsOf((section) => pinned.get(section) ?? new Map());
}
