/** What tools of an operating system leave behind: caches, accounts, keys, logs, documents. */
import type { Script } from "../real/pairs.ts";

const later = "[ $SIDE = a ] || sleep 1.1";
const accounts =
  "printf 'root:*:19700::::::\\n' > tree/etc/shadow; printf 'root:x:0:\\n' > tree/etc/group; printf 'root:*::\\n' > tree/etc/gshadow";
const fresh = "sed -i -E 's/^(app|web):!:[0-9]*:/\\1:!:19723:/' tree/etc/shadow; rm -f tree/etc/*-";
const gitRepo = `
git init -q repo; cp -a tree/. repo/
c() { git -C repo -c user.name=a -c user.email=a@mail.example commit -q --allow-empty -m "$1"; }
printf 'version $Format:%%H$\\n' > repo/VERSION; printf 'VERSION export-subst\\n' > repo/.gitattributes
git -C repo add -A; c one; git -C repo -c user.name=a -c user.email=a@mail.example tag -a -m v v1.0; c two; c "three $SIDE"
`;

export const systemScripts: readonly Script[] = [
  {
    cause: "P6",
    what: "useradd gives numbers in the order of the calls",
    needs: ["useradd"],
    root: true,
    both: `${accounts}; for u in $([ $SIDE = a ] && echo app web || echo web app); do useradd -P "$PWD/tree" -r -M $u; done; ${fresh}; rm -f tree/etc/sub*`,
  },
  {
    cause: "S6",
    what: "useradd hands out ranges of subordinate numbers",
    needs: ["useradd"],
    root: true,
    both: `${accounts}; printf 'SUB_UID_COUNT 65536\\nSUB_UID_MIN 100000\\nSUB_UID_MAX 600100000\\nSUB_GID_COUNT 65536\\nSUB_GID_MIN 100000\\nSUB_GID_MAX 600100000\\n' > tree/etc/login.defs; touch tree/etc/subuid tree/etc/subgid; [ $SIDE = a ] || printf 'ci:100000:65536\\n' | tee tree/etc/subuid > tree/etc/subgid; useradd -P "$PWD/tree" -u 1500 -M app; ${fresh}`,
  },
  {
    cause: "S18",
    what: "fontconfig writes its cache at two times",
    needs: ["fc-cache"],
    both: `mkdir -p tree/usr/share/fonts/x tree/etc/fonts; cp "$(find /usr/share/fonts -name '*.ttf' -o -name '*.otf' -o -name '*.pfb' | LC_ALL=C sort | head -1)" tree/usr/share/fonts/x/; printf '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>/usr/share/fonts</dir><cachedir>/var/cache/fontconfig</cachedir></fontconfig>' > tree/etc/fonts/fonts.conf; ${later}; touch tree/usr/share/fonts/x; fc-cache --sysroot "$PWD/tree" -f`,
  },
  {
    cause: "S18",
    what: "GTK has an icon in its cache that was removed since",
    needs: ["gtk-update-icon-cache"],
    both: `d=tree/usr/share/icons/hicolor; mkdir -p $d/16x16/apps $d/32x32/apps; printf '[Icon Theme]\\nName=Hicolor\\nDirectories=16x16/apps,32x32/apps\\n[16x16/apps]\\nSize=16\\n[32x32/apps]\\nSize=32\\n' > $d/index.theme; for n in $(seq 1 $([ $SIDE = a ] && echo 40 || echo 41)); do printf 'x' > $d/16x16/apps/i$n.png; printf 'y' > $d/32x32/apps/i$n.png; done; gtk-update-icon-cache -q -f $d; rm -f $d/*/apps/i41.png`,
  },
  {
    cause: "S18",
    what: "the database of MIME types knows a type more",
    needs: ["update-mime-database"],
    both: `d=tree/usr/share/mime; mkdir -p $d/packages; printf '<?xml version="1.0"?><mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info"><mime-type type="text/x-one"><glob pattern="*.one"/></mime-type></mime-info>' > $d/packages/one.xml; [ $SIDE = a ] || printf '<?xml version="1.0"?><mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info"><mime-type type="text/x-two"><glob pattern="*.two"/></mime-type></mime-info>' > $d/packages/two.xml; update-mime-database $d >/dev/null 2>&1; rm -f $d/packages/two.xml`,
  },
  {
    cause: "S18",
    what: "man-db indexes pages of two times",
    needs: ["mandb"],
    root: true,
    both: `mkdir -p tree/usr/share/man/man1 tree/var/cache/man; printf '.TH APP 1\\n.SH NAME\\napp \\\\- an app\\n' > tree/usr/share/man/man1/app.1; gzip -n tree/usr/share/man/man1/app.1; ${later}; touch tree/usr/share/man/man1/app.1.gz; printf 'MANDATORY_MANPATH %s/tree/usr/share/man\\nMANDB_MAP /work-man/usr/share/man /work-man/cache\\n' "$PWD" > manpath.conf; mandb -q -c -C manpath.conf "$PWD/tree/usr/share/man" >/dev/null 2>&1 || true; test -e tree/usr/share/man/index.db; mv tree/usr/share/man/index.db tree/var/cache/man/`,
  },
  {
    cause: "S19",
    what: "localedef adds locales to the archive in two orders",
    needs: ["localedef"],
    both: `mkdir -p tree/usr/lib/locale; for l in $([ $SIDE = a ] && echo de_DE fr_FR || echo fr_FR de_DE); do localedef --prefix "$PWD/tree" -i $l -f UTF-8 $l.UTF-8; done`,
  },
  {
    cause: "S17",
    what: "update-ca-certificates with certificates in two orders",
    needs: ["update-ca-certificates"],
    both: `mkdir -p tree/etc/ssl/certs hooks; (cd /usr/share/ca-certificates && find . -name '*.crt' | sed 's,^./,,' | LC_ALL=C sort | head -12) > list; [ $SIDE = a ] && cp list conf || sort -r list > conf; update-ca-certificates --fresh --certsconf "$PWD/conf" --certsdir /usr/share/ca-certificates --localcertsdir /nonexistent --etccertsdir "$PWD/tree/etc/ssl/certs" --hooksdir "$PWD/hooks" >/dev/null 2>&1`,
  },
  {
    cause: "S8",
    what: "ldconfig finds directories in two orders",
    needs: ["ldconfig", "gcc"],
    root: true,
    both: `printf 'int f(void) { return 1; }\\n' > f.c; mkdir -p tree/opt/a tree/opt/b; gcc -shared -Wl,--build-id=none -Wl,-soname,liba.so.1 -o tree/opt/a/liba.so.1 f.c; cp tree/opt/a/liba.so.1 tree/opt/b/; gcc -shared -Wl,--build-id=none -Wl,-soname,libb.so.1 -o tree/opt/b/libb.so.1 f.c; ([ $SIDE = a ] && printf '/opt/a\\n/opt/b\\n' || printf '/opt/b\\n/opt/a\\n') > tree/etc/ld.so.conf; /sbin/ldconfig -X -r "$PWD/tree" 2>/dev/null; rm -rf tree/var; printf '/opt/a\\n' > tree/etc/ld.so.conf`,
  },
  {
    cause: "S1",
    what: "systemd sets up a machine id",
    needs: ["systemd-machine-id-setup"],
    root: true,
    both: 'systemd-machine-id-setup --root="$PWD/tree" >/dev/null 2>&1 || cat /proc/sys/kernel/random/uuid | tr -d - > tree/etc/machine-id',
  },
  {
    cause: "S4",
    what: "openssl makes a certificate for the host",
    needs: ["openssl"],
    both: "mkdir -p tree/etc/ssl/private tree/etc/ssl/certs; openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout tree/etc/ssl/private/ssl-cert-snakeoil.key -out tree/etc/ssl/certs/ssl-cert-snakeoil.pem 2>/dev/null",
  },
  {
    cause: "S24",
    what: "gpg leaves its directory after a key was imported",
    needs: ["gpg"],
    both: 'export GNUPGHOME="$PWD/tree/root/.gnupg"; mkdir -p -m 700 "$GNUPGHOME"; gpg -q --batch --passphrase "" --quick-generate-key "a <a@mail.example>" ed25519 default never 2>/dev/null; gpgconf --kill all; find tree -type s -delete',
  },
  {
    cause: "S24",
    what: "temporary files of a step stay",
    needs: ["mktemp"],
    both: 'mkdir -p tree/tmp; d=$(mktemp -d "$PWD/tree/tmp/build-XXXXXXXX"); seq 1 50 > "$d/log"',
  },
  {
    cause: "L20",
    what: "the name of a temporary file is in what was generated",
    needs: ["mktemp"],
    both: 'f=$(mktemp /tmp/tmp.XXXXXXXXXX); printf \'# generated from %s\\nmode = fast\\n\' "$f" > tree/app/app.conf; rm "$f"',
  },
  {
    cause: "L24",
    what: "a clone of the repository is in the image",
    needs: ["git"],
    both: `${gitRepo.replace("three $SIDE", "three")}${later}; git clone -q --no-hardlinks "file://$PWD/repo" tree/app/src`,
  },
  {
    cause: "L25",
    what: "git writes the commit into an exported file",
    needs: ["git"],
    both: `${gitRepo}git -C repo archive HEAD VERSION | tar -x -C tree/app`,
  },
  {
    cause: "L26",
    what: "git describe in a shallow clone",
    needs: ["git"],
    both: `export GIT_AUTHOR_DATE='1704067200 +0000' GIT_COMMITTER_DATE='1704067200 +0000'; ${gitRepo.replace("three $SIDE", "three")}git clone -q $([ $SIDE = a ] || echo --depth 1) "file://$PWD/repo" src; printf 'version = "%s"\\n' "$(git -C src describe --always --tags)" > tree/app/version.toml`,
  },
  {
    cause: "L23",
    what: "groff makes a PDF at two times",
    needs: ["groff", "gropdf"],
    both: `${later}; printf '.TH APP 1\\n.SH NAME\\napp \\\\- an app\\n' | groff -man -Tpdf > tree/app/app.pdf`,
  },
  {
    cause: "L23",
    what: "groff makes PostScript at two times",
    needs: ["groff"],
    both: `${later}; printf '.TH APP 1\\n.SH NAME\\napp \\\\- an app\\n' | groff -man -Tps > tree/app/app.ps`,
  },
  {
    cause: "L23",
    what: "Pillow makes a PDF of a picture at two times",
    needs: ["kit-python"],
    both: `${later}; kit-python -c 'from PIL import Image; Image.new("RGB", (16, 16), "red").save("tree/app/icon.pdf")'`,
  },
  {
    cause: "T11",
    or: ["T13"],
    what: "a catalogue of messages has the time at which it was begun",
    needs: ["xgettext", "msginit", "msgfmt"],
    both: `printf '#include <libintl.h>\\nint main(void) { return gettext("hello") != 0; }\\n' > m.c; xgettext --keyword=gettext -o app.pot m.c; msginit --no-translator --locale fr --input app.pot --output-file app.po >/dev/null 2>&1; sed -i "s/PO-Revision-Date: [^\\\\]*/PO-Revision-Date: $([ $SIDE = a ] && echo 2024-01-01 12:00+0000 || echo 2024-03-09 08:31+0000)/" app.po; sed -i '/POT-Creation-Date/d' app.po; printf '\\nmsgid "bye"\\nmsgstr "adieu"\\n' >> app.po; mkdir -p tree/usr/share/locale/fr/LC_MESSAGES; msgfmt -o tree/usr/share/locale/fr/LC_MESSAGES/app.mo app.po`,
  },
  {
    cause: "T11",
    or: ["T13"],
    what: "pod2man dates a manual page by the clock",
    needs: ["pod2man", "faketime", "gzip"],
    both: `mkdir -p tree/usr/share/man/man1; printf '=head1 NAME\\n\\napp - an app\\n' | faketime -f "@$([ $SIDE = a ] && echo 2024-01-01 || echo 2024-03-09) 12:00:00" pod2man --name APP --section 1 --release 1.0 | gzip -n -9 > tree/usr/share/man/man1/app.1.gz`,
  },
  {
    cause: "T7",
    what: "gzip keeps the time of a manual page",
    needs: ["gzip"],
    both: "mkdir -p tree/usr/share/man/man1; printf '.TH APP 1\\n' > tree/usr/share/man/man1/app.1; touch -d @$([ $SIDE = a ] && echo 1704067200 || echo 1709999999) tree/usr/share/man/man1/app.1; gzip -9 tree/usr/share/man/man1/app.1",
  },
  {
    cause: "T11",
    or: ["T13"],
    what: "a step notes when it ran, in SQLite",
    needs: ["sqlite3"],
    both: `${later}; sqlite3 tree/app/app.db "create table meta(k text, v text); insert into meta values ('mode', 'prod'), ('seeded_at', datetime('now')); create table item(n int); insert into item values (1), (2), (3);"`,
  },
  {
    cause: "L16",
    what: "Perl writes a hash in the order of its keys",
    needs: ["perl"],
    both: `perl -MData::Dumper -e 'my %h = map { ("key$_" => $_) } 1 .. 12; local $Data::Dumper::Indent = 1; print Dumper(\\%h)' > tree/app/config.pl`,
  },
  {
    cause: "T13",
    or: ["E1"],
    what: "a log of the build in two time zones",
    needs: ["date"],
    both: `TZ=$([ $SIDE = a ] && echo UTC0 || echo JST-9) date -d @1704067200 '+%Y-%m-%d %H:%M:%S build finished' > tree/app/build.log`,
  },
];
