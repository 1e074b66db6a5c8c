/** The local signing key: P-256, made on first use, outside every repository, readable by its owner only. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, mkdir, open, readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { LockstepError, messageOf, type Problem, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { generateSigningKey } from "../host/keys.ts";
import { writeFailure, writeFileAtomically } from "../store/store.ts";

export interface VerificationKey {
  /** SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) in PEM. */
  readonly pem: string;
  /** The same in DER. */
  readonly der: Uint8Array;
  /** Base64 of the SHA-256 of the DER: how a bundle names the key (Sigstore bundle, PublicKeyIdentifier). */
  readonly hint: string;
}

export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
  /** The file of the public key, to hand to those who verify. */
  readonly publicFile: string;
}

/** Paths of the local key and its public half. */
export function localKeyFiles(host: Host): { readonly privateFile: string; readonly publicFile: string } {
  const directory = join(host.configDirectory, "keys");
  return { privateFile: join(directory, "local.key"), publicFile: join(directory, "local.pub") };
}

function refuse(code: Problem["code"], file: string, message: string, hint: string, cause?: unknown): never {
  throw new LockstepError({ code, message, place: { file }, hint }, { cause });
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
}

/** A public key for verifying, from PEM. Throws LS6003 for anything but P-256; `file` is where it comes from. */
export function parseVerificationKey(pem: string, file: string): VerificationKey {
  const hint = "give a P-256 public key in PEM, as it lies beside the local key";
  let key: KeyObject;
  try {
    // createPublicKey would quietly take a private key too.
    if (!pem.trimStart().startsWith("-----BEGIN PUBLIC KEY-----")) throw new Error("not a PEM public key");
    key = createPublicKey(pem);
  } catch (error) {
    refuse("LS6003", file, `this is not a public key that can be read: ${messageOf(error)}`, hint, error);
  }
  if (!isP256(key)) refuse("LS6003", file, "the public key is not a P-256 key", hint);
  return publicPart(key);
}

function publicPart(key: KeyObject): VerificationKey {
  const der = key.export({ type: "spki", format: "der" });
  return {
    pem: key.export({ type: "spki", format: "pem" }).toString(),
    der,
    hint: createHash("sha256").update(der).digest("base64"),
  };
}

/** The path without links, of its nearest ancestor where it does not exist yet. */
async function physical(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = systemCode(error);
    if ((code !== "ENOENT" && code !== "ENOTDIR") || dirname(path) === path) throw error;
    return join(await physical(dirname(path)), path.slice(dirname(path).length));
  }
}

async function refuseInside(root: string, file: string): Promise<void> {
  const outer = await physical(resolve(root));
  const inner = await physical(resolve(file));
  if (inner !== outer && !inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)) return;
  refuse(
    "LS6001",
    file,
    "the signing key would lie inside the repository, where it could be committed",
    "set XDG_CONFIG_HOME to a directory outside of it",
  );
}

/** Makes the key unless another process was faster; the file appears whole and with mode 600, or not at all. */
async function create(host: Host, file: string): Promise<void> {
  const temporary = `${file}.${host.token(6)}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(generateSigningKey());
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A link, not a rename: it never replaces the key of a process that came first.
    await link(temporary, file).catch((error: unknown) => {
      if (systemCode(error) !== "EEXIST") throw error;
    });
  } catch (error) {
    const failure = writeFailure(file, error);
    if (failure instanceof LockstepError) throw failure;
    refuse("LS1004", file, `the signing key cannot be made: ${messageOf(error)}`, "check what lies on its path", error);
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

async function readPrivate(host: Host, file: string, handle: FileHandle): Promise<string> {
  const info = await handle.stat();
  if (!info.isFile()) refuse("LS6002", file, "the signing key is not a regular file", "move away what lies there");
  if (host.platform !== "win32" && (info.mode & 0o077) !== 0) {
    const mode = (info.mode & 0o777).toString(8).padStart(3, "0");
    refuse("LS6002", file, `others can read or change the signing key (mode ${mode})`, "run `chmod 600` on it");
  }
  if (host.uid >= 0 && info.uid !== host.uid) {
    refuse("LS6002", file, `the signing key belongs to user ${info.uid}, not to you`, "use a key of your own");
  }
  const directory = await stat(dirname(file));
  if (host.platform !== "win32" && (directory.mode & 0o022) !== 0) {
    refuse("LS6002", dirname(file), "others can replace files beside the signing key", "run `chmod 700` on it");
  }
  return handle.readFile("utf8");
}

async function openKey(root: string, file: string): Promise<FileHandle | undefined> {
  await refuseInside(root, file);
  try {
    return await open(await realpath(file), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // With a file where its directory should be, making the key says what is in the way.
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    return refuse("LS6002", file, `the signing key cannot be read: ${messageOf(error)}`, "check its owner and mode");
  }
}

/** Sees to it that the public key lies beside the private one, and that it is this one's. */
async function publish(host: Host, file: string, pem: string): Promise<void> {
  let found: string | undefined;
  try {
    found = await readFile(file, "utf8");
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  if (found === undefined) return writeFileAtomically(host, file, pem);
  if (found.replaceAll("\r\n", "\n").trim() !== pem.trim()) {
    refuse(
      "LS6004",
      file,
      "the public key is not that of the private key beside it",
      "find out which of the two was replaced, and move that one away",
    );
  }
  return undefined;
}

/**
 * The local signing key at `<configDirectory>/keys/local.key` (PKCS #8, PEM), made when it is not there, with its public half in `local.pub`.
 * `root` is the repository. Throws LS6001 (inside the repository), LS6002 (others can read it, or not a file of this user),
 * LS6003 (not an unencrypted P-256 key), LS6004 (the public key beside it is another's), LS1004 (cannot be written).
 */
export async function localSigningKey(host: Host, root: string): Promise<SigningKey> {
  const { privateFile, publicFile } = localKeyFiles(host);
  let handle = await openKey(root, privateFile);
  if (handle === undefined) {
    await create(host, privateFile);
    handle = await openKey(root, privateFile);
  }
  if (handle === undefined) {
    return refuse("LS6002", privateFile, "the signing key vanished while it was opened", "run the command again");
  }
  let pem: string;
  try {
    pem = await readPrivate(host, privateFile, handle);
  } finally {
    await handle.close();
  }
  const advice = "move it away; a new key is made when there is none";
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (error) {
    return refuse("LS6003", privateFile, "this is not a private key that can be read", advice, error);
  }
  if (!isP256(privateKey)) refuse("LS6003", privateFile, "the signing key is not a P-256 key", advice);
  const key = publicPart(createPublicKey(privateKey));
  await publish(host, publicFile, key.pem);
  return { ...key, privateKey, publicFile };
}
