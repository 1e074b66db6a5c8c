/** A repository with one image of nothing but files, in a directory that a test may treat as badly as checkouts are treated. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Content by path; a leading `->` is a symbolic link, a trailing `*` of the path means executable. */
const files: Readonly<Record<string, string | Buffer>> = {
  "run.sh*": "#!/bin/sh\necho run\n",
  Zebra: "upper case sorts first\n",
  _under: "",
  apple: "a\n",
  "copy/one": "the same content\n",
  "copy/two": "the same content\n",
  "deep/er/est/file": "deep\n",
  "deep/er/tool*": "#!/bin/sh\n",
  empty: "",
  // One letter in two Unicode forms: two names, as Git keeps them.
  "form/\u00e9": "composed\n",
  "form/e\u0301": "decomposed\n",
  hole: Buffer.alloc(1 << 20),
  [`long/${"n".repeat(180)}`]: "long\n",
  "links/dangling": "->../nowhere",
  "links/up": "->../apple",
  "links/absolute": "->/etc/passwd",
};

export const spec = `name: tiny
platforms: [linux/amd64, linux/arm64]
layers:
  - files: { from: files, into: /app }
config:
  entrypoint: [/app/run.sh]
  env: { ZONE: "1", ALPHA: "2" }
  ports: [9000, 80, 443/udp]
  labels: { z: "1", a: "2" }
`;

export interface TinyOptions {
  readonly spec?: string;
  /** Creates the files in the reverse order, which most file systems then list them in. */
  readonly reverse?: boolean;
}

/** Writes the repository and gives the directory of its files. */
export function writeTiny(repository: string, options: TinyOptions = {}): string {
  const image = join(repository, "images/tiny");
  mkdirSync(image, { recursive: true });
  writeFileSync(join(image, "image.yaml"), options.spec ?? spec);
  const names = Object.keys(files);
  for (const name of options.reverse === true ? names.toReversed() : names) {
    const path = join(image, "files", name.replace(/\*$/, ""));
    const content = files[name] ?? "";
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "string" && content.startsWith("->")) symlinkSync(content.slice(2), path);
    else writeFileSync(path, content, { mode: name.endsWith("*") ? 0o755 : 0o644 });
  }
  return join(image, "files");
}
