/** The table of error codes. Each has a page in docs/errors; ranges are by room, and a code is never used again for something else. */
import type { ExitCode } from "./errors.ts";

interface CodeEntry {
  readonly title: string;
  readonly exit: Exclude<ExitCode, 0>;
}

export const codes = {
  // 10xx the machine and the command line
  LS1000: { title: "internal error", exit: 4 },
  LS1001: { title: "the launcher cannot start", exit: 4 },
  LS1002: { title: "wrong usage of a command", exit: 2 },
  LS1003: { title: "interrupted", exit: 4 },
  LS1004: { title: "no space, or no permission to write", exit: 4 },
  LS1005: { title: "environment variable has an unusable value", exit: 3 },
  LS1006: { title: "not a Lockstep repository", exit: 3 },
  // 20xx the image spec
  LS2001: { title: "file is not readable YAML", exit: 3 },
  LS2002: { title: "key is written twice", exit: 3 },
  LS2003: { title: "unknown key", exit: 3 },
  LS2004: { title: "value is of the wrong type", exit: 3 },
  LS2005: { title: "required key is missing", exit: 3 },
  LS2006: { title: "document is outside its limits", exit: 3 },
  LS2007: { title: "value is not allowed", exit: 3 },
  LS2008: { title: "mode is not a quoted octal number", exit: 3 },
  LS2009: { title: "folder in images/ has no image.yaml", exit: 3 },
  LS2010: { title: "image is not named like its folder", exit: 3 },
  LS2011: { title: "base image does not exist", exit: 3 },
  LS2012: { title: "images are based on each other in a circle", exit: 3 },
  LS2013: { title: "image is built for a platform its base is not", exit: 3 },
  LS2014: { title: "Debian layer does not fit the base image", exit: 3 },
  LS2015: { title: "files to copy are not there", exit: 3 },
  LS2016: { title: "files to copy are outside the repository", exit: 3 },
  LS2017: { title: "path in the image is not usable", exit: 3 },
  LS2018: { title: "path in the image is reserved", exit: 3 },
  LS2019: { title: "user or group is declared twice", exit: 3 },
  LS2020: { title: "user or group refers to one that does not exist", exit: 3 },
  LS2021: { title: "value is listed twice", exit: 3 },
  LS2022: { title: "path in the image is declared twice", exit: 3 },
  LS2023: { title: "image has more than one Debian layer", exit: 3 },
  // 21xx Debian packages: indexes and resolving
  LS2101: { title: "package index is malformed", exit: 3 },
  LS2102: { title: "dependency cannot be satisfied", exit: 3 },
  LS2103: { title: "package is not in the suite", exit: 3 },
  LS2104: { title: "packages exclude each other", exit: 3 },
  LS2105: { title: "package versions differ between platforms", exit: 3 },
  LS2106: { title: "cannot pin only that", exit: 3 },
  LS2107: { title: "packages cannot be resolved in reasonable time", exit: 3 },
  // 22xx the lock
  LS2201: { title: "lock is out of date", exit: 3 },
  LS2202: { title: "lock holds the marks of an unfinished merge", exit: 3 },
  LS2203: { title: "lock is not readable JSON", exit: 3 },
  LS2204: { title: "version of the lock is not known", exit: 3 },
  LS2205: { title: "entry of the lock is malformed", exit: 3 },
  LS2206: { title: "entry of the lock was edited by hand", exit: 3 },
  LS2207: { title: "entry of the lock refers to one that is not there", exit: 3 },
  LS2208: { title: "entry of the lock is not used", exit: 3 },
  LS2209: { title: "entry of the lock is there twice", exit: 3 },
  LS2210: { title: "lock is not in its canonical form", exit: 3 },
  // 23xx signed Release files
  LS2301: { title: "release is not signed, or not in the one allowed form", exit: 3 },
  LS2302: { title: "signature of the release is wrong", exit: 3 },
  LS2303: { title: "release is signed by no trusted key", exit: 3 },
  LS2304: { title: "key that signed the release is not valid", exit: 3 },
  LS2305: { title: "release has expired", exit: 3 },
  LS2306: { title: "release is dated in the future", exit: 3 },
  LS2307: { title: "release is for another suite", exit: 3 },
  LS2308: { title: "release is older than the one in the lock", exit: 3 },
  LS2309: { title: "release is malformed", exit: 3 },
  LS2310: { title: "key of the archive is not readable", exit: 3 },
  // 24xx files of the system, in place of maintainer scripts
  LS2401: { title: "two accounts have one id", exit: 3 },
  LS2402: { title: "account has another id already", exit: 3 },
  LS2403: { title: "no id is free for a system account", exit: 3 },
  LS2404: { title: "CA certificate cannot be read", exit: 3 },
  LS2405: { title: "work of a maintainer script is not done", exit: 1 },
  // 30xx the store
  LS3001: { title: "blob in the store is corrupt", exit: 4 },
  LS3002: { title: "blob is not in the store", exit: 4 },
  LS3003: { title: "bytes are not those that were expected", exit: 3 },
  // 31xx mirrors and downloads
  LS3101: { title: "no Debian mirror is configured", exit: 4 },
  LS3102: { title: "files cannot be downloaded", exit: 4 },
  LS3103: { title: "archive no longer has a file", exit: 4 },
  LS3104: { title: "mirror sent other bytes than those that are pinned", exit: 3 },
  LS3105: { title: "mirror setting is not usable", exit: 3 },
  // 40xx archives that are read
  LS4001: { title: "archive is truncated", exit: 3 },
  LS4002: { title: "archive is malformed", exit: 3 },
  LS4003: { title: "archive entry would leave the tree", exit: 3 },
  LS4004: { title: "archive entry of a kind that is not allowed", exit: 3 },
  LS4005: { title: "archive is larger than its limits", exit: 3 },
  LS4006: { title: "archive names one path twice", exit: 3 },
  LS4007: { title: "archive entry name is not valid UTF-8", exit: 3 },
  // 41xx bytes that are written
  LS4101: { title: "entry cannot be written as tar", exit: 3 },
  // 42xx what the parts of an image do to each other
  LS4201: { title: "two parts of an image have the same file", exit: 3 },
  LS4202: { title: "two packages disagree about a directory", exit: 3 },
  LS4203: { title: "a path is a directory in one layer and not in another", exit: 3 },
  // 50xx verify
  LS5001: { title: "the rebuild gave another digest", exit: 1 },
  LS5002: { title: "the rebuild could not be carried out", exit: 4 },
  LS5003: { title: "a layout is damaged", exit: 4 },
  // 60xx keys and signing
  LS6001: { title: "signing key is inside the repository", exit: 3 },
  LS6002: { title: "signing key is not kept private", exit: 3 },
  LS6003: { title: "key is not a P-256 key", exit: 3 },
  LS6004: { title: "public key does not belong to the private key beside it", exit: 3 },
  LS6005: { title: "build that did not reproduce is not attested", exit: 1 },
  // 61xx verifying evidence
  LS6101: { title: "bundle is malformed", exit: 3 },
  LS6102: { title: "signature does not hold", exit: 1 },
  LS6103: { title: "bundle is signed by a key that is not trusted", exit: 1 },
  LS6104: { title: "statement is about something else", exit: 1 },
  LS6105: { title: "signed payload is not an in-toto statement", exit: 1 },
  LS6106: { title: "statement is of another kind", exit: 1 },
  // 70xx the delivery model
  LS7001: { title: "app names an image that is not in the repository", exit: 3 },
  LS7002: { title: "tag is not a semantic version", exit: 3 },
  LS7003: { title: "request is larger than the limit", exit: 3 },
  LS7004: { title: "disruption budget can never allow an eviction", exit: 3 },
  LS7005: { title: "app is not named like its file", exit: 3 },
  LS7006: { title: "two apps share a namespace", exit: 3 },
  LS7007: { title: "image would not start under the restricted pod security standard", exit: 3 },
  LS7008: { title: "port is not one the image declares", exit: 3 },
  LS7009: { title: "network flow names an app that does not exist", exit: 3 },
  LS7010: { title: "network flow is allowed on one side only", exit: 3 },
  LS7011: { title: "quantity is not usable", exit: 3 },
  LS7012: { title: "image has no digest to pin", exit: 3 },
  LS7013: { title: "delivery settings are not there", exit: 3 },
  // 71xx the rendered tree
  LS7101: { title: "rendered file is stale", exit: 1 },
  LS7102: { title: "rendered file is missing", exit: 1 },
  LS7103: { title: "file in the rendered tree is not rendered", exit: 1 },
  LS7104: { title: "rendered tree is not made of plain files and directories", exit: 3 },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof codes;
