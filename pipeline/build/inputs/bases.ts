/** Images of registries that specs are from: pinned by what their tag names, fetched by digest. */
import { LockstepError, type Problem } from "../../host/errors.ts";
import type { LockedBase } from "../../lock/types.ts";
import type { Platform } from "../../spec/types.ts";
import { fetchLockedBase } from "../base/fetch.ts";
import { registryImages } from "../base/registry-image.ts";
import type { InputKind, InputRequest } from "./kind.ts";

interface BaseRequest extends InputRequest {
  /** Of all images that are from it, sorted: what the entry must have, and nothing else. */
  readonly all: readonly Platform[];
}

export const basesKind: InputKind<"bases", BaseRequest> = {
  requests({ specs }) {
    const wanted = new Map<string, Set<Platform>>();
    for (const { base, platforms } of specs) {
      if (base === undefined) continue;
      wanted.set(base.image, new Set([...(wanted.get(base.image) ?? []), ...platforms]));
    }
    return specs.flatMap(({ name, base, platforms }) => {
      if (base === undefined) return [];
      const all = [...(wanted.get(base.image) ?? [])].toSorted();
      return [{ image: name, key: base.image, platforms, place: base.place, all }];
    });
  },

  mismatch({ key, all }, base) {
    const locked = Object.keys(base.platforms).toSorted();
    if (locked.join() !== all.join()) return `is locked for ${locked.join(", ")}, and is needed for ${all.join(", ")}`;
    const digest = /@(.*)$/.exec(key)?.[1];
    return digest === undefined || digest === base.digest ? undefined : `is locked to ${base.digest}`;
  },

  moves: ({ key }) => !key.includes("@"),

  async resolve({ host, store, report, signal }, questions) {
    const { pinBase } = await import("../base/pin-base.ts");
    const open = registryImages(host, report, signal);
    const answers = new Map<string, LockedBase>();
    const problems: Problem[] = [];
    for (const { key, requests } of questions) {
      try {
        const source = await open(key);
        const platforms = requests[0]?.all ?? [];
        answers.set(key, await pinBase(store, source, key, platforms).finally(() => source.close()));
      } catch (error) {
        if (!(error instanceof LockstepError)) throw error;
        problems.push(...error.problems);
      }
    }
    if (problems.length > 0) throw new LockstepError(problems);
    return answers;
  },

  async fetch(host, store, report, _source, entries, { offline = false, signal }) {
    const open = registryImages(host, report, signal);
    for (const [reference, base] of entries) {
      await fetchLockedBase(store, report, reference, base, {
        open,
        offline,
        ...(signal === undefined ? {} : { signal }),
      });
    }
  },
};
