/** What packaging tools of distributions write: dpkg-deb, dpkg, rpm, apt, file systems and initramfs as files. */
import type { Script } from "../real/pairs.ts";

const later = "[ $SIDE = a ] || sleep 1.1";
const deb = `
umask 022
mkdir -p pkg/DEBIAN pkg/usr/share/app pkg/usr/bin
printf 'Package: app\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: A <a@mail.example>\\nDescription: an app\\n' > pkg/DEBIAN/control
seq 1 30000 > pkg/usr/share/app/numbers
printf '#!/bin/sh\\ntrue\\n' > pkg/usr/bin/app; chmod 755 pkg/usr/bin/app
find pkg -exec touch -h -d @1704067200 {} +
`;
const epoch = "export SOURCE_DATE_EPOCH=1704067200";
const rpmSpec = `
printf 'Name: app\\nVersion: 1.0\\nRelease: 1\\nSummary: an app\\nLicense: MIT\\nBuildArch: noarch\\n%%description\\nan app\\n%%install\\nmkdir -p %%{buildroot}/usr/share/app\\nseq 1 300 > %%{buildroot}/usr/share/app/numbers\\n%%files\\n/usr/share/app\\n' > app.spec
r() { rpmbuild --quiet -bb --define "_topdir $PWD/rpm" --define "_rpmdir $PWD/rpms" --define "_build_id_links none" "$@" app.spec 2>/dev/null; }
`;

export const packageScripts: readonly Script[] = [
  {
    cause: "L13",
    or: ["T1"],
    what: "dpkg-deb builds a package at two times",
    needs: ["dpkg-deb"],
    both: `${deb}${later}; dpkg-deb --root-owner-group -b pkg tree/app/app.deb >/dev/null`,
  },
  {
    cause: "L22",
    or: ["Z2"],
    what: "dpkg-deb compresses with xz at two levels",
    needs: ["dpkg-deb"],
    both: `${deb}${epoch}; dpkg-deb --root-owner-group -Zxz -z$([ $SIDE = a ] && echo 1 || echo 9) -b pkg tree/app/app.deb >/dev/null`,
  },
  {
    cause: "L22",
    or: ["Z2"],
    what: "dpkg-deb compresses with gzip and with zstd",
    needs: ["dpkg-deb"],
    both: `${deb}${epoch}; dpkg-deb --root-owner-group -Z$([ $SIDE = a ] && echo gzip || echo zstd) -b pkg tree/app/app.deb >/dev/null`,
  },
  {
    cause: "P4",
    what: "dpkg-deb keeps the owner of the files",
    needs: ["dpkg-deb"],
    root: true,
    both: `${deb}${epoch}; [ $SIDE = a ] || chown -R 1000:1000 pkg; dpkg-deb -b pkg tree/app/app.deb >/dev/null`,
  },
  {
    cause: "P1",
    what: "dpkg-deb keeps the modes of a checkout with umask 002",
    needs: ["dpkg-deb"],
    both: `${deb}${epoch}; [ $SIDE = a ] || chmod -R g+w pkg/usr; dpkg-deb --root-owner-group -b pkg tree/app/app.deb >/dev/null`,
  },
  {
    cause: "S10",
    what: "dpkg installs a package at two times",
    needs: ["dpkg"],
    root: true,
    both: `${deb}${epoch}; dpkg-deb --root-owner-group -b pkg app.deb >/dev/null; ${later}; mkdir -p tree/var/lib/dpkg/info tree/var/lib/dpkg/updates tree/var/log; : > tree/var/lib/dpkg/status; dpkg --root="$PWD/tree" --force-script-chrootless --log="$PWD/tree/var/log/dpkg.log" -i app.deb >/dev/null 2>&1; rm -f tree/var/lib/dpkg/*-old`,
  },
  {
    cause: "S9",
    what: "dpkg installs two packages in two orders",
    needs: ["dpkg"],
    root: true,
    both: `${deb}${epoch}; dpkg-deb --root-owner-group -b pkg app.deb >/dev/null; rm -r pkg/usr; sed -i 's/app/lib/' pkg/DEBIAN/control; dpkg-deb --root-owner-group -b pkg lib.deb >/dev/null; mkdir -p tree/var/lib/dpkg/info tree/var/lib/dpkg/updates; : > tree/var/lib/dpkg/status; for p in $([ $SIDE = a ] && echo app lib || echo lib app); do dpkg --root="$PWD/tree" --force-script-chrootless --log=/dev/null -i $p.deb >/dev/null 2>&1; done`,
  },
  {
    cause: "none",
    what: "overrides of dpkg are added in two orders",
    needs: ["dpkg-statoverride"],
    root: true,
    both: `mkdir -p tree/var/lib/dpkg; for p in $([ $SIDE = a ] && echo /usr/bin/one /usr/bin/two || echo /usr/bin/two /usr/bin/one); do dpkg-statoverride --admindir "$PWD/tree/var/lib/dpkg" --force-all --add root root 4755 $p >/dev/null 2>&1; done; rm -f tree/var/lib/dpkg/*-old`,
  },
  {
    cause: "S16",
    what: "alternatives of equal priority are installed in two orders",
    needs: ["update-alternatives"],
    both: `mkdir -p tree/etc/alternatives tree/var/lib/dpkg/alternatives tree/usr/bin; for p in one two; do printf '#!/bin/sh\\n' > tree/usr/bin/$p; chmod 755 tree/usr/bin/$p; done; for p in $([ $SIDE = a ] && echo one two || echo two one); do update-alternatives --quiet --log /dev/null --altdir "$PWD/tree/etc/alternatives" --admindir "$PWD/tree/var/lib/dpkg/alternatives" --install "$PWD/tree/usr/bin/editor" editor "$PWD/tree/usr/bin/$p" 50; done`,
  },
  {
    cause: "S13",
    what: "debconf keeps the file as it was before",
    needs: ["debconf-set-selections"],
    root: true,
    both: `mkdir -p tree/var/cache/debconf; printf 'Config: configdb\\nTemplates: templatedb\\n\\nName: configdb\\nDriver: File\\nFilename: %s/config.dat\\n\\nName: templatedb\\nDriver: File\\nFilename: %s/templates.dat\\n' "$PWD/tree/var/cache/debconf" "$PWD/tree/var/cache/debconf" > debconf.conf; s() { printf '%s\\n' "$1" | DEBCONF_SYSTEMRC="$PWD/debconf.conf" debconf-set-selections; }; s "app app/mode select fast"; [ $SIDE = a ] || s "app app/mode select fast"; s "app app/port string 80"; [ $SIDE = b ] || rm -f tree/var/cache/debconf/*-old`,
  },
  {
    cause: "S11",
    what: "apt keeps its cache of a repository of files",
    needs: ["apt-get", "apt-ftparchive"],
    root: true,
    both: `${deb}${epoch}; mkdir -p repo; dpkg-deb --root-owner-group -b pkg repo/app_1.0_all.deb >/dev/null; (cd repo && apt-ftparchive packages . > Packages); mkdir -p tree/var/cache/apt/archives/partial tree/var/lib/apt/lists/partial tree/etc/apt tree/var/lib/dpkg; : > tree/var/lib/dpkg/status; printf 'deb [trusted=yes] file:%s/repo ./\\n' "$PWD" > tree/etc/apt/sources.list; ${later}; apt-get -qq -o Dir="$PWD/tree" -o Dir::State::status="$PWD/tree/var/lib/dpkg/status" -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root update >/dev/null 2>&1`,
    a: "rm -rf tree/var/lib/apt/lists/* tree/var/cache/apt/*.bin",
  },
  {
    cause: "T18",
    or: ["S22"],
    what: "rpm installs a package at two times",
    needs: ["rpm", "rpmbuild"],
    root: true,
    both: `${epoch}; ${rpmSpec}r --define "_buildhost builder" --define "use_source_date_epoch_as_buildtime 1"; ${later}; rpm --root "$PWD/tree" --nodeps --noscripts -i rpms/noarch/*.rpm >/dev/null 2>&1`,
  },
  {
    cause: "T1",
    or: ["T11"],
    what: "rpmbuild makes a package at two times",
    needs: ["rpmbuild"],
    both: `${rpmSpec}${later}; r --define "_buildhost builder"; cp rpms/noarch/*.rpm tree/app/app.rpm`,
  },
  {
    cause: "E3",
    what: "rpmbuild notes the host that built",
    needs: ["rpmbuild"],
    both: `${epoch}; ${rpmSpec}r --define "_buildhost builder-$([ $SIDE = a ] && echo 17 || echo 4)" --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1"; cp rpms/noarch/*.rpm tree/app/app.rpm`,
  },
  {
    cause: "S20",
    what: "an initramfs is made at two times",
    needs: ["cpio", "gzip"],
    both: `mkdir -p tree/boot init/bin; printf '#!/bin/sh\\nexec sh\\n' > init/init; chmod 755 init/init; ${later}; touch init/bin/sh; (cd init && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc | gzip -n -9) > tree/boot/initrd.img-6.1.0`,
  },
  {
    cause: "T1",
    or: ["T11"],
    what: "mksquashfs makes a file system at two times",
    needs: ["mksquashfs"],
    both: `${deb}${later}; mksquashfs pkg/usr tree/app/app.squashfs -quiet -no-progress -all-root -processors 1 >/dev/null`,
  },
  {
    cause: "T1",
    or: ["T11"],
    what: "mkfs.erofs makes a file system at two times",
    needs: ["mkfs.erofs"],
    both: `${deb}${later}; touch pkg/usr/bin/app; mkfs.erofs --quiet --all-root -U 00000000-0000-0000-0000-000000000001 tree/app/app.erofs pkg/usr >/dev/null 2>&1`,
  },
  {
    cause: "L22",
    or: ["Z2"],
    what: "mksquashfs compresses with two algorithms",
    needs: ["mksquashfs"],
    both: `${deb}mksquashfs pkg/usr tree/app/app.squashfs -quiet -no-progress -all-root -processors 1 -mkfs-time 0 -all-time 0 -comp $([ $SIDE = a ] && echo gzip || echo zstd) >/dev/null`,
  },
];
