/** Debian's name of the architecture of a platform. */
import type { Platform } from "../spec/types.ts";

export function architectureOf(platform: Platform): "amd64" | "arm64" {
  return platform === "linux/amd64" ? "amd64" : "arm64";
}
