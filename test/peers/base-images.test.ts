/** Images on base images that other tools made, held against what those tools make of the same, and run. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { lockstep } from "../cli/lockstep.ts";
import { startRegistry, type TestRegistry } from "../registry/registry.ts";
import { hasProgram, run, temporaryDirectory } from "../support.ts";

const root = createHost().uid === 0;
const buildahWorks = root && hasProgram("buildah");
const program = `#include <stdio.h>
#include <stdlib.h>
int main(int n, char **a) { FILE *f = fopen("/srv/app/text", "r"); char t[99] = ""; if (f) fgets(t, 99, f);
  printf("%s %s %s", n > 1 ? a[1] : "-", getenv("A") ? getenv("A") : "-", t); return 0; }
`;
const compiler = "cc";
const compiles =
  hasProgram(compiler) &&
  spawnSync(compiler, ["-static", "-x", "c", "-", "-o", "/dev/null"], { input: "int main(void) { return 0; }" })
    .status === 0;

interface Config {
  readonly created: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly { readonly empty_layer?: boolean; readonly created_by?: string }[];
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

interface Descriptor {
  readonly digest: string;
}

/** The config of the only image of a layout, or of the manifest with a name. */
function configOf(layout: string, name?: string): Config {
  const blob = <T>({ digest }: Descriptor): T => json<T>(join(layout, "blobs/sha256", digest.slice(7)));
  const { manifests } = json<{
    readonly manifests: readonly (Descriptor & { readonly annotations?: Readonly<Record<string, string>> })[];
  }>(join(layout, "index.json"));
  const found = manifests.find(
    ({ annotations }) => name === undefined || annotations?.["org.opencontainers.image.ref.name"] === name,
  );
  return blob<Config>(blob<{ readonly config: Descriptor }>(found ?? { digest: "" }).config);
}

/** Puts a layout of another tool into a registry under `distro/base:1`. */
function plantLayout(registry: TestRegistry, layout: string): void {
  const content = registry.content.repository("distro/base");
  const { manifests } = json<{ readonly manifests: readonly (Descriptor & { readonly mediaType: string })[] }>(
    join(layout, "index.json"),
  );
  for (const { digest, mediaType } of manifests) {
    const bytes = readFileSync(join(layout, "blobs/sha256", digest.slice(7)));
    content.manifests.set(digest, { digest, mediaType, bytes });
    content.tags.set("1", digest);
    const { config, layers } = JSON.parse(bytes.toString()) as {
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
    };
    for (const each of [config, ...layers])
      content.blobs.set(each.digest, readFileSync(join(layout, "blobs/sha256", each.digest.slice(7))));
  }
}

function buildah(directory: string, ...args: readonly string[]): string {
  const storage = ["--root", join(directory, "root"), "--runroot", join(directory, "run"), "--storage-driver", "vfs"];
  const { status, stdout, stderr } = run("buildah", [...storage, ...args]);
  expect(`${status}`, stderr.toString()).toBe("0");
  return stdout.toString().trim();
}

/** A base of buildah's with a static program, in two layers, and what is set in its config. */
function makeBase(directory: string): string {
  mkdirSync(join(directory, "tree/usr/bin"), { recursive: true });
  mkdirSync(join(directory, "tree/etc"), { recursive: true });
  writeFileSync(join(directory, "program.c"), program);
  if (compiles)
    run(compiler, ["-static", "-O", join(directory, "program.c"), "-o", join(directory, "tree/usr/bin/program")]);
  writeFileSync(join(directory, "tree/etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  writeFileSync(join(directory, "tree/etc/group"), "root:x:0:\n");
  const container = buildah(directory, "from", "scratch");
  buildah(directory, "copy", container, join(directory, "tree"), "/");
  const set = [
    ["--env", "PATH=/usr/bin"],
    ["--env", "A=base"],
    ["--entrypoint", '["/usr/bin/program"]'],
    ["--cmd", "hello"],
    ["--label", "l=base"],
    ["--label", "m=base"],
    ["--port", "80/tcp"],
    ["--volume", "/data"],
    ["--user", "7:7"],
    ["--workingdir", "/usr"],
    ["--stop-signal", "SIGINT"],
  ].flat();
  buildah(directory, "config", ...set, container);
  const layout = join(directory, "base");
  buildah(directory, "commit", "--format", "oci", container, "localhost/base:1");
  buildah(directory, "push", "localhost/base:1", `oci:${layout}:1`);
  return layout;
}

/** Builds `web` on the base with this config section; its layout. */
async function build(directory: string, registry: TestRegistry, config: string): Promise<string> {
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  };
  const from = `from: { image: "${registry.host}/distro/base:1" }\nplatforms: [linux/amd64]\n`;
  const rest = `layers:\n  - files: { from: text, into: /srv/app/ }\nusers: [{ name: app, uid: 1000, gid: 0 }]\n`;
  write("images/web/image.yaml", `name: web\n${from}${rest}${config}`);
  write("images/web/text", "own text");
  for (const command of [["pin"], ["build"], ["verify"]]) {
    const said = await lockstep([...command, "--quiet"], {
      cwd: directory,
      env: { LOCKSTEP_STORE: join(directory, "store") },
    });
    expect(said.stderr).toBe("");
    expect(said.code).toBe(0);
  }
  return join(directory, "out/images/web");
}

const cases: readonly (readonly [what: string, spec: string, buildahArgs: readonly string[]])[] = [
  ["nothing", "", []],
  [
    "variables, labels, ports and volumes",
    'config: { env: { A: own, B: "2" }, labels: { m: own, n: own }, ports: [81], volumes: [/more] }\n',
    ["--env", "A=own", "--env", "B=2", "--label", "m=own", "--label", "n=own", "--port", "81/tcp", "--volume", "/more"],
  ],
  ["a command", "config: { cmd: [bye] }\n", ["--cmd", "bye"]],
  [
    "user, directory and signal",
    'config: { user: "8:8", workdir: /etc, stopSignal: SIGTERM }\n',
    ["--user", "8:8", "--workingdir", "/etc", "--stop-signal", "SIGTERM"],
  ],
];

describe("an image on a base that buildah made", () => {
  it.skipIf(!buildahWorks).each(cases)(
    "inherits config as buildah does when the image sets %s (needs root, buildah)",
    async (_what, config, args) => {
      const directory = temporaryDirectory();
      const base = makeBase(directory);
      const registry = await startRegistry();
      plantLayout(registry, base);
      const layout = await build(join(directory, "repository"), registry, config);
      const container = buildah(directory, "from", "localhost/base:1");
      buildah(directory, "config", ...args, container);
      buildah(directory, "commit", "--format", "oci", container, `oci:${join(directory, "derived")}:1`);
      const ours = configOf(layout, "web-linux-amd64");
      const theirs = configOf(join(directory, "derived"));
      const { "io.buildah.version": _, ...labels } = theirs.config["Labels"] as Readonly<Record<string, string>>;
      const { "io.buildah.version": __, ...ownLabels } = ours.config["Labels"] as Readonly<Record<string, string>>;
      expect({ ...ours.config, Labels: ownLabels }).toEqual({ ...theirs.config, Labels: labels });
      const kept = configOf(base).history;
      expect(ours.history.slice(0, kept.length)).toEqual(kept);
      expect(theirs.history.slice(0, kept.length)).toEqual(kept);
    },
    120_000,
  );

  it.skipIf(!buildahWorks)(
    "resets the command with a new entrypoint, as a Dockerfile does (needs root, buildah)",
    async () => {
      const directory = temporaryDirectory();
      const base = makeBase(directory);
      const registry = await startRegistry();
      plantLayout(registry, base);
      const layout = await build(join(directory, "repository"), registry, "config: { entrypoint: [/x] }\n");
      const file = join(directory, "Dockerfile");
      writeFileSync(file, `FROM localhost/base:1\nENTRYPOINT ["/x"]\n`);
      buildah(directory, "bud", "--format", "oci", "-f", file, "-t", `oci:${join(directory, "derived")}:1`, directory);
      const ours = configOf(layout, "web-linux-amd64").config;
      const theirs = configOf(join(directory, "derived")).config;
      expect([ours["Entrypoint"], ours["Cmd"]]).toEqual([theirs["Entrypoint"], theirs["Cmd"]]);
      expect(ours["Cmd"]).toBeUndefined();
    },
    120_000,
  );

  it.skipIf(!buildahWorks || !compiles || !hasProgram("umoci") || !hasProgram("runc"))(
    "is unpacked by umoci and run by runc (needs root, buildah, umoci, runc, cc)",
    async () => {
      const directory = temporaryDirectory();
      const registry = await startRegistry();
      plantLayout(registry, makeBase(directory));
      const layout = await build(
        join(directory, "repository"),
        registry,
        'config: { env: { A: own }, user: "1000:0" }\n',
      );
      const bundle = join(directory, "bundle");
      const unpacked = run("umoci", ["unpack", "--image", `${layout}:web-linux-amd64`, bundle]);
      expect(unpacked.status, unpacked.stderr.toString()).toBe(0);
      expect(readFileSync(join(bundle, "rootfs/etc/passwd"), "utf8")).toBe(
        "root:x:0:0::/root:/bin/sh\napp:x:1000:0::/home/app:/usr/sbin/nologin\n",
      );
      const path = join(bundle, "config.json");
      const spec = json<
        Record<string, Record<string, unknown>> & { readonly mounts: readonly { readonly type: string }[] }
      >(path);
      const namespaces = spec["linux"]?.["namespaces"] as readonly { readonly type: string }[];
      const changed = {
        ...spec,
        process: { ...spec["process"], terminal: false },
        mounts: spec.mounts.filter(({ type }) => type !== "cgroup"),
        linux: { namespaces: namespaces.filter(({ type }) => type !== "cgroup" && type !== "network") },
      };
      writeFileSync(path, JSON.stringify(changed));
      const ran = run("runc", ["--root", join(directory, "runc"), "run", "--bundle", bundle, `base-${process.pid}`]);
      expect(ran.stderr.toString()).toBe("");
      expect(ran.stdout.toString()).toBe("hello own own text");
    },
    120_000,
  );

  it.skipIf(!buildahWorks || !hasProgram("skopeo"))(
    "is copied by skopeo with the layers of the base as they were (needs root, buildah, skopeo)",
    async () => {
      const directory = temporaryDirectory();
      const base = makeBase(directory);
      const registry = await startRegistry();
      plantLayout(registry, base);
      const layout = await build(join(directory, "repository"), registry, "");
      const copy = join(directory, "copy");
      const copied = run("skopeo", [
        "copy",
        "--insecure-policy",
        "--preserve-digests",
        `oci:${layout}:web-linux-amd64`,
        `dir:${copy}`,
      ]);
      expect(copied.status, copied.stderr.toString()).toBe(0);
      type Layers = { readonly layers: readonly Descriptor[] };
      const theirs = json<Layers>(join(copy, "manifest.json")).layers;
      const { manifests } = json<{ readonly manifests: readonly Descriptor[] }>(join(base, "index.json"));
      const original = json<Layers>(join(base, "blobs/sha256", (manifests[0]?.digest ?? "").slice(7))).layers;
      expect(theirs.slice(0, original.length).map(({ digest }) => digest)).toEqual(
        original.map(({ digest }) => digest),
      );
    },
    120_000,
  );
});
