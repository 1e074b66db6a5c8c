import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../pipeline/host/errors.ts";
import { silent } from "../../pipeline/report/report.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import type { Comparison } from "../../pipeline/verify/compare/comparison.ts";
import { explain } from "../../pipeline/verify/explain.ts";
import { scene, type Scene, temporaryDirectory } from "../support.ts";
import { archiveOf, type ImageOf, made, savedArchiveOf, writeLayout } from "./image-of.ts";
import { type TarItem, tarOf } from "./tar-of.ts";

const items: readonly TarItem[] = [
  { name: "etc/" },
  { name: "etc/motd", content: "hello\n", pax: { mtime: "1700000000.5", "SCHILY.xattr.user.x": "1" } },
  { name: "bin/su", content: "su".repeat(300), mode: 0o4755 },
  { name: "bin/link", flag: "1", target: "bin/su" },
  { name: "dev/null", flag: "3", major: 1, minor: 3 },
];
const web: ImageOf = { layers: [{ items }, { items: [{ name: ".wh.gone" }, { name: "app.js", content: "1" }] }] };

/** The comparison, or the code of what was thrown; anything without a code fails the test. */
async function outcome(a: string, b: string, at: Scene): Promise<Comparison | string> {
  try {
    return await explain({ ...at, report: silent, signal: new AbortController().signal }, a, b);
  } catch (error) {
    if (error instanceof LockstepError) return error.code;
    throw error;
  }
}

/** Whatever happens, two files of other bytes are never equal. */
function isSafe(result: Comparison | string): void {
  if (typeof result === "string") expect(result).toMatch(/^LS\d{4}$/);
  else {
    expect(result.verdict).toBe("differs");
    expect(result.grade).not.toBeNull();
    expect(result.differences.length + result.unread.length).toBeGreaterThan(0);
  }
}

interface Change {
  readonly at: number;
  readonly kind: "set" | "cut" | "insert" | "double";
  readonly value: number;
}

const changes = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    kind: fc.constantFrom<Change["kind"]>("set", "set", "set", "cut", "insert", "double"),
    value: fc.integer({ min: 0, max: 255 }),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutate(bytes: Buffer, list: readonly Change[]): Buffer {
  return list.reduce((before, { at, kind, value }) => {
    const place = Math.floor(at * Math.max(0, before.length - 1));
    if (kind === "cut") return before.subarray(0, place);
    if (kind === "insert")
      return Buffer.concat([before.subarray(0, place), Buffer.from([value]), before.subarray(place)]);
    if (kind === "double") return Buffer.concat([before.subarray(0, place), before.subarray(Math.max(0, place - 512))]);
    const after = Buffer.from(before);
    if (after.length > 0) after[place] = value;
    return after;
  }, bytes);
}

/** More with `npm run fuzz`. */
const runs = Number(process.env["LOCKSTEP_FUZZ_RUNS"] ?? 150);

describe("explain, given what an attacker made", () => {
  const subjects: Readonly<Record<string, Buffer>> = {
    "a plain layer": tarOf(items),
    "a gzip layer": gzipSync(tarOf(items)),
    "a zstd layer": zstdCompressSync(tarOf(items)),
    "an OCI archive": archiveOf(web),
    "an archive of docker save": savedArchiveOf(web),
  };

  it.each(Object.entries(subjects))(
    "survives %s with changed bytes, and never calls it equal",
    async (_, bytes) => {
      const at = scene();
      const [before, after] = [join(at.directory, "before"), join(at.directory, "after")];
      writeFileSync(before, bytes);
      await fc.assert(
        fc.asyncProperty(changes, async (list) => {
          const changed = mutate(bytes, list);
          if (changed.equals(bytes)) return;
          writeFileSync(after, changed);
          const result = await outcome(before, after, at);
          // Outside of what a digest names, such as padding of an archive of an image, other bytes are the same image.
          if (typeof result !== "string" && result.a.kind === "image" && result.verdict === "equal")
            expect(result.a.digest).toBe(result.b.digest);
          else isSafe(result);
        }),
        { numRuns: runs },
      );
    },
    60_000 + runs * 200,
  );

  it(
    "survives layouts whose documents are any JSON",
    async () => {
      const at = scene();
      const good = writeLayout(temporaryDirectory(), web);
      await fc.assert(
        fc.asyncProperty(
          fc.json(),
          fc.constantFrom("config", "manifest"),
          fc.constantFrom("layers", "config", "x", "history", "rootfs"),
          async (text, which, member) => {
            const change = (value: Record<string, unknown>): unknown => (value[member] = JSON.parse(text));
            isSafe(await outcome(good, writeLayout(temporaryDirectory(), { ...web, [which]: change }), at));
          },
        ),
        { numRuns: runs },
      );
    },
    60_000 + runs * 200,
  );

  it("survives documents of any depth", async () => {
    const deep = (text: string): ImageOf => ({
      ...web,
      write: (value) =>
        JSON.stringify(value).replace(/}$/, `,"deep":${"[".repeat(50_000)}${text}${"]".repeat(50_000)}}`),
    });
    const [a, b] = [writeLayout(temporaryDirectory(), deep("1")), writeLayout(temporaryDirectory(), deep("2"))];
    isSafe(await outcome(a, b, scene()));
  });

  it("does not believe a descriptor: other bytes, another size, a blob that is not there", async () => {
    const good = writeLayout(temporaryDirectory(), web);
    const lying = (change: (layer: Record<string, unknown>) => void): string =>
      writeLayout(temporaryDirectory(), {
        ...web,
        manifest: (value) => {
          const [first, ...rest] = value["layers"] as readonly Record<string, unknown>[];
          const copy = { ...first };
          change(copy);
          value["layers"] = [copy, ...rest];
        },
      });
    const against = (change: (layer: Record<string, unknown>) => void): Promise<Comparison | string> =>
      outcome(good, lying(change), scene());
    expect(await against((layer) => (layer["size"] = 7))).toMatchObject({
      verdict: "differs",
      differences: [{ where: { part: "layer", field: "size" }, b: "7" }],
    });
    expect(await against((layer) => (layer["digest"] = digestOf("nothing")))).toBe("LS5003");
    expect(await against((layer) => (layer["size"] = 2 ** 53))).toBe("LS3210");
    const damaged = writeLayout(temporaryDirectory(), { layers: [{ items: [...items, { name: "x" }] }] });
    const blobs = join(damaged, "blobs/sha256");
    for (const name of readdirSync(blobs)) {
      const bytes = readFileSync(join(blobs, name));
      if (bytes[0] === 0x1f) writeFileSync(join(blobs, name), Buffer.concat([bytes.subarray(0, -1), Buffer.from([9])]));
    }
    expect(await outcome(good, damaged, scene())).toBe("LS5003");
  });

  it("does not follow an index into itself or without end", async () => {
    const nested = (depth: number): string => {
      const directory = temporaryDirectory();
      writeLayout(directory, web);
      let child = made(web).root;
      for (let level = 0; level < depth; level++) {
        const bytes = JSON.stringify({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.index.v1+json",
          manifests: [child, child],
        });
        const digest = digestOf(bytes);
        writeFileSync(join(directory, "blobs/sha256", digest.slice(7)), bytes);
        child = { mediaType: "application/vnd.oci.image.index.v1+json", digest, size: bytes.length };
      }
      writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [child] }));
      return directory;
    };
    const good = writeLayout(temporaryDirectory(), web);
    expect(await outcome(good, nested(40), scene())).toBe("LS5102");
    const three = await outcome(good, nested(2), scene());
    isSafe(three);
  });

  it("takes no memory or time by what a header claims", async () => {
    const at = scene();
    const claims = tarOf([{ name: "big", content: "x" }]);
    claims.write("77777777777\0", 124, "latin1");
    claims.fill(0x20, 148, 156);
    claims.write(
      `${claims
        .subarray(0, 512)
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
      "latin1",
    );
    const [before, after] = [join(at.directory, "before"), join(at.directory, "after")];
    writeFileSync(before, tarOf([{ name: "big", content: "x" }]));
    writeFileSync(after, claims);
    isSafe(await outcome(before, after, at));
    const bomb = gzipSync(Buffer.concat([tarOf(items, { zeros: 0 }), Buffer.alloc(200 << 20)]));
    writeFileSync(after, bomb);
    isSafe(await outcome(before, after, at));
  });

  it("shows names without anything that a terminal would obey", async () => {
    const at = scene();
    const [before, after] = [join(at.directory, "before"), join(at.directory, "after")];
    writeFileSync(before, tarOf([{ name: "link", flag: "2", target: "a" }]));
    writeFileSync(after, tarOf([{ name: "link", flag: "2", target: "\u001b[31mred\u202e" }]));
    const result = await outcome(before, after, at);
    expect(typeof result === "string" ? result : result.differences[0]?.b).toBe("\\u{1b}[31mred\\u{202e}");
  });
});
