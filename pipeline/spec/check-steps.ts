/** Checks of steps in a spec: no network, options that fit each other, nothing above them that would undo them. */
import type { Problem } from "../host/errors.ts";
import { checkPath, checkTwice } from "./check-common.ts";
import { byPlatform, checkFetch } from "./check-http.ts";
import { type LocatedDocument, type Path, placeOf } from "./located.ts";
import type { RawLayer } from "./schema.ts";
import { type Platform, platforms as allPlatforms } from "./types.ts";

/** Problems LS2017, LS2055 and LS2056 of a `run` layer. */
export function checkRun(
  { network, tools, files, outputs, workdir, argv }: NonNullable<RawLayer["run"]>,
  at: Path,
  document: LocatedDocument,
): readonly Problem[] {
  const problems: Problem[] = [...checkPath(document, [...at, "workdir"], workdir, true)];
  const wrong = (code: "LS2055" | "LS2056", key: string, message: string, hint: string): number =>
    problems.push({ code, message, place: placeOf(document, [...at, key]), hint });
  if (network !== "none") {
    const hint =
      "name the files that it needs under fetch:, or put them below it with an http, git, debian, npm or python layer";
    wrong(
      "LS2055",
      "network",
      `network: ${network}: what a step fetches is in no lock, so steps have no network`,
      hint,
    );
  }
  if (tools === undefined) {
    if (files !== undefined)
      wrong("LS2056", "files", "files without tools", "add them with a files layer before the step");
    if (outputs !== undefined)
      wrong("LS2056", "outputs", "outputs without tools", "leave them out: all that the step changes is taken");
  } else if (outputs === undefined) {
    const hint = "write outputs: [{ from: /out/program, into: /usr/local/bin/program }]";
    wrong("LS2056", "tools", "tools without outputs: nothing of the step would be in the image", hint);
  }
  if (argv?.[0]?.startsWith("/") === false || argv?.[0]?.includes("=") === true) {
    const hint = "write /usr/bin/make, for example";
    wrong("LS2056", "argv", `program ${JSON.stringify(argv[0])} is not an absolute path`, hint);
  }
  return problems;
}

/** Problems LS2021, LS2030 and LS2031 of what a step fetches. */
export function checkFetches(
  fetch: NonNullable<RawLayer["run"]>["fetch"],
  at: Path,
  platforms: readonly Platform[],
  document: LocatedDocument,
): readonly Problem[] {
  const twice = allPlatforms.flatMap((platform) => {
    const urls = fetch.flatMap(({ url }, index) => {
      const own = byPlatform(url)[platform];
      return own === undefined ? [] : [[own, [...at, index, "url"]] as const];
    });
    return checkTwice(document, "LS2021", "address", urls);
  });
  // What is listed twice for both platforms is told once.
  const unique = new Map(twice.map((problem) => [JSON.stringify(problem.place), problem]));
  return [...fetch.flatMap((each, index) => checkFetch(each, [...at, index], platforms, document)), ...unique.values()];
}

/** LS2056 for a Dockerfile whose name leads out of the context. */
export function checkDockerfile(file: string, at: Path, document: LocatedDocument): readonly Problem[] {
  const parts = file.split("/");
  if (!parts.some((part) => part === "" || part === "." || part === "..")) return [];
  const message = `dockerfile "${file}" is not a path in the context`;
  const place = placeOf(document, [...at, "file"]);
  return [{ code: "LS2056", message, place, hint: "write it relative to the context, such as build/Dockerfile" }];
}

/** LS2057: packages are installed before anything runs on them. */
export function checkOrder(layers: readonly RawLayer[], document: LocatedDocument): readonly Problem[] {
  const step = layers.findIndex(({ run, dockerfile }) => run !== undefined || dockerfile !== undefined);
  const debian = layers.findLastIndex((layer) => layer.debian !== undefined);
  if (step < 0 || debian < step) return [];
  const message = "packages above a step that runs code";
  const hint = "put the debian layer before the step";
  return [{ code: "LS2057", message, place: placeOf(document, ["layers", debian]), hint }];
}
