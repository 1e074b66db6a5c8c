/** Values of a YAML or JSON document with their places, whichever of the two it is, and ways to look into them. */
import type { Extent } from "../shell/syntax.ts";
import type { Slice } from "./text.ts";

/** A text that is not what it should be, and where it stops being it. */
export class DocumentError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = "DocumentError";
    this.at = at;
  }
}

interface Entry {
  readonly key: string;
  readonly keyExtent: Extent;
  readonly value: Node;
}

export type Node =
  | (Extent & { readonly kind: "map"; readonly entries: readonly Entry[] })
  | (Extent & { readonly kind: "list"; readonly items: readonly Node[] })
  | (Extent & {
      readonly kind: "scalar";
      /** As text, also for numbers and booleans; empty for null. */
      readonly text: string;
      readonly string: boolean;
      readonly slice: Slice;
      /** Whether words may be put into it where `slice` says they are, and it stays what it is. */
      readonly editable: boolean;
    });

export type Scalar = Extract<Node, { kind: "scalar" }>;

/** The entries of a mapping; none of anything else. */
export function entries(node: Node | undefined): readonly Entry[] {
  return node?.kind === "map" ? node.entries : [];
}

/** The items of a list; none of anything else. */
export function items(node: Node | undefined): readonly Node[] {
  return node?.kind === "list" ? node.items : [];
}

/** The value below some keys. */
export function get(node: Node | undefined, ...path: readonly string[]): Node | undefined {
  return path.reduce<Node | undefined>((from, key) => entries(from).find((entry) => entry.key === key)?.value, node);
}

export function scalar(node: Node | undefined): Scalar | undefined {
  return node?.kind === "scalar" ? node : undefined;
}

/** The text of a scalar. */
export function textOf(node: Node | undefined): string | undefined {
  return scalar(node)?.text;
}

/** Strings of a list, or the one that stands in its place. */
export function scalars(node: Node | undefined): readonly Scalar[] {
  if (node?.kind === "scalar") return [node];
  return items(node).flatMap((item) => (item.kind === "scalar" ? [item] : []));
}

/** Every mapping in a document, itself included, with the key it is under. */
export function* maps(node: Node, key = ""): Generator<{ readonly key: string; readonly node: Node }> {
  if (node.kind === "map") {
    yield { key, node };
    for (const entry of node.entries) yield* maps(entry.value, entry.key);
  } else if (node.kind === "list") for (const item of node.items) yield* maps(item, key);
}

/** Reads YAML; handed in, because only some files need what it takes to do so. */
export type YamlReader = (text: string) => readonly Node[];
