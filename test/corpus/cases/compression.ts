/** Pairs for the rows Z of the catalogue. What needs a program of its own is in real/. */
import { constants, crc32, deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { gzip as pakoGzip } from "pako";
import type { LayerOf } from "../../verify/image-of.ts";
import { tarOf } from "../../verify/tar-of.ts";
import { adding, both, image, noise, prose, type Change } from "../base.ts";
import type { Case } from "../case.ts";

type Pack = (tar: Buffer) => Buffer;

/** A layer that is large enough for encoders to differ, packed. */
const packed = (pack: Pack, mediaType?: string): Change => ({
  layer: {
    built: (items): LayerOf => ({
      tar: tarOf(
        adding(
          { name: "opt/tool/data.txt", content: prose(400_000, 9) },
          { name: "opt/tool/data.bin", content: noise(30_000, 9) },
        )(items),
      ),
      pack,
      ...(mediaType === undefined ? {} : { mediaType }),
    }),
  },
});

const packs = (a: Pack, b: Pack, types: readonly (string | undefined)[] = []) =>
  both(packed(a, types[0]), packed(b, types[1]));

const level =
  (value: number): Pack =>
  (tar) =>
    gzipSync(tar, { level: value });

const header =
  (change: (bytes: Buffer) => void): Pack =>
  (tar) => {
    const bytes = gzipSync(tar);
    change(bytes);
    return bytes;
  };

const named: Pack = (tar) => {
  const bytes = gzipSync(tar);
  bytes[3] = 8;
  return Buffer.concat([bytes.subarray(0, 10), Buffer.from("layer.tar\0"), bytes.subarray(10)]);
};

/** A gzip member around DEFLATE data. */
function member(tar: Buffer, data: Buffer): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(tar), 0);
  trailer.writeUInt32LE(tar.length, 4);
  return Buffer.concat([Buffer.from("1f8b0800000000000003", "hex"), data, trailer]);
}

/** Stored blocks of one size. */
const stored =
  (size: number): Pack =>
  (tar) => {
    const blocks: Buffer[] = [];
    for (let at = 0; at < tar.length; at += size) {
      const block = tar.subarray(at, at + size);
      const head = Buffer.alloc(5);
      head[0] = at + size >= tar.length ? 1 : 0;
      head.writeUInt16LE(block.length, 1);
      head.writeUInt16LE(~block.length & 0xffff, 3);
      blocks.push(head, block);
    }
    return member(tar, Buffer.concat(blocks));
  };

/** One stream, flushed at some places. */
const flushed =
  (...places: readonly number[]): Pack =>
  (tar) => {
    const borders = [0, ...places, tar.length];
    return member(
      tar,
      Buffer.concat(
        borders.slice(1).map((end, index) => {
          const start = borders[index] ?? 0;
          const before = tar.subarray(Math.max(0, start - 32_768), start);
          return deflateRawSync(tar.subarray(start, end), {
            finishFlush: end === tar.length ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
            ...(start === 0 ? {} : { dictionary: before }),
          });
        }),
      ),
    );
  };

const stock =
  (value: 1 | 6 | 9): Pack =>
  (tar) =>
    Buffer.from(pakoGzip(tar, { level: value, legacyHash: true }));

const zstd =
  (params: Readonly<Record<number, number>>): Pack =>
  (tar) =>
    zstdCompressSync(tar, { params });
const zstdType = "application/vnd.oci.image.layer.v1.tar+zstd";
const plainType = "application/vnd.oci.image.layer.v1.tar";

export const compressionCases: readonly Case[] = [
  {
    cause: "T7",
    what: "the time of compression in the gzip header",
    ...packs(
      header((bytes) => bytes.writeUInt32LE(1_704_067_300, 4)),
      header((bytes) => bytes.writeUInt32LE(1_704_099_999, 4)),
    ),
  },
  {
    cause: "T7",
    what: "a time in the gzip header on one side",
    ...packs(
      level(6),
      header((bytes) => bytes.writeUInt32LE(1_704_067_300, 4)),
    ),
  },
  { cause: "Z1", what: "a file name in the gzip header", ...packs(level(6), named) },
  {
    cause: "Z1",
    what: "another operating system in the gzip header",
    ...packs(
      level(6),
      header((bytes) => bytes.writeUInt8(11, 9)),
    ),
  },
  { cause: "Z2", what: "another level", ...packs(level(6), level(9)) },
  { cause: "Z2", what: "the fastest level", ...packs(level(1), level(6)) },
  { cause: "Z2", or: ["Z3"], what: "stock zlib for Chromium's", ...packs(level(6), stock(6)) },
  { cause: "Z6", what: "stored blocks of other sizes", ...packs(stored(65_535), stored(32_768)) },
  { cause: "Z7", what: "flushed in mid-stream", ...packs(level(6), flushed(100_000, 250_001)) },
  {
    cause: "Z9",
    what: "another level of zstd",
    ...packs(zstd({ [constants.ZSTD_c_compressionLevel]: 3 }), zstd({ [constants.ZSTD_c_compressionLevel]: 9 }), [
      zstdType,
      zstdType,
    ]),
  },
  {
    cause: "Z9",
    what: "a checksum in zstd's frame",
    ...packs(zstd({}), zstd({ [constants.ZSTD_c_checksumFlag]: 1 }), [zstdType, zstdType]),
  },
  { cause: "Z10", or: ["Z2"], what: "zstd for gzip", ...packs(level(6), zstd({}), [undefined, zstdType]) },
  { cause: "Z11", what: "one layer is not compressed", ...packs(level(6), (tar) => tar, [undefined, plainType]) },
  { cause: "Z11", what: "an archive of docker save against what was pushed", a: image(), b: { saved: image() } },
  {
    cause: "Z12",
    or: ["Z2"],
    what: "the same in two gzip members",
    ...packs(level(6), (tar) => Buffer.concat([gzipSync(tar.subarray(0, 200_000)), gzipSync(tar.subarray(200_000))])),
  },
  { cause: "Z13", what: "a smaller window", ...packs(level(6), (tar) => gzipSync(tar, { level: 6, windowBits: 12 })) },
  { cause: "Z13", what: "more memory", ...packs(level(6), (tar) => gzipSync(tar, { level: 6, memLevel: 9 })) },
];
