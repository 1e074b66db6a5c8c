/** What the inputs of an image are called in its evidence, by their section of the lock. */
import type { InputSection, LockEntries, LockedInputs } from "../lock/types.ts";
import { hexOf } from "../store/digest.ts";
import { basePurl, filePurl, gitLocation, gitPurl, npmPurl, packedPurl, wheelPurl } from "./purl.ts";

/** An input besides Debian packages, as SBOM and provenance name it. */
export interface Component {
  /** Key of its entry in the lock. */
  readonly key: string;
  readonly name: string;
  readonly version?: string;
  readonly purl: string;
  /** Of the bytes that were fetched, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Where it can be had, when the spec itself says so. */
  readonly location?: string;
  /** What it states of its licence, in its own words. */
  readonly license?: string;
}

interface Namer<Section extends InputSection> {
  name(key: string, entry: LockEntries[Section]): Component;
}

function stated(license: string | undefined): Pick<Component, "license"> {
  return license === undefined ? {} : { license };
}

const namers: { readonly [Section in InputSection]: Namer<Section> } = {
  bases: {
    name(reference, { digest }) {
      const last = reference.slice(reference.lastIndexOf("/") + 1);
      const name = reference.slice(0, reference.length - last.length) + last.replace(/[:@].*$/, "");
      const tag = /:([^@]*)/.exec(last.replace(/@.*$/, ""))?.[1];
      return { key: reference, name, version: digest, purl: basePurl(name, digest, tag), sha256: hexOf(digest) };
    },
  },
  git: {
    name(key, { commit, sha256 }) {
      const repository = key.slice(0, key.indexOf("#"));
      const name =
        repository
          .replace(/(?:\.git)?\/*$/, "")
          .split(/[/:]/)
          .at(-1) ?? "";
      const location = gitLocation(repository, commit);
      return {
        key,
        name: name === "." || name === "" ? "repository" : name,
        version: commit,
        purl: gitPurl(repository, name, commit),
        sha256,
        ...(location === undefined ? {} : { location }),
      };
    },
  },
  wheels: {
    name(file, { name, version, sha256, license }) {
      return { key: file, name, version, purl: wheelPurl(name, version, file), sha256, ...stated(license) };
    },
  },
  http: {
    name(url, { sha256 }) {
      const name = new URL(url).pathname.split("/").findLast((part) => part !== "") ?? new URL(url).hostname;
      return { key: url, name, purl: filePurl(name, url, sha256), sha256, location: url };
    },
  },
  npm: {
    name(key, { from, sha256, license }) {
      const [, name = key, version = ""] = /^(.+)@([^@#]+)(?:#[0-9a-f]+)?$/.exec(key) ?? [];
      const address = from?.includes("://") === true ? from : undefined;
      // A tarball of the repository is not what a registry has under its name, whatever that is.
      const purl =
        from === undefined || address !== undefined
          ? npmPurl(name, version, address)
          : packedPurl(name, version, sha256);
      const location = address === undefined ? {} : { location: address };
      return { key, name, version, purl, sha256, ...location, ...stated(license) };
    },
  },
};

/** All inputs of an image on a platform, by section and key. */
export function componentsOf(inputs: LockedInputs): readonly Component[] {
  const sections = Object.keys(namers) as InputSection[];
  return sections.flatMap((section) => {
    const namer: Namer<InputSection> = namers[section];
    return [...inputs[section]].map(([key, entry]) => namer.name(key, entry));
  });
}
