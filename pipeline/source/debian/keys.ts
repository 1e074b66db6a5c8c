/** The keys Debian's archive is signed with: shipped in `keyring/`, from the package debian-archive-keyring (docs/debian.md tells how to update). */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Key } from "openpgp";
import { LockstepError, messageOf } from "../../host/errors.ts";
import { comparePaths } from "../../tree/entry.ts";

/** Where the shipped keys are. */
export const keyringDirectory = fileURLToPath(new URL("./keyring/", import.meta.url));

/** Reads every armoured key (`*.asc`) of a directory. Throws LS2310 for one that is no public key, or when there is none. */
export async function readKeyring(directory: string = keyringDirectory): Promise<readonly Key[]> {
  const { readKeys } = await import("openpgp");
  const names = (await readdir(directory)).filter((name) => name.endsWith(".asc")).toSorted(comparePaths);
  const keys: Key[] = [];
  for (const name of names) {
    const file = join(directory, name);
    try {
      const found = await readKeys({ armoredKeys: await readFile(file, "utf8") });
      for (const key of found) {
        if (key.isPrivate()) throw new Error("it is a private key");
        keys.push(key);
      }
    } catch (error) {
      throw new LockstepError(
        {
          code: "LS2310",
          message: `cannot be read as OpenPGP public keys: ${messageOf(error)}`,
          place: { file: name },
          hint: "restore it from the package debian-archive-keyring",
        },
        { cause: error },
      );
    }
  }
  if (keys.length === 0) {
    throw new LockstepError({
      code: "LS2310",
      message: "the keyring holds no key",
      hint: "restore the folder keyring/",
    });
  }
  return keys;
}
