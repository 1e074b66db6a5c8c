/** The licence that an npm package states in its package.json. */
import type { Licence } from "../debian/copyright.ts";
import { comparePaths, type Entry } from "../../tree/entry.ts";
import { isObject } from "./package-lock.ts";
import { type NpmBlob, unpackTarball } from "./tarball.ts";

/** Bytes of the largest package.json that is read. */
const manifestLimit = 8 << 20;

const location = "node_modules/package";

function named(value: unknown): readonly string[] {
  const name = isObject(value) ? value["type"] : value;
  return typeof name === "string" && name.trim() !== "" ? [name.trim().replaceAll(/\s+/g, " ")] : [];
}

/** `license` (an SPDX expression), or the older forms: an object with `type`, and `licenses`, a list of them. */
function licenceOf(manifest: Buffer): Licence {
  let value: unknown;
  try {
    value = JSON.parse(manifest.toString("utf8").replace(/^\ufeff/, ""));
  } catch {
    return { kind: "unknown" };
  }
  if (!isObject(value)) return { kind: "unknown" };
  const list: readonly unknown[] = Array.isArray(value["licenses"]) ? value["licenses"] : [value["licenses"]];
  const names = new Set([...named(value["license"]), ...(value["license"] === undefined ? list.flatMap(named) : [])]);
  return names.size === 0 ? { kind: "unknown" } : { kind: "names", names: [...names].toSorted(comparePaths) };
}

/** Reads the licence from a tarball in the store; undefined when it is not there. Throws LS3001 and LS40xx for what is damaged or hostile. */
export async function readNpmLicence(blob: NpmBlob): Promise<Licence | undefined> {
  if ((await blob.store.find(blob.digest)) === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  let reading = false;
  const sink = {
    entry: (entry: Entry): Promise<void> => {
      reading = entry.type === "file" && entry.path === `${location}/package.json` && entry.size <= manifestLimit;
      return Promise.resolve();
    },
    content: (piece: Uint8Array): Promise<void> => {
      if (reading) pieces.push(Uint8Array.from(piece));
      return Promise.resolve();
    },
  };
  await unpackTarball(blob, sink, { location, uid: 0, gid: 0, bins: [], executable: [], drop: [], bundled: [] });
  return licenceOf(Buffer.concat(pieces));
}
