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
  // 22xx the lock
  LS2202: { title: "lock holds the marks of an unfinished merge", exit: 3 },
  LS2203: { title: "lock is not readable JSON", exit: 3 },
  LS2204: { title: "version of the lock is not known", exit: 3 },
  LS2205: { title: "entry of the lock is malformed", exit: 3 },
  LS2206: { title: "entry of the lock was edited by hand", exit: 3 },
  LS2207: { title: "entry of the lock refers to one that is not there", exit: 3 },
  LS2208: { title: "entry of the lock is not used", exit: 3 },
  LS2209: { title: "entry of the lock is there twice", exit: 3 },
  LS2210: { title: "lock is not in its canonical form", exit: 3 },
  // 30xx the store
  LS3001: { title: "blob in the store is corrupt", exit: 4 },
  LS3002: { title: "blob is not in the store", exit: 4 },
  LS3003: { title: "bytes are not those that were expected", exit: 3 },
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
  LS4102: { title: "no compressor of this runtime gives the specified bytes", exit: 4 },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof codes;
