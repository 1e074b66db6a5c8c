import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { authority, serverOf } from "../../pipeline/inside/certificate.ts";
import {
  type ServedFiles,
  servedAt,
  servedEnvironment,
  servedPort,
  servedSettings,
} from "../../pipeline/inside/served.ts";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { tinyWheel } from "../source/python/wheels.ts";
import { hasProgram, root, run, temporaryDirectory } from "../support.ts";

let ports = 19_100 + (process.pid % 500) * 20;

interface Step {
  /** Contents by address. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly script: string;
  readonly every?: boolean;
}

interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script beside the proxy as a step would be, with its variables and no others but the search path of this machine. */
async function step({ files, script, every = false }: Step): Promise<Done> {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const port = (ports += 1);
  mkdirSync(join(directory, "blobs"));
  const list = Object.entries(files).map(([url, content]) => {
    const bytes = Buffer.from(content);
    const sha256 = hexOf(digestOf(bytes));
    writeFileSync(join(directory, "blobs", sha256), bytes);
    return { url, sha256, size: bytes.length };
  });
  const here = (text: string): string => text.replaceAll(servedAt, directory).replaceAll(`:${servedPort}`, `:${port}`);
  const served: ServedFiles = { title: "lockstep: run it", port, files: list, every };
  const texts = { ...servedSettings, "files.json": JSON.stringify(served), "package.json": '{"type":"module"}' };
  for (const [name, text] of Object.entries({ ...texts, "authority.pem": authority() }))
    writeFileSync(join(directory, name), here(text));
  for (const name of ["serve.ts", "certificate.ts", "served.ts"])
    copyFileSync(join(root, "pipeline/inside", name), join(directory, name));
  const home = join(directory, "home");
  mkdirSync(home);
  const own = Object.entries(servedEnvironment).map(([name, value]) => [name, here(value)] as const);
  const env = { ...Object.fromEntries(own), PATH: process.env["PATH"] ?? "", HOME: home, TMPDIR: home };
  const child = spawn(process.execPath, [join(directory, "serve.ts"), "/bin/sh", "-c", script], { env, cwd: home });
  const said: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => said[0].push(chunk));
  child.stderr.on("data", (chunk: Buffer) => said[1].push(chunk));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  const [stdout = "", stderr = ""] = said.map((pieces) => Buffer.concat(pieces).toString("utf8"));
  return { code, stdout, stderr };
}

const hello = "https://files.example/hello.txt";
const wheel = tinyWheel();

/** What real programs do with the proxy; `files` are all they may have. */
const programs: readonly (readonly [program: string, step: Step, stdout: string | RegExp])[] = [
  ["curl", { files: { [hello]: "hello\n" }, script: `curl -sSf ${hello}` }, "hello\n"],
  [
    "curl",
    { files: { "http://files.example/a?b=c": "plain\n" }, script: "curl -sSf 'http://files.example/a?b=c'" },
    "plain\n",
  ],
  [
    "curl",
    { files: { "http://files.example/a": "in a tunnel\n" }, script: "curl -sSfp http://files.example/a" },
    "in a tunnel\n",
  ],
  [
    "curl",
    { files: { "https://[2001:db8::1]:8443/a": "by address\n" }, script: "curl -sSfg 'https://[2001:db8::1]:8443/a'" },
    "by address\n",
  ],
  ["wget", { files: { [hello]: "hello\n" }, script: `wget -qO- ${hello}` }, "hello\n"],
  [
    "python3",
    {
      files: { [hello]: "hello\n" },
      script: `python3 -c 'import urllib.request as u; print(u.urlopen("${hello}").read())'`,
    },
    "b'hello\\n'\n",
  ],
  [
    "pip",
    {
      files: {
        "https://packages.example/simple/tiny/": '<!DOCTYPE html><a href="../../tiny-1.0-py3-none-any.whl">tiny</a>',
        "https://packages.example/tiny-1.0-py3-none-any.whl": wheel,
      },
      script:
        "python3 -m pip -q download --no-deps --index-url https://packages.example/simple -d got tiny==1.0 && ls got",
    },
    "tiny-1.0-py3-none-any.whl\n",
  ],
  [
    "npm",
    {
      files: {
        "https://packages.example/tiny": JSON.stringify({
          name: "tiny",
          "dist-tags": { latest: "1.0.0" },
          versions: {
            "1.0.0": { name: "tiny", version: "1.0.0", dist: { tarball: "https://packages.example/t.tgz" } },
          },
        }),
      },
      script: "npm view --registry=https://packages.example/ tiny@1.0.0 dist.tarball",
    },
    "https://packages.example/t.tgz\n",
  ],
  [
    "git",
    {
      files: {
        "https://git.example/r/info/refs?service=git-upload-pack": `${"ab".repeat(20)}\trefs/heads/main\n`,
        "https://git.example/r/HEAD": "ref: refs/heads/main\n",
      },
      script: "git ls-remote https://git.example/r refs/heads/main",
    },
    `${"ab".repeat(20)}\trefs/heads/main\n`,
  ],
  [
    "go",
    {
      files: {
        "https://packages.example/go/files.example/tiny/@v/list": "v1.2.3\n",
        "https://packages.example/go/files.example/tiny/@v/v1.2.3.info": '{"Version":"v1.2.3"}',
        "https://packages.example/go/files.example/tiny/@v/v1.2.3.mod": "module files.example/tiny\n",
      },
      script: "GOFLAGS=-mod=mod GOPROXY=https://packages.example/go go list -m -versions files.example/tiny",
    },
    "files.example/tiny v1.2.3\n",
  ],
  [
    "/usr/lib/apt/apt-helper",
    {
      files: { [hello]: "hello\n" },
      script: `/usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file ${hello} got > log && cat got`,
    },
    "hello\n",
  ],
  [
    "node",
    {
      files: { [hello]: "hello\n" },
      script: `${process.execPath} -e 'fetch("${hello}").then((r) => r.text()).then((t) => process.stdout.write(t))'`,
    },
    "hello\n",
  ],
];

describe("the proxy of a step", () => {
  for (const [program, given, stdout] of programs)
    it.skipIf(!hasProgram(program))(
      `gives ${program} what the lock has: ${Object.keys(given.files).join(" ")} (needs ${program})`,
      async () => {
        const done = await step({ ...given, every: true });
        expect(done).toEqual({ code: 0, stdout, stderr: "" });
      },
      120_000,
    );

  it.skipIf(!hasProgram("curl"))("refuses everything else, and says what it was (needs curl)", async () => {
    const other = "https://other.example/x?y=1";
    const done = await step({
      files: { [hello]: "hello\n" },
      script: `curl -s ${hello} '${other}' ${hello}?x http://files.example/hello.txt; curl -s -d x ${hello}; exit 0`,
    });
    expect(done.code).toBe(97);
    expect(done.stdout).toContain(`hello\nLS9013 ${other} is not among what the step fetches\n`);
    const said = (url: string): string =>
      `LS9013 lockstep: run it: the step asked for ${url}, which is not among what it fetches; add it to fetch:\n`;
    expect(done.stderr).toBe(
      ["POST https://files.example/hello.txt", "http://files.example/hello.txt", `${hello}?x`, other]
        .map(said)
        .join(""),
    );
  });

  it.skipIf(!hasProgram("curl"))(
    "tells at most twenty refusals, and how many more there were (needs curl)",
    async () => {
      const { stderr } = await step({ files: { [hello]: "" }, script: "curl -s 'https://other.example/[1-23]' > all" });
      const lines = stderr.trim().split("\n");
      expect(lines).toHaveLength(21);
      expect(lines.at(-1)).toBe("LS9013 lockstep: run it: … and 3 more");
    },
  );

  it.skipIf(!hasProgram("curl"))(
    "LS9014: names what the step did not ask for, where it has to (needs curl)",
    async () => {
      const unused = "https://files.example/unused";
      const given = { files: { [hello]: "hello\n", [unused]: "u" }, script: `curl -sI ${hello} > head; exit $code` };
      const strict = await step({ ...given, every: true });
      expect([strict.code, strict.stderr]).toEqual([
        97,
        `LS9014 lockstep: run it: the step did not ask for ${unused}; remove it from fetch:\n`,
      ]);
      expect(await step(given)).toMatchObject({ code: 0, stderr: "" });
      const failed = await step({ ...given, script: "exit 3", every: true });
      expect([failed.code, failed.stderr]).toEqual([3, ""]);
    },
  );

  it.skipIf(!hasProgram("curl"))("sends no time, and a type that follows from the bytes (needs curl)", async () => {
    const files = { [hello]: "hello\n", "https://files.example/p": " <p>", "https://files.example/j": "[]" };
    const { stdout } = await step({ files, script: `curl -sI ${Object.keys(files).join(" ")}` });
    expect(stdout).not.toMatch(/^date:/im);
    expect(stdout.match(/^content-(?:type|length): .*$/gm)).toEqual([
      "content-type: application/octet-stream",
      "content-length: 6",
      "content-type: text/html; charset=utf-8",
      "content-length: 4",
      "content-type: application/json",
      "content-length: 2",
    ]);
  });

  it.skipIf(!hasProgram("curl"))("gives large files whole, and empty ones, many at once (needs curl)", async () => {
    const large = Buffer.alloc(5_000_000, "lockstep");
    const files = { "https://files.example/large": large, "https://files.example/empty": "" };
    const script = `curl -sfZ -o a https://files.example/large -o b https://files.example/large -o c https://files.example/empty 2> progress && cmp a b && sha256sum < a && wc -c < c`;
    expect(await step({ files, script })).toEqual({ code: 0, stdout: `${hexOf(digestOf(large))}  -\n0\n`, stderr: "" });
  });

  it("ends as its step does, by a code or a signal, and with what is wrong when it cannot be started", async () => {
    const files = { [hello]: "" };
    expect((await step({ files, script: "exit 7" })).code).toBe(7);
    expect((await step({ files, script: "kill -TERM $$" })).code).toBe(143);
    const missing = await step({ files, script: "exec /nowhere/program" });
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain("/nowhere/program");
  });
});

describe("its certificates", () => {
  it.skipIf(!hasProgram("openssl"))("hold for OpenSSL's strict rules, for names and addresses (needs openssl)", () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "authority.pem"), authority());
    for (const [host, option] of [
      ["files.example", "-verify_hostname"],
      ["192.0.2.7", "-verify_ip"],
      ["2001:db8::1", "-verify_ip"],
      ["::1", "-verify_ip"],
    ] as const) {
      writeFileSync(join(directory, "server.pem"), serverOf(host).cert);
      const args = ["verify", "-x509_strict", "-purpose", "sslserver", option, host, "-CAfile", "authority.pem"];
      const { stdout, stderr } = run("openssl", [...args, "server.pem"], { cwd: directory });
      expect(`${stdout.toString("utf8")}${stderr.toString("utf8")}`).toBe("server.pem: OK\n");
      const other = run(
        "openssl",
        [...args.with(5, option === "-verify_ip" ? "192.0.2.8" : "other.example"), "server.pem"],
        {
          cwd: directory,
        },
      );
      expect(other.status).not.toBe(0);
    }
  });

  it("are the same at any time, since steps can read them", () => {
    expect(hexOf(digestOf(authority()))).toBe("fd1506efdc36ec0d189bf3dd1d603a7dc4275e3299e3a1a8df1548fe98856225");
    expect(serverOf("files.example")).toEqual(serverOf("files.example"));
    expect(serverOf("files.example").cert).not.toBe(serverOf("other.example").cert);
  });
});
