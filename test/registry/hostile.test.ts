import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockstepError } from "../../pipeline/host/errors.ts";
import type { Host } from "../../pipeline/host/host.ts";
import { sourceOfBytes } from "../../pipeline/registry/blobs.ts";
import { parseChallenges } from "../../pipeline/registry/challenge.ts";
import { parseManifest } from "../../pipeline/registry/manifest.ts";
import { openRepository } from "../../pipeline/registry/repository.ts";
import { digestOf } from "../../pipeline/store/digest.ts";
import { scene } from "../support.ts";
import { noise, type Piece, piece, testImage, types } from "./images.ts";
import { type Fault, startRegistry } from "./registry.ts";

const image = testImage();

/** One thing that goes wrong with the next request that it fits. */
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constant("status" as const),
    status: fc.constantFrom(301, 400, 401, 403, 404, 410, 416, 418, 429, 500, 502, 503),
  }),
  fc.record({ kind: fc.constantFrom("truncate" as const, "corrupt" as const, "reset" as const) }),
  fc.record({
    kind: fc.constant("redirect" as const),
    status: fc.constantFrom(302, 307),
    to: fc.constantFrom(
      (path: string) => path,
      () => "http://127.0.0.1:1/",
      () => "nonsense://x",
      () => "//",
    ),
  }),
  fc
    .tuple(
      fc.constantFrom(
        "content-length",
        "content-range",
        "content-type",
        "docker-content-digest",
        "location",
        "range",
        "www-authenticate",
        "oci-chunk-min-length",
        "link",
      ),
      fc.constantFrom(
        "0",
        "7",
        "-1",
        "bytes 3-4/5",
        "bytes 0-0/1",
        "0-99999999",
        "sha256:abc",
        `sha256:${"0".repeat(64)}`,
        "text/html",
        "http://127.0.0.1:1/x",
        "/elsewhere",
        "Bearer",
        'Bearer realm="x"',
        "1e9",
      ),
    )
    .map(([name, value]): Fault => ({
      kind: "reply",
      change: (reply) => ({ ...reply, headers: { ...reply.headers, [name]: value } }),
    })),
);

const faults = fc.array(fc.tuple(fc.constantFrom(undefined, "GET", "HEAD", "POST", "PUT", "PATCH"), fault), {
  maxLength: 8,
});

/** Outcomes that are allowed: done, or an error with a code that is about registries. */
async function outcome(work: Promise<unknown>): Promise<"done" | "refused"> {
  try {
    await work;
    return "done";
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    expect((error as LockstepError).code).toMatch(/^LS32/);
    return "refused";
  }
}

describe("whatever a registry does", () => {
  const large = piece(types.layer, noise("large", 300_000));
  const all: readonly Piece[] = [large, ...image.blobs];

  it("what is pulled is what was asked for, or there is a coded error and nothing is kept", async () => {
    const registry = await startRegistry();
    const at = scene();
    const seen = { done: 0, refused: 0 };
    const host: Host = { ...at.host, sleep: () => at.host.sleep(0) };
    const content = registry.content.repository("team/app");
    for (const { digest, bytes } of all) content.blobs.set(digest, bytes);
    for (const { digest, mediaType, bytes } of [...image.manifests, image.index])
      content.manifests.set(digest, { digest, mediaType, bytes });
    content.tags.set("1.0", image.index.digest);
    await fc.assert(
      fc.asyncProperty(faults, async (list) => {
        registry.forgive();
        for (const [method, one] of list) registry.fail({ ...one, ...(method === undefined ? {} : { method }) });
        const { store } = scene();
        const repository = await openRepository(
          host,
          { host: registry.host, repository: "team/app" },
          { tries: 3, stallLimit: 2000 },
        );
        for (const blob of all) {
          const result = await outcome(repository.blob(store, blob));
          seen[result]++;
          const kept = await store.find(blob.digest);
          expect(kept !== undefined).toBe(result === "done");
          if (kept !== undefined) expect(await store.read(blob.digest)).toEqual(blob.bytes);
        }
        const manifest = repository
          .manifest(image.index.digest)
          .then(({ descriptor }) => expect(descriptor.digest).toBe(image.index.digest));
        await outcome(manifest);
        repository.close();
      }),
      { numRuns: 40 },
    );
    // The faults do happen, and do not always win.
    expect(Math.min(seen.done, seen.refused)).toBeGreaterThan(5);
  }, 120_000);

  it("what is pushed arrives whole and under its name, or there is a coded error", async () => {
    const registry = await startRegistry();
    const at = scene();
    const seen = { done: 0, refused: 0 };
    const host: Host = { ...at.host, sleep: () => at.host.sleep(0) };
    let run = 0;
    await fc.assert(
      fc.asyncProperty(faults, fc.boolean(), async (list, chunked) => {
        registry.forgive();
        for (const [method, one] of list) registry.fail({ ...one, ...(method === undefined ? {} : { method }) });
        const name = `team/app${run++}`;
        const content = registry.content.repository(name);
        const repository = await openRepository(
          host,
          { host: registry.host, repository: name },
          { tries: 3, stallLimit: 2000 },
        );
        for (const { digest, bytes } of all) {
          const result = await outcome(
            repository.pushBlob(sourceOfBytes(digest, bytes), { chunked, chunkSize: 100_000 }),
          );
          seen[result]++;
          const there = content.blobs.get(digest);
          if (there !== undefined) expect(digestOf(there)).toBe(digest);
          // A registry that says so has it, unless it lied in a way that nobody can see.
          if (result === "done" && list.length === 0) expect(there).toEqual(bytes);
        }
        registry.forgive();
        for (const { digest, bytes } of all) await repository.pushBlob(sourceOfBytes(digest, bytes));
        for (const { digest, bytes } of all) expect(content.blobs.get(digest)).toEqual(bytes);
        repository.close();
      }),
      { numRuns: 40 },
    );
    // The faults do happen, and do not always win.
    expect(Math.min(seen.done, seen.refused)).toBeGreaterThan(5);
  }, 120_000);
});

describe("documents of registries", () => {
  const good = JSON.parse(image.manifests[0]?.bytes.toString() ?? "{}") as Record<string, unknown>;

  it("are read, or refused with a code, whatever they hold", () => {
    const value = fc.oneof(
      fc.json(),
      fc
        .record(
          Object.fromEntries(
            Object.entries(good).map(([key, member]) => [key, fc.oneof(fc.constant(member), fc.jsonValue())]),
          ),
        )
        .map((document) => JSON.stringify(document)),
    );
    fc.assert(
      fc.property(value, fc.constantFrom(types.manifest, types.index, undefined, "text/plain"), (text, type) => {
        try {
          const { blobs, manifests } = parseManifest(Buffer.from(text), type, "x");
          for (const { digest, size } of [...blobs, ...manifests]) {
            expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
            expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(LockstepError);
          expect((error as LockstepError).code).toMatch(/^LS32(?:09|10)$/);
        }
      }),
    );
  });

  it("ask for a login in any words without harm", () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        for (const { scheme } of parseChallenges(header)) expect(scheme).toBe(scheme.toLowerCase());
      }),
    );
    const long = `Bearer ${'a="\\\\" ,'.repeat(20_000)}`;
    expect(parseChallenges(long).length).toBe(1);
  });
});
