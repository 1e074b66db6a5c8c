import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../../pipeline/report/report.ts";
import { type ArchiveAccess, fetchRelease, partsOf } from "../../../pipeline/source/debian/archive.ts";
import { indexAddresses, indexesOf, readIndex } from "../../../pipeline/source/debian/indexes.ts";
import { keyringDirectory, readKeyring } from "../../../pipeline/source/debian/keys.ts";
import { verifyClearsigned } from "../../../pipeline/source/debian/signature.ts";
import { Universe } from "../../../pipeline/source/debian/universe.ts";
import { fetchBlobs } from "../../../pipeline/source/fetch.ts";
import { Transport } from "../../../pipeline/source/http.ts";
import { hasProgram, run, scene, temporaryDirectory } from "../../support.ts";
import { readInRelease, realArchive } from "./real-archive.ts";
import { resolved } from "./universes.ts";

const archive = await realArchive();
const reason = typeof archive === "string" ? archive : undefined;
const noGpg = !hasProgram("gpgv") || !hasProgram("gpg");

describe("suites", () => {
  it("have updates and security releases, but for the one that moves", () => {
    expect(partsOf("trixie").map(({ archive: name, suite }) => `${name} ${suite}`)).toEqual([
      "debian trixie",
      "debian trixie-updates",
      "debian-security trixie-security",
    ]);
    expect(partsOf("sid")).toEqual([{ archive: "debian", suite: "sid" }]);
  });
});

describe.skipIf(reason !== undefined)(
  `Debian's own archive${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    it("is signed by keys that are shipped, for trixie and bookworm", async () => {
      if (typeof archive === "string") return;
      const { store } = scene();
      const { host, mirrors } = archive;
      const transport = new Transport(host);
      const access: ArchiveAccess = { host, store, report: silent, transport, mirrors, keys: await readKeyring() };
      const trixie = await Promise.all(
        partsOf("trixie").map((part) => fetchRelease(access, part, undefined, undefined)),
      );
      transport.close();
      expect(trixie.map(({ locked }) => locked.suite)).toEqual(["trixie", "trixie-updates", "trixie-security"]);
      for (const { key, locked, release } of trixie) {
        expect(key).toBe(`${locked.suite}@${locked.sha256.slice(0, 12)}`);
        expect(locked.signedBy.length).toBeGreaterThan(0);
        expect(release.codename).toBe(locked.suite);
        expect(await store.find(`sha256:${locked.sha256}`)).toBeDefined();
      }
      const bytes = await readInRelease(host, mirrors.debian[0] ?? "", "bookworm");
      const bookworm = await verifyClearsigned(bytes, access.keys, host.now(), { file: "InRelease" });
      expect(bookworm.text).toContain("Codename: bookworm\n");
    });

    it.skipIf(noGpg)(
      `gives gpgv the same verdict, whole and changed${noGpg ? " (skipped: no gpg and gpgv here)" : ""}`,
      async () => {
        if (typeof archive === "string") return;
        const directory = temporaryDirectory();
        const keyring = join(directory, "keys.gpg");
        const armored = run("sh", [
          "-c",
          `for f in "${keyringDirectory}"/*.asc; do gpg --homedir "$0" --batch --dearmor <"$f"; done`,
          directory,
        ]);
        writeFileSync(keyring, armored.stdout);
        const keys = await readKeyring();
        const bytes = await readInRelease(archive.host, archive.mirrors.debian[0] ?? "", "trixie");
        const changed = Buffer.from(bytes.toString().replace("Origin: Debian", "Origin: Dabian"));
        for (const [content, good] of [
          [bytes, true],
          [changed, false],
        ] as const) {
          const path = join(directory, "InRelease");
          writeFileSync(path, content);
          const verdict = run("gpgv", ["--homedir", directory, "--keyring", keyring, path]);
          // Other than apt, gpgv wants every key; a signature by a key that is not shipped makes it answer 2.
          expect(/Good signature/.test(verdict.stderr.toString())).toBe(good);
          const ours = await verifyClearsigned(content, keys, archive.host.now(), { file: "InRelease" }).then(
            () => true,
            () => false,
          );
          expect(ours).toBe(good);
        }
      },
    );

    it("is read and resolved lazily: few stanzas are parsed", async () => {
      if (typeof archive === "string") return;
      const { store } = scene();
      const { host, mirrors } = archive;
      const transport = new Transport(host);
      const access: ArchiveAccess = { host, store, report: silent, transport, mirrors, keys: await readKeyring() };
      const releases = await Promise.all(
        partsOf("trixie").map((part) => fetchRelease(access, part, undefined, undefined)),
      );
      transport.close();
      const indexes = releases.flatMap((release) => indexesOf(release, "amd64"));
      await fetchBlobs(host, store, silent, indexes, (index) => indexAddresses(index, mirrors));
      const sources = await Promise.all(indexes.map((index) => readIndex(store, index)));
      expect([...(sources[0]?.index.names ?? [])].length).toBeGreaterThan(50_000);
      const universe = new Universe("trixie", "amd64", sources);
      const parsed = new Set<string>();
      const offered = universe.offered.bind(universe);
      universe.offered = (name) => {
        parsed.add(name);
        return offered(name);
      };
      expect(resolved(universe, ["nodejs"]).length).toBeGreaterThan(10);
      expect(parsed.size).toBeLessThan(200);
    });
  },
);
