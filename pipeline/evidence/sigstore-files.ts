/** JSON files in the forms of Sigstore's protobuf-specs that the user names: read and checked before anything depends on them. */
import { readFile } from "node:fs/promises";
import { LockstepError, messageOf } from "../host/errors.ts";

/** Neither file comes near. */
const largest = 4 * 1024 * 1024;

/** Refuses a file: LS6007. */
export function unusable(file: string, what: string, cause?: unknown): never {
  const hint = "get it from whoever runs the services";
  throw new LockstepError({ code: "LS6007", message: what, place: { file }, hint }, { cause });
}

/** Reads one, whose `mediaType` has to match, and gives what `parse` makes of it. Throws LS6007. */
export async function readSigstoreFile<T>(
  file: string,
  kind: string,
  mediaType: RegExp,
  parse: (json: object) => T,
): Promise<T> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > largest) throw new Error(`it is larger than ${largest} bytes`);
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const named = typeof json === "object" && json !== null && "mediaType" in json ? json.mediaType : undefined;
    if (typeof json !== "object" || json === null || typeof named !== "string" || !mediaType.test(named))
      throw new Error(`its mediaType is ${JSON.stringify(named) ?? "not there"}`);
    return parse(json);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    return unusable(file, `this is not a ${kind} that can be read: ${messageOf(error)}`, error);
  }
}
