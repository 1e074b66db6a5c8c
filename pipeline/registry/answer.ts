/** Reading what a registry answers: small bodies within a limit, its error documents, and how long it asks to wait. */
import type { IncomingHttpHeaders } from "node:http";
import { printable, truncate } from "../report/format.ts";
import { type Answer, TransferError } from "./connection.ts";

/** A whole body; TransferError when it is longer than `limit` bytes. */
export async function readBody({ body }: Answer, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) {
      body.destroy();
      throw new TransferError(`an answer of more than ${limit} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}

/** The codes of an error document (distribution-spec, "Error Codes"), with the messages, safe to show. */
function errorsIn(text: string): readonly string[] {
  try {
    const { errors } = JSON.parse(text) as {
      readonly errors?: readonly { readonly code?: unknown; readonly message?: unknown }[];
    };
    if (!Array.isArray(errors)) return [];
    return errors
      .slice(0, 3)
      .map(({ code, message }) => [code, message].filter((part) => typeof part === "string" && part !== "").join(": "));
  } catch {
    return [];
  }
}

/** What a registry says of a refusal, in one line: `404, MANIFEST_UNKNOWN: manifest unknown`. Reads the body. */
export async function refusal(answer: Answer): Promise<string> {
  const text = await readBody(answer, 64 << 10).then(
    (bytes) => bytes.toString("utf8"),
    () => "",
  );
  return truncate(printable([String(answer.status), ...errorsIn(text)].join(", ")), 300);
}

/** Milliseconds that an answer asks to wait (RFC 9110, section 10.2.3; else the reset of a rate limit); undefined when it does not say. */
export function askedWait(headers: IncomingHttpHeaders, now: number): number | undefined {
  const after = headers["retry-after"];
  if (after !== undefined) {
    if (/^\d+$/.test(after)) return Number(after) * 1000;
    const date = Date.parse(after);
    if (!Number.isNaN(date)) return Math.max(0, date - now);
  }
  const reset =
    [headers["ratelimit-reset"], headers["x-ratelimit-reset"], headers["x-rate-limit-reset"]].flat()[0] ?? "";
  if (!/^\d+$/.test(reset)) return undefined;
  // Some send seconds to wait, others a time since 1970.
  const seconds = Number(reset);
  return seconds > 1_000_000_000 ? Math.max(0, seconds * 1000 - now) : seconds * 1000;
}
