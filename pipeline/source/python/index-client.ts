/** Asks package indexes: for the files of projects, and for wheels that the store does not have. */
import { backOff } from "../../host/back-off.ts";
import { LockstepError, messageOf, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { inParallel } from "../../host/parallel.ts";
import type { LockedWheel } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import type { Digest } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { shownAddress } from "../address.ts";
import { type FetchOptions, fetchBlobs } from "../fetch.ts";
import { type Opened, Transport, type TransportOptions } from "../http.ts";
import { authorizationFor, type PipConfiguration, readPipConfiguration } from "./pip-configuration.ts";
import { type IndexFile, parseIndexPage } from "./simple-index.ts";

/** Bytes of the largest page: the longest there are have some ten million. */
const pageLimit = 128 << 20;
const tries = 4;
const atOnce = 8;
/** JSON, or the HTML of indexes that have no other form. */
const accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

function transportOptions(configuration: PipConfiguration): TransportOptions {
  const { ca } = configuration;
  return { accept, authorizationOf: authorizationFor(configuration), ...(ca === undefined ? {} : { ca }) };
}

async function textOf(opened: Opened & { readonly kind: "body" }, address: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of opened.body) {
    size += piece.length;
    if (size > pageLimit)
      throw new LockstepError({
        code: "LS2612",
        message: `${shownAddress(address)} answers with more than ${pageLimit} bytes`,
      });
    pieces.push(Uint8Array.from(piece));
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** The page of a project; undefined when the index does not know it. LS2611 when it cannot be had. */
async function page(
  host: Host,
  transport: Transport,
  address: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let reason = "";
  for (let round = 1; round <= tries; round++) {
    if (signal?.aborted === true) throw new LockstepError({ code: "LS1003", message: "interrupted" });
    try {
      const opened = await transport.open(address, 0, signal);
      if (opened.kind === "body") return await textOf(opened, address);
      if (opened.kind === "misled") {
        reason = opened.reason;
        break;
      }
      if (opened.status === 404 || opened.status === 410) return undefined;
      reason = `answers ${opened.status}`;
      if (opened.status < 500 && ![408, 425, 429].includes(opened.status)) break;
    } catch (error) {
      if (error instanceof LockstepError) throw error;
      reason = systemCode(error) ?? messageOf(error);
    }
    if (round < tries) await host.sleep(backOff(host, round), signal);
  }
  if (signal?.aborted === true) throw new LockstepError({ code: "LS1003", message: "interrupted" });
  throw new LockstepError({
    code: "LS2611",
    message: `${shownAddress(address)} ${reason}`,
    hint: "check pip's configuration with `pip config list`, and the network",
  });
}

/** Files of one project in all indexes, in the order of the indexes. */
async function filesOf(
  host: Host,
  transport: Transport,
  { indexes }: PipConfiguration,
  name: string,
  signal: AbortSignal | undefined,
): Promise<readonly IndexFile[]> {
  const found: IndexFile[] = [];
  for (const { base } of indexes) {
    const address = `${base}/${name}/${base.startsWith("file:") ? "index.html" : ""}`;
    const text = await page(host, transport, address, signal);
    if (text !== undefined) found.push(...parseIndexPage(text, address));
  }
  return found;
}

/** The size that a server states for a file, without reading it. */
async function statedSize(
  transport: Transport,
  { url }: IndexFile,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const opened = await transport.open(url, 0, signal);
  if (opened.kind !== "body") return undefined;
  // Leaving the loop at once gives the connection up.
  for await (const _ of opened.body) break;
  return opened.size;
}

export class IndexClient {
  readonly #host: Host;
  readonly #configuration: PipConfiguration;
  readonly #transport: Transport;
  readonly #signal: AbortSignal | undefined;

  private constructor(host: Host, configuration: PipConfiguration, signal: AbortSignal | undefined) {
    this.#host = host;
    this.#configuration = configuration;
    this.#transport = new Transport(host, transportOptions(configuration));
    this.#signal = signal;
  }

  /** With pip's configuration of the machine. LS2611 when it has no usable index. */
  static async open(host: Host, signal?: AbortSignal): Promise<IndexClient> {
    return new IndexClient(host, await readPipConfiguration(host), signal);
  }

  /** Files of projects by normalized name. Throws LS2611 and LS2612. */
  async files(
    names: readonly string[],
    onDone: (count: number) => void,
  ): Promise<ReadonlyMap<string, readonly IndexFile[]>> {
    let done = 0;
    const answers = await inParallel(names, atOnce, async (name) => {
      const files = await filesOf(this.#host, this.#transport, this.#configuration, name, this.#signal);
      onDone(++done);
      return [name, files] as const;
    });
    return new Map(answers);
  }

  /** The size of a file as the index or its server says it. LS2612 when neither does. */
  async size(file: IndexFile): Promise<number> {
    const size = file.size ?? (await statedSize(this.#transport, file, this.#signal).catch(() => undefined));
    if (size !== undefined) return size;
    throw new LockstepError({
      code: "LS2612",
      message: `${shownAddress(file.url)} has no size: neither the index nor the server says it`,
    });
  }

  close(): void {
    this.#transport.close();
  }

  get transport(): TransportOptions {
    return transportOptions(this.#configuration);
  }
}

/**
 * Brings wheels into the store; where those that are missing lie is asked of the indexes again. Touches no network when all are there.
 * Throws LS31xx, LS2611 and LS2612.
 */
export async function fetchWheels(
  host: Host,
  store: Store,
  report: Report,
  wheels: ReadonlyMap<string, LockedWheel>,
  options: FetchOptions,
): Promise<void> {
  const wanted = [...wheels].map(([name, { sha256, size }]) => ({ name, size, digest: `sha256:${sha256}` as Digest }));
  const missing: LockedWheel[] = [];
  for (const wheel of wheels.values())
    if ((await store.find(`sha256:${wheel.sha256}`)) === undefined) missing.push(wheel);
  const addresses = new Map<string, string[]>();
  let transport: TransportOptions = {};
  if (missing.length > 0 && options.offline !== true) {
    const client = await IndexClient.open(host, options.signal);
    try {
      const files = await client.files([...new Set(missing.map(({ name }) => name))], () => {});
      for (const { sha256, url } of [...files.values()].flat()) {
        if (sha256 !== undefined) addresses.set(sha256, [...(addresses.get(sha256) ?? []), url]);
      }
    } finally {
      client.close();
    }
    transport = client.transport;
  }
  await fetchBlobs(host, store, report, wanted, ({ digest }) => addresses.get(digest.slice("sha256:".length)) ?? [], {
    title: "download wheels",
    whenGone:
      "the index no longer has the file; take a store that has it, or pin another version in the file of requirements",
    ...options,
    ...transport,
  });
}
