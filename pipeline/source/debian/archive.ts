/** Opens a suite of Debian's archive: its signed releases, and the package indexes they vouch for. */
import type { Key } from "openpgp";
import { LockstepError, type Place, type Problem, messageOf, systemCode } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import type { DebianArchive, LockedRelease } from "../../lock/types.ts";
import { releaseKey } from "../../lock/types.ts";
import type { Report } from "../../report/report.ts";
import { digestOf, hexOf } from "../../store/digest.ts";
import type { Store } from "../../store/store.ts";
import { addressBelow, shownAddress } from "../address.ts";
import { backOff } from "../../host/back-off.ts";
import type { Transport } from "../http.ts";
import type { Mirrors } from "./mirrors.ts";
import { type Release, isoDate, judgeRelease, parseRelease } from "./release.ts";
import { verifyClearsigned } from "./signature.ts";

/** A release whose signature is good, with the form the lock keeps of it. */
export interface VerifiedRelease {
  readonly key: string;
  readonly locked: LockedRelease;
  readonly release: Release;
}

export interface SuitePart {
  readonly archive: DebianArchive;
  /** Code name of the part: `trixie-updates`. */
  readonly suite: string;
}

/** Suites without updates and security suites of their own. */
const rolling = new Set(["sid"]);

/** What a suite consists of, in the order in which equal versions win. */
export function partsOf(suite: string): readonly SuitePart[] {
  if (rolling.has(suite)) return [{ archive: "debian", suite }];
  return [
    { archive: "debian", suite },
    { archive: "debian", suite: `${suite}-updates` },
    { archive: "debian-security", suite: `${suite}-security` },
  ];
}

/** A release is some 150 kB; far more is not one. */
const releaseLimit = 8 << 20;

export interface ArchiveAccess {
  readonly host: Host;
  readonly store: Store;
  readonly report: Report;
  readonly transport: Transport;
  readonly mirrors: Mirrors;
  readonly keys: readonly Key[];
  readonly signal?: AbortSignal;
}

type Answer =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "gone" | "broken"; readonly reason: string };

async function get(access: ArchiveAccess, address: string): Promise<Answer> {
  try {
    const opened = await access.transport.open(address, 0, access.signal);
    if (opened.kind === "status") {
      const kind = opened.status === 404 || opened.status === 410 ? "gone" : "broken";
      return { kind, reason: `answers ${opened.status}` };
    }
    if (opened.kind === "misled") return { kind: "broken", reason: opened.reason };
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of opened.body) {
      size += chunk.length;
      if (size > releaseLimit) return { kind: "broken", reason: `has more than ${releaseLimit} bytes` };
      chunks.push(chunk);
    }
    return { kind: "bytes", bytes: Buffer.concat(chunks) };
  } catch (error) {
    return { kind: "broken", reason: systemCode(error) ?? messageOf(error) };
  }
}

async function verifyRelease(
  access: ArchiveAccess,
  part: SuitePart,
  bytes: Buffer,
  place: Place,
  notBefore: string | undefined,
): Promise<VerifiedRelease> {
  const now = access.host.now();
  const { text, signedBy } = await verifyClearsigned(bytes, access.keys, now, place);
  const release = parseRelease(text, place);
  const expected = { codename: part.suite, now, ...(notBefore === undefined ? {} : { notBefore }) };
  const problems = judgeRelease(release, expected, place);
  if (problems.length > 0) throw new LockstepError(problems);
  const locked: LockedRelease = {
    suite: part.suite,
    archive: part.archive,
    date: isoDate(release.date),
    sha256: hexOf(digestOf(bytes)),
    signedBy,
  };
  // Kept so that a later `pin --only` can look up what an earlier release said.
  await access.store.put(bytes);
  return { key: releaseKey(locked), locked, release };
}

/** How often every mirror is asked for a release. */
const tries = 3;

/**
 * The current release of one part of a suite, from the first mirror with one that holds. `notBefore`: date of the newest one in the lock.
 * Throws the problems of every mirror (LS23xx), LS3103 when no mirror has the suite, LS3102 when none can be reached.
 */
export async function fetchRelease(
  access: ArchiveAccess,
  part: SuitePart,
  notBefore: string | undefined,
  asked: Place | undefined,
): Promise<VerifiedRelease> {
  const bad = new Map<string, readonly Problem[]>();
  const gone = new Set<string>();
  const broken = new Map<string, string>();
  for (let round = 1; round <= tries; round++) {
    for (const base of access.mirrors[part.archive]) {
      const address = addressBelow(base, `dists/${part.suite}/InRelease`);
      if (bad.has(address) || gone.has(address)) continue;
      const answer = await get(access, address);
      if (access.signal?.aborted === true) throw new LockstepError({ code: "LS1003", message: "interrupted" });
      if (answer.kind === "gone") gone.add(address);
      if (answer.kind === "broken") broken.set(address, answer.reason);
      if (answer.kind !== "bytes") continue;
      broken.delete(address);
      try {
        return await verifyRelease(access, part, answer.bytes, { file: shownAddress(address) }, notBefore);
      } catch (error) {
        if (!(error instanceof LockstepError) || error.exitCode !== 3) throw error;
        bad.set(address, error.problems);
        access.report.detail(`passing over a mirror: ${error.message}`);
      }
    }
    if (broken.size === 0) break;
    if (round < tries) await access.host.sleep(backOff(access.host, round), access.signal);
  }
  if (bad.size > 0) throw new LockstepError([...bad.values()].flat());
  const place = asked === undefined ? {} : { place: asked };
  if (broken.size === 0) {
    throw new LockstepError({
      code: "LS3103",
      message: `suite "${part.suite}" is not in the archive "${part.archive}" (${[...gone].map(shownAddress).join(", ")})`,
      ...place,
      hint: "check the name of the suite; a suite that Debian no longer supports is on archive mirrors only",
    });
  }
  const reasons = [...broken].map(([address, reason]) => `${shownAddress(address)} ${reason}`);
  throw new LockstepError({
    code: "LS3102",
    message: `the release of ${part.suite} cannot be downloaded: ${reasons.join("; ")}`,
    ...place,
    hint: "check the network, or set another mirror (LOCKSTEP_DEBIAN_MIRROR)",
  });
}
