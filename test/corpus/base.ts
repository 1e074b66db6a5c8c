/** The image that cases change: packages, dependencies, copied sources and something compiled, in four layers, as BuildKit tells it. */
import type { ImageOf, LayerOf } from "../verify/image-of.ts";
import type { TarItem } from "../verify/tar-of.ts";

export const epoch = 1_704_067_200;

const words =
  "layer config digest manifest build the of and a mirror package epoch rebuild same byte file path order gzip tar".split(
    " ",
  );

/** Text from a fixed recurrence: lines of words. */
export function prose(size: number, seed = 1): string {
  const lines: string[] = [];
  let state = seed;
  let length = 0;
  while (length < size) {
    const line = Array.from({ length: 9 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return `${words[(state >>> 16) % words.length] ?? ""}${state >>> 28}`;
    }).join(" ");
    lines.push(line);
    length += line.length + 1;
  }
  return `${lines.join("\n")}\n`.slice(0, size);
}

/** Bytes that do not compress, from a fixed recurrence. */
export function noise(size: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length: size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

const stanza = (name: string, version: string): string =>
  `Package: ${name}\nStatus: install ok installed\nPriority: optional\nSection: net\nArchitecture: amd64\nVersion: ${version}\nDescription: ${name}\n`;

export const dpkgStatus = [
  stanza("ca-certificates", "20250419"),
  stanza("curl", "8.14.1-2"),
  stanza("libc6", "2.41-12"),
];

const packages: readonly TarItem[] = [
  { name: "etc/" },
  { name: "etc/group", content: "root:x:0:\ndaemon:x:1:\n" },
  { name: "etc/passwd", content: "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n" },
  { name: "etc/shadow", mode: 0o640, gid: 42, content: "root:*:19700:0:99999:7:::\ndaemon:*:19700:0:99999:7:::\n" },
  { name: "usr/" },
  { name: "usr/bin/" },
  { name: "usr/bin/curl", mode: 0o755, content: prose(900, 3) },
  { name: "usr/bin/su", mode: 0o4755, content: prose(700, 4) },
  { name: "usr/bin/which", flag: "2", mode: 0o777, target: "/etc/alternatives/which" },
  { name: "var/" },
  { name: "var/lib/" },
  { name: "var/lib/dpkg/" },
  { name: "var/lib/dpkg/status", content: dpkgStatus.join("\n") },
];

const dependencies: readonly TarItem[] = [
  { name: "app/" },
  { name: "app/node_modules/" },
  { name: "app/node_modules/left-pad/" },
  { name: "app/node_modules/left-pad/index.js", content: "module.exports = (text, size) => text.padStart(size);\n" },
  { name: "app/node_modules/left-pad/package.json", content: '{\n  "name": "left-pad",\n  "version": "1.3.0"\n}\n' },
];

const sources: readonly TarItem[] = [
  { name: "app/lib/" },
  { name: "app/lib/main.js", content: "export const start = (port) => listen(port);\n" },
  { name: "app/lib/routes.js", content: "export const routes = ['/', '/health'];\n" },
  { name: "app/README.md", content: "# app\n\nAn app.\n" },
  { name: "app/run.sh", mode: 0o755, content: "#!/bin/sh\nexec node /app/lib/main.js\n" },
];

const built: readonly TarItem[] = [
  { name: "opt/" },
  { name: "opt/tool/" },
  { name: "opt/tool/manual.txt", content: prose(3000, 5) },
  { name: "opt/tool/tool", mode: 0o755, content: prose(2000, 6) },
];

export const steps = [
  "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates curl # buildkit",
  "RUN /bin/sh -c npm ci --omit=dev # buildkit",
  "COPY . /app # buildkit",
  "RUN /bin/sh -c make -C /src install DESTDIR=/opt/tool # buildkit",
];

export type LayerName = "packages" | "dependencies" | "sources" | "built";
const layers: Readonly<Record<LayerName, readonly TarItem[]>> = { packages, dependencies, sources, built };
const names = Object.keys(layers) as readonly LayerName[];

type Items = readonly TarItem[];

export interface Change {
  readonly items?: Readonly<Partial<Record<LayerName, (items: Items) => Items>>>;
  /** Replaces members of a layer, such as its archive or its compression. */
  readonly layer?: Readonly<Partial<Record<LayerName, (items: Items) => LayerOf>>>;
  readonly config?: ImageOf["config"];
  readonly manifest?: ImageOf["manifest"];
  readonly platform?: ImageOf["platform"];
  readonly write?: ImageOf["write"];
}

const byName = (a: TarItem, b: TarItem): number => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));

/** The image with changes, whose entries stay in the order that the change gives them. */
export function image(change: Change = {}): ImageOf {
  const { items = {}, layer = {}, config, manifest, platform, write } = change;
  return {
    layers: names.map((name) => {
      const own = (items[name] ?? ((all) => all))(
        [...layers[name]].toSorted(byName).map((item) => ({ mtime: epoch, ...item })),
      );
      return layer[name]?.(own) ?? { items: own };
    }),
    config: (value) => {
      Object.assign(value, {
        config: {
          Env: ["PATH=/usr/local/bin:/usr/bin", "NODE_ENV=production"],
          Cmd: ["node", "/app/lib/main.js"],
          User: "65532:65532",
          WorkingDir: "/app",
          Labels: { "org.opencontainers.image.title": "app" },
        },
        history: steps.map((line) => ({
          created: "2024-01-01T00:00:00Z",
          created_by: line,
          comment: "buildkit.dockerfile.v0",
        })),
      });
      config?.(value);
    },
    ...(manifest === undefined ? {} : { manifest }),
    ...(platform === undefined ? {} : { platform }),
    ...(write === undefined ? {} : { write }),
  };
}

/** Adds entries, or replaces those of the same name, in sorted order; their parents are added too. */
export const adding =
  (...added: readonly TarItem[]) =>
  (items: Items): Items => {
    const all = new Map(items.map((item) => [item.name, item]));
    for (const item of added) {
      const parts = item.name.replace(/\/$/, "").split("/").slice(0, -1);
      for (const [index] of parts.entries()) {
        const parent = `${parts.slice(0, index + 1).join("/")}/`;
        if (!all.has(parent)) all.set(parent, { name: parent, mtime: epoch });
      }
      all.set(item.name, { mtime: epoch, ...all.get(item.name), ...item });
    }
    return [...all.values()].toSorted(byName);
  };

/** Changes each entry. */
export const each =
  (change: (item: TarItem, index: number) => Partial<TarItem>, only: (item: TarItem) => boolean = () => true) =>
  (items: Items): Items =>
    items.map((item, index) => (only(item) ? { ...item, ...change(item, index) } : item));

export const isDirectory = ({ name }: TarItem): boolean => name.endsWith("/");
export const isFile = (item: TarItem): boolean => !isDirectory(item) && item.flag !== "2";

type FileOf = string | Uint8Array | undefined;

/** A pair that differs in files alone: absent where it is undefined. */
export function files(
  layer: LayerName,
  path: string | Readonly<Record<string, readonly [FileOf, FileOf]>>,
  a?: FileOf,
  b?: FileOf,
): { readonly a: ImageOf; readonly b: ImageOf } {
  const all = typeof path === "string" ? { [path]: [a, b] as const } : path;
  const side = (index: 0 | 1): ImageOf =>
    image({
      items: {
        [layer]: adding(
          ...Object.entries(all).flatMap(([name, contents]) => {
            const content = contents[index];
            return content === undefined ? [] : [{ name, content }];
          }),
        ),
      },
    });
  return { a: side(0), b: side(1) };
}

/** A pair of which one side is the base. */
export const changed = (change: Change): { readonly a: ImageOf; readonly b: ImageOf } => ({
  a: image(),
  b: image(change),
});

/** A pair whose sides are changed in two ways. */
export const both = (a: Change, b: Change): { readonly a: ImageOf; readonly b: ImageOf } => ({
  a: image(a),
  b: image(b),
});
