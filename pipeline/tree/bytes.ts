/** A stream of bytes read in exact amounts, for parsers of archives that may be hostile. */
import { LockstepError, type Place } from "../host/errors.ts";

const nothing = new Uint8Array(0);

export class ByteReader {
  readonly place: Place;
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = nothing;
  #offset = 0;
  #position = 0;
  /** What the source ended with, when that was an error: whoever read it first may have had another to tell. */
  #failure: { readonly reason: unknown } | undefined;

  constructor(source: AsyncIterable<Uint8Array>, place: Place) {
    this.#source = source[Symbol.asyncIterator]();
    this.place = place;
  }

  /** Bytes handed out so far. */
  get position(): number {
    return this.#position;
  }

  /** Up to `limit` bytes, as they come, without copying; undefined at the end. A source that failed fails each time it is asked again. */
  async some(limit: number): Promise<Uint8Array | undefined> {
    while (this.#offset === this.#chunk.length) {
      // The source may use its memory again.
      this.#chunk = nothing;
      this.#offset = 0;
      const next = await this.#next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
      this.#offset = 0;
    }
    const piece = this.#chunk.subarray(this.#offset, this.#offset + limit);
    this.#offset += piece.length;
    this.#position += piece.length;
    return piece;
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#failure !== undefined) throw this.#failure.reason;
    try {
      return await this.#source.next();
    } catch (reason) {
      this.#failure = { reason };
      throw reason;
    }
  }

  /** Exactly `length` bytes; undefined when the stream ends before the first; LS4001 when it ends in between. */
  async exactly(length: number): Promise<Uint8Array | undefined> {
    const first = await this.some(length);
    if (first === undefined) return length === 0 ? first : undefined;
    if (first.length === length) return first;
    const whole = new Uint8Array(length);
    whole.set(first);
    let filled = first.length;
    while (filled < length) {
      const piece = await this.some(length - filled);
      if (piece === undefined) throw this.truncated();
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole;
  }

  /** Passes over bytes; LS4001 when there are fewer. */
  async skip(length: number): Promise<void> {
    for (let rest = length; rest > 0;) {
      const piece = await this.some(rest);
      if (piece === undefined) throw this.truncated();
      rest -= piece.length;
    }
  }

  /** The next `length` bytes as a stream of their own; it must be read to its end before anything else. */
  async *part(length: number): AsyncGenerator<Uint8Array, void> {
    for (let rest = length; rest > 0;) {
      const piece = await this.some(rest);
      if (piece === undefined) throw this.truncated();
      rest -= piece.length;
      yield piece;
    }
  }

  /** Reads to the end, for a digest or to let a producer finish. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  /** Tells the producer that nothing more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  truncated(): LockstepError {
    return new LockstepError({
      code: "LS4001",
      message: `ends in the middle, after ${this.#position} bytes`,
      place: this.place,
      hint: "fetch it again",
    });
  }
}
