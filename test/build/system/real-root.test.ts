/**
 * The strongest oracle: real packages of the archive, unpacked and configured by dpkg in a chroot with all their scripts, against the same
 * packages with what Lockstep makes in the scripts' place. Every difference has to be one that is written down here.
 */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { infoFiles } from "../../../pipeline/build/system/info.ts";
import { systemFiles } from "../../../pipeline/build/system/system.ts";
import type { SystemResult } from "../../../pipeline/build/system/types.ts";
import { createHost } from "../../../pipeline/host/host.ts";
import { unpackDeb } from "../../../pipeline/source/debian/deb.ts";
import type { PackageFacts } from "../../../pipeline/source/debian/facts.ts";
import { findMirrors, type Mirrors } from "../../../pipeline/source/debian/mirrors.ts";
import { ByteReader } from "../../../pipeline/tree/bytes.ts";
import { comparePaths } from "../../../pipeline/tree/entry.ts";
import { hasProgram, run } from "../../support.ts";
import { startApt } from "../../source/debian/apt.ts";

/** What the samples are made of, and the tools that scripts call: without them dpkg's own run would be another one. */
const wanted =
  "base-files base-passwd nodejs ca-certificates tzdata netbase bash coreutils curl bind9-dnsutils procps strace iproute2 less openssl " +
  "dash debianutils dpkg findutils gawk grep gzip hostname init-system-helpers libc-bin libpam-runtime login mawk openssh-client passwd " +
  "perl-base rsync sed tar util-linux vim-tiny";

const privileged = process.getuid?.() === 0 && hasProgram("dpkg") && hasProgram("apt-get");
const mirrors: Mirrors | undefined = privileged ? await findMirrors(createHost()).catch(() => undefined) : undefined;
const path = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** Paths that dpkg's run leaves and an image does not have, each with why. */
const leftOut: readonly (readonly [RegExp, string])[] = [
  [/^etc\/(?:\.pwd\.lock|group-|gshadow-|passwd-|shadow-)$/, "backups and locks of the account tools (S5)"],
  [/^etc\/hosts$/, "a container gets it when it starts (S3)"],
  [/^etc\/rc\w\.d\/[SK]/, "links of an init that an image does not have"],
  [/^etc\/systemd\/|^var\/lib\/systemd\/deb-systemd/, "units that an image does not run"],
  [/^var\/cache\/debconf\//, "answers to questions nobody asked (S13)"],
  [/^var\/cache\/ldconfig\/aux-cache$/, "holds inode numbers and times (S7)"],
  [/^var\/log\/alternatives\.log$/, "log (S10)"],
  [/^var\/lib\/dpkg\/(?:lock|.*-old$|triggers\/(?:Lock|Unincorp)$)/, "locks and backups of dpkg (S9)"],
  [/^var\/lib\/dpkg\/info\/.*\.(?:shlibs|symbols)$/, "only read when packages are built"],
  [/^run\/adduser$/, "lock of adduser (S5)"],
  [/^dev\/null$/, "made for the scripts of this test"],
];

function copyOut(debs: readonly string[], directory: string): void {
  const script = 'for deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$0" --keep-directory-symlink; done';
  const { status, stderr } = run("sh", ["-ec", script, directory, ...debs], { env: path });
  if (status !== 0) throw new Error(stderr.toString());
}

/** Unpacks and configures everything with dpkg, scripts and all. */
function configure(debs: readonly string[], directory: string): void {
  for (const each of ["info", "updates", "triggers", "alternatives"])
    mkdirSync(join(directory, "var/lib/dpkg", each), { recursive: true });
  writeFileSync(join(directory, "var/lib/dpkg/status"), "");
  // First the files alone, so that the scripts find the tools they call; debootstrap does the same.
  copyOut(debs, directory);
  run("mknod", ["-m", "666", join(directory, "dev/null"), "c", "1", "3"], { env: path });
  const common = [`--root=${directory}`, "--force-depends", "--force-unsafe-io", "--log=/dev/null"];
  const env = { ...path, DEBIAN_FRONTEND: "noninteractive" };
  for (const action of [
    ["--unpack", ...debs],
    ["--configure", "-a"],
  ]) {
    const { status, stdout, stderr } = run("dpkg", [...common, ...action], { env });
    if (status !== 0) throw new Error(stdout.toString() + stderr.toString());
  }
}

async function factsOf(deb: string): Promise<PackageFacts> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield readFileSync(deb);
  }
  return unpackDeb(new ByteReader(bytes(), { file: deb }), { entry: async () => {}, content: async () => {} });
}

/** Puts what Lockstep makes over the packages' files, as the layers of an image would. */
function apply(result: SystemResult, packages: readonly PackageFacts[], directory: string): void {
  for (const removed of result.removed) rmSync(join(directory, removed), { recursive: true });
  for (const file of [...result.files, ...packages.flatMap((facts) => [...infoFiles(facts)])]) {
    const at = join(directory, file.path);
    mkdirSync(file.type === "directory" ? at : dirname(at), { recursive: true });
    if (file.type === "symlink") symlinkSync(file.target, at);
    if (file.type === "file") writeFileSync(at, file.content);
    const change = `chown -h ${file.uid}:${file.gid} "$0"${file.type === "symlink" ? "" : ` && chmod ${file.mode.toString(8)} "$0"`}`;
    if (file.uid !== 0 || file.gid !== 0 || file.mode !== 0o644) run("sh", ["-c", change, at], { env: path });
  }
  for (const { path: changed, mode, uid, gid } of result.overrides) {
    const at = join(directory, changed);
    if (uid !== undefined || gid !== undefined) run("chown", [`${uid ?? ""}:${gid ?? ""}`, at], { env: path });
    if (mode !== undefined) run("chmod", [mode.toString(8), at], { env: path });
  }
}

interface Seen {
  readonly kind: string;
  readonly content?: Buffer;
}

function look(root: string): ReadonlyMap<string, Seen> {
  const found = new Map<string, Seen>();
  const walk = (directory: string): void => {
    for (const name of readdirSync(join(root, directory)).toSorted(comparePaths)) {
      const at = directory === "" ? name : `${directory}/${name}`;
      const { mode, uid, gid } = lstatSync(join(root, at));
      const info = lstatSync(join(root, at));
      // A dynamic id: Debian's depends on the order of installation.
      const kind = `${(mode & 0o7777).toString(8)} ${uid}:${gid >= 100 && gid < 1000 ? "dynamic" : gid}`;
      if (info.isSymbolicLink()) found.set(at, { kind: `link to ${readlinkSync(join(root, at))}` });
      else if (info.isDirectory()) {
        found.set(at, { kind: `directory ${kind}` });
        walk(at);
      } else
        found.set(at, { kind: `file ${kind}`, ...(info.isFile() ? { content: readFileSync(join(root, at)) } : {}) });
    }
  };
  walk("");
  return found;
}

function lines(seen: ReadonlyMap<string, Seen>, at: string): readonly string[] {
  return (seen.get(at)?.content?.toString("utf8") ?? "").split("\n");
}

/** `!` locks a password and `*` fits none: nobody can log in with either. */
function withoutLocks(all: readonly string[]): readonly string[] {
  return all.map((line) => line.replace(/^([^:]*):!\*?:/, "$1:*:"));
}

function sortedLines(seen: ReadonlyMap<string, Seen>, at: string): readonly string[] {
  return lines(seen, at).toSorted(comparePaths);
}

describe.skipIf(mirrors === undefined)(
  "an installation by dpkg (needs root, dpkg, apt-get and a Debian mirror)",
  () => {
    let directory = "";
    let real: ReadonlyMap<string, Seen> = new Map();
    let ours: ReadonlyMap<string, Seen> = new Map();
    let result: SystemResult | undefined;

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "lockstep-real-"));
      if (mirrors === undefined) return;
      startApt(join(directory, "apt"), mirrors, "trixie", "amd64");
      const install = ["install", "-q", "--download-only", "--no-install-recommends", ...wanted.split(" ")];
      const fetched = run("apt-get", install, { env: { ...path, APT_CONFIG: join(directory, "apt/apt.conf") } });
      if (fetched.status !== 0) throw new Error(fetched.stderr.toString());
      const archives = join(directory, "apt/var/cache/apt/archives");
      const debs = readdirSync(archives)
        .filter((name) => name.endsWith(".deb"))
        .toSorted(comparePaths)
        .map((name) => join(archives, name));
      for (const name of ["real", "ours"]) mkdirSync(join(directory, name));
      configure(debs, join(directory, "real"));
      copyOut(debs, join(directory, "ours"));
      const packages: PackageFacts[] = [];
      for (const deb of debs) packages.push(await factsOf(deb));
      result = systemFiles({ packages, architecture: "amd64", users: [], groups: [] });
      apply(result, packages, join(directory, "ours"));
      real = look(join(directory, "real"));
      ours = look(join(directory, "ours"));
    });

    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    it("has the same paths, types, owners, modes and links, but for what is left out on purpose", () => {
      const differences: string[] = [];
      for (const at of [...new Set([...real.keys(), ...ours.keys()])].toSorted(comparePaths)) {
        if (leftOut.some(([pattern]) => pattern.test(at))) continue;
        const [theirs, own] = [real.get(at)?.kind ?? "nothing", ours.get(at)?.kind ?? "nothing"];
        if (theirs !== own) differences.push(`${at}: ${theirs}, but ${own}`);
      }
      expect(differences).toEqual([]);
    });

    it("has the same contents, but for what is written down", () => {
      const differences: string[] = [];
      for (const [at, { content }] of real) {
        const own = ours.get(at)?.content;
        if (content === undefined || own === undefined || content.equals(own)) continue;
        differences.push(at);
      }
      const explained = new Set([
        "etc/group",
        "etc/gshadow",
        "etc/ld.so.cache",
        "etc/passwd",
        "etc/shadow",
        "var/lib/dpkg/diversions",
      ]);
      const rest = differences.filter(
        (at) => !explained.has(at) && at !== "var/lib/dpkg/status" && !at.startsWith("var/lib/dpkg/info/"),
      );
      expect(rest).toEqual([]);
      for (const at of differences.filter((each) => /^var\/lib\/dpkg\/info\/.*\.(?:list|md5sums)$/.test(each)))
        expect(sortedLines(ours, at), at).toEqual(sortedLines(real, at));
    });

    it("has the same status, but for conffiles that only an upgrade knows", () => {
      const [own, theirs] = [ours, real].map((map) => lines(map, "var/lib/dpkg/status"));
      expect(own).toEqual(theirs?.filter((line) => !line.endsWith(" remove-on-upgrade")));
    });

    it("has the same accounts", () => {
      // Debian gives the next free id to a dynamic account, Lockstep one that depends on its name alone.
      const accounts = (seen: ReadonlyMap<string, Seen>, at: string): readonly string[] =>
        lines(seen, at)
          .map((line) => line.replace(/^(_ssh:x:)\d+/, "$1…"))
          .toSorted(comparePaths);
      for (const at of ["etc/passwd", "etc/group", "etc/gshadow"])
        expect(withoutLocks(accounts(ours, at)), at).toEqual(withoutLocks(accounts(real, at)));
      // The day of the last change is that of this run in one and empty in the other.
      const shadow = lines(real, "etc/shadow").map((line) => line.replace(/:\d+:0:/, "::0:"));
      expect(sortedLines(ours, "etc/shadow")).toEqual(shadow.toSorted(comparePaths));
    });

    it("has the same linker cache, byte for byte up to the name of the tool that wrote it", () => {
      const own = ours.get("etc/ld.so.cache")?.content ?? Buffer.alloc(64);
      const end = own.readUInt32LE(32);
      expect(real.get("etc/ld.so.cache")?.content?.subarray(0, end).equals(own.subarray(0, end))).toBe(true);
    });

    it("has the same diversions", () => {
      const [own, theirs] = [ours, real].map((map) => {
        const text = lines(map, "var/lib/dpkg/diversions").join("\n");
        return text.match(/.*\n.*\n.*\n/g)?.toSorted();
      });
      expect(own).toEqual(theirs);
    });

    it("leaves nothing undone for the samples' packages", () => {
      expect(result?.notDone).toEqual([]);
    });

    it("is read by the system's own tools", () => {
      const root = join(directory, "ours");
      const dpkg = (...args: string[]): string => {
        const { stdout, stderr } = run("dpkg", [`--root=${root}`, ...args], { env: path });
        return stdout.toString() + stderr.toString();
      };
      expect(dpkg("--audit")).toBe("");
      expect(dpkg("--verify")).toBe("");
      expect(dpkg("-S", "/usr/bin/node")).toBe("nodejs: /usr/bin/node\n");
      expect(run("update-alternatives", ["--root", root, "--query", "pager"], { env: path }).stdout.toString()).toMatch(
        /Value: \/usr\/bin\/less\n/,
      );
      const bundle = join(root, "etc/ssl/certs/ca-certificates.crt");
      const authority = join(root, "usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt");
      expect(run("openssl", ["verify", "-CAfile", bundle, authority], { env: path }).stdout.toString()).toMatch(
        /: OK$/m,
      );
      expect(run("openssl", ["verify", "-CApath", join(root, "etc/ssl/certs"), authority], { env: path }).status).toBe(
        0,
      );
      expect(
        run("chroot", [root, "/usr/bin/bash", "-c", "id -un && pager --version && node -p 1+1"], {
          env: path,
        }).stdout.toString(),
      ).toMatch(/^root\nless .*\n(?:.*\n)*2\n$/);
    });
  },
);
