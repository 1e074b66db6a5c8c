import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { branchReference, refusalOf } from "../../pipeline/deliver/branch.ts";
import { committedProblems } from "../../pipeline/deliver/committed.ts";
import { authorizationOf, Delivering, readAuthorization, redacted, remoteAt } from "../../pipeline/deliver/remote.ts";
import { LockstepError } from "../../pipeline/host/errors.ts";
import type { Host, RunOptions } from "../../pipeline/host/host.ts";
import { keylessSigner } from "../../pipeline/evidence/keyless.ts";
import { startSigstore, tokenOf, usualClaims } from "../evidence/sigstore.ts";
import { hasHttpBackend, serveGit } from "../source/git/http-backend.ts";
import { hasProgram, scene } from "../support.ts";
import { delivering, type DeliveringScene, git } from "./delivering.ts";

const here = hasProgram("git");

const codesOf = ({ result }: Awaited<ReturnType<DeliveringScene["deliver"]>>): readonly string[] =>
  result.problems.map(({ code }) => code);

describe.skipIf(!here)("deliver (needs git)", () => {
  it("makes the branch, moves it forward, and has nothing to do where it is there", async () => {
    const { deliver, references, first, commit, registry, remote } = await delivering();
    const asked = registry.seen.length;
    const made = await deliver();
    expect([made.exit, made.result.outcome, made.result.commit]).toEqual([0, "moved", first]);
    expect(made.text).toContain(`moved refs/heads/delivered of ${remote}: new, at ${first}\n`);
    expect(made.result.images.map(({ image, published }) => [image, published])).toEqual([
      ["api", true],
      ["web", true],
    ]);
    expect(references()).toEqual([`refs/heads/delivered ${first}`]);
    const again = await deliver();
    expect([again.exit, again.result.outcome]).toEqual([0, "current"]);
    expect(again.text).toContain(`nothing to do: refs/heads/delivered of ${remote} is at ${first}\n`);
    const second = commit("second");
    const moved = await deliver();
    expect([moved.result.outcome, moved.result.before, moved.result.commit]).toEqual(["moved", first, second]);
    expect(references()).toEqual([`refs/heads/delivered ${second}`]);
    expect(registry.seen.slice(asked).filter(({ method }) => method !== "GET" && method !== "HEAD")).toEqual([]);
  });

  it("writes nothing with --dry-run, and says what it would move", async () => {
    const { deliver, references, first, commit } = await delivering();
    const dry = await deliver({ dryRun: true });
    expect([dry.exit, dry.result.outcome, references()]).toEqual([0, "would-move", []]);
    await deliver();
    const second = commit();
    expect((await deliver({ dryRun: true })).text).toContain(`: from ${first} to ${second}\n`);
    expect(references()).toEqual([`refs/heads/delivered ${first}`]);
  });

  it("LS7204: moves no branch back, aside, or where the history does not tell", async () => {
    const { deliver, references, first, commit, root, bare, directory } = await delivering();
    const second = commit("second");
    await deliver();
    git(root, "reset", "--quiet", "--hard", first);
    const behind = await deliver();
    expect([behind.exit, codesOf(behind)]).toEqual([1, ["LS7204"]]);
    expect(behind.text).toContain(`is at ${second}, which follows ${first};`);
    const aside = commit("aside");
    expect((await deliver()).text).toContain(`is at ${second}, which is no ancestor of ${aside} in this clone;`);
    expect(references()).toEqual([`refs/heads/delivered ${second}`]);
    // A commit that the clone has never seen.
    git(bare, "update-ref", "refs/heads/delivered", git(bare, "commit-tree", "-m", "x", `${second}^{tree}`));
    expect(codesOf(await deliver())).toEqual(["LS7204"]);
    git(bare, "update-ref", "refs/heads/delivered", first);
    git(bare, "fetch", "--quiet", root, "main:refs/heads/main");
    git(directory, "clone", "--quiet", "--depth=1", `file://${bare}`, "shallow");
    rmSync(join(root, ".git"), { recursive: true });
    renameSync(join(directory, "shallow/.git"), join(root, ".git"));
    const shallow = await deliver();
    expect(shallow.text).toContain(`and this clone has too little history to tell whether ${aside} follows it;`);
    expect(references()).toContain(`refs/heads/delivered ${first}`);
  });

  it("LS7205: overwrites nobody who was there between looking and moving, and tells so", async () => {
    const { deliver, references, first, commit, host, root, bare } = await delivering();
    await deliver();
    commit("ours");
    git(root, "switch", "--quiet", "--detach", first);
    const theirs = commit("theirs");
    git(bare, "fetch", "--quiet", root, `${theirs}:refs/keep/theirs`);
    git(root, "switch", "--quiet", "main");
    const racing: Host = {
      ...host,
      run: (program, args, options) => {
        if (args.includes("push")) git(bare, "update-ref", "refs/heads/delivered", theirs);
        return host.run(program, args, options);
      },
    };
    const lost = await deliver({}, racing);
    expect([lost.exit, codesOf(lost)]).toEqual([1, ["LS7205"]]);
    expect(lost.text).toContain(`was ${first} and is ${theirs}: somebody else moved it, and nothing was overwritten`);
    expect(references()).toContain(`refs/heads/delivered ${theirs}`);
  });

  it("lets one of two deliverers win, and tells the other", async () => {
    const { deliver, references, commit, host, root, directory } = await delivering();
    await deliver();
    const second = join(directory, "second");
    cpSync(root, second, { recursive: true });
    git(second, "commit", "--quiet", "--allow-empty", "--message", "theirs");
    commit("ours");
    const both = await Promise.all([deliver(), deliver({}, host, second)]);
    expect(both.map(({ exit }) => exit).toSorted((a, b) => a - b)).toEqual([0, 1]);
    const [winner] = both.filter(({ exit }) => exit === 0);
    const [loser] = both.filter(({ exit }) => exit === 1);
    // Told by the push, or by what it found when it looked.
    expect(["LS7205", "LS7204"]).toContain(loser?.result.problems[0]?.code);
    expect(references()).toEqual([`refs/heads/delivered ${winner?.result.commit}`]);
  });

  it("is done where somebody else has moved it to the same commit", async () => {
    const { deliver, references, first, host, root, bare } = await delivering();
    const helped: Host = {
      ...host,
      run: (program, args, options) => {
        if (args.includes("push")) git(bare, "fetch", "--quiet", root, `${first}:refs/heads/delivered`);
        return host.run(program, args, options);
      },
    };
    expect((await deliver({}, helped)).result.outcome).toBe("moved");
    expect(references()).toEqual([`refs/heads/delivered ${first}`]);
  });

  it("LS7202: names each image that its registry does not have, and moves nothing", async () => {
    const { deliver, references, registry, publishAll } = await delivering({ publish: false });
    const refused = await deliver();
    expect([refused.exit, refused.result.outcome, codesOf(refused)]).toEqual([1, "refused", ["LS7202", "LS7202"]]);
    const missing = refused.result.problems.map(({ message }) => message);
    expect(missing.map((text) => text.replace(/@sha256:[0-9a-f]{64}/, ""))).toEqual(
      ["api", "web"].map((name) => `${registry.host}/team/${name}:1.2.3 is not in the registry`),
    );
    expect(refused.text).toMatch(/\nrefs\/heads\/delivered of \S+ is left as it is\n$/);
    expect((await deliver({ dryRun: true })).exit).toBe(1);
    expect(references()).toEqual([]);
    await publishAll();
    expect((await deliver()).exit).toBe(0);
  });

  it("LS7202: misses a manifest that the index names", async () => {
    const { deliver, registry, build } = await delivering();
    const [api] = await build({ names: ["api"] });
    registry.content
      .repository("team/api")
      .manifests.delete(api?.platforms[0]?.manifest.descriptor.digest ?? "sha256:");
    const refused = await deliver();
    expect(codesOf(refused)).toEqual(["LS7202"]);
    expect(refused.text).toContain("is not in the registry, but for its index");
  });

  it("LS3208: takes no other bytes under the digest", async () => {
    const { deliver, registry, references } = await delivering();
    registry.fail({ method: "GET", path: "/team/web/manifests/", kind: "corrupt" });
    expect(codesOf(await deliver())).toEqual(["LS3208"]);
    expect(references()).toEqual([]);
  });

  it("wants a statement about each image that holds, where they are asked for", async () => {
    const { deliver, references, attest, host, directory, root, first } = await delivering();
    const file = await attest("api");
    const asked = { attestations: join(root, "out/attestations") };
    const missing = await deliver(asked);
    expect([missing.exit, codesOf(missing)]).toEqual([1, ["LS7203"]]);
    expect(missing.result.images.map(({ image, signer }) => [image, signer === undefined])).toEqual([
      ["api", false],
      ["web", true],
    ]);
    const other = join(root, "out/attestations/web.sigstore.json");
    cpSync(file, other);
    expect(codesOf(await deliver(asked))).toEqual(["LS6104"]);
    const bundle = await attest("web");
    const whole = readFileSync(bundle, "utf8");
    const payload = /"payload":"([^"]+)"/.exec(whole)?.[1] ?? "";
    const text = Buffer.from(payload, "base64").toString().replace('"name":"web"', '"name":"wee"');
    writeFileSync(bundle, whole.replace(payload, Buffer.from(text).toString("base64")));
    expect(codesOf(await deliver(asked))).toEqual(["LS6102"]);
    const stranger: Host = { ...host, configDirectory: join(directory, "stranger") };
    await attest("web", stranger);
    expect(codesOf(await deliver(asked))).toEqual(["LS6103"]);
    expect(references()).toEqual([]);
    const keys = ["config", "stranger"].map((name) => join(directory, name, "keys/local.pub"));
    expect((await deliver({ ...asked, key: keys })).exit).toBe(0);
    expect(references()).toEqual([`refs/heads/delivered ${first}`]);
  });

  it("takes the statement of an identity, of this one alone, and of no key of the machine beside it", async () => {
    const { deliver, references, attest, host, directory, root, first } = await delivering();
    const now = Date.UTC(2026, 0, 15, 12);
    const { signingConfig, trustedRoot } = await startSigstore(join(directory, "sigstore"), now);
    const env = (name: string): string | undefined => (name === "SIGSTORE_ID_TOKEN" ? tokenOf() : host.env(name));
    const sign = await keylessSigner({ ...host, env, now: () => now }, { signingConfig, trustedRoot });
    await attest("api", host, sign);
    await attest("web");
    const [signer, issuer] = [String(usualClaims["sub"]), String(usualClaims["iss"])];
    const asked = { attestations: join(root, "out/attestations"), trustedRoot, signer, issuer };
    // The local key has signed for web, and nobody said that it is trusted.
    expect(codesOf(await deliver(asked))).toEqual(["LS6103"]);
    const local = join(directory, "config/keys/local.pub");
    expect((await deliver({ ...asked, key: [local], dryRun: true })).exit).toBe(0);
    await attest("web", host, sign);
    expect(codesOf(await deliver({ ...asked, signer: `${signer}x` }))).toEqual(["LS6107", "LS6107"]);
    expect(codesOf(await deliver({ ...asked, issuer: `${issuer}/` }))).toEqual(["LS6107", "LS6107"]);
    expect(codesOf(await deliver({ attestations: asked.attestations, key: [local] }))).toEqual(["LS6107", "LS6107"]);
    expect(references()).toEqual([]);
    const moved = await deliver(asked);
    expect(moved.text).toContain(`published, attested by identity ${signer} of ${issuer}\n`);
    expect(moved.result.images.map((image) => [image.signer, image.issuer])).toEqual([
      [signer, issuer],
      [signer, issuer],
    ]);
    expect(references()).toEqual([`refs/heads/delivered ${first}`]);
    for (const missing of ["trustedRoot", "signer", "issuer", "attestations"])
      await expect(deliver({ ...asked, [missing]: undefined })).rejects.toMatchObject({ code: "LS1002" });
  });

  it("LS6003: has no key to trust where none is named and none is there; LS1002: wants to know what --key is for", async () => {
    const { deliver, root } = await delivering();
    await expect(deliver({ attestations: root })).rejects.toMatchObject({ code: "LS6003" });
    await expect(deliver({ key: ["a.pub"] })).rejects.toMatchObject({ code: "LS1002" });
  });

  it("LS7201: delivers nothing that is not committed, whatever the index says of it", async () => {
    const { deliver, references, write, root, commit } = await delivering();
    write("images/web/app/b", "b\n");
    expect(codesOf(await deliver())).toEqual(["LS7101"]);
    rmSync(join(root, "images/web/app/b"));
    write("manifests/apps/README", "not rendered\n");
    const untracked = await deliver();
    expect([untracked.exit, codesOf(untracked)]).toEqual([1, ["LS7201"]]);
    expect(untracked.text).toContain("problem LS7201 manifests/apps/README this is not what the commit has;");
    rmSync(join(root, "manifests/apps/README"));
    const lock = readFileSync(join(root, "lockstep.lock"), "utf8");
    write("manifests/apps/web.yaml", `${readFileSync(join(root, "manifests/apps/web.yaml"), "utf8")}# more\n`);
    git(root, "update-index", "--assume-unchanged", "manifests/apps/web.yaml");
    expect(git(root, "status", "--porcelain")).toBe("");
    expect((await deliver()).result.problems.map(({ place }) => place?.file)).toEqual(["manifests/apps/web.yaml"]);
    git(root, "update-index", "--no-assume-unchanged", "manifests/apps/web.yaml");
    git(root, "checkout", "--quiet", "--", ".");
    expect(readFileSync(join(root, "lockstep.lock"), "utf8")).toBe(lock);
    git(root, "rm", "--quiet", "--cached", "manifests/rendered/web/deployment-web.yaml");
    git(root, "commit", "--quiet", "--message", "without");
    expect((await deliver()).text).toContain(
      "LS7201 manifests/rendered/web/deployment-web.yaml the commit does not have this rendered file;",
    );
    expect(references()).toEqual([]);
    const whole = commit("whole");
    await deliver();
    expect(references()).toEqual([`refs/heads/delivered ${whole}`]);
  });

  it("LS7208: there must be a commit; LS7013: and something to deliver", async () => {
    const { deliver, root } = await delivering();
    rmSync(join(root, ".git"), { recursive: true });
    await expect(deliver()).rejects.toMatchObject({ code: "LS7208", exitCode: 3 });
    rmSync(join(root, "manifests"), { recursive: true });
    await expect(deliver()).rejects.toMatchObject({ code: "LS7013", exitCode: 3 });
  });

  it("LS7206: tells of a remote that is not there, and of one that does not take it", async () => {
    const { deliver, bare, references, remote } = await delivering();
    await expect(deliver({ remote: `${remote}/none` })).rejects.toMatchObject({ code: "LS7206", exitCode: 4 });
    writeFileSync(join(bare, "hooks/update"), "#!/bin/sh\necho never >&2\nexit 1\n", { mode: 0o755 });
    await expect(deliver()).rejects.toThrow(
      /^LS7206 \S+ does not take refs\/heads\/delivered: \[remote rejected\].*never/s,
    );
    expect(references()).toEqual([]);
  });

  it("runs no hook of the clone", async () => {
    const { deliver, root } = await delivering();
    writeFileSync(join(root, ".git/hooks/pre-push"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    git(root, "config", "core.hooksPath", join(root, ".git/hooks"));
    expect((await deliver()).exit).toBe(0);
  });

  it("warns when Argo CD or Flux follow another branch, and only then", async () => {
    const { deliver, warnings } = await delivering();
    await deliver({ dryRun: true });
    expect(warnings).toEqual([]);
    const { result } = await deliver({ branch: "staging", dryRun: true });
    expect(result.followed).toBe("refs/heads/delivered");
    expect(warnings).toEqual([
      "manifests/delivery.yaml has Argo CD or Flux follow refs/heads/delivered, and refs/heads/staging is delivered",
    ]);
    const neither = await delivering({ settings: "" });
    await neither.deliver({ branch: "staging", dryRun: true });
    expect(neither.warnings).toEqual([]);
  });
});

/** What was started, with its arguments and its whole environment. */
function watched(host: Host): { readonly host: Host; readonly started: { args: string; env: string; said: string }[] } {
  const started: { args: string; env: string; said: string }[] = [];
  const run = async (program: string, args: readonly string[], options?: RunOptions) => {
    const result = await host.run(program, args, options);
    const said = `${result.stdout.toString("utf8")}${result.stderr.toString("utf8")}`;
    started.push({ args: [program, ...args].join(" "), env: JSON.stringify(options?.env ?? {}), said });
    return result;
  };
  return { host: { ...host, run }, started };
}

describe.skipIf(!hasHttpBackend)("deliver with a token (needs git http-backend)", () => {
  const token = "s3cret-token";
  const basic = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;

  /** The remote behind a login, and the logins that it was shown. */
  async function guarded(directory: string) {
    const shown: (string | undefined)[] = [];
    const { url } = await serveGit(directory, ({ headers }, response) => {
      shown.push(headers.authorization);
      if (headers.authorization === basic) return true;
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return false;
    });
    return { url: `${url}/remote.git`, shown };
  }

  it("shows it to the remote, and to nobody else: no argument, no message, no variable but git's own", async () => {
    const { deliver, host, directory, references, first, root } = await delivering();
    const { url, shown } = await guarded(join(directory, "remotes"));
    const file = join(directory, "token");
    writeFileSync(file, `${token}\n`);
    // Somebody else's login, and a place that all is sent to: neither counts.
    git(root, "config", `http.${url}.extraHeader`, "Authorization: Basic other");
    const { host: watchedHost, started } = watched(host);
    const moved = await deliver({ remote: url, token: file }, watchedHost);
    expect([moved.exit, references()]).toEqual([0, [`refs/heads/delivered ${first}`]]);
    expect(new Set(shown)).toEqual(new Set([basic]));
    const secret = basic.slice("Basic ".length);
    const told = [moved.text, JSON.stringify(moved.result), ...started.flatMap(({ args, said }) => [args, said])];
    expect(told.filter((text) => text.includes(secret) || text.includes(token))).toEqual([]);
    expect(started.some(({ env }) => env.includes(secret))).toBe(true);
    expect(started.filter(({ env }) => env.includes(token))).toEqual([]);
    const byVariable: Host = { ...host, env: (name) => (name === "LOCKSTEP_GIT_TOKEN" ? token : host.env(name)) };
    expect((await deliver({ remote: url }, byVariable)).result.outcome).toBe("current");
  });

  it("LS7206: is refused with another token or none, asks nobody for one, and prints none", async () => {
    const { deliver, directory, references, root } = await delivering();
    const { url } = await guarded(join(directory, "remotes"));
    const file = join(directory, "token");
    writeFileSync(file, "wr0ng-token");
    git(
      root,
      "config",
      "credential.helper",
      `!echo >${join(directory, "asked")}; echo password=helped; echo username=a; :`,
    );
    const message = await deliver({ remote: url, token: file }).catch((error: LockstepError) => error.message);
    expect(message).toMatch(/^LS7206 http:\/\/127\.0\.0\.1:\d+\/remote\.git cannot be read: /);
    expect(message).not.toMatch(/wr0ng|d3Iwbmc/);
    expect(() => readFileSync(join(directory, "asked"))).toThrow("ENOENT");
    // Without a token it is git's own helpers that are asked.
    await expect(deliver({ remote: url })).rejects.toMatchObject({ code: "LS7206" });
    expect(readFileSync(join(directory, "asked"), "utf8")).toBe("\n");
    expect(references()).toEqual([]);
  });

  it("LS7206: follows no redirect, so that no other host is asked or shown the token", async () => {
    const { deliver, directory, root } = await delivering();
    const asked: string[] = [];
    const other = createServer(({ url, headers }, response) => {
      asked.push(`${url} ${headers.authorization}`);
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const address = other.address();
    const elsewhere = `http://localhost:${typeof address === "object" ? address?.port : 0}`;
    const { url } = await serveGit(join(directory, "remotes"), ({ url: path }, response) => {
      response.writeHead(302, { location: `${elsewhere}${path}` }).end();
      return false;
    });
    const file = join(directory, "token");
    writeFileSync(file, token);
    git(root, "config", "http.followRedirects", "true");
    git(root, "config", `http.${url}.followRedirects`, "true");
    await expect(deliver({ remote: `${url}/remote.git`, token: file })).rejects.toMatchObject({ code: "LS7206" });
    expect(asked).toEqual([]);
    // A setting that leads the address elsewhere takes no token along.
    git(root, "config", `url.${elsewhere}/.insteadOf`, `${url}/`);
    await expect(deliver({ remote: `${url}/remote.git`, token: file })).rejects.toMatchObject({ code: "LS7206" });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((line) => !line.endsWith(" undefined"))).toEqual([]);
  });
});

describe("what deliver is given", () => {
  it.each(["--upload-pack=x", "-f", "", "a b", "a..b", "refs/heads/a", "HEAD", "a:b", "a\n", "a.lock", "@"])(
    "LS1002: %j is no branch",
    (name) => {
      expect(() => branchReference(name)).toThrow(/^LS1002 /);
    },
  );

  it.each([
    "--upload-pack=x",
    "ext::sh -c x",
    ".",
    "origin",
    "git://git.example/a.git",
    "http://git.example/a.git",
    "http://127.0.0.1.git.example/a.git",
    "http://localhost@git.example/a.git",
    "https://user:s3cret@git.example/a.git",
    "ssh://-oProxyCommand=x/a.git",
    "/srv/a.git",
  ])("LS2902: %j is no remote, and no password of it is shown", (address) => {
    expect(() => remoteAt(address)).toThrow(/^LS2902 (?!.*s3cret)/);
  });

  it.each([
    ["https://git.example/a.git", "https"],
    ["ssh://git@git.example/a.git", "ssh"],
    ["git@git.example:a.git", "ssh"],
    ["file:///srv/a.git", "file"],
    ["http://127.0.0.1:8080/a.git", "http"],
    ["http://[::1]:8080/a.git", "http"],
  ])("%s is reached by %s", (address, protocol) => {
    expect(remoteAt(address)).toEqual({ url: address, protocol });
  });

  it("LS7207: takes one word of printable ASCII as a token, for remotes that take one", async () => {
    const login = (text: string): string => Buffer.from(text).toString("base64");
    expect(authorizationOf("abc\n", "file")).toBe(`Basic ${login("x-access-token:abc")}`);
    expect(authorizationOf("user:abc", "file")).toBe(`Basic ${login("user:abc")}`);
    for (const text of ["", "\n", "a b", "a\nb", "ä"])
      expect(() => authorizationOf(text, "file")).toThrow(/^LS7207 file /);
    const { host, directory } = scene({ LOCKSTEP_GIT_TOKEN: "abc" });
    const https = remoteAt("https://git.example/a.git");
    expect(await readAuthorization(host, https, undefined)).toBe(authorizationOf("abc", ""));
    await expect(readAuthorization(host, https, join(directory, "none"))).rejects.toMatchObject({ code: "LS7207" });
    const ssh = remoteAt("ssh://git@git.example/a.git");
    await expect(readAuthorization(host, ssh, undefined)).rejects.toMatchObject({ code: "LS7207", exitCode: 3 });
    expect(await readAuthorization(scene().host, ssh, undefined)).toBeUndefined();
  });

  it("shows no token in what git says, however it is written", () => {
    const authorization = authorizationOf("user:t0ken", "");
    const text = `a t0ken, user:t0ken, ${authorization} b`;
    expect(redacted(text, authorization)).not.toMatch(/t0ken|dXNlcjp0MGtlbg/);
    expect(redacted(text, undefined)).toBe(text);
  });

  it.skipIf(!here)("shows no token that git says on either stream (needs git)", async () => {
    const { host, directory } = scene({ PATH: process.env["PATH"] ?? "" });
    git(directory, "init", "--quiet");
    const remote = remoteAt("https://git.example/a.git");
    const told = new Delivering(host, directory, new AbortController().signal, remote, authorizationOf("t0ken", "a"));
    const { stdout } = await told.run(["rev-parse", "--sq-quote", "a\u00fft0ken"]);
    expect(stdout.toString("utf8")).toContain("'a\u00ff***'");
    const { stderr } = await told.run(["rev-parse", "--verify", "t0ken"]);
    expect(stderr).not.toBe("");
    expect(stderr).not.toContain("t0ken");
  });

  it("LS7201: a committed tree has every rendered file, byte for byte, and no other", () => {
    // `printf 'a\n' | git hash-object --stdin`
    const id = "78981922613b2afb6025042ff6bd878ac1994e85";
    const file = { path: "manifests/rendered/a.yaml", text: "a\n" };
    const line = (mode: string, type: string, name: string): string =>
      `${mode} ${type} ${id}\tmanifests/rendered/${name}\0`;
    expect(committedProblems(line("100644", "blob", "a.yaml"), [file])).toEqual([]);
    const told = (listing: string, ...files: readonly (typeof file)[]): readonly string[] =>
      committedProblems(listing, files).map(({ message, place }) => `${place?.file} ${message}`);
    expect(told("", file)).toEqual([`${file.path} the commit does not have this rendered file`]);
    const other = [`${file.path} the commit has other bytes than what is rendered`];
    expect(told(line("100644", "blob", "a.yaml"), { ...file, text: "b\n" })).toEqual(other);
    expect(told(line("120000", "blob", "a.yaml"), file)).toEqual(other);
    expect(told(line("160000", "commit", "sub"))).toEqual([
      "manifests/rendered/sub the commit has this file, and it is not rendered",
    ]);
  });

  it("moves a branch that is not there, or that the commit follows, and no other", () => {
    const refused = (["absent", "same", "forward", "behind", "apart", "unknown"] as const).filter(
      (relation) => refusalOf(relation, "refs/heads/a", "1", "2") !== undefined,
    );
    expect(refused).toEqual(["behind", "apart", "unknown"]);
  });
});
