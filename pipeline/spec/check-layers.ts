/** Checks of the layers of one image spec: sources, globs, paths that are declared twice or below a link. */
import { dirname } from "node:path/posix";
import type { Problem } from "../host/errors.ts";
import { type Located, checkPath, checkTwice, each } from "./check-common.ts";
import { type LocatedDocument, type Path, placeOf, showPath } from "./located.ts";
import { checkGit } from "./check-git.ts";
import { checkHttp } from "./check-http.ts";
import { checkDockerfile, checkFetches, checkOrder, checkRun } from "./check-steps.ts";
import type { RawLayer } from "./schema.ts";
import { resolveSource } from "./sources.ts";
import type { Platform } from "./types.ts";

/** Globs are turned into regular expressions that backtrack; a handful of stars is plenty and stays fast. */
function checkGlob(document: LocatedDocument, path: Path, glob: string): readonly Problem[] {
  const wrong = (message: string, hint: string): readonly Problem[] => [
    { code: "LS2007", message: `glob "${glob}" ${message}`, place: placeOf(document, path), hint },
  ];
  if (glob.startsWith("/")) return wrong("must be relative", `write "${glob.replace(/^\/+/, "")}"`);
  if (glob.endsWith("/")) return wrong("must not end with a slash", `write "${glob.replace(/\/+$/, "")}"`);
  const parts = glob.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return wrong('must not have ".", ".." or an empty part in it', "name what is below the source");
  }
  if (glob.includes("\\")) return wrong("must not have a backslash in it", "only *, **, ? and {a,b} are special");
  if ((glob.match(/\*+/g) ?? []).length > 8) return wrong("must not have more than 8 stars", "split it in two");
  let depth = 0;
  for (const character of glob) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (depth < 0 || depth > 1) break;
  }
  return depth === 0 ? [] : wrong("must have each { closed by a } before the next", "write {a,b}");
}

/** LS2016 for the name of a file or directory that is not inside the repository. */
function checkInside(document: LocatedDocument, path: Path, from: string): readonly Problem[] {
  if (resolveSource(document.file, from) !== undefined) return [];
  const hint = "names are relative to the folder of image.yaml, and a part of the repository";
  const message = `${showPath(path)} "${from}" is not inside the repository`;
  return [{ code: "LS2016", message, place: placeOf(document, path), hint }];
}

/** Problems LS2007, LS2016 to LS2023, LS2030, LS2031, LS2033, LS2050 to LS2052 and LS2055 to LS2057 of layers of the right shape. */
export function checkLayers(
  layers: readonly RawLayer[],
  platforms: readonly Platform[],
  document: LocatedDocument,
): Problem[] {
  const problems: Problem[] = [];
  const declared: (readonly [string, Path])[] = [];
  const links: (readonly [string, Path])[] = [];
  let debian: Path | undefined;
  for (const [index, layer] of layers.entries()) {
    const path = ["layers", index];
    if (layer.debian !== undefined) {
      if (debian !== undefined) {
        const message = "a second Debian layer: packages of one image are resolved together";
        const hint = `put all packages into ${showPath(debian)}; "split" makes several OCI layers of it`;
        problems.push({ code: "LS2023", message, place: placeOf(document, path), hint });
      }
      debian ??= path;
      const names = each(layer.debian.packages, [...path, "debian", "packages"], (name) => name);
      problems.push(...checkTwice(document, "LS2021", "package", names));
    }
    if (layer.files !== undefined) {
      const { from, into, exclude, mode } = layer.files;
      const at = [...path, "files"];
      problems.push(...checkInside(document, [...at, "from"], from));
      // A final slash says that a single file keeps its name.
      const target = into.length > 1 ? into.replace(/\/$/, "") : into;
      problems.push(...checkPath(document, [...at, "into"], target));
      declared.push([target, [...at, "into"]]);
      for (const [i, glob] of exclude.entries()) problems.push(...checkGlob(document, [...at, "exclude", i], glob));
      for (const glob of Object.keys(mode)) problems.push(...checkGlob(document, [...at, "mode", glob], glob));
      problems.push(
        ...checkTwice(
          document,
          "LS2021",
          "glob",
          each(exclude, [...at, "exclude"], (glob) => glob),
        ),
      );
    }
    if (layer.npm !== undefined) {
      const { project, into, omit } = layer.npm;
      const at = [...path, "npm"];
      if (resolveSource(document.file, project) === undefined) {
        const hint = "names are relative to the folder of image.yaml, and a part of the repository";
        const message = `${showPath([...at, "project"])} "${project}" is not inside the repository`;
        problems.push({ code: "LS2016", message, place: placeOf(document, [...at, "project"]), hint });
      }
      problems.push(...checkPath(document, [...at, "into"], into));
      const modules = `${into === "/" ? "" : into}/node_modules`;
      declared.push([modules, [...at, "into"]]);
      const kinds = each(omit, [...at, "omit"], (kind) => kind);
      problems.push(...checkTwice(document, "LS2021", "kind of dependency", kinds));
    }
    if (layer.http !== undefined) {
      const { into } = layer.http;
      const at = [...path, "http"];
      // A final slash says that a single file keeps its name.
      const target = into.length > 1 ? into.replace(/\/$/, "") : into;
      problems.push(...checkPath(document, [...at, "into"], target), ...checkHttp(layer.http, at, platforms, document));
      declared.push([target, [...at, "into"]]);
      const { include = [], exclude = [], mode } = layer.http;
      for (const [i, glob] of include.entries()) problems.push(...checkGlob(document, [...at, "include", i], glob));
      for (const [i, glob] of exclude.entries()) problems.push(...checkGlob(document, [...at, "exclude", i], glob));
      for (const glob of Object.keys(typeof mode === "object" ? mode : {}))
        problems.push(...checkGlob(document, [...at, "mode", glob], glob));
    }
    if (layer.git !== undefined) {
      const at = [...path, "git"];
      const { into, exclude, mode } = layer.git;
      problems.push(...checkPath(document, [...at, "into"], into), ...checkGit(layer.git, at, document));
      declared.push([into, [...at, "into"]]);
      for (const [i, glob] of exclude.entries()) problems.push(...checkGlob(document, [...at, "exclude", i], glob));
      for (const glob of Object.keys(mode)) problems.push(...checkGlob(document, [...at, "mode", glob], glob));
    }
    if (layer.python !== undefined) {
      const at = [...path, "python"];
      const { requirements, into, exclude } = layer.python;
      for (const [i, glob] of exclude.entries()) problems.push(...checkGlob(document, [...at, "exclude", i], glob));
      problems.push(...checkInside(document, [...at, "requirements"], requirements));
      problems.push(...checkPath(document, [...at, "into"], into));
      declared.push([into, [...at, "into"]]);
    }
    if (layer.run !== undefined) {
      const at = [...path, "run"];
      const { files = [], outputs = [] } = layer.run;
      problems.push(...checkRun(layer.run, at, document));
      problems.push(...checkFetches(layer.run.fetch, [...at, "fetch"], platforms, document));
      const secrets = each(layer.run.secrets, [...at, "secrets"], (name) => name);
      problems.push(...checkTwice(document, "LS2021", "secret", secrets));
      for (const [i, { from, into, exclude }] of files.entries()) {
        problems.push(...checkInside(document, [...at, "files", i, "from"], from));
        problems.push(...checkPath(document, [...at, "files", i, "into"], into));
        for (const [j, text] of exclude.entries())
          problems.push(...checkGlob(document, [...at, "files", i, "exclude", j], text));
      }
      for (const [i, { from, into }] of outputs.entries()) {
        problems.push(...checkPath(document, [...at, "outputs", i, "from"], from, true));
        problems.push(...checkPath(document, [...at, "outputs", i, "into"], into));
        declared.push([into, [...at, "outputs", i, "into"]]);
      }
    }
    if (layer.dockerfile !== undefined) {
      const at = [...path, "dockerfile"];
      const { context, file, images, exclude, fetch } = layer.dockerfile;
      problems.push(...checkFetches(fetch, [...at, "fetch"], platforms, document));
      problems.push(...checkInside(document, [...at, "context"], context), ...checkDockerfile(file, at, document));
      for (const [i, text] of exclude.entries()) problems.push(...checkGlob(document, [...at, "exclude", i], text));
      const names = each(images, [...at, "images"], (name) => name);
      problems.push(...checkTwice(document, "LS2021", "image", names));
      const secrets = each(layer.dockerfile.secrets, [...at, "secrets"], (name) => name);
      problems.push(...checkTwice(document, "LS2021", "secret", secrets));
    }
    for (const [i, item] of (layer.directories ?? []).entries()) {
      const at = [...path, "directories", i, "path"];
      problems.push(...checkPath(document, at, item.path));
      declared.push([item.path, at]);
    }
    for (const [i, item] of (layer.symlinks ?? []).entries()) {
      const at = [...path, "symlinks", i, "path"];
      const root =
        item.path === "/"
          ? [{ code: "LS2022", message: "/ cannot be a link", place: placeOf(document, at) } as const]
          : [];
      problems.push(...checkPath(document, at, item.path), ...root);
      links.push([item.path, at]);
    }
  }
  return [...problems, ...checkOrder(layers, document), ...checkDeclared(document, declared, links)];
}

/** A path is a directory or a link, not both, and nothing can be put below a link of the same image. */
function checkDeclared(document: LocatedDocument, declared: Located, links: Located): readonly Problem[] {
  const directories = declared.filter(([, path]) => path.includes("directories"));
  const targets = new Map(links.map(([path, at]) => [path, placeOf(document, at)]));
  const below: Problem[] = [];
  for (const [value, path] of [...declared, ...links]) {
    for (let parent = dirname(value); parent.length > 1; parent = dirname(parent)) {
      const link = targets.get(parent);
      if (link === undefined) continue;
      const message = `${value} is below ${parent}, which line ${link.line} declares as a link`;
      below.push({ code: "LS2022", message, place: placeOf(document, path), hint: "name the path the link points to" });
      break;
    }
  }
  const files = declared.filter(([value]) => targets.has(value));
  return [
    ...checkTwice(document, "LS2022", "path", [...directories, ...links]),
    ...checkTwice(document, "LS2022", "path", [...links, ...files.filter(([, path]) => !path.includes("directories"))]),
    ...below,
  ];
}
