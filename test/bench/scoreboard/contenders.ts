/** Who takes part in the scoreboard: each makes a layer, and where it can an image, of a directory of files. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestOf } from "../../../pipeline/store/digest.ts";
import { build } from "../../peers/builds.ts";
import { spec, writeTiny } from "../../peers/tiny.ts";
import { hasProgram, run } from "../../support.ts";

/** A repository whose files were treated, and how the process that builds is started. */
export interface Given {
  /** A directory of its own, which has the repository of test/peers/tiny.ts. */
  readonly work: string;
  readonly repository: string;
  readonly files: string;
  readonly before: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Made {
  /** Of the layer as it is stored. */
  readonly layer: string;
  readonly layerPath: string;
  /** Of what a registry would name; absent where nothing but a layer is made. */
  readonly image?: string;
  /** Where the files are in the layer. */
  readonly prefix: string;
}

export interface Contender {
  readonly name: string;
  /** Why it cannot take part here. */
  readonly lacking?: string;
  readonly make: (given: Given) => Promise<Made>;
}

export function treated(work: string, reverse: boolean): Pick<Given, "work" | "repository" | "files"> {
  const repository = join(work, "repository");
  mkdirSync(work, { recursive: true });
  return { work, repository, files: writeTiny(repository, { spec, reverse }) };
}

/** Runs a script of sh in the surroundings; `$files` and `$to` are the files and a directory for what is made. */
function script(given: Given, text: string): void {
  const to = join(given.work, "to");
  mkdirSync(to, { recursive: true });
  const [program = "", ...args] = [...given.before, "sh", "-euc", text];
  const env = { PATH: process.env["PATH"] ?? "", HOME: given.work, ...given.env, files: given.files, to };
  const { status, stderr } = run(program, args, { cwd: given.work, env });
  if (status !== 0) throw new Error(`${text.trim().split("\n")[0]}: ${stderr.toString().trim()}`);
}

interface Descriptor {
  readonly digest: string;
}

/** The only image of an OCI layout. */
function ofLayout(layout: string, prefix: string): Made {
  const blob = (digest: string): string => join(layout, "blobs", digest.replace(":", "/"));
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { readonly manifests: Descriptor[] };
  const image = index.manifests[0]?.digest ?? "";
  const manifest = JSON.parse(readFileSync(blob(image), "utf8")) as { readonly layers: Descriptor[] };
  const layer = manifest.layers.at(-1)?.digest ?? "";
  return { layer, layerPath: blob(layer), image, prefix };
}

const missing = (...programs: readonly string[]): string | undefined => {
  const lacking = programs.filter((program) => !hasProgram(program));
  return lacking.length === 0 ? undefined : `${lacking.join(" and ")} not installed`;
};

const needs = (lacking: string | undefined): Pick<Contender, "lacking"> => (lacking === undefined ? {} : { lacking });

export const contenders = (privileged: boolean): readonly Contender[] => [
  {
    name: "Lockstep",
    make: async ({ work, repository, before, env }) => {
      const [image] = await build({ repository, inputs: join(work, "inputs"), work, before, env });
      const layer = image?.platforms[0]?.layers[0]?.digest ?? "";
      const layout = image?.layout ?? "";
      return {
        layer,
        layerPath: join(layout, "blobs", layer.replace(":", "/")),
        image: image?.digest ?? "",
        prefix: "app",
      };
    },
  },
  {
    name: "buildah",
    ...needs(missing("buildah") ?? (privileged ? undefined : "buildah needs root here")),
    make: async (given) => {
      // Its storage is of this run alone, and no process of another build is met there.
      script(
        given,
        `b() { buildah --root "$to/root" --runroot "$to/run" --storage-driver vfs "$@"; }
        c=$(b from scratch)
        b copy "$c" "$files" /app
        b commit --quiet --timestamp 0 --disable-compression=false "$c" "oci:$to/layout:latest"`,
      );
      return ofLayout(join(given.work, "to/layout"), "app");
    },
  },
  {
    name: "umoci",
    ...needs(missing("umoci") ?? (privileged ? undefined : "umoci needs root here")),
    make: async (given) => {
      script(
        given,
        `umoci init --layout "$to/layout"
        umoci new --image "$to/layout:latest"
        umoci unpack --image "$to/layout:latest" "$to/bundle"
        cp --archive "$files" "$to/bundle/rootfs/app"
        touch --date=@1700000000 "$to/bundle/rootfs"
        umoci repack --image "$to/layout:latest" "$to/bundle"`,
      );
      return ofLayout(join(given.work, "to/layout"), "app");
    },
  },
  {
    name: "GNU tar",
    ...needs(missing("tar", "gzip")),
    make: async (given) => {
      const options = [
        "--sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX,a-s",
        "--format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
      ];
      script(given, `tar ${options.join(" ")} -C "$files" -cf - . | gzip -n > "$to/layer.tar.gz"`);
      const path = join(given.work, "to/layer.tar.gz");
      return { layer: digestOf(readFileSync(path)), layerPath: path, prefix: "." };
    },
  },
];

/** Where a layer's files are after GNU tar has unpacked it. */
export function unpack({ layerPath, prefix }: Made, to: string): string {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const { status, stderr } = run("tar", ["-xzpf", layerPath, "-C", to]);
  if (status !== 0) throw new Error(`${layerPath}: ${stderr.toString()}`);
  return join(to, prefix);
}

export function writeReport(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
