/** Licences as packages state them, in the words of SPDX: an expression where it is one, else a reference to the statement. */
import { createHash } from "node:crypto";
import parseExpression from "spdx-expression-parse";

/** A licence that SPDX's list does not have (SPDX 2.3, clause 10). */
export interface ExtractedLicence {
  readonly licenseId: string;
  readonly name: string;
  readonly extractedText: string;
  readonly comment: string;
}

export interface Declared {
  /** A licence expression (SPDX 2.3, annex D). */
  readonly license: string;
  /** What it refers to, when it is no licence of SPDX's list. */
  readonly extracted?: ExtractedLicence;
}

function isExpression(statement: string): boolean {
  // What these refer to would be in a document that nobody has.
  if (/\b(?:LicenseRef|DocumentRef)-/.test(statement)) return false;
  // Operators in small letters are of SPDX 3 (SPDX 2.3, annex D.2).
  if (statement.split(/[\s()]+/).some((word) => ["and", "or", "with"].includes(word))) return false;
  try {
    parseExpression(statement);
    return true;
  } catch {
    return false;
  }
}

/** What a package's own statement of its licence is in SPDX. One that is no expression is kept in its own words. */
export function declared(statement: string): Declared {
  if (isExpression(statement)) return { license: statement };
  const digest = createHash("sha256").update(statement).digest("hex");
  const licenseId = `LicenseRef-stated-${digest.slice(0, 20)}`;
  const comment = "The words of the package's own metadata; its files may have the text.";
  return { license: licenseId, extracted: { licenseId, name: statement, extractedText: statement, comment } };
}
