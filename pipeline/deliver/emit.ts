/** Writes objects as YAML that every parser reads alike, YAML 1.1 ones included, in the key order they were made with. */
import { Document, isScalar, visit } from "yaml";

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Text that no parser takes for anything else; all other text is put in double quotes. */
const plain = /^[A-Za-z/](?:[A-Za-z0-9_./@-]|:(?=[A-Za-z0-9_./@-]))*$/;
/** What YAML 1.1 (as Kubernetes and Kustomize read it) or 1.2 takes for a boolean or null. */
const reserved = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

/** `header` lines come first as comments; ends with one newline. */
export function emitYaml(value: JsonObject, header: readonly string[]): string {
  // The same object may be met twice (labels); anchors would be right and unreadable.
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (!isScalar<unknown>(node) || typeof node.value !== "string") return;
      node.type = plain.test(node.value) && !reserved.test(node.value) ? "PLAIN" : "QUOTE_DOUBLE";
    },
  });
  return header.map((line) => `# ${line}\n`).join("") + document.toString({ lineWidth: 0 });
}
