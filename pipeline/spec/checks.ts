/** Checks of one image spec that need more than a pattern: its name, its layers, accounts and config. */
import { basename, dirname } from "node:path/posix";
import type { Problem } from "../host/errors.ts";
import { checkPath, checkTwice, each } from "./check-common.ts";
import { checkLayers } from "./check-layers.ts";
import { type LocatedDocument, placeOf } from "./located.ts";
import type { RawImage } from "./schema.ts";

function checkAccounts({ users, groups }: RawImage, document: LocatedDocument): readonly Problem[] {
  return [
    ...checkTwice(
      document,
      "LS2019",
      "user",
      each(users, ["users"], (user) => user.name, "name"),
    ),
    ...checkTwice(
      document,
      "LS2019",
      "uid",
      each(users, ["users"], (user) => user.uid, "uid"),
    ),
    ...checkTwice(
      document,
      "LS2019",
      "group",
      each(groups, ["groups"], (group) => group.name, "name"),
    ),
    ...checkTwice(
      document,
      "LS2019",
      "gid",
      each(groups, ["groups"], (group) => group.gid, "gid"),
    ),
    ...users.flatMap(({ home, shell }, index) => [
      ...(home === undefined ? [] : checkPath(document, ["users", index, "home"], home, true)),
      ...checkPath(document, ["users", index, "shell"], shell, true),
    ]),
    ...groups.flatMap(({ members }, index) =>
      checkTwice(
        document,
        "LS2021",
        "member",
        each(members, ["groups", index, "members"], (name) => name),
      ),
    ),
  ];
}

function portText(port: string | number): string {
  return String(port).includes("/") ? String(port) : `${port}/tcp`;
}

function checkConfig({ config }: RawImage, document: LocatedDocument): readonly Problem[] {
  return [
    ...checkTwice(document, "LS2021", "port", each(config.ports, ["config", "ports"], portText)),
    ...checkTwice(
      document,
      "LS2021",
      "volume",
      each(config.volumes, ["config", "volumes"], (volume) => volume),
    ),
    ...(config.workdir === undefined ? [] : checkPath(document, ["config", "workdir"], config.workdir, true)),
    ...config.volumes.flatMap((volume, index) => checkPath(document, ["config", "volumes", index], volume, true)),
  ];
}

/** A reference as the distribution project's grammar has it, with a tag, a digest or both (its package `reference`). */
const referencePattern =
  /^(?:(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

function checkBase({ from, layers }: RawImage, document: LocatedDocument): readonly Problem[] {
  if (typeof from !== "object") return [];
  const { image } = from;
  const problems: Problem[] = [];
  const wrong = (why: string, hint: string): number =>
    problems.push({
      code: "LS2035",
      message: `from.image "${image}" ${why}`,
      place: placeOf(document, ["from", "image"]),
      hint,
    });
  if (!referencePattern.test(image)) {
    wrong("is not a reference to an image", "write registry.example/name:tag, in lower case");
  } else if (!/:[^/]*$/.test(image))
    wrong("has neither a tag nor a digest", `write ${image}:tag; the lock pins its digest`);
  const debian = (layers ?? []).findIndex((layer) => layer.debian !== undefined);
  if (debian >= 0) {
    problems.push({
      code: "LS2036",
      message:
        "a debian layer on an image of a registry: its packages are not in the lock, so nothing can be resolved against them",
      place: placeOf(document, ["layers", debian]),
      hint: "make the image from debian layers alone, or take the base as it is",
    });
  }
  return problems;
}

/** All problems LS2007, LS2010, LS2016 to LS2023, LS2030, LS2031, LS2033, LS2035 and LS2036 that a document of the right shape shows on its own. */
export function checkImage(raw: RawImage, document: LocatedDocument): readonly Problem[] {
  const folder = basename(dirname(document.file));
  const name: readonly Problem[] =
    raw.name === folder
      ? []
      : [
          {
            code: "LS2010",
            message: `image "${raw.name}" is in the folder "${folder}"`,
            place: placeOf(document, ["name"]),
            hint: `write name: ${folder}, or rename the folder`,
          },
        ];
  return [
    ...name,
    ...checkTwice(
      document,
      "LS2021",
      "platform",
      each(raw.platforms, ["platforms"], (platform) => platform),
    ),
    ...checkBase(raw, document),
    ...checkLayers(raw.layers ?? [], raw.platforms, document),
    ...checkAccounts(raw, document),
    ...checkConfig(raw, document),
  ];
}
