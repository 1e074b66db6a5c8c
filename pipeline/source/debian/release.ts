/** Release files: the signed list of a suite's indexes with their hashes (Debian repository format, "Release files"). */
import { LockstepError, type Place, type Problem } from "../../host/errors.ts";
import { parseDeb822 } from "./deb822.ts";

export interface IndexFile {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface Release {
  readonly suite: string;
  readonly codename: string;
  /** Seconds since 1970. */
  readonly date: number;
  readonly validUntil?: number;
  readonly acquireByHash: boolean;
  readonly architectures: readonly string[];
  /** Whether the Packages files of an architecture lack the packages for all. */
  readonly separateAll: boolean;
  /** Files below `dists/<suite>/`, by path: `main/binary-amd64/Packages.gz`. */
  readonly files: ReadonlyMap<string, IndexFile>;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const datePattern =
  /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:UTC|GMT|Z|\+0000)$/;

/** `Sat, 21 Nov 2026 09:15:44 UTC` as seconds since 1970; undefined when it is not such a date. */
export function parseReleaseDate(text: string): number | undefined {
  const match = datePattern.exec(text);
  if (match === null) return undefined;
  const [, day, monthName, year, hour, minute, second] = match;
  const month = months.indexOf(monthName ?? "");
  const date = new Date(Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second)));
  // A day that the month does not have would roll over into the next one.
  if (month < 0 || date.getUTCDate() !== Number(day) || Number(hour) > 23 || Number(minute) > 59) return undefined;
  return date.getTime() / 1000;
}

/** ISO 8601 in UTC with seconds: `2026-11-21T09:15:44Z`. */
export function isoDate(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** The entries of a SHA256 field: hash, size and path on each line. */
function parseFiles(value: string): ReadonlyMap<string, IndexFile> | undefined {
  const files = new Map<string, IndexFile>();
  for (const line of value.split("\n")) {
    if (line.trim() === "") continue;
    const [, sha256, size, path] = /^\s*([0-9a-f]{64})\s+(\d{1,15})\s+(\S+)$/.exec(line) ?? [];
    if (sha256 === undefined || size === undefined || path === undefined) return undefined;
    if (path.startsWith("/") || path.split("/").some((part) => part === ".." || part === "")) return undefined;
    const known = files.get(path);
    if (known !== undefined && known.sha256 !== sha256) return undefined;
    files.set(path, { sha256, size: Number(size) });
  }
  return files;
}

/** Reads the signed text of a Release file. Throws LS2309 with everything that is wrong with it. */
export function parseRelease(text: string, place: Place): Release {
  const problems: Problem[] = [];
  const wrong = (message: string): undefined => {
    const hint = "use a mirror that serves the archive's own files unchanged";
    problems.push({ code: "LS2309", message: `the release is malformed: ${message}`, place, hint });
  };
  const { stanzas, faults } = parseDeb822(text);
  for (const fault of faults) wrong(`${fault.message} (line ${fault.line} of the signed text)`);
  if (stanzas.length !== 1) wrong(`it has ${stanzas.length} stanzas instead of one`);
  const fields = stanzas[0]?.stanza ?? new Map<string, string>();
  const suite = fields.get("Suite") ?? "";
  const codename = fields.get("Codename") ?? "";
  if (codename === "") wrong("it has no Codename");
  const dateOf = (name: string): number | undefined => {
    const value = fields.get(name);
    if (value === undefined) return undefined;
    return parseReleaseDate(value) ?? wrong(`${name} "${value}" is not a date`);
  };
  if (!fields.has("Date")) wrong("it has no Date");
  const date = dateOf("Date");
  const validUntil = dateOf("Valid-Until");
  const files = parseFiles(fields.get("SHA256") ?? "");
  if (files === undefined || files.size === 0) wrong("it has no readable SHA256 list");
  if (problems.length > 0 || date === undefined || files === undefined) throw new LockstepError(problems);

  const architectures = (fields.get("Architectures") ?? "").split(/\s+/).filter(Boolean);
  return {
    suite,
    codename,
    date,
    ...(validUntil === undefined ? {} : { validUntil }),
    acquireByHash: fields.get("Acquire-By-Hash") === "yes",
    architectures,
    separateAll: architectures.includes("all") && fields.get("No-Support-for-Architecture-all") !== "Packages",
    files,
  };
}

/** How far a release may be dated ahead of this machine's clock, in seconds: one day, for clocks and time zones set wrong. */
const aheadLimit = 86_400;

export interface Expected {
  /** The code name asked for: `trixie`, `trixie-updates`, `trixie-security`. */
  readonly codename: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Date of the newest release of this suite in the lock, ISO 8601. */
  readonly notBefore?: string;
}

/** What makes a genuine release unusable: LS2307 another suite, LS2305 expired, LS2306 from the future, LS2308 older than the lock's. */
export function judgeRelease(release: Release, expected: Expected, place: Place): readonly Problem[] {
  const problems: Problem[] = [];
  const now = Math.floor(expected.now / 1000);
  if (release.codename !== expected.codename) {
    const name = release.suite === expected.codename ? `; the suite is called "${release.codename}"` : "";
    problems.push({
      code: "LS2307",
      message: `the release is for "${release.codename}", not for "${expected.codename}"${name}`,
      place,
      hint: name === "" ? "check the mirror's address" : `write the code name "${release.codename}" in the image spec`,
    });
  }
  if (release.validUntil !== undefined && release.validUntil <= now) {
    problems.push({
      code: "LS2305",
      message: `the release expired: it is valid until ${isoDate(release.validUntil)}, and now is ${isoDate(now)}`,
      place,
      hint: "the mirror is out of date (or this machine's clock is wrong); use another mirror",
    });
  }
  if (release.date > now + aheadLimit) {
    problems.push({
      code: "LS2306",
      message: `the release is dated ${isoDate(release.date)}, and now is ${isoDate(now)}`,
      place,
      hint: "set this machine's clock",
    });
  }
  if (expected.notBefore !== undefined && isoDate(release.date) < expected.notBefore) {
    problems.push({
      code: "LS2308",
      message: `the release is of ${isoDate(release.date)}, but the lock already has one of ${expected.notBefore}`,
      place,
      hint: "the mirror lags behind; use another mirror, or wait until it has caught up",
    });
  }
  return problems;
}
