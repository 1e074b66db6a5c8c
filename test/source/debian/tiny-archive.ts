/** A Debian archive of a few packages for tests: indexes, releases, and keys of its own to sign them. */
import { gzipSync } from "node:zlib";
import { type Key, type PrivateKey, createCleartextMessage, generateKey, readKey, sign } from "openpgp";
import { hexOf, digestOf } from "../../../pipeline/store/digest.ts";

export type Fields = Readonly<Record<string, string>>;

export interface SigningKey {
  readonly secret: PrivateKey;
  readonly key: Key;
  readonly armored: string;
}

export async function makeKey(
  name: string,
  options: { readonly date?: Date; readonly lifetime?: number } = {},
): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ name }],
    format: "object",
    ...(options.date === undefined ? {} : { date: options.date }),
    ...(options.lifetime === undefined ? {} : { keyExpirationTime: options.lifetime }),
  });
  const armored = publicKey.armor();
  return { secret: privateKey, key: await readKey({ armoredKey: armored }), armored };
}

/** Clear-signs a text, as an InRelease file is. */
export async function clearsign(text: string, keys: readonly SigningKey[], date: Date): Promise<string> {
  const message = await createCleartextMessage({ text });
  return await sign({ message, signingKeys: keys.map(({ secret }) => secret), date });
}

function releaseDate(date: Date): string {
  return date.toUTCString().replace("GMT", "UTC");
}

/** A stanza of a Packages file with every field that is needed. */
function stanzaOf(fields: Fields): string {
  const { Package: name = "x", Version: version = "1", Architecture: architecture = "amd64" } = fields;
  const all: Record<string, string> = {
    Package: name,
    Version: version,
    Architecture: architecture,
    Filename: `pool/main/${name[0] ?? "x"}/${name}/${name}_${version.replace(/^\d+:/, "")}_${architecture}.deb`,
    Size: String(1000 + name.length + version.length),
    SHA256: hexOf(digestOf(`${name} ${version} ${architecture}`)),
    Priority: "optional",
    ...fields,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}: ${value}`)
    .join("\n");
}

/** Stanzas one after another, each given as its fields or by a short form: `name 1.2 | Depends: a, b | Provides: c`. */
export function packagesText(packages: readonly (Fields | string)[]): string {
  return packages.map((item) => `${stanzaOf(typeof item === "string" ? shortForm(item) : item)}\n\n`).join("");
}

function shortForm(text: string): Fields {
  const [head = "", ...rest] = text.split(/ \| (?=[A-Z])/);
  const [name = "", version = "1", architecture = "amd64"] = head.split(" ");
  const fields: Record<string, string> = { Package: name, Version: version, Architecture: architecture };
  for (const part of rest) {
    const colon = part.indexOf(": ");
    fields[part.slice(0, colon)] = part.slice(colon + 2);
  }
  return fields;
}

export interface SuiteContent {
  readonly codename: string;
  readonly date: Date;
  readonly validUntil?: Date;
  readonly byHash?: boolean;
  /** Packages by architecture. */
  readonly packages: Readonly<Record<string, readonly (Fields | string)[]>>;
  readonly extra?: string;
}

export interface SuiteFiles {
  /** The signed text. */
  readonly text: string;
  /** Files below `dists/<codename>/` but InRelease. */
  readonly files: ReadonlyMap<string, Buffer>;
}

export function suiteFiles(content: SuiteContent): SuiteFiles {
  const files = new Map<string, Buffer>();
  const listed: string[] = [];
  for (const [architecture, packages] of Object.entries(content.packages)) {
    const plain = Buffer.from(packagesText(packages));
    const compressed = gzipSync(plain);
    const directory = `main/binary-${architecture}`;
    const list = (name: string, bytes: Buffer): void => {
      listed.push(` ${hexOf(digestOf(bytes))} ${bytes.length} ${directory}/${name}`);
    };
    list("Packages", plain);
    list("Packages.gz", compressed);
    files.set(`${directory}/Packages.gz`, compressed);
    files.set(`${directory}/by-hash/SHA256/${hexOf(digestOf(compressed))}`, compressed);
  }
  const text = [
    "Origin: Test",
    "Suite: stable",
    `Codename: ${content.codename}`,
    `Date: ${releaseDate(content.date)}`,
    ...(content.validUntil === undefined ? [] : [`Valid-Until: ${releaseDate(content.validUntil)}`]),
    ...(content.byHash === false ? [] : ["Acquire-By-Hash: yes"]),
    `Architectures: ${Object.keys(content.packages).join(" ")}`,
    ...(content.extra === undefined ? [] : [content.extra]),
    "SHA256:",
    ...listed,
    "",
  ].join("\n");
  return { text, files };
}
