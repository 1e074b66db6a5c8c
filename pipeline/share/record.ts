/** Records as they are shared: what was made from what by which program, signed, because no content can show that it is true. */
import { LockstepError } from "../host/errors.ts";
import { statementType } from "../evidence/evidence.ts";
import type { VerifiedStatement } from "../evidence/verify.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, digestOf, hexOf, isDigest } from "../store/digest.ts";

/** What identifies a record. */
export interface RecordName {
  /** Of the program that made it. */
  readonly generation: string;
  readonly kind: "fragment" | "result";
  /** 64 hexadecimal digits: of the recipe of a fragment, of the plan of a layer. */
  readonly key: string;
}

export interface SharedRecord extends RecordName {
  readonly value: unknown;
}

/** Names what a shared record states; docs/shared-store.md is its specification. */
export const recordType = "https://lockstep.example/attestations/store-record/v1";

/** The tag of a record by one signer: nobody's record stands in the way of another's. */
export function recordTag({ generation, kind, key }: RecordName, signer: string): string {
  return `record-${hexOf(digestOf(canonicalJson([generation, kind, key, signer]))).slice(0, 40)}`;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function blobIn(value: unknown): Digest | undefined {
  if (!isMap(value) || typeof value["digest"] !== "string" || !isDigest(value["digest"])) return undefined;
  return Number.isSafeInteger(value["size"]) ? value["digest"] : undefined;
}

/** The blobs without which a record is worth nothing; undefined when the value is none of its kind. */
export function blobsOf(kind: RecordName["kind"], value: unknown): readonly Digest[] | undefined {
  if (!isMap(value)) return undefined;
  if (kind === "result") {
    const layer = blobIn(value["layer"]);
    return layer === undefined || !Array.isArray(value["notDone"]) ? undefined : [layer];
  }
  const fragment = blobIn(value["fragment"]);
  const { facts } = value;
  return fragment === undefined || typeof facts !== "string" || !isDigest(facts) ? undefined : [fragment, facts];
}

/** The statement (in-toto, canonical JSON) that is signed: about the blobs, saying what they were made from. */
export function recordStatement({ generation, kind, key, value }: SharedRecord, blobs: readonly Digest[]): Uint8Array {
  const statement = {
    _type: statementType,
    subject: blobs.map((digest) => ({ name: digest, digest: { sha256: hexOf(digest) } })),
    predicateType: recordType,
    predicate: { generation, kind, key, value },
  };
  return new TextEncoder().encode(canonicalJson(statement));
}

/** The value in a verified statement, with its blobs, when it is about what was asked for. Throws LS3303. */
export function recordIn(
  statement: VerifiedStatement,
  wanted: RecordName,
  place: string,
): { readonly value: unknown; readonly blobs: readonly Digest[] } {
  const { generation, kind, key, value } = statement.predicate;
  const blobs = blobsOf(wanted.kind, value);
  const same = generation === wanted.generation && kind === wanted.kind && key === wanted.key;
  const named = blobs?.every((digest) => statement.subjects.some(({ sha256 }) => sha256 === hexOf(digest))) === true;
  if (same && blobs !== undefined && named) return { value, blobs };
  throw new LockstepError({
    code: "LS3303",
    message: `${place}: ${same ? "the signed record is malformed" : "the signed record is about something else"}`,
    hint: "it was not used; find out who writes to the shared store",
  });
}
