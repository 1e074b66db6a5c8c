/** Pairs for the rows I and X of the catalogue. */
import { both, changed, each, image, isFile, prose, steps } from "../base.ts";
import type { Case } from "../case.ts";

type Document = Record<string, unknown>;
const history = (change: (lines: readonly Document[]) => readonly Document[]) => (value: Document) => {
  value["history"] = change(value["history"] as readonly Document[]);
};
const line = (index: number, created_by: string) =>
  history((lines) => lines.map((entry, at) => (at === index ? { ...entry, created_by } : entry)));
const inner = (members: Document) => (value: Document) => Object.assign(value["config"] as object, members);
const annotated = (annotations: Document) => ({ manifest: (value: Document) => (value["annotations"] = annotations) });

const sorted = (value: unknown): unknown =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .toSorted()
          .map(([key, own]) => [key, sorted(own)]),
      )
    : Array.isArray(value)
      ? value.map(sorted)
      : value;

const docker: Readonly<Record<string, string>> = {
  "application/vnd.oci.image.manifest.v1+json": "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
  "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
};
const asDocker = (value: Document): void => {
  const typed = (of: Document): Document => ({ ...of, mediaType: docker[String(of["mediaType"])] ?? of["mediaType"] });
  Object.assign(value, typed(value), {
    config: typed(value["config"] as Document),
    layers: (value["layers"] as readonly Document[]).map(typed),
  });
};

const amd64 = image();
const arm64 = image({ platform: { architecture: "arm64", os: "linux" } });
const statement = {
  ...image({ platform: { architecture: "unknown", os: "unknown" } }),
  layers: [
    {
      tar: Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}'),
      pack: (tar: Buffer) => tar,
      mediaType: "application/vnd.in-toto+json",
    },
  ],
};
const attested = (value: Document): void => {
  const manifests = value["manifests"] as Document[];
  const [first, last] = [manifests[0], manifests.at(-1)];
  if (last !== undefined)
    last["annotations"] = {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": first?.["digest"],
    };
};

export const documentCases: readonly Case[] = [
  {
    cause: "I1",
    what: "members of documents in another order",
    ...changed({ write: (value) => JSON.stringify(sorted(value)) }),
  },
  { cause: "I1", what: "documents with white space", ...changed({ write: (value) => JSON.stringify(value, null, 3) }) },
  {
    cause: "I1",
    what: "letters written as escapes",
    ...both(
      { config: inner({ Labels: { a: "x > y & z" } }) },
      {
        config: inner({ Labels: { a: "x > y & z" } }),
        write: (value) => JSON.stringify(value).replaceAll(">", "\\u003e").replaceAll("&", "\\u0026"),
      },
    ),
  },
  {
    cause: "I2",
    what: "values of arguments in the history",
    ...both(
      { config: line(3, "RUN |1 BUILD_ID=1042 /bin/sh -c make install # buildkit") },
      { config: line(3, "RUN |1 BUILD_ID=1057 /bin/sh -c make install # buildkit") },
    ),
  },
  {
    cause: "I2",
    what: "a temporary path in the history",
    ...both(
      { config: line(2, "COPY /tmp/build-8f2a/app /app # buildkit") },
      { config: line(2, "COPY /tmp/build-91cc/app /app # buildkit") },
    ),
  },
  {
    cause: "I3",
    what: "a label with the builder's version",
    ...both(
      { config: inner({ Labels: { "io.buildah.version": "1.28.2" } }) },
      { config: inner({ Labels: { "io.buildah.version": "1.41.0" } }) },
    ),
  },
  {
    cause: "I3",
    what: "a builder noted itself in the configuration",
    ...changed({ config: (value) => Object.assign(value, { docker_version: "28.2.2", author: "builder" }) }),
  },
  {
    cause: "I4",
    what: "a variant of the platform on one side",
    a: image({ platform: { architecture: "arm64", os: "linux" } }),
    b: image({ platform: { architecture: "arm64", os: "linux", variant: "v8" } }),
  },
  { cause: "I5", what: "Docker's media types for OCI's", ...changed({ manifest: asDocker }) },
  {
    cause: "I6",
    what: "platforms of the index in another order",
    a: { images: [amd64, arm64] },
    b: { images: [arm64, amd64] },
  },
  {
    cause: "I7",
    what: "a manifest of an attestation in the index",
    a: { images: [amd64] },
    b: { images: [amd64, statement], index: attested },
  },
  {
    cause: "I8",
    what: "variables in another order",
    ...changed({ config: inner({ Env: ["NODE_ENV=production", "PATH=/usr/local/bin:/usr/bin"] }) }),
  },
  {
    cause: "I8",
    what: "ports and volumes in another order",
    ...both(
      { config: inner({ ExposedPorts: { "80/tcp": {}, "443/tcp": {} }, Volumes: { "/a": {}, "/b": {} } }) },
      { config: inner({ ExposedPorts: { "443/tcp": {}, "80/tcp": {} }, Volumes: { "/b": {}, "/a": {} } }) },
    ),
    or: ["I1"],
  },
  {
    cause: "I9",
    what: "lines of the base's history are missing",
    ...both(
      {
        config: history((lines) => [
          { created: "2023-12-01T00:00:00Z", created_by: '/bin/sh -c #(nop)  CMD ["bash"]', empty_layer: true },
          ...lines,
        ]),
      },
      {},
    ),
  },
  {
    cause: "I9",
    what: "labels of the base were not inherited",
    ...both(
      {
        config: inner({
          Labels: {
            "org.opencontainers.image.title": "app",
            "org.opencontainers.image.base.vendor": "Distro",
            "org.opencontainers.image.vendor": "Distro",
          },
        }),
      },
      {},
    ),
    or: ["settings"],
  },
  {
    cause: "I11",
    what: "the base was published again",
    ...both(
      {
        ...annotated({
          "org.opencontainers.image.base.name": "registry.example/base:13",
          "org.opencontainers.image.base.digest": `sha256:${"1".repeat(64)}`,
        }),
      },
      {
        ...annotated({
          "org.opencontainers.image.base.name": "registry.example/base:13",
          "org.opencontainers.image.base.digest": `sha256:${"2".repeat(64)}`,
        }),
        items: {
          packages: each(
            () => ({ content: prose(800, 77) }),
            ({ name }) => name.startsWith("usr/bin/") && name !== "usr/bin/which",
          ),
        },
      },
    ),
  },
  {
    cause: "I12",
    or: ["I5"],
    what: "a registry converted the manifest",
    ...changed({ manifest: asDocker, write: (value) => JSON.stringify(value, null, 3) }),
  },
  {
    cause: "I14",
    what: "the manifest refers to a subject on one side",
    ...changed({
      manifest: (value) =>
        Object.assign(value, {
          subject: {
            mediaType: "application/vnd.oci.image.manifest.v1+json",
            digest: `sha256:${"3".repeat(64)}`,
            size: 500,
          },
        }),
    }),
  },
  {
    cause: "I15",
    what: "a layer lies elsewhere",
    ...changed({
      manifest: (value) => {
        value["layers"] = (value["layers"] as readonly Document[]).map((layer, index) =>
          index === 0 ? { ...layer, urls: ["https://files.example/layer.tar.gz"] } : layer,
        );
      },
    }),
  },
  {
    cause: "X13",
    what: "another format of Lockstep",
    ...both(annotated({ "dev.lockstep.format": "1" }), annotated({ "dev.lockstep.format": "2" })),
  },
  {
    cause: "X16",
    or: ["source"],
    what: "a cache gave the layer of another build",
    ...both(
      {},
      { items: { sources: each((item) => ({ content: `${String(item.content)}// of last week\n` }), isFile) } },
    ),
  },
  {
    cause: "X17",
    what: "the cache's data in the configuration",
    ...changed({
      config: (value) =>
        Object.assign(value, { "moby.buildkit.cache.v0": Buffer.from('{"layers":[{"blob":"x"}]}').toString("base64") }),
    }),
  },
  { cause: "settings", what: "another command", ...changed({ config: inner({ Cmd: ["node", "/app/lib/other.js"] }) }) },
  { cause: "settings", what: "another user", ...changed({ config: inner({ User: "0:0" }) }) },
  {
    cause: "settings",
    what: "another value in the environment",
    ...changed({ config: inner({ Env: ["PATH=/usr/local/bin:/usr/bin", "NODE_ENV=development"] }) }),
  },
  {
    cause: "steps",
    what: "a step more on one side",
    a: image(),
    b: {
      ...image({
        config: history((lines) => [
          ...lines,
          { created: "2024-01-01T00:00:00Z", created_by: "RUN /bin/sh -c touch /opt/extra # buildkit" },
        ]),
      }),
      layers: [...image().layers, { items: [{ name: "opt/extra", content: "", mtime: 1_704_067_200 }] }],
    },
  },
  { cause: "platform", what: "for another platform", a: amd64, b: arm64 },
  {
    cause: "platform",
    what: "a platform that one side alone has",
    a: { images: [amd64, arm64] },
    b: { images: [amd64] },
  },
];

/** The history has a line for each of the four layers. */
if (steps.length !== amd64.layers.length) throw new Error("the base has a step for each layer");
