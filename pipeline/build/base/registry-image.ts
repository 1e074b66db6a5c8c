/** Base images as registries have them: the client behind what this room asks for. */
import type { Host } from "../../host/host.ts";
import type { Report } from "../../report/report.ts";
import type { OpenImage } from "./images.ts";

/** Opens images of registries, with the user's settings and logins. What they throw is LS32xx. */
export function registryImages(host: Host, report: Report, signal?: AbortSignal): OpenImage {
  return async (text) => {
    // Loaded now: a build that has its base in the store needs none of it.
    const [{ openRepository }, { parseReference }, { readRegistrySettings }] = await Promise.all([
      import("../../registry/repository.ts"),
      import("../../registry/reference.ts"),
      import("../../registry/settings.ts"),
    ]);
    const settings = await readRegistrySettings(host);
    const reference = parseReference(text, settings);
    const repository = await openRepository(host, reference, {
      settings,
      report,
      ...(signal === undefined ? {} : { signal }),
    });
    return {
      document: async (digest) => {
        const { bytes, descriptor } = await repository.manifest(
          digest ?? reference.digest ?? reference.tag ?? "latest",
        );
        return { bytes, mediaType: descriptor.mediaType };
      },
      blob: async (store, blob) => {
        await repository.blob(store, blob);
      },
      close: () => repository.close(),
    };
  };
}
