/** The system's own tools on unpacked samples: dpkg, ldconfig, OpenSSL. Rows S, P and O23 of docs/catalogue.md. */
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { hasProgram, root, run } from "../support.ts";
import type { Samples } from "./samples.ts";

const host = createHost();
/** Only root can unpack owners. */
const unpacks = host.uid === 0 && hasProgram("umoci");

function text(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = run(program, args, { env: { PATH: host.env("PATH") ?? "", LC_ALL: "C" } });
  if (status !== 0) throw new Error(`${program} ${args.slice(0, 4).join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

/** A file below an unpacked root, with links followed as if it were the root. */
function inside(rootfs: string, path: string): string {
  let found = path;
  for (let steps = 0; steps < 16; steps++) {
    const parts = found.split("/").filter((part) => part !== "");
    const link = parts.findIndex((_, i) => lstatSync(join(rootfs, ...parts.slice(0, i + 1))).isSymbolicLink());
    if (link < 0) return join(rootfs, ...parts);
    const target = readlinkSync(join(rootfs, ...parts.slice(0, link + 1)));
    found = posix.join(posix.resolve("/", ...parts.slice(0, link), target), ...parts.slice(link + 1));
  }
  throw new Error(`${path} is a loop of links`);
}

/** Every path below a directory, sorted; links are not followed. */
function pathsBelow(directory: string, path = ""): readonly string[] {
  const names = readdirSync(join(directory, path), { withFileTypes: true });
  return names
    .flatMap((entry) => {
      const below = path === "" ? entry.name : `${path}/${entry.name}`;
      return entry.isDirectory() ? [below, ...pathsBelow(directory, below)] : [below];
    })
    .toSorted();
}

/** A field of seven octal digits in a tar header. */
function octal(header: Buffer, at: number): number {
  return Number.parseInt(header.toString("latin1", at, at + 7), 8);
}

/** The lines of `ldconfig -p` that name a library. */
function libraries(listing: string): readonly string[] {
  return listing.split("\n").filter((line) => line.startsWith("\t"));
}

/** Hash links with the digests of what they lead to. */
function hashed(directory: string, names: readonly string[]): readonly string[] {
  return names.map((name) => `${name.slice(0, 8)} ${digestOf(readFileSync(join(directory, name)))}`).toSorted();
}

/** Packages of the lock as `name version`, sorted. */
function locked(image: string, platform: string): readonly string[] {
  const lock = JSON.parse(readFileSync(join(root, "lockstep.lock"), "utf8")) as {
    readonly images: Readonly<Record<string, { readonly platforms: Readonly<Record<string, readonly string[]>> }>>;
    readonly packages: Readonly<Record<string, { readonly name: string; readonly version: string }>>;
  };
  const keys = lock.images[image]?.platforms[platform] ?? [];
  return keys.map((key) => `${lock.packages[key]?.name} ${lock.packages[key]?.version}`).toSorted();
}

/** Images with packages of their own, on every platform: those based on others have the same system. */
const systems = [
  ["static", "linux/amd64"],
  ["toolbox", "linux/amd64"],
  ["node", "linux/arm64"],
] as const;

export function rootTests(samples: () => Samples): void {
  const dpkg = unpacks && hasProgram("dpkg");
  const openssl = unpacks && hasProgram("openssl");

  it.skipIf(!dpkg)("have a package database that dpkg lists, audits and verifies (needs root, umoci, dpkg)", () => {
    for (const [image, platform] of systems) {
      const rootfs = samples().root(image, platform);
      const format = "${db:Status-Abbrev}${Package} ${Version}\n";
      const listed = text("dpkg-query", `--admindir=${rootfs}/var/lib/dpkg`, "--show", `--showformat=${format}`);
      const lines = listed.trim().split("\n").toSorted();
      expect(lines, image).toEqual(locked(image, platform).map((item) => `ii ${item}`));
      expect(
        text("dpkg", `--root=${rootfs}`, "--list")
          .split("\n")
          .filter((line) => line.startsWith("ii ")),
      ).toHaveLength(lines.length);
      const architecture = platform.replace("linux/", "");
      if (text("dpkg", "--print-architecture").trim() !== architecture)
        text("dpkg", `--root=${rootfs}`, "--add-architecture", architecture);
      expect(text("dpkg", `--root=${rootfs}`, "--audit"), image).toBe("");
      expect(text("dpkg", `--root=${rootfs}`, "--verify"), image).toBe("");
    }
  });

  it.skipIf(!unpacks)(
    "have a package database in the order of names, with empty days in shadow (needs root, umoci)",
    () => {
      for (const [image, platform] of systems) {
        const rootfs = samples().root(image, platform);
        const status = readFileSync(join(rootfs, "var/lib/dpkg/status"), "utf8");
        const names = [...status.matchAll(/^Package: (.*)$/gm)].map(([, name]) => name);
        expect(names, image).toEqual(names.toSorted());
        const shadow = readFileSync(join(rootfs, "etc/shadow"), "utf8").trim().split("\n");
        expect([...new Set(shadow.map((line) => line.split(":")[2]))], image).toEqual([""]);
      }
    },
  );

  it.skipIf(!unpacks)(
    "are unpacked by umoci as the layers say, and nothing else is there (needs root, umoci)",
    async () => {
      const { image, platform } = samples().find("toolbox", "linux/amd64");
      const byDigest = new Map((await samples().archives()).map((archive) => [archive.layer.digest, archive]));
      const rootfs = samples().root("toolbox", "linux/amd64");
      const paths = new Set<string>();
      for (const { digest } of platform.layers) {
        for (const { name, header, type, mtime, link, size } of byDigest.get(digest)?.entries ?? []) {
          const path = name.replace(/\/$/, "");
          paths.add(path);
          const info = lstatSync(join(rootfs, path));
          const metadata = [info.uid, info.gid, info.mode & 0o7777, info.mtimeMs / 1000];
          expect(metadata, path).toEqual([octal(header, 108), octal(header, 116), octal(header, 100), mtime]);
          if (type === "0") expect(info.isFile() && info.size === size, path).toBe(true);
          if (type === "1") expect(info.ino, path).toBe(lstatSync(join(rootfs, link)).ino);
          if (type === "2") expect(readlinkSync(join(rootfs, path)), path).toBe(link);
          if (type === "5") expect(info.isDirectory(), path).toBe(true);
        }
      }
      expect(pathsBelow(rootfs), image.image).toEqual([...paths].toSorted());
    },
  );

  it.skipIf(!unpacks || !hasProgram("ldconfig"))(
    "have the linker's cache that ldconfig makes, libraries for libraries (needs root, umoci, ldconfig)",
    () => {
      for (const image of ["toolbox", "node"]) {
        const rootfs = samples().root(image, "linux/amd64");
        const ours = text("ldconfig", "-p", "-C", join(rootfs, "etc/ld.so.cache"));
        const made = samples().path("ld.so.cache");
        mkdirSync(join(rootfs, "tmp/oracle"), { recursive: true });
        text("ldconfig", "-r", rootfs, "-X", "-C", "/tmp/oracle/cache");
        cpSync(join(rootfs, "tmp/oracle/cache"), made);
        expect(libraries(ours), image).toEqual(libraries(text("ldconfig", "-p", "-C", made)));
        expect(libraries(ours).length).toBeGreaterThan(10);
      }
    },
  );

  it.skipIf(!unpacks || !hasProgram("ldconfig"))(
    "have a linker's cache for arm64 that ldconfig reads (needs root, umoci, ldconfig)",
    () => {
      const rootfs = samples().root("node", "linux/arm64");
      const listing = text("ldconfig", "-p", "-C", join(rootfs, "etc/ld.so.cache"));
      expect(listing).toContain("libnode.so.115 (libc6,AArch64) => /lib/aarch64-linux-gnu/libnode.so.115");
      for (const [, path = ""] of listing.matchAll(/=> (.*)$/gm))
        expect(lstatSync(inside(rootfs, path)).isFile()).toBe(true);
    },
  );

  it.skipIf(!openssl)(
    "have certificates that OpenSSL finds by their hash links and in the bundle (needs root, umoci, openssl)",
    () => {
      const rootfs = samples().root("static", "linux/amd64");
      const bundle = join(rootfs, "etc/ssl/certs/ca-certificates.crt");
      const authorities = readdirSync(join(rootfs, "usr/share/ca-certificates/mozilla")).toSorted();
      expect(authorities.length).toBeGreaterThan(100);
      expect(text("openssl", "storeutl", "-noout", "-certs", bundle)).toContain(`Total found: ${authorities.length}`);
      // A directory with copies under the names of the links: links that lead to / would leave the unpacked root.
      const directory = samples().path("certificates");
      mkdirSync(directory);
      const links = readdirSync(join(rootfs, "etc/ssl/certs")).filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name));
      for (const name of links) cpSync(inside(rootfs, `/etc/ssl/certs/${name}`), join(directory, name));
      const files = authorities.map((name) => join(rootfs, "usr/share/ca-certificates/mozilla", name));
      // Without the places of this machine, which has certificates of its own.
      for (const place of [`-no-CAfile -CApath ${directory}`, `-no-CApath -CAfile ${bundle}`]) {
        const verified = text("openssl", "verify", "-no_check_time", "-no-CAstore", ...place.split(" "), ...files);
        expect(verified.split("\n").filter((line) => line.endsWith(": OK"))).toHaveLength(authorities.length);
      }
      // The same links as OpenSSL's own, to the same certificates.
      const rehashed = samples().path("rehashed");
      mkdirSync(rehashed);
      for (const [index, file] of files.entries()) cpSync(file, join(rehashed, `${authorities[index]}.pem`));
      text("openssl", "rehash", rehashed);
      const made = readdirSync(rehashed).filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name));
      expect(hashed(directory, links)).toEqual(hashed(rehashed, made));
    },
  );
}
