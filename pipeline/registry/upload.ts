/** Pushing one blob (distribution-spec 1.1, "Pushing blobs"): asked for first, mounted where it can be, in one piece, else in chunks that go on. */
import { LockstepError, messageOf, systemCode } from "../host/errors.ts";
import type { Digest } from "../store/digest.ts";
import { askedWait, refusal } from "./answer.ts";
import { type BlobSource, checkSource, type OnBytes } from "./blobs.ts";
import type { Client } from "./client.ts";
import { type Answer, type Body, TransferError } from "./connection.ts";

export type Pushed = "present" | "mounted" | "pushed";

export interface UploadOptions {
  /** Another repository of the same registry that has the blob. */
  readonly mountFrom?: string;
  readonly onBytes?: OnBytes;
  /** Bytes of a chunk after a break; 16 MiB unless given, and at least what the registry asks for. */
  readonly chunkSize?: number;
  /** Whether chunks are used from the beginning. */
  readonly chunked?: boolean;
}

const tries = 5;
const octets = { "content-type": "application/octet-stream" };

function refused(client: Client, digest: Digest, why: string): LockstepError {
  return new LockstepError({
    code: "LS3214",
    message: `${client.name}: blob ${digest} is not taken: ${why}`,
    hint: "ask whoever runs the registry: it may be full, or limit sizes",
  });
}

class Upload {
  readonly #client: Client;
  readonly #source: BlobSource;
  readonly #onBytes: OnBytes;
  #chunkSize: number;
  #location: URL | undefined;
  #counted = 0;

  constructor(client: Client, source: BlobSource, options: UploadOptions) {
    this.#client = client;
    this.#source = source;
    const onBytes = options.onBytes ?? (() => {});
    this.#onBytes = (count) => {
      this.#counted += count;
      onBytes(count);
    };
    this.#chunkSize = options.chunkSize ?? 16 << 20;
  }

  /** Begins; whether the registry took the blob from another repository. */
  async begin(mountFrom?: string): Promise<boolean> {
    const { digest } = this.#source;
    const answer = await this.#client.request({
      method: "POST",
      to: "blobs/uploads/",
      query: mountFrom === undefined ? {} : { mount: digest, from: mountFrom },
      what: `beginning to push blob ${digest}`,
      expected: [201, 202],
      action: "push",
      ...(mountFrom === undefined ? {} : { alsoReads: mountFrom }),
    });
    answer.body.resume();
    if (answer.status === 201) return true;
    const least = Number(answer.headers["oci-chunk-min-length"] ?? 0);
    if (Number.isSafeInteger(least) && least > this.#chunkSize) this.#chunkSize = least;
    this.#goOn(answer);
    return false;
  }

  #goOn(answer: Answer): void {
    const { location } = answer.headers;
    const { connection } = this.#client;
    if (location !== undefined) this.#location = connection.target(location, this.#location ?? connection.base);
    else if (this.#location === undefined)
      throw refused(this.#client, this.#source.digest, "the registry does not say where to send it");
  }

  #body(start: number, end: number): Body {
    const onBytes = this.#onBytes;
    const source = this.#source;
    return {
      size: end - start,
      async *open() {
        for await (const piece of source.open(start, end)) {
          yield piece;
          onBytes(piece.length);
        }
      },
    };
  }

  #send(
    method: "PUT" | "PATCH" | "GET",
    what: string,
    extra: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly query?: Readonly<Record<string, string>>;
      readonly body?: Body;
    },
  ): Promise<Answer> {
    if (this.#location === undefined) throw new Error("an upload that was not begun");
    // Each answer is looked at here: what failed may have arrived in part.
    const expected = [201, 202, 204, 400, 404, 408, 413, 416, 429, 500, 501, 502, 503, 504];
    return this.#client.request({ method, to: this.#location, what, ...extra, expected, action: "push", tries: 1 });
  }

  /** Begins to count anew, at what has arrived. */
  recount(arrived: number): void {
    this.#onBytes(arrived - this.#counted);
  }

  /** The end of an upload, with everything or with nothing left to send. */
  async finish(start: number): Promise<Answer> {
    const { digest, size } = this.#source;
    const rest = start < size || size === 0 ? { body: this.#body(start, size), headers: octets } : {};
    return this.#send("PUT", `pushing blob ${digest}`, { query: { digest }, ...rest });
  }

  /** How many bytes have arrived; undefined when the registry has forgotten the upload. */
  async arrived(): Promise<number | undefined> {
    const answer = await this.#send("GET", `asking how much of blob ${this.#source.digest} has arrived`, {});
    answer.body.resume();
    if (answer.status !== 204 && answer.status !== 202) return undefined;
    this.#goOn(answer);
    return rangeEnd(answer);
  }

  /** Sends one chunk; where the next begins. */
  async chunk(start: number): Promise<Answer & { readonly next: number }> {
    const end = Math.min(this.#source.size, start + this.#chunkSize);
    const answer = await this.#send("PATCH", `pushing blob ${this.#source.digest}`, {
      headers: { ...octets, "content-range": `${start}-${end - 1}` },
      body: this.#body(start, end),
    });
    if (answer.status !== 202) return { ...answer, next: start };
    answer.body.resume();
    this.#goOn(answer);
    // Some registries say nothing: then they have taken everything.
    return { ...answer, next: answer.headers.range === undefined || end === 1 ? end : rangeEnd(answer) };
  }
}

/** `0-1023` → 1024; nothing has arrived when there is no range. */
function rangeEnd({ headers }: Answer): number {
  const end = /^(?:bytes=)?0-(\d+)$/.exec(headers.range ?? "")?.[1];
  // docker's registry says 0-0 for nothing, and so for a single byte, which is sent again without harm.
  return end === undefined || end === "0" ? 0 : Number(end) + 1;
}

/** Sends what is left in chunks, then ends the upload. Whatever is not 201 has to be judged by the caller. */
async function inChunks(upload: Upload, size: number, from: number): Promise<Answer> {
  let start = from;
  while (start < size) {
    const answer = await upload.chunk(start);
    if (answer.status !== 202) return answer;
    if (answer.next <= start || answer.next > size) throw new TransferError("the registry did not take a chunk");
    start = answer.next;
  }
  return upload.finish(size);
}

/** Begins; without the other repository when the registry does not want to take from it. Whether the blob is there now. */
async function begunMounted(client: Client, upload: Upload, from: string | undefined): Promise<boolean> {
  try {
    return await upload.begin(from);
  } catch (error) {
    if (from === undefined || client.signal?.aborted === true || !(error instanceof LockstepError)) throw error;
    if (error.code !== "LS3205" && error.code !== "LS3207" && error.code !== "LS3220") throw error;
    return upload.begin();
  }
}

/**
 * Pushes a blob when the repository does not have it. Throws LS3214 when the registry does not take it, LS3204 when the transfer breaks
 * again and again, and what `Client.request` throws.
 */
export async function pushBlob(client: Client, source: BlobSource, options: UploadOptions = {}): Promise<Pushed> {
  const { digest, size } = source;
  const what = `blob ${digest}`;
  const head = await client.request({
    method: "HEAD",
    to: `blobs/${digest}`,
    what,
    expected: [200, 404],
    action: "push",
  });
  head.body.resume();
  if (head.status === 200) {
    const length = head.headers["content-length"];
    if (length === undefined || Number(length) === size) return "present";
    throw refused(client, digest, `the registry already has ${length} bytes under this digest instead of ${size}`);
  }
  const upload = new Upload(client, source, options);
  if (await begunMounted(client, upload, options.mountFrom)) return "mounted";
  let chunked = options.chunked === true;
  let begun = true;
  for (let attempt = 1; ; attempt++) {
    let why: string;
    let asked: number | undefined;
    try {
      const from: number | undefined = attempt > 1 && begun ? await upload.arrived() : 0;
      if (!begun || from === undefined) await upload.begin();
      begun = true;
      upload.recount(from ?? 0);
      const answer: Answer = chunked ? await inChunks(upload, size, from ?? 0) : await upload.finish(0);
      if (answer.status === 201) {
        answer.body.resume();
        const named = answer.headers["docker-content-digest"];
        if (named !== undefined && named !== digest)
          throw refused(client, digest, `the registry calls it ${String(named)}`);
        return "pushed";
      }
      asked = askedWait(answer.headers, client.host.now());
      why = await refusal(answer);
      if (answer.status === 400 || answer.status === 501) throw refused(client, digest, `the registry answers ${why}`);
      begun = answer.status !== 404;
    } catch (error) {
      if (client.signal?.aborted === true || (error instanceof LockstepError && error.code !== "LS3204")) throw error;
      why = error instanceof LockstepError ? error.message : (systemCode(error) ?? messageOf(error));
    }
    if (attempt >= tries) throw refused(client, digest, why);
    if (!chunked && !(await checkSource(source))) throw refused(client, digest, "its content is not what it is called");
    chunked = true;
    await client.pause(attempt, asked);
  }
}
