/** Causes that are injected into a finished layer: its entries, its archive, or its compression. */
import { constants, crc32, deflateRawSync, zstdCompressSync } from "node:zlib";
import {
  flagOf,
  isDirectory,
  isFile,
  nameOf,
  newItem,
  numberOf,
  readItems,
  type TarItem,
  withBytes,
  withNumber,
  withPax,
  writeItems,
} from "./tar-items.ts";

/** What becomes of a layer: undefined when it has nothing that the cause could change. */
export interface Spoiled {
  readonly tar: Buffer;
  /** The blob, where it is not to be compressed as Lockstep does. */
  readonly blob?: Buffer;
  /** The end of its media type, where it is not gzip: `zstd`, or empty for none. */
  readonly suffix?: "zstd" | "";
}

export interface LayerCause {
  /** What it does, for docs/sabotage.md. */
  readonly does: string;
  /** Of the archive, and the blob that it was compressed to. */
  readonly spoil: (tar: Buffer, blob: Buffer) => Spoiled | undefined;
}

type Items = readonly TarItem[];

const entries = (does: string, change: (items: Items) => Items): LayerCause => ({
  does,
  spoil: (tar) => {
    const spoiled = writeItems(change(readItems(tar)));
    return spoiled.equals(tar) ? undefined : { tar: spoiled };
  },
});

const each = (
  does: string,
  change: (item: TarItem, index: number) => TarItem,
  only: (item: TarItem) => boolean = () => true,
): LayerCause => entries(does, (items) => items.map((item, index) => (only(item) ? change(item, index) : item)));

const isLink = (item: TarItem): boolean => flagOf(item) === "2";
const mode =
  (change: (value: number, item: TarItem) => number) =>
  (item: TarItem): TarItem =>
    withNumber(item, "mode", change(numberOf(item, "mode"), item));
const owner =
  (id: number) =>
  (item: TarItem): TarItem =>
    withNumber(withNumber(item, "uid", id), "gid", id);
const later =
  (seconds: number) =>
  (item: TarItem): TarItem =>
    withNumber(item, "mtime", numberOf(item, "mtime") + seconds);
const timeOf = (items: Items): number => items.reduce((newest, item) => Math.max(newest, numberOf(item, "mtime")), 0);

/** Adds files as something that ran in the image would have left them; their directories are added where the layer has none. */
const left = (does: string, files: Readonly<Record<string, string>>): LayerCause =>
  entries(does, (items) => {
    const known = new Set(items.map((item) => nameOf(item).replace(/\/$/, "")));
    const added: TarItem[] = [];
    for (const [path, content] of Object.entries(files)) {
      const parts = path.split("/").slice(0, -1);
      for (const [index] of parts.entries()) {
        const parent = parts.slice(0, index + 1).join("/");
        if (known.has(parent)) continue;
        known.add(parent);
        added.push(newItem(`${parent}/`, Buffer.alloc(0), timeOf(items), "5"));
      }
      added.push(newItem(path, Buffer.from(content), timeOf(items)));
    }
    return [...items, ...added];
  });

const packed = (does: string, pack: (tar: Buffer, blob: Buffer) => Buffer, suffix?: Spoiled["suffix"]): LayerCause => ({
  does,
  spoil: (tar, blob) => ({ tar, blob: pack(tar, blob), ...(suffix === undefined ? {} : { suffix }) }),
});

/** A gzip member with Lockstep's header around DEFLATE data. */
function member(tar: Buffer, data: Uint8Array): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(tar), 0);
  trailer.writeUInt32LE(tar.length % 2 ** 32, 4);
  return Buffer.concat([Buffer.from("1f8b08000000000000ff", "hex"), data, trailer]);
}

const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
const accessList = Buffer.from(
  "0200000001000600ffffffff02000600e803000004000400ffffffff10000600ffffffff20000400ffffffff",
  "hex",
);

export const layerCauses: Readonly<Record<string, LayerCause>> = {
  T1: each("gives files and directories a time an hour later", later(3600)),
  T3: each("gives files a time in 2037", (item) => withNumber(item, "mtime", 2_120_000_000), isFile),
  T4: each("adds fractions to modification times", (item, index) =>
    withPax(item, { mtime: `${numberOf(item, "mtime")}.${123_456_789 + index}` }),
  ),
  T5: each("adds times of access", (item, index) =>
    withPax(item, { atime: `${numberOf(item, "mtime") + 60 + index}.5` }),
  ),
  T6: each("adds libarchive's times of creation", (item) =>
    withPax(item, { "LIBARCHIVE.creationtime": String(numberOf(item, "mtime") + 60) }),
  ),
  T22: each("gives directories the time of a later write", later(40), isDirectory),
  O1: entries("writes files in another order", (items) => [
    ...items.filter(isDirectory),
    ...items.filter((item) => !isDirectory(item)).toReversed(),
  ]),
  O3: entries("leaves the entries of directories out", (items) => items.filter((item) => !isDirectory(item))),
  O4: each("puts ./ before names", (item) => renamed(item, `./${nameOf(item)}`)),
  O7: each("writes GNU's dialect", (item) => withBytes(item, { 257: "ustar  \0" })),
  O8: each(
    "writes the bits of the file type into modes",
    mode((value, item) => value | (isDirectory(item) ? 0o40000 : 0o100000)),
    (item) => isDirectory(item) || isFile(item),
  ),
  O9: each(
    "gives extended headers the number of a process",
    (item) => ({ ...item, paxName: "./PaxHeaders.4711/file" }),
    ({ pax }) => pax.size > 0,
  ),
  O11: each("writes names of owners", (item) => withBytes(item, { 265: "root", 297: "root" })),
  O12: {
    does: "pads the archive to 10 KiB",
    spoil: (tar) => ({ tar: Buffer.concat([tar, Buffer.alloc((10_240 - (tar.length % 10_240)) % 10_240)]) }),
  },
  O13: each("writes device numbers for files", (item) => withNumber(item, "major", 8), isFile),
  O14: entries("adds a device", (items) => [
    ...items,
    withNumber(withNumber(newItem("null", Buffer.alloc(0), timeOf(items), "3", 0o666), "major", 1), "minor", 3),
  ]),
  O15: each(
    "gives symbolic links modes of their own",
    mode(() => 0o755),
    isLink,
  ),
  O23: entries("leaves symbolic links out", (items) => items.filter((item) => !isLink(item))),
  Z1: packed("writes a file name into the gzip header", (_, blob) => {
    const header = Buffer.from(blob.subarray(0, 10));
    header[3] = 8;
    return Buffer.concat([header, Buffer.from("layer.tar\0"), blob.subarray(10)]);
  }),
  Z2: packed("compresses with zlib at level 9, in one piece", (tar) => member(tar, deflateRawSync(tar, { level: 9 }))),
  Z10: packed(
    "compresses with zstd",
    (tar) => zstdCompressSync(tar, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    "zstd",
  ),
  Z11: packed("does not compress", (tar) => tar, ""),
  T7: packed("writes the time of compression into the gzip header", (_, blob) => {
    const bytes = Buffer.from(blob);
    bytes.writeUInt32LE(1_704_067_300, 4);
    return bytes;
  }),
  P1: each(
    "gives group and others the rights of umask 002",
    mode((value) => value | 0o020),
    (item) => !isLink(item),
  ),
  P2: each(
    "takes the rights of group and others away, as umask 077 does",
    mode((value) => value & 0o700),
    (item) => !isLink(item),
  ),
  P3: each(
    "sets setgid on directories",
    mode((value) => value | 0o2000),
    isDirectory,
  ),
  P4: each("gives everything to user and group 1000", owner(1000)),
  P7: each(
    "makes files setuid",
    mode((value) => value | 0o4000),
    isFile,
  ),
  P8: each(
    "gives files a capability",
    (item) => withPax(item, { "SCHILY.xattr.security.capability": capability }),
    isFile,
  ),
  P9: each("adds labels of SELinux", (item) =>
    withPax(item, { "SCHILY.xattr.security.selinux": "unconfined_u:object_r:user_home_t:s0\0" }),
  ),
  P10: each(
    "adds access control lists",
    (item) => withPax(item, { "SCHILY.xattr.system.posix_acl_access": accessList }),
    isFile,
  ),
  P11: each("adds flags of files", (item) => withPax(item, { "SCHILY.fflags": "nodump" }), isFile),
  P12: each("gives everything to the user that nobody mapped", owner(65534)),
  S1: left("leaves a machine id", { "etc/machine-id": "9f8e7d6c5b4a39281706f5e4d3c2b1a0\n" }),
  S2: left("leaves the name of a host", { "etc/hostname": "build-7\n" }),
  S3: left("leaves name servers", { "etc/resolv.conf": "nameserver 10.0.0.2\n" }),
  S5: left("leaves copies of the files of accounts", {
    "etc/passwd-": "root:x:0:0:root:/root:/bin/bash\n",
    "etc/.pwd.lock": "",
  }),
  S6: left("leaves ranges of subordinate ids", { "etc/subuid": "app:100000:65536\n" }),
  S7: left("leaves ldconfig's auxiliary cache", { "var/cache/ldconfig/aux-cache": "glibc-ld.so.auxcache-1.0\0" }),
  S9: left("leaves dpkg's old status", { "var/lib/dpkg/status-old": "Package: base-files\n" }),
  S10: left("leaves logs", { "var/log/dpkg.log": "2024-01-01 10:00:01 startup archives unpack\n" }),
  S11: left("leaves apt's lists", { "var/lib/apt/lists/lock": "" }),
  S12: left("leaves settings of apt", { "etc/apt/apt.conf.d/99builder": 'Acquire::Retries "3";\n' }),
  S13: left("leaves debconf's old answers", { "var/cache/debconf/config.dat-old": "Name: a/b\n" }),
  S18: left("leaves a cache of fonts", {
    "var/cache/fontconfig/3830d5c3ddfd5cd38a049b759396e72e-le64.cache-9": "cache",
  }),
  S23: left("leaves records of logins", { "var/log/wtmp": "", "var/log/lastlog": "" }),
  S24: left("leaves temporary files and histories", { "tmp/build.log": "done\n", "root/.bash_history": "ls\n" }),
  S25: left("leaves what belongs to a running system", { "run/mount/utab": "SRC=/dev/sda1 TARGET=/ ROOT=/\n" }),
  L2: left("leaves npm's copy of the lock file", { "app/node_modules/.package-lock.json": '{"name":"checkout"}\n' }),
  L3: left("leaves logs of npm", { "root/.npm/_logs/2024-01-01T10_00_00_000Z-debug-0.log": "0 verbose cli\n" }),
  L24: left("leaves git's own data", { "app/.git/index": "DIRC", "app/.git/HEAD": "ref: refs/heads/main\n" }),
  T15: left("leaves compiled Python", {
    "usr/lib/python3/dist-packages/__pycache__/app.cpython-311.pyc": "\xa7\r\r\n",
  }),
};

function renamed(item: TarItem, name: string): TarItem {
  const short = Buffer.byteLength(name) <= 100 && !item.pax.has("path");
  if (!short) return withPax(item, { path: name });
  const header = Buffer.from(item.header);
  header.fill(0, 0, 100);
  header.fill(0, 345, 500);
  return withBytes({ ...item, header }, { 0: Buffer.from(name).toString("latin1") });
}
