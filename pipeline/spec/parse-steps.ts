/** Steps of a spec, from their raw form to one with every default filled in. */
import type { Place } from "../host/errors.ts";
import { comparePaths } from "../tree/entry.ts";
import { sourcesOf } from "./check-http.ts";
import type { RawLayer } from "./schema.ts";
import { resolveSource } from "./sources.ts";
import type { DockerfileLayer, FilesLayer, RunLayer, StepFetch } from "./types.ts";

/** Where an item of a list of the step is written. */
export type PlaceIn = (key: "files" | "fetch", index: number) => Place;

function fetchOf(raw: NonNullable<RawLayer["run"]>["fetch"], placeIn: PlaceIn): readonly StepFetch[] {
  return raw.map((each, index) => ({ place: placeIn("fetch", index), sources: sourcesOf(each) }));
}

/** `env` as text. */
export function runLayerOf(
  raw: NonNullable<RawLayer["run"]>,
  place: Place,
  env: Readonly<Record<string, string>>,
  placeIn: PlaceIn,
  file: string,
): RunLayer {
  const { argv, script = "", workdir, timeout, tools, files = [], outputs = [] } = raw;
  const [uid = 0, gid = 0] = raw.user.split(":").map(Number);
  const step = {
    kind: "run",
    place,
    argv: argv ?? ["/bin/sh", "-e", "-c", script],
    env,
    workdir,
    timeout,
    fetch: fetchOf(raw.fetch, placeIn),
    secrets: raw.secrets.toSorted(comparePaths),
    user: { uid, gid },
  } as const;
  if (tools === undefined) return step;
  const sets = files.map(({ from, into, exclude }, index): FilesLayer => ({
    kind: "files",
    place: placeIn("files", index),
    from: resolveSource(file, from) ?? from,
    into,
    exclude,
    owner: { uid: 0, gid: 0 },
    mode: [],
  }));
  return { ...step, tools: { image: tools, files: sets, outputs } };
}

export function dockerfileLayerOf(
  raw: NonNullable<RawLayer["dockerfile"]>,
  place: Place,
  args: Readonly<Record<string, string>>,
  placeIn: PlaceIn,
  file: string,
): DockerfileLayer {
  const { target, images, exclude, timeout } = raw;
  return {
    kind: "dockerfile",
    place,
    context: resolveSource(file, raw.context) ?? raw.context,
    file: raw.file,
    ...(target === undefined ? {} : { target }),
    args,
    images: images.toSorted(comparePaths),
    exclude,
    timeout,
    fetch: fetchOf(raw.fetch, placeIn),
    secrets: raw.secrets.toSorted(comparePaths),
  };
}
