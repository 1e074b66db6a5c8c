/** Differences with a known cause: those that a rule must see, and those that look alike and are something else. */
import type { Finding } from "../../../pipeline/verify/compare/finding.ts";
import type { Scene } from "../../../pipeline/verify/cause/scene.ts";
import { content, document, entry, layer, mode, mtime, only, scene, type Told } from "./scenes.ts";

export interface Case {
  /** The cause that must come first. */
  readonly id: string;
  readonly what: string;
  readonly scene: Scene;
}

const epoch = 1_700_000_000;
const run = ["RUN /bin/sh -c useradd app # buildkit"];
const copy = ["COPY app /app # buildkit"];

function means(id: string, what: string, findings: readonly Finding[], told: Told = {}): Case {
  return { id, what, scene: scene(findings, told) };
}

const many = (count: number, make: (index: number) => Finding): readonly Finding[] =>
  Array.from({ length: count }, (_, index) => make(index));

const encoded = (a: string, b: string): readonly Finding[] => [layer("encoder", a, b, { encoderA: a, encoderB: b })];

export const cases: readonly Case[] = [
  // Time
  means(
    "T1",
    "times of files are a day apart",
    many(20, (i) => mtime(`app/${i}`, "1700000000", "1700086400")),
  ),
  means("T1", "times of files and their directories are those of two checkouts", [
    ...many(8, (i) => mtime(`app/${i}`, `17000000${10 + i}`, `1701000${100 + i}`)),
    mtime("app", "1700000300", "1701000300", "directory"),
  ]),
  means(
    "T1",
    "A has the epoch, B the times of the build later on",
    many(5, (i) => mtime(`app/${i}`, String(epoch), String(epoch + 5000 + i))),
    { created: epoch },
  ),
  means(
    "T2",
    "times older than the epoch are as in two checkouts, and the builder cuts times",
    many(5, (i) => mtime(`app/${i}`, String(epoch - 5000 - i), String(epoch - 90000 + i))),
    { created: epoch, steps: copy },
  ),
  means(
    "T2",
    "A has the epoch, B the times of an older checkout",
    many(5, (i) => mtime(`app/${i}`, String(epoch), String(epoch - 90000 + i))),
    { created: epoch },
  ),
  means(
    "T1",
    "times are older than `created`, and nothing says that times were cut",
    many(5, (i) => mtime(`app/${i}`, String(epoch - 5000 - i), String(epoch - 90000 + i))),
    { created: epoch },
  ),
  means(
    "T1",
    "times are older than the `created` of each image, which differ",
    many(5, (i) => mtime(`app/${i}`, String(epoch - 5000 - i), String(epoch - 90000 + i))),
    {
      created: [epoch, epoch + 100],
    },
  ),
  means("T3", "a file is from the year 2038", [mtime("app/x", String(epoch), "2145916800")], { created: epoch }),
  means("T4", "A has fractions of seconds", [mtime("app/x", "1700000000.123456789", "1700000000")]),
  means("T4", "fractions differ", [
    mtime("app/x", "1700000000.5", "1700000000.25"),
    mtime("app/y", "1700000001.5", "1700000001.25"),
  ]),
  means("T1", "fractions and seconds differ", [mtime("app/x", "1700000000.5", "1700000007.25")]),
  means("T5", "a time of access is in PAX headers", [
    entry("app/x", "pax.atime", "1700000000.1", "1700000009.1", { grade: "clock" }),
  ]),
  means("T6", "libarchive's time of creation", [
    entry("app/x", "pax.LIBARCHIVE.creationtime", "1700000000", undefined, { grade: "clock" }),
  ]),
  means("T7", "the gzip header has a time", [layer("gzip.mtime", "1700000000", "0")]),
  means("T8", "created and the history differ", [
    document("config", "created", "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", {
      natures: ["time"],
      grade: "clock",
    }),
    document("config", "history[0].created", "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", {
      natures: ["time"],
      grade: "clock",
    }),
  ]),
  means("T9", "an annotation is a time", [
    document(
      "manifest",
      'annotations["org.opencontainers.image.created"]',
      "2024-01-01T00:00:00Z",
      "2024-01-02T00:00:00Z",
      { natures: ["time"], grade: "clock" },
    ),
  ]),
  means("T9", "a label is a time", [
    document("config", 'config.Labels["org.label-schema.build-date"]', "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", {
      natures: ["time"],
      grade: "clock",
    }),
  ]),
  means("T12", "the day of the last change in shadow", [
    content("etc/shadow", "last change", "19700", "19701", { format: "shadow", inside: ["app"], natures: ["time"] }),
  ]),
  means("T13", "a file has the date of the build", [
    content("app/build-info.txt", "line 1", "built 2024-01-01 00:00:00", "built 2024-01-02 00:00:00", {
      natures: ["time"],
    }),
  ]),
  means("T14", "a program has the date of its compilation", [
    content("usr/bin/x", ".rodata", "Jan  1 2024", "Jan  2 2024", { format: "elf", natures: ["time"] }),
  ]),
  means("T15", "compiled Python has another time", [
    content("usr/lib/python3/x/__pycache__/x.cpython-313.pyc", "mtime", "1700000000", "1700000001", {
      format: "python bytecode",
      natures: ["time"],
    }),
  ]),
  means(
    "T15",
    "one side has compiled Python",
    many(3, (i) => only(`app/__pycache__/m${i}.cpython-313.pyc`, "b")),
  ),
  means("T16", "a Java key store", [
    content("etc/ssl/certs/java/cacerts", "bytes 20", "01", "02", { format: "bytes" }),
  ]),
  means("T17", "members of a jar have other times", [
    content("app/x.jar", "time", "2024-01-01 00:00:00", "2024-01-02 00:00:00", {
      format: "zip",
      inside: ["a.class"],
      natures: ["time"],
    }),
  ]),
  means("T18", "apk's database has times", [
    content("lib/apk/db/installed", "t", "1700000000", "1700000001", { natures: ["time"] }),
  ]),
  means("T19", "a certificate was made anew", [
    content("etc/app/cert.pem", "notAfter", "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z", {
      format: "certificate",
      natures: ["time"],
    }),
  ]),
  means("T20", "a time before 1970", [mtime("app/x", "-1", "0")]),
  means("T21", "whiteouts have other times", [mtime("app/.wh.x", "1700000000", "1700000001")]),
  means(
    "T22",
    "only directories have other times",
    many(3, (i) => mtime(`app/d${i}`, "1700000000", `170000000${i + 1}`, "directory")),
  ),
  means("T3", "a time later than the clock of whoever looks", [mtime("app/x", "1700000000", "1800200000")], {
    created: epoch,
    now: 1_800_000_000,
  }),
  means("T1", "a time long after `created`, and not in the future", [mtime("app/x", "1700000000", "1799900000")], {
    created: epoch,
    now: 1_800_000_000,
  }),
  means("T20", "a time beyond the field, and what a writer made of it", [mtime("app/x", "12345678901", "8589934591")], {
    created: epoch,
    now: 1_800_000_000,
  }),
  // Order
  means("O1", "B is not sorted", [layer("order", "x", "y", { sortedA: "bytes", sortedB: "no", moved: 9 })]),
  means("O1", "none is sorted", [layer("order", "x", "y", { sortedA: "no", sortedB: "no", moved: 9 })]),
  means("O2", "B is sorted as a language does", [
    layer("order", "x", "y", { sortedA: "bytes", sortedB: "language", moved: 9 }),
  ]),
  means("O3", "B lacks entries of parents", [
    layer("parents", "0 entries", "3 entries"),
    only("app", "a", "directory"),
    only("app/sub", "a", "directory"),
  ]),
  means("O4", "names begin with ./", [layer("prefix", "…", "./…")]),
  means("O5", "a hard link for a copy", [
    entry("app/x", "type", "hard link", "file", { facts: { sameContent: true } }),
  ]),
  means("O5", "another name carries the content", [
    entry("app/x", "target", "app/a", "app/b", { facts: { type: "hard link" } }),
  ]),
  means("O6", "a sparse file for a dense one", [
    entry("app/x", "sparse", "sparse", "dense"),
    entry("app/x", "content", "4096 bytes", "4096 bytes"),
  ]),
  means("O7", "GNU for ustar", [layer("dialect", "ustar (9)", "gnu (9)", { valueA: "ustar", valueB: "gnu" })]),
  means("O8", "the mode has the file type", [
    layer("header", "mode (9)", "mode with file type (9)", { valueA: "mode", valueB: "mode with file type" }),
  ]),
  means("O9", "names of PAX headers have a number", [
    layer("header", "…", "…", { valueA: "a|x:PaxHeaders.12/x:mtime;|0", valueB: "a|x:PaxHeaders.99/x:mtime;|0" }),
  ]),
  means("O10", "keys of PAX headers in another order", [
    layer("header", "…", "…", { valueA: "a|x:PaxHeaders/x:mtime,path;|0", valueB: "a|x:PaxHeaders/x:path,mtime;|0" }),
  ]),
  means("O7", "numbers are written in another way", [
    layer("header", "…", "…", { valueA: "0z|x:PaxHeaders/x:path;|0", valueB: "0s|x:PaxHeaders/x:path;|0" }),
  ]),
  means(
    "O11",
    "names of owners are there",
    many(3, (i) => entry(`app/${i}`, "user", "", "root", { grade: "cosmetic" })),
  ),
  means("O12", "padded to ten kilobytes", [layer("padding", "2 blocks", "17 blocks")]),
  means("O13", "a file has device numbers", [entry("app/x", "device", "8,1", "", { grade: "encoding" })]),
  means("O14", "a device is in the image", [only("dev/null0", "b", "character device", { grade: "privilege" })]),
  means("O15", "symbolic links have a mode of their own", [mode("app/l", "0777", "0755", "symbolic link")]),
  means("O15", "symbolic links have times of their own", [mtime("app/l", "0", "1700000000", "symbolic link")]),
  means("O16", "a path is there twice", [layer("repeated", "0 entries", "1 entries", { example: "app/x" })]),
  means("O17", "whiteouts of files for an opaque directory", [only("app/.wh..wh..opq", "a"), only("app/.wh.x", "b")]),
  means("O18", "files are in another layer", [
    ...many(4, (i) => only(`app/${i}`, "a", "file", { layer: 1 })),
    ...many(4, (i) => only(`app/${i}`, "b", "file", { layer: 2 })),
  ]),
  means("O18", "borders of layers", [layer("boundaries", "3 layers", "2 layers")]),
  means("O19", "names in two Unicode forms", [only("app/\u00e9", "a"), only("app/e\u0301", "b")]),
  means("O19", "names in other case", [only("app/README", "a"), only("app/readme", "b")]),
  means("O20", "a name that is not UTF-8", [only("app/\\xe9t", "a")]),
  means("O21", "a target that is cut", [
    entry("app/l", "target", "x".repeat(120), "x".repeat(100), { facts: { type: "symbolic link" } }),
  ]),
  means("O22", "a layer that adds nothing", [layer("presence", undefined, "a layer of nothing", {})]),
  means("O22", "a line of the history counts as empty", [
    document("config", "history[1].empty_layer", undefined, "true"),
  ]),
  means("O23", "a link became a file", [
    entry("app/l", "type", "symbolic link", "file", { facts: { sameContent: false } }),
  ]),
  means("O11", "other names for the same numbers", [
    entry("app/x", "user", "build", "ci"),
    entry("app/x", "group", "build", "ci"),
  ]),
  means("P4", "other names for other numbers", [
    entry("app/x", "user", "alice", "bob", { grade: "cosmetic" }),
    entry("app/x", "uid", "1000", "1001", { grade: "privilege" }),
  ]),
  means("O3", "directories come after what is in them", [
    layer("late parents", "0 entries", "2 entries"),
    layer("order", "x", "y", { sortedA: "bytes", sortedB: "no", moved: 9 }),
  ]),
  means("O3", "a directory is named twice", [layer("repeated", "0 entries", "1 entries", { directories: true })]),
  means("O16", "a path that is there twice has the other content last", [
    layer("repeated", "1 entries", "1 entries", { example: "app/x", directories: false }),
    content("app/x", "line 1", "a", "b", { natures: ["text"] }),
  ]),
  means("O23", "links became files, with modes of files", [
    entry("app/l", "type", "symbolic link", "file", { facts: { sameContent: false } }),
    mode("app/l", "0777", "0644", "symbolic link"),
  ]),
  means("O23", "all links were lost", [
    only("app/l", "a", "symbolic link to x"),
    only("app/m", "a", "symbolic link to y"),
  ]),
  // Compression
  means("Z1", "a name in the gzip header", [layer("gzip.name", "layer.tar", undefined)]),
  means("Z2", "two encoders", encoded("zlib 1.3 level 6", "GNU gzip level 6")),
  means("Z2", "two levels", encoded("zlib level 6", "zlib level 9")),
  means("Z3", "two versions", encoded("Go compress/gzip before 1.27, level 6", "Go compress/gzip since 1.27, level 6")),
  means("Z4", "a machine that compresses in hardware", encoded("zlib level 6", "zlib level 6 on s390x")),
  means("Z6", "stored blocks", encoded("stored blocks of 65535", "stored blocks of 16384")),
  means("Z7", "flushed in between", encoded("zlib level 6", "zlib level 6, flushed")),
  means("Z8", "a compressor with threads", encoded("zlib level 6", "pigz level 6")),
  means("Z9", "two versions of zstd", encoded("zstd 1.5.5 level 3", "zstd 1.5.6 level 3")),
  means("Z2", "encoders that nobody knows", [layer("encoder", undefined, undefined, {})]),
  means("Z11", "not compressed on one side", [layer("compression", "gzip", "none")]),
  means("Z2", "gzip for zstd", [layer("compression", "gzip", "zstd")]),
  means("Z13", "another window", encoded("zlib level 6, window 15", "zlib level 6, window 14")),
  means("Z2", "other levels, which the header says as well", [
    layer("gzip.flags", "flags 0, extra flags 0", "flags 0, extra flags 2"),
    ...encoded("zlib, level 6", "zlib, level 9"),
  ]),
  means("Z7", "flushed in between, as is seen in the stream", [
    layer("encoder", "zlib, level 6", "an encoder that is not known", {
      encoderA: "zlib, level 6",
      encoderB: "an encoder that is not known",
      evidenceA: "the header says system 3, effort 0",
      evidenceB: "the stream is flushed after 4096 bytes of content",
    }),
  ]),
  means("Z13", "more memory, as is seen in the blocks", [
    layer("encoder", "zlib, level 6", "an encoder that is not known", {
      encoderA: "zlib, level 6",
      encoderB: "an encoder that is not known",
      evidenceA: "blocks have 16383 symbols each",
      evidenceB: "blocks have 32767 symbols each",
    }),
  ]),
  means("Z12", "one encoder at one level", encoded("zlib, level 6", "zlib, level 6")),
  means(
    "Z2",
    "probably two encoders",
    encoded("probably zlib, level 6 or 7, or pigz, level 6", "probably GNU gzip, level 6"),
  ),
  means("Z3", "two versions of libzstd's rival", encoded("klauspost/compress 1.16", "klauspost/compress 1.18")),
  means("Z11", "an archive of docker save, with Docker's types", [
    document("manifest", "presence", "sha256:a", undefined, { grade: "encoding" }),
    layer("mediaType", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar"),
    layer("compression", "gzip", "none"),
  ]),
  means("Z10", "a client compressed anew, and wrote another manifest", [
    document("manifest", "form", "compact with a line end", "compact", { natures: ["form"], grade: "encoding" }),
    layer("mediaType", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd"),
    layer("compression", "gzip", "zstd"),
  ]),
  means(
    "Z7",
    "flushed in between, as the recogniser says",
    encoded("zlib, level 6", "zlib, level 6 (flushed in mid-stream)"),
  ),
  means("Z13", "another window, as the recogniser says", encoded("zlib, level 6", "zlib, level 6 (window of 12 bits)")),
  means(
    "Z12",
    "two streams in one, as the recogniser says",
    encoded("zlib, level 6", "zlib, level 6 (several gzip streams joined)"),
  ),
  means(
    "Z6",
    "stored blocks of two sizes, as the recogniser says",
    encoded(
      "an encoder that is not known (level 0, stored blocks of 65535 bytes)",
      "an encoder that is not known (level 0, stored blocks of 16384 bytes)",
    ),
  ),
  // Owners, modes, attributes
  means(
    "P1",
    "664 for 644 in a layer of files",
    [...many(9, (i) => mode(`app/${i}`, "0644", "0664")), mode("app", "0755", "0775", "directory")],
    { steps: copy },
  ),
  means("P1", "664 for 644 in a layer of which nothing is known", [mode("app/x", "0664", "0644")]),
  means("P1", "600 for 644 in a layer of files", [mode("app/x", "0644", "0600")], { steps: copy }),
  means("P2", "600 for 644 in a layer of which nothing is known", [
    mode("app/x", "0644", "0600"),
    mode("app", "0755", "0700", "directory"),
  ]),
  means("P2", "664 for 644 of what a command wrote", [mode("app/x", "0644", "0664")], { steps: run }),
  means("P3", "directories are setgid", [mode("app", "0755", "2755", "directory")]),
  means("P7", "a file is setuid", [mode("usr/bin/x", "0755", "4755")]),
  means("P7", "a file is setgid", [mode("usr/bin/x", "0755", "2755")]),
  means("permissions", "a file is executable", [mode("app/x", "0644", "0755")], { steps: copy }),
  means("P4", "files belong to the user 1000", [
    ...many(4, (i) => entry(`app/${i}`, "uid", "0", "1000", { grade: "privilege" })),
    ...many(4, (i) => entry(`app/${i}`, "gid", "0", "1000", { grade: "privilege" })),
  ]),
  means(
    "P5",
    "a hash over files and their owner",
    [
      document(
        "config",
        "history[0].created_by",
        `/bin/sh -c #(nop) COPY dir:${"a".repeat(64)} in /app`,
        `/bin/sh -c #(nop) COPY dir:${"b".repeat(64)} in /app`,
      ),
    ],
    { steps: [`/bin/sh -c #(nop) COPY dir:${"a".repeat(64)} in /app`] },
  ),
  means("P6", "services have other ids", [entry("var/lib/x", "uid", "998", "999", { grade: "privilege" })]),
  means("P6", "lines of passwd have other ids", [
    content("etc/passwd", "uid", "998", "999", { format: "passwd", inside: ["x"], natures: ["identity"] }),
  ]),
  means("P8", "a capability", [
    entry("usr/bin/ping", "xattr.security.capability", "0100000200200000", undefined, { grade: "privilege" }),
  ]),
  means("P9", "a label of SELinux", [
    entry("app/x", "xattr.security.selinux", "00", undefined, { grade: "privilege" }),
  ]),
  means("P9", "an attribute of a user", [entry("app/x", "xattr.user.note", "00", undefined)]),
  means("P10", "an access control list", [
    entry("app/x", "xattr.system.posix_acl_access", "00", undefined, { grade: "privilege" }),
  ]),
  means("P10", "an access control list of star", [
    entry("app/x", "pax.SCHILY.acl.access", "user::rw-", undefined, { grade: "privilege" }),
  ]),
  means("P11", "a flag of a file", [entry("app/x", "pax.SCHILY.fflags", "immutable", undefined)]),
  means("P12", "nobody owns files", [entry("app/x", "uid", "0", "65534", { grade: "privilege" })]),
  means("permissions", "one file may be written by all", [mode("app/x", "0644", "0666")], { steps: copy }),
  // The system
  means("S1", "another machine", [content("etc/machine-id", "line 1", "0123", "4567", { natures: ["random"] })]),
  means("T1", "only the time of machine-id differs", [mtime("etc/machine-id", "1700000000", "1700000005")]),
  means("S2", "another host name", [content("etc/hostname", "line 1", "a", "b", { natures: ["host"] })]),
  means("S3", "other name servers", [
    content("etc/resolv.conf", "line 1", "nameserver 10.0.0.1", "nameserver 10.0.0.2", { natures: ["host"] }),
  ]),
  means("S4", "host keys of SSH", [
    content("etc/ssh/ssh_host_ed25519_key", "key", undefined, undefined, {
      format: "private key",
      natures: ["random"],
    }),
  ]),
  means("S5", "copies of files of accounts", [only("etc/passwd-", "b"), only("etc/.pwd.lock", "b")]),
  means("S6", "subordinate ids", [content("etc/subuid", "line 1", "app:100000:65536", "app:165536:65536")]),
  means("S7", "ldconfig's auxiliary cache", [
    content("var/cache/ldconfig/aux-cache", "bytes 9", "00", "01", { format: "bytes" }),
  ]),
  means("S8", "the linker's cache", [
    content("etc/ld.so.cache", "order", "x", "y", { format: "ld.so.cache", natures: ["order"] }),
  ]),
  means("S9", "dpkg's status in another order", [
    content("var/lib/dpkg/status", "order", "a, b", "b, a", { format: "dpkg", natures: ["order"] }),
  ]),
  means("S9", "a copy of dpkg's status", [only("var/lib/dpkg/status-old", "b")]),
  means("S10", "logs", [content("var/log/dpkg.log", "line 1", "2024-01-01", "2024-01-02", { natures: ["time"] })]),
  means("S11", "lists of apt", [only("var/lib/apt/lists/x_InRelease", "b")]),
  means("S12", "settings of mmdebstrap", [content("etc/apt/apt.conf.d/99mmdebstrap", "line 1", "x", "y")]),
  means("S13", "debconf", [content("var/cache/debconf/config.dat-old", "line 1", "x", "y")]),
  means("S14", "triggers", [content("var/lib/dpkg/triggers/File", "order", "x", "y", { natures: ["order"] })]),
  means("S15", "shells in another order", [
    content("etc/shells", "line 2", "/bin/dash", "/bin/bash", { natures: ["text"] }),
  ]),
  means("S16", "alternatives", [
    entry("etc/alternatives/editor", "target", "/usr/bin/vi", "/bin/nano", { facts: { type: "symbolic link" } }),
  ]),
  means("S17", "a bundle of certificates in another order", [
    content("etc/ssl/certs/ca-certificates.crt", "order", "x", "y", { format: "pem", natures: ["order"] }),
  ]),
  means("S18", "a cache of fontconfig", [
    content("var/cache/fontconfig/x.cache-7", "bytes 9", "0", "1", { format: "bytes" }),
  ]),
  means("S19", "the archive of locales", [
    content("usr/lib/locale/locale-archive", "bytes 9", "0", "1", { format: "bytes" }),
  ]),
  means("S20", "an initramfs", [content("boot/initrd.img-6.1.0-1-amd64", "bytes 9", "0", "1", { format: "bytes" })]),
  means("S21", "apk's archive of scripts", [content("lib/apk/db/scripts.tar", "bytes 9", "0", "1", { format: "tar" })]),
  means("S22", "rpm's database", [content("var/lib/rpm/rpmdb.sqlite", "bytes 9", "0", "1", { format: "sqlite" })]),
  means("S23", "records of logins", [content("var/log/lastlog", "bytes 9", "0", "1", { format: "bytes" })]),
  means("S24", "temporary files", [only("var/tmp/x", "b")]),
  means("S25", "what belongs to a running system", [only("run/utmp2", "b")]),
  means("S26", "packages have other versions", [
    content("var/lib/dpkg/status", "Version", "1.2-1", "1.2-2", {
      format: "dpkg",
      inside: ["libx"],
      natures: ["version"],
    }),
    ...many(6, (i) =>
      content(`usr/lib/x/${i}.so`, ".text", undefined, undefined, { format: "elf", natures: ["machine code"] }),
    ),
    ...many(6, (i) => mtime(`usr/lib/x/${i}.so`, "1700000000", "1700500000")),
  ]),
  means("S28", "packages on one side only", [
    content("var/lib/dpkg/status", "Package", undefined, "recommended", { format: "dpkg", inside: ["recommended"] }),
    only("var/lib/dpkg/info/recommended.list", "b"),
  ]),
  // Languages
  means("L1", "other versions of npm packages", [
    content("app/node_modules/x/package.json", "version", "1.0.0", "1.0.1", { format: "json", natures: ["version"] }),
    content("app/node_modules/x/index.js", "line 4", "a", "b", { natures: ["text"] }),
  ]),
  means("L2", "npm's copy of the lock file", [
    content("app/node_modules/.package-lock.json", "name", "a", "b", { format: "json" }),
  ]),
  means("L3", "caches of npm", [only("root/.npm/_cacache/index-v5/00", "b")]),
  means("L4", "a lock file of another npm", [
    content("app/package-lock.json", 'packages["node_modules/x"].peer', undefined, "true", { format: "json" }),
  ]),
  means("L5", "optional packages", [
    only("app/node_modules/@esbuild/linux-x64/package.json", "a"),
    only("app/node_modules/@esbuild/linux-arm64/package.json", "b"),
  ]),
  means("L6", "downloads of install scripts", [only("app/node_modules/x/vendor/tool", "b")]),
  means("L7", "node-gyp", [
    content(
      "app/node_modules/x/build/config.gypi",
      "variables.nodedir",
      "/home/a/.cache/node-gyp/24",
      "/home/u/.cache/node-gyp/24",
      { format: "json", natures: ["path"] },
    ),
  ]),
  means("L8", "a bundle has a path", [
    content("app/dist/main.js", "line 1", "/home/a/src", "/home/b/src", { natures: ["path"] }),
  ]),
  means("L8", "chunks have other names", [
    only("app/dist/chunk-a1b2c3d4.js", "a"),
    only("app/dist/chunk-e5f6a7b8.js", "b"),
  ]),
  means("L9", "a source map has a path", [
    content("app/dist/main.js.map", "sources[0]", "/home/a/x.ts", "/home/b/x.ts", {
      format: "source map",
      natures: ["path"],
    }),
  ]),
  means("L10", "direct_url.json", [
    content("usr/lib/python3/site-packages/x-1.dist-info/direct_url.json", "url", "file:///a", "file:///b", {
      format: "json",
      natures: ["path"],
    }),
  ]),
  means("L10", "the order of RECORD", [
    content("usr/lib/python3/site-packages/x-1.dist-info/RECORD", "order", "a", "b", { natures: ["order"] }),
  ]),
  means("L11", "Go's build id", [
    content("usr/bin/x", "Go build ID", "a/b", "c/d", { format: "elf", inside: [".note.go.buildid"] }),
  ]),
  means("L12", "Rust's paths", [
    content("usr/bin/x", ".rodata", "/home/a/.cargo/registry/src/x", "/home/u/.cargo/registry/src/x", {
      format: "elf",
    }),
  ]),
  means("L13", "dates of members of an archive", [
    content("usr/lib/libx.a", "ar_date", "1700000000", "0", { format: "ar", inside: ["x.o"], natures: ["time"] }),
  ]),
  means("L14", "a path in debug information", [
    content("usr/bin/x", "DW_AT_comp_dir", "/home/a", "/home/b", {
      format: "elf",
      inside: [".debug_str"],
      natures: ["path"],
    }),
  ]),
  means("L15", "only the build id", [
    content("usr/bin/x", "build id", "aa", "bb", { format: "elf", inside: [".note.gnu.build-id"] }),
  ]),
  means("L16", "a hash table's order", [
    content("app/data.json", "order", "a, b", "b, a", { format: "json", natures: ["order"] }),
  ]),
  means("L18", "a profile", [content("app/x.profdata", "bytes 9", "0", "1", { format: "bytes" })]),
  means("L19", "instruction sets", [
    content("usr/bin/x", "GNU_PROPERTY_X86_ISA_1_NEEDED", "x86-64-v2", "x86-64-v4", {
      format: "elf",
      inside: [".note.gnu.property"],
    }),
  ]),
  means("L20", "a temporary name in text", [
    content("app/x.txt", "line 1", "from /tmp/tmp.Ab3dEf9h", "from /tmp/tmp.Zz1xCv8b", { natures: ["random"] }),
  ]),
  means("L20", "files with temporary names", [only("app/tmp.Ab3dEf9hQ1", "a"), only("app/tmp.Zz1xCv8bQ2", "b")]),
  means("L22", "an asset compressed anew", [
    content("usr/share/doc/x.gz", "encoder", "zlib level 6", "zlib level 9", { format: "gzip", natures: ["encoder"] }),
  ]),
  means("L23", "a date in a picture", [
    content("app/x.png", "tIME", "2024-01-01 00:00:00", "2024-01-02 00:00:00", { format: "png", natures: ["time"] }),
  ]),
  means("L24", "git's data", [only("app/.git/index", "b")]),
  means("L25", "ends of lines", [
    content("app/x.txt", "line ends", "LF", "CRLF", { natures: ["white space"], facts: { lineEnds: "CRLF" } }),
  ]),
  means("L26", "git describe", [content("app/version.txt", "line 1", "v1.2-3-gabcdef0", "v1.2-4-g0123456")]),
  means("L11", "paths and ids of one Go program, and what moved for them", [
    content("usr/bin/x", "Go build id", "a/b", "c/d", { format: "elf", inside: [".note.go.buildid"] }),
    content("usr/bin/x", "build id", "aa", "bb", { format: "elf", inside: [".note.gnu.build-id"] }),
    content("usr/bin/x", "string 9", "a/m.go", "b/m.go", { format: "elf", inside: [".gopclntab"], natures: ["text"] }),
    content("usr/bin/x", "section headers", "1 sections", "1 sections", { format: "elf", natures: ["number"] }),
  ]),
  means("L17", "as many parts as processors", [only("opt/part-2.o", "b"), only("opt/part-3.o", "b")], {
    steps: ["RUN make # buildkit"],
  }),
  means("L19", "code of the same compiler for another processor", [
    content("usr/bin/x", "code", "1 places", "1 places", {
      format: "elf",
      inside: [".text"],
      natures: ["machine code"],
    }),
  ]),
  means("E14", "code of another compiler", [
    content("usr/bin/x", "code", "1 places", "1 places", {
      format: "elf",
      inside: [".text"],
      natures: ["machine code"],
    }),
    content("usr/bin/x", "compiler", "GCC: 12.2.0", "GCC: 14.2.0", {
      format: "elf",
      inside: [".comment"],
      natures: ["version"],
    }),
  ]),
  means("L21", "marks of thousands", [
    content("app/x.txt", "line 1", "12,345 files", "12.345 files", { natures: ["number", "version"] }),
  ]),
  means("L21", "names of months", [
    content("app/x.txt", "line 1", "made in March", "made in März", { natures: ["text"] }),
  ]),
  means("source", "a text that was translated, word by word", [
    content("app/x.txt", "line 1", "made in house", "made im Haus", { natures: ["text"] }),
  ]),
  means("L25", "a carriage return in a format without line ends", [
    content("etc/passwd", "pw_shell", "/bin/sh", "/bin/sh\\u{d}", {
      format: "accounts",
      inside: ["root"],
      grade: "privilege",
    }),
  ]),
  means("L25", "a pointer of LFS for a file", [
    content("app/x.bin", "bytes 0", "00 of 5000 bytes", "76657273696f6e2068747470733a2f2f of 129 bytes", {
      format: "bytes",
      facts: { sizeA: 5000, sizeB: 129 },
    }),
  ]),
  means("E6", "a step downloads", [content("opt/x.txt", "line 1", "one", "two", { natures: ["text"] })], {
    steps: ["RUN /bin/sh -c curl -O https://files.example/x # buildkit"],
  }),
  // The environment
  means("E1", "the time zone", [
    document("config", "config.Env.TZ", "TZ=UTC", "TZ=Europe/Rome", { grade: "privilege" }),
  ]),
  means("E1", "a text in another language", [
    content("app/x.txt", "line 1", "no such file", "Datei nicht gefunden", { natures: ["language"] }),
  ]),
  means("E2", "the home directory", [
    document("config", "config.Env.HOME", "HOME=/root", "HOME=/home/u", { grade: "privilege" }),
  ]),
  means("E2", "a path of the machine", [
    content("app/x.conf", "line 1", "/home/a/src", "/home/b/src", { natures: ["path"] }),
  ]),
  means("E3", "a host name", [content("app/x.txt", "line 1", "built on one", "built on two", { natures: ["host"] })]),
  means("E3", "the host name of the configuration", [document("config", "config.Hostname", "abc", "def")]),
  means("E4", "the kernel", [
    content("app/x.txt", "line 1", "Linux 6.1.0-18-amd64", "Linux 6.1.0-21-amd64", { natures: ["version"] }),
  ]),
  means("E5", "the number of processors", [
    content("app/x.txt", "line 1", "processors: 2", "processors: 64", { natures: ["number"] }),
  ]),
  means("E7", "a proxy", [
    document("config", "config.Env.HTTP_PROXY", undefined, "HTTP_PROXY=http://proxy.example:3128", {
      grade: "privilege",
    }),
  ]),
  means("E8", "the user", [content("app/x.txt", "line 1", "by alice", "by bob", { natures: ["identity"] })]),
  means("E10", "a UUID", [
    content("app/x.json", "id", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-42d3-a456-426614174001", {
      format: "json",
      natures: ["random"],
    }),
  ]),
  means("E11", "emulation", [content("app/x.txt", "line 1", "runs on qemu", "runs on metal")]),
  means("E12", "a secret", [document("config", "config.Env.API_TOKEN", undefined, undefined, { grade: "privilege" })]),
  means("E13", "a umask", [content("app/x.txt", "line 1", "umask 0022", "umask 0077", { natures: ["number"] })]),
  means("E14", "the compiler", [
    content("usr/bin/x", "compiler", "GCC: 12.2.0", "GCC: 14.2.0", {
      format: "elf",
      inside: [".comment"],
      natures: ["version"],
    }),
  ]),
  means("E7", "an address", [
    content("app/x.txt", "line 1", "10.0.0.7", "10.0.0.9", { natures: ["host"], facts: { kinds: "address" } }),
  ]),
  means("E8", "who built, by name", [
    content("app/x.txt", "line 1", "built by alice", "built by bob", { natures: ["text"], facts: { kinds: "word" } }),
  ]),
  // Documents
  means("I1", "JSON in another form", [
    document("config", "form", "compact", "indented by 2", { natures: ["form"], grade: "encoding" }),
  ]),
  means("I2", "the value of an argument", [
    document("config", "history[2].created_by", "|1 REV=a1 /bin/sh -c make", "|1 REV=b2 /bin/sh -c make"),
  ]),
  means("I3", "buildah's label", [
    document("config", 'config.Labels["io.buildah.version"]', "1.28.2", "1.33.0", { natures: ["version"] }),
  ]),
  means("I4", "the variant", [document("config", "variant", undefined, "v8", { grade: "privilege" })]),
  means("I4", "the variant in the index", [document("index", "manifests[1].platform.variant", undefined, "v8")]),
  means("I5", "Docker's media types", [
    document(
      "manifest",
      "mediaType",
      "application/vnd.docker.distribution.manifest.v2+json",
      "application/vnd.oci.image.manifest.v1+json",
      { grade: "encoding" },
    ),
    layer(
      "mediaType",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.oci.image.layer.v1.tar+gzip",
    ),
  ]),
  means("I6", "the order of the index", [document("index", "manifests", "x", "y", { natures: ["order"] })]),
  means("I7", "attestations in the index", [
    document(
      "index",
      "manifests[2]",
      undefined,
      '{"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}',
    ),
  ]),
  means("I8", "the order of the environment", [
    document("config", "config.Env", "A, B", "B, A", { natures: ["order"] }),
  ]),
  means("I11", "another base", [
    document("manifest", 'annotations["org.opencontainers.image.base.digest"]', "sha256:a", "sha256:b"),
  ]),
  means("I15", "a layer that lies elsewhere", [
    document("manifest", "layers[0].urls", undefined, '["https://files.example/x"]'),
  ]),
  means("I14", "what a manifest refers to", [document("manifest", "subject", undefined, "{}")]),
  means("I2", "a path in the history", [
    document("config", "history[2].created_by", "COPY /tmp/a1/app /app", "COPY /tmp/b2/app /app"),
  ]),
  means("I9", "a line of the base's history is missing", [document("config", "history[0]", "{}", undefined)]),
  means(
    "I11",
    "another base, and files of it",
    [
      document("manifest", 'annotations["org.opencontainers.image.base.digest"]', "sha256:a", "sha256:b"),
      content("usr/bin/x", "bytes 9", "0", "1", { format: "bytes", layer: 1 }),
      content("usr/bin/y", "bytes 9", "0", "1", { format: "bytes", layer: 1 }),
    ],
    { steps: ["RUN /bin/sh -c apt-get install x # buildkit", ...copy] },
  ),
  // Evidence
  means("V1", "the number of an SBOM", [
    content(
      "usr/share/x.cdx.json",
      "serialNumber",
      "urn:uuid:123e4567-e89b-42d3-a456-426614174000",
      "urn:uuid:123e4567-e89b-42d3-a456-426614174001",
      { format: "json", natures: ["random"] },
    ),
  ]),
  means("V2", "the time of an SBOM", [
    content("usr/share/x.spdx.json", "creationInfo.created", "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", {
      format: "json",
      natures: ["time"],
    }),
  ]),
  means("V3", "the order of an SBOM", [
    content("usr/share/x.spdx.json", "packages", "a", "b", { format: "json", natures: ["order"] }),
  ]),
  means("V4", "findings of a scanner", [
    content("usr/share/trivy.json", "Results[0].Vulnerabilities", "a", "b", { format: "json" }),
  ]),
  means("V5", "a run", [
    content("usr/share/provenance.json", "predicate.runDetails.metadata.invocationId", "a", "b", {
      format: "json",
      natures: ["random"],
    }),
  ]),
  means("V6", "a signature", [
    content("usr/share/x.intoto.jsonl", "signatures[0].sig", "a", "b", { format: "json", natures: ["random"] }),
  ]),
  means("V7", "a transparency log", [
    content("usr/share/x.sigstore.json", "verificationMaterial.tlogEntries[0].logIndex", "1", "2", {
      format: "json",
      natures: ["number"],
    }),
  ]),
  means("V8", "a payload in another form", [
    content("usr/share/x.intoto.jsonl", "payload", "a", "b", { format: "json", natures: ["form"] }),
  ]),
  means("V10", "other subjects", [
    content("usr/share/x.intoto.json", "subject[1]", undefined, "b", { format: "json" }),
  ]),
  // What is no row
  means("X13", "another format of Lockstep", [document("manifest", 'annotations["dev.lockstep.format"]', "1", "2")]),
  means("X17", "an inline cache", [document("config", '["moby.buildkit.cache.v0"]', undefined, "W10=")]),
  means(
    "source",
    "a line of the source",
    [content("app/index.js", "line 3", "a = 1", "a = 2", { natures: ["text"] })],
    { steps: copy },
  ),
  means(
    "source",
    "a line and the time of its file",
    [
      content("app/index.js", "line 3", "a = 1", "a = 2", { natures: ["text"] }),
      mtime("app/index.js", "1700000000", "1700000001"),
    ],
    { steps: copy },
  ),
  means("input", "a file from the web", [content("opt/tool/bin", "bytes 4", "a", "b", { format: "bytes" })], {
    steps: ["lockstep: http https://files.example/x /opt/tool"],
    format: "1",
  }),
  means("package", "a Python package of another version", [
    only("usr/lib/python3/dist-packages/x-1.0.dist-info/METADATA", "a"),
    only("usr/lib/python3/dist-packages/x-1.1.dist-info/METADATA", "b"),
    only("usr/lib/python3/dist-packages/x/new.py", "b"),
  ]),
  means("settings", "another command", [document("config", "config.Cmd[0]", "a", "b", { grade: "privilege" })]),
  means("steps", "a layer more", [
    layer("presence", undefined, "layer 3"),
    document("config", "history[2]", undefined, "{}"),
  ]),
  means("steps", "another command in the history", [
    document("config", "history[2].created_by", "RUN make # buildkit", "RUN cmake --build . # buildkit"),
  ]),
  means("platform", "another architecture", [
    document("config", "architecture", "amd64", "arm64", { grade: "privilege" }),
  ]),
  means("unknown", "something that nobody has heard of", [document("config", "frobnicated", "a", "b")]),
];
