/** Wheels for tests: tiny ones, and real ones that pip downloads once into a cache outside of the checkout. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../support.ts";
import { toolsDirectory } from "../../tools.ts";
import { tinyZip, type ZipItem, type ZipOptions } from "../../tree/tiny-zip.ts";
import { hasPip } from "./pip.ts";

export interface TinyWheel {
  readonly name?: string;
  readonly version?: string;
  /** Files by path, besides those of .dist-info. */
  readonly files?: Readonly<Record<string, string | { readonly content: string; readonly mode: number }>>;
  readonly entryPoints?: string;
  /** Instead of what follows from the files. */
  readonly record?: (rows: readonly string[]) => readonly string[];
  readonly wheel?: string;
  readonly metadata?: string;
  readonly more?: readonly ZipItem[];
  readonly options?: ZipOptions;
}

export function tinyWheel(given: TinyWheel = {}): Buffer {
  const { name = "tiny", version = "1.0" } = given;
  const info = `${name}-${version}.dist-info`;
  const all: Record<string, string | { readonly content: string; readonly mode: number }> = {
    ...given.files,
    [`${info}/WHEEL`]: given.wheel ?? "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/METADATA`]: given.metadata ?? `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n\nText\n`,
    ...(given.entryPoints === undefined ? {} : { [`${info}/entry_points.txt`]: given.entryPoints }),
  };
  const items = Object.entries(all).map(([path, file]): ZipItem & { readonly content: string } =>
    typeof file === "string"
      ? { name: path, content: file, mode: 0o100644 }
      : { name: path, content: file.content, mode: 0o100000 | file.mode },
  );
  const rows = items.map(({ name: path, content }) => {
    const digest = createHash("sha256").update(content).digest("base64url");
    return `${String(path)},sha256=${digest},${Buffer.byteLength(content)}`;
  });
  const record = (given.record ?? ((it) => it))([...rows, `${info}/RECORD,,`]);
  return tinyZip(
    [
      ...items,
      { name: `${info}/RECORD`, content: record.map((row) => `${row}\n`).join(""), mode: 0o100644 },
      ...(given.more ?? []),
    ],
    given.options,
  );
}

/** Files that `pip download` gives for requirements with these options, from the index it is configured with; undefined when it cannot. */
export function downloadedWheels(
  requirements: readonly string[],
  options: readonly string[],
): readonly string[] | undefined {
  if (!hasPip) return undefined;
  const id = createHash("sha256")
    .update(JSON.stringify([requirements, options]))
    .digest("hex")
    .slice(0, 16);
  const directory = join(toolsDirectory, `wheels-${id}`);
  if (!existsSync(join(directory, "done"))) {
    mkdirSync(directory, { recursive: true });
    const args = [
      "-m",
      "pip",
      "download",
      "--quiet",
      "--retries=0",
      "--no-deps",
      "--only-binary=:all:",
      ...options,
      "--dest",
      directory,
      ...requirements,
    ];
    if (run("python3", args).status !== 0) return undefined;
    mkdirSync(join(directory, "done"));
  }
  return readdirSync(directory)
    .filter((file) => file.endsWith(".whl"))
    .toSorted()
    .map((file) => join(directory, file));
}
