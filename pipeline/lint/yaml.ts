/** Reads the YAML documents of one file into values with places. */
import { isAlias, isMap, isScalar, isSeq, type ParsedNode, parseAllDocuments, Scalar } from "yaml";
import { DocumentError, type Node } from "../dockerfile/tree.ts";
import { blurred, type Slice, SliceBuilder, verbatim } from "../dockerfile/text.ts";

/** Values of one file once its aliases are expanded. */
const maxValues = 100_000;
const maxDepth = 100;

/** The lines of a block scalar without their indentation; undefined where they are not those of the value. */
function literalBlock(text: string, value: string, start: number, end: number): Slice | undefined {
  const first = text.indexOf("\n", start) + 1;
  if (first === 0 || first > end) return undefined;
  const lines = text.slice(first, end).split("\n");
  const indent = /^ */.exec(lines.find((line) => line.trim() !== "") ?? "")?.[0].length ?? 0;
  const builder = new SliceBuilder();
  let at = first;
  for (const line of lines) {
    const own = Math.min(indent, line.length);
    const content = line.slice(own).replace(/\r$/, "");
    builder.add(`${content}\n`, at + own);
    at += line.length + 1;
  }
  const slice = builder.build();
  const body = value.replace(/\n+$/, "");
  return slice.text.startsWith(body) ? { text: value, origin: slice.origin } : undefined;
}

/** Where the characters of a scalar are; undefined where they are not written as they are meant. */
function sliceOf(text: string, node: Scalar.Parsed, value: string): Slice | undefined {
  const [start, end] = node.range;
  if (node.type === Scalar.BLOCK_LITERAL) return literalBlock(text, value, start, end);
  const quote = node.type === Scalar.PLAIN ? 0 : 1;
  return text.startsWith(value, start + quote) ? verbatim(value, start + quote) : undefined;
}

function converter(text: string): (node: ParsedNode | null, at: number, depth: number, flow: boolean) => Node {
  const anchors = new Map<string, ParsedNode>();
  let values = 0;

  function convert(node: ParsedNode | null, place: number, depth: number, flow: boolean): Node {
    if (++values > maxValues || depth > maxDepth)
      throw new DocumentError("it is too large or nested too deeply", place);
    if (node === null) {
      const slice = verbatim("", place);
      return { kind: "scalar", text: "", string: false, editable: false, slice, at: place, end: place };
    }
    const [at, end] = node.range;
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined)
        throw new DocumentError(`it is not YAML: alias *${node.source} has no anchor before it`, at);
      return convert(target, at, depth + 1, true);
    }
    const made = content(node, at, end, depth, flow || ("flow" in node && node.flow === true));
    // After the content: an alias inside its own anchor must not be found.
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    return made;
  }

  function content(
    node: Exclude<ParsedNode, { source: string; anchor?: never }>,
    at: number,
    end: number,
    depth: number,
    flow: boolean,
  ): Node {
    if (isSeq(node))
      return { kind: "list", items: node.items.map((item) => convert(item, at, depth + 1, flow)), at, end };
    if (isMap(node)) {
      const list = node.items.map(({ key, value }) => {
        const [start, stop] = key.range;
        const name = isScalar(key) ? (key.source ?? String(key.value)) : "";
        return { key: name, keyExtent: { at: start, end: stop }, value: convert(value, stop, depth + 1, flow) };
      });
      return { kind: "map", entries: list, at, end };
    }
    const string = typeof node.value === "string";
    const value = typeof node.value === "string" ? node.value : node.value === null ? "" : (node.source ?? "");
    const slice = sliceOf(text, node, value);
    // Braces and commas end a plain scalar in flow style; elsewhere, and in quotes, they are characters like others.
    const editable = slice !== undefined && !(flow && node.type === Scalar.PLAIN);
    return { kind: "scalar", text: value, string, editable, slice: slice ?? blurred(value, at), at, end };
  }

  return convert;
}

/** All documents of a file, empty ones left out; throws DocumentError. */
export function readYamlDocuments(text: string): readonly Node[] {
  const options = { uniqueKeys: false, prettyErrors: false, logLevel: "silent" } as const;
  const parsed = parseAllDocuments(text, options);
  const documents = Array.isArray(parsed) ? parsed : [];
  const error = documents.flatMap(({ errors }) => errors)[0];
  if (error !== undefined)
    throw new DocumentError(`it is not YAML: ${error.message}`, Math.min(error.pos[0], text.length));
  return documents.flatMap(({ contents }) =>
    contents === null ? [] : [converter(text)(contents, contents.range[0], 0, false)],
  );
}
