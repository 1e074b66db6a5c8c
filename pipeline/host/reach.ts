/** How near an address is: what a public registry may not send us to. */
import { BlockList, isIP } from "node:net";

/** 0: the internet. 1: a private network. 2: this machine, its link, and addresses that mean something special. */
export type Reach = 0 | 1 | 2;

function listOf(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", bits] = subnet.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

// IANA's registries of special-purpose addresses (RFC 6890). 169.254.0.0/16 has the metadata services of clouds.
const near = listOf(["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"]);
const inside = listOf([
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "fc00::/7",
  "fec0::/10",
  "64:ff9b::/96",
]);

/** The reach of an IPv4 or IPv6 address, also of an IPv4 address written as IPv6. */
export function reachOf(address: string): Reach {
  const bare = address.replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  const family = isIP(mapped) === 6 ? "ipv6" : "ipv4";
  if (near.check(mapped, family)) return 2;
  return inside.check(mapped, family) ? 1 : 0;
}

/** The host of an address as it is looked up: an IPv6 address without its brackets. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** The reach of a host that needs no looking up: a number, or a name that always means this machine. */
export function literalReach(host: string): Reach | undefined {
  if (isIP(host) !== 0) return reachOf(host);
  return /(?:^|\.)localhost\.?$/i.test(host) ? 2 : undefined;
}
