import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localKeyFiles, localSigningKey, parseVerificationKey } from "../../pipeline/evidence/keys.ts";
import { createHost, type Host } from "../../pipeline/host/host.ts";

let directory: string;
let root: string;
let host: Host;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "lockstep-keys-"));
  root = join(directory, "repository");
  await mkdir(root);
  host = { ...createHost(), configDirectory: join(directory, "config") };
});

afterEach(() => rm(directory, { recursive: true }));

async function place(text: string, mode = 0o600): Promise<string> {
  const { privateFile } = localKeyFiles(host);
  await mkdir(join(host.configDirectory, "keys"), { recursive: true, mode: 0o700 });
  await writeFile(privateFile, text, { mode });
  await chmod(privateFile, mode);
  return privateFile;
}

describe("the local key", () => {
  it("is made on first use, private, with its public half beside it", async () => {
    const key = await localSigningKey(host, root);
    const { privateFile, publicFile } = localKeyFiles(host);
    expect((await stat(privateFile)).mode & 0o777).toBe(0o600);
    expect((await stat(join(host.configDirectory, "keys"))).mode & 0o777).toBe(0o700);
    expect(await readFile(publicFile, "utf8")).toBe(key.pem);
    expect(createPublicKey(await readFile(privateFile)).export({ type: "spki", format: "pem" })).toBe(key.pem);
    expect(await readdir(join(host.configDirectory, "keys"))).toEqual(["local.key", "local.pub"]);
  });

  it("is the same the next time, and its public half comes back when it is lost", async () => {
    const first = await localSigningKey(host, root);
    await rm(first.publicFile);
    const second = await localSigningKey(host, root);
    expect(second.hint).toBe(first.hint);
    expect(await readFile(first.publicFile, "utf8")).toBe(first.pem);
  });

  it("is one key when several processes need it first", async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => localSigningKey(host, root)));
    expect(new Set(keys.map((key) => key.hint)).size).toBe(1);
  });

  it("LS6001: is refused inside the repository, also by way of a link", async () => {
    const inside = { ...host, configDirectory: join(root, ".config") };
    await expect(localSigningKey(inside, root)).rejects.toMatchObject({ code: "LS6001", exitCode: 3 });
    expect(await readdir(root)).toEqual([]);
    await mkdir(join(root, "hidden"));
    await symlink(join(root, "hidden"), host.configDirectory);
    await expect(localSigningKey(host, root)).rejects.toMatchObject({ code: "LS6001" });
    expect(await readdir(join(root, "hidden"))).toEqual([]);
  });

  it.each([0o644, 0o640, 0o620, 0o604])("LS6002: is refused with mode %o", async (mode) => {
    await localSigningKey(host, root);
    const { privateFile } = localKeyFiles(host);
    await chmod(privateFile, mode);
    await expect(localSigningKey(host, root)).rejects.toMatchObject({
      code: "LS6002",
      message: `LS6002 ${privateFile} others can read or change the signing key (mode ${mode.toString(8)}); run \`chmod 600\` on it`,
    });
  });

  it("LS6002: is refused in a directory others can write to, when it is another user's, or when it is no file", async () => {
    await localSigningKey(host, root);
    const keys = join(host.configDirectory, "keys");
    await chmod(keys, 0o777);
    await expect(localSigningKey(host, root)).rejects.toMatchObject({ code: "LS6002" });
    await chmod(keys, 0o700);
    await expect(localSigningKey({ ...host, uid: 12_345 }, root)).rejects.toMatchObject({ code: "LS6002" });
    await rm(keys, { recursive: true });
    await mkdir(localKeyFiles(host).privateFile, { recursive: true, mode: 0o700 });
    await expect(localSigningKey(host, root)).rejects.toMatchObject({ code: "LS6002" });
  });

  it("LS6003: is refused when it is not an unencrypted P-256 key", async () => {
    const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const locked = pair.privateKey
      .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
      .toString();
    for (const text of [ed25519, locked, "", "nonsense"]) {
      await place(text);
      await expect(localSigningKey(host, root)).rejects.toMatchObject({ code: "LS6003" });
    }
  });

  it("LS6004: is refused when the public key beside it is another's", async () => {
    const key = await localSigningKey(host, root);
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    await writeFile(key.publicFile, other.export({ type: "spki", format: "pem" }));
    await expect(localSigningKey(host, root)).rejects.toMatchObject({ code: "LS6004" });
  });

  it("LS1004: says so when there is a file where its directory should be", async () => {
    await writeFile(host.configDirectory, "");
    await expect(localSigningKey(host, root)).rejects.toMatchObject({ code: "LS1004", exitCode: 4 });
  });
});

describe("parseVerificationKey", () => {
  it("takes a P-256 public key and refuses everything else", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
    expect(parseVerificationKey(pem, "k.pub").pem).toBe(pem);
    const refused = [
      pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ type: "spki", format: "pem" }).toString(),
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "",
    ];
    for (const text of refused) {
      expect(() => parseVerificationKey(text, "k.pub")).toThrow(expect.objectContaining({ code: "LS6003" }));
    }
  });
});
