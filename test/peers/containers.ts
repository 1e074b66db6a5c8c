/** The samples at work: runc starts them as an orchestrator would, and arm64 runs under qemu. */
import { spawn } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createHost } from "../../pipeline/host/host.ts";
import { hasProgram, run } from "../support.ts";
import type { Samples } from "./samples.ts";

const host = createHost();
const unpacks = host.uid === 0 && hasProgram("umoci");
const runs = unpacks && hasProgram("runc");
const qemu = ["qemu-aarch64-static", "qemu-aarch64"].find(hasProgram);

/** What of a runtime configuration (OCI runtime-spec, config.md) tests change. */
interface RuntimeSpec {
  readonly process: { readonly env: readonly string[]; readonly args: readonly string[] };
  readonly root: { readonly path: string };
  readonly mounts: readonly { readonly destination: string; readonly type: string }[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
}

interface Changes {
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly mounts?: readonly unknown[];
}

/**
 * Makes umoci's configuration one that runs without a terminal, in this machine's network so that a test can talk to it, outside of control
 * groups, which machines within machines often cannot make, and with a root that cannot be written to.
 */
function configure(bundle: string, { args, env = [], mounts = [] }: Changes): void {
  const path = join(bundle, "config.json");
  const spec = JSON.parse(readFileSync(path, "utf8")) as RuntimeSpec;
  const { resources: _, cgroupsPath: __, ...linux } = spec.linux as RuntimeSpec["linux"] & Record<string, unknown>;
  const namespaces = linux.namespaces.filter(({ type }) => type !== "network" && type !== "cgroup");
  const process = {
    ...spec.process,
    terminal: false,
    args: args ?? spec.process.args,
    env: [...spec.process.env, ...env],
  };
  const kept = spec.mounts.filter(({ type }) => type !== "cgroup");
  const changed = {
    ...spec,
    process,
    root: { ...spec.root, readonly: true },
    mounts: [...kept, ...mounts],
    linux: { ...linux, namespaces },
  };
  writeFileSync(path, JSON.stringify(changed));
}

/** A bundle of its own for one run: the configuration is changed, the root is shared. */
function prepare(samples: Samples, image: string, changes: Changes): { readonly bundle: string; readonly id: string } {
  const bundle = samples.bundle(image, "linux/amd64");
  const original = `${bundle}.config.json`;
  try {
    copyFileSync(original, join(bundle, "config.json"));
  } catch {
    copyFileSync(join(bundle, "config.json"), original);
  }
  configure(bundle, changes);
  const id = `lockstep-test-${host.token(6)}`;
  onTestFinished(() => void run("runc", ["delete", "--force", id]));
  return { bundle, id };
}

/** Starts a server that logs its port as JSON, asks it for `path`, ends it with SIGTERM, and gives its answer and its exit code. */
async function ask(
  command: readonly string[],
  path: string,
): Promise<{ readonly body: unknown; readonly code: number | null }> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: host.env("PATH") ?? "", PORT: "0" },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  let said = "";
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /"message":"listening","port":(\d+)/.exec(said);
      if (found !== null) resolve(Number(found[1]));
    });
    child.once("close", () => reject(new Error(`ended before it listened: ${said}`)));
    child.once("error", reject);
  });
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const body = (await response.json()) as unknown;
  child.kill("SIGTERM");
  return { body, code: await ended };
}

export function containerTests(samples: () => Samples): void {
  it.skipIf(!runs)(
    "web answers an HTTP request when runc runs it, and ends well (needs root, umoci, runc)",
    async () => {
      const { bundle, id } = prepare(samples(), "web", { env: ["PORT=0"] });
      const { body, code } = await ask(["runc", "run", "--bundle", bundle, id], "/");
      expect(body).toMatchObject({ service: "web", version: "1.0.0" });
      expect(code).toBe(0);
    },
  );

  it.skipIf(!runs)("toolbox has its tools when runc runs it (needs root, umoci, runc)", () => {
    const script = `set -e
      curl --version; dig -v 2>&1; ps --version; strace -V; jq --version; openssl version; vi --version | head -n 1
      nc -h 2>&1 | head -n 1; awk 'BEGIN { print "awk works" }'; ip -Version; ping -V; file --version; lsof -v 2>&1 | head -n 1
      id; date -d @0 +%F; ls /etc/ssl/certs/ca-certificates.crt; ps -o comm= -p 1; :`;
    const { bundle, id } = prepare(samples(), "toolbox", { args: ["/bin/bash", "-c", script] });
    const { status, stdout, stderr } = run("runc", ["run", "--bundle", bundle, id]);
    const said = stdout.toString();
    expect([status, stderr.toString()]).toEqual([0, ""]);
    for (const word of [
      "curl 8.",
      "DiG 9.",
      "procps",
      "strace",
      "jq-",
      "OpenSSL 3",
      "VIM",
      "OpenBSD netcat",
      "awk works",
    ])
      expect(said).toContain(word);
    expect(said).toContain("uid=0(root) gid=0(root)");
    expect(said.trim().endsWith("bash")).toBe(true);
  });

  it.skipIf(!runs || qemu === undefined)(
    "static runs a program that brings everything itself, not as root (needs root, umoci, runc, a static program: qemu-user-static)",
    () => {
      const program = run("sh", ["-c", `readlink -f "$(command -v ${qemu ?? ""})"`])
        .stdout.toString()
        .trim();
      // The root cannot be written to, so the program takes the place of a file that is there.
      const mount = { destination: "/etc/debian_version", type: "bind", source: program, options: ["bind", "ro"] };
      const { bundle, id } = prepare(samples(), "static", {
        args: ["/etc/debian_version", "--version"],
        mounts: [mount],
      });
      const { status, stdout, stderr } = run("runc", ["run", "--bundle", bundle, id]);
      expect([status, stderr.toString()]).toEqual([0, ""]);
      expect(stdout.toString()).toContain("qemu-aarch64 version");
      const { process } = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")) as {
        process: { user: unknown };
      };
      expect(process.user).toMatchObject({ uid: 65532, gid: 65532 });
    },
  );

  it.skipIf(!unpacks || qemu === undefined)(
    "web for arm64 answers an HTTP request under qemu (needs root, umoci, qemu-user-static)",
    async () => {
      const rootfs = samples().root("web", "linux/arm64");
      const program = run("sh", ["-c", `command -v ${qemu ?? ""}`])
        .stdout.toString()
        .trim();
      copyFileSync(program, join(rootfs, "qemu"));
      const command = ["chroot", "--userspec=65532:65532", rootfs, "/qemu", "/usr/bin/node"];
      const { body, code } = await ask([...command, "/app/server.js"], "/readyz");
      expect(body).toEqual({ status: "ready" });
      expect(code).toBe(0);
      const { stdout } = run("chroot", [...command.slice(1), "--print", "process.arch"]);
      expect(stdout.toString()).toBe("arm64\n");
    },
  );
}
