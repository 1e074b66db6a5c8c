/** Which tool made a layer, told from the line of the history about it. */
import type { Finding } from "../compare/finding.ts";
import type { Scene, SideFacts } from "./scene.ts";

export type Maker =
  | "lockstep"
  | "buildkit"
  | "docker"
  | "apko"
  | "ko"
  | "jib"
  | "bazel"
  | "nix"
  | "umoci"
  | "buildpacks"
  | "unknown";

const patterns: readonly (readonly [RegExp, Maker])[] = [
  [/^lockstep: /, "lockstep"],
  [/# buildkit\b|^(?:RUN|COPY|ADD|WORKDIR) /, "buildkit"],
  [/^(?:\|\d+ .*)?\/bin\/(?:ba)?sh -c\b|#\(nop\)/, "docker"],
  [/^apko\b/, "apko"],
  [/^ko (?:build|publish)\b/, "ko"],
  [/^jib\b/, "jib"],
  [/bazel/, "bazel"],
  [/\bnix\b/, "nix"],
  [/\bumoci\b/, "umoci"],
  [/buildpacks/i, "buildpacks"],
];

function sideMadeBy({ madeBy, format }: SideFacts, layer: number | undefined): { maker: Maker; text?: string } {
  const text = layer === undefined ? undefined : madeBy.get(layer);
  if (text === undefined) return { maker: format === undefined ? makerOfAny(madeBy) : "lockstep" };
  return { maker: patterns.find(([pattern]) => pattern.test(text))?.[1] ?? "unknown", text };
}

/** The tool that made most of an image, for what is in no layer. */
function makerOfAny(madeBy: SideFacts["madeBy"]): Maker {
  for (const text of [...madeBy.values()].toReversed()) {
    const found = patterns.find(([pattern]) => pattern.test(text));
    if (found !== undefined) return found[1];
  }
  return "unknown";
}

export interface Made {
  readonly maker: Maker;
  /** The line of the history, as it is. */
  readonly text?: string;
}

/** What made the layer that a finding is in, or the image. */
export function madeOf({ where }: Finding, scene: Pick<Scene, "a" | "b">): Made {
  const made = sideMadeBy(scene.a, where.layer);
  return made.maker === "unknown" && made.text === undefined ? sideMadeBy(scene.b, where.layer) : made;
}

/** Whether a layer is of files that were copied from outside, or of what a command did. */
export function stepOf({ text }: Made): "copy" | "run" | undefined {
  if (text === undefined) return undefined;
  if (/^lockstep: (?:run|dockerfile)\b/.test(text)) return "run";
  if (text.startsWith("lockstep: ")) return "copy";
  if (/^(?:COPY|ADD) |#\(nop\) *(?:COPY|ADD) /.test(text)) return "copy";
  return /^RUN |\/bin\/(?:ba)?sh -c (?!#\(nop\))/.test(text) ? "run" : undefined;
}

const longest = 80;

/** The line of the history as people know it: `RUN useradd app`. */
export function stepText({ text }: Made): string | undefined {
  if (text === undefined) return undefined;
  const plain = text
    .replace(/^lockstep: /, "")
    .replace(/\s*# buildkit.*$/s, "")
    .replace(/^\|\d+ .*?(?=\/bin\/)/s, "")
    .replace(/^RUN \/bin\/(?:ba)?sh -c /, "RUN ")
    .replace(/^\/bin\/(?:ba)?sh -c #\(nop\) */, "")
    .replace(/^\/bin\/(?:ba)?sh -c /, "RUN ")
    // What comes from an image may hold anything.
    // oxlint-disable-next-line no-control-regex
    .replaceAll(/[\u0000-\u001f\u007f-\u009f`]+/g, " ")
    .trim();
  return plain.length <= longest ? plain : `${plain.slice(0, longest - 1)}…`;
}
