import { lookup } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { guardedLookup, reachOfHost } from "../../pipeline/host/guarded-lookup.ts";
import { type Reach, reachOf } from "../../pipeline/host/reach.ts";

function look(limit: Reach, exempt: readonly string[] = []): Promise<string> {
  const guarded = guardedLookup(
    () => limit,
    new Set(exempt),
    (name, address) => new Error(`${name} is ${address}`),
  );
  return new Promise((resolve) => {
    guarded("localhost", { all: true }, (error, addresses) => {
      const found = addresses as string | LookupAddress[];
      resolve(error === null ? `found ${typeof found === "string" ? found : found.length}` : error.message);
    });
  });
}

describe("a guarded lookup", () => {
  it("gives no address that is nearer than it may be", async () => {
    expect(await look(0)).toMatch(/^localhost is (127\.|::1)/);
    expect(await look(1)).toMatch(/^localhost is (127\.|::1)/);
    expect(await look(2)).toMatch(/^found [1-9]/);
    expect(await look(0, ["localhost"])).toMatch(/^found [1-9]/);
  });

  it("knows how near a host is, by all of its addresses", async () => {
    expect(await reachOfHost("127.0.0.1")).toBe(2);
    expect(await reachOfHost("10.1.2.3")).toBe(1);
    expect(await reachOfHost("192.0.2.1")).toBe(0);
    expect(await reachOfHost("no-such-name.invalid")).toBe(0);
    const own = await lookup(hostname(), { all: true }).catch(() => []);
    expect(await reachOfHost(hostname())).toBe(Math.max(0, ...own.map(({ address }) => reachOf(address))));
  });
});
