/** Debian's own archive, for tests that hold the program against it: on the mirrors that the program finds on this machine. */
import { createHost, type Host } from "../../../pipeline/host/host.ts";
import { type Mirrors, findMirrors } from "../../../pipeline/source/debian/mirrors.ts";
import { parseReleaseDate } from "../../../pipeline/source/debian/release.ts";
import { addressBelow } from "../../../pipeline/source/address.ts";
import { Transport } from "../../../pipeline/source/http.ts";
import { collect } from "../../support.ts";

export interface RealArchive {
  /** Its clock stands at the time of the mirror, so that one that is not updated any more can be used in tests. */
  readonly host: Host;
  readonly mirrors: Mirrors;
}

/** An `InRelease` file as a mirror serves it. */
export async function readInRelease(host: Host, base: string, suite: string): Promise<Buffer> {
  const transport = new Transport(host);
  try {
    const opened = await transport.open(addressBelow(base, `dists/${suite}/InRelease`));
    if (opened.kind !== "body") throw new Error(`${suite}: ${JSON.stringify(opened)}`);
    return await collect(opened.body);
  } finally {
    transport.close();
  }
}

/** The archive, or why there is none. */
export async function realArchive(): Promise<RealArchive | string> {
  const host = createHost();
  try {
    const mirrors = await findMirrors(host);
    const text = (await readInRelease(host, mirrors.debian[0] ?? "", "trixie-updates")).toString();
    const date = parseReleaseDate(/^Date: (.*)$/m.exec(text)?.[1] ?? "");
    if (date === undefined) return "the mirror's release has no date";
    const now = Math.min(host.now(), (date + 86_400) * 1000);
    return { host: { ...host, now: () => now }, mirrors };
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : "no Debian mirror";
  }
}
