/** The runtime configuration of an image, and what of its base's it inherits. */
import type { RuntimeConfig } from "../image/oci.ts";
import type { ConfigSpec } from "../spec/types.ts";
import { comparePaths } from "../tree/entry.ts";

function sortedSet(
  base: Readonly<Record<string, unknown>> | undefined,
  own: readonly string[],
): Record<string, Record<string, never>> | undefined {
  const names = new Set([...Object.keys(base ?? {}), ...own]);
  return names.size === 0 ? undefined : Object.fromEntries([...names].toSorted(comparePaths).map((name) => [name, {}]));
}

/** The base's variables in their order, changed in place where the image gives another value, then the image's own. */
function mergeEnv(base: readonly string[], own: Readonly<Record<string, string>>): readonly string[] {
  const merged = new Map(base.map((text) => [text.slice(0, text.indexOf("=")), text] as const));
  for (const [name, value] of Object.entries(own)) merged.set(name, `${name}=${value}`);
  return [...merged.values()];
}

/**
 * What an image says wins; what it leaves out is its base's. Variables and labels are merged by name, ports and volumes are united.
 * An image that gives an entrypoint does not inherit a command: it was meant for another program.
 */
export function resolveConfig(own: ConfigSpec, base: RuntimeConfig = {}): RuntimeConfig {
  const cmd = own.cmd ?? (own.entrypoint === undefined ? base.Cmd : undefined);
  const env = mergeEnv(base.Env ?? [], own.env);
  const labels = { ...base.Labels, ...own.labels };
  const members: { -readonly [Name in keyof RuntimeConfig]: RuntimeConfig[Name] | undefined } = {
    User: own.user ?? base.User,
    ExposedPorts: sortedSet(base.ExposedPorts, own.ports),
    Env: env.length === 0 ? undefined : env,
    Entrypoint: own.entrypoint ?? base.Entrypoint,
    Cmd: cmd,
    Volumes: sortedSet(base.Volumes, own.volumes),
    WorkingDir: own.workdir ?? base.WorkingDir,
    Labels: Object.keys(labels).length === 0 ? undefined : labels,
    StopSignal: own.stopSignal ?? base.StopSignal,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as RuntimeConfig;
}
