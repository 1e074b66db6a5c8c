/** Files that specs name by URL: pinned by their hash, fetched from the URL or from where a site keeps copies. */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import type { LockedHttp } from "../../lock/types.ts";
import { fetchBlobs } from "../../source/fetch.ts";
import { addressesOf, type HttpMirrors, readHttpMirrors } from "../../source/http/settings.ts";
import { fileName } from "../../spec/check-http.ts";
import type { HttpLayer, HttpSource, Platform } from "../../spec/types.ts";
import type { Digest } from "../../store/digest.ts";
import type { PlannedInput, PlannedSelection } from "../plan.ts";
import type { InputKind, InputRequest, PinWork, Question } from "./kind.ts";

interface HttpRequest extends InputRequest {
  readonly source: HttpSource;
}

/** One file is asked for in one way: LS2032 where two layers differ. */
function checkAlike(requests: readonly HttpRequest[]): void {
  const first = new Map<string, HttpRequest>();
  const problems: Problem[] = [];
  for (const request of requests) {
    const known = first.get(request.key);
    if (known === undefined) first.set(request.key, request);
    else if (known.source.sha256 !== request.source.sha256) {
      const where = `${known.place.file}:${known.place.line ?? 1}`;
      const message = `${request.key} has another sha256 than in ${where}`;
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

function requestsOf(image: string, platforms: readonly Platform[], layer: HttpLayer): readonly HttpRequest[] {
  const byUrl = new Map<string, HttpRequest & { readonly platforms: Platform[] }>();
  for (const platform of platforms) {
    const source = layer.sources[platform];
    if (source === undefined) continue;
    const known = byUrl.get(source.url);
    if (known !== undefined) known.platforms.push(platform);
    else byUrl.set(source.url, { image, key: source.url, platforms: [platform], place: layer.place, source });
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
  const found = await fetchUnknown(work.host, work.store, work.report, addressesOf(key, mirrors), work.signal);
  const problems = requests.flatMap(({ source: { sha256 }, place }) =>
    sha256 === undefined || sha256 === found.sha256 ? [] : [otherBytes(key, sha256, found.sha256, place)],
  );
  if (problems.length > 0) throw new LockstepError(problems);
  if (requests.every(({ source }) => source.sha256 === undefined)) {
    work.report.warn(`${key}: no spec says what it has to be; pinned as it came, sha256 ${found.sha256}`);
  }
  return found;
}

export const httpKind: InputKind<"http", HttpRequest> = {
  requests({ specs }) {
    const requests = specs.flatMap(({ name, platforms, layers }) =>
      layers.flatMap((layer) => (layer.kind === "http" ? requestsOf(name, platforms, layer) : [])),
    );
    checkAlike(requests);
    return requests;
  },

  mismatch({ source }, { sha256 }) {
    if (source.sha256 === undefined || source.sha256 === sha256) return undefined;
    return `is locked to the SHA-256 ${sha256}, and the spec says ${source.sha256}`;
  },

  moves: ({ source }) => source.sha256 === undefined,

  async resolve(work, questions) {
    const answers = new Map<string, LockedHttp>();
    const mirrors = await readHttpMirrors(work.host);
    const problems: Problem[] = [];
    for (const question of questions) {
      try {
        answers.set(question.key, await look(work, mirrors, question));
      } catch (error) {
        if (!(error instanceof LockstepError) || error.code === "LS1003") throw error;
        problems.push(...error.problems);
      }
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
  const selection: PlannedSelection = { strip, include, exclude, uid, gid, modes };
  return { title, inputs: [{ ...from, into, unpack: layer.unpack, ...selection }] };
}
