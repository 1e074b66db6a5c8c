/**
 * A thread behind xz.ts: decodes .xz with liblzma, compiled to WebAssembly: what a stream may reach is the memory of its decoder, and nothing
 * of the machine. It loads nothing else, and is plain JavaScript, so that it starts quickly.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import createLiblzma from "node-liblzma/wasm/liblzma.js";

/**
 * What is asked: the next output of a stream. `input` is there when the last answer wanted it; `last` that nothing follows it. `buffer` is
 * one that an answer came in, to be used again. Without `buffer` and with `end`, the stream is forgotten.
 * @typedef {{ id: number, input?: Uint8Array, last: boolean, buffer?: ArrayBuffer, end?: boolean }} Question
 *
 * `status` is that of liblzma (lzma/base.h, lzma_ret); -1 when its code failed.
 * @typedef {{ id: number, status: number, output: Uint8Array, wants: boolean }} Answer
 *
 * A decoder: functions of liblzma, and its lzma_stream, input and output as addresses in its memory.
 * @typedef {{ lib: any, init: Function, code: Function, end: Function, stream: number, input: number, output: number }} Decoder
 *
 * @typedef {{ decoder: Decoder, last: boolean }} Stream
 */

/** Bytes of input and of output that are handed over at once. */
const pieceSize = 1 << 18;
/** What `xz -9` needs to decode, and then some; a header that asks for more is an attack. */
const memoryLimit = BigInt(160 << 20);
/** A decoder whose memory has grown beyond this is not used again: WebAssembly gives none back. */
const largestKept = 48 << 20;
/** LZMA_CONCATENATED: streams that follow each other are one (xz specification, section 2). */
const concatenated = 8;
const [run, finish] = [0, 3];
/** Of lzma_stream, with addresses of 32 bits. */
const size = 96;
const [nextIn, availIn, nextOut, availOut] = [0, 4, 16, 20];

const compiled = new WebAssembly.Module(
  readFileSync(fileURLToPath(import.meta.resolve("node-liblzma/wasm/liblzma.wasm"))),
);
/** @type {Map<number, Stream>} */
const streams = new Map();
/** @type {Decoder[]} */
const idle = [];

/** @returns {Promise<Decoder>} */
async function decoder() {
  const known = idle.pop();
  if (known !== undefined) return known;
  const lib = await createLiblzma({
    /** @type {(imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) => unknown} */
    instantiateWasm: (imports, receive) => {
      const instance = new WebAssembly.Instance(compiled, imports);
      receive(instance);
      return instance.exports;
    },
    printErr: () => {},
  });
  const { _malloc: allocate, _lzma_stream_decoder: init, _lzma_code: code, _lzma_end: end } = lib;
  const [stream, input, output] = [size, pieceSize, pieceSize].map((bytes) => allocate(bytes));
  // LZMA_STREAM_INIT.
  lib.HEAPU8.fill(0, stream, stream + size);
  return { lib, init, code, end, stream, input, output };
}

/** @param {Question} question */
async function begin({ id }) {
  const stream = { decoder: await decoder(), last: false };
  const { lib, init, stream: at } = stream.decoder;
  streams.set(id, stream);
  if (init(at, memoryLimit, concatenated) !== 0) throw new Error("no memory for a decoder");
  lib.setValue(at + availIn, 0, "i32");
  return stream;
}

/** @param {Question} question @returns {Promise<Answer>} */
async function step(question) {
  const { id, input, last, buffer } = question;
  const stream = streams.get(id) ?? (await begin(question));
  const { lib, code, stream: at, input: inputAt, output: outputAt } = stream.decoder;
  if (input !== undefined) {
    lib.HEAPU8.set(input, inputAt);
    lib.setValue(at + nextIn, inputAt, "i32");
    lib.setValue(at + availIn, input.length, "i32");
    stream.last = last;
  }
  lib.setValue(at + nextOut, outputAt, "i32");
  lib.setValue(at + availOut, pieceSize, "i32");
  const status = code(at, stream.last ? finish : run);
  const left = lib.getValue(at + availOut, "i32");
  const output = new Uint8Array(buffer ?? new ArrayBuffer(pieceSize), 0, pieceSize - left);
  output.set(lib.HEAPU8.subarray(outputAt, outputAt + output.length));
  // Whoever fills the output may have more.
  return { id, status, output, wants: !stream.last && left > 0 && lib.getValue(at + availIn, "i32") === 0 };
}

/** @param {number} id */
function forget(id) {
  const known = streams.get(id);
  streams.delete(id);
  if (known === undefined) return;
  const { lib, end, stream } = known.decoder;
  end(stream);
  if (lib.HEAPU8.length <= largestKept) idle.push(known.decoder);
}

/** @param {Question} question */
async function answer(question) {
  const { id } = question;
  if (question.end === true) {
    forget(id);
    return;
  }
  /** @type {Answer} */
  const told = await step(question).catch(() => {
    // What its memory holds is not known any more.
    streams.delete(id);
    return { id, status: -1, output: new Uint8Array(0), wants: false };
  });
  parentPort?.postMessage(told, [/** @type {ArrayBuffer} */ (told.output.buffer)]);
}

parentPort?.on("message", (question) => void answer(question));
