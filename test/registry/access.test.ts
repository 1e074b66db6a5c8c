import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect, isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Host } from "../../pipeline/host/host.ts";
import { sourceOfBytes } from "../../pipeline/registry/blobs.ts";
import { parseChallenges } from "../../pipeline/registry/challenge.ts";
import { reachOf } from "../../pipeline/host/reach.ts";
import { openRepository, type Repository } from "../../pipeline/registry/repository.ts";
import { hasProgram, run, type Scene, scene, temporaryDirectory } from "../support.ts";
import { type Piece, plant, testImage } from "./images.ts";
import { type RegistryOptions, startRegistry, type TestRegistry } from "./registry.ts";
import { dockerRegistry, startDockerRegistry } from "./servers.ts";

const image = testImage();
const [shared] = image.blobs as [Piece];
/** Appears in no message and in no output. */
const secret = "p:ss wörd";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

interface Setting extends Scene {
  readonly registry: TestRegistry;
  /** Writes the auth file that the environment names. */
  login(content: unknown): void;
  open(name?: string): Promise<Repository>;
}

/** A registry, and a home without any login. */
async function setting(options: RegistryOptions, environment: Readonly<Record<string, string>> = {}): Promise<Setting> {
  const home = temporaryDirectory();
  const at = scene({ HOME: home, REGISTRY_AUTH_FILE: join(home, "auth.json"), ...environment });
  const host: Host = { ...at.host, sleep: () => at.host.sleep(1) };
  const registry = await startRegistry({ password: secret, ...options });
  plant(registry, "team/app", "1.0", image);
  return {
    ...at,
    host,
    registry,
    login: (content) =>
      writeFileSync(join(home, "auth.json"), typeof content === "string" ? content : JSON.stringify(content)),
    open: (name = "team/app") => openRepository(host, { host: registry.host, repository: name }),
  };
}

/** A program that keeps credentials, as docker knows them: a script of this text. */
function keeper(name: string, script: string): Host["findProgram"] {
  const path = join(temporaryDirectory(), `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return (program) => (program === `docker-credential-${name}` ? path : undefined);
}

async function messageOfRejection(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "no error",
    (error: unknown) => String(error),
  );
}

describe("logging in", () => {
  it("is done with the name and password of an auth file, for Basic", async () => {
    const at = await setting({ login: "basic" });
    at.login({ auths: { [at.registry.host]: { auth: base64(`user:${secret}`) } } });
    const repository = await at.open();
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
    expect(await repository.pushBlob(sourceOfBytes(shared.digest, shared.bytes))).toBe("present");
    // Asked for once; then it is sent along.
    expect(at.registry.seen.filter(({ authorization }) => authorization === undefined).length).toBe(2);
  });

  it("gets tokens for what is done, and new ones when they have run out", async () => {
    const at = await setting({ login: "token", tokenUses: 2 });
    at.login({ auths: { [at.registry.host]: { auth: base64(`user:${secret}`) } } });
    const repository = await at.open("prod/app");
    for (const { digest, bytes } of image.blobs)
      expect(await repository.pushBlob(sourceOfBytes(digest, bytes), { mountFrom: "team/app" })).toBe("mounted");
    for (const { digest, bytes } of image.blobs)
      expect(await repository.pushBlob(sourceOfBytes(digest, bytes))).toBe("present");
    const tokens = at.registry.seen.filter(({ path }) => path.startsWith("/token"));
    expect(tokens.length).toBeGreaterThan(4);
    for (const { path } of tokens) {
      const query = new URL(path, "http://registry.example").searchParams;
      expect(query.get("service")).toBe("tests, really");
      expect(query.getAll("scope")).toContain("repository:prod/app:pull,push");
    }
    expect(tokens.some(({ path }) => decodeURIComponent(path).includes("repository:team/app:pull"))).toBe(true);
    // The password is for the token server alone.
    for (const { path, authorization = "" } of at.registry.seen)
      expect(authorization.startsWith("Basic ")).toBe(path.startsWith("/token"));
  });

  it("exchanges a refresh token", async () => {
    const at = await setting({ login: "token", identity: secret });
    at.login({
      auths: { [at.registry.host]: { auth: base64("00000000-0000-0000-0000-000000000000:"), identitytoken: secret } },
    });
    expect((await (await at.open()).manifest("1.0")).descriptor.digest).toBe(image.index.digest);
    expect(at.registry.seen.some(({ method, path }) => method === "POST" && path === "/token")).toBe(true);
  });

  it.each([
    ["a program for the registry", (host: string) => ({ credHelpers: { [host]: "safe" } })],
    ["a program for all registries", () => ({ credsStore: "safe" })],
    [
      "a program for all registries, beside an empty entry",
      (host: string) => ({ credsStore: "safe", auths: { [host]: {} } }),
    ],
  ])("asks %s", async (_, content) => {
    const at = await setting({ login: "token" });
    at.login(content(at.registry.host));
    const findProgram = keeper(
      "safe",
      `[ "$1" = get ] && [ "$(cat)" = "${at.registry.host}" ] && printf '{"Username":"user","Secret":"${secret}"}'`,
    );
    const host = { ...at.host, findProgram, environment: () => ({ PATH: process.env["PATH"] ?? "" }) };
    const repository = await openRepository(host, { host: at.registry.host, repository: "team/app" });
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
  });

  it("takes the entry of the longest name that fits, and the files of podman and docker in their order", async () => {
    const at = await setting({ login: "basic" });
    const good = { auth: base64(`user:${secret}`) };
    const bad = { auth: base64("user:other") };
    const { host } = at.registry;
    const home = temporaryDirectory();
    const open = (): Promise<Repository> => {
      const there = { ...at.host, env: (name: string) => (name === "HOME" ? home : undefined) };
      return openRepository(there, { host, repository: "team/app" });
    };
    const works = async (): Promise<boolean> =>
      (await messageOfRejection((await open()).manifest("1.0"))) === "no error";
    const write = (path: string, content: unknown): void => {
      mkdirSync(join(home, path, ".."), { recursive: true });
      writeFileSync(join(home, path), JSON.stringify(content));
    };
    expect(await works()).toBe(false);
    write(".docker/config.json", { auths: { [`https://${host}/v1/`]: good } });
    expect(await works()).toBe(true);
    write(".config/containers/auth.json", { auths: { [host]: bad } });
    expect(await works()).toBe(false);
    write(".config/containers/auth.json", {
      auths: { [host]: bad, [`${host}/team`]: good, [`${host}/team/application`]: bad },
    });
    expect(await works()).toBe(true);
    write(".config/containers/auth.json", { auths: { [`${host}/team`]: good, [`${host}/team/app`]: bad } });
    expect(await works()).toBe(false);
  });

  it("LS3205: says what is missing or not accepted, and never the secret", async () => {
    const cases: readonly (readonly [RegistryOptions, unknown, RegExp])[] = [
      [{ login: "basic" }, undefined, /wants a login, and nobody is logged in/],
      [{ login: "token" }, undefined, /gives no token without a login \(401, UNAUTHORIZED/],
      [
        { login: "basic", user: "else" },
        { auth: base64(`user:${secret}`) },
        /does not accept the user name and password/,
      ],
      [
        { login: "token", user: "else" },
        { auth: base64(`user:${secret}`) },
        /gives no token for the login that the auth file has/,
      ],
      [{ login: "basic" }, { identitytoken: secret }, /wants a user name and a password/],
      [
        { login: "token" },
        { registrytoken: secret.replace(/[^a-z]/g, "") },
        /does not accept the token of the auth file/,
      ],
    ];
    for (const [options, entry, expected] of cases) {
      const at = await setting(options);
      at.login({ auths: entry === undefined ? {} : { [at.registry.host]: entry } });
      const message = await messageOfRejection((await at.open()).manifest("1.0"));
      expect(message).toMatch(/LS3205 /);
      expect(message).toMatch(expected);
      expect(message).not.toContain(secret);
      expect(message).not.toContain(base64(`user:${secret}`));
    }
  });

  it("LS3206: does not go on without a login that cannot be read", async () => {
    const at = await setting({ login: "basic" });
    const { host } = at.registry;
    const cases: readonly (readonly [unknown, Host["findProgram"], RegExp])[] = [
      [`{"auths": ${secret}`, () => undefined, /the auth file is not JSON/],
      [{ auths: [] }, () => undefined, /"auths" of the auth file is not a map/],
      [
        { auths: { [host]: { auth: base64(secret.replace(":", "")) } } },
        () => undefined,
        /is not a user name and a password in Base64/,
      ],
      [
        { credsStore: "gone" },
        () => undefined,
        /docker-credential-gone, which the auth file names .* is not installed/,
      ],
      [{ credsStore: "../../bin/sh" }, () => "/bin/sh", /is not the name of a program that keeps credentials/],
      [
        { credHelpers: { [host]: "safe" } },
        keeper("safe", `echo '${secret}'; exit 3`),
        /docker-credential-safe failed for .* \(exit code 3\)/,
      ],
      [{ credHelpers: { [host]: "safe" } }, keeper("safe", `echo '${secret}'`), /did not answer with JSON/],
      [
        { credHelpers: { [host]: "safe" } },
        keeper("safe", `echo '{"Secret":"${secret}"}'`),
        /did not answer with a user name and a secret/,
      ],
    ];
    for (const [content, findProgram, expected] of cases) {
      at.login(content);
      const there = { ...at.host, findProgram, environment: () => ({ PATH: process.env["PATH"] ?? "" }) };
      const repository = await openRepository(there, { host, repository: "team/app" });
      const message = await messageOfRejection(repository.manifest("1.0"));
      expect(message).toMatch(/LS3206 /);
      expect(message).toMatch(expected);
      expect(message).not.toContain(secret);
    }
  });

  it("goes on without a login when a program says that it has none", async () => {
    const at = await setting({});
    at.login({ credsStore: "safe" });
    const there = { ...at.host, findProgram: keeper("safe", "echo credentials not found in native keychain; exit 1") };
    const repository = await openRepository(there, { host: at.registry.host, repository: "team/app" });
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
  });

  it.skipIf(dockerRegistry === undefined)(
    "works with Debian's docker-registry and Basic (needs Debian's docker-registry)",
    async () => {
      const directory = temporaryDirectory();
      writeFileSync(join(directory, "htpasswd"), "user:$2b$04$pwa2wuneP8aiCY.9OZqHp.q6nfaW1sTLjrI5ErHky0RVIn9cAUZOS\n");
      const host = await startDockerRegistry(directory, { htpasswd: join(directory, "htpasswd") });
      const home = temporaryDirectory();
      const at = scene({ HOME: home, REGISTRY_AUTH_FILE: join(home, "auth.json") });
      const repository = await openRepository(at.host, { host, repository: "team/app" });
      await expect(repository.manifest("1.0")).rejects.toMatchObject({ code: "LS3205" });
      writeFileSync(join(home, "auth.json"), JSON.stringify({ auths: { [host]: { auth: base64("user:secret") } } }));
      const again = await openRepository(at.host, { host, repository: "team/app" });
      expect(await again.pushBlob(sourceOfBytes(shared.digest, shared.bytes))).toBe("pushed");
      await again.blob(at.store, shared);
      expect(await at.store.read(shared.digest)).toEqual(shared.bytes);
      repository.close();
      again.close();
    },
  );
});

describe("a registry that is called otherwise than its host", () => {
  it("is reached at its address, and logged in to by the name that auth files have", async () => {
    const at = await setting({ login: "token" });
    at.login({ auths: { "https://index.hub.invalid/v1/": { auth: base64(`user:${secret}`) } } });
    mkdirSync(at.host.configDirectory, { recursive: true });
    const hub = `{ address: "${at.registry.host}", login: index.hub.invalid, plainHttp: true }`;
    writeFileSync(join(at.host.configDirectory, "config.yaml"), `registries: { hosts: { hub.invalid: ${hub} } }`);
    const repository = await openRepository(at.host, { host: "hub.invalid", repository: "team/app" });
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
    await repository.blob(at.store, shared);
    expect(repository.place("1.0")).toBe("hub.invalid/team/app:1.0");
    repository.close();
  });
});

describe("redirects", () => {
  it("are followed to storage, without the login", async () => {
    const at = await setting({ login: "basic" });
    const storage = await startRegistry();
    plant(storage, "team/app", "1.0", image);
    at.login({ auths: { [at.registry.host]: { auth: base64(`user:${secret}`) } } });
    at.registry.fail({
      method: "GET",
      path: "/blobs/",
      kind: "redirect",
      to: (path) => `http://${storage.host}${path}`,
    });
    await (await at.open()).blob(at.store, shared);
    expect(await at.store.read(shared.digest)).toEqual(shared.bytes);
    expect(storage.seen.length).toBe(1);
    expect(storage.seen[0]?.authorization).toBeUndefined();
    expect(at.registry.seen.length).toBe(1);
  });

  it("take the login along on the registry itself", async () => {
    const at = await setting({ login: "basic" });
    at.login({ auths: { [at.registry.host]: { auth: base64(`user:${secret}`) } } });
    const repository = await at.open();
    await repository.manifest("1.0");
    at.registry.fail({ method: "GET", path: "/blobs/", kind: "redirect", to: (path) => path });
    await repository.blob(at.store, shared);
    expect(at.registry.seen.at(-1)?.authorization).toMatch(/^Basic /);
  });

  it("LS3212: end when they go in circles", async () => {
    const at = await setting({});
    at.registry.fail({ method: "GET", path: "/blobs/", kind: "redirect", times: 99, to: (path) => path });
    await expect((await at.open()).blob(at.store, shared)).rejects.toThrow(/LS3212 .*more than 5 redirects/);
    expect(at.registry.seen.length).toBe(6);
  });

  it("do not lead an upload's bytes, and its login, elsewhere", async () => {
    const at = await setting({ login: "basic" });
    at.login({ auths: { [at.registry.host]: { auth: base64(`user:${secret}`) } } });
    const storage = await startRegistry();
    const repository = await at.open("new/app");
    // An upload's address may be elsewhere, as object stores have it; the login stays.
    at.registry.fail({
      method: "POST",
      path: "/uploads/",
      kind: "reply",
      change: (reply) => {
        if (reply.status !== 202) return reply;
        const id = storage.content.beginUpload("new/app");
        return {
          ...reply,
          headers: { ...reply.headers, location: `http://${storage.host}/v2/new/app/blobs/uploads/${id}` },
        };
      },
    });
    expect(await repository.pushBlob(sourceOfBytes(shared.digest, shared.bytes))).toBe("pushed");
    expect(storage.seen.length).toBe(1);
    expect(storage.seen[0]?.authorization).toBeUndefined();
    at.registry.fail({
      method: "POST",
      path: "/uploads/",
      kind: "redirect",
      to: (path) => `http://${storage.host}${path}`,
    });
    await expect(repository.pushBlob(sourceOfBytes(image.index.digest, image.index.bytes))).rejects.toMatchObject({
      code: "LS3220",
    });
    expect(storage.seen.length).toBe(1);
  });
});

/** A proxy that takes every host for the registry's, as one on the way to the internet would look to us. */
async function startProxy(target: string): Promise<{ readonly address: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const [host = "", port = ""] = target.split(":");
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const url = new URL(request.url ?? "", "http://registry.example");
    const onward = httpRequest(
      { host, port, path: url.pathname + url.search, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** A registry behind a proxy, whose name nobody but the proxy knows. */
async function far(
  environment: Readonly<Record<string, string>> = {},
): Promise<Setting & { readonly asked: readonly string[] }> {
  const at = await setting({});
  const proxy = await startProxy(at.registry.host);
  const variables: Readonly<Record<string, string>> = { http_proxy: proxy.address, ...environment };
  const host: Host = { ...at.host, env: (name) => variables[name] };
  mkdirSync(host.configDirectory, { recursive: true });
  writeFileSync(
    join(host.configDirectory, "config.yaml"),
    "registries: { hosts: { registry.invalid: { plainHttp: true }, other.invalid: { plainHttp: true } } }",
  );
  const open = (): Promise<Repository> => openRepository(host, { host: "registry.invalid", repository: "team/app" });
  return { ...at, host, open, asked: proxy.asked };
}

/** A name, other than localhost, that is looked up and means this machine. */
const localName = ["ip6-localhost", "localhost6", hostname()].find((name) => {
  const [address = ""] = run("getent", ["hosts", name]).stdout.toString().split(/\s/);
  return isIP(address) !== 0 && reachOf(address) > 0;
});

describe("a registry that is not on this machine", () => {
  it("is reached through the proxy of the environment, and may send to another one that is not", async () => {
    const at = await far();
    at.registry.fail({
      method: "GET",
      path: "/blobs/",
      kind: "redirect",
      to: (path) => `http://storage.invalid${path}`,
    });
    await (await at.open()).blob(at.store, shared);
    expect(at.asked).toEqual([
      `GET http://registry.invalid/v2/team/app/blobs/${shared.digest}`,
      `GET http://storage.invalid/v2/team/app/blobs/${shared.digest}`,
    ]);
  });

  it.each([
    "http://127.0.0.1:1/x",
    "http://169.254.169.254/latest/meta-data",
    "http://10.1.2.3/x",
    "http://[::1]/x",
    "http://[::ffff:192.168.0.1]/x",
    "http://0x7f.1/x",
    "http://2130706433/x",
    "http://localhost/x",
    "http://storage.localhost./x",
    "http://user:password@storage.invalid/x",
    "file:///etc/passwd",
    "ftp://storage.invalid/x",
  ])("LS3212: may not send to %s", async (address) => {
    const at = await far();
    at.registry.fail({ method: "GET", path: "/blobs/", kind: "redirect", to: () => address });
    await expect((await at.open()).blob(at.store, shared)).rejects.toMatchObject({ code: "LS3212" });
    expect(at.asked.length).toBe(1);
  });

  it.skipIf(localName === undefined)(
    "LS3212: may not send to a name that means this machine (needs a name of this machine besides localhost)",
    async () => {
      const at = await far({ no_proxy: localName ?? "" });
      at.registry.fail({ method: "GET", path: "/blobs/", kind: "redirect", to: () => `http://${localName}:9/x` });
      await expect((await at.open()).blob(at.store, shared)).rejects.toThrow(/LS3212 .* is the local address /);
    },
  );

  it("LS3212: may not name a token server on this machine", async () => {
    const at = await far();
    at.registry.fail({
      kind: "status",
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="http://127.0.0.1:9/token"' },
    });
    await expect((await at.open()).manifest("1.0")).rejects.toMatchObject({ code: "LS3212" });
  });

  it("LS3204: is never spoken to without TLS unless that was set", async () => {
    const at = await far();
    const repository = await openRepository(at.host, { host: "third.invalid", repository: "team/app" }, { tries: 1 });
    await expect(repository.manifest("1.0")).rejects.toMatchObject({ code: "LS3204" });
    expect(at.asked).toEqual([]);
  });
});

/** A private authority and a certificate of it for this machine, as files. */
function certificates(): {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly file: (name: string) => string;
} {
  const directory = temporaryDirectory();
  const file = (name: string): string => join(directory, name);
  const ssl = (...args: readonly string[]): void => {
    const { status, stderr } = run("openssl", args, { cwd: directory });
    if (status !== 0) throw new Error(stderr.toString());
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  ssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=private", "-days", "2");
  ssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server");
  writeFileSync(file("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:registry.invalid\n");
  ssl(
    "x509",
    "-req",
    "-in",
    "server.csr",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-out",
    "server.pem",
    "-days",
    "2",
    "-extfile",
    "names",
  );
  const read = (name: string): string => run("cat", [file(name)]).stdout.toString();
  return { ca: read("ca.pem"), cert: read("server.pem"), key: read("server.key"), file };
}

function trusting(at: Scene, host: string, file: string): void {
  mkdirSync(at.host.configDirectory, { recursive: true });
  writeFileSync(join(at.host.configDirectory, "config.yaml"), `registries: { hosts: { "${host}": { ca: ${file} } } }`);
}

describe("TLS", () => {
  const openssl = hasProgram("openssl");

  it.skipIf(!openssl)("trusts the authority that is set for a registry, and no other (needs openssl)", async () => {
    const { cert, key, file } = certificates();
    const at = await setting({ tls: { cert, key }, login: "token" });
    at.login({ auths: { [at.registry.host]: { auth: base64(`user:${secret}`) } } });
    trusting(at, at.registry.host, certificates().file("ca.pem"));
    await expect((await at.open()).manifest("1.0")).rejects.toThrow(/LS3204 .*(?:SIGNATURE|CERT|signature)/);
    trusting(at, at.registry.host, file("ca.pem"));
    const repository = await at.open();
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
    await repository.blob(at.store, shared);
    // From TLS to plain HTTP nothing is followed, wherever it leads.
    const [, other] = image.blobs as [Piece, Piece];
    at.registry.fail({
      method: "GET",
      path: "/blobs/",
      kind: "redirect",
      to: (path) => `http://${at.registry.host}${path}`,
    });
    await expect(repository.blob(at.store, other)).rejects.toThrow(/LS3212 .*it leads from TLS to http:/);
  });

  it.skipIf(!openssl)("goes through a proxy (needs openssl)", async () => {
    const { cert, key, file } = certificates();
    const at = await setting({ tls: { cert, key } });
    const proxy = await startProxy(at.registry.host);
    trusting(at, "registry.invalid", file("ca.pem"));
    const host: Host = { ...at.host, env: (name) => (name === "https_proxy" ? proxy.address : undefined) };
    const repository = await openRepository(host, { host: "registry.invalid", repository: "team/app" });
    expect((await repository.manifest("1.0")).descriptor.digest).toBe(image.index.digest);
    expect(proxy.asked).toEqual(["CONNECT registry.invalid:443"]);
    repository.close();
  });

  it.skipIf(!openssl || dockerRegistry === undefined)(
    "works with Debian's docker-registry (needs openssl, Debian's docker-registry)",
    async () => {
      const { file } = certificates();
      const host = await startDockerRegistry(temporaryDirectory(), {
        tls: { cert: file("server.pem"), key: file("server.key") },
      });
      const at = scene();
      trusting(at, host, file("ca.pem"));
      const repository = await openRepository(at.host, { host, repository: "team/app" });
      expect(await repository.pushBlob(sourceOfBytes(shared.digest, shared.bytes))).toBe("pushed");
      repository.close();
    },
  );
});

describe("parseChallenges", () => {
  it("reads several challenges in one header, quoted commas, escapes and names of any case", () => {
    expect(
      parseChallenges(
        'Basic realm="a, b", BEARER Realm="https://auth.example/token" , service="x\\"y",scope="repository:a/b:pull,push",error=invalid_token',
      ),
    ).toEqual([
      { scheme: "basic", parameters: { realm: "a, b" } },
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.example/token",
          service: 'x"y',
          scope: "repository:a/b:pull,push",
          error: "invalid_token",
        },
      },
    ]);
    expect(parseChallenges("Negotiate")).toEqual([{ scheme: "negotiate", parameters: {} }]);
    expect(parseChallenges("")).toEqual([]);
    expect(parseChallenges('"nonsense')).toEqual([]);
  });
});

describe("reachOf", () => {
  it.each([
    ["192.0.2.1", 0],
    ["2001:db8::1", 0],
    ["8.8.8.8", 0],
    ["10.0.0.1", 1],
    ["172.31.255.255", 1],
    ["172.32.0.1", 0],
    ["192.168.1.1", 1],
    ["100.64.0.1", 1],
    ["fd00::1", 1],
    ["::ffff:10.0.0.1", 1],
    ["127.0.0.1", 2],
    ["127.9.9.9", 2],
    ["0.0.0.0", 2],
    ["169.254.169.254", 2],
    ["::1", 2],
    ["::", 2],
    ["::ffff:127.0.0.1", 2],
    ["::ffff:7f00:1", 2],
    ["fe80::1%eth0", 2],
    ["224.0.0.1", 2],
  ])("%s is %i", (address, expected) => {
    expect(reachOf(address)).toBe(expected);
  });
});
