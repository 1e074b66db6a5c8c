/** Package URLs: the names that scanners look packages up by (ECMA-427). */
import type { LockedPackage } from "../lock/types.ts";
import type { Platform } from "../spec/types.ts";
import type { Digest } from "../store/digest.ts";

/** Debian releases by code name; scanners look vulnerabilities up by the number. */
const releaseNumbers: ReadonlyMap<string, string> = new Map([
  ["buster", "10"],
  ["bullseye", "11"],
  ["bookworm", "12"],
  ["trixie", "13"],
  ["forky", "14"],
]);

/** `trixie` → `13`; undefined for a suite without a number, such as `sid`. */
export function releaseNumber(suite: string): string | undefined {
  return releaseNumbers.get(suite);
}

/** Percent-encoding as ECMA-427 has it: unreserved characters and the colon stay as they are. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%3A", ":");
}

/** Qualifiers in the order of their keys; those without a value are left out. */
function qualifiers(values: Readonly<Record<string, string | undefined>>): string {
  const parts = Object.entries(values)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "")
    .toSorted((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value)}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/**
 * `pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13&upstream=openssl` (purl-spec, types "deb").
 * `upstream` names the source package where its name or version differs, in the form that Syft writes and Grype reads.
 */
export function debianPurl(item: LockedPackage, suite: string | undefined): string {
  const sameVersion = item.sourceVersion === item.version;
  const upstream = sameVersion ? item.source : `${item.source}@${item.sourceVersion}`;
  const number = suite === undefined ? undefined : releaseNumber(suite);
  return `pkg:deb/debian/${encode(item.name)}@${encode(item.version)}${qualifiers({
    arch: item.architecture,
    distro: number === undefined ? suite : `debian-${number}`,
    upstream: sameVersion && item.source === item.name ? undefined : upstream,
  })}`;
}

/** `pkg:generic/tool.tar.gz?checksum=sha256:…&download_url=…` (purl-spec, types "generic"): a file that has only its address for a name. */
export function filePurl(name: string, url: string, sha256: string): string {
  return `pkg:generic/${encode(name)}${qualifiers({ checksum: `sha256:${sha256}`, download_url: url })}`;
}

/** `pkg:npm/%40scope/name@1.0.0` (purl-spec, types "npm"), with the address where it is not that of a registry. */
export function npmPurl(name: string, version: string, address?: string): string {
  return `pkg:npm/${name.split("/").map(encode).join("/")}@${encode(version)}${qualifiers({ download_url: address })}`;
}

/** `pkg:generic/tool@1.0.0?checksum=sha256:…`: a package that was packed into the repository. */
export function packedPurl(name: string, version: string, sha256: string): string {
  return `pkg:generic/${name.split("/").map(encode).join("/")}@${encode(version)}${qualifiers({ checksum: `sha256:${sha256}` })}`;
}

/** `pkg:oci/base@sha256:…?repository_url=registry.example%2Fdistro%2Fbase&tag=1` (purl-spec, types "oci"): an image that others are built on. */
export function basePurl(name: string, digest: Digest, tag: string | undefined): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return `pkg:oci/${encode(last)}@${encode(digest)}${qualifiers({ repository_url: name, tag })}`;
}

/** `git+https://git.example/team/project@<commit>` (SPDX 2.3, 7.7); undefined for a repository without an address of its own. */
export function gitLocation(repository: string, commit: string): string | undefined {
  if (repository === ".") return undefined;
  const scp = /^([^/:]+@[^/:]+):(.*)$/.exec(repository);
  return `git+${scp === null ? repository : `ssh://${scp[1]}/${scp[2]}`}@${commit}`;
}

/** `pkg:github/owner/name@<commit>`, or `pkg:generic/name@<commit>?vcs_url=git+https://…` (purl-spec, types "github" and "generic"). */
export function gitPurl(repository: string, name: string, commit: string): string {
  const [, owner, project] =
    /^(?:https:\/\/|ssh:\/\/git@|git@)github\.com[/:]([^/]+)\/([^/]+?)(?:\.git)?\/?$/i.exec(repository) ?? [];
  if (owner !== undefined && project !== undefined)
    return `pkg:github/${encode(owner.toLowerCase())}/${encode(project.toLowerCase())}@${commit}`;
  const shown = name === "." || name === "" ? "repository" : name;
  return `pkg:generic/${encode(shown)}@${commit}${qualifiers({ vcs_url: gitLocation(repository, commit) })}`;
}

/** `pkg:pypi/requests@2.32.3?file_name=requests-2.32.3-py3-none-any.whl` (purl-spec, types "pypi"). */
export function wheelPurl(name: string, version: string, file: string): string {
  return `pkg:pypi/${encode(name)}@${encode(version)}${qualifiers({ file_name: file })}`;
}

/** `pkg:oci/web@sha256:…?arch=amd64&os=linux` (purl-spec, types "oci"): the version is the digest of the manifest. */
export function imagePurl(image: string, digest: Digest, platform: Platform): string {
  const [os, arch] = platform.split("/");
  return `pkg:oci/${encode(image)}@${encode(digest)}${qualifiers({ arch, os })}`;
}
