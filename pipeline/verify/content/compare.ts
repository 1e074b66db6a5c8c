/** Compares the contents of one path, known to differ, down to the innermost difference that can be seen. */
import type { Finding } from "../compare/finding.ts";
import { compareBytes } from "./bytes.ts";
import type { Pair } from "./format.ts";

/** Where the findings of a content go; `inside` are the names that lead from the path to the place. */
export interface ContentSink {
  found(inside: readonly string[], field: string, finding: Omit<Finding, "where">): void;
  unread(inside: readonly string[], reason: string): void;
}

/** Compares two contents; at least one finding comes of it when they differ. */
export async function compareContent(pair: Pair, sink: ContentSink): Promise<void> {
  compareBytes(pair, (field, finding) => sink.found([], field, { format: "bytes", ...finding }));
}
