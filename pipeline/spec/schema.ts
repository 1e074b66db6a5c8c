/** The schema of images/<name>/image.yaml: shapes, patterns and ranges. What needs more than one value to decide is checked in checks.ts. */
import { z } from "zod";
import { dockerfile, run } from "./schema-steps.ts";
import { forPlatforms, owner, sha256, text, url } from "./schema-values.ts";

const imageName = text(
  /^[a-z0-9]+([._-][a-z0-9]+)*$/,
  'lower-case letters and digits, joined by single ".", "_" or "-"',
)
  .max(128)
  .meta({ description: "Name of the image; the same as that of its folder." });

/** Names that Debian moves to another release one day. */
const movingSuites = /^(?!(stable|oldstable|oldoldstable|testing|unstable|latest)(-|$))/;
const suite = text(/^[a-z][a-z0-9-]*$/, "a suite by its code name, such as trixie")
  .regex(movingSuites, {
    error: "must be a suite by its code name, such as trixie: this name moves to another release",
  })
  .meta({ description: "Debian suite by code name; its updates and security suites belong to it." });

const packageName = text(
  /^[a-z0-9][a-z0-9+.-]+$/,
  "the name of a Debian package, without version or architecture (the lock pins those)",
);

const id = z.int().min(0).max(4_294_967_294);
const mode = text(/^[0-7]{3,4}$/, 'an octal number of 3 or 4 digits in quotes, such as "0755"').meta({
  description: 'Permission bits as a quoted octal number: "0755".',
});
const path = z.string().min(1).max(4096);
const glob = z.string().min(1).max(1024);
const account = text(
  /^[a-z_][a-z0-9_-]{0,31}$/,
  'lower-case letters, digits, "_" and "-", at most 32, not beginning with a digit',
);
/** Fields of passwd(5) are separated by colons and end with the line. */
// oxlint-disable-next-line no-control-regex -- exactly those characters are refused
const field = text(/^[^:\u0000-\u001f\u007f]*$/, "without colons and control characters").max(1024);
/** What a program gets as text: taken as it is written when it is not in quotes. */
const scalar = z.union([z.string(), z.number(), z.boolean()], { error: "must be a string, a number or a boolean" });

const debian = z
  .strictObject({
    suite,
    packages: z
      .array(packageName)
      .min(1)
      .max(2000)
      .meta({ description: "Names of the packages; the lock pins their versions." }),
    dependencies: z
      .enum(["all", "none"])
      .default("all")
      .meta({ description: "Whether the packages that these depend on come along, or exactly these." }),
    split: z
      .int()
      .min(1)
      .max(32)
      .default(1)
      .meta({ description: "Spread the packages over at most so many OCI layers, by source package." }),
  })
  .meta({ description: "Packages of a Debian suite." });

const files = z
  .strictObject({
    from: path.meta({ description: "Directory or file, relative to the folder of image.yaml, inside the repository." }),
    into: path.meta({
      description: "Absolute path in the image: of the directory, or of the file when `from` is one.",
    }),
    exclude: z.array(glob).max(1000).default([]).meta({ description: "Globs relative to `from` of what is left out." }),
    owner: owner.default("0:0"),
    mode: z
      .record(glob, mode)
      .default({})
      .meta({ description: "Permission bits by glob relative to `from`; the last match wins." }),
  })
  .meta({ description: "Files of the repository." });

const directories = z
  .array(z.strictObject({ path, owner: owner.default("0:0"), mode: mode.default("0755") }))
  .min(1)
  .max(1000)
  .meta({ description: "Empty directories." });

const symlinks = z
  .array(z.strictObject({ path, target: path }))
  .min(1)
  .max(1000)
  .meta({ description: "Symbolic links." });

const http = z
  .strictObject({
    url: forPlatforms(url, "an https address").meta({
      description: "Address of the file, or a mapping of platforms to addresses.",
    }),
    sha256: forPlatforms(sha256, "64 hexadecimal digits in lower case")
      .optional()
      .meta({ description: "SHA-256 of the file; without it `lockstep pin` takes what it finds." }),
    signature: z
      .strictObject({
        kind: z.enum(["minisign", "gpg", "sigstore"]),
        key: path.meta({ description: "File with the public key, relative to the folder of image.yaml." }),
        url: forPlatforms(url, "an https address").optional().meta({
          description: "Address of the signature; that of the file with the usual ending unless given.",
        }),
      })
      .optional()
      .meta({ description: "By which key the file has to be signed; checked by `lockstep pin`." }),
    into: path.meta({
      description: "Absolute path in the image: of the file, or of the directory that an archive is unpacked into.",
    }),
    unpack: z.enum(["none", "tar", "zip"]).default("none").meta({ description: "What the file is unpacked as." }),
    strip: z.int().min(0).max(64).optional().meta({
      description: "Leading components of the archive's paths that are left out.",
    }),
    include: z.array(glob).min(1).max(1000).optional().meta({ description: "Globs of what is taken of an archive." }),
    exclude: z.array(glob).max(1000).optional().meta({ description: "Globs of what is left out." }),
    owner: owner.default("0:0"),
    mode: z
      .union([mode, z.record(glob, mode)], {
        error: 'must be an octal number in quotes, such as "0755", or one by glob',
      })
      .optional()
      .meta({ description: "Permission bits of the file, or by glob of what is in an archive; the last match wins." }),
  })
  .meta({ description: "A file from the web, pinned by its hash, as it is or unpacked." });

const npm = z
  .strictObject({
    project: path.meta({
      description: "Directory of package.json and package-lock.json, relative to the folder of image.yaml.",
    }),
    into: path.meta({ description: "Absolute path in the image of the directory that gets node_modules." }),
    omit: z
      .array(z.enum(["dev", "optional", "peer"]))
      .max(3)
      .default(["dev"])
      .meta({ description: "Kinds of dependencies that are left out; those of development unless given." }),
    libc: z
      .enum(["glibc", "musl"])
      .default("glibc")
      .meta({ description: "C library of the image, by which packages with binaries are chosen." }),
    owner: owner.default("0:0"),
  })
  .meta({ description: "The dependencies of an npm project, from its lock file." });

const git = z
  .strictObject({
    repository: z.string().min(1).max(2048).meta({
      description:
        'Address of the repository: https://host/path, ssh://user@host/path, user@host:path, or "." for this one.',
    }),
    ref: z
      .string()
      .min(1)
      .max(255)
      .meta({ description: "Tag, branch, or the full id of a commit; the lock pins the commit." }),
    path: path.optional().meta({ description: "Directory or file of the commit; all of it unless given." }),
    into: path.meta({
      description: "Absolute path in the image: of the directory, or of the file when `path` is one.",
    }),
    exclude: z.array(glob).max(1000).default([]).meta({ description: "Globs relative to `path` of what is left out." }),
    owner: owner.default("0:0"),
    mode: z
      .record(glob, mode)
      .default({})
      .meta({ description: "Permission bits by glob relative to `path`; the last match wins." }),
    submodules: z.boolean().default(false).meta({ description: "Whether the submodules of the commit come along." }),
  })
  .meta({ description: "Files of a commit of a git repository." });

const python = z
  .strictObject({
    requirements: path.meta({
      description: "File of requirements with hashes, relative to the folder of image.yaml, inside the repository.",
    }),
    python: text(/^3\.([89]|[1-9]\d)(\.\d{1,3})?$/, 'a version of Python in quotes, such as "3.13"').meta({
      description: "Version of CPython that the wheels are for.",
    }),
    glibc: text(/^2\.(1[7-9]|[2-9]\d)$/, 'a version of glibc in quotes, such as "2.36"')
      .optional()
      .meta({ description: "Version of glibc in the image; that of its Debian suite unless given." }),
    into: path.meta({ description: "Absolute path in the image." }),
    layout: z.enum(["directory", "prefix", "debian"]).default("directory").meta({
      description: "Modules right in `into`, or where a Python with this prefix, or Debian's, looks for them.",
    }),
    exclude: z.array(glob).max(1000).default([]).meta({ description: "Globs relative to `into` of what is left out." }),
    dependencies: z.enum(["all", "none"]).default("all").meta({
      description: "Whether the file must have all that its packages need, or has exactly these packages.",
    }),
    interpreter: text(/^\/[!-~]{1,119}$/, "an absolute path without blanks, of at most 120 characters")
      .optional()
      .meta({ description: "The Python that commands start; /usr/bin/python<version> unless given." }),
    owner: owner.default("0:0"),
  })
  .meta({ description: "Python packages from wheels, as a file of requirements pins them." });

const layer = z
  .strictObject({
    debian: debian.optional(),
    files: files.optional(),
    directories: directories.optional(),
    symlinks: symlinks.optional(),
    git: git.optional(),
    http: http.optional(),
    npm: npm.optional(),
    python: python.optional(),
    run: run.optional(),
    dockerfile: dockerfile.optional(),
  })
  .refine((value) => Object.values(value).filter((part) => part !== undefined).length === 1, {
    error: "must have exactly one of debian, files, directories, symlinks, git, http, npm, python, run and dockerfile",
  })
  .meta({ minProperties: 1, maxProperties: 1 });

const user = z.strictObject({
  name: account,
  uid: id,
  gid: id,
  home: field.optional().meta({ description: "Home directory; /home/<name> unless given." }),
  shell: field.default("/usr/sbin/nologin"),
  gecos: field.default(""),
});

const group = z.strictObject({
  name: account,
  gid: id,
  members: z.array(account).max(1000).default([]),
});

/** Signals by name (signal(7)); those that cannot stop a process in an orderly way are left out. */
const signal = text(
  /^(SIG(TERM|INT|QUIT|HUP|USR1|USR2|WINCH|PWR|ALRM|CONT|KILL)|SIGRTMIN(\+([1-9]|1[0-5]))?)$/,
  "a signal by name, such as SIGTERM",
);

const port = z.union(
  [
    z.int().min(1).max(65_535),
    text(/^[1-9]\d{0,4}(\/(tcp|udp|sctp))?$/, 'a port such as 8080, "53/udp" or "80/tcp"').refine(
      (value) => Number.parseInt(value, 10) <= 65_535,
      { error: "must be at most 65535" },
    ),
  ],
  { error: 'must be a port such as 8080, "53/udp" or "80/tcp"' },
);

const config = z.strictObject({
  entrypoint: z.array(z.string()).min(1).max(1000).optional(),
  cmd: z.array(z.string()).max(1000).optional(),
  user: z
    .union([id, text(/^(0|[1-9]\d{0,9})(:(0|[1-9]\d{0,9}))?$/, 'a numeric id, such as "65532:65532"')], {
      error: 'must be a numeric id, such as "65532:65532"',
    })
    .optional()
    .meta({ description: 'Who runs the program: "uid:gid". Numeric, so that Kubernetes can tell it is not root.' }),
  workdir: path.optional(),
  ports: z.array(port).max(1000).default([]),
  env: z
    .record(text(/^[A-Za-z_][A-Za-z0-9_.-]*$/, "the name of an environment variable"), scalar)
    .default({})
    .meta({ description: "Environment; numbers and booleans are taken as they are written." }),
  labels: z
    .record(
      text(/^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$/, "a label name, such as org.opencontainers.image.title"),
      scalar,
    )
    .default({}),
  volumes: z.array(path).max(1000).default([]),
  stopSignal: signal.optional(),
});

const reference = z
  .string()
  .min(1)
  .max(512)
  .meta({ description: "Image of a registry, with a tag or a digest; the lock pins its digest." });

const image = z
  .strictObject({
    name: imageName,
    platforms: z
      .array(z.enum(["linux/amd64", "linux/arm64"]))
      .min(1)
      .default(["linux/amd64", "linux/arm64"])
      .meta({ description: "Platforms the image is built for; both unless given." }),
    from: z
      .union([imageName, z.strictObject({ image: reference })], {
        error: "must be the name of an image of this repository, or { image: registry.example/name:tag }",
      })
      .optional()
      .meta({ description: "Image whose layers, users and config come first: of this repository, or of a registry." }),
    layers: z.array(layer).max(100).optional(),
    users: z.array(user).max(1000).default([]),
    groups: z.array(group).max(1000).default([]),
    config: config.prefault({}),
  })
  .refine((value) => value.layers !== undefined || value.from !== undefined, {
    path: ["layers"],
    error: "must be given for an image that is not from another",
  })
  .meta({ title: "Lockstep image spec", description: "images/<name>/image.yaml" });

export type RawImage = z.output<typeof image>;
export type RawLayer = z.output<typeof layer>;

export type ShapeResult =
  | { readonly ok: true; readonly value: RawImage }
  | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[] };

/** Checks the shape of a document. Does not throw. */
export function checkShape(value: unknown): ShapeResult {
  const result = image.safeParse(value);
  return result.success ? { ok: true, value: result.data } : { ok: false, issues: result.error.issues };
}

/** The same as JSON Schema (draft 2020-12), for editors and for `docs/image.schema.json`. */
export function imageSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(image, { io: "input" }) as Readonly<Record<string, unknown>>;
}
