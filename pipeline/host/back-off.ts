/** How long to wait before something that failed is tried again. */
import type { Host } from "./host.ts";

/** Milliseconds to wait before try number `attempt` (1, 2, …): twice as long each time, spread by half either way. */
export function backOff(host: Host, attempt: number): number {
  const spread = Number.parseInt(host.token(2), 16) / 0xffff;
  return Math.min(500 * 2 ** (attempt - 1), 15_000) * (0.5 + spread);
}
