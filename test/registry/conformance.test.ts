import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { goTool } from "../deliver/go-tools.ts";
import { temporaryDirectory } from "../support.ts";
import { startRegistry } from "./registry.ts";

const suite = await goTool(
  "conformance",
  "github.com/opencontainers/distribution-spec/conformance",
  "v0.0.0-20260831232431-97274622c111",
);

describe("the registry for tests", () => {
  it.skipIf(suite === undefined)(
    "passes the conformance suite of the distribution specification (needs go, conformance)",
    async () => {
      const registry = await startRegistry();
      const directory = temporaryDirectory();
      const host = createHost();
      const result = await host.run(suite ?? "", [], {
        cwd: directory,
        env: {
          PATH: host.env("PATH") ?? "",
          OCI_REGISTRY: registry.host,
          OCI_TLS: "disabled",
          OCI_VERSION: "1.1",
          OCI_RESULTS_DIR: join(directory, "results"),
        },
      });
      const xml = await readFile(join(directory, "results/junit.xml"), "utf8");
      const cases = [...xml.matchAll(/<testcase name="([^"]*)"[^>]* status="(\w+)"/g)].map(([, name, status]) => ({
        name,
        status,
      }));
      // Nothing is skipped but what version 1.1 does not ask for.
      const unlike = cases.filter(({ status }) => status !== "passed");
      expect(
        unlike.filter(({ status, name = "" }) => status !== "skipped" || !/post cancel|range -500/.test(name)),
      ).toEqual([]);
      expect(cases.length).toBeGreaterThan(100);
      expect(result.code).toBe(0);
    },
    120_000,
  );
});
