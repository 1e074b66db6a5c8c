/** Which inputs besides Debian packages are another thing now than what is locked: tags and addresses whose content may move. */
import type { InputEntry, Lock } from "../lock/types.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { comparePaths } from "../tree/entry.ts";
import type { InputRequest, PinWork, Question } from "./inputs/kind.ts";
import { inputRequests, inputSections, kindOf } from "./inputs/kinds.ts";
import type { OutdatedItem } from "./outdated.ts";
import { inputItem } from "./pin-items.ts";

/** Names by which a request can be meant: the image that has it, and its key. */
export function inputNames(requests: Iterable<InputRequest>): readonly string[] {
  return [...requests].flatMap(({ image, key }) => [image, key]);
}

function union<T extends string>(lists: readonly (readonly T[])[]): readonly T[] {
  return [...new Set(lists.flat())].toSorted(comparePaths);
}

/**
 * Asks again for every locked input whose answer may be another one by now, of the images or keys that are named or of all. What has to be
 * downloaded to know it goes into the store. Throws what the kinds throw when they are pinned.
 */
export async function outdatedInputs(
  work: PinWork,
  lock: Lock,
  names: readonly string[],
): Promise<readonly OutdatedItem[]> {
  const found: OutdatedItem[] = [];
  const all = inputRequests(work, lock);
  // Warnings of kinds are about what is pinned, and nothing is.
  const { report } = work;
  const quiet: PinWork = {
    ...work,
    report: {
      task: (title, unit) => report.task(title, unit),
      detail: (line) => report.detail(line),
      warn: (line) => report.detail(line),
    },
  };
  for (const section of inputSections) {
    const kind = kindOf(section);
    const locked: ReadonlyMap<string, InputEntry> = lock[section];
    const questions: Question<InputRequest, InputEntry>[] = [];
    for (const [key, requests] of Map.groupBy(all.get(section) ?? [], (request) => request.key)) {
      const old = locked.get(key);
      const meant = names.length === 0 || inputNames(requests).some((name) => names.includes(name));
      if (old !== undefined && meant && requests.some((request) => kind.moves(request)))
        questions.push({ key, requests, old });
    }
    if (questions.length === 0) continue;
    const answers: ReadonlyMap<string, InputEntry> = await kind.resolve(quiet, questions);
    for (const { key, requests, old } of questions) {
      const now = answers.get(key);
      if (old === undefined || now === undefined || canonicalJson(old) === canonicalJson(now)) continue;
      const [was, is] = [inputItem(section, key, old), inputItem(section, key, now)];
      found.push({
        kind: section,
        name: is.name,
        current: { version: was.version, size: was.size, sha256: was.sha256 },
        newest: { version: is.version, size: is.size, sha256: is.sha256 },
        platforms: union(requests.map(({ platforms }) => platforms)),
        images: union(requests.map(({ image }) => [image])),
      });
    }
  }
  return found.toSorted((a, b) => comparePaths(a.kind, b.kind) || comparePaths(a.name, b.name));
}
