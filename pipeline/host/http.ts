/**
 * Node's modules for HTTP, loaded for what is used of them: an `import` reads every export at once, and some of node:http's then load a
 * second HTTP client and WebSockets, which takes as long as the module itself.
 */
import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

export const http = load("node:http") as typeof import("node:http");

/** Loaded when it is needed: TLS takes a while too. */
export function loadHttps(): typeof import("node:https") {
  return load("node:https") as typeof import("node:https");
}
