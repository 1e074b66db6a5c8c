/** The table of the kinds of input besides Debian packages, and what is done for every row alike. */
import type { InputEntry, InputSection, LockedInputs } from "../../lock/types.ts";
import { noInputs } from "../../lock/types.ts";
import { basesKind } from "./bases.ts";
import { gitKind } from "./git.ts";
import { httpKind } from "./http.ts";
import { npmKind } from "./npm.ts";
import { wheelsKind } from "./wheels.ts";
import type { InputKind, InputRequest, SpecSource } from "./kind.ts";

const inputKinds: { readonly [Section in InputSection]: InputKind<Section> } = {
  bases: basesKind,
  git: gitKind,
  http: httpKind,
  npm: npmKind,
  wheels: wheelsKind,
};

/** Sections in the order of their names. */
export const inputSections = Object.keys(inputKinds).toSorted() as readonly InputSection[];

/** The kind of a section, whose entries the caller takes from the same section. */
export function kindOf(section: InputSection): InputKind<InputSection> {
  return inputKinds[section];
}

/** Inputs by section; each section's entries must be of that section. */
export function inputsOf(sectionOf: (section: InputSection) => ReadonlyMap<string, InputEntry>): LockedInputs {
  const sections = Object.fromEntries(inputSections.map((section) => [section, sectionOf(section)]));
  return { ...noInputs, ...sections } as LockedInputs;
}

/** What all images ask for, by section, as far as a lock says what leads to what. */
export function inputRequests(
  source: SpecSource,
  lock: LockedInputs,
): ReadonlyMap<InputSection, readonly InputRequest[]> {
  return new Map(inputSections.map((section) => [section, kindOf(section).requests(source, lock[section])]));
}
