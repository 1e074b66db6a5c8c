/** Finds the causes that a path alone stands for. */
import type { Cause, Places } from "./cause.ts";

export interface Place {
  readonly cause: Cause;
  readonly confidence: number;
}

type Index = ReadonlyMap<string, readonly Place[]>;

export class PlaceIndex {
  readonly #exact: Index;
  readonly #below: Index;
  readonly #names: Index;
  readonly #components: Index;
  readonly #ends: Index;
  #last: { readonly path: string; readonly places: readonly Place[] } | undefined;

  constructor(causes: readonly Cause[]) {
    const index = (key: keyof Omit<Places, "confidence">): Index => {
      const map = new Map<string, Place[]>();
      for (const cause of causes) {
        const { places } = cause;
        for (const text of places?.[key] ?? []) {
          const list = map.get(text);
          const place = { cause, confidence: places?.confidence ?? 0 };
          if (list === undefined) map.set(text, [place]);
          else list.push(place);
        }
      }
      return map;
    };
    this.#exact = index("exact");
    this.#below = index("below");
    this.#names = index("names");
    this.#components = index("components");
    this.#ends = index("ends");
  }

  /** All causes that a path stands for. */
  of(path: string): readonly Place[] {
    if (this.#last?.path === path) return this.#last.places;
    const found: Place[] = [];
    const add = (places: readonly Place[] | undefined): void => {
      if (places !== undefined) found.push(...places);
    };
    add(this.#exact.get(path));
    let start = 0;
    for (let end = path.indexOf("/"); ; end = path.indexOf("/", start)) {
      const stop = end < 0 ? path.length : end;
      add(this.#below.get(path.slice(0, stop)));
      add(this.#components.get(path.slice(start, stop)));
      if (end < 0) break;
      start = end + 1;
    }
    const name = path.slice(start);
    add(this.#names.get(name));
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) add(this.#ends.get(name.slice(dot)));
    this.#last = { path, places: found };
    return found;
  }
}
