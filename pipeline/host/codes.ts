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
