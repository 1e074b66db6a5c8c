/** Causes that are state of an operating system in the image: rows S of the catalogue. */
import { type Cause, has, type Rule } from "../cause.ts";
import type { Fix } from "../cause.ts";

const path =
  (pattern: RegExp, confidence: number): Rule =>
  ({ where }) =>
    pattern.test(where.path ?? "") ? confidence : 0;

/** What a step leaves behind, and whoever builds removes it in the same step. */
const remove = (command: string): Fix => ({
  any: `remove it at the end of {where}: \`${command}\``,
  lockstep: `remove it in the step that makes {where}: \`${command}\`; layers of packages never have it`,
  buildkit: `add \`&& ${command}\` to the end of {where}`,
  docker: `add \`&& ${command}\` to the end of {where}`,
});

export const systemCauses: readonly Cause[] = [
  {
    id: "S1",
    title: "the identity of a machine is in the image",
    seen: "`/etc/machine-id` or D-Bus's copy differs",
    grade: "content",
    fix: remove(": > /etc/machine-id; rm -f /var/lib/dbus/machine-id"),
    places: { confidence: 0.98, exact: ["etc/machine-id", "var/lib/dbus/machine-id", "var/db/dbus/machine-id"] },
  },
  {
    id: "S2",
    title: "the host name of the machine that built is in the image",
    seen: "`/etc/hostname` or `/etc/mailname` differs",
    grade: "content",
    fix: remove("rm -f /etc/hostname"),
    places: { confidence: 0.98, exact: ["etc/hostname", "etc/mailname"] },
  },
  {
    id: "S3",
    title: "name servers or hosts of the machine that built are in the image",
    seen: "`/etc/resolv.conf` or `/etc/hosts` differs",
    grade: "content",
    fix: remove("rm -f /etc/resolv.conf /etc/hosts"),
    places: {
      confidence: 0.98,
      exact: ["etc/resolv.conf", "etc/hosts", "etc/resolv.conf-"],
      below: ["run/systemd/resolve", "run/resolvconf"],
    },
  },
  {
    id: "S4",
    title: "a key, a seed or a certificate was made by chance during the build",
    seen: "host keys of SSH, seeds of random numbers or self-signed certificates differ",
    grade: "content",
    fix: remove(
      "rm -f /etc/ssh/ssh_host_*_key* /var/lib/systemd/random-seed /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem",
    ),
    places: {
      confidence: 0.96,
      exact: [
        "var/lib/systemd/random-seed",
        "var/lib/urandom/random-seed",
        "var/lib/random-seed",
        "var/lib/systemd/credential.secret",
        "etc/ssl/private/ssl-cert-snakeoil.key",
        "etc/ssl/certs/ssl-cert-snakeoil.pem",
        "boot/efi/loader/random-seed",
        "etc/bind/rndc.key",
      ],
      names: [
        "ssh_host_rsa_key",
        "ssh_host_ecdsa_key",
        "ssh_host_ed25519_key",
        "ssh_host_dsa_key",
        "ssh_host_rsa_key.pub",
        "ssh_host_ecdsa_key.pub",
        "ssh_host_ed25519_key.pub",
        "ssh_host_dsa_key.pub",
        "random-seed",
      ],
    },
    rules: {
      content: (finding) => {
        if (
          finding.format !== undefined &&
          /private key|ssh key|^pem$|^x\.?509$|certificate|openssh/i.test(finding.format)
        )
          return has(finding, "random") || /serial|public key|signature|modulus/i.test(finding.where.field)
            ? 0.85
            : 0.5;
        return 0;
      },
    },
  },
  {
    id: "S5",
    title: "copies and locks of the files of accounts were left behind",
    seen: "`passwd-`, `shadow-`, `group-`, `gshadow-` or `.pwd.lock` differs or is there on one side",
    grade: "cosmetic",
    fix: remove("rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/.pwd.lock"),
    places: {
      confidence: 0.96,
      exact: [
        "etc/passwd-",
        "etc/shadow-",
        "etc/group-",
        "etc/gshadow-",
        "etc/.pwd.lock",
        "etc/passwd.lock",
        "etc/shadow.lock",
      ],
    },
  },
  {
    id: "S6",
    title: "ranges of subordinate ids were given to an account",
    seen: "`/etc/subuid` or `/etc/subgid` differs",
    grade: "content",
    fix: remove(": > /etc/subuid; : > /etc/subgid; rm -f /etc/subuid- /etc/subgid-"),
    places: { confidence: 0.97, exact: ["etc/subuid", "etc/subgid", "etc/subuid-", "etc/subgid-"] },
  },
  {
    id: "S7",
    title: "the auxiliary cache of ldconfig is in the image",
    seen: "`/var/cache/ldconfig/aux-cache` differs: it has inodes and times",
    grade: "cosmetic",
    fix: remove("rm -f /var/cache/ldconfig/aux-cache"),
    places: { confidence: 0.98, below: ["var/cache/ldconfig"] },
  },
  {
    id: "S8",
    title: "the linker's cache was made over libraries in another order",
    seen: "`/etc/ld.so.cache` differs",
    grade: "content",
    fix: {
      any: "run `ldconfig -X` as the last command of {where}, after the same libraries were installed",
      lockstep: "the cache is made from the packages: rebuild {where} with this version",
    },
    places: { confidence: 0.93, exact: ["etc/ld.so.cache"] },
    rules: { content: ({ format }) => (format === "ld.so.cache" ? 0.96 : 0) },
  },
  {
    id: "S9",
    title: "the package database is in another order, or its copies were left",
    seen: "the same packages come in another order in dpkg's status, or `status-old` or `available` differs",
    grade: "cosmetic",
    fix: {
      any: "install the packages of {where} in one run, and remove /var/lib/dpkg/*-old",
      lockstep: "the database is written in the order of names: rebuild {where} with this version",
      buildkit: "add `&& rm -f /var/lib/dpkg/*-old` to {where}, and install everything in one run of apt",
      docker: "add `&& rm -f /var/lib/dpkg/*-old` to {where}, and install everything in one run of apt",
    },
    places: {
      confidence: 0.93,
      exact: [
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/available",
        "var/lib/dpkg/available-old",
        "var/lib/dpkg/lock",
        "var/lib/dpkg/lock-frontend",
        "var/lib/dpkg/diversions-old",
        "var/lib/dpkg/statoverride-old",
        "var/lib/dpkg/cmethopt",
      ],
    },
    rules: {
      content: (finding, survey) => {
        if (finding.where.path !== "var/lib/dpkg/status") return 0;
        return has(finding, "order") ? 0.95 : survey.naturesOf(finding).has("order") ? 0.9 : 0.35;
      },
    },
  },
  {
    id: "S10",
    title: "logs of the installation are in the image",
    seen: "a file below `/var/log` differs or is there on one side",
    grade: "cosmetic",
    fix: remove("rm -rf /var/log/*"),
    places: {
      confidence: 0.95,
      below: ["var/log", "var/lib/apt/term.log"],
      names: ["bootstrap.log", "npm-debug.log", "yarn-error.log"],
    },
  },
  {
    id: "S11",
    title: "lists, caches or states of apt are in the image",
    seen: "a file below `/var/lib/apt` or `/var/cache/apt` differs or is there on one side",
    grade: "cosmetic",
    fix: remove("rm -rf /var/lib/apt/lists/* /var/cache/apt/*"),
    places: {
      confidence: 0.95,
      below: ["var/lib/apt", "var/cache/apt", "var/cache/apk", "etc/apk/cache", "var/cache/dnf", "var/cache/yum"],
      names: ["srcpkgcache.bin", "pkgcache.bin"],
    },
  },
  {
    id: "S12",
    title: "the tool that built left its settings in the configuration of apt",
    seen: "a file below `/etc/apt` differs or is there on one side",
    grade: "content",
    fix: {
      any: "remove what the tool put there at the end of {where}, such as /etc/apt/apt.conf.d/99mmdebstrap, or give it one text of sources on all machines",
      lockstep: "file sets bring what they have: write the sources of apt into the repository",
    },
    places: {
      confidence: 0.97,
      below: ["etc/apt/apt.conf.d", "etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/auth.conf.d"],
      exact: ["etc/apt/sources.list", "etc/apt/apt.conf"],
    },
  },
  {
    id: "S13",
    title: "copies of debconf's answers were left, or are in another order",
    seen: "a file below `/var/cache/debconf` differs",
    grade: "cosmetic",
    fix: remove("rm -f /var/cache/debconf/*-old"),
    places: { confidence: 0.96, below: ["var/cache/debconf", "var/lib/debconf"] },
  },
  {
    id: "S14",
    title: "triggers, diversions or overrides of dpkg are in another order",
    seen: "a file of `/var/lib/dpkg/triggers`, `diversions` or `statoverride` differs",
    grade: "cosmetic",
    fix: {
      any: "install the packages of {where} in one order, or sort these files afterwards",
      lockstep: "these files are sorted: rebuild {where} with this version",
    },
    places: {
      confidence: 0.94,
      exact: ["var/lib/dpkg/diversions", "var/lib/dpkg/statoverride"],
      below: ["var/lib/dpkg/triggers"],
    },
  },
  {
    id: "S15",
    title: "maintainer scripts ran in another order",
    seen: "files that several scripts write have the same lines in another order, in a layer of packages",
    grade: "content",
    fix: {
      any: "install the packages of {where} in an order that is fixed, in one run each",
      lockstep: "maintainer scripts do not run; their effects are in the order of names",
    },
    places: { confidence: 0.75, exact: ["etc/shells", "etc/services", "etc/inittab"] },
    rules: {
      content: (finding) =>
        has(finding, "order") &&
        /^(?:etc|var\/lib)\//.test(finding.where.path ?? "") &&
        finding.where.path?.startsWith("var/lib/dpkg") !== true
          ? /^etc\/(?:shells|services|inittab|nsswitch\.conf|environment)$/.test(finding.where.path ?? "")
            ? 0.92
            : 0.5
          : 0,
    },
  },
  {
    id: "S16",
    title: "alternatives were chosen by the order of installation",
    seen: "a link below `/etc/alternatives` has another target, or a file of `/var/lib/dpkg/alternatives` differs",
    grade: "content",
    fix: {
      any: "choose it in {where}: `update-alternatives --set NAME PATH`",
      lockstep: "alternatives follow from priorities, then names: rebuild {where} with this version",
    },
    places: { confidence: 0.95, below: ["etc/alternatives", "var/lib/dpkg/alternatives", "var/lib/alternatives"] },
    rules: {
      "entry.target": ({ a = "", b = "" }) =>
        a.startsWith("/etc/alternatives/") || b.startsWith("/etc/alternatives/") ? 0.7 : 0,
    },
  },
  {
    id: "S17",
    title: "certificates are bundled in another order",
    seen: "a bundle of CA certificates has the same ones in another order, or links to them by hash differ",
    grade: "content",
    fix: {
      any: "run `LC_ALL=C update-ca-certificates --fresh` at the end of {where}",
      lockstep: "the bundle is sorted by path: rebuild {where} with this version",
    },
    places: {
      confidence: 0.85,
      exact: [
        "etc/ssl/certs/ca-certificates.crt",
        "etc/ssl/cert.pem",
        "etc/pki/tls/certs/ca-bundle.crt",
        "etc/ca-certificates.conf",
      ],
      below: ["etc/pki/ca-trust/extracted"],
    },
    rules: {
      content: (finding) =>
        /ca-certificates\.crt$|ca-bundle|cert\.pem$/.test(finding.where.path ?? "") && has(finding, "order") ? 0.97 : 0,
    },
  },
  {
    id: "S18",
    title: "a cache that a trigger makes is in the image",
    seen: "a cache of fontconfig, man-db, MIME types, icons, settings schemas or gconv differs",
    grade: "cosmetic",
    fix: remove(
      "rm -rf /var/cache/fontconfig /var/cache/man /usr/share/mime/mime.cache /usr/share/icons/*/icon-theme.cache",
    ),
    places: {
      confidence: 0.95,
      below: ["var/cache/fontconfig", "var/cache/man", "var/lib/texmf", "var/cache/cracklib", "usr/share/mime"],
      names: [
        "mime.cache",
        "icon-theme.cache",
        "gschemas.compiled",
        "gconv-modules.cache",
        "giomodule.cache",
        "immodules.cache",
        "loaders.cache",
        "mimeinfo.cache",
        "index.db",
        "fonts.cache-1",
      ],
      components: [".uuid", "fontconfig"],
    },
  },
  {
    id: "S19",
    title: "the archive of locales was made from other or differently ordered ones",
    seen: "`/usr/lib/locale/locale-archive` differs",
    grade: "content",
    fix: { any: "use C.UTF-8 alone, or make locales as directories: `localedef --no-archive`" },
    places: { confidence: 0.96, exact: ["usr/lib/locale/locale-archive"], names: ["locale-archive"] },
  },
  {
    id: "S20",
    title: "an initramfs or the indexes of kernel modules are in the image",
    seen: "a file of `/boot` or an index of `/lib/modules` differs",
    grade: "content",
    fix: remove("rm -rf /boot/initrd* /lib/modules"),
    places: {
      confidence: 0.9,
      below: ["boot", "lib/modules", "usr/lib/modules"],
      names: ["modules.dep.bin", "modules.alias.bin", "modules.symbols.bin"],
    },
  },
  {
    id: "S21",
    title: "apk's archive of scripts, or the time of its virtual packages, differs",
    seen: "`/lib/apk/db/scripts.tar` or the version of a virtual package in apk's database differs",
    grade: "cosmetic",
    fix: {
      any: "install the packages of {where} without virtual ones (`--virtual`), or remove /lib/apk/db/scripts.tar*",
    },
    places: {
      confidence: 0.93,
      exact: [
        "lib/apk/db/scripts.tar",
        "usr/lib/apk/db/scripts.tar",
        "lib/apk/db/scripts.tar.gz",
        "usr/lib/apk/db/scripts.tar.gz",
        "lib/apk/db/triggers",
        "usr/lib/apk/db/triggers",
      ],
    },
    rules: {
      content: (finding) =>
        finding.where.path?.endsWith("apk/db/installed") === true &&
        /\b20\d{6}\.\d{6}\b/.test(`${finding.a} ${finding.b}`)
          ? 0.96
          : 0,
    },
  },
  {
    id: "S22",
    title: "rpm's database differs in its pages",
    seen: "a file of the database of rpm differs",
    grade: "cosmetic",
    fix: {
      any: "write the database of {where} anew at the end (`rpm --rebuilddb`), close it (`PRAGMA wal_checkpoint`), and set SOURCE_DATE_EPOCH",
    },
    places: {
      confidence: 0.95,
      below: ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"],
      names: ["rpmdb.sqlite", "Packages.db"],
    },
  },
  {
    id: "S23",
    title: "records of logins are in the image",
    seen: "`lastlog`, `faillog`, `wtmp`, `btmp` or `tallylog` differs",
    grade: "cosmetic",
    fix: remove("rm -f /var/log/lastlog /var/log/faillog /var/log/wtmp /var/log/btmp /var/log/tallylog"),
    places: {
      confidence: 0.985,
      exact: [
        "var/log/lastlog",
        "var/log/faillog",
        "var/log/wtmp",
        "var/log/btmp",
        "var/log/tallylog",
        "run/utmp",
        "var/run/utmp",
      ],
    },
  },
  {
    id: "S24",
    title: "temporary files, histories or caches of the user were left behind",
    seen: "a file below `/tmp`, `/var/tmp` or a cache of the home directory differs or is there on one side",
    grade: "cosmetic",
    fix: remove("rm -rf /tmp/* /var/tmp/* ~/.cache ~/.wget-hsts ~/.bash_history"),
    places: {
      confidence: 0.93,
      below: ["tmp", "var/tmp", "root/.cache"],
      names: [
        ".wget-hsts",
        ".bash_history",
        ".ash_history",
        ".python_history",
        ".node_repl_history",
        ".lesshst",
        ".viminfo",
        ".sudo_as_admin_successful",
      ],
      components: [".cache", ".gnupg"],
    },
  },
  {
    id: "S25",
    title: "what belongs to a running system is in the image",
    seen: "a file below `/run`, `/proc`, `/sys` or `/dev` differs or is there on one side",
    grade: "content",
    fix: remove("rm -rf /run/*"),
    places: {
      confidence: 0.92,
      below: ["run", "var/run", "proc", "sys", "dev"],
      exact: [".dockerenv", "etc/mtab", "run/.containerenv"],
    },
  },
  {
    id: "S26",
    title: "the mirror moved between two builds: packages have other versions",
    seen: "versions in the package database differ",
    grade: "content",
    fix: {
      any: "pin the versions of the packages of {where}, or install from a snapshot of the archive",
      lockstep: "the two builds had other entries in lockstep.lock: build both from one commit of it",
      buildkit: "install from a snapshot of the archive in {where}, or pin versions (`apt-get install name=version`)",
      docker: "install from a snapshot of the archive in {where}, or pin versions (`apt-get install name=version`)",
      apko: "build both from one apko.lock.json",
    },
    rules: {
      "entry.presence": (finding, survey) => (survey.layer(finding).versions.system > 0 ? 0.87 : 0),
      "entry.target": (finding, survey) => (survey.layer(finding).versions.system > 0 ? 0.85 : 0),
      "entry.mtime": (finding, survey) => {
        const layer = survey.layer(finding);
        return layer.versions.system > 0 && layer.contents.has(finding.where.path ?? "") ? 0.92 : 0;
      },
      content: (finding, survey) => {
        const place = finding.where.path ?? "";
        if (!/^(?:var\/lib\/dpkg\/(?:status$|status\.d\/)|(?:usr\/)?lib\/apk\/db\/installed$)/.test(place))
          return survey.layer(finding).versions.system > 0 ? 0.87 : 0;
        if (has(finding, "version") || /version/i.test(finding.where.field)) return 0.94;
        return has(finding, "order", "time") ? 0.1 : 0.5;
      },
    },
  },
  {
    id: "S28",
    title: "recommended packages were installed on one side only",
    seen: "packages are in one database and not in the other, and no versions differ",
    grade: "content",
    fix: {
      any: "say it in {where}: `apt-get install --no-install-recommends`",
      lockstep: "give both specs the same `packages` and `dependencies`",
      buildkit: "add `--no-install-recommends` to {where}",
      docker: "add `--no-install-recommends` to {where}",
    },
    rules: {
      content: (finding, survey) => {
        if (!/^var\/lib\/dpkg\/status$|apk\/db\/installed$/.test(finding.where.path ?? "")) return 0;
        const alone =
          (finding.a === undefined) !== (finding.b === undefined) && !survey.naturesOf(finding).has("order");
        return alone ? (survey.layer(finding).versions.system === 0 ? 0.8 : 0.4) : 0;
      },
      "entry.presence": path(/^var\/lib\/dpkg\/info\/[^/]+\.list$/, 0.55),
    },
  },
];
