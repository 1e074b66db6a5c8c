/** Findings about the lint itself: suppressions that say nothing or do nothing, and files that cannot be read. */
import type { OwnRule } from "../rule.ts";

export const withoutReason: OwnRule = {
  id: "LK9001",
  title: "suppression without a reason",
  severity: "error",
  rows: ["X11"],
  why: "Whoever reads it later cannot tell whether it still holds. A suppression without a reason suppresses nothing.",
  remedy: "Write the reason behind a colon: `# lockstep-ignore LK2001: printed for people, not kept`.",
  example: {
    file: "requirements.txt",
    bad: `# lockstep-ignore LK9001\nflask==3.1.2 --hash=sha256:${"0".repeat(64)}\n`,
    good: `flask==3.1.2 --hash=sha256:${"0".repeat(64)}\n`,
  },
  on: "lint",
};

export const withoutEffect: OwnRule = {
  id: "LK9002",
  title: "suppression of nothing",
  severity: "error",
  rows: ["X11"],
  why: "What it was for is gone, or it never stood in the right place. Left there it would hide the next finding.",
  remedy: "Remove it.",
  fix: "Removes the comment; from `lockstep.lint.yaml` entries are removed by hand.",
  example: {
    file: "build.sh",
    bad: "#!/bin/sh\n# lockstep-ignore LK2001: printed for people, not kept\necho done\n",
    good: "#!/bin/sh\necho done\n",
  },
  on: "lint",
};

export const unknownRule: OwnRule = {
  id: "LK9003",
  title: "suppression of a rule that does not exist",
  severity: "error",
  rows: ["X11"],
  why: "A mistyped id suppresses nothing, and looks as if it did.",
  remedy: "Write the id of the finding, such as `LK2001`.",
  example: {
    file: "build.sh",
    bad: "#!/bin/sh\n# lockstep-ignore LK9999: there is no such rule\necho done\n",
    good: "#!/bin/sh\necho done\n",
  },
  on: "lint",
};

export const notUnderstood: OwnRule = {
  id: "LK9004",
  title: "file or script that is not understood",
  severity: "note",
  rows: ["X4"],
  why: "What cannot be read is not checked; without this note it would look as if nothing were wrong with it.",
  remedy: "Correct the syntax, or write the part that no reader understands in a file of its own.",
  example: { file: "build.sh", bad: "#!/bin/sh\nif true; then\n", good: "#!/bin/sh\nif true; then echo done; fi\n" },
  on: "lint",
};

export const ownRules: readonly OwnRule[] = [withoutReason, withoutEffect, unknownRule, notUnderstood];
