import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { pin } from "../../../pipeline/build/pin.ts";
import { lockProblems, openRepository, readSpecs } from "../../../pipeline/build/repository.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import { readLock, writeLock } from "../../../pipeline/lock/lockfile.ts";
import type { LockedHttp } from "../../../pipeline/lock/types.ts";
import { type Report, silent } from "../../../pipeline/report/report.ts";
import { sha256Of } from "../../source/debian/tiny-deb.ts";
import { startWebServer, type WebServer } from "../../source/web-server.ts";
import { type Scene, scene } from "../../support.ts";

const content = Buffer.from("a release\n");

interface Signer {
  readonly publicKey: string;
  sign(bytes: Buffer): Buffer;
}

function minisign(id: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const named = (algorithm: string, bytes: Buffer): string =>
    Buffer.concat([Buffer.from(algorithm), Buffer.from(id, "hex"), bytes]).toString("base64");
  const over = (bytes: Buffer, key: KeyObject): Buffer => sign(null, bytes, key);
  return {
    publicKey: `untrusted comment: key\n${named("Ed", raw)}\n`,
    sign(bytes) {
      const own = over(createHash("blake2b512").update(bytes).digest(), privateKey);
      const overall = over(Buffer.concat([own, Buffer.from("c")]), privateKey).toString("base64");
      return Buffer.from(`untrusted comment: s\n${named("ED", own)}\ntrusted comment: c\n${overall}\n`);
    },
  };
}

interface Site extends Scene {
  readonly web: WebServer;
  readonly root: string;
  write(path: string, text: string): void;
  /** Writes the spec of an image with the file `/tool` of the server. */
  spec(more: string, image?: string): void;
  readonly warnings: readonly string[];
  pin(): Promise<LockedHttp | undefined>;
  failure(): Promise<string>;
  problems(): Promise<readonly string[]>;
}

async function site(): Promise<Site> {
  const at = scene();
  const host = { ...at.host, sleep: () => Promise.resolve() };
  const root = join(at.directory, "repository");
  const web = await startWebServer();
  onTestFinished(() => web.close());
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const warnings: string[] = [];
  const report: Report = { ...silent, warn: (line) => void warnings.push(line) };
  const run = async (): Promise<LockedHttp | undefined> => {
    const specs = await readSpecs(at.store, root);
    const { lock } = await pin(host, at.store, report, { root, specs, lock: await readLock(root) });
    await writeLock(host, root, lock);
    return lock.http.get(`${web.base}/tool`);
  };
  return {
    ...at,
    root,
    web,
    write,
    warnings,
    spec(more, image = "app") {
      const layer = `{ url: "${web.base}/tool", into: /tool, sha256: "${sha256Of(content)}"${more} }`;
      write(`images/${image}/image.yaml`, `name: ${image}\nplatforms: [linux/amd64]\nlayers:\n  - http: ${layer}\n`);
    },
    pin: run,
    failure: async () => {
      const result = await run().catch((error: unknown) => error);
      if (!(result instanceof Error)) throw new Error("it did not fail");
      return result.message;
    },
    problems: async () => lockProblems(await openRepository(at.store, root)).map(formatProblem),
  };
}

const signature = ", signature: { kind: minisign, key: ../../keys/tool.pub }";

describe("pin of a file from the web that has to be signed", () => {
  const signer = minisign("0102030405060708");

  it("writes by which key it is signed, and asks again when the key in the repository is another one", async () => {
    const at = await site();
    at.web.files.set("/tool", content).set("/tool.minisig", signer.sign(content));
    at.write("keys/tool.pub", signer.publicKey);
    at.spec(signature);
    const entry = await at.pin();
    expect(entry).toEqual({
      size: content.length,
      sha256: sha256Of(content),
      signedBy: "minisign 0807060504030201",
      signingKey: sha256Of(Buffer.from(signer.publicKey)),
    });
    expect(await at.problems()).toEqual([]);
    at.web.requests.length = 0;
    expect(await at.pin()).toEqual(entry);
    expect(at.web.requests).toEqual([]);

    const other = minisign("1112131415161718");
    at.write("keys/tool.pub", other.publicKey);
    expect((await at.problems()).join()).toMatch(/LS2201 .*by another key than is in the repository now/);
    expect(await at.failure()).toMatch(
      /^LS2706 images\/app\/image.yaml:4:5 the signature of .*\/tool does not hold: it is by/,
    );
    at.web.files.set("/tool.minisig", other.sign(content));
    expect((await at.pin())?.signedBy).toBe("minisign 1817161514131211");
  });

  it("need not have a hash in the spec, and is not told as pinned as it came", async () => {
    const at = await site();
    at.web.files.set("/tool", content).set("/tool.minisig", signer.sign(content));
    at.write("keys/tool.pub", signer.publicKey);
    const spec = (more: string): void => {
      const layer = `{ url: "${at.web.base}/tool", into: /tool${more} }`;
      at.write("images/app/image.yaml", `name: app\nplatforms: [linux/amd64]\nlayers:\n  - http: ${layer}\n`);
    };
    spec(signature);
    expect(await at.pin()).toMatchObject({ sha256: sha256Of(content), signedBy: "minisign 0807060504030201" });
    expect(at.warnings).toEqual([]);
    spec("");
    await at.pin();
    expect(at.warnings).toEqual([expect.stringContaining("pinned as it came")]);
  });

  it("is about what the spec says: none, one of another kind, one elsewhere", async () => {
    const at = await site();
    at.web.files.set("/tool", content).set("/elsewhere", signer.sign(content));
    at.write("keys/tool.pub", signer.publicKey);
    at.spec("");
    expect(await at.pin()).not.toHaveProperty("signedBy");
    at.spec(signature);
    expect((await at.problems()).join()).toContain("is locked without a signature, and the spec wants one of minisign");
    expect(await at.failure()).toMatch(/^LS2702 .*\/tool\.minisig answers 404/);
    at.spec(`, signature: { kind: minisign, key: ../../keys/tool.pub, url: "${at.web.base}/elsewhere" }`);
    expect(await at.pin()).toHaveProperty("signedBy");
    at.spec(", signature: { kind: gpg, key: ../../keys/tool.pub }");
    expect((await at.problems()).join()).toContain("is locked with one of minisign, and the spec wants one of gpg");
    at.spec("");
    expect((await at.problems()).join()).toContain("is locked with a signature (minisign 0807060504030201)");
    expect(await at.pin()).not.toHaveProperty("signedBy");
  });

  it("LS2706 and LS2702: writes nothing of a file whose signature does not hold, or is absurdly large", async () => {
    const at = await site();
    at.web.files.set("/tool", content).set("/tool.minisig", signer.sign(Buffer.from("other\n")));
    at.write("keys/tool.pub", signer.publicKey);
    at.spec(signature);
    expect(await at.failure()).toMatch(/^LS2706 .*the file is another one than the key 0807060504030201 signed/);
    at.web.files.set("/tool.minisig", Buffer.alloc(2 << 20));
    expect(await at.failure()).toMatch(/^LS2702 .*\/tool\.minisig has more than 1048576 bytes/);
    expect((await readLock(at.root)).http.size).toBe(0);
  });

  it("LS2015 and LS2016: needs the key in the repository", async () => {
    const at = await site();
    at.web.files.set("/tool", content);
    at.spec(signature);
    expect(await at.failure()).toMatch(/^LS2015 .*keys\/tool.pub is not there/);
    at.spec(", signature: { kind: minisign, key: ../../../tool.pub }");
    expect(await at.failure()).toMatch(/LS2016 .*signature.key "..\/..\/..\/tool.pub" is not inside the repository/);
  });

  it("LS2032: is signed by one key, whoever asks for it", async () => {
    const at = await site();
    at.web.files.set("/tool", content).set("/tool.minisig", signer.sign(content));
    at.write("keys/tool.pub", signer.publicKey);
    at.spec(signature);
    at.spec("", "other");
    expect(await at.failure()).toMatch(
      /^LS2032 images\/other\/image.yaml:4:5 .* has another signature than in images\/app/,
    );
  });
});
