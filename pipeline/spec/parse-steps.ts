/** Steps of a spec, from their raw form to one with every default filled in. */
import type { Place } from "../host/errors.ts";
import { comparePaths } from "../tree/entry.ts";
import type { RawLayer } from "./schema.ts";
import { resolveSource } from "./sources.ts";
import type { DockerfileLayer, FilesLayer, RunLayer } from "./types.ts";

/** `env` as text; `placeOfFiles` says where the item of `files` with an index is written. */
export function runLayerOf(
  raw: NonNullable<RawLayer["run"]>,
  place: Place,
  env: Readonly<Record<string, string>>,
  placeOfFiles: (index: number) => Place,
  file: string,
): RunLayer {
  const { argv, script = "", workdir, timeout, tools, files = [], outputs = [] } = raw;
  const step = { kind: "run", place, argv: argv ?? ["/bin/sh", "-e", "-c", script], env, workdir, timeout } as const;
  if (tools === undefined) return step;
  const sets = files.map(({ from, into, exclude }, index): FilesLayer => ({
    kind: "files",
    place: placeOfFiles(index),
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
  };
}
