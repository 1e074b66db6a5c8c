/** Packages that nobody should unpack, each with the code it must fail with: the table that the reader and the whole build are held to. */
import { constants, deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { controlTar, pax, rawAr, rawEntry, rawTar, type RawEntry, tinyDeb } from "./tiny-deb.ts";

export interface HostileDeb {
  readonly what: string;
  readonly code: "LS4001" | "LS4002" | "LS4003" | "LS4004" | "LS4005" | "LS4006" | "LS4007";
  readonly make: () => Buffer;
}

const file = (name: string, content = "x"): RawEntry => ({ name, content });
const link = (name: string, target: string): RawEntry => ({ name, flag: "2", link: target });
const hardLink = (name: string, target: string): RawEntry => ({ name, flag: "1", link: target });

function entries(
  code: HostileDeb["code"],
  table: Readonly<Record<string, readonly RawEntry[]>>,
): readonly HostileDeb[] {
  return Object.entries(table).map(([what, data]) => ({ what, code, make: () => tinyDeb({ data }) }));
}

function members(
  code: HostileDeb["code"],
  table: Readonly<Record<string, readonly Parameters<typeof rawAr>[0][number][]>>,
): readonly HostileDeb[] {
  return Object.entries(table).map(([what, list]) => ({ what, code, make: () => rawAr(list) }));
}

const version = { name: "debian-binary", content: Buffer.from("2.0\n") };
const control = { name: "control.tar", content: controlTar() };
const data = { name: "data.tar", content: rawTar([file("./usr/share/tiny/a")]) };

/** A gzip file of so many zeros, without ever having them: one compressed run of 64 MiB, repeated. */
function zerosInGzip(size: number, before: Uint8Array = new Uint8Array(0)): Buffer {
  const flush = { finishFlush: constants.Z_FULL_FLUSH, level: 9 };
  const run = deflateRawSync(Buffer.alloc(64 << 20), flush);
  const head = gzipSync("").subarray(0, 10);
  const first = before.length === 0 ? Buffer.alloc(0) : deflateRawSync(before, flush);
  // The end is never reached, so the sums in it need not be right.
  return Buffer.concat([
    head,
    first,
    ...Array.from({ length: Math.ceil(size / (64 << 20)) }, () => run),
    Buffer.alloc(10),
  ]);
}

const base256 = (value: bigint): Uint8Array => {
  const field = Buffer.alloc(12);
  let rest = BigInt.asUintN(96, value);
  for (let i = 11; i >= 0; i--, rest >>= 8n) field[i] = Number(rest & 0xffn);
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
};

const tenGigabytes = 10 * 10 ** 9;

export const hostileDebs: readonly HostileDeb[] = [
  ...entries("LS4003", {
    "a path out of the tree": [file("../x")],
    "a path out of the tree in the middle": [file("./usr/../../etc/x")],
    "an absolute path": [file("/etc/x")],
    "an absolute path in a PAX header": [pax({ path: "/etc/x" }), file("x")],
    "a path out of the tree in a GNU long name": [
      { name: "././@LongLink", flag: "L", content: "../../x\0" },
      file("x"),
    ],
    "a path out of the tree by its prefix field": [{ name: "../x", flag: "0", magic: "ustar\x0000" }],
    "a hard link out of the tree": [hardLink("./usr/a", "../../etc/shadow")],
    "a hard link to an absolute path": [hardLink("./usr/a", "/etc/shadow")],
    "a hard link to nothing": [hardLink("./usr/a", "./usr/b")],
    "a hard link to a later file": [hardLink("./usr/a", "./usr/b"), file("./usr/b")],
    "a hard link to a symbolic link": [link("./usr/b", "/etc/shadow"), hardLink("./usr/a", "./usr/b")],
    "a hard link to a directory": [{ name: "./usr/b/", flag: "5" }, hardLink("./usr/a", "./usr/b")],
    "an entry below a symbolic link": [link("./srv/x", "/etc"), file("./srv/x/passwd")],
    "an entry below a symbolic link that comes later": [file("./srv/x/passwd"), link("./srv/x", "/etc")],
    "an entry below a file": [file("./srv/x"), file("./srv/x/y")],
    "a directory below a symbolic link": [link("./srv/x", ".."), { name: "./srv/x/y/", flag: "5" }],
    "a file in place of the root": [file(".")],
    "a symbolic link in place of the root": [link(".", "/")],
  }),
  ...entries("LS4004", {
    "a character device": [{ name: "./dev/mem", flag: "3", major: 1 }],
    "a block device": [{ name: "./dev/sda", flag: "4", major: 8 }],
    "a sparse file of GNU's old form": [{ name: "./usr/a", flag: "S", content: "x" }],
    "a sparse file of GNU's PAX form": [pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), file("./usr/a")],
    "a sparse file by a header for all": [pax({ "GNU.sparse.major": "1" }, "g"), file("./usr/a")],
    "an access control list": [pax({ "SCHILY.acl.access": "user::rwx" }), file("./usr/a")],
    "an attribute in a form that is not read": [pax({ "LIBARCHIVE.xattr.security.capability": "AQ" }), file("./usr/a")],
    "a volume that goes on elsewhere": [{ name: "./usr/a", flag: "M" }],
    "a type that no standard names": [{ name: "./usr/a", flag: "Z" }],
  }),
  ...entries("LS4006", {
    "a file twice": [file("./usr/a", "good"), file("./usr/a", "evil")],
    "a file twice by other spellings": [file("./usr/a"), file("usr//./a")],
    "a file twice by the merged /usr": [file("./bin/a"), file("./usr/bin/a")],
    "a file and a symbolic link of one name": [file("./usr/a"), link("./usr/a", "/etc/shadow")],
    "a directory and a file of one name": [{ name: "./usr/a/", flag: "5" }, file("./usr/a")],
  }),
  ...entries("LS4007", {
    "a name that is not UTF-8": [{ name: Buffer.from([0x2e, 0x2f, 0x63, 0x61, 0x66, 0xe9]) }],
    "an overlong slash in a name": [{ name: Buffer.from([0x2e, 0xc0, 0xaf, 0x61]) }],
    "a symbolic link to a name that is not UTF-8": [{ name: "./usr/a", flag: "2", link: Buffer.from([0xff, 0xfe]) }],
    "a NUL in a PAX name": [pax({ path: "usr/a\0b" }), file("x")],
  }),
  ...entries("LS4002", {
    "a wrong checksum": [{ name: "./usr/a", checksum: "0001234\0" }],
    "a size that is no number": [{ name: "./usr/a", size: "12z45678901\0" }],
    "a negative size": [{ name: "./usr/a", size: base256(-1n) }],
    "a negative PAX size": [pax({ size: "-5" }), file("./usr/a")],
    "a PAX size that is no number": [pax({ size: "0x10" }), file("./usr/a")],
    "a PAX record longer than its header": [{ name: "x", flag: "x", content: "999 path=a\n" }, file("./usr/a")],
    "a PAX record without a length": [{ name: "x", flag: "x", content: "path=a\n" }, file("./usr/a")],
    "a PAX record without a value": [{ name: "x", flag: "x", content: "8 path\n\n" }, file("./usr/a")],
    "two PAX headers for one entry": [pax({ path: "usr/a" }), pax({ path: "usr/b" }), file("x")],
    "two long names for one entry": [
      { name: "././@LongLink", flag: "L", content: "usr/a\0" },
      { name: "././@LongLink", flag: "L", content: "usr/b\0" },
      file("x"),
    ],
    "a PAX header for nothing": [file("./usr/a"), pax({ path: "usr/b" })],
    "a directory with content": [{ name: "./usr/a/", flag: "5", content: rawEntry(file("./usr/hidden")) }],
    "a hard link with content": [file("./usr/a"), { ...hardLink("./usr/b", "./usr/a"), content: "other" }],
    "a symbolic link with content": [{ ...link("./usr/a", "b"), content: "other" }],
    "a symbolic link to nothing": [link("./usr/a", "")],
  }),
  ...entries("LS4005", {
    "a size beyond all numbers": [{ name: "./usr/a", size: base256(1n << 80n) }],
    "a size beyond all limits": [{ name: "./usr/a", size: base256(1n << 52n) }],
    "a PAX size beyond all limits": [pax({ size: "9000000000000000" }), file("./usr/a")],
    "a PAX header of 8 GiB": [{ name: "x", flag: "x", size: "77777777777\0" }],
    "a PAX header of negative size": [{ name: "x", flag: "x", size: base256(-512n) }],
    "a PAX header of 2 MiB": [pax({ comment: "x".repeat(2 << 20) }), file("./usr/a")],
    "a name of 5000 bytes": [pax({ path: `usr/${"a/".repeat(2500)}a` }), file("x")],
  }),
  {
    what: "10 GB of zeros in a small file",
    code: "LS4005",
    make: () => rawAr([version, control, { name: "data.tar.gz", content: zerosInGzip(tenGigabytes) }]),
  },
  {
    what: "one file of 10 GB of zeros",
    code: "LS4005",
    make: () => {
      const header = rawEntry({ name: "./usr/a", size: base256(BigInt(tenGigabytes)) });
      return rawAr([version, control, { name: "data.tar.gz", content: zerosInGzip(tenGigabytes, header) }]);
    },
  },
  {
    what: "control.tar of 10 GB of zeros",
    code: "LS4005",
    make: () => rawAr([version, { name: "control.tar.gz", content: zerosInGzip(tenGigabytes) }, data]),
  },
  ...members("LS4005", {
    "a library that says it is as large as 15 GiB": [
      version,
      control,
      {
        name: "data.tar",
        content: Buffer.concat([
          rawEntry({ name: "./usr/lib/libx.so", size: base256(15n << 30n) }),
          Buffer.from("7f454c46020101", "hex"),
          Buffer.alloc(505),
        ]),
      },
    ],
  }),
  ...members("LS4001", {
    "nothing but its first member": [version],
    "no data.tar": [version, control],
    "a member that is larger than the file": [version, control, { ...data, size: "999999999" }],
    "a file that is cut in the tar, in a whole member": [
      version,
      control,
      { name: "data.tar", content: data.content.subarray(0, 700) },
    ],
    "a member that is larger than it says": [version, control, { ...data, size: "100" }],
    "an empty data.tar": [version, control, { name: "data.tar", content: Buffer.alloc(0) }],
  }),
  ...members("LS4002", {
    "members in the wrong order": [version, data, control],
    "no debian-binary": [control, data],
    "debian-binary in the second place": [control, version, data],
    "an unknown version": [{ ...version, content: Buffer.from("3.0\n") }, control, data],
    "a debian-binary of a megabyte": [{ ...version, content: Buffer.alloc(1 << 20, "2") }, control, data],
    "a foreign member in the middle": [version, { name: "extra", content: Buffer.from("x") }, control, data],
    "a compression that is not known": [version, control, { ...data, name: "data.tar.lz4" }],
    "a compression that it does not have": [version, control, { ...data, name: "data.tar.gz" }],
    "gzip with a wrong checksum": [
      version,
      control,
      {
        name: "data.tar.gz",
        content: ((bytes: Buffer): Buffer => {
          bytes[bytes.length - 7] = (bytes[bytes.length - 7] ?? 0) ^ 1;
          return bytes;
        })(gzipSync(data.content)),
      },
    ],
    "bytes after the end of gzip": [
      version,
      control,
      { name: "data.tar.gz", content: Buffer.concat([gzipSync(data.content), Buffer.from("hidden")]) },
    ],
    "bytes after the end of zstd": [
      version,
      control,
      { name: "data.tar.zst", content: Buffer.concat([zstdCompressSync(data.content), Buffer.from("hidden")]) },
    ],
    "a member with a size that is no number": [version, control, { ...data, size: "12x" }],
    "a member with a negative size": [version, control, { ...data, size: "-100" }],
    "control.tar without control": [version, { name: "control.tar", content: rawTar([file("./postinst")]) }, data],
    "a control file that is no control file": [
      version,
      { name: "control.tar", content: rawTar([file("./control", "no fields here")]) },
      data,
    ],
    "a control field twice": [
      version,
      { name: "control.tar", content: rawTar([file("./control", "Package: a\nVersion: 1\nPackage: b\n")]) },
      data,
    ],
    "a package name that leads out of the tree": [
      version,
      { name: "control.tar", content: controlTar({ name: "../../../../etc/x" }) },
      data,
    ],
    "an architecture that leads out of the tree": [
      version,
      {
        name: "control.tar",
        content: controlTar({ fields: { "Multi-Arch": "same", Architecture: "../../../etc/x" } }),
      },
      data,
    ],
    "a control file without a version": [
      version,
      { name: "control.tar", content: rawTar([file("./control", "Package: tiny\nArchitecture: all\n")]) },
      data,
    ],
    "an entry after the end": [
      version,
      control,
      { name: "data.tar", content: Buffer.concat([data.content, rawEntry(file("./usr/hidden"))]) },
    ],
    "an entry after a lone zero block": [
      version,
      control,
      {
        name: "data.tar",
        content: Buffer.concat([rawEntry(file("./usr/a")), Buffer.alloc(512), rawTar([file("./usr/hidden")])]),
      },
    ],
  }),
  ...members("LS4006", {
    "two data.tar": [version, control, data, { ...data, name: "data.tar.gz" }],
    "two control.tar": [version, control, data, control],
    "two control files": [
      version,
      {
        name: "control.tar",
        content: rawTar([file("./control", "Package: a\nVersion: 1\n"), file("./control", "Package: b\nVersion: 1\n")]),
      },
      data,
    ],
  }),
  { what: "no ar archive", code: "LS4002", make: () => Buffer.from("PK\x03\x04 not a package at all") },
  { what: "nothing", code: "LS4002", make: () => Buffer.alloc(0) },
  {
    what: "bytes after the last member",
    code: "LS4002",
    make: () => Buffer.concat([tinyDeb({ data: [file("./usr/a")] }), Buffer.alloc(60, "x")]),
  },
];
