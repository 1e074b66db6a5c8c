/** GNU tar, Python's tarfile and dpkg-deb as oracles for layers. Rows O23, P7 and T2 of docs/catalogue.md. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import type { Digest } from "../../pipeline/store/digest.ts";
import { Store } from "../../pipeline/store/store.ts";
import { ByteReader } from "../../pipeline/tree/bytes.ts";
import type { Entry } from "../../pipeline/tree/entry.ts";
import { TarReader } from "../../pipeline/tree/tar-reader.ts";
import { hasProgram, root, run } from "../support.ts";
import type { SampleLayer, Samples } from "./samples.ts";

/** One line of JSON per archive: type, name, mode, owner, group, time, link, size, names, names of extended attributes. */
const pythonList = `
import sys, json, tarfile, subprocess
types = {b"0": "file", b"1": "hardlink", b"2": "symlink", b"3": "character", b"4": "block", b"5": "directory", b"6": "fifo"}
for path in sys.argv[2:]:
    deb = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) if sys.argv[1] == "deb" else None
    tar = tarfile.open(fileobj=deb.stdout, mode="r|") if deb else tarfile.open(path, "r:gz")
    print(json.dumps([[types[m.type], m.name, m.mode, m.uid, m.gid, m.mtime, m.linkname, m.size, m.uname + m.gname,
        sorted(k for k in m.pax_headers if k.startswith("SCHILY"))] for m in tar]))
    if deb and deb.wait() != 0: sys.exit("dpkg-deb failed")
`;

type Row = readonly [string, string, number, number, number, number, string, number, string, readonly string[]];

function python(kind: "deb" | "layer", paths: readonly string[]): readonly (readonly Row[])[] {
  const { status, stdout, stderr } = run("python3", ["-c", pythonList, kind, ...paths]);
  if (status !== 0) throw new Error(`python3: ${stderr.toString()}`);
  return stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as readonly Row[]);
}

const read = new Map<Digest, readonly Entry[]>();

async function ownEntries(layer: SampleLayer): Promise<readonly Entry[]> {
  const known = read.get(layer.digest);
  if (known !== undefined) return known;
  const stream = createReadStream(layer.path).pipe(createGunzip());
  const reader = new TarReader(new ByteReader(stream, { file: layer.path }));
  const entries: Entry[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) entries.push(entry);
  read.set(layer.digest, entries);
  return entries;
}

function linkOf(entry: Entry): string {
  return entry.type === "symlink" || entry.type === "hardlink" ? entry.target : "";
}

function rowOf(entry: Entry): Row {
  const { type, path, mode, uid, gid, mtime, xattrs = {} } = entry;
  const size = type === "file" ? entry.size : 0;
  const names = Object.keys(xattrs).map((name) => `SCHILY.xattr.${name}`);
  return [type, path, mode, uid, gid, mtime, linkOf(entry), size, "", names];
}

const letters: Readonly<Record<Entry["type"], string>> = {
  file: "-",
  hardlink: "h",
  symlink: "l",
  character: "c",
  block: "b",
  directory: "d",
  fifo: "p",
};

/** As `tar --list --verbose` writes a mode. */
function modeText(type: Entry["type"], mode: number): string {
  const bits = [..."rwxrwxrwx"].map((letter, i) => ((mode & (0o400 >> i)) === 0 ? "-" : letter));
  for (const [bit, at, set, bare] of [
    [0o4000, 2, "s", "S"],
    [0o2000, 5, "s", "S"],
    [0o1000, 8, "t", "T"],
  ] as const)
    if ((mode & bit) !== 0) bits[at] = bits[at] === "x" ? set : bare;
  return `${letters[type]}${bits.join("")}`;
}

function tarLine(entry: Entry): string {
  const { type, path, mode, uid, gid, mtime } = entry;
  const time = new Date(mtime * 1000).toISOString().slice(0, 19).replace("T", " ");
  const link = type === "symlink" ? ` -> ${entry.target}` : type === "hardlink" ? ` link to ${entry.target}` : "";
  const size = type === "file" ? entry.size : 0;
  return `${modeText(type, mode)} ${uid}/${gid} ${size} ${time} ${path}${type === "directory" ? "/" : ""}${link}`;
}

/** `bin/x` as merged /usr has it. */
function merged(path: string): string {
  return path.replace(/^\.?\//, "").replace(/^(bin|sbin|lib|lib64)\//, "usr/$1/");
}

export function readerTests(samples: () => Samples): void {
  it.skipIf(!hasProgram("python3"))("are for Python's tarfile what they are for us (needs python3)", async () => {
    const layers = await samples().layers();
    const lists = python(
      "layer",
      layers.map(({ path }) => path),
    );
    for (const [index, layer] of layers.entries()) {
      expect(lists[index], layer.name).toEqual((await ownEntries(layer)).map(rowOf));
    }
  });

  it.skipIf(!hasProgram("tar"))("are for GNU tar what they are for us (needs tar)", async () => {
    const options = ["--numeric-owner", "--utc", "--full-time", "--quoting-style=literal"];
    for (const layer of await samples().layers()) {
      const { stdout, stderr } = run("tar", ["--list", "--verbose", ...options, `--file=${layer.path}`], {
        env: { PATH: createHost().env("PATH") ?? "", LC_ALL: "C.UTF-8" },
      });
      expect(stderr.toString(), layer.name).toBe("");
      const lines = stdout
        .toString()
        .trim()
        .split("\n")
        .map((line) => line.replace(/^(\S+ \S+) +/, "$1 "));
      expect(lines, layer.name).toEqual((await ownEntries(layer)).map(tarLine));
    }
  });

  it.skipIf(!hasProgram("dpkg-deb") || !hasProgram("python3"))(
    "hold the files of packages as dpkg-deb unpacks them: mode, owner, time, size, links (needs dpkg-deb, python3)",
    async () => {
      const lock = JSON.parse(await readFile(join(root, "lockstep.lock"), "utf8")) as {
        readonly images: Readonly<Record<string, { readonly platforms: Readonly<Record<string, readonly string[]>> }>>;
        readonly packages: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
      };
      const { image, platform } = samples().find("toolbox", "linux/amd64");
      const ours = new Map<string, Row>();
      for (const layer of await samples().layersOf(image, platform))
        for (const entry of await ownEntries(layer)) ours.set(entry.path, rowOf(entry));
      const store = new Store(createHost(), samples().inputs);
      const paths = (lock.images["toolbox"]?.platforms["linux/amd64"] ?? []).flatMap((key) => {
        const item = lock.packages[key];
        return item === undefined || item.size > 600_000 ? [] : [store.pathOf(`sha256:${item.sha256}`)];
      });
      const differing: string[] = [];
      let compared = 0;
      for (const rows of python("deb", paths)) {
        for (const [type, name, mode, uid, gid, mtime, link, size] of rows) {
          if (type === "directory") continue;
          const path = merged(name);
          compared++;
          const target = type === "hardlink" ? merged(link) : link;
          const bits = type === "symlink" ? 0o777 : mode;
          const theirs = [type, path, bits, uid, gid, mtime, target, size];
          if (JSON.stringify(theirs) !== JSON.stringify(ours.get(path)?.slice(0, 8))) differing.push(path);
        }
      }
      expect(compared).toBeGreaterThan(1500);
      expect(differing).toEqual([]);
    },
  );
}
