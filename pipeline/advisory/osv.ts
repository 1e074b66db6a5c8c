/** Advisories about vulnerabilities in the OSV format (schema 1.x), checked field by field as far as they are used. */
import { LockstepError, type Place } from "../host/errors.ts";

/** One bound of a range; `introduced: "0"` is before every version, `limit: "*"` after every one. */
export interface RangeEvent {
  readonly bound: "introduced" | "fixed" | "last_affected" | "limit";
  readonly version: string;
}

export interface Affected {
  /** The name without what follows a colon, and that: `Debian` and `13` of `Debian:13`. */
  readonly ecosystem: string;
  readonly release?: string;
  readonly name: string;
  /** Ranges of versions; those of Git commits are left out. */
  readonly ranges: readonly (readonly RangeEvent[])[];
  readonly versions: ReadonlySet<string>;
}

export interface Advisory {
  readonly id: string;
  /** Time of the last change, RFC 3339. */
  readonly modified: string;
  readonly withdrawn: boolean;
  /** Other names of the same vulnerability. */
  readonly aliases: readonly string[];
  /** Advisories that this one was made from, such as the CVEs of a DSA. */
  readonly upstream: readonly string[];
  /** One line; empty when there is none. */
  readonly summary: string;
  /** In the words of whoever published it: `HIGH`, `medium`. */
  readonly severity?: string;
  readonly affected: readonly Affected[];
}

type Content = Readonly<Record<string, unknown>>;

/** Reads one document and knows where in it something is wrong. */
class Reader {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  fail(path: string, must: string): LockstepError {
    return new LockstepError({
      code: "LS2213",
      message: `${path === "" ? "the advisory" : path} ${must}`,
      place: this.#place,
      hint: "take the file from the database of advisories again; its form is the OSV schema",
    });
  }

  object(value: unknown, path: string): Content {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.fail(path, "must be a mapping");
    return value as Content;
  }

  text(value: unknown, path: string): string {
    if (typeof value !== "string" || value === "") throw this.fail(path, "must be a text that is not empty");
    return value;
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw this.fail(path, "must be a list");
    return value as readonly unknown[];
  }

  texts(value: unknown, path: string): readonly string[] {
    return this.list(value, path).map((item, index) => this.text(item, `${path}[${index}]`));
  }

  time(value: unknown, path: string): string {
    const text = this.text(value, path);
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text) || Number.isNaN(Date.parse(text)))
      throw this.fail(path, "must be a time in UTC such as 2026-11-21T09:15:44Z");
    return text;
  }
}

const bounds = ["introduced", "fixed", "last_affected", "limit"] as const;

function readEvent(reader: Reader, value: unknown, path: string): RangeEvent {
  const event = reader.object(value, path);
  const named = bounds.filter((bound) => event[bound] !== undefined);
  const [bound] = named;
  if (bound === undefined || named.length > 1)
    throw reader.fail(path, `must have exactly one of ${bounds.map((name) => `"${name}"`).join(", ")}`);
  return { bound, version: reader.text(event[bound], `${path}.${bound}`) };
}

function readRange(reader: Reader, value: unknown, path: string): readonly RangeEvent[] | undefined {
  const range = reader.object(value, path);
  const type = reader.text(range["type"], `${path}.type`);
  if (!["SEMVER", "ECOSYSTEM", "GIT"].includes(type))
    throw reader.fail(`${path}.type`, "is not SEMVER, ECOSYSTEM or GIT");
  const events = reader
    .list(range["events"], `${path}.events`)
    .map((event, index) => readEvent(reader, event, `${path}.events[${index}]`));
  if (!events.some(({ bound }) => bound === "introduced"))
    throw reader.fail(`${path}.events`, 'must have at least one "introduced"');
  return type === "GIT" ? undefined : events;
}

function readAffected(reader: Reader, value: unknown, path: string): readonly Affected[] {
  const affected = reader.object(value, path);
  const ranges = reader
    .list(affected["ranges"], `${path}.ranges`)
    .map((range, index) => readRange(reader, range, `${path}.ranges[${index}]`));
  // What is affected may be commits of a repository alone.
  if (affected["package"] === undefined) return [];
  const named = reader.object(affected["package"], `${path}.package`);
  const [ecosystem = "", ...release] = reader.text(named["ecosystem"], `${path}.package.ecosystem`).split(":");
  return [
    {
      ecosystem,
      ...(release.length === 0 ? {} : { release: release.join(":") }),
      name: reader.text(named["name"], `${path}.package.name`),
      ranges: ranges.filter((range) => range !== undefined),
      versions: new Set(reader.texts(affected["versions"], `${path}.versions`)),
    },
  ];
}

/** What publishers call the severity: GitHub beside the advisory, Debian with the package. */
function severityOf(document: Content): string | undefined {
  const read = (value: unknown, field: string): string | undefined => {
    const found = typeof value === "object" && value !== null ? (value as Content)[field] : undefined;
    return typeof found === "string" && found !== "" && found !== "not yet assigned" ? found : undefined;
  };
  const affected: readonly unknown[] = Array.isArray(document["affected"]) ? document["affected"] : [];
  const urgencies = affected.map((item) =>
    typeof item === "object" && item !== null ? read((item as Content)["ecosystem_specific"], "urgency") : undefined,
  );
  return read(document["database_specific"], "severity") ?? urgencies.find((urgency) => urgency !== undefined);
}

/** Reads one advisory. Throws LS2213 with the path to what is not as the OSV schema has it; fields that are not used may be anything. */
export function readAdvisory(value: unknown, place: Place): Advisory {
  const reader = new Reader(place);
  const document = reader.object(value, "");
  const id = reader.text(document["id"], "id");
  const severity = severityOf(document);
  const withdrawn = document["withdrawn"];
  if (withdrawn !== undefined && withdrawn !== null) reader.time(withdrawn, "withdrawn");
  const summary = document["summary"];
  return {
    id,
    modified: reader.time(document["modified"], "modified"),
    withdrawn: withdrawn !== undefined && withdrawn !== null,
    aliases: reader.texts(document["aliases"], "aliases"),
    upstream: reader.texts(document["upstream"], "upstream"),
    summary: typeof summary === "string" ? (summary.split("\n")[0] ?? "").trim() : "",
    ...(severity === undefined ? {} : { severity }),
    affected: reader
      .list(document["affected"], "affected")
      .flatMap((item, index) => readAffected(reader, item, `affected[${index}]`)),
  };
}
