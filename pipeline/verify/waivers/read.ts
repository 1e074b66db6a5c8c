/** Reads the waivers of a repository. One without any does not pay for what understands them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, systemCode } from "../../host/errors.ts";
import type { Waiver } from "./parse.ts";

/** At the root of the repository. */
const waiversFile = "waivers.yaml";

/** The waivers of a repository; none where it has no such file. Throws what `parseWaivers` throws. */
export async function readWaivers(root: string, images?: readonly string[]): Promise<readonly Waiver[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(root, waiversFile));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new LockstepError(
      {
        code: "LS5201",
        message: "cannot be read",
        place: { file: waiversFile },
        hint: "look at its rights: it must be a file",
      },
      { cause: error },
    );
  }
  const { parseWaivers } = await import("./parse.ts");
  return parseWaivers(bytes.toString("utf8"), images);
}
