/** A binary package of an archive, as its stanza in a Packages file describes it: what resolving and locking need. */
import { LockstepError } from "../../host/errors.ts";
import type { DebianArchitecture, DebianArchive } from "../../lock/types.ts";
import { parseDeb822 } from "./deb822.ts";
import { type Clause, type Relation, appliesTo, parseRelations, versionFits } from "./relations.ts";
import { isVersion } from "./version.ts";

interface Provided {
  readonly name: string;
  /** Absent when the package provides no particular version. */
  readonly version?: string;
}

/** A package that must not be there at the same time. */
export interface Negative {
  readonly field: "Conflicts" | "Breaks";
  readonly relation: Relation;
}

export interface Candidate {
  readonly name: string;
  readonly version: string;
  readonly architecture: DebianArchitecture;
  readonly source: string;
  readonly sourceVersion: string;
  readonly archive: DebianArchive;
  /** Key of the release that vouches for it (`releaseKey`). */
  readonly release: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Bytes once installed, as the index states them; whole KiB. */
  readonly installedSize?: number;
  readonly essential: boolean;
  /** 0 required, 1 important, 2 standard, 3 optional, 4 extra or unknown. */
  readonly priority: number;
  readonly multiArch: "no" | "same" | "foreign" | "allowed";
  /** Pre-Depends, then Depends, in their order. */
  readonly depends: readonly Clause[];
  readonly conflicts: readonly Negative[];
  readonly provides: readonly Provided[];
}

/** Whether a package is what a relation names, by its own name or by one that it provides (Debian Policy, sections 7.1 and 7.5). */
export function matches(relation: Relation, candidate: Candidate): boolean {
  // One architecture only: `:native` and the architecture's own name always fit, `:any` needs the package's consent.
  if (relation.qualifier === "any" && candidate.multiArch !== "allowed") return false;
  if (relation.name === candidate.name && versionFits(relation, candidate.version)) return true;
  return candidate.provides.some(({ name, version }) => name === relation.name && versionFits(relation, version));
}

/** Which index a stanza comes from. */
export interface IndexOrigin {
  /** `trixie/main/binary-amd64/Packages`, for messages. */
  readonly file: string;
  readonly archive: DebianArchive;
  readonly release: string;
  readonly architecture: Exclude<DebianArchitecture, "all">;
}

const priorities = ["required", "important", "standard", "optional"];
const namePattern = /^[a-z0-9][a-z0-9+.-]*$/;
const pathPattern = /^pool(?:\/[A-Za-z0-9+.~:_%-]+)+\.deb$/;
/** The source package of a binary package; `source` is empty when the field is malformed (Debian Policy, section 5.6.1). */
export function sourceOf(
  field: string | undefined,
  name: string,
  version: string,
): { readonly source: string; readonly sourceVersion: string } {
  const match = sourcePattern.exec(field === undefined || field === "" ? name : field);
  return { source: match?.[1] ?? "", sourceVersion: match?.[2] ?? version };
}

const sourcePattern = /^([a-z0-9][a-z0-9+.-]*)(?:\s+\(([^()\s]+)\))?$/;

function isMultiArch(text: string): text is Candidate["multiArch"] {
  return text === "no" || text === "same" || text === "foreign" || text === "allowed";
}

/**
 * Reads a stanza of a Packages file. Throws LS2101 when a field that is needed is missing or malformed: the index is signed,
 * so that is a fault of the archive, but nothing of it goes unchecked into a path or a lock.
 */
export function parseCandidate(text: string, origin: IndexOrigin): Candidate {
  const { stanzas, faults } = parseDeb822(text);
  const fields = stanzas[0]?.stanza ?? new Map<string, string>();
  const field = (name: string): string => fields.get(name) ?? "";
  const malformed = (what: string): LockstepError =>
    new LockstepError({
      code: "LS2101",
      message: `package "${field("Package")}": ${what}`,
      place: { file: origin.file },
      hint: "the archive's index is at fault; try another mirror, or wait until the archive is corrected",
    });
  if (faults[0] !== undefined) throw malformed(faults[0].message);
  const relations = (name: string): readonly Clause[] => {
    const clauses = parseRelations(field(name));
    if (clauses === undefined) throw malformed(`${name} is not a list of relations`);
    return clauses
      .map((clause) => clause.filter((relation) => appliesTo(relation, origin.architecture)))
      .filter((clause) => clause.length > 0);
  };

  const name = field("Package");
  const version = field("Version");
  const architecture = field("Architecture");
  if (!namePattern.test(name)) throw malformed("the name is not one that Debian allows");
  if (!isVersion(version)) throw malformed(`"${version}" is not a version`);
  if (architecture !== origin.architecture && architecture !== "all") {
    throw malformed(`architecture "${architecture}" is not ${origin.architecture} or all`);
  }
  const path = field("Filename").replace(/^\.\//, "");
  if (!pathPattern.test(path) || path.split("/").some((part) => /^\.+$/.test(part))) {
    throw malformed(`"${path}" is not a path of the pool`);
  }
  const size = /^\d{1,15}$/.test(field("Size")) ? Number(field("Size")) : 0;
  if (size === 0) throw malformed(`"${field("Size")}" is not a size in bytes`);
  const sha256 = field("SHA256");
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw malformed("there is no SHA256");
  const { source, sourceVersion } = sourceOf(field("Source"), name, version);
  if (source === "" || !isVersion(sourceVersion)) throw malformed(`"${field("Source")}" is not a source package`);
  const multiArch = field("Multi-Arch") || "no";
  if (!isMultiArch(multiArch)) throw malformed(`Multi-Arch "${multiArch}" is not known`);
  const rank = priorities.indexOf(field("Priority"));
  const installed = field("Installed-Size");

  return {
    name,
    version,
    architecture,
    source,
    sourceVersion,
    archive: origin.archive,
    release: origin.release,
    path,
    size,
    sha256,
    ...(/^\d{1,12}$/.test(installed) ? { installedSize: Number(installed) * 1024 } : {}),
    essential: field("Essential") === "yes",
    priority: rank < 0 ? priorities.length : rank,
    multiArch,
    depends: [...relations("Pre-Depends"), ...relations("Depends")],
    conflicts: (["Conflicts", "Breaks"] as const).flatMap((kind) =>
      relations(kind)
        .flat()
        .map((relation) => ({ field: kind, relation })),
    ),
    provides: relations("Provides")
      .flat()
      .filter((relation) => relation.version === undefined || relation.version.relation === "=")
      .map((relation) =>
        relation.version === undefined
          ? { name: relation.name }
          : { name: relation.name, version: relation.version.bound },
      ),
  };
}
