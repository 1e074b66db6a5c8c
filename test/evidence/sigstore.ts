/** A Sigstore in the test's process: a certificate authority, a log and a timestamp authority on loopback, with faults that are put in on purpose. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import * as der from "./der.ts";

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
const pem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes.toString("base64").replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const minute = 60_000;

export type Claims = Readonly<Record<string, unknown>>;
export const usualClaims: Claims = {
  iss: "https://issuer.example",
  sub: "https://ci.example/team/app",
  aud: "sigstore",
};

/** A token that nobody checks the signature of. */
export function tokenOf(claims: Claims = usualClaims): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.${Buffer.alloc(64, 7).toString("base64url")}`;
}

/** What the services do otherwise than they should. */
export interface Faults {
  /** Answers in place of a service, by its path. */
  instead: (path: string, request: IncomingMessage, response: ServerResponse, body: string) => boolean;
  /** Names in the certificate; DER. */
  names: (claims: Claims) => readonly Uint8Array[];
  issuer: (claims: Claims) => string;
  purpose: string;
  /** Milliseconds by which the timestamp is later than the clock. */
  late: number;
  /** What the log takes for what was asked. */
  logged: (body: LogRequest) => LogRequest;
}

interface LogRequest {
  readonly hashedRekordRequestV002: { readonly digest: string; readonly signature: unknown };
}

export interface FakeSigstore {
  readonly base: string;
  readonly signingConfig: string;
  readonly trustedRoot: string;
  readonly faults: Faults;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
}

/** RFC 6962, 2.1: the hash over leaves, and the way to one of them. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] ?? Buffer.alloc(0);
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return sha256(Buffer.from([1]), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

function pathTo(index: number, leaves: readonly Buffer[]): readonly Buffer[] {
  if (leaves.length === 1) return [];
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  const [left, right] = [leaves.slice(0, half), leaves.slice(half)];
  return index < half ? [...pathTo(index, left), treeHash(right)] : [...pathTo(index - half, right), treeHash(left)];
}

/** Rekor v2: every entry with its proof and a checkpoint (C2SP, tlog-checkpoint). */
function makeLog(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const spki = publicKey.export({ type: "spki", format: "der" });
  const id = sha256(Buffer.from(`${origin}\n`), Buffer.from([1]), spki.subarray(-32));
  const leaves: Buffer[] = [sha256(Buffer.from([0]), Buffer.from("of somebody else"))];
  const add = ({ hashedRekordRequestV002: { digest, signature } }: LogRequest) => {
    const data = { algorithm: "SHA2_256", digest };
    const entry = { apiVersion: "0.0.2", kind: "hashedrekord", spec: { hashedRekordV002: { data, signature } } };
    const body = Buffer.from(JSON.stringify(entry));
    leaves.push(sha256(Buffer.from([0]), body));
    const index = leaves.length - 1;
    const root = treeHash(leaves);
    const note = `${origin}\n${leaves.length}\n${root.toString("base64")}\n`;
    const signed = Buffer.concat([id.subarray(0, 4), sign(null, Buffer.from(note), privateKey)]).toString("base64");
    return {
      logIndex: String(index),
      logId: { keyId: id.toString("base64") },
      kindVersion: { kind: "hashedrekord", version: "0.0.2" },
      inclusionProof: {
        logIndex: String(index),
        rootHash: root.toString("base64"),
        treeSize: String(leaves.length),
        hashes: pathTo(index, leaves).map((hash) => hash.toString("base64")),
        checkpoint: { envelope: `${note}\n\u2014 ${origin} ${signed}\n` },
      },
      canonicalizedBody: body.toString("base64"),
    };
  };
  return { spki, id, add };
}

/** RFC 3161: a response with a signed token (RFC 5652) about a hash. */
function timestampOf(hash: Buffer, at: number, signer: KeyObject, issuer: string): Buffer {
  const tstInfo = der.oid("1.2.840.113549.1.9.16.1.4");
  const imprint = der.sequence(der.sha256Id, der.octets(hash));
  const info = der.sequence(der.integer(1), der.oid("1.2.3.4"), imprint, der.integer(9), der.time(at));
  const attributes = Buffer.concat([
    der.sequence(der.oid("1.2.840.113549.1.9.3"), der.set(tstInfo)),
    der.sequence(der.oid("1.2.840.113549.1.9.4"), der.set(der.octets(sha256(info)))),
  ]);
  const signature = sign("sha256", der.set(attributes), signer);
  const sid = der.sequence(der.nameOf(issuer), der.integer(1));
  const [one, signed] = [der.integer(1), der.context(0, attributes)];
  const by = der.sequence(one, sid, der.sha256Id, signed, der.signatureId, der.octets(signature));
  const content = der.sequence(tstInfo, der.context(0, der.octets(info)));
  const data = der.sequence(der.integer(3), der.set(der.sha256Id), content, der.set(by));
  const token = der.sequence(der.oid("1.2.840.113549.1.7.2"), der.context(0, data));
  return der.sequence(der.sequence(der.integer(0)), token);
}

/** Starts one for a test, with its two files in the directory. Its clock is fixed. */
export async function startSigstore(directory: string, now: number): Promise<FakeSigstore> {
  mkdirSync(directory, { recursive: true });
  const [rootKey, stampKey] = [newKey(), newKey()];
  const years = { from: now - 365 * 24 * 60 * minute, to: now + 365 * 24 * 60 * minute };
  const own = { issuer: "root", signer: rootKey };
  const rootCertificate = der.certificate({
    ...own,
    ...years,
    subject: "root",
    key: rootKey,
    extensions: der.authority,
  });
  const extensions = [der.purpose("1.3.6.1.5.5.7.3.8")];
  const stampCertificate = der.certificate({ ...own, ...years, subject: "stamps", key: stampKey, extensions });
  const log = makeLog("log.example");
  const asked: string[] = [];
  const faults: Faults = {
    instead: () => false,
    names: ({ email, sub }) => [
      typeof email === "string" ? der.plain(1, Buffer.from(email)) : der.plain(6, Buffer.from(String(sub))),
    ],
    issuer: ({ iss }) => String(iss),
    purpose: "1.3.6.1.5.5.7.3.3",
    late: 0,
    logged: (body) => body,
  };
  const certify = (body: string): string => {
    const { credentials, publicKeyRequest } = JSON.parse(body) as {
      readonly credentials: { readonly oidcIdentityToken: string };
      readonly publicKeyRequest: {
        readonly publicKey: { readonly content: string };
        readonly proofOfPossession: string;
      };
    };
    const [, payload = ""] = credentials.oidcIdentityToken.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
    const key = createPublicKey(publicKeyRequest.publicKey.content);
    const proof = Buffer.from(publicKeyRequest.proofOfPossession, "base64");
    if (!verify("sha256", Buffer.from(String(claims["email"] ?? claims["sub"])), key, proof))
      throw new Error("no proof");
    const leaf = der.certificate({
      ...own,
      subject: "",
      key,
      from: now - minute,
      to: now + 10 * minute,
      extensions: [
        der.purpose(faults.purpose),
        der.alternatives(...faults.names(claims)),
        der.issuedBy(faults.issuer(claims)),
      ],
    });
    return JSON.stringify({
      signedCertificateEmbeddedSct: { chain: { certificates: [pem(leaf), pem(rootCertificate)] } },
    });
  };
  const services: Readonly<Record<string, (body: string) => string | Buffer>> = {
    "/api/v2/signingCert": certify,
    "/api/v2/log/entries": (body) => JSON.stringify(log.add(faults.logged(JSON.parse(body) as LogRequest))),
    "/api/v1/timestamp": (body) => {
      const { artifactHash } = JSON.parse(body) as { readonly artifactHash: string };
      return timestampOf(Buffer.from(artifactHash, "base64"), now + faults.late, stampKey, "root");
    },
  };
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const path = request.url ?? "";
      const body = Buffer.concat(pieces).toString();
      asked.push(path);
      if (faults.instead(path, request, response, body)) return;
      const service = services[path];
      response.statusCode = service === undefined ? 404 : 201;
      response.end(service?.(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const start = new Date(years.from).toISOString();
  const service = (url: string, majorApiVersion: number) => [
    { url, majorApiVersion, validFor: { start }, operator: "test" },
  ];
  const chain = (...certificates: readonly Buffer[]) => [
    {
      subject: { organization: "test", commonName: "test" },
      uri: base,
      certChain: { certificates: certificates.map((bytes) => ({ rawBytes: bytes.toString("base64") })) },
      validFor: { start },
    },
  ];
  const write = (name: string, content: unknown): string => {
    const file = join(directory, name);
    writeFileSync(file, JSON.stringify(content, undefined, 2));
    return file;
  };
  const signingConfig = write("signing-config.json", {
    mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    caUrls: service(base, 1),
    rekorTlogUrls: service(base, 2),
    tsaUrls: service(`${base}/api/v1/timestamp`, 1),
    rekorTlogConfig: { selector: "ANY" },
    tsaConfig: { selector: "ANY" },
  });
  const trustedRoot = write("trusted-root.json", {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    certificateAuthorities: chain(rootCertificate),
    timestampAuthorities: chain(stampCertificate, rootCertificate),
    tlogs: [
      {
        baseUrl: "https://log.example",
        hashAlgorithm: "SHA2_256",
        publicKey: { rawBytes: log.spki.toString("base64"), keyDetails: "PKIX_ED25519", validFor: { start } },
        logId: { keyId: log.id.toString("base64") },
      },
    ],
  });
  return { base, signingConfig, trustedRoot, faults, asked };
}
