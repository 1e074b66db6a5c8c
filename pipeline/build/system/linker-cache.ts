/** /etc/ld.so.cache and the SONAME links, as ldconfig(8) makes them (glibc, elf/ldconfig.c). */
import { parentOf } from "../../tree/entry.ts";
import type { ElfLibrary } from "../../source/debian/facts.ts";
import { isLibraryName } from "../../source/debian/elf.ts";
import { type ImageModel, normalise } from "../../source/debian/script-model.ts";
import { symlink, textFile } from "./generated.ts";
import { type CacheEntry, compareLibraries, formatCache } from "./linker-cache-format.ts";

/** What the loaders of an architecture look for: flags by e_machine and class (glibc, sysdeps/generic/ldconfig.h). */
const flags: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  amd64: { "62/64": 0x0303, "62/32": 0x0803, "3/32": 0x0003 },
  arm64: { "183/64": 0x0a03, "40/32": 0x0903 },
};

const triplets: Readonly<Record<string, string>> = { amd64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** Directories of ld.so.conf and the files it includes, in order (ldconfig(8)); an include is a pattern of absolute paths. */
function configured(model: ImageModel, file: string, depth = 0): readonly string[] {
  const text = model.find(file)?.content?.toString("utf8");
  if (text === undefined || depth > 8) return [];
  return text.split("\n").flatMap((line) => {
    const plain = line.replace(/#.*$/, "").trim();
    const include = /^include[ \t]+(.*)$/.exec(plain)?.[1];
    if (include === undefined)
      return plain === "" || /^hwcap[ \t]/.test(plain) ? [] : [plain.replace(/=.*$/, "").trim()];
    return include.split(/[ \t]+/).flatMap((pattern) => {
      const absolute = pattern.startsWith("/") ? pattern : `/${parentOf(normalise(file))}/${pattern}`;
      const source = absolute
        .replaceAll(/[\\^$.+()[\]{}|]/g, String.raw`\$&`)
        .replaceAll("*", "[^/]*")
        .replaceAll("?", "[^/]");
      return model
        .glob(absolute.replace(/[*?].*$/s, ""), new RegExp(`^${source}$`))
        .flatMap((path) => configured(model, path, depth + 1));
    });
  });
}

interface Directory {
  /** As it is written in the cache. */
  readonly path: string;
  /** Where it really is. */
  readonly real: string;
  /** Name of the glibc-hwcaps subdirectory it is. */
  readonly hwcaps?: string;
}

/** Directories that exist, each once, with their glibc-hwcaps subdirectories. */
function directories(model: ImageModel): readonly Directory[] {
  const triplet = triplets[model.architecture] ?? "";
  const builtin = [`/lib/${triplet}`, `/usr/lib/${triplet}`, "/lib", "/usr/lib"];
  const found = new Map<string, Directory>();
  for (const line of [...configured(model, "etc/ld.so.conf"), ...builtin]) {
    const path = line.replace(/\/+$/, "");
    const real = path.startsWith("/") ? model.resolve(path, true) : undefined;
    if (real === undefined || found.has(real) || model.find(real)?.type !== "directory") continue;
    found.set(real, { path, real });
    for (const child of model.glob(`/${real}/glibc-hwcaps/`, /\/glibc-hwcaps\/[^/.:][^/:]*$/)) {
      const name = child.slice(child.lastIndexOf("/") + 1);
      const at = model.resolve(child, true);
      if (at === undefined || found.has(at) || model.find(at)?.type !== "directory") continue;
      found.set(at, { path: `${path}/glibc-hwcaps/${name}`, real: at, hwcaps: name });
    }
  }
  return [...found.values()];
}

interface Candidate {
  readonly name: string;
  readonly soname: string;
  readonly link: boolean;
  readonly flags: number;
}

/** What the file of a name in a directory is to the linker; undefined when it is no library of this architecture. */
function candidate(
  model: ImageModel,
  { real }: Directory,
  name: string,
  libraries: ReadonlyMap<string, ElfLibrary>,
): Candidate | undefined {
  const path = `${real}/${name}`;
  const at = model.resolve(path, true);
  const library = at === undefined ? undefined : libraries.get(at);
  const own = library === undefined ? undefined : flags[model.architecture]?.[`${library.machine}/${library.bits}`];
  if (library === undefined || own === undefined) return undefined;
  const soname = library.soname ?? name;
  const isLink = model.find(path, false)?.type === "symlink";
  // A link that is neither called like the SONAME nor the .so for ld(1) counts as a file (the comment in search_dir says why).
  const development = name.endsWith(".so") && soname.startsWith(name);
  const link = isLink && (name === soname || development);
  return { name, soname: link ? name : soname, link, flags: own };
}

/** For every SONAME the file that stands for it: files before links, then the newest by name. */
function chosen(candidates: readonly Candidate[]): readonly Candidate[] {
  const bySoname = new Map<string, Candidate>();
  for (const each of candidates) {
    const before = bySoname.get(each.soname);
    const better =
      before === undefined ||
      (!each.link && before.link) ||
      (each.link === before.link && compareLibraries(before.name, each.name) < 0);
    if (better) bySoname.set(each.soname, each);
  }
  return [...bySoname.values()];
}

/** Names of libraries in a directory. */
function names(model: ImageModel, { real }: Directory): readonly string[] {
  return model
    .glob(`/${real}/`, /\.so/)
    .map((path) => path.slice(real.length + 2))
    .filter((name) => !name.includes("/") && isLibraryName(name) && !/\.dpkg-(?:new|tmp)$/.test(name));
}

/**
 * Writes the cache when the image has a dynamic loader, and links that packages lack. The auxiliary cache is never written (peers.md S7).
 * glibc-hwcaps subdirectories are listed by name; the ISA level that ldconfig reads from their libraries is left at zero, which the loader
 * takes as "as far as the subdirectory's name says".
 */
export function writeLinkerCache(model: ImageModel): void {
  const libraries = new Map(
    [...model.packages.values()].flatMap((facts) => facts.libraries.map((each) => [each.path, each] as const)),
  );
  if (![...libraries.keys()].some((path) => /\/ld-[^/]*\.so[^/]*$/.test(path))) return;
  const wanted = directories(model);
  const entries: CacheEntry[] = [];
  for (const directory of wanted) {
    const candidates = names(model, directory).map((name) => candidate(model, directory, name, libraries));
    for (const each of chosen(candidates.filter((found) => found !== undefined))) {
      const hwcaps = directory.hwcaps;
      if (hwcaps === undefined && !each.link && each.name !== each.soname) linkSoname(model, directory.real, each);
      const file = hwcaps === undefined ? each.soname : each.name;
      entries.push({
        name: each.soname,
        path: `${directory.path}/${file}`,
        flags: each.flags,
        ...(hwcaps === undefined ? {} : { hwcaps }),
      });
    }
  }
  model.put("etc/ld.so.cache", textFile(formatCache(entries)));
}

/** The link from SONAME to the file, unless it is there; a file of that name is left alone. */
function linkSoname(model: ImageModel, directory: string, { name, soname }: Candidate): void {
  const path = `${directory}/${soname}`;
  const there = model.find(path, false);
  if (there !== undefined && there.type !== "symlink") return;
  if (there !== undefined && model.resolve(path, true) === model.resolve(`${directory}/${name}`, true)) return;
  if (there?.shipped !== true) model.put(path, symlink(name));
}
