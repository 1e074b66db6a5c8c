/** The `store` section of the user's config.yaml: the repository that shares a store, and whose results from it are believed. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LockstepError, messageOf, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { parseVerificationKey, type VerificationKey } from "../evidence/keys.ts";
import { mapOf, readSettings } from "../host/settings.ts";

export interface ShareSettings {
  /** Reference of a repository, without tag and digest. */
  readonly remote?: string;
  /** Keys whose records are believed; none are without a trust file. */
  readonly trusted: readonly VerificationKey[];
}

const hint = "docs/shared-store.md has an example of the section";

/** The public keys in a file: PEM blocks one after another, with any text between them. Throws LS3302 and LS6003. */
export async function readTrustFile(file: string): Promise<readonly VerificationKey[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const message = `the trust file cannot be read (${systemCode(error) ?? messageOf(error)})`;
    throw new LockstepError({ code: "LS3302", message, place: { file }, hint });
  }
  const keys = text.match(/-----BEGIN [^-]+-----[^-]*-----END [^-]+-----/g) ?? [];
  if (keys.length === 0)
    throw new LockstepError({ code: "LS3302", message: "the trust file has no public key", place: { file }, hint });
  return keys.map((pem) => parseVerificationKey(pem, file));
}

/** Reads the section, and the trust file that it names. Throws LS3302 with the place of what is not usable. */
export async function readShareSettings(host: Host): Promise<ShareSettings> {
  const read = await readSettings(host, "store", { code: "LS3302", hint });
  let settings: ShareSettings = { trusted: [] };
  if (read === undefined) return settings;
  const { section, file, fault } = read;
  for (const [key, value] of Object.entries(mapOf(section, ["store"], fault))) {
    const path = ["store", key];
    if (typeof value !== "string" || value === "") throw fault(`store.${key} is not text`, path);
    if (key === "remote") settings = { ...settings, remote: value };
    else if (key === "trust") settings = { ...settings, trusted: await readTrustFile(resolve(dirname(file), value)) };
    else throw fault(`store.${key} is not a setting`, path);
  }
  return settings;
}
