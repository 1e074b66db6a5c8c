/** Proxies for HTTP as the environment names them. */
import type { Host } from "./host.ts";

/** The variables that curl and apt know, in the form Node's agents take them. */
export function proxyEnvironment(host: Host): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ["http_proxy", "https_proxy", "no_proxy"]) {
    const value = host.env(name) ?? (name === "http_proxy" ? undefined : host.env(name.toUpperCase()));
    if (value !== undefined) found[name] = value;
  }
  return found;
}
