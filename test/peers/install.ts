/** Other programs as oracles for whole images, and determinism across machines. This file installs the oracles that are missing. */
import { createHost, type Host } from "../../pipeline/host/host.ts";

/** Debian's package for each program that the tests call, where the two are called differently. */
const packageOf: Readonly<Record<string, string>> = {
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  "qemu-aarch64-static": "qemu-user-static",
  "qemu-x86_64-static": "qemu-user-static",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
  "xtables-nft-multi": "iptables",
  chattr: "e2fsprogs",
  dnsmasq: "dnsmasq-base",
  fusermount3: "fuse3",
  igzip: "isal",
  ip: "iproute2",
  ldconfig: "libc-bin",
  "libdeflate-gzip": "libdeflate-tools",
  setpriv: "util-linux",
  taskset: "util-linux",
  unshare: "util-linux",
  xz: "xz-utils",
};

const programs: readonly string[] = [
  "chromium skopeo umoci runc qemu-aarch64-static qemu-x86_64-static faketime disorderfs fusermount3",
  "pigz libdeflate-gzip igzip busybox zstd",
  "dpkg dpkg-deb apt-get gpg gpgv minisign openssl ldconfig tar gzip xz zip unzip git python3 setpriv taskset unshare chattr",
].flatMap((line) => line.split(" "));

/** What a Dagger engine is started with, where there is one: its image has these beside it. */
const besideEngine = "slirp4netns ip dnsmasq xtables-nft-multi /usr/lib/cni/bridge".split(" ");

async function missing(host: Host): Promise<readonly string[]> {
  const script = 'for program; do command -v "$program" >/dev/null || echo "$program"; done';
  const engine = await host.run("sh", ["-c", "command -v dagger-engine"]);
  const all = engine.code === 0 ? [...programs, ...besideEngine] : programs;
  const { stdout } = await host.run("sh", ["-c", script, "sh", ...all]);
  return stdout.toString().split("\n").slice(0, -1);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/**
 * Installs what is missing with apt-get, where that is possible: as root on Debian or Ubuntu. What cannot be had is said on stderr with
 * the reason; the tests that need it skip and name it. Never throws for it: a laptop without root runs all other tests.
 */
export async function installOracles(): Promise<void> {
  const host = createHost();
  const before = await missing(host);
  const wanted = [...new Set(before.map((program) => packageOf[program] ?? program))];
  if (wanted.length === 0) return;
  let reason = "installing needs root and apt-get";
  if (host.uid === 0 && !before.includes("apt-get")) {
    process.stderr.write(`installing what tests compare with: ${wanted.join(" ")}\n`);
    const env = { ...host.environment(), DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" };
    const aptGet = (...args: readonly string[]) =>
      host.run("apt-get", ["-q", "-y", "-o", "DPkg::Lock::Timeout=120", ...args], { env });
    const updated = await aptGet("update");
    if (updated.code !== 0) reason = lastLine(updated.stderr.toString());
    // One by one after a failure: a name that this release does not have must not cost all others.
    const together = await aptGet("install", "--no-install-recommends", ...wanted);
    if (together.code !== 0) {
      reason = lastLine(together.stderr.toString());
      for (const name of wanted) await aptGet("install", "--no-install-recommends", name);
    }
  }
  const absent = await missing(host);
  if (absent.length > 0) process.stderr.write(`not there for tests: ${absent.join(" ")} (${reason})\n`);
}
