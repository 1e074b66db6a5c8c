/** What wheels are chosen for: a version of CPython on a platform with a version of glibc; its tags and what markers say of it. */
import type { Platform } from "../../spec/types.ts";

export interface PythonTarget {
  readonly platform: Platform;
  /** `3.13`, or `3.13.5` where markers ask for more than the minor version. */
  readonly python: string;
  /** `2.41`. */
  readonly glibc: string;
}

const machines: Readonly<Record<Platform, string>> = { "linux/amd64": "x86_64", "linux/arm64": "aarch64" };

/** Names that were given to manylinux by year, by the version of glibc they mean (PEP 600, "Legacy manylinux tags"). */
const legacy: Readonly<Record<number, string>> = { 5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014" };

/** Platform tags from the newest to the oldest glibc (PEP 600), then the one that promises nothing. */
function platformTags({ platform, glibc }: PythonTarget): readonly string[] {
  const machine = machines[platform];
  // The oldest glibc that any tag names: x86-64 has builds for CentOS 5, 64-bit Arm begins with CentOS 7.
  const oldest = platform === "linux/amd64" ? 5 : 17;
  const tags: string[] = [];
  for (let minor = Number(glibc.split(".")[1] ?? 0); minor >= oldest; minor--) {
    tags.push(`manylinux_2_${minor}_${machine}`);
    const year = legacy[minor];
    if (year !== undefined) tags.push(`${year}_${machine}`);
  }
  return [...tags, `linux_${machine}`];
}

/** The tags a target takes, the best first (platform compatibility tags specification; the order is that of pip). */
export function supportedTags(target: PythonTarget): readonly string[] {
  const minor = Number(target.python.split(".")[1] ?? 0);
  const platforms = platformTags(target);
  const on = (prefix: string): readonly string[] => platforms.map((platform) => `${prefix}-${platform}`);
  const older = Array.from({ length: minor - 2 }, (_, i) => minor - 1 - i);
  const versions = [`py3${minor}`, "py3", ...Array.from({ length: minor }, (_, i) => `py3${minor - 1 - i}`)];
  return [
    ...on(`cp3${minor}-cp3${minor}`),
    ...on(`cp3${minor}-abi3`),
    ...on(`cp3${minor}-none`),
    ...older.flatMap((it) => on(`cp3${it}-abi3`)),
    ...versions.flatMap((version) => on(`${version}-none`)),
    `cp3${minor}-none-any`,
    ...versions.map((version) => `${version}-none-any`),
  ];
}

/**
 * What markers may ask for (dependency specifiers specification, "Environment markers"). Absent is what depends on the machine that an
 * image will run on, and the full version where only the minor one is known.
 */
export function markerEnvironment({ platform, python }: PythonTarget): ReadonlyMap<string, string> {
  const [major = "3", minor = "0", micro] = python.split(".");
  return new Map([
    ["os_name", "posix"],
    ["sys_platform", "linux"],
    ["platform_machine", machines[platform]],
    ["platform_python_implementation", "CPython"],
    ["platform_system", "Linux"],
    ["python_version", `${major}.${minor}`],
    ["implementation_name", "cpython"],
    ...(micro === undefined
      ? []
      : ([
          ["python_full_version", python],
          ["implementation_version", python],
        ] as const)),
    // In a file of requirements nobody asked for an extra.
    ["extra", ""],
  ]);
}
