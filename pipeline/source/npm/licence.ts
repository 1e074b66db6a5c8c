/** The licence that an npm package states in its package.json. */
import type { Licence } from "../debian/copyright.ts";
import { inspectTarball, type NpmBlob } from "./tarball.ts";

/** Reads the licence from a tarball in the store; undefined when it is not there. Throws LS3001 and LS40xx for what is damaged or hostile. */
export async function readNpmLicence(blob: NpmBlob): Promise<Licence | undefined> {
  if ((await blob.store.find(blob.digest)) === undefined) return undefined;
  const { licences } = await inspectTarball(blob);
  return licences.length === 0 ? { kind: "unknown" } : { kind: "names", names: licences };
}
