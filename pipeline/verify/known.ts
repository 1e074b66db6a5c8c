/** Verdicts that were reached before: kept under the plans and the digest that they are about, and the code that reached them. */
import type { BuiltImage } from "../build/build.ts";
import { digestOfCode } from "../build/generation.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { digestOf, hexOf } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import type { Verdict } from "./judge.ts";

/** This room decides no bytes, so its code is not in the generation of the store. */
let verifier: string | undefined;

function keyOf({ image, index, platforms }: BuiltImage): string {
  verifier ??= digestOfCode(["verify"]);
  const plans = platforms.map(({ platform, plan }) => ({ platform, plan }));
  return hexOf(digestOf(canonicalJson({ kind: "verdict", image, index: index.descriptor.digest, plans, verifier })));
}

/** The verdict that is kept for an image as it was built; only `reproduced` ever is. */
export async function knownVerdict(store: Store, built: BuiltImage): Promise<Verdict | undefined> {
  const record = (await store.getRecord("result", keyOf(built))) as Verdict | undefined;
  return record === undefined ? undefined : { ...record, known: true };
}

export async function keepVerdict(store: Store, built: BuiltImage, verdict: Partial<Verdict>): Promise<void> {
  await store.putRecord("result", keyOf(built), verdict);
}
