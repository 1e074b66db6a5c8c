/** The signing config: which services give certificates, keep logs and state times. */
import type { SigningConfig } from "@sigstore/protobuf-specs";
import type { Host } from "../host/host.ts";
import { serviceAddress } from "./service.ts";
import { readSigstoreFile, unusable } from "./sigstore-files.ts";

/** Addresses, each without a slash at its end. */
export interface Services {
  /** Fulcio. */
  readonly certificates: string;
  /** Rekor v2; none where signatures are not logged. */
  readonly logs: readonly string[];
  /** RFC 3161 over HTTP. */
  readonly timestamps: readonly string[];
}

type Service = SigningConfig["caUrls"][number];
type Selection = SigningConfig["tsaConfig"];

const mediaType = /^application\/vnd\.dev\.sigstore\.signingconfig\.v0\.2\+json$/;

/** Those of the version that can be talked to and that are in use now; the newest first. */
function inUse(services: readonly Service[], version: number, now: number): readonly Service[] {
  const start = (service: Service): number => service.validFor?.start?.getTime() ?? 0;
  return services
    .filter((service) => service.majorApiVersion === version)
    .filter((service) => start(service) <= now && now <= (service.validFor?.end?.getTime() ?? Infinity))
    .toSorted((a, b) => start(b) - start(a));
}

/** As many as the config asks for, each of another operator (protobuf-specs, ServiceSelector: ALL 1, ANY 2, EXACT 3). Undefined where there are too few. */
function selected(services: readonly Service[], selection: Selection): readonly Service[] | undefined {
  const seen = new Set<string>();
  const apart = services.filter(({ operator }) => operator === "" || (!seen.has(operator) && seen.add(operator)));
  const count = { 1: apart.length, 2: 1, 3: selection?.count ?? 1 }[selection?.selector as 1 | 2 | 3] ?? 1;
  return apart.length < count || apart.length === 0 ? undefined : apart.slice(0, count);
}

/** Reads a SigningConfig v0.2 (Sigstore protobuf-specs, JSON). Throws LS6007, also for addresses over which a token must not go. */
export async function readSigningConfig(host: Host, file: string): Promise<Services> {
  const { SigningConfig: Message } = await import("@sigstore/protobuf-specs");
  const config = await readSigstoreFile(file, "signing config", mediaType, (json) => Message.fromJSON(json));
  const address = ({ url }: Service): string => {
    const parsed = serviceAddress(url);
    return parsed === undefined
      ? unusable(file, `"${url}" is not an https address without a user name`)
      : parsed.href.replace(/\/+$/, "");
  };
  const pick = (
    what: string,
    services: readonly Service[],
    version: number,
    selection?: Selection,
  ): readonly string[] =>
    (
      selected(inUse(services, version, host.now()), selection) ??
      unusable(file, `the signing config has too few ${what} that are in use (API version ${version})`)
    ).map(address);
  const [certificates = ""] = pick("certificate authorities", config.caUrls, 1);
  return {
    certificates,
    logs: config.rekorTlogUrls.length === 0 ? [] : pick("logs", config.rekorTlogUrls, 2, config.rekorTlogConfig),
    timestamps: pick("timestamp authorities", config.tsaUrls, 1, config.tsaConfig),
  };
}
