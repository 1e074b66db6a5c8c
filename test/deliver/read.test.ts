import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseApp, parseSettings, readDelivery } from "../../pipeline/deliver/read.ts";
import { appText, images, messagesOf, minimal } from "./samples.ts";

const file = "manifests/apps/web.yaml";

function problemsIn(changes: Readonly<Record<string, string>>): readonly string[] {
  return messagesOf(() => parseApp(appText(changes), file, images));
}

describe("an app", () => {
  it("has every default filled in", () => {
    expect(parseApp(minimal, file, images).app).toEqual({
      name: "web",
      file,
      namespace: "web",
      image: "web",
      tag: "1.2.3",
      architectures: ["amd64", "arm64"],
      replicas: 2,
      port: 8080,
      servicePort: 80,
      resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "64Mi" } },
      probes: { readiness: "/readyz", liveness: "/healthz", startupSeconds: 30 },
      env: {},
      writable: [],
      disruption: { maxUnavailable: 1 },
      network: { from: [], to: [] },
    });
  });

  it("takes environment values as they are written", () => {
    const { app } = parseApp(appText({ "": "env: { VERSION: 1.10, DEBUG: false, ZIP: '0123' }\n" }), file, images);
    expect(app.env).toEqual({ VERSION: "1.10", DEBUG: "false", ZIP: "0123" });
  });

  it("LS2001 to LS2007: tells of the shape with place and suggestion, all at once", () => {
    expect(problemsIn({ "replicas: 2": "replica: 2", "port: 8080": "port: http" })).toEqual(
      [
        'LS2003 manifests/apps/web.yaml:4:1 unknown key "replica"; did you mean "replicas"?',
        'LS2004 manifests/apps/web.yaml:5:7 port must be a number, not "http"',
        'LS2005 manifests/apps/web.yaml:1:1 the document needs the key "replicas"',
      ].toSorted((a, b) => Number(/:(\d+):/.exec(a)?.[1]) - Number(/:(\d+):/.exec(b)?.[1])),
    );
    expect(problemsIn({ "port: 8080": "port: 8080\nport: 8081" })[0]).toMatch(/^LS2002 manifests\/apps\/web.yaml:6:1 /);
    expect(problemsIn({ "port: 8080": "port: 80" })).toEqual([
      "LS2007 manifests/apps/web.yaml:5:7 port must be at least 1024, because no container runs as root, not the number 80",
    ]);
    expect(problemsIn({ "port: 8080": "port: 65536" })[0]).toMatch(/^LS2007 .*:5:7 port must be at most 65535/);
  });

  it.each([
    ["name: web", "name: argocd", "must not be argocd or flux"],
    ["name: web", "name: Web", "must be lower-case letters"],
    ["image: web", "image: web\nnamespace: kube-system", "must be a namespace of the app's own"],
    ["/readyz", "readyz", "must be an absolute path"],
    ["/readyz", "/ready\\nz", "must be an absolute path"],
    ["cpu: 50m", "cpu: lots", "must be a quantity in quotes or with a unit"],
    ["memory: 64Mi", "memory: 64MB", "must be a quantity"],
    ["replicas: 2", "replicas: 0", "must be at least 1"],
    ["", "network: { from: [{ app: a, namespace: b }] }", "must have exactly one of app, namespace and cidr"],
    ["", "network: { from: [{ namespace: b, port: 1 }] }", 'unknown key "port"'],
    ["", "network: { to: [{ namespace: b }] }", "must have exactly one of app, namespace with port"],
    ["", "network: { to: [{ cidr: 10.0.0.0/33, port: 5432 }] }", "must be an address range"],
    ["", "disruption: { maxUnavailable: 1, minAvailable: 1 }", "must have exactly one of maxUnavailable"],
    ["", 'disruption: { maxUnavailable: "101%" }', "must be a percentage"],
    ["", 'env: { "A-B": x }', "must be the name of an environment variable"],
    ["", 'env: { A: "x\\u0007" }', "must be without control characters"],
    ["", "writable: { tmp: 1Mi }", "must be an absolute path"],
    ["", "writable: { /a/../b: 1Mi }", "must be an absolute path"],
  ])("LS20xx: refuses %j as %j", (from, to, message) => {
    const problems = problemsIn({ [from]: to });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
    expect(problems[0]).toMatch(/^LS20\d\d manifests\/apps\/web\.yaml:\d+:\d+ /);
  });

  it("LS7001: names an image that is not in the repository, with a suggestion", () => {
    expect(problemsIn({ "image: web": "image: wep" })).toEqual([
      'LS7001 manifests/apps/web.yaml:2:8 there is no image "wep" in this repository; did you mean "web"?',
    ]);
  });

  it.each(["latest", "1.2", "v1.2.3", "1.2.3.4", "01.2.3", " 1.2.3"])("LS7002: refuses the tag %j", (tag) => {
    expect(problemsIn({ "tag: 1.2.3": `tag: "${tag}"` })).toEqual([
      `LS7002 manifests/apps/web.yaml:3:6 tag "${tag}" is not a semantic version; write it as major.minor.patch, such as 1.4.2; it is for people, the digest pins`,
    ]);
  });

  it("LS7002: takes a pre-release and refuses build metadata, which no image tag can hold", () => {
    expect(problemsIn({ "tag: 1.2.3": "tag: 1.2.3-rc.1" })).toEqual([]);
    expect(problemsIn({ "tag: 1.2.3": "tag: 1.2.3+5" })[0]).toContain('an image tag cannot hold "+"');
  });

  it.each([
    ["{ memory: 32Mi }", "LS7003 manifests/apps/web.yaml:7:33 request of 64Mi memory is larger than the limit of 32Mi"],
    ["{ memory: 64M }", "LS7003 manifests/apps/web.yaml:7:33 request of 64Mi memory is larger than the limit of 64M"],
    ["{ cpu: 0.04 }", "LS7003 manifests/apps/web.yaml:7:20 request of 50m cpu is larger than the limit of 0.04"],
  ])("LS7003: refuses limits of %s", (limits, message) => {
    const text = limits.replace("0.04", '"0.04"');
    const problems = problemsIn({ "probes:": `  limits: ${text}\nprobes:` });
    expect(problems).toEqual([`${message}; raise the limit or ask for less`]);
  });

  it("LS7003: takes limits that are written otherwise but not smaller", () => {
    for (const limits of ["{ memory: 67108864 }", '{ memory: "0.0625Gi" }', "{ cpu: 1 }", '{ cpu: "5e-2" }']) {
      const text = limits.replace("67108864", '"67108864"');
      expect(problemsIn({ "probes:": `  limits: ${text}\nprobes:` })).toEqual([]);
    }
  });

  it.each([
    [2, "maxUnavailable: 0", false],
    [2, 'maxUnavailable: "0%"', false],
    [2, 'maxUnavailable: "1%"', true],
    [2, "minAvailable: 2", false],
    [2, "minAvailable: 1", true],
    [1, "minAvailable: 1", false],
    [1, "maxUnavailable: 1", true],
    [2, 'minAvailable: "51%"', false],
    [2, 'minAvailable: "50%"', true],
    [2, "minAvailable: 5", false],
  ])("LS7004: with %i replicas, a budget of %s can allow an eviction: %s", (replicas, budget, allowed) => {
    const problems = problemsIn({ "replicas: 2": `replicas: ${replicas}`, "": `disruption: { ${budget} }\n` });
    if (allowed) expect(problems).toEqual([]);
    else {
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(
        /^LS7004 manifests\/apps\/web.yaml:11:\d+ .* no node can be drained; allow at least one/,
      );
    }
  });

  it("LS7005: is named like its file", () => {
    expect(messagesOf(() => parseApp(minimal, "manifests/apps/shop.yaml", images))).toEqual([
      'LS7005 manifests/apps/shop.yaml:1:7 app "web" is in manifests/apps/shop.yaml; the file must be named web.yaml',
    ]);
  });

  it("LS7007: does not take an image that runs as root, its base's user counted", () => {
    expect(problemsIn({ "image: web": "image: root" })[0]).toContain(
      'LS7007 manifests/apps/web.yaml:2:8 image "root" names no user, so it runs as root; set config.user in images/root/image.yaml',
    );
    expect(problemsIn({ "image: web": "image: zero" })[0]).toContain(
      'LS7007 manifests/apps/web.yaml:2:8 image "zero" runs as user "0:0"',
    );
  });

  it("LS7008: has a port that the image declares", () => {
    expect(problemsIn({ "port: 8080": "port: 8081" })).toEqual([
      'LS7008 manifests/apps/web.yaml:5:7 image "web" does not declare port 8081; it declares 8080/tcp',
    ]);
  });

  it("counts nothing of a base image from a registry, whose user and ports are in no spec", () => {
    expect(problemsIn({ "image: web": "image: foreign" })).toEqual([
      'LS7007 manifests/apps/web.yaml:2:8 image "foreign" leaves its user to registry.example/base:1; set config.user in images/foreign/image.yaml to a numeric id that is not 0, such as "65532:65532"',
    ]);
    expect(problemsIn({ "image: web": "image: user" })).toEqual([]);
  });

  it("LS7011: finds the memory that was meant in MiB and given in thousandths of a byte", () => {
    expect(problemsIn({ "memory: 64Mi": "memory: 64m" })).toEqual([
      'LS7011 manifests/apps/web.yaml:7:33 quantity "64m" is too small to be meant; "m" means thousandths; did you mean "64Mi"?',
    ]);
    expect(problemsIn({ "cpu: 50m": "cpu: 100n" })[0]).toContain('quantity "100n" is too small to be meant');
  });

  it("tells of several things that do not fit at once", () => {
    const codes = problemsIn({ "tag: 1.2.3": "tag: latest", "port: 8080": "port: 9000", "memory: 64Mi": "memory: 1m" });
    expect(codes.map((line) => line.slice(0, 6))).toEqual(["LS7008", "LS7002", "LS7011"]);
  });
});

describe("the settings", () => {
  const good = "images: registry.example/team\nrepository: { url: https://git.example/a/b.git }\n";

  it("need only the two addresses", () => {
    expect(parseSettings(good, "manifests/delivery.yaml")).toEqual({
      images: "registry.example/team",
      repository: { url: "https://git.example/a/b.git", revision: "refs/heads/main" },
    });
  });

  it.each([
    ["registry.example/team", "registry.example/team:1", "images must be a registry and a repository without tag"],
    ["registry.example/team", "https://registry.example", "images must be a registry and a repository without tag"],
    ["https://git.example", "https://me:secret@git.example", "without a password"],
    ["https://git.example", "http://git.example", "must be an https or ssh address"],
    [".git }", ".git, revision: main }", "must be a full reference"],
    ["images:", "image:", 'did you mean "images"?'],
  ])("LS20xx: refuse %j as %j", (from, to, message) => {
    const problems = messagesOf(() => parseSettings(good.replace(from, to), "manifests/delivery.yaml"));
    expect(problems.join("\n")).toContain(message);
  });
});

describe("readDelivery", () => {
  let root: string;
  const all = [...images.values()];
  const settings = "images: registry.example/team\nrepository: { url: https://git.example/a/b.git }\n";

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "lockstep-deliver-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function place(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
  }

  async function problems(): Promise<readonly string[]> {
    const error: unknown = await readDelivery(root, all).catch((thrown: unknown) => thrown);
    return error instanceof Error ? error.message.split("\n") : [];
  }

  it("gives nothing for a repository without manifests", async () => {
    expect(await readDelivery(root, all)).toBeUndefined();
  });

  it("reads all apps in order of their names", async () => {
    await place({
      "manifests/delivery.yaml": settings,
      "manifests/apps/web.yaml": minimal,
      "manifests/apps/api.yaml": minimal.replace("name: web", "name: api"),
      "manifests/apps/README.md": "not an app",
    });
    const model = await readDelivery(root, all);
    expect(model?.apps.map((app) => app.name)).toEqual(["api", "web"]);
  });

  it("LS7013: misses the settings, and tells of the apps' problems with it", async () => {
    await place({ "manifests/apps/web.yaml": minimal.replace("1.2.3", "latest") });
    const lines = await problems();
    expect(lines[0]).toBe(
      "LS7013 manifests/delivery.yaml there are apps but no delivery settings; say in it where images and the repository are; see docs/deliver.md",
    );
    expect(lines[1]).toMatch(/^LS7002 manifests\/apps\/web\.yaml:3:6/);
  });

  it("LS7006: refuses two apps in one namespace", async () => {
    await place({
      "manifests/delivery.yaml": settings,
      "manifests/apps/api.yaml": minimal.replace("name: web", "name: api\nnamespace: web"),
      "manifests/apps/web.yaml": minimal,
    });
    expect(await problems()).toEqual([
      'LS7006 manifests/apps/web.yaml:1:1 namespace "web" belongs to the app of manifests/apps/api.yaml already; give each app a namespace of its own',
    ]);
  });

  it("LS7009, LS7010: wants both ends of a flow to allow it", async () => {
    const api = minimal.replace("name: web", "name: api");
    await place({
      "manifests/delivery.yaml": settings,
      "manifests/apps/api.yaml": `${api}network: { from: [{ app: wep }] }\n`,
      "manifests/apps/web.yaml": `${minimal}network: { to: [{ app: api }] }\n`,
    });
    expect(await problems()).toEqual([
      'LS7009 manifests/apps/api.yaml:11:26 there is no app "wep"; did you mean "web"?',
      'LS7010 manifests/apps/web.yaml:11:24 app "api" does not allow this flow, so it would be dropped; add {app: web} to network.from in manifests/apps/api.yaml',
    ]);
    await place({ "manifests/apps/api.yaml": `${api}network: { from: [{ app: web }] }\n` });
    expect(await problems()).toEqual([]);
  });
});
