/** Looking up names so that what was checked is what is connected to: a redirect must lead no nearer than whoever sent it is. */
import { lookup as resolveName } from "node:dns";
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { literalReach, type Reach, reachOf } from "./reach.ts";

/** The reach of the nearest address that a host has; 0 when nobody here can find it by name, as behind a proxy. */
export async function reachOfHost(host: string): Promise<Reach> {
  const literal = literalReach(host);
  if (literal !== undefined) return literal;
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.reduce<Reach>((nearest, { address }) => {
    const reach = reachOf(address);
    return reach > nearest ? reach : nearest;
  }, 0);
}

/** A lookup that fails with what `refuse` gives for names with an address nearer than `limit`; `exempt` are the names of proxies. */
export function guardedLookup(
  limit: () => Reach,
  exempt: ReadonlySet<string>,
  refuse: (name: string, address: string) => Error,
): LookupFunction {
  return (name, options, callback) => {
    resolveName(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const wrong = exempt.has(name) ? undefined : addresses.find(({ address }) => reachOf(address) > limit());
      const [first] = addresses;
      if (wrong !== undefined) callback(refuse(name, wrong.address), "", 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}
