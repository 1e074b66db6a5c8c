/** What an image says of itself, for rules about causes: its time, its format, and what made each layer. */
import type { Subject, SubjectDocument, SubjectImage } from "../compare/subject.ts";
import type { SideFacts } from "./scene.ts";

type Json = Readonly<Record<string, unknown>>;

/** Documents of strangers may hold anything: what is no object counts as empty. */
function read(document: SubjectDocument | undefined): Json {
  if (document === undefined) return {};
  try {
    return asObject(JSON.parse(document.bytes.toString("utf8")));
  } catch {
    return {};
  }
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

/** The lines of the history that have a layer, by its number from 1. */
function stepsOf(history: unknown): ReadonlyMap<number, string> {
  const steps = new Map<number, string>();
  let layer = 0;
  for (const entry of Array.isArray(history) ? history.map(asObject) : []) {
    if (entry["empty_layer"] === true) continue;
    layer++;
    const text = typeof entry["created_by"] === "string" ? entry["created_by"] : entry["comment"];
    if (typeof text === "string" && text !== "") steps.set(layer, text);
  }
  return steps;
}

/** Of several platforms the one that both sides have, else the first with a configuration. */
function imageOf({ images }: Subject, { images: others }: Subject): SubjectImage | undefined {
  const told = images.filter(({ config }) => config !== undefined);
  return told.find(({ platform }) => others.some((other) => other.platform === platform)) ?? told[0];
}

/** What one of two subjects says of itself. */
export function sideFacts(subject: Subject, other: Subject): SideFacts {
  const image = imageOf(subject, other);
  const config = read(image?.config);
  const created = timeOf(config["created"]);
  const format = asObject(read(image?.manifest)["annotations"])["dev.lockstep.format"];
  return {
    ...(created === undefined ? {} : { created }),
    ...(typeof format === "string" ? { format } : {}),
    ...(image?.platform === undefined ? {} : { platform: image.platform }),
    madeBy: stepsOf(config["history"]),
  };
}
