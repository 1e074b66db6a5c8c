/** What other programs that write archives do: bsdtar, BusyBox, Python, cpio, git archive, and compressors. */
import type { Script } from "../real/pairs.ts";

const gnu = (options: string): string =>
  `tar -C tree --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1704067200 ${options} -cf out .`;
const larger = "seq 1 60000 > tree/app/more.txt; touch -d @1704067200 tree/app/more.txt tree/app";
const python = (format: string, change = "pass"): string => `kit-python -c '
import os, tarfile
def change(i):
    i.uid = i.gid = 0; i.uname = i.gname = ""
    ${change}
    return i
with tarfile.open("out", "w", format=tarfile.${format}) as t:
    t.add("tree", arcname=".", filter=change)'`;

export const archiveScripts: readonly Script[] = [
  {
    cause: "O7",
    what: "bsdtar in the dialects ustar and pax",
    needs: ["bsdtar"],
    both: "touch -d @1704067200.5 tree/app/hello.txt; sleep 0",
    a: "touch -d @1704067200 tree/app/hello.txt; bsdtar --format ustar --uid 0 --gid 0 --numeric-owner -C tree -cf out .",
    b: "touch -d @1704067200 tree/app/hello.txt; bsdtar --format gnutar --uid 0 --gid 0 --numeric-owner -C tree -cf out .",
  },
  {
    cause: "T5",
    or: ["T6"],
    what: "bsdtar keeps times of access and change",
    needs: ["bsdtar"],
    both: "sleep 0.2; touch -a -d @$([ $SIDE = a ] && echo 1704067300 || echo 1704067999) tree/app/hello.txt; bsdtar --format pax --uid 0 --gid 0 --numeric-owner -C tree -cf out .",
  },
  {
    cause: "O7",
    what: "tar of BusyBox and GNU tar",
    needs: ["busybox"],
    both: "rm -rf tree/etc; (cd tree && find . ! -type d -o -empty | LC_ALL=C sort) > list",
    a: "tar -C tree --format=ustar --owner=0 --group=0 --no-recursion -cf out -T list",
    b: "busybox tar -C tree -c -f out $(cat list)",
  },
  {
    cause: "T4",
    what: "Python keeps fractions of seconds",
    needs: ["kit-python"],
    both: "find tree -exec touch -h -d @1704067200.25 {} +",
    a: python("PAX_FORMAT", "i.mtime = int(i.mtime)"),
    b: python("PAX_FORMAT"),
  },
  {
    cause: "O11",
    what: "Python writes names of owners",
    needs: ["kit-python"],
    a: python("USTAR_FORMAT"),
    b: python("USTAR_FORMAT", 'i.uname = "builder"; i.gname = "builder"'),
  },
  {
    cause: "O7",
    or: ["O21"],
    what: "Python writes long names in two dialects",
    needs: ["kit-python"],
    both: "d=tree/app/$(printf 'deep%.0s/' $(seq 1 30)); mkdir -p $d; printf x > $d/$(printf 'name%.0s' $(seq 1 30)).txt; find tree -exec touch -h -d @1704067200 {} +",
    a: python("GNU_FORMAT"),
    b: python("PAX_FORMAT"),
  },
  {
    cause: "O7",
    what: "cpio writes ustar, and GNU tar does",
    needs: ["cpio"],
    both: "(cd tree && find . ! -type d | LC_ALL=C sort) > list",
    a: "tar -C tree --format=ustar --owner=root:0 --group=root:0 --no-recursion -cf out -T list",
    b: "(cd tree && cpio --quiet -o -H tar -R 0:0 < ../list) > out",
  },
  {
    cause: "P1",
    or: ["P2"],
    what: "git archive with two settings of its umask",
    needs: ["git"],
    both: "git init -q repo; cp -a tree/. repo/; git -C repo add -A; GIT_AUTHOR_DATE='1704067200 +0000' GIT_COMMITTER_DATE='1704067200 +0000' git -C repo -c user.name=a -c user.email=a@mail.example commit -qm x; git -C repo -c tar.umask=$([ $SIDE = a ] && echo 0022 || echo 0002) archive HEAD > out",
  },
  {
    cause: "O5",
    what: "the other name of a hard link carries the content",
    needs: ["tar"],
    both: "ln tree/app/lib/numbers.txt tree/app/copy.txt; touch -d @1704067200 tree/app; (cd tree && find . | LC_ALL=C sort) > list; [ $SIDE = a ] || { grep -v copy list; grep copy list; } > list2; [ $SIDE = a ] || mv list2 list; tar -C tree --format=ustar --no-recursion --owner=0 --group=0 --numeric-owner -cf out -T list",
  },
  {
    cause: "O6",
    what: "GNU tar stores holes in the dialect pax",
    needs: ["tar"],
    both: `truncate -s 2M tree/app/disk.img; printf end >> tree/app/disk.img; ${gnu('--format=posix --pax-option=delete=atime,delete=ctime $([ "$SIDE" = a ] || echo --sparse)')}`,
  },
  {
    cause: "P8",
    what: "GNU tar keeps a capability",
    needs: ["tar", "setcap"],
    root: true,
    both: `setcap cap_net_bind_service+ep tree/app/run.sh; ${gnu(`--format=posix --pax-option=delete=atime,delete=ctime $([ "$SIDE" = a ] || echo "--xattrs --xattrs-include=security.capability")`)}`,
  },
  {
    cause: "P10",
    what: "GNU tar keeps access lists",
    needs: ["tar", "setfacl"],
    both: `setfacl -m u:1000:r tree/app/hello.txt; chmod 644 tree/app/hello.txt; ${gnu('--format=posix --pax-option=delete=atime,delete=ctime $([ "$SIDE" = a ] || echo --acls)')}`,
  },
  {
    cause: "P9",
    what: "bsdtar keeps attributes of users",
    needs: ["bsdtar", "python3"],
    both: `python3 -c "import os; os.setxattr('tree/app/hello.txt', 'user.mime', b'text/plain')"; bsdtar --format pax --options '!atime,!ctime' --uid 0 --gid 0 --numeric-owner $([ $SIDE = a ] && echo --no-xattrs --no-acls) -C tree -cf out . 2>/dev/null || bsdtar --format pax --uid 0 --gid 0 $([ $SIDE = a ] && echo --no-xattrs) --numeric-owner -C tree -cf out .`,
  },
  {
    cause: "P7",
    what: "a program has the setuid bit on one side",
    needs: ["tar"],
    both: `[ $SIDE = a ] || chmod u+s tree/app/run.sh; ${gnu("--format=ustar")}`,
  },
  {
    cause: "Z2",
    what: "gzip and zopfli",
    needs: ["gzip", "zopfli"],
    both: `${larger}; ${gnu("--format=ustar")}; mv out t`,
    a: "gzip -n -9 < t > out",
    b: "zopfli --i5 -c t > out",
  },
  {
    cause: "Z2",
    what: "GNU gzip and gzip of BusyBox",
    needs: ["gzip", "busybox"],
    both: `${larger}; ${gnu("--format=ustar")}; mv out t`,
    a: "gzip -n -9 < t > out",
    b: "busybox gzip -9 -c < t > out",
  },
  {
    cause: "Z2",
    what: "xz at two levels",
    needs: ["xz"],
    both: `${larger}; ${gnu("--format=ustar")}; mv out t; xz -T1 -$([ $SIDE = a ] && echo 1 || echo 9) -c t > out`,
  },
  {
    cause: "Z8",
    or: ["Z2"],
    what: "xz with one thread and with blocks for several",
    needs: ["xz"],
    both: `${larger}; ${gnu("--format=ustar")}; mv out t; xz -6 $([ $SIDE = a ] && echo -T1 || echo "-T2 --block-size=131072") -c t > out`,
  },
  {
    cause: "Z9",
    what: "zstd with and without its checksum",
    needs: ["zstd"],
    both: `${larger}; ${gnu("--format=ustar")}; mv out t; zstd -q -3 $([ $SIDE = a ] && echo --check || echo --no-check) < t > out`,
  },
  {
    cause: "Z2",
    what: "bzip2 at two sizes of blocks",
    needs: ["bzip2"],
    both: "seq 1 90000 > numbers; bzip2 -$([ $SIDE = a ] && echo 1 || echo 9) -c numbers > tree/app/numbers.bz2",
    or: ["L22"],
  },
  {
    cause: "T1",
    or: ["T7"],
    what: "an archive of assets within the image, of two times",
    needs: ["tar", "gzip"],
    both: "[ $SIDE = a ] || find tree/app/lib -exec touch {} +; tar -C tree --sort=name --owner=0 --group=0 --numeric-owner -cf assets.tar app/lib; gzip -n assets.tar; mv assets.tar.gz tree/app/",
  },
  {
    cause: "source",
    what: "a bzip2 archive within the image has another file",
    needs: ["tar", "bzip2"],
    both: "[ $SIDE = a ] || printf 'bye\\n' > tree/app/hello.txt; find tree -exec touch -h -d @1704067200 {} +; tar -C tree --sort=name --owner=0 --group=0 --numeric-owner -cf app.tar app; printf 'hello\\n' > tree/app/hello.txt; bzip2 app.tar; mv app.tar.bz2 tree/app/",
  },
  {
    cause: "T1",
    what: "a bzip2 archive within the image, of two times",
    needs: ["tar", "bzip2"],
    both: "[ $SIDE = a ] || find tree/app/lib -exec touch -d @1709999999 {} +; tar -C tree --sort=name --owner=0 --group=0 --numeric-owner -cf app.tar app/lib; bzip2 app.tar; mv app.tar.bz2 tree/app/",
  },
];
