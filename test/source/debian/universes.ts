/** Universes of a few packages for tests of the resolver. */
import { PackagesIndex } from "../../../pipeline/source/debian/packages-index.ts";
import { type ResolveInput, resolve } from "../../../pipeline/source/debian/resolve.ts";
import { type IndexSource, Universe } from "../../../pipeline/source/debian/universe.ts";
import { type Fields, packagesText } from "./tiny-archive.ts";

export function source(packages: readonly (Fields | string)[], release = "trixie@0"): IndexSource {
  return {
    index: new PackagesIndex(Buffer.from(packagesText(packages))),
    origin: { file: "trixie/main/binary-amd64/Packages", archive: "debian", release, architecture: "amd64" },
  };
}

/** A universe of stanzas in the short form of `packagesText`; each further list is a suite that comes after. */
export function universe(...suites: readonly (readonly (Fields | string)[])[]): Universe {
  return new Universe(
    "trixie",
    "amd64",
    suites.map((packages, position) => source(packages, `suite@${position}`)),
  );
}

/** What `web` resolves to: `name version`, sorted by name. */
export function resolved(
  from: Universe,
  request: readonly string[],
  options: Partial<Omit<ResolveInput, "universe" | "request">> = {},
): readonly string[] {
  const items = resolve({
    universe: from,
    image: "web",
    base: [],
    dependencies: "all",
    implied: [],
    ...options,
    request: request.map((name, position) => ({
      name,
      place: { file: "images/web/image.yaml", line: 14, column: 9 + position },
    })),
  });
  return items.map(({ name, version }) => `${name} ${version}`);
}

/** The lines of the error that `work` throws. */
export function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("it did not throw");
}
