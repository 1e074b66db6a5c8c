import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run as runRender } from "../../pipeline/cli/render.ts";
import { silent } from "../../pipeline/report/report.ts";
import { keepVerdict } from "../../pipeline/verify/known.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { filesBelow } from "../files.ts";
import { hasProgram, run } from "../support.ts";
import { appText } from "./samples.ts";

const git = hasProgram("git");

const waivers = `waivers:
  - image: web
    path: /app/a
    cause: S10
    reason: "known\\nSigned-off-by: nobody"
    owner: team-web
    expires: 2026-12-31
`;

/** A repository that delivers one image, and Git in it. */
async function delivering() {
  const repository = await tinyRepository({
    images: {
      web: image("tool", '  - files: { from: app, into: /app }\nconfig:\n  user: "65532:65532"\n  ports: [8080/tcp]\n'),
    },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
    files: {
      "images/web/app/a": "one\n",
      "manifests/delivery.yaml":
        "images: registry.example/team\nrepository: { url: https://git.example/team/repository.git }\nargocd: {}\n",
      "manifests/apps/web.yaml": appText(),
      ".gitignore": "out/\n",
    },
  });
  const { root, store } = repository;
  const host = { ...repository.host, cwd: root };
  const call = (...args: readonly string[]): string => {
    const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];
    const { status, stdout, stderr } = run("git", ["-C", root, ...identity, ...args]);
    if (status !== 0) throw new Error(stderr.toString());
    return stdout.toString().trim();
  };
  const render = async (message?: string) => {
    const context = { host, report: silent, store, root, signal: new AbortController().signal };
    return runRender(context, message === undefined ? {} : { message }, []);
  };
  const digest = async (): Promise<string> => (await repository.build())[0]?.index.descriptor.digest ?? "";
  return { ...repository, call, render, digest };
}

const reference = (tag: string, digest: string): string => `registry.example/team/web:${tag}@${digest}`;

describe.skipIf(!git)("render --message (needs git)", () => {
  it("writes what git commit -F takes, and Git has its trailers", async () => {
    const { call, render, digest, write, root } = await delivering();
    call("init", "--quiet");
    call("add", "--all");
    call("commit", "--quiet", "--message", "specs");
    write("waivers.yaml", waivers);
    const first = await digest();
    const said = await render("out/message");
    expect(said).toMatchObject({ exit: 0, result: { message: readFileSync(join(root, "out/message"), "utf8") } });
    expect(said.text).toMatch(/\nwrote out\/message\n$/);
    call("add", "--all");
    call("commit", "--quiet", "--file", join(root, "out/message"));
    expect(call("log", "-1", "--format=%s")).toBe("Deliver web 1.2.3");
    expect(call("log", "-1", "--format=%(trailers:unfold)").split("\n")).toEqual([
      `Lockstep-Image: ${reference("1.2.3", first)}`,
      "Lockstep-Waiver: web /app/a S10 until 2026-12-31 owner team-web: known Signed-off-by: nobody",
    ]);
    expect(call("log", "-1", "--format=%(trailers:key=Signed-off-by)")).toBe("");

    write("images/web/app/a", "two\n");
    write("manifests/apps/web.yaml", appText({ "tag: 1.2.3": "tag: 1.3.0" }));
    const second = await digest();
    // It is about the last commit, so that it can be asked for again.
    await render();
    const { text } = await render("-");
    expect(text).toContain(
      `\nweb 1.2.3 -> 1.3.0\n  was ${reference("1.2.3", first)}\n  now ${reference("1.3.0", second)}\n  not verified: `,
    );
    expect((await render("-")).text).toBe(text);
  });

  it("says reproduced only of the digest that came out again", async () => {
    const { render, build, store, write } = await delivering();
    const [built] = await build();
    if (built === undefined) throw new Error("nothing was built");
    await keepVerdict(store, built, { image: "web", verdict: "reproduced" });
    expect((await render("-")).text).toContain("\n  reproduced: ");
    write("images/web/app/a", "two\n");
    expect((await render("-")).text).toContain("\n  not verified: ");
  });

  it("is about what is on disk where nothing is under Git, and about nothing before the first commit", async () => {
    const { call, render, digest, write } = await delivering();
    const first = await digest();
    await render();
    write("manifests/apps/web.yaml", appText({ "tag: 1.2.3": "tag: 1.3.0" }));
    expect((await render("-")).text).toContain(`\n  was ${reference("1.2.3", first)}\n`);
    expect((await render("-")).text).toBe("Render the manifests anew\n\nNo image changes.\n");
    call("init", "--quiet");
    expect((await render("-")).text).toContain("\nweb 1.3.0, new\n");
  });

  it("heeds no setting of Git that changes what it prints", async () => {
    const { call, render } = await delivering();
    await render();
    call("init", "--quiet");
    call("add", "--all");
    call("commit", "--quiet", "--message", "all");
    for (const [name, value] of Object.entries({
      "color.ui": "always",
      "grep.lineNumber": "true",
      "grep.column": "true",
      "grep.fullName": "true",
      "grep.patternType": "fixed",
    }))
      call("config", name, value);
    expect((await render("-")).text).toBe("Render the manifests anew\n\nNo image changes.\n");
  });

  it("LS7105: writes nothing when the last commit cannot be read", async () => {
    const { call, render, root } = await delivering();
    await render();
    call("init", "--quiet");
    call("add", "--all");
    call("commit", "--quiet", "--message", "all");
    rmSync(join(root, "manifests/rendered"), { recursive: true });
    const refused = async () => {
      await expect(render("-")).rejects.toMatchObject({ code: "LS7105", exitCode: 4 });
      expect(filesBelow(join(root, "manifests"))).toEqual(["apps/web.yaml", "delivery.yaml"]);
    };
    const blob = call("rev-parse", "HEAD:manifests/rendered/web/deployment-web.yaml");
    rmSync(join(root, ".git/objects", blob.slice(0, 2), blob.slice(2)));
    await refused();
    rmSync(join(root, ".git/objects"), { recursive: true });
    mkdirSync(join(root, ".git/objects"));
    await refused();
  });

  it("LS5201: writes nothing when the waivers cannot be read", async () => {
    const { render, root } = await delivering();
    writeFileSync(join(root, "waivers.yaml"), "waivers: [{}]\n");
    await expect(render("-")).rejects.toMatchObject({ code: "LS5201", exitCode: 3 });
    expect(filesBelow(join(root, "manifests"))).toEqual(["apps/web.yaml", "delivery.yaml"]);
  });
});
