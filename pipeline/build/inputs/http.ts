/** Files that specs name by URL: pinned by their hash, fetched from the URL or from where a site keeps copies. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { inParallel } from "../../host/parallel.ts";
import type { LockedHttp } from "../../lock/types.ts";
import type { Selection } from "../../source/archive/select.ts";
import { fetchBlobs } from "../../source/fetch.ts";
import { addressesOf, type HttpMirrors, readHttpMirrors } from "../../source/http/settings.ts";
import type { SignatureKind } from "../../source/http/signature.ts";
import { fileName } from "../../spec/check-http.ts";
import { isStep } from "../../spec/uses.ts";
import type { HttpLayer, HttpSource, Platform } from "../../spec/types.ts";
import { type Digest, digestOf, hexOf } from "../../store/digest.ts";
import type { PlannedInput } from "../plan.ts";
import type { InputKind, InputRequest, PinWork, Question } from "./kind.ts";

/** By which key of the repository a file has to be signed. */
interface Signed {
  readonly kind: SignatureKind;
  /** Where the signature is. */
  readonly url: string;
  readonly key: Buffer;
  /** Of the key's file. */
  readonly keySha256: string;
}

interface HttpRequest extends InputRequest {
  readonly source: HttpSource;
  readonly signed?: Signed;
}

function idOf(signed: Signed | undefined): string {
  return signed === undefined ? "" : `${signed.kind} ${signed.keySha256} ${signed.url}`;
}

/** One file is asked for in one way: LS2032 where two layers differ. */
function checkAlike(requests: readonly HttpRequest[]): void {
  const first = new Map<string, HttpRequest>();
  const problems: Problem[] = [];
  for (const request of requests) {
    const known = first.get(request.key);
    if (known === undefined) first.set(request.key, request);
    else if (known.source.sha256 !== request.source.sha256 || idOf(known.signed) !== idOf(request.signed)) {
      const what = known.source.sha256 === request.source.sha256 ? "signature" : "sha256";
      const where = `${known.place.file}:${known.place.line ?? 1}`;
      const message = `${request.key} has another ${what} than in ${where}`;
      problems.push({
        code: "LS2032",
        message,
        place: request.place,
        hint: "one URL has one content: write the same in both",
      });
    }
  }
  if (problems.length > 0) throw new LockstepError(problems);
}

/** The key of a layer, as it is in the repository now. */
function signedOf(
  root: string,
  layer: Pick<HttpLayer, "signature">,
  url: string | undefined,
): { readonly signed?: Signed } {
  if (layer.signature === undefined || url === undefined) return {};
  const { kind, key: path } = layer.signature;
  const key = readFileSync(join(root, path));
  return { signed: { kind, url, key, keySha256: hexOf(digestOf(key)) } };
}

function requestsOf(
  root: string,
  image: string,
  platforms: readonly Platform[],
  layer: Pick<HttpLayer, "place" | "sources" | "signature">,
): readonly HttpRequest[] {
  const byUrl = new Map<string, HttpRequest & { readonly platforms: Platform[] }>();
  for (const platform of platforms) {
    const source = layer.sources[platform];
    if (source === undefined) continue;
    const known = byUrl.get(source.url);
    if (known !== undefined) known.platforms.push(platform);
    else
      byUrl.set(source.url, {
        image,
        key: source.url,
        platforms: [platform],
        place: layer.place,
        source,
        ...signedOf(root, layer, source.signature),
      });
  }
  return [...byUrl.values()];
}

function otherBytes(key: string, wanted: string, found: string, place: Place): Problem {
  return {
    code: "LS2701",
    message: `${key} has the SHA-256 ${found}, and the spec says ${wanted}`,
    place,
    hint: "the file was replaced, or the spec is wrong: find out which from who publishes it",
  };
}

/** Downloads one file to know what it is. */
async function look(
  work: PinWork,
  mirrors: HttpMirrors,
  { key, requests }: Question<HttpRequest, LockedHttp>,
): Promise<LockedHttp> {
  const { fetchUnknown } = await import("../../source/http/unknown.ts");
  const interrupt = work.signal === undefined ? {} : { signal: work.signal };
  const found = await fetchUnknown(work.host, work.store, work.report, addressesOf(key, mirrors), interrupt);
  const problems = requests.flatMap(({ source: { sha256 }, place }) =>
    sha256 === undefined || sha256 === found.sha256 ? [] : [otherBytes(key, sha256, found.sha256, place)],
  );
  if (problems.length > 0) throw new LockstepError(problems);
  const [{ signed, place }] = requests as readonly [HttpRequest];
  // A signature says what the file has to be as well.
  if (signed === undefined && requests.every(({ source }) => source.sha256 === undefined)) {
    work.report.warn(`${key}: no spec says what it has to be; pinned as it came, sha256 ${found.sha256}`);
  }
  return signed === undefined ? found : { ...found, ...(await prove(work, mirrors, key, found, signed, place)) };
}

/** Downloads and verifies the signature of a file that is in the store; what the lock says of it. */
async function prove(
  work: PinWork,
  mirrors: HttpMirrors,
  name: string,
  { sha256, size }: LockedHttp,
  signed: Signed,
  place: Place,
): Promise<Pick<Required<LockedHttp>, "signedBy" | "signingKey">> {
  const [{ fetchUnknown }, { signatureLimit, verifierOf }] = await Promise.all([
    import("../../source/http/unknown.ts"),
    import("../../source/http/signature.ts"),
  ]);
  const signature = await fetchUnknown(work.host, work.store, work.report, addressesOf(signed.url, mirrors), {
    limit: signatureLimit,
    ...(work.signal === undefined ? {} : { signal: work.signal }),
  });
  const bytes = await work.store.read(`sha256:${signature.sha256}`);
  const verify = await verifierOf(signed.kind);
  const file = { name, store: work.store, digest: `sha256:${sha256}` as const, size };
  return { signedBy: await verify(file, bytes, signed.key, place), signingKey: signed.keySha256 };
}

export const httpKind: InputKind<"http", HttpRequest> = {
  requests({ root, specs }) {
    const requests = specs.flatMap(({ name, platforms, layers }) =>
      layers.flatMap((layer) => {
        const files = layer.kind === "http" ? [layer] : isStep(layer) ? layer.fetch : [];
        return files.flatMap((each) => requestsOf(root, name, platforms, each));
      }),
    );
    checkAlike(requests);
    return requests;
  },

  mismatch({ source, signed }, { sha256, signedBy, signingKey }) {
    if (source.sha256 !== undefined && source.sha256 !== sha256) {
      return `is locked to the SHA-256 ${sha256}, and the spec says ${source.sha256}`;
    }
    if (signed === undefined) {
      return signedBy === undefined ? undefined : `is locked with a signature (${signedBy}), and the spec wants none`;
    }
    const kind = signedBy?.split(" ")[0];
    if (kind !== signed.kind)
      return `is locked ${kind === undefined ? "without a signature" : `with one of ${kind}`}, and the spec wants one of ${signed.kind}`;
    return signingKey === signed.keySha256
      ? undefined
      : "is locked with a signature by another key than is in the repository now";
  },

  moves: ({ source }) => source.sha256 === undefined,

  async resolve(work, questions) {
    const answers = new Map<string, LockedHttp>();
    const mirrors = await readHttpMirrors(work.host);
    const problems: Problem[] = [];
    const found = await inParallel(questions, 4, async (question) => {
      try {
        return { key: question.key, entry: await look(work, mirrors, question) };
      } catch (error) {
        if (!(error instanceof LockstepError) || error.code === "LS1003") throw error;
        return { problems: error.problems };
      }
    });
    for (const each of found) {
      if (each.problems === undefined) answers.set(each.key, each.entry);
      else problems.push(...each.problems);
    }
    if (problems.length > 0) throw new LockstepError(problems);
    return answers;
  },

  async fetch(host, store, report, _source, entries, options) {
    const wanted = [...entries].map(([name, { sha256, size }]) => ({
      name,
      size,
      digest: `sha256:${sha256}` as Digest,
    }));
    // Settings are read only when something is missing.
    let mirrors: Promise<HttpMirrors> | undefined;
    const addresses = async ({ name }: (typeof wanted)[number]): Promise<readonly string[]> => {
      mirrors ??= readHttpMirrors(host);
      return addressesOf(name, await mirrors);
    };
    await fetchBlobs(host, store, report, wanted, addresses, {
      title: "download files",
      whenGone: "write another URL of the same file into the spec, or put a copy where the settings name one",
      ...options,
    });
  },
};

/** What one layer puts into the image of a platform; the caller has checked that the lock answers the spec. */
export function planHttp(
  layer: HttpLayer,
  platform: Platform,
  locked: ReadonlyMap<string, LockedHttp>,
): { readonly title: string; readonly inputs: readonly PlannedInput[] } {
  const url = layer.sources[platform]?.url ?? "";
  const sha256 = locked.get(url)?.sha256 ?? "";
  const { uid, gid } = layer.owner;
  const from = { section: "http", key: url, sha256 } as const;
  // What follows a question mark may be meant for the server alone, and history is read by everybody.
  const title = `lockstep: http ${url.replace(/\?.*$/, "")} ${layer.into}`;
  const into = layer.into.replace(/^\/+|\/+$/g, "");
  if (layer.unpack === "none") {
    const path = layer.into.endsWith("/") ? [into, fileName(url) ?? ""].filter((part) => part !== "").join("/") : into;
    const mode = layer.mode[0]?.mode ?? 0o644;
    return { title, inputs: [{ ...from, into: path, unpack: "file", mode, uid, gid }] };
  }
  const { strip, include, exclude, mode: modes } = layer;
  const selection: Selection = { strip, include, exclude, uid, gid, modes };
  return { title, inputs: [{ ...from, into, unpack: layer.unpack, ...selection }] };
}
