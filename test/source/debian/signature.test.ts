import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Key, readKeys } from "openpgp";
import { beforeAll, describe, expect, it } from "vitest";
import { readClearsigned } from "../../../pipeline/source/debian/clearsign.ts";
import { readKeyring } from "../../../pipeline/source/debian/keys.ts";
import { verifyClearsigned } from "../../../pipeline/source/debian/signature.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { type SigningKey, clearsign, makeKey } from "./tiny-archive.ts";

const place = { file: "dists/trixie/InRelease" };
const signedAt = new Date("2026-11-01T00:00:00Z");
const now = new Date("2026-11-20T00:00:00Z").getTime();
const text = "Origin: Debian\nCodename: trixie\n\n- dashed\nlast line  \n";

let ours: SigningKey;
let second: SigningKey;
let foreign: SigningKey;
let shortLived: SigningKey;
beforeAll(async () => {
  const date = new Date("2026-01-01T00:00:00Z");
  ours = await makeKey("Ours", { date });
  second = await makeKey("Second", { date });
  foreign = await makeKey("Foreign", { date });
  shortLived = await makeKey("Short", { date, lifetime: 310 * 86_400 });
});

async function verdict(message: string, keys: readonly Key[], at = now): Promise<string> {
  try {
    const { signedBy } = await verifyClearsigned(Buffer.from(message), keys, at, place);
    return `good ${signedBy.length}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const noGpgv = !hasProgram("gpgv") || !hasProgram("gpg");

/** gpgv's verdict: whether it accepts the message by one of the keys, as apt asks it. */
function gpgv(message: string, keys: readonly SigningKey[]): boolean {
  const directory = temporaryDirectory();
  const keyring = join(directory, "keys.gpg");
  const binary = Buffer.concat(
    keys.map(({ armored }) => {
      const { stdout } = run("gpg", ["--homedir", directory, "--batch", "--dearmor"], { input: Buffer.from(armored) });
      return stdout;
    }),
  );
  writeFileSync(keyring, binary);
  writeFileSync(join(directory, "InRelease"), message);
  const { stdout } = run("gpgv", [
    "--homedir",
    directory,
    "--status-fd",
    "1",
    "--keyring",
    keyring,
    join(directory, "InRelease"),
  ]);
  const status = stdout.toString();
  return status.includes("[GNUPG:] GOODSIG") && !status.includes("[GNUPG:] BADSIG");
}

describe("verifying a release", () => {
  it("gives back the signed text and who signed it", async () => {
    const message = await clearsign(text, [ours, second], signedAt);
    const verified = await verifyClearsigned(Buffer.from(message), [ours.key, second.key], now, place);
    expect(verified.text).toBe("Origin: Debian\nCodename: trixie\n\n- dashed\nlast line\n");
    expect(verified.signedBy).toEqual([ours, second].map(({ key }) => key.getFingerprint().toUpperCase()).toSorted());
    expect(verified.signedBy[0]).toMatch(/^[0-9A-F]{40,64}$/);
  });

  it("needs one trusted signature only, as Debian rotates its keys", async () => {
    const message = await clearsign(text, [foreign, ours], signedAt);
    expect(await verdict(message, [ours.key])).toBe("good 1");
  });

  it("refuses a release that is not signed", async () => {
    expect(await verdict(text, [ours.key])).toBe(
      "LS2301 dists/trixie/InRelease the release is not a clear-signed message: it does not begin with " +
        "-----BEGIN PGP SIGNED MESSAGE-----; use a mirror that serves the archive's own files unchanged",
    );
  });

  it("refuses a changed text, also when another signature is good", async () => {
    const message = (await clearsign(text, [ours, foreign], signedAt)).replace("trixie", "Trixie");
    expect(await verdict(message, [ours.key])).toContain(
      `LS2302 dists/trixie/InRelease the signature by key ${ours.key.getFingerprint().toUpperCase()} is wrong: `,
    );
  });

  it("refuses keys that are not trusted, and names them", async () => {
    const message = await clearsign(text, [foreign], signedAt);
    const id = foreign.key.getKeyID().toHex().toUpperCase();
    expect(await verdict(message, [ours.key])).toContain(
      `LS2303 dists/trixie/InRelease the release is signed only by keys that are not Debian's (${id})`,
    );
  });

  it("refuses a key that has expired since", async () => {
    const message = await clearsign(text, [shortLived], signedAt);
    expect(await verdict(message, [shortLived.key], signedAt.getTime() + 1000)).toBe("good 1");
    expect(await verdict(message, [shortLived.key])).toContain("LS2304");
    expect(await verdict(message, [shortLived.key])).toContain("it expired on 2026-11-07T00:00:00.000Z");
    expect(await verdict(await clearsign(text, [shortLived, ours], signedAt), [shortLived.key, ours.key])).toBe(
      "good 1",
    );
  });

  it("refuses every way to slip text in", async () => {
    const message = await clearsign(text, [ours], signedAt);
    const tricks: readonly (readonly [string, string])[] = [
      ["text before", `Codename: evil\n${message}`],
      ["text after", `${message}Codename: evil\n`],
      ["a second message", `${message}${message}`],
      ["a header of its own", message.replace("\nHash: ", "\nComment: evil\nHash: ")],
      ["text among the headers", message.replace("\n\n", "\nCodename: evil\n\n")],
      ["a header line with blanks only", message.replace("\n\n", "\n \u00a0evil\n\n")],
      ["an unescaped dash", message.replace("- - dashed", "-dashed")],
      ["a carriage return", message.replace("Origin", "Origin\rEvil")],
      ["a NUL", message.replace("Origin", "Origin\0Evil")],
      ["a form feed", message.replace("\n\n", "\n\f\n")],
      ["no end", message.replace("-----END PGP SIGNATURE-----", "")],
      ["no signature", message.replace(/-----BEGIN PGP SIGNATURE-----[^]*/, "")],
      ["a signature within", message.replace("-----END", "-----BEGIN PGP SIGNATURE-----\n-----END")],
      ["an empty signature", message.replace(/(-----BEGIN PGP SIGNATURE-----\n)[^]*?(-----END)/, "$1\n$2")],
    ];
    for (const [name, trick] of tricks) expect(`${name}: ${await verdict(trick, [ours.key])}`).toMatch(/: LS230[12] /);
    expect(await verdict(message.replaceAll(/\r?\n/g, "\r\n"), [ours.key])).toBe("good 1");
    expect(typeof readClearsigned(message)).toBe("object");
  });

  it("refuses bytes that are not UTF-8", async () => {
    const bytes = Buffer.concat([Buffer.from(await clearsign(text, [ours], signedAt)), Buffer.from([0xff])]);
    await expect(verifyClearsigned(bytes, [ours.key], now, place)).rejects.toThrow("LS2301");
  });

  it.skipIf(noGpgv)(`agrees with gpgv${noGpgv ? " (skipped: no gpg and gpgv here)" : ""}`, async () => {
    // gpg 2.2 and 2.4 read keys of version 4, which is what these are; times are of now because gpgv has no other clock.
    const [a, b] = await Promise.all([makeKey("A"), makeKey("B")]);
    const message = await clearsign(text, [a], new Date());
    const both = await clearsign(text, [a, b], new Date());
    const cases: readonly (readonly [string, readonly SigningKey[]])[] = [
      [message, [a]],
      [message, [b]],
      [message, [a, b]],
      [both, [a]],
      [message.replace("trixie", "Trixie"), [a]],
      [both.replace("trixie", "Trixie"), [a, b]],
      [text, [a]],
    ];
    for (const [content, keys] of cases) {
      const mine = await verdict(
        content,
        keys.map(({ key }) => key),
        Date.now() + 1000,
      );
      expect([content, mine.startsWith("good")]).toEqual([content, gpgv(content, keys)]);
    }
  });
});

describe("the keys that are shipped", () => {
  it("are the archive, security and stable keys of trixie and the two releases before", async () => {
    const keys = await readKeyring();
    const owners = keys.map((key) => key.getUserIDs()[0]?.replace(/ <.*/, ""));
    const wanted = [11, 12, 13].flatMap((version) => {
      const name = { 11: "bullseye", 12: "bookworm", 13: "trixie" }[version];
      return [
        `Debian Archive Automatic Signing Key (${version}/${name})`,
        `Debian Security Archive Automatic Signing Key (${version}/${name})`,
        `Debian Stable Release Key (${version}/${name})`,
      ];
    });
    expect(owners.toSorted()).toEqual(wanted.toSorted());
    expect(keys.map((key) => key.getFingerprint()).toSorted()).toEqual(
      [...new Set(keys.map((key) => key.getFingerprint()))].toSorted(),
    );
  });

  it("must be readable and public", async () => {
    const directory = temporaryDirectory();
    await expect(readKeyring(directory)).rejects.toThrow("LS2310 the keyring holds no key");
    writeFileSync(join(directory, "a.asc"), ours.armored);
    expect(await readKeyring(directory)).toHaveLength(1);
    writeFileSync(join(directory, "b.asc"), "nothing");
    await expect(readKeyring(directory)).rejects.toThrow("LS2310 b.asc cannot be read as OpenPGP public keys");
    writeFileSync(join(directory, "b.asc"), ours.secret.armor());
    await expect(readKeyring(directory)).rejects.toThrow("LS2310 b.asc");
    expect(await readKeys({ armoredKeys: ours.armored })).toHaveLength(1);
  });
});
