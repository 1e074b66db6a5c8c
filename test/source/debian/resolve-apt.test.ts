import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../../pipeline/report/report.ts";
import { fetchRelease, partsOf } from "../../../pipeline/source/debian/archive.ts";
import { indexAddresses, indexesOf, readIndex } from "../../../pipeline/source/debian/indexes.ts";
import { readKeyring } from "../../../pipeline/source/debian/keys.ts";
import { Universe } from "../../../pipeline/source/debian/universe.ts";
import { fetchBlobs } from "../../../pipeline/source/fetch.ts";
import { Transport } from "../../../pipeline/source/http.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { hasProgram } from "../../support.ts";
import { type Apt, startApt } from "./apt.ts";
import { realArchive } from "./real-archive.ts";
import { errorOf, resolved } from "./universes.ts";

const archive = await realArchive();
const reason = hasProgram("apt-get") ? (typeof archive === "string" ? archive : undefined) : "no apt here";

/** Names asked for: the samples', and packages with alternatives, virtual packages, conflicts and many dependencies. */
const requests: Readonly<Record<string, readonly (readonly string[])[]>> = {
  amd64: [
    ["ca-certificates", "netbase", "nodejs", "tzdata"],
    ["bash", "bind9-dnsutils", "ca-certificates", "coreutils", "curl", "iproute2", "less", "procps", "strace"],
    ["base-files", "base-passwd", "ca-certificates", "netbase", "tzdata"],
    ["python3"],
    ["openjdk-21-jre-headless"],
    ["postgresql"],
    ["nginx"],
    ["apache2"],
    ["php-cli", "php-pgsql"],
    ["git"],
    ["build-essential"],
    ["ffmpeg"],
    ["perl"],
    ["openssh-server"],
    ["imagemagick"],
    ["vim-tiny", "man-db"],
    ["texlive-latex-base"],
    ["postfix", "mailutils"],
  ],
  arm64: [
    ["ca-certificates", "netbase", "nodejs", "tzdata"],
    ["bash", "bind9-dnsutils", "ca-certificates", "coreutils", "curl", "iproute2", "less", "procps", "strace"],
    ["postgresql", "python3"],
  ],
};

describe.skipIf(reason !== undefined)(
  `resolving as apt-get does${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-apt-"));
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    for (const architecture of ["amd64", "arm64"] as const) {
      describe(architecture, () => {
        let universe: Universe;
        let apt: Apt;
        beforeAll(async () => {
          if (typeof archive === "string") return;
          const { host, mirrors } = archive;
          const store = new Store(host, join(directory, "store"));
          const transport = new Transport(host);
          const access = { host, store, report: silent, transport, mirrors, keys: await readKeyring() };
          const releases = await Promise.all(
            partsOf("trixie").map((part) => fetchRelease(access, part, undefined, undefined)),
          );
          transport.close();
          const indexes = releases.flatMap((release) => indexesOf(release, architecture));
          await fetchBlobs(host, store, silent, indexes, (index) => indexAddresses(index, mirrors));
          universe = new Universe(
            "trixie",
            architecture,
            await Promise.all(indexes.map((index) => readIndex(store, index))),
          );
          apt = startApt(join(directory, architecture), mirrors, "trixie", architecture);
        });

        for (const names of requests[architecture] ?? []) {
          it(names.join(" "), () => {
            expect(resolved(universe, names)).toEqual(apt.install(names));
          });
        }

        it("refuses what apt refuses", () => {
          for (const names of [["exim4-daemon-light", "postfix"], ["lockstep-no-such-package"]]) {
            expect(() => apt.install(names)).toThrow();
            expect(errorOf(() => resolved(universe, names))).toMatch(/^LS210[34]/);
          }
        });
      });
    }
  },
);
