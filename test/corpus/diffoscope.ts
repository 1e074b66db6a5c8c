/** The baseline: whether diffoscope sees that two subjects differ, and how long it takes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support.ts";
import { temporaryPath } from "./formats/temporary.ts";

export interface Seen {
  readonly differs: boolean;
  readonly seconds: number;
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
}

interface Document {
  readonly manifests?: readonly Descriptor[];
  readonly layers?: readonly Descriptor[];
  readonly config?: Descriptor;
}

/**
 * diffoscope does not follow digests: it would see blobs of other names, and not look into them. So documents and layers of a layout get names by
 * their place. Anything else stays as it is.
 */
function named(path: string): string {
  if (!existsSync(join(path, "oci-layout"))) return path;
  const directory = temporaryPath();
  const put = (name: string, digest: string): Document | undefined => {
    const bytes = readFileSync(join(path, "blobs", digest.replace(":", "/")));
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), bytes);
    return name.endsWith(".json") ? (JSON.parse(bytes.toString("utf8")) as Document) : undefined;
  };
  const follow = (name: string, digest: string): void => {
    const document = put(`${name}.json`, digest);
    document?.manifests?.forEach((one, index) => follow(`${name}-${index + 1}`, one.digest));
    if (document?.config !== undefined) put(`${name}-config.json`, document.config.digest);
    document?.layers?.forEach(({ digest: layer, mediaType }, index) => {
      const kind = /\+(gzip|zstd)$|\.(gzip)$/.exec(mediaType);
      put(`${name}-layer-${index + 1}.tar${kind === null ? "" : kind[0].endsWith("zstd") ? ".zst" : ".gz"}`, layer);
    });
  };
  const index = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as Document;
  for (const { digest } of index.manifests ?? []) follow("image", digest);
  return directory;
}

export async function baseline(a: string, b: string): Promise<Seen> {
  const [left, right] = [named(a), named(b)];
  const start = performance.now();
  const { status } = run("diffoscope", [
    "--no-progress",
    "--exclude-directory-metadata=yes",
    "--text",
    "-",
    left,
    right,
  ]);
  return { differs: status === 1, seconds: (performance.now() - start) / 1000 };
}
