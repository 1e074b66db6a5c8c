/** Pairs for the rows S of the catalogue. */
import { adding, both, dpkgStatus, files, image, noise, prose } from "../base.ts";
import type { Case } from "../case.ts";
import { linkerCache, sqlite } from "../formats/binary.ts";
import { certificates } from "../formats/certificates.ts";

const libraries = [
  ["libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1"],
  ["libssl.so.3", "/lib/x86_64-linux-gnu/libssl.so.3"],
  ["libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"],
] as const;

const log = (time: string): string =>
  `${time} startup archives unpack\n${time} install curl:amd64 <none> 8.14.1-2\n${time} status installed curl:amd64 8.14.1-2\n`;

const stanza = (name: string, version: string): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nDescription: ${name}\n`;

/** The record that `lastlog` has for a user: a time, a line, a host. */
const lastLogin = (time: number): Buffer => {
  const record = Buffer.alloc(292 * 2);
  record.writeUInt32LE(time, 292);
  record.write("pts/0", 296, "latin1");
  return record;
};

const packageAt = (version: string, program: string) => ({
  packages: adding(
    { name: "usr/bin/curl", mode: 0o755, content: program },
    { name: "var/lib/dpkg/status", content: dpkgStatus.join("\n").replace("8.14.1-2", version) },
    { name: "usr/share/doc/curl/changelog.Debian", content: `curl (${version}) trixie; urgency=medium\n` },
  ),
});

export const systemCases: readonly Case[] = [
  {
    cause: "S1",
    what: "a machine id",
    ...files("packages", "etc/machine-id", "0b1c2d3e4f5061728394a5b6c7d8e9f0\n", "9f8e7d6c5b4a39281706f5e4d3c2b1a0\n"),
  },
  {
    cause: "S1",
    what: "D-Bus's copy on one side",
    ...files("packages", "var/lib/dbus/machine-id", undefined, "9f8e7d6c5b4a39281706f5e4d3c2b1a0\n"),
  },
  { cause: "S2", what: "the name of the machine", ...files("packages", "etc/hostname", "build-7\n", "ci-runner-3\n") },
  {
    cause: "S3",
    what: "name servers of the machine",
    ...files("packages", "etc/resolv.conf", "nameserver 10.0.0.2\nsearch corp.example\n", "nameserver 192.168.1.1\n"),
  },
  {
    cause: "S3",
    what: "hosts of the machine",
    ...files(
      "packages",
      "etc/hosts",
      "127.0.0.1 localhost\n172.17.0.2 4f1d0a9b8c7e\n",
      "127.0.0.1 localhost\n172.17.0.3 0a9b8c7e4f1d\n",
    ),
  },
  {
    cause: "S4",
    what: "host keys of SSH",
    ...files("packages", {
      "etc/ssh/ssh_host_ed25519_key.pub": [
        `ssh-ed25519 ${noise(51, 2).toString("base64")} root@buildkitsandbox\n`,
        `ssh-ed25519 ${noise(51, 8).toString("base64")} root@buildkitsandbox\n`,
      ],
    }),
  },
  {
    cause: "S4",
    what: "a seed of random numbers",
    ...files("packages", "var/lib/systemd/random-seed", noise(512, 2), noise(512, 3)),
  },
  {
    cause: "S4",
    what: "a self-signed certificate of the installation",
    ...files("packages", "etc/ssl/certs/ssl-cert-snakeoil.pem", certificates.one, certificates.two),
  },
  {
    cause: "S5",
    what: "backups of the files of accounts",
    ...files("packages", {
      "etc/passwd-": [undefined, "root:x:0:0:root:/root:/bin/bash\n"],
      "etc/shadow-": [undefined, "root:*:19700:0:99999:7:::\n"],
    }),
  },
  { cause: "S5", what: "a lock of the files of accounts", ...files("packages", "etc/.pwd.lock", undefined, "") },
  {
    cause: "S6",
    what: "ranges of subordinate ids",
    ...files("packages", {
      "etc/subuid": ["app:100000:65536\n", "app:165536:65536\n"],
      "etc/subgid": ["app:100000:65536\n", "app:165536:65536\n"],
    }),
  },
  {
    cause: "S7",
    what: "ldconfig's auxiliary cache",
    ...files(
      "packages",
      "var/cache/ldconfig/aux-cache",
      Buffer.concat([Buffer.from("glibc-ld.so.auxcache-1.0"), noise(400, 1)]),
      Buffer.concat([Buffer.from("glibc-ld.so.auxcache-1.0"), noise(400, 2)]),
    ),
  },
  {
    cause: "S8",
    what: "the linker's cache in another order",
    ...files("packages", "etc/ld.so.cache", linkerCache(libraries), linkerCache(libraries.toReversed())),
  },
  {
    cause: "S9",
    what: "dpkg's status in another order",
    ...files("packages", "var/lib/dpkg/status", dpkgStatus.join("\n"), dpkgStatus.toReversed().join("\n")),
  },
  {
    cause: "S9",
    what: "dpkg's status-old on one side",
    ...files("packages", "var/lib/dpkg/status-old", undefined, dpkgStatus.slice(0, 1).join("\n")),
  },
  {
    cause: "S10",
    what: "logs of dpkg and apt",
    ...files("packages", {
      "var/log/dpkg.log": [log("2024-01-01 10:00:01"), log("2024-01-02 11:30:09")],
      "var/log/apt/history.log": ["Start-Date: 2024-01-01  10:00:01\n", "Start-Date: 2024-01-02  11:30:09\n"],
    }),
  },
  {
    cause: "S10",
    what: "a log that one side kept",
    ...files(
      "packages",
      "var/log/alternatives.log",
      undefined,
      "update-alternatives 2024-01-01 10:00:01: run with --quiet\n",
    ),
  },
  {
    cause: "S11",
    what: "lists of apt on one side",
    ...files("packages", {
      "var/lib/apt/lists/mirror.example_debian_dists_trixie_InRelease": [undefined, prose(900, 2)],
      "var/lib/apt/lists/lock": [undefined, ""],
    }),
  },
  {
    cause: "S11",
    what: "apt's caches",
    ...files("packages", {
      "var/cache/apt/pkgcache.bin": [noise(900, 1), noise(900, 2)],
      "var/cache/apt/srcpkgcache.bin": [noise(700, 1), noise(700, 2)],
    }),
  },
  {
    cause: "S12",
    what: "a builder's options in the configuration of apt",
    ...files(
      "packages",
      "etc/apt/apt.conf.d/99mmdebstrap",
      'Apt::Install-Recommends "0";\n',
      'Apt::Install-Recommends "0";\nAcquire::http::Proxy "http://proxy.example:3142";\n',
    ),
  },
  {
    cause: "S13",
    what: "debconf's old copies",
    ...files("packages", {
      "var/cache/debconf/config.dat-old": [undefined, "Name: a/b\n\n"],
      "var/cache/debconf/templates.dat-old": ["Name: a/c\n\n", "Name: a/b\n\n"],
    }),
  },
  {
    cause: "S14",
    what: "triggers of dpkg in another order",
    ...files(
      "packages",
      "var/lib/dpkg/triggers/File",
      "/usr/share/man man-db\n/usr/lib/x86_64-linux-gnu/gconv libc-bin\n/usr/share/icons hicolor\n",
      "/usr/share/icons hicolor\n/usr/share/man man-db\n/usr/lib/x86_64-linux-gnu/gconv libc-bin\n",
    ),
  },
  {
    cause: "S14",
    what: "overrides of modes in another order",
    ...files(
      "packages",
      "var/lib/dpkg/statoverride",
      "root crontab 2755 /usr/bin/crontab\nroot mail 2755 /usr/bin/lockfile\n",
      "root mail 2755 /usr/bin/lockfile\nroot crontab 2755 /usr/bin/crontab\n",
    ),
  },
  {
    cause: "S15",
    what: "scripts of packages ran in another order",
    ...files(
      "packages",
      "etc/shells",
      "/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/zsh\n/usr/bin/tmux\n",
      "/bin/sh\n/usr/bin/sh\n/usr/bin/tmux\n/bin/bash\n/usr/bin/zsh\n",
    ),
  },
  {
    cause: "S16",
    what: "an alternative chosen by the order of installation",
    ...both(
      { items: { packages: adding({ name: "etc/alternatives/editor", flag: "2", mode: 0o777, target: "/bin/nano" }) } },
      {
        items: {
          packages: adding({ name: "etc/alternatives/editor", flag: "2", mode: 0o777, target: "/usr/bin/vim.tiny" }),
        },
      },
    ),
  },
  {
    cause: "S17",
    what: "certificates bundled in another order",
    ...files(
      "packages",
      "etc/ssl/certs/ca-certificates.crt",
      certificates.one + certificates.two + certificates.three,
      certificates.two + certificates.three + certificates.one,
    ),
  },
  {
    cause: "S18",
    what: "caches of fonts and manuals",
    ...files("packages", {
      "var/cache/fontconfig/3830d5c3ddfd5cd38a049b759396e72e-le64.cache-9": [noise(400, 1), noise(400, 2)],
      "var/cache/man/index.db": [noise(300, 1), noise(300, 2)],
    }),
  },
  {
    cause: "S19",
    what: "the archive of locales",
    ...files(
      "packages",
      "usr/lib/locale/locale-archive",
      Buffer.concat([Buffer.from("09010223", "hex"), noise(3000, 1)]),
      Buffer.concat([Buffer.from("09010223", "hex"), noise(3000, 2)]),
    ),
  },
  {
    cause: "S20",
    what: "an initramfs",
    ...files("packages", "boot/initrd.img-6.12.48-amd64", noise(2000, 1), noise(2000, 2)),
  },
  {
    cause: "S20",
    what: "indexes of kernel modules",
    ...files("packages", "lib/modules/6.12.48-amd64/modules.dep.bin", noise(600, 1), noise(600, 2)),
  },
  {
    cause: "S21",
    what: "apk's archive of scripts",
    ...files(
      "packages",
      "lib/apk/db/scripts.tar",
      Buffer.concat([noise(600, 1), Buffer.alloc(1024)]),
      Buffer.concat([noise(600, 2), Buffer.alloc(1024)]),
    ),
  },
  {
    cause: "S22",
    what: "rpm's database in other pages",
    ...files(
      "packages",
      "var/lib/rpm/rpmdb.sqlite",
      sqlite(
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)",
        "INSERT INTO Packages VALUES (1, x'00aa'), (2, x'00bb')",
      ),
      sqlite(
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)",
        "INSERT INTO Packages VALUES (9, x'00cc'), (2, x'00bb'), (1, x'00aa')",
        "DELETE FROM Packages WHERE hnum = 9",
      ),
    ),
  },
  {
    cause: "S23",
    what: "the times of logins",
    ...files("packages", "var/log/lastlog", lastLogin(1_704_067_300), lastLogin(1_704_099_000)),
  },
  {
    cause: "S23",
    what: "an empty wtmp and btmp on one side",
    ...files("packages", { "var/log/wtmp": [undefined, ""], "var/log/btmp": [undefined, ""] }),
  },
  {
    cause: "S24",
    what: "a history and a temporary file left behind",
    ...files("packages", {
      "root/.wget-hsts": [
        undefined,
        "# HSTS 1.0 Known Hosts database for GNU Wget.\nfiles.example\t0\t1\t1704067300\t31536000\n",
      ],
      "tmp/build.log": [undefined, "done\n"],
    }),
  },
  { cause: "S24", what: "a cache of the user", ...files("built", "root/.cache/tool/state", "1\n", "2\n") },
  {
    cause: "S25",
    what: "what belongs to a running system",
    ...files("packages", {
      "run/mount/utab": [undefined, "SRC=/dev/sda1 TARGET=/ ROOT=/\n"],
      "run/lock/x": [undefined, ""],
    }),
  },
  {
    cause: "S26",
    what: "the mirror had another version",
    a: image({ items: packageAt("8.14.1-2", prose(900, 3)) }),
    b: image({ items: packageAt("8.14.1-2+deb13u1", prose(904, 31)) }),
  },
  {
    cause: "S28",
    what: "recommended packages on one side",
    ...both(
      { items: { packages: adding({ name: "var/lib/dpkg/status", content: dpkgStatus.join("\n") }) } },
      {
        items: {
          packages: adding(
            {
              name: "var/lib/dpkg/status",
              content: [...dpkgStatus, stanza("publicsuffix", "20250328"), stanza("libldap-common", "2.6.10")].join(
                "\n",
              ),
            },
            { name: "usr/share/publicsuffix/public_suffix_list.dat", content: prose(800, 2) },
            { name: "var/lib/dpkg/info/publicsuffix.list", content: "/usr/share/publicsuffix\n" },
          ),
        },
      },
    ),
  },
];
