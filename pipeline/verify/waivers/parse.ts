/** Parses waivers.yaml: differences that somebody answers for, each with its place in the file. */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { type LocatedDocument, placeOf } from "../../spec/located.ts";
import { problemsOf } from "../../spec/schema-problems.ts";
import { causes } from "../cause/table.ts";
import { readYaml } from "../../spec/yaml.ts";
import { checkWaivers, type RawWaiver, waiversSchema } from "./schema.ts";

/** At the root of the repository. */
const waiversFile = "waivers.yaml";

export interface Waiver extends RawWaiver {
  readonly place: Place;
}

const byId = new Map(causes.map((cause) => [cause.id, cause]));

/** Fields of entries that say what may be done. */
const privileged = /^(?:mode|uid|gid|device|xattr\.(?:security|system|trusted)\..*|pax\.SCHILY\.acl\..*)$/;

function problemsOfWaiver(waiver: RawWaiver, document: LocatedDocument, index: number): readonly Problem[] {
  const at = (key: string): Place => placeOf(document, ["waivers", index, key]);
  const cause = byId.get(waiver.cause);
  if (cause === undefined)
    return [
      {
        code: "LS5206",
        message: `there is no cause "${waiver.cause}"`,
        place: at("cause"),
        hint: "docs/causes.md lists them; take the id that `explain` names first",
      },
    ];
  if (cause.grade === "privilege")
    return [
      {
        code: "LS5202",
        message: `${cause.id} (${cause.title}) is about privileges`,
        place: at("cause"),
        hint: "mend the cause: docs/causes.md says how",
      },
    ];
  if (waiver.path !== undefined && waiver.field !== undefined && privileged.test(waiver.field))
    return [
      {
        code: "LS5202",
        message: `"${waiver.field}" says what may be done with ${waiver.path}`,
        place: at("field"),
        hint: "mend the cause of the difference",
      },
    ];
  return [];
}

/** What two waivers must not have in common. */
function coverage({ image, platform, layer, path, field, cause }: RawWaiver): string {
  return JSON.stringify([image, platform ?? "", layer ?? 0, path ?? "", field ?? "", cause]);
}

function repeatedOf(waivers: readonly Waiver[]): readonly Problem[] {
  const first = new Map<string, Waiver>();
  return waivers.flatMap((waiver): readonly Problem[] => {
    const key = coverage(waiver);
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, waiver);
      return [];
    }
    return [
      {
        code: "LS5207",
        message: `covers what line ${other.place.line ?? 0} covers`,
        place: waiver.place,
        hint: "keep one of the two",
      },
    ];
  });
}

/** Problems of the syntax are told as problems of this file. */
function renamed(problems: readonly Problem[]): readonly Problem[] {
  return problems.map(({ code, message, place, hint }) => ({
    code: "LS5201",
    message,
    ...(place === undefined ? {} : { place }),
    // An empty file is told what belongs into an image spec.
    ...(hint === undefined ? {} : { hint: code === "LS2006" ? "docs/waivers.md says what belongs in it" : hint }),
  }));
}

/**
 * Parses the text of waivers.yaml. `images` are the images of the repository, where they are known. Throws all problems at once: LS5201
 * (not what the file must be), LS5202 (about privileges), LS5206 (no such cause or image), LS5207 (covers the same as another).
 */
export function parseWaivers(text: string, images?: readonly string[]): readonly Waiver[] {
  let document: LocatedDocument;
  try {
    document = readYaml(text, waiversFile);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    throw new LockstepError(renamed(error.problems), { cause: error });
  }
  const checked = checkWaivers(document.value);
  if (!checked.ok) throw new LockstepError(renamed(problemsOf(checked.issues, document, waiversSchema)));
  const waivers = checked.value.map((raw, index): Waiver => ({ ...raw, place: placeOf(document, ["waivers", index]) }));
  const strangers = waivers.flatMap(({ image }, index): readonly Problem[] =>
    images === undefined || images.includes(image)
      ? []
      : [
          {
            code: "LS5206",
            message: `there is no image "${image}"`,
            place: placeOf(document, ["waivers", index, "image"]),
            hint: `images are ${images.join(", ")}`,
          },
        ],
  );
  const problems = [
    ...waivers.flatMap((waiver, index) => problemsOfWaiver(waiver, document, index)),
    ...strangers,
    ...repeatedOf(waivers),
  ];
  if (problems.length > 0) throw new LockstepError(problems);
  return waivers;
}
