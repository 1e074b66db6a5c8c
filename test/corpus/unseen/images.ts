/** What other builders of images do: Dockerfiles with buildah, crane, ko, umoci, skopeo. */
import type { Script } from "../real/pairs.ts";

const later = "[ $SIDE = a ] || sleep 1.1";
const layer =
  "tar -C tree --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1704067200 -cf layer.tar .";
const craneBase = `mkdir -p base; tar -C base --format=ustar --owner=0 --group=0 --mtime=@1704067200 -cf empty.tar . ; ${layer}`;

/** A registry of this machine for as long as the script runs; what was pushed as `app:1` is pulled to a layout. */
const registry = `
crane registry serve --address 127.0.0.1:28651 > registry.log 2>&1 & server=$!
trap 'kill $server' EXIT
while ! grep -q 'serving on port' registry.log; do sleep 0.05; done
at="127.0.0.1:$(sed -n 's/.*port //p' registry.log)"
pull() { crane pull --format=oci "$at/app:1" out 2>/dev/null; }
`;

const ko = `
mkdir src; printf 'package main\\n\\nfunc main() { println("hi") }\\n' > src/main.go; printf 'module registry.example/app\\n\\ngo 1.21\\n' > src/go.mod
find src -exec touch -d @1704067200 {} +
${craneBase}; crane append --oci-empty-base -f empty.tar -t "$at/base:1" >/dev/null 2>&1
build() { (cd src && GOFLAGS=-mod=mod GOCACHE="$KIT/go-cache" KO_DEFAULTBASEIMAGE="$at/base:1" KO_DOCKER_REPO=registry.example ko build --push=false --sbom=none --oci-layout-path ../out . >/dev/null 2>../ko.log || { cat ../ko.log >&2; exit 1; }); }
`;

const buildah = 'b() { buildah --root "$PWD/storage" --runroot "$PWD/run" --storage-driver vfs "$@"; }\n';
/** Builds a Dockerfile whose first stage is BusyBox alone. */
const dockerfile = (lines: string, options = "--timestamp 0"): string =>
  `${buildah}mkdir -p context/bin; cp "$(command -v busybox)" context/bin/busybox; for n in sh date hostname mktemp mkdir cp head od tr true; do ln -s busybox context/bin/$n; done; find context -exec touch -h -d @1704067200 {} +; cp -a tree context/tree
{ printf 'FROM scratch\\nCOPY bin /bin\\nENV PATH=/bin\\n'; cat <<'END'
${lines}
END
} > context/Dockerfile
b bud -q --isolation chroot ${options} -t "oci:$PWD/out:app" context >/dev/null
rm -rf storage run`;

const budScripts: readonly Script[] = [
  {
    cause: "T11",
    or: ["T13"],
    what: "a step of a Dockerfile writes the date",
    both: `${later}; ${dockerfile("RUN mkdir -p /etc && date -u > /etc/build-date")}`,
  },
  {
    cause: "E3",
    what: "a step of a Dockerfile writes the name of the host",
    both: dockerfile('RUN mkdir -p /etc && echo "built on $(hostname)" > /etc/issue.build'),
  },
  {
    cause: "S24",
    or: ["L20"],
    what: "a step of a Dockerfile leaves a temporary directory",
    both: dockerfile("RUN mkdir -p -m 1777 /tmp && d=$(mktemp -d) && cp /bin/busybox $d/work"),
  },
  {
    cause: "E10",
    or: ["S4"],
    what: "a step of a Dockerfile makes a secret by chance",
    both: dockerfile(
      "RUN mkdir -p /etc/app && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\\\n' > /etc/app/session.key",
    ),
  },
  {
    cause: "I2",
    what: "an argument of the build is in the history",
    both: dockerfile(
      "ARG BUILD_NUMBER\nRUN mkdir -p /etc && true > /etc/done",
      "--timestamp 0 --build-arg BUILD_NUMBER=$([ $SIDE = a ] && echo 17 || echo 18)",
    ),
  },
  {
    cause: "settings",
    or: ["I2"],
    what: "a label has the revision",
    both: dockerfile(
      "ARG REVISION\nLABEL org.opencontainers.image.revision=$REVISION",
      "--timestamp 0 --build-arg REVISION=$([ $SIDE = a ] && echo 3f786850e387550fdab836ed7e6dc881de23001b || echo 89e6c98d92887913cadf06b2adb97f26cde4849b)",
    ),
  },
  {
    cause: "settings",
    what: "a Dockerfile sets another user",
    both: `user=$([ $SIDE = a ] && echo 65532 || echo 0); ${dockerfile("USER NOBODY").replace("cat <<'END'", "sed \"s/NOBODY/$user/\" <<'END'")}`,
  },
  {
    cause: "steps",
    or: ["O18"],
    what: "a Dockerfile is built in one layer",
    both: dockerfile(
      "COPY tree /srv\nRUN mkdir -p /etc && true > /etc/done",
      "--timestamp 0 $([ $SIDE = a ] || echo --squash)",
    ),
  },
  {
    cause: "permissions",
    what: "a Dockerfile copies with other modes",
    both: `mode=$([ $SIDE = a ] && echo 0644 || echo 0711); ${dockerfile("COPY --chmod=MODE tree/app/hello.txt /srv/hello.txt").replace("cat <<'END'", "sed \"s/MODE/$mode/\" <<'END'")}`,
  },
  {
    cause: "L24",
    what: "a Dockerfile copies the repository with the sources",
    both: `git init -q tree; git -C tree add -A; ${later}; git -C tree -c user.name=a -c user.email=a@mail.example commit -qm x; find tree -exec touch -h -d @1704067200 {} +; ${dockerfile("COPY tree /srv")}`,
  },
  {
    cause: "T1",
    what: "a Dockerfile without a fixed time",
    or: ["T22", "T10"],
    both: `${later}; ${dockerfile("RUN mkdir /srv && echo ready > /srv/state", "")}`,
  },
].map((script): Script => ({ ...script, root: true, needs: ["buildah", "busybox", "git"] }));

const otherScripts: readonly Script[] = [
  {
    cause: "T1",
    what: "crane appends a layer of files of two times",
    needs: ["crane"],
    both: `[ $SIDE = a ] || find tree -exec touch -h {} +; ${layer.replace(" --mtime=@1704067200", "")}; crane append --oci-empty-base -f layer.tar -t app:1 -o out >/dev/null 2>&1`,
  },
  {
    cause: "Z2",
    what: "crane appends a layer that was compressed with another tool",
    needs: ["crane", "pigz"],
    both: `seq 1 60000 > tree/app/more.txt; ${craneBase}; $([ $SIDE = a ] && echo gzip || echo pigz -11) -n < layer.tar > layer.tar.gz; crane append --oci-empty-base -f layer.tar.gz -t app:1 -o out >/dev/null 2>&1`,
  },
  {
    cause: "I5",
    what: "crane starts from Docker's or from OCI's empty image",
    needs: ["crane"],
    both: `${registry}${craneBase}; crane append $([ $SIDE = a ] && echo --oci-empty-base) -f layer.tar -t "$at/app:1" >/dev/null 2>&1; pull`,
  },
  {
    cause: "I5",
    what: "buildah pushes in Docker's format",
    needs: ["buildah", "crane"],
    root: true,
    both: `${registry}${buildah}c=$(b from scratch); b copy -q "$c" tree /; b commit -q --timestamp 0 --format $([ $SIDE = a ] && echo oci || echo docker) "$c" app >/dev/null; b push -q --tls-verify=false app "docker://$at/app:1" >/dev/null 2>&1; rm -rf storage run; pull`,
  },
  {
    cause: "settings",
    what: "crane changes the command of an image",
    needs: ["crane"],
    both: `${registry}${craneBase}; crane append --oci-empty-base -f layer.tar -t "$at/app:1" >/dev/null 2>&1; [ $SIDE = a ] || crane mutate "$at/app:1" --cmd /app/run.sh -t "$at/app:1" >/dev/null 2>&1; pull`,
  },
  {
    cause: "T9",
    what: "crane annotates an image with the time",
    needs: ["crane"],
    both: `${later}; ${registry}${craneBase}; crane append --oci-empty-base -f layer.tar -t "$at/app:1" >/dev/null 2>&1; crane mutate "$at/app:1" --annotation "org.opencontainers.image.created=$(date -u +%Y-%m-%dT%H:%M:%SZ)" -t "$at/app:1" >/dev/null 2>&1; pull`,
  },
  {
    cause: "steps",
    or: ["O18"],
    what: "crane flattens an image of two layers",
    needs: ["crane"],
    both: `${registry}${craneBase}; mkdir more; echo more > more/more.txt; tar -C more --format=ustar --owner=0 --group=0 --mtime=@1704067200 -cf more.tar .; crane append --oci-empty-base -f layer.tar -f more.tar -t "$at/app:1" >/dev/null 2>&1; [ $SIDE = a ] || crane flatten "$at/app:1" -t "$at/app:1" >/dev/null 2>&1; pull`,
  },
  {
    cause: "source",
    what: "crane appends another version of a file",
    needs: ["crane"],
    both: `[ $SIDE = a ] || printf 'bye\\n' > tree/app/hello.txt; ${craneBase}; crane append --oci-empty-base -f layer.tar -t app:1 -o out >/dev/null 2>&1`,
  },
  {
    cause: "L11",
    what: "ko builds from two commits",
    needs: ["ko", "crane", "go", "git"],
    both: `${registry}${ko}git init -q src; git -C src add -A; GIT_AUTHOR_DATE='1704067200 +0000' GIT_COMMITTER_DATE='1704067200 +0000' git -C src -c user.name=a -c user.email=a@mail.example commit -qm "change $SIDE"; build`,
  },
  {
    cause: "none",
    what: "ko builds at two times",
    needs: ["ko", "crane", "go"],
    both: `${later}; ${registry}${ko}build`,
  },
  {
    cause: "source",
    what: "ko builds another version of a program",
    needs: ["ko", "crane", "go"],
    both: `${registry}${ko}[ $SIDE = a ] || sed -i 's/hi/hello/' src/main.go; build`,
  },
  {
    cause: "T1",
    or: ["T22"],
    what: "umoci packs a root file system again after a file was replaced by itself",
    needs: ["umoci"],
    both: `umoci init --layout out; umoci new --image out:app; umoci config --image out:app --created 2024-01-01T00:00:00Z --architecture amd64 --os linux --history.created 2024-01-01T00:00:00Z; umoci insert --rootless --image out:app --history.created 2024-01-01T00:00:00Z tree/app /app; umoci unpack --rootless --image out:app bundle >/dev/null 2>&1; ${later}; rm bundle/rootfs/app/hello.txt; cp tree/app/hello.txt bundle/rootfs/app/hello.txt; umoci repack --history.created 2024-01-01T00:00:00Z --image out:app bundle >/dev/null 2>&1; umoci config --image out:app --created 2024-01-01T00:00:00Z --history.created 2024-01-01T00:00:00Z --no-history 2>/dev/null || umoci config --image out:app --created 2024-01-01T00:00:00Z --history.created 2024-01-01T00:00:00Z; umoci gc --layout out`,
  },
  {
    cause: "settings",
    what: "umoci sets another entrypoint",
    needs: ["umoci"],
    both: `umoci init --layout out; umoci new --image out:app; umoci insert --rootless --image out:app --history.created 2024-01-01T00:00:00Z tree/app /app; umoci config --image out:app --created 2024-01-01T00:00:00Z --architecture amd64 --os linux --history.created 2024-01-01T00:00:00Z --config.entrypoint /app/$([ $SIDE = a ] && echo run.sh || echo serve.sh); umoci gc --layout out`,
  },
  {
    cause: "Z11",
    what: "crane saves an image as an archive of docker and as a layout",
    needs: ["crane"],
    both: `${registry}${craneBase}; crane append --oci-empty-base -f layer.tar -t "$at/app:1" >/dev/null 2>&1; [ $SIDE = a ] && pull || crane pull "$at/app:1" out 2>/dev/null`,
  },
  {
    cause: "I6",
    what: "a list of two platforms was put together in another order",
    needs: ["buildah"],
    root: true,
    both: `${buildah}for p in amd64 arm64; do c=$(b from --platform linux/$p scratch); b copy -q "$c" tree /; b config --arch $p "$c"; b commit -q --timestamp 0 "$c" app-$p >/dev/null; done; b manifest create app >/dev/null; for p in $([ $SIDE = a ] && echo amd64 arm64 || echo arm64 amd64); do b manifest add app app-$p >/dev/null; done; b manifest push -q --all app "oci:$PWD/out:app" >/dev/null; rm -rf storage run`,
  },
  {
    cause: "platform",
    what: "an image for another processor",
    needs: ["buildah"],
    root: true,
    both: `${buildah}c=$(b from scratch); b copy -q "$c" tree /; b config --arch $([ $SIDE = a ] && echo amd64 || echo arm64) "$c"; b commit -q --timestamp 0 "$c" "oci:$PWD/out:app" >/dev/null; rm -rf storage run`,
  },
];

export const imageScripts: readonly Script[] = [...budScripts, ...otherScripts];
