/** Sigstore's own servers, from the Go module proxy, and an issuer of tokens for them: each on a free port of this machine, gone when the test ends. */
import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as listen } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { goTool } from "../deliver/go-tools.ts";
import { answers, freePort } from "../registry/docker-registry.ts";
import { toolsDirectory } from "../tools.ts";

const sigstore = "github.com/sigstore";
const fulcio = await goTool("fulcio", `${sigstore}/fulcio`, "v1.8.8");
const stamps = await goTool("timestamp-server", `${sigstore}/timestamp-authority/v2/cmd/timestamp-server`, "v2.1.3");
// Rekor v2 with its tiles in a directory.
const rekor = await goTool("posix", `${sigstore}/rekor-tiles/v2/cmd/rekor-server/posix`, "v2.3.0");

/** Where the timestamp authority has its metrics, whatever it is told. */
const metrics = await new Promise<boolean>((resolve) => {
  const server = listen();
  server.on("error", () => resolve(false));
  server.listen(2112, () => server.close(() => resolve(true)));
});

export const servers =
  fulcio === undefined || stamps === undefined || rekor === undefined || !metrics
    ? undefined
    : { fulcio, stamps, rekor };

const kept = join(toolsDirectory, "cosign-v3.1.2/cosign");
/** It is not built here: that takes longer than all else of this folder. */
export const cosign = createHost().findProgram("cosign") ?? (existsSync(kept) ? kept : undefined);

async function start(program: string, args: readonly string[], base: string): Promise<void> {
  const child = spawn(program, args, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await answers(base, () => child.exitCode !== null);
}

export interface Issuer {
  readonly url: string;
  token(claims: Readonly<Record<string, unknown>>): string;
}

/** An issuer of OpenID Connect: its description, its keys, and tokens that it signs. */
export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" };
  const server = createServer((request, response) => {
    const document = request.url === "/keys" ? { keys: [key] } : description;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const description = {
    issuer: url,
    jwks_uri: `${url}/keys`,
    authorization_endpoint: url,
    token_endpoint: url,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    url,
    token(claims) {
      const now = Math.floor(Date.now() / 1000);
      const usual = { iss: url, aud: "sigstore", iat: now, exp: now + 600 };
      const signed = `${part({ alg: "RS256", typ: "JWT", kid: "1" })}.${part({ ...usual, ...claims })}`;
      return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
    },
  };
}

const derOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, "");
const pems = (text: string): readonly string[] => text.match(/-----BEGIN[^]+?-----END [A-Z]+-----/g) ?? [];
/** It was valid before the servers were started, by however much their clocks may differ. */
const since = { start: "2020-01-01T00:00:00Z" };

function logKey(origin: string, key: KeyObject): { readonly rawBytes: string; readonly id: string } {
  const spki = key.export({ type: "spki", format: "der" });
  const id = createHash("sha256")
    .update(`${origin}\n`)
    .update(Buffer.from([1]))
    .update(spki.subarray(-32))
    .digest("base64");
  return { rawBytes: spki.toString("base64"), id };
}

/** Starts all three for tokens of an issuer, and writes the two files that describe them. */
export async function startServers(directory: string, { url }: Issuer, programs: NonNullable<typeof servers>) {
  const ports = await Promise.all(Array.from({ length: 7 }, freePort));
  const [authority = 0, authorityRpc = 0, authorityMetrics = 0, log = 0, logRpc = 0, logMetrics = 0, stamp = 0] = ports;
  const [fulcioBase, rekorBase, stampBase] = [authority, log, stamp].map((port) => `http://127.0.0.1:${port}`);
  const write = (name: string, content: string): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const config = write(
    "fulcio.json",
    JSON.stringify({
      OIDCIssuers: { [url]: { IssuerURL: url, ClientID: "sigstore", Type: "ci-provider", CIProvider: "forge" } },
      CIIssuerMetadata: {
        forge: {
          DefaultTemplateValues: { url: "https://forge.example" },
          ExtensionTemplates: { SourceRepositoryRef: "ref" },
          SubjectAlternativeNameTemplate: "{{ .url }}/{{ .job_workflow_ref }}",
        },
      },
    }),
  );
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const signer = write("log.pem", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const serve = (options: Readonly<Record<string, string | number>>): readonly string[] => [
    "serve",
    ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
  ];
  const here = "127.0.0.1";
  const fulcioOptions = {
    host: here,
    port: authority,
    "grpc-host": here,
    "grpc-port": authorityRpc,
    "metrics-port": authorityMetrics,
    ca: "ephemeralca",
    "ct-log-url": "",
    "config-path": config,
    "legacy-unix-domain-socket": join(directory, "fulcio.sock"),
  };
  const rekorOptions = {
    "storage-dir": join(directory, "log"),
    "signer-filepath": signer,
    hostname: "log.example",
    "checkpoint-interval": "1s",
    "http-port": log,
    "grpc-port": logRpc,
    "http-metrics-port": logMetrics,
  };
  const stampOptions = { host: here, port: stamp, "timestamp-signer": "memory", "disable-ntp-monitoring": "true" };
  await Promise.all([
    start(programs.fulcio, serve(fulcioOptions), fulcioBase ?? ""),
    start(programs.rekor, serve(rekorOptions), rekorBase ?? ""),
    start(programs.stamps, serve(stampOptions), stampBase ?? ""),
  ]);
  const bundle = (await (await fetch(`${fulcioBase}/api/v2/trustBundle`)).json()) as {
    readonly chains: readonly { readonly certificates: readonly string[] }[];
  };
  const stampChain = pems(await (await fetch(`${stampBase}/api/v1/timestamp/certchain`)).text());
  const chain = (certificates: readonly string[], uri = "") => ({
    subject: { organization: "test", commonName: "test" },
    uri,
    certChain: { certificates: certificates.map((pem) => ({ rawBytes: derOf(pem) })) },
    validFor: since,
  });
  const service = (address: string, majorApiVersion: number) => [
    { url: address, majorApiVersion, validFor: since, operator: "test" },
  ];
  const { rawBytes, id } = logKey("log.example", publicKey);
  return {
    signingConfig: write(
      "signing-config.json",
      JSON.stringify({
        mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        caUrls: service(fulcioBase ?? "", 1),
        rekorTlogUrls: service(rekorBase ?? "", 2),
        tsaUrls: service(`${stampBase}/api/v1/timestamp`, 1),
        rekorTlogConfig: { selector: "ANY" },
        tsaConfig: { selector: "ANY" },
      }),
    ),
    trustedRoot: write(
      "trusted-root.json",
      JSON.stringify({
        mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        certificateAuthorities: bundle.chains.map(({ certificates }) => chain(certificates, fulcioBase)),
        timestampAuthorities: [chain(stampChain, stampBase)],
        tlogs: [
          {
            baseUrl: "https://log.example",
            hashAlgorithm: "SHA2_256",
            publicKey: { rawBytes, keyDetails: "PKIX_ED25519", validFor: since },
            logId: { keyId: id },
          },
        ],
      }),
    ),
  };
}
