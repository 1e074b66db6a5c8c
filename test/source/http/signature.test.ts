import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateKey } from "openpgp";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { type SignatureKind, verifierOf } from "../../../pipeline/source/http/signature.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { hasProgram, run, scene, temporaryDirectory } from "../../support.ts";

const content = Buffer.from("the content of a release\n");
const place = { file: "images/app/image.yaml", line: 4, column: 5 };

async function verified(
  store: Store,
  kind: SignatureKind,
  signature: string | Buffer,
  key: string | Buffer,
  bytes: Buffer = content,
): Promise<string> {
  const { digest, size } = await store.put(bytes);
  const verify = await verifierOf(kind);
  return verify({ name: "tool", store, digest, size }, Buffer.from(signature), Buffer.from(key), place);
}

async function refused(...given: Parameters<typeof verified>): Promise<string> {
  const error = await verified(...given).then(
    (by) => new Error(`was taken: ${by}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LockstepError)) throw new Error("failed without a code", { cause: error });
  expect(error.problems[0]?.place).toEqual(place);
  return error.message;
}

/** Keys and signatures of minisign in the words of its format, independent of the reader. */
function minisignPair(id = "0102030405060708"): {
  readonly publicKey: string;
  readonly shownId: string;
  sign(
    bytes: Buffer,
    options?: { readonly algorithm?: "Ed" | "ED"; readonly comment?: string; readonly id?: string },
  ): string;
} {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const keyId = Buffer.from(id, "hex");
  return {
    publicKey: `untrusted comment: minisign public key\n${Buffer.concat([Buffer.from("Ed"), keyId, raw]).toString("base64")}\n`,
    shownId: Buffer.from(keyId.toReversed()).toString("hex").toUpperCase(),
    sign(bytes, { algorithm = "ED", comment = "timestamp:1", id: other = id } = {}) {
      const signed = algorithm === "ED" ? createHash("blake2b512").update(bytes).digest() : bytes;
      const own = sign(null, signed, privateKey);
      const overall = sign(null, Buffer.concat([own, Buffer.from(comment)]), privateKey);
      const line = Buffer.concat([Buffer.from(algorithm), Buffer.from(other, "hex"), own]).toString("base64");
      return `untrusted comment: signature\n${line}\ntrusted comment: ${comment}\n${overall.toString("base64")}\n`;
    },
  };
}

describe("a signature of minisign", () => {
  const pair = minisignPair();
  const good = pair.sign(content);

  it("is verified, hashed first or not, with the key as a file or as one line", async () => {
    const { store } = scene();
    const expected = `minisign ${pair.shownId}`;
    expect(await verified(store, "minisign", good, pair.publicKey)).toBe(expected);
    expect(await verified(store, "minisign", pair.sign(content, { algorithm: "Ed" }), pair.publicKey)).toBe(expected);
    expect(await verified(store, "minisign", good, pair.publicKey.split("\n")[1] ?? "")).toBe(expected);
    expect(await verified(store, "minisign", good.replaceAll("\n", "\r\n"), pair.publicKey)).toBe(expected);
  });

  it("LS2706: holds for that file, that comment and that key alone", async () => {
    const { store } = scene();
    const holds = /^LS2706 .*the signature of tool does not hold: the file is another one/;
    expect(await refused(store, "minisign", good, pair.publicKey, Buffer.from("other\n"))).toMatch(holds);
    expect(await refused(store, "minisign", good.replace("timestamp:1", "timestamp:2"), pair.publicKey)).toMatch(holds);
    expect(await refused(store, "minisign", good, minisignPair().publicKey)).toMatch(holds);
    expect(await refused(store, "minisign", good, minisignPair("ff".repeat(8)).publicKey)).toMatch(
      /^LS2706 .*it is by the key 0807060504030201, and the key in the repository is FFFFFFFFFFFFFFFF/,
    );
  });

  it("LS2707: is one in every byte that counts, and so is the key", async () => {
    const { store } = scene();
    for (const bad of [
      "",
      "hello\n",
      good.split("\n").slice(0, 3).join("\n"),
      `${good}more\n`,
      good.replace("trusted comment: t", "t"),
    ])
      expect(await refused(store, "minisign", bad, pair.publicKey), bad).toMatch(
        /^LS2707 .*tool: the signature is not one of minisign/,
      );
    for (const key of ["", "hello", good, pair.publicKey.replace(/=*\n$/, "A\n")])
      expect(await refused(store, "minisign", good, key), key).toMatch(
        /^LS2707 .*the key is not a public key of minisign/,
      );
  });

  it("LS2706, LS2707: is refused whichever character of it is another one", async () => {
    const { store } = scene();
    const begin = good.indexOf("\n") + 1;
    for (let at = begin; at < good.length - 1; at++) {
      const character = good[at] === "A" ? "B" : "A";
      const changed = `${good.slice(0, at)}${character}${good.slice(at + 1)}`;
      expect(await refused(store, "minisign", changed, pair.publicKey), `${at}`).toMatch(/^LS270[67] /);
    }
  });

  it.skipIf(!hasProgram("minisign"))("that minisign itself made is verified (needs minisign)", async () => {
    const { store } = scene();
    const directory = temporaryDirectory();
    const file = join(directory, "tool");
    writeFileSync(file, content);
    const keys = ["-p", join(directory, "key.pub"), "-s", join(directory, "key")];
    expect(run("minisign", ["-G", "-W", ...keys]).status).toBe(0);
    for (const legacy of [[], ["-l"]]) {
      const made = run("minisign", ["-S", ...legacy, "-s", join(directory, "key"), "-m", file, "-t", "a comment"]);
      expect(made.status, made.stderr.toString()).toBe(0);
      const publicKey = readFileSync(join(directory, "key.pub"));
      const id = /public key ([0-9A-F]{16})/.exec(publicKey.toString())?.[1];
      expect(await verified(store, "minisign", readFileSync(`${file}.minisig`), publicKey)).toBe(`minisign ${id}`);
    }
    // What the format above makes is good for minisign too.
    writeFileSync(join(directory, "own.pub"), pair.publicKey);
    writeFileSync(`${file}.minisig`, good);
    expect(run("minisign", ["-V", "-p", join(directory, "own.pub"), "-m", file]).status).toBe(0);
  });
});

/** gpg with a home of its own. */
function gnupg(): { readonly home: string; gpg(...args: readonly string[]): Buffer } {
  const home = join(temporaryDirectory(), "gnupg");
  mkdirSync(home);
  chmodSync(home, 0o700);
  const gpg = (...args: readonly string[]): Buffer => {
    const done = run("gpg", [
      "--homedir",
      home,
      "--batch",
      "--yes",
      "--passphrase",
      "",
      "--pinentry-mode",
      "loopback",
      ...args,
    ]);
    if (done.status !== 0) throw new Error(done.stderr.toString());
    return done.stdout;
  };
  return { home, gpg };
}

describe.skipIf(!hasProgram("gpg"))("an OpenPGP signature by gpg (needs gpg)", () => {
  it("is verified, in text and in bytes, and names the primary key", async () => {
    const { store, directory } = scene();
    const { gpg } = gnupg();
    for (const algorithm of ["rsa2048", "ed25519"]) {
      const user = `${algorithm}@users.example`;
      gpg("--quick-generate-key", user, algorithm, "sign", "never");
      const file = join(directory, algorithm);
      writeFileSync(file, content);
      const fingerprint = /^fpr:+([0-9A-F]{40}):$/m.exec(gpg("--with-colons", "--list-keys", user).toString())?.[1];
      gpg("--local-user", user, "--armor", "--detach-sign", file);
      gpg("--local-user", user, "--detach-sign", file);
      for (const key of [gpg("--armor", "--export", user), gpg("--export", user)]) {
        for (const ending of ["asc", "sig"]) {
          const signature = readFileSync(`${file}.${ending}`);
          expect(await verified(store, "gpg", signature, key)).toBe(`gpg ${fingerprint}`);
          expect(await refused(store, "gpg", signature, key, Buffer.from("other\n"))).toMatch(/^LS2706 /);
        }
      }
    }
  });

  it("LS2706: is by a key of the repository, and by one that was not revoked", async () => {
    const { store, directory } = scene();
    const { gpg, home } = gnupg();
    const file = join(directory, "tool");
    writeFileSync(file, content);
    gpg("--quick-generate-key", "a@users.example", "ed25519", "sign", "never");
    gpg("--quick-generate-key", "b@users.example", "ed25519", "sign", "never");
    gpg("--local-user", "a@users.example", "--armor", "--detach-sign", file);
    const signature = readFileSync(`${file}.asc`);
    expect(await refused(store, "gpg", signature, gpg("--export", "b@users.example"))).toMatch(
      /^LS2706 .*it is by [0-9A-F]{16}, and not by a key in the repository/,
    );
    // Two keys in one file, of which one signed.
    expect(await verified(store, "gpg", signature, gpg("--export"))).toMatch(/^gpg [0-9A-F]{40}$/);
    const fingerprint =
      /^fpr:+([0-9A-F]{40}):$/m.exec(gpg("--with-colons", "--list-keys", "a@users.example").toString())?.[1] ?? "";
    const revocation = readFileSync(join(home, "openpgp-revocs.d", `${fingerprint}.rev`), "utf8").replace(
      /^:-----/m,
      "-----",
    );
    writeFileSync(join(directory, "revocation"), revocation);
    gpg("--import", join(directory, "revocation"));
    expect(await refused(store, "gpg", signature, gpg("--export", "a@users.example"))).toMatch(/^LS2706 .*revoked/i);
  });
});

describe("an OpenPGP signature", () => {
  it("LS2707: is a detached one, by a public key", async () => {
    const { store } = scene();
    const { publicKey, privateKey } = await generateKey({ userIDs: [{ name: "a" }] });
    expect(await refused(store, "gpg", "hello", publicKey)).toMatch(/^LS2707 .*not a detached OpenPGP signature/);
    expect(await refused(store, "gpg", publicKey, publicKey)).toMatch(/^LS2707 .*not a detached OpenPGP signature/);
    expect(await refused(store, "gpg", "hello", "hello")).toMatch(/^LS2707 .*not an OpenPGP key/);
    expect(await refused(store, "gpg", "hello", privateKey)).toMatch(/^LS2707 .*a private one/);
  });
});

describe("a Sigstore bundle", () => {
  const bundle = (key: KeyObject, bytes: Buffer, digest = createHash("sha256").update(bytes).digest()): string =>
    JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { publicKey: { hint: "" }, tlogEntries: [] },
      messageSignature: {
        messageDigest: { algorithm: "SHA2_256", digest: digest.toString("base64") },
        signature: sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", bytes, key).toString("base64"),
      },
    });
  const inPem = ({ publicKey, privateKey }: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }) => ({
    publicKey: publicKey.export({ type: "spki", format: "pem" }),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
  });
  const pairs = {
    ec: inPem(generateKeyPairSync("ec", { namedCurve: "P-256" })),
    ed25519: inPem(generateKeyPairSync("ed25519")),
    rsa: inPem(generateKeyPairSync("rsa", { modulusLength: 2048 })),
  };

  it.each(Object.entries(pairs))(
    "with a signature over the file is verified with a key of the kind %s",
    async (_, pair) => {
      const { store } = scene();
      const key = createPrivateKey(pair.privateKey);
      expect(await verified(store, "sigstore", bundle(key, content), pair.publicKey)).toMatch(
        /^sigstore [0-9a-f]{64}$/,
      );
      const other = Buffer.from("other\n");
      expect(await refused(store, "sigstore", bundle(key, content), pair.publicKey, other)).toMatch(
        /^LS2706 .*it is over the SHA-256/,
      );
      const lying = bundle(key, content, createHash("sha256").update(other).digest());
      expect(await refused(store, "sigstore", lying, pair.publicKey, other)).toMatch(
        /^LS2706 .*another one than the key/,
      );
    },
  );

  it("LS2706: is by the key in the repository", async () => {
    const { store } = scene();
    const { publicKey } = inPem(generateKeyPairSync("ec", { namedCurve: "P-256" }));
    expect(await refused(store, "sigstore", bundle(createPrivateKey(pairs.ec.privateKey), content), publicKey)).toMatch(
      /^LS2706 /,
    );
  });

  it("LS2707: is a bundle with a signature over the file, and the key is a public one", async () => {
    const { store } = scene();
    const good = bundle(createPrivateKey(pairs.ec.privateKey), content);
    const key = pairs.ec.publicKey;
    for (const bad of [
      "",
      "{}",
      "[]",
      good.replace("bundle.v0.3", "bundle.v9"),
      good.replace("messageSignature", "dsseEnvelope"),
    ])
      expect(await refused(store, "sigstore", bad, key), bad).toMatch(/^LS2707 .*not a Sigstore bundle/);
    expect(await refused(store, "sigstore", good, "hello")).toMatch(/^LS2707 .*not a public key in PEM/);
    expect(await refused(store, "sigstore", good, pairs.ec.privateKey)).toMatch(/^LS2707 .*a private one/);
    const { publicKey } = inPem(generateKeyPairSync("x25519"));
    expect(await refused(store, "sigstore", good, publicKey)).toMatch(/^LS2707 .*of the kind x25519/);
  });

  it.skipIf(!hasProgram("openssl"))("with a signature that OpenSSL made is verified (needs openssl)", async () => {
    const { store } = scene();
    const directory = temporaryDirectory();
    const at = (name: string): string => join(directory, name);
    writeFileSync(at("tool"), content);
    run("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at("key")]);
    run("openssl", ["ec", "-in", at("key"), "-pubout", "-out", at("key.pub")]);
    const signature = run("openssl", ["dgst", "-sha256", "-sign", at("key"), at("tool")]).stdout;
    const whole = JSON.parse(bundle(createPrivateKey(pairs.ec.privateKey), content)) as {
      readonly messageSignature: Record<string, unknown>;
    };
    whole.messageSignature["signature"] = signature.toString("base64");
    expect(await verified(store, "sigstore", JSON.stringify(whole), readFileSync(at("key.pub")))).toMatch(/^sigstore /);
  });
});
