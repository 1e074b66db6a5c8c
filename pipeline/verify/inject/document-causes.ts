/** Causes that are injected into the finished documents of an image. */

export type Json = Record<string, unknown>;

export interface Documents {
  /** Of each platform. */
  config(value: Json): void;
  manifest(value: Json): void;
  index(value: Json): void;
}

export interface DocumentCause {
  readonly does: string;
  readonly change: Partial<Documents>;
  /** How documents are written; the canonical form unless given. */
  readonly write?: (value: unknown) => string;
}

const settings = (value: Json): Json => {
  const own = (value["config"] ?? {}) as Json;
  value["config"] = own;
  return own;
};
const labelled =
  (name: string, text: string) =>
  (value: Json): void => {
    const own = settings(value);
    own["Labels"] = { ...(own["Labels"] as Json | undefined), [name]: text };
  };
const annotated =
  (name: string, text: string) =>
  (value: Json): void => {
    value["annotations"] = { ...(value["annotations"] as Json | undefined), [name]: text };
  };
const lines = (value: Json): Json[] => (value["history"] as Json[] | undefined) ?? [];

const dockerTypes: Readonly<Record<string, string>> = {
  "application/vnd.oci.image.manifest.v1+json": "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.index.v1+json": "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
  "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
};
const typed = (value: Json): Json => ({
  ...value,
  mediaType: dockerTypes[String(value["mediaType"])] ?? value["mediaType"],
});

export const documentCauses: Readonly<Record<string, DocumentCause>> = {
  T8: {
    does: "writes the time of the build into `created` and the history",
    change: {
      config: (value) => {
        value["created"] = "2031-02-03T04:05:06.789Z";
        for (const line of lines(value)) line["created"] = "2031-02-03T04:05:06.789Z";
      },
    },
  },
  T9: {
    does: "writes a time into the annotations of manifests",
    change: { manifest: annotated("org.opencontainers.image.created", "2031-02-03T04:05:06Z") },
  },
  O22: {
    does: "counts an empty step in the history",
    change: {
      config: (value) =>
        (value["history"] = [...lines(value), { created: value["created"], created_by: "ENV A=1", empty_layer: true }]),
    },
  },
  I1: { does: "writes documents with white space", change: {}, write: (value) => JSON.stringify(value, null, 2) },
  I2: {
    does: "writes values of arguments into the history",
    change: {
      config: (value) =>
        lines(value).forEach((line) => (line["created_by"] = `|1 BUILD_ID=1057 ${String(line["created_by"])}`)),
    },
  },
  I3: {
    does: "writes a label with the version of a builder",
    change: { config: labelled("io.buildah.version", "1.41.0") },
  },
  I4: { does: "states a variant of the platform", change: { config: (value) => (value["variant"] = "v8") } },
  I5: {
    does: "writes Docker's media types",
    change: {
      manifest: (value) =>
        Object.assign(value, typed(value), {
          config: typed(value["config"] as Json),
          layers: (value["layers"] as Json[]).map(typed),
        }),
      index: (value) => Object.assign(value, typed(value), { manifests: (value["manifests"] as Json[]).map(typed) }),
    },
  },
  I6: {
    does: "lists the platforms of the index in another order",
    change: { index: (value) => (value["manifests"] = (value["manifests"] as Json[]).toReversed()) },
  },
  I8: {
    does: "writes variables in another order",
    change: {
      config: (value) =>
        (settings(value)["Env"] = ((settings(value)["Env"] as string[] | undefined) ?? []).toReversed()),
    },
  },
  I14: {
    does: "has manifests refer to a subject",
    change: {
      manifest: (value) =>
        (value["subject"] = {
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          digest: `sha256:${"3".repeat(64)}`,
          size: 500,
        }),
    },
  },
  I15: {
    does: "says that the first layer lies elsewhere",
    change: {
      manifest: (value) =>
        (value["layers"] as Json[])
          .slice(0, 1)
          .forEach((layer) => (layer["urls"] = ["https://files.example/layer.tar.gz"])),
    },
  },
  E1: {
    does: "writes language and zone into the environment",
    change: {
      config: (value) =>
        (settings(value)["Env"] = [
          ...((settings(value)["Env"] as string[] | undefined) ?? []),
          "LANG=de_DE.UTF-8",
          "TZ=Europe/Berlin",
        ]),
    },
  },
  E7: {
    does: "writes a proxy into the environment",
    change: {
      config: (value) =>
        (settings(value)["Env"] = [
          ...((settings(value)["Env"] as string[] | undefined) ?? []),
          "HTTP_PROXY=http://proxy.example:3128",
        ]),
    },
  },
  X13: {
    does: "names another format of Lockstep",
    change: { manifest: annotated("dev.lockstep.format", "0"), index: annotated("dev.lockstep.format", "0") },
  },
  X17: {
    does: "writes data of a cache into the configuration",
    change: { config: (value) => (value["moby.buildkit.cache.v0"] = "e30=") },
  },
  settings: {
    does: "changes the command and the user",
    change: { config: (value) => Object.assign(settings(value), { Cmd: ["/injected"], User: "0:0" }) },
  },
};
