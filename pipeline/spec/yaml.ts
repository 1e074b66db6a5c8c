/** Reads a YAML 1.2 document that a person wrote into plain values, and remembers the line and column of every key and value. */
import { type Document, LineCounter, type YAMLParseError, parseAllDocuments } from "yaml";
import { LockstepError, type Place, type Problem } from "../host/errors.ts";
import type { LocatedDocument } from "./located.ts";
import { convert } from "./yaml-convert.ts";

/** Bytes of the largest document that is read; a spec of a thousand lines has 40 KiB. */
const maxYamlSize = 1 << 20;

/** The yaml package explains with the start of the source line on lines of their own; ours have the place already. */
function syntaxProblem(error: YAMLParseError, place: Place): Problem {
  if (error.code === "RESOURCE_EXHAUSTION") {
    return { code: "LS2006", message: "lists and mappings are nested too deeply", place };
  }
  const hint =
    error.code === "TAB_AS_INDENT"
      ? "indent with spaces"
      : error.code === "BAD_SCALAR_START" || error.code === "BLOCK_AS_IMPLICIT_KEY"
        ? "put the text in quotes if it is one string, or check the indentation"
        : undefined;
  return { code: "LS2001", message: `is not YAML: ${error.message}`, place, ...(hint === undefined ? {} : { hint }) };
}

function only(documents: readonly Document.Parsed[], file: string, at: (offset: number) => Place): Document.Parsed {
  const [document, second] = documents;
  if (document === undefined || document.contents === null) {
    const hint = "see docs/image-spec.md for what belongs in it";
    throw new LockstepError({
      code: "LS2006",
      message: "document is empty",
      place: { file, line: 1, column: 1 },
      hint,
    });
  }
  // A first error is worth reading; those after it are mostly its consequences.
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) throw new LockstepError(syntaxProblem(error, at(error.pos[0])));
  if (second !== undefined) {
    const place = at(second.range[0]);
    throw new LockstepError({
      code: "LS2006",
      message: "a second document begins here",
      place,
      hint: "keep one document a file",
    });
  }
  const { explicit, version } = document.directives.yaml;
  if (explicit === true && version !== "1.2") {
    throw new LockstepError({
      code: "LS2001",
      message: `is not YAML: the directive asks for YAML ${version}`,
      place: at(0),
      hint: "remove the %YAML directive: files are read as YAML 1.2, where `no` and `0755` are no surprise",
    });
  }
  return document;
}

/**
 * Reads one document (YAML 1.2.2, core schema, no merge keys, no custom tags). Lines and columns are 1-based, columns in UTF-16 units.
 * Throws LS2001 (syntax), LS2002 (key written twice) and LS2006 (size, nesting, aliases, number of documents).
 */
export function readYaml(text: string, file: string): LocatedDocument {
  if (Buffer.byteLength(text) > maxYamlSize) {
    throw new LockstepError({ code: "LS2006", message: "document is larger than 1 MiB", place: { file } });
  }
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  // Keys are compared while converting: the package's own check takes quadratic time, and knows only one of the two places.
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    resolveKnownTags: false,
    logLevel: "silent",
  });
  const document = only(Array.isArray(documents) ? documents : [], file, at);
  return { file, ...convert(document.contents, at) };
}
