/** RECORD: the list of a wheel's files with their hashes, as it comes and as an installer writes it (recording installed projects). */
import { LockstepError, type Place } from "../../host/errors.ts";
import { comparePaths } from "../../tree/entry.ts";

export interface RecordRow {
  readonly path: string;
  /** `sha256=` and base64 for URLs without padding; empty for RECORD itself and signatures. */
  readonly hash: string;
  /** Decimal; may be empty. */
  readonly size: string;
}

function malformed(message: string, place: Place): LockstepError {
  return new LockstepError({ code: "LS2609", message: `RECORD ${message}`, place });
}

/** Fields of lines of CSV as Python's csv module reads them: commas, quotes that are doubled within quotes. */
function fieldsOf(text: string, place: Place): readonly (readonly string[])[] {
  const rows: string[][] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let row: string[] = [];
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw malformed("is not CSV", place);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === ",") {
      if (pattern.lastIndex === text.length) row.push("");
      else continue;
    }
    rows.push(row);
    row = [];
  }
  return rows.filter((fields) => fields.length > 1 || fields[0] !== "");
}

/** Rows by path. LS2609 when it is malformed or says two things of one file. */
export function parseRecord(text: string, place: Place): ReadonlyMap<string, RecordRow> {
  const rows = new Map<string, RecordRow>();
  for (const [path = "", hash = "", size = "", ...rest] of fieldsOf(text, place)) {
    if (rest.length > 0 || path === "") throw malformed("has a row that is no path, hash and size", place);
    const before = rows.get(path);
    if (before !== undefined && (before.hash !== hash || before.size !== size))
      throw malformed(`has ${path} twice`, place);
    rows.set(path, { path, hash, size });
  }
  return rows;
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** The text of a RECORD, sorted by path, with the line ends that Python's csv module writes. */
export function formatRecord(rows: readonly RecordRow[]): string {
  return rows
    .toSorted((a, b) => comparePaths(a.path, b.path))
    .map(({ path, hash, size }) => `${[path, hash, size].map(quoted).join(",")}\r\n`)
    .join("");
}
