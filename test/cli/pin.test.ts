import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { sha256Of } from "../source/debian/tiny-deb.ts";
import { startWebServer, type WebServer } from "../source/web-server.ts";
import { temporaryDirectory } from "../support.ts";
import { lockstep, type Said } from "./lockstep.ts";

interface Repository {
  readonly root: string;
  readonly web: WebServer;
  readonly call: (...args: readonly string[]) => Promise<Said>;
  readonly lock: () => string | undefined;
}

/** A repository with one image of one file that may move. */
async function repository(): Promise<Repository> {
  const root = temporaryDirectory();
  const web = await startWebServer();
  onTestFinished(() => web.close());
  web.files.set("/tool", Buffer.from("one\n"));
  mkdirSync(join(root, "images/app"), { recursive: true });
  const spec = `name: app\nplatforms: [linux/amd64]\nlayers:\n  - http: { url: "${web.base}/tool", into: /tool }\n`;
  writeFileSync(join(root, "images/app/image.yaml"), spec);
  const file = join(root, "lockstep.lock");
  return {
    root,
    web,
    call: (...args) => lockstep(args, { cwd: root, env: { LOCKSTEP_STORE: join(root, ".store") } }),
    lock: () => (existsSync(file) ? readFileSync(file, "utf8") : undefined),
  };
}

const [one, two] = ["one\n", "two two\n"].map((text) => sha256Of(Buffer.from(text)).slice(0, 12));

describe("lockstep pin", () => {
  it("shows what it would write, writes it, and says when there is nothing to do", async () => {
    const { web, call, lock } = await repository();
    const lines = `files:\n+ ${web.base}/tool  ${one}  4 B  app\nfiles: 1 added\ndownload of everything locked: 4 B (+4 B)\n`;
    expect((await call("pin", "--dry-run")).stdout).toBe(`${lines}dry run: nothing was written\n`);
    expect(lock()).toBeUndefined();
    expect((await call("pin")).stdout).toBe(`${lines}wrote lockstep.lock\n`);
    expect((await call("pin")).stdout).toBe("nothing changed\nlockstep.lock is up to date\n");
    web.files.set("/tool", Buffer.from("two two\n"));
    const outdated = await call("outdated");
    expect(outdated.code).toBe(1);
    expect(outdated.stdout).toMatch(
      new RegExp(
        `^name +current +newest +download +platforms +images\n\\S+/tool +${one} +${two} +\\+4 B +linux/amd64 +app\n1 outdated; `,
      ),
    );
    const json = JSON.parse((await call("pin", "--json")).stdout) as {
      result: { written: unknown; diff: { changes: unknown } };
    };
    expect(json.result.written).toBe(true);
    expect(json.result.diff.changes).toMatchObject([
      { kind: "http", change: "rebuilt", images: ["app"], from: { version: one }, to: { version: two } },
    ]);
    expect(await call("outdated")).toMatchObject({ code: 0, stdout: "nothing is outdated\n" });
  });

  it("LS2204: leaves a lock alone that a newer Lockstep wrote", async () => {
    const { root, call, lock } = await repository();
    await call("pin");
    const newer = (lock() ?? "").replace('"lockfileVersion": 1', '"lockfileVersion": 2');
    writeFileSync(join(root, "lockstep.lock"), newer);
    const { code, stderr } = await call("pin");
    expect(code).toBe(3);
    expect(stderr).toMatch(/^LS2204 lockstep\.lock:2:3 .*use the Lockstep that wrote it, or a newer one$/m);
    expect(lock()).toBe(newer);
  });

  it("writes Markdown and nothing else on stdout, for a pull request", async () => {
    const { call, lock } = await repository();
    const { stdout, code } = await call("pin", "--format", "markdown");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^## Pinned inputs\n\n- files: 1 added\n/);
    expect(stdout).toContain("\n| name | change | version | download | installed | licence | images |\n");
    expect(stdout).not.toContain("lockstep.lock");
    expect(lock()).toContain("/tool");
  });

  it("writes nothing when an advisory cannot be read (LS2212, LS2213)", async () => {
    const { root, call, lock } = await repository();
    mkdirSync(join(root, "osv"));
    expect(await call("pin", "--advisories", "osv")).toMatchObject({ code: 3, stdout: "" });
    writeFileSync(join(root, "osv/a.json"), '{ "id": "A", "modified": "2026-11-20T10:00:00Z", "affected": {} }');
    const { code, stderr } = await call("pin", "--advisories", "osv");
    expect(code).toBe(3);
    expect(stderr).toContain("LS2213 osv/a.json affected must be a list");
    expect(lock()).toBeUndefined();
    writeFileSync(join(root, "osv/a.json"), '{ "id": "A", "modified": "2026-11-20T10:00:00Z" }');
    expect((await call("pin", "--advisories", "osv")).stdout).toContain(
      "advisories: 0 fixed, 0 introduced, 0 remain (of 1, the newest of 2026-11-20T10:00:00Z)\nwrote lockstep.lock\n",
    );
  });
});
