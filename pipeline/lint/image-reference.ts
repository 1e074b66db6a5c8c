/** References of images: name, tag, digest. */

export interface Reference {
  readonly name: string;
  readonly tag?: string;
  /** `sha256:…`. */
  readonly digest?: string;
}

/** Takes a reference apart; what is not written in it is absent. */
export function parseReference(text: string): Reference {
  const [named = "", digest] = text.split("@", 2);
  const colon = named.lastIndexOf(":");
  // A colon before a slash is that of a port.
  const tag = colon > named.lastIndexOf("/") ? named.slice(colon + 1) : undefined;
  const name = tag === undefined ? named : named.slice(0, colon);
  return { name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** Whether a reference has a digest that can be one. */
export function isPinned(text: string): boolean {
  return /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(parseReference(text).digest ?? "");
}

/** Whether a reference is meant to be another image later: no tag, or one that says so. */
export function isMoving(text: string): boolean {
  const { tag, digest } = parseReference(text);
  if (digest !== undefined) return false;
  return (
    tag === undefined ||
    /^(?:latest|stable|edge|main|master|dev|nightly|rolling|current|lts|testing|unstable|next)$/i.test(tag)
  );
}
