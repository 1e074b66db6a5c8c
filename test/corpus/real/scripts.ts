/** What is done for each pair of real images. */
import type { Script } from "./pairs.ts";

/** GNU tar with everything fixed but what is put before. */
const tar = (options: string, what = "."): string =>
  `tar -C tree --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1704067200 ${options} -cf out ${what}`;
/** The same with the times of the files. */
const timed = "tar -C tree --format=ustar --sort=name --owner=0 --group=0 --numeric-owner -cf out .";
const listed = (list: string): string =>
  `(cd tree && ${list}) > list && tar -C tree --format=ustar --no-recursion --owner=0 --group=0 --numeric-owner --mtime=@1704067200 -cf out -T list`;

const archiveScripts: readonly Script[] = [
  {
    cause: "T1",
    what: "GNU tar of a tree and of its copy of today",
    needs: ["tar"],
    a: timed,
    b: `find tree -exec touch -h {} +\n${timed}`,
  },
  {
    cause: "O1",
    what: "GNU tar with the files in another order",
    needs: ["tar"],
    a: listed("find . | LC_ALL=C sort"),
    b: listed("find . -depth -type d | sort; find . ! -type d | sort -r"),
  },
  {
    cause: "O2",
    what: "GNU tar of a list sorted without regard to case",
    needs: ["tar"],
    both: "touch -d @1704067200 tree/app/Banana tree/app/apple tree/app/Zebra tree/app/_x",
    a: listed("find . | LC_ALL=C sort"),
    b: listed("find . | LC_ALL=C sort -f"),
  },
  {
    cause: "O3",
    what: "GNU tar without directories",
    needs: ["tar"],
    a: listed("find . | LC_ALL=C sort"),
    b: listed("find . ! -type d | LC_ALL=C sort"),
  },
  { cause: "O4", what: "GNU tar of . and of names", needs: ["tar"], a: tar("", "app etc"), b: tar("", "./app ./etc") },
  {
    cause: "O5",
    what: "GNU tar with and without --hard-dereference",
    needs: ["tar"],
    both: "ln tree/app/hello.txt tree/app/same.txt",
    a: tar(""),
    b: tar("--hard-dereference"),
  },
  {
    cause: "O6",
    what: "GNU tar with and without --sparse",
    needs: ["tar"],
    both: "truncate -s 4M tree/app/disk.img",
    a: tar("--format=gnu"),
    b: tar("--format=gnu --sparse"),
  },
  { cause: "O7", what: "GNU tar's two dialects", needs: ["tar"], a: tar("--format=ustar"), b: tar("--format=gnu") },
  {
    cause: "O9",
    what: "GNU tar with its process number in names of headers",
    needs: ["tar"],
    both: tar(
      "--format=posix --mtime=@1704067200.5 --pax-option='exthdr.name=%d/PaxHeaders.%p/%f,delete=atime,delete=ctime'",
    ),
  },
  {
    cause: "O11",
    what: "GNU tar with and without --numeric-owner",
    needs: ["tar"],
    a: tar(""),
    b: tar("").replace("--owner=0 --group=0 --numeric-owner", "--owner=root:0 --group=root:0"),
  },
  { cause: "O12", what: "GNU tar's blocking factor", needs: ["tar"], a: tar("-b 1"), b: tar("-b 20") },
  {
    cause: "T5",
    what: "GNU tar's posix dialect reads times of access and change",
    needs: ["tar"],
    both: 'sleep 0.1; touch -a -d "@1704067$(( $$ % 900 + 100 ))" tree/app/*\ntar -C tree --format=posix --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1704067200 -cf out .',
  },
  {
    cause: "P1",
    what: "a clone under umask 002",
    needs: ["git", "tar"],
    both: "git init -q repo && cp -a tree/. repo/ && git -C repo add -A && git -C repo -c user.name=a -c user.email=a@mail.example commit -qm x && rm -rf tree",
    a: "umask 022 && git clone -q repo tree && rm -rf tree/.git",
    b: "umask 002 && git clone -q repo tree && rm -rf tree/.git",
  },
  {
    cause: "P4",
    what: "GNU tar keeps the owner",
    needs: ["tar"],
    a: tar(""),
    b: tar("").replace("--owner=0 --group=0", "--owner=1000 --group=1000"),
  },
  {
    cause: "P9",
    what: "GNU tar keeps attributes",
    needs: ["tar", "python3"],
    both: "python3 -c \"import os; os.setxattr('tree/app/hello.txt', 'user.origin', b'https://files.example/x')\"",
    a: tar("--format=posix --pax-option=delete=atime,delete=ctime"),
    b: tar("--format=posix --pax-option=delete=atime,delete=ctime --xattrs"),
  },
  {
    cause: "L24",
    what: "the repository is packed with the sources",
    needs: ["git", "tar"],
    both: "git init -q tree",
    a: "rm -rf tree/.git",
    b: "true",
  },
  {
    cause: "L25",
    what: "git changes line ends in the checkout",
    needs: ["git", "tar"],
    both: "git init -q repo && cp -a tree/. repo/ && git -C repo add -A && git -C repo -c user.name=a -c user.email=a@mail.example commit -qm x && rm -rf tree",
    a: "git clone -q repo tree && rm -rf tree/.git",
    b: "git clone -q -c core.autocrlf=true repo tree && rm -rf tree/.git",
  },
  {
    cause: "Z2",
    what: "gzip at two levels",
    needs: ["gzip"],
    both: `${tar("")}; mv out t`,
    a: "gzip -n -4 < t > out",
    b: "gzip -n -7 < t > out",
  },
  {
    cause: "Z2",
    what: "GNU gzip and libdeflate",
    needs: ["gzip", "libdeflate-gzip"],
    both: `seq 1 90000 > tree/app/more.txt; ${tar("")}; mv out t`,
    a: "gzip -n -6 < t > out",
    b: "libdeflate-gzip -6 < t > out",
  },
  {
    cause: "Z8",
    what: "gzip and pigz",
    needs: ["gzip", "pigz"],
    both: `seq 1 90000 > tree/app/more.txt; ${tar("")}; mv out t`,
    a: "gzip -n -6 < t > out",
    b: "pigz -n -6 < t > out",
  },
  {
    cause: "Z8",
    what: "pigz with two sizes of blocks",
    needs: ["pigz"],
    both: `seq 1 190000 > tree/app/more.txt; ${tar("")}; mv out t`,
    a: "pigz -n -b 128 < t > out",
    b: "pigz -n -b 512 < t > out",
  },
  {
    cause: "Z9",
    what: "zstd at two levels",
    needs: ["zstd"],
    both: `${tar("")}; mv out t`,
    a: "zstd -q -3 < t > out",
    b: "zstd -q -19 < t > out",
  },
  {
    cause: "Z10",
    or: ["Z2"],
    what: "gzip, and again with zstd",
    needs: ["gzip", "zstd"],
    both: `${tar("")}; mv out t`,
    a: "gzip -n < t > out",
    b: "zstd -q < t > out",
  },
  {
    cause: "Z1",
    what: "gzip keeps the name of the file",
    needs: ["gzip"],
    both: `${tar("")}; mv out "layer-$SIDE.tar"; touch -d @1704067200 layer-*; gzip --name layer-*; mv layer-*.gz out`,
  },
  {
    cause: "T7",
    what: "gzip keeps the time of the file",
    needs: ["gzip"],
    both: `${tar("")}; mv out t`,
    a: "touch -d @1704067200 t; gzip --name t && mv t.gz out",
    b: "touch -d @1704099999 t; gzip --name t && mv t.gz out",
  },
  {
    cause: "T14",
    what: "gcc with __DATE__",
    needs: ["gcc"],
    both: `printf '#include <stdio.h>\\nint main(void) { puts(__DATE__ " " __TIME__); return 0; }\\n' > m.c`,
    a: "SOURCE_DATE_EPOCH=1704067200 gcc -o tree/app/m -Wl,--build-id=none m.c",
    b: "SOURCE_DATE_EPOCH=1709999999 gcc -o tree/app/m -Wl,--build-id=none m.c",
  },
  {
    cause: "L14",
    what: "gcc in two directories",
    needs: ["gcc"],
    both: `mkdir "dir-$SIDE"; cd "dir-$SIDE"; printf 'int main(void) { return 0; }\\n' > m.c; gcc -g -o ../tree/app/m -Wl,--build-id=none m.c; cd ..`,
  },
  {
    cause: "L13",
    what: "ar with and without deterministic mode",
    needs: ["gcc", "ar"],
    both: `printf 'int f(void) { return 1; }\\n' > m.c; gcc -c m.c`,
    a: "ar rcD tree/app/libm.a m.o",
    b: "ar rcU tree/app/libm.a m.o",
  },
  {
    cause: "L11",
    what: "Go in two directories without -trimpath",
    needs: ["go"],
    both: `mkdir "dir-$SIDE"; cd "dir-$SIDE"; printf 'package main\\n\\nfunc main() { panic("x") }\\n' > m.go; printf 'module example/m\\n\\ngo 1.21\\n' > go.mod; CGO_ENABLED=0 GOFLAGS=-mod=mod GOCACHE="$PWD/../cache" go build -o ../tree/app/m .; cd ..; rm -rf cache`,
  },
  {
    cause: "T15",
    what: "Python compiles sources of two times",
    needs: ["python3"],
    both: "printf 'x = 1\\n' > tree/app/m.py",
    a: "touch -d @1704067200 tree/app/m.py; python3 -m py_compile tree/app/m.py",
    b: "touch -d @1704099999 tree/app/m.py; python3 -m py_compile tree/app/m.py",
  },
  {
    cause: "T17",
    what: "zip of files of two times",
    needs: ["zip"],
    a: "(cd tree/app && touch -d @1704067200 hello.txt && zip -q -X a.zip hello.txt)",
    b: "(cd tree/app && touch -d @1704099999 hello.txt && zip -q -X a.zip hello.txt)",
  },
  {
    cause: "S4",
    what: "host keys of SSH",
    needs: ["ssh-keygen"],
    both: "mkdir -p tree/etc/ssh; ssh-keygen -q -t ed25519 -N '' -C root@build -f tree/etc/ssh/ssh_host_ed25519_key",
  },
  {
    cause: "S7",
    what: "ldconfig's auxiliary cache",
    needs: ["ldconfig"],
    root: true,
    both: 'mkdir -p tree/var/cache/ldconfig tree/lib; cp "$(readlink -f /lib/*-linux-gnu/libz.so.1)" tree/lib/libz.so.1; /sbin/ldconfig -r "$PWD/tree" 2>/dev/null; mkdir -p tree/var/cache/ldconfig',
  },
  {
    cause: "T12",
    what: "useradd on two days",
    needs: ["useradd"],
    root: true,
    both: "printf 'root:*:19700::::::\\n' > tree/etc/shadow; printf 'root:x:0:\\n' > tree/etc/group; printf 'root:*::\\n' > tree/etc/gshadow",
    a: "SOURCE_DATE_EPOCH=1704067200 useradd -P \"$PWD/tree\" -u 1500 -M app; sed -i 's/^app:!:[0-9]*:/app:!:19723:/' tree/etc/shadow; rm -f tree/etc/*- tree/etc/sub*",
    b: 'useradd -P "$PWD/tree" -u 1500 -M app; rm -f tree/etc/*- tree/etc/sub*',
  },
  {
    cause: "S5",
    what: "useradd leaves backups",
    needs: ["useradd"],
    root: true,
    both: "printf 'root:*:19700::::::\\n' > tree/etc/shadow; printf 'root:x:0:\\n' > tree/etc/group; printf 'root:*::\\n' > tree/etc/gshadow; useradd -P \"$PWD/tree\" -u 1500 -M app; sed -i 's/^app:!:[0-9]*:/app:!:19723:/' tree/etc/shadow; rm -f tree/etc/sub*",
    a: "rm -f tree/etc/*-",
    b: "true",
  },
  {
    cause: "P2",
    what: "npm install under two umasks",
    needs: ["npm"],
    both: 'mkdir dep; printf \'{"name":"dep","version":"1.0.0"}\' > dep/package.json; printf \'module.exports = 1;\\n\' > dep/index.js; (cd dep && npm pack --silent >/dev/null); printf \'{"name":"app","version":"1.0.0","dependencies":{"dep":"file:../../dep/dep-1.0.0.tgz"}}\' > tree/app/package.json',
    a: "umask 022; (cd tree/app && npm install --silent --offline --no-audit --no-fund --no-update-notifier --cache ../../cache >/dev/null)",
    b: "umask 077; (cd tree/app && npm install --silent --offline --no-audit --no-fund --no-update-notifier --cache ../../cache >/dev/null)",
  },
];

const buildah =
  'b() { buildah --root "$PWD/storage" --runroot "$PWD/run" --storage-driver vfs "$@"; }\nb rmi -a >/dev/null 2>&1 || true\n';
const push = (commit: string): string => `b commit -q ${commit} "$c" "oci:$PWD/out:app" >/dev/null; rm -rf storage run`;

const buildahScripts: readonly Script[] = [
  {
    cause: "T8",
    what: "buildah commits at two times",
    both: 'c=$(b from scratch); b copy -q "$c" tree /; sleep 1.1',
    a: push(""),
    b: `sleep 1\n${push("")}`,
  },
  {
    cause: "P1",
    what: "buildah copies a tree with other modes",
    a: `c=$(b from scratch); b copy -q "$c" tree /; ${push("--timestamp 0")}`,
    b: `chmod -R g+w tree; c=$(b from scratch); b copy -q "$c" tree /; ${push("--timestamp 0")}`,
  },
  {
    cause: "I8",
    what: "buildah is given variables in another order",
    both: 'c=$(b from scratch); b copy -q "$c" tree /',
    a: `b config --env A=1 --env B=2 "$c"; ${push("--timestamp 0")}`,
    b: `b config --env B=2 --env A=1 "$c"; ${push("--timestamp 0")}`,
  },
  {
    cause: "settings",
    what: "buildah is given another command",
    both: 'c=$(b from scratch); b copy -q "$c" tree /',
    a: `b config --cmd /app/run.sh "$c"; ${push("--timestamp 0")}`,
    b: `b config --cmd /app/other.sh "$c"; ${push("--timestamp 0")}`,
  },
  {
    cause: "source",
    what: "buildah copies another file",
    both: "c=$(b from scratch)",
    a: `b copy -q "$c" tree /; ${push("--timestamp 0")}`,
    b: `printf 'bye\\n' > tree/app/hello.txt; b copy -q "$c" tree /; ${push("--timestamp 0")}`,
  },
].map((script): Script => ({
  ...script,
  root: true,
  needs: ["buildah"],
  both: `${buildah}${script.both ?? ""}`,
}));

const umoci =
  "umoci init --layout out; umoci new --image out:app; umoci config --image out:app --created 2024-01-01T00:00:00Z --architecture amd64 --os linux --history.created 2024-01-01T00:00:00Z\n";
const insert =
  "umoci insert --rootless --image out:app --history.created 2024-01-01T00:00:00Z tree/app /app; umoci gc --layout out";
const umociScripts: readonly Script[] = [
  { cause: "none", what: "umoci twice with everything fixed", both: `${umoci}${insert}` },
  {
    cause: "T1",
    what: "umoci inserts files of another time",
    a: `${umoci}${insert}`,
    b: `find tree -exec touch -h {} +; ${umoci}${insert}`,
  },
  {
    cause: "T8",
    what: "umoci inserts at two times",
    a: `${umoci}${insert.replace("--history.created 2024-01-01T00:00:00Z ", "")}`,
    b: `sleep 1.2; ${umoci}${insert.replace("--history.created 2024-01-01T00:00:00Z ", "")}`,
  },
  {
    cause: "P1",
    what: "umoci inserts files of umask 002",
    a: `${umoci}${insert}`,
    b: `chmod -R g+w tree/app; ${umoci}${insert}`,
  },
].map((script): Script => ({ ...script, needs: ["umoci"] }));

const skopeoScripts: readonly Script[] = [
  {
    cause: "Z10",
    or: ["Z2"],
    what: "skopeo compresses with zstd as it copies",
    needs: ["umoci", "skopeo"],
    both: `${umoci}${insert}`,
    b: 'mv out in; skopeo copy -q --dest-compress-format zstd --dest-compress "oci:$PWD/in:app" "oci:$PWD/out:app"; rm -rf in',
  },
  {
    cause: "Z11",
    what: "skopeo writes an archive as docker save does",
    needs: ["umoci", "skopeo"],
    both: `${umoci}${insert}`,
    b: 'mv out in; skopeo copy -q "oci:$PWD/in:app" "docker-archive:$PWD/out:app:1"; rm -rf in',
  },
  {
    cause: "source",
    what: "archives as docker save writes them, of two versions",
    needs: ["umoci", "skopeo"],
    both: `[ "$SIDE" = a ] || printf 'bye\\n' > tree/app/hello.txt; find tree -exec touch -h -d @1704067200 {} +; ${umoci}${insert}; mv out in; skopeo copy -q "oci:$PWD/in:app" "docker-archive:$PWD/out:app:1"; rm -rf in`,
  },
];

const bootstrap = (before: string, options: string): string =>
  `${before} mmdebstrap --quiet --variant=extract --include=netbase ${options} "$(. /etc/os-release; echo $VERSION_CODENAME)" "$PWD/out.tar" >/dev/null; mv out.tar out`;
const fixed = "SOURCE_DATE_EPOCH=1704067200";
const debianScripts: readonly Script[] = [
  { cause: "T1", or: ["T22"], what: "mmdebstrap at two times", both: `sleep 1.1; ${bootstrap("", "")}` },
  {
    cause: "S12",
    what: "mmdebstrap with another option for apt",
    a: bootstrap(fixed, ""),
    b: bootstrap(fixed, `--aptopt='Acquire::Retries "3"'`),
  },
].map((script): Script => ({ ...script, root: true, needs: ["mmdebstrap"] }));

export const scripts: readonly Script[] = [
  ...archiveScripts,
  ...buildahScripts,
  ...umociScripts,
  ...skopeoScripts,
  ...debianScripts,
];
