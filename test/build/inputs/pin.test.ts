import { writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { reportText } from "../../../pipeline/build/pin-text.ts";
import { type Pinned, pin } from "../../../pipeline/build/pin.ts";
import {
  fetchLocked,
  lockProblems,
  openRepository,
  planRepository,
  readSpecs,
} from "../../../pipeline/build/repository.ts";
import { buildImages } from "../../../pipeline/build/build.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import type { Host } from "../../../pipeline/host/host.ts";
import { readLock, writeLock } from "../../../pipeline/lock/lockfile.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { fetchUnknown } from "../../../pipeline/source/http/unknown.ts";
import { verifyImages } from "../../../pipeline/verify/verify.ts";
import { sha256Of } from "../../source/debian/tiny-deb.ts";
import { startWebServer, type WebServer } from "../../source/web-server.ts";
import { type Scene, scene } from "../../support.ts";

interface Site extends Scene {
  readonly host: Host;
  readonly root: string;
  readonly web: WebServer;
  readonly warnings: string[];
  /** Writes the spec of an image of files: path in the image by name on the server, with the SHA-256 where it is given. */
  spec(image: string, files: Readonly<Record<string, string>>, more?: string): void;
  /** Pins, writes the lock, and gives what changed. */
  pin(only?: string): Promise<Pinned>;
  /** The lines of the error. */
  failure(only?: string): Promise<string>;
  problems(): Promise<readonly string[]>;
}

async function site(): Promise<Site> {
  const at = scene();
  const root = join(at.directory, "repository");
  const web = await startWebServer();
  onTestFinished(() => web.close());
  const warnings: string[] = [];
  const report = { ...silent, warn: (line: string) => void warnings.push(line) };
  const host: Host = { ...at.host, sleep: () => Promise.resolve() };
  const run = async (only?: string): Promise<Pinned> => {
    const specs = await readSpecs(at.store, root);
    const options = { root, specs, lock: await readLock(root), ...(only === undefined ? {} : { only }) };
    const pinned = await pin(host, at.store, report, options);
    await writeLock(host, root, pinned.lock);
    return pinned;
  };
  return {
    ...at,
    host,
    root,
    web,
    warnings,
    spec(image, files, more = "") {
      mkdirSync(join(root, "images", image), { recursive: true });
      const layers = Object.entries(files).map(([name, rest]) => `  - http: { url: "${web.base}/${name}", ${rest} }\n`);
      const text = `name: ${image}\nplatforms: [linux/amd64]\n${more}layers:\n${layers.join("")}`;
      writeFileSync(join(root, "images", image, "image.yaml"), text);
    },
    pin: run,
    failure: async (only) => {
      const result = await run(only).catch((error: unknown) => error);
      if (!(result instanceof Error)) throw new Error("it did not fail");
      return result.message;
    },
    problems: async () => lockProblems(await openRepository(at.store, root)).map(formatProblem),
  };
}

const one = Buffer.from("one\n");
const two = Buffer.from("two two\n");

describe("pin of files from the web", () => {
  it("writes size and hash under the URL, and a build needs nothing else than the store", async () => {
    const at = await site();
    at.web.files.set("/tool", one);
    at.spec("app", { tool: `into: /tool, sha256: "${sha256Of(one)}"` });
    expect(await at.problems()).toEqual([
      `LS2201 images/app/image.yaml:4:5 the lock is out of date: file "${at.web.base}/tool" of image "app" is not in the lock; run \`lockstep pin\``,
    ]);
    const { lock, diff } = await at.pin();
    expect([...lock.http]).toEqual([[`${at.web.base}/tool`, { size: 4, sha256: sha256Of(one) }]]);
    const short = sha256Of(one).slice(0, 12);
    expect(reportText({ diff, facts: new Map() })).toContain(
      `files:\n+ ${at.web.base}/tool  ${short}  4 B  app\nfiles: 1 added\ndownload of everything locked: 4 B (+4 B)\n`,
    );
    expect(at.warnings).toEqual([]);
    expect(await at.problems()).toEqual([]);
    await at.web.close();
    const repository = await openRepository(at.store, at.root);
    const planned = planRepository(at.host, repository, []);
    await fetchLocked(at.host, at.store, silent, repository, planned, { offline: true });
    const stores = { inputs: at.store, results: at.store };
    const built = await buildImages(at.host, stores, silent, planned, { out: join(at.root, "out") });
    const [verdict] = await verifyImages(at.host, at.store, silent, built, {
      root: at.root,
      again: true,
      signal: new AbortController().signal,
    });
    expect(verdict?.verdict).toBe("reproduced");
    // With another store the file has to be fetched, and the server is gone.
    const empty = new Store(at.host, join(at.directory, "empty"));
    await expect(fetchLocked(at.host, empty, silent, repository, planned, { tries: 1 })).rejects.toThrow("LS3102");
  });

  it("changes nothing when nothing changed, and asks nobody where the spec says what it has to be", async () => {
    const at = await site();
    at.web.files.set("/tool", one).set("/loose", two);
    at.spec("app", { tool: `into: /tool, sha256: "${sha256Of(one)}"`, loose: "into: /loose" });
    await at.pin();
    at.web.requests.length = 0;
    const { diff } = await at.pin();
    expect(diff.unchanged).toBe(true);
    expect(at.web.requests).toEqual(["/loose"]);
  });

  it("takes what it finds where the spec does not say, says so, and tells what became of it", async () => {
    const at = await site();
    at.web.files.set("/loose", one);
    at.spec("app", { loose: "into: /loose" });
    await at.pin();
    expect(at.warnings).toEqual([
      `${at.web.base}/loose: no spec says what it has to be; pinned as it came, sha256 ${sha256Of(one)}`,
    ]);
    at.web.files.set("/loose", two);
    const { lock, diff } = await at.pin();
    expect(lock.http.get(`${at.web.base}/loose`)).toEqual({ size: 8, sha256: sha256Of(two) });
    const [from, to] = [one, two].map((bytes) => sha256Of(bytes).slice(0, 12));
    expect(reportText({ diff, facts: new Map() })).toContain(
      `! ${at.web.base}/loose  ${from} → ${to} (other bytes)  +4 B  app\n`,
    );
  });

  it("moves one alone with --only, by its URL or by the image that has it", async () => {
    const at = await site();
    at.web.files.set("/a", one).set("/b", one);
    at.spec("app", { a: "into: /a" });
    at.spec("other", { b: "into: /b" });
    await at.pin();
    at.web.files.set("/a", two).set("/b", two);
    expect((await at.pin(`${at.web.base}/a`)).diff.changes.map(({ name }) => name)).toEqual([`${at.web.base}/a`]);
    expect((await at.pin("other")).diff.changes.map(({ name }) => name)).toEqual([`${at.web.base}/b`]);
    expect(await at.failure("nothing")).toMatch(/^LS2106 "nothing" is neither an image/);
  });

  it("drops what no spec asks for any more", async () => {
    const at = await site();
    at.web.files.set("/a", one).set("/b", one);
    at.spec("app", { a: "into: /a", b: "into: /b" });
    await at.pin();
    at.spec("app", { a: "into: /a" });
    expect(await at.problems()).toEqual([
      `LS2208 lockstep.lock file "${at.web.base}/b" is asked for by no spec; run \`lockstep pin\``,
    ]);
    const { diff } = await at.pin();
    expect(reportText({ diff, facts: new Map() })).toContain(`- ${at.web.base}/b `);
    expect(await at.problems()).toEqual([]);
  });

  it("LS2701: refuses a file that is not the one the spec names", async () => {
    const at = await site();
    at.web.files.set("/tool", two);
    at.spec("app", { tool: `into: /tool, sha256: "${sha256Of(one)}"` });
    expect(await at.failure()).toMatch(
      new RegExp(
        `^LS2701 images/app/image.yaml:4:5 .*/tool has the SHA-256 ${sha256Of(two)}, and the spec says ${sha256Of(one)}`,
      ),
    );
  });

  it("LS2201: is wanted when the spec names another hash than the lock has", async () => {
    const at = await site();
    at.web.files.set("/tool", one);
    at.spec("app", { tool: "into: /tool" });
    await at.pin();
    at.spec("app", { tool: `into: /tool, sha256: "${sha256Of(two)}"` });
    expect((await at.problems()).join()).toContain(`is locked to the SHA-256 ${sha256Of(one)}, and the spec says`);
  });

  it("LS2702: tells why a file cannot be had, and writes nothing", async () => {
    const at = await site();
    at.web.files.set("/empty", Buffer.alloc(0));
    at.spec("app", { gone: "into: /a", empty: "into: /b" });
    const lines = (await at.failure()).split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^LS2702 .*\/gone answers 404/);
    expect(lines[1]).toMatch(/^LS2702 .*\/empty has no content/);
    expect((await readLock(at.root)).http.size).toBe(0);
  });

  it("takes copies where the settings name them, also when nobody else is there", async () => {
    const at = await site();
    const copies = await startWebServer();
    onTestFinished(() => copies.close());
    copies.files.set("/mirror/deep/a", one);
    at.web.files.set("/deep/a", two).set("/b", two);
    at.spec("app", { "deep/a": `into: /a, sha256: "${sha256Of(one)}"`, b: "into: /b" });
    mkdirSync(at.host.configDirectory, { recursive: true });
    const settings = { http: { mirrors: { [`${at.web.base}/`]: [`${copies.base}/mirror/`] } } };
    writeFileSync(join(at.host.configDirectory, "config.yaml"), JSON.stringify(settings));
    const { lock } = await at.pin();
    // The lock names what the spec names, wherever it came from.
    expect([...lock.http.keys()]).toEqual([`${at.web.base}/b`, `${at.web.base}/deep/a`]);
    expect(at.web.requests).toEqual(["/b"]);
    expect(copies.requests.toSorted()).toEqual(["/mirror/b", "/mirror/deep/a"]);
    const repository = await openRepository(at.store, at.root);
    const planned = planRepository(at.host, repository, []);
    await at.web.close();
    copies.files.set("/mirror/b", two);
    const empty = new Store(at.host, join(at.directory, "empty"));
    await fetchLocked(at.host, empty, silent, repository, planned, { tries: 1 });
    // What a copy serves is checked like everything else.
    copies.files.set("/mirror/b", one);
    const other = new Store(at.host, join(at.directory, "other"));
    await expect(fetchLocked(at.host, other, silent, repository, planned, { tries: 1 })).rejects.toThrow("LS3104");
  });

  it.each([
    ["http: { mirror: {} }", "http.mirror is not a setting"],
    ["http: []", "http is not a map"],
    ['http: { mirrors: { "files.example": ["https://copies.example/"] } }', "holds something that is no address"],
    ['http: { mirrors: { "https://files.example/": "https://copies.example/" } }', "is not a list"],
    ['http: { mirrors: { "https://files.example/": ["ftp://copies.example/"] } }', "not https: or http: or file:"],
    ['http: { mirrors: { "https://files.example/a": ["https://copies.example/"] } }', "does not end with a slash"],
    ["http: {", "LS3105"],
  ])("LS3105: refuses the settings %s", async (settings, why) => {
    const at = await site();
    at.web.files.set("/a", one);
    at.spec("app", { a: "into: /a" });
    mkdirSync(at.host.configDirectory, { recursive: true });
    writeFileSync(join(at.host.configDirectory, "config.yaml"), settings);
    const message = await at.failure();
    expect(message).toMatch(/^LS3105 .*config.yaml:1:/);
    expect(message).toContain(why);
  });

  it("LS2702: follows no redirect from the internet to what is near", async () => {
    const at = await site();
    const proxy = await startWebServer();
    onTestFinished(() => proxy.close());
    const host: Host = { ...at.host, env: (name) => (name === "http_proxy" ? proxy.base : undefined) };
    const leading = async (location: string): Promise<unknown> => {
      proxy.files.set("http://files.example/a", (_, response) => void response.writeHead(302, { location }).end());
      return fetchUnknown(host, at.store, silent, ["http://files.example/a"]).catch((error: unknown) => error);
    };
    for (const location of [
      "http://169.254.169.254/latest",
      "http://127.0.0.1:9/",
      "http://[::1]/",
      "http://10.0.0.1/",
      "http://localhost/",
    ])
      expect(String(await leading(location)), location).toMatch(
        /LS2702 .* sent a redirect that leads to the local address/,
      );
    expect(String(await leading("file:///etc/passwd"))).toContain("sent a redirect that leads out of the web");
    expect(String(await leading("http://user:secret@files.example/"))).toMatch(
      /leads to files.example with a user name(?!.*secret)/,
    );
    proxy.files.set("http://other.example/b", one);
    expect(await leading("http://other.example/b")).toEqual({ size: 4, sha256: sha256Of(one) });
    expect(proxy.requests.every((path) => /^http:\/\/(files|other)\.example\//.test(path))).toBe(true);
  });

  it("LS2032: refuses two hashes for one URL", async () => {
    const at = await site();
    at.spec("app", { tool: `into: /tool, sha256: "${sha256Of(one)}"` });
    at.spec("other", { tool: `into: /tool, sha256: "${sha256Of(two)}"` });
    expect(await at.failure()).toMatch(
      /^LS2032 images\/other\/image.yaml:4:5 .*another sha256 than in images\/app\/image.yaml:4/,
    );
  });

  it("is about an image and the images it is from", async () => {
    const at = await site();
    at.web.files.set("/a", one).set("/b", two);
    at.spec("app", { a: "into: /a" });
    at.spec("more", { b: "into: /b" }, "from: app\n");
    await at.pin();
    const planned = planRepository(at.host, await openRepository(at.store, at.root), ["more"]);
    expect([...(planned[0]?.inputs.http.keys() ?? [])]).toEqual([`${at.web.base}/a`, `${at.web.base}/b`]);
  });
});
