/** A shared store in builds. Most have none, and load nothing else of this room. */
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { PlannedImage } from "../build/plan.ts";
import type { Report } from "../report/report.ts";
import type { Store } from "../store/store.ts";
import { readShareSettings } from "./settings.ts";

/**
 * Pulls what images need when a shared store is configured (`pullStore`), and does nothing when there is none. That it cannot be reached, and
 * what was refused, is told and does not end the build, which fetches and makes everything itself.
 */
export async function pullWhenConfigured(
  host: Host,
  store: Store,
  report: Report,
  images: readonly PlannedImage[],
  signal: AbortSignal,
): Promise<void> {
  const { remote } = await readShareSettings(host);
  if (remote === undefined) return;
  const { pullStore } = await import("./share.ts");
  try {
    const { refused } = await pullStore(host, store, report, images, { signal, tries: 2 });
    for (const { code, message } of refused) report.warn(`${code} ${message}; it is fetched or made anew`);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === "LS1003" || error.code === "LS1004") throw error;
    report.warn(`the shared store is not used: ${error.message}`);
  }
}
