/** Canonical JSON: one form for one value, so that a hash over it means the value (RFC 8785, JSON Canonicalization Scheme). */

function refuse(what: string, path: string): never {
  throw new TypeError(`canonical JSON cannot hold ${what} at ${path === "" ? "the top" : path}`);
}

function text(value: string, path: string): string {
  if (!value.isWellFormed()) refuse("a lone surrogate", path);
  // ECMAScript's own quoting is what section 3.2.2.2 asks for: the two-letter escapes, \u00xx in lower case, everything else as it is.
  return JSON.stringify(value);
}

function write(value: unknown, path: string): string {
  switch (typeof value) {
    case "string":
      return text(value, path);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) refuse(String(value), path);
      // Section 3.2.2.3: ECMAScript's Number::toString; negative zero becomes 0.
      return JSON.stringify(value);
    case "object":
      break;
    default:
      return refuse(`a value of type ${typeof value}`, path);
  }
  if (value === null) return "null";
  if (Array.isArray(value)) {
    // By index and not by map(), which would skip the holes of a sparse array.
    let list = "";
    for (let i = 0; i < value.length; i++) list += `${i === 0 ? "" : ","}${write(value[i], `${path}/${i}`)}`;
    return `[${list}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) refuse("an object of a class", path);
  let members = "";
  // Section 3.2.3: member names in order of their UTF-16 code units, which is how `<` compares strings.
  for (const [name, member] of Object.entries(value).toSorted((a, b) => (a[0] < b[0] ? -1 : 1))) {
    members += `${members === "" ? "" : ","}${text(name, path)}:${write(member, `${path}/${name}`)}`;
  }
  return `{${members}}`;
}

/**
 * The canonical form of a JSON value, without a final newline; encode it as UTF-8.
 * Throws a TypeError that names the place for whatever JSON cannot say: undefined, NaN, infinities, lone surrogates, instances of classes.
 */
export function canonicalJson(value: unknown): string {
  return write(value, "");
}
