/** Causes that have to do with programming languages and their tools: rows L of the catalogue. */
import { type Cause, factOf, has, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";
import { numberless, rustText } from "../survey.ts";
import { innermost, kindsOf, shownText } from "./look.ts";

const isProgram = ({ format = "" }: Finding): boolean => /^(?:elf|pe|mach-o|ar|wasm)\b/.test(format);
const isScript = (finding: Finding): boolean => /\.(?:m?js|cjs|css|map)$/.test(innermost(finding));

const at =
  (pattern: RegExp, confidence: number): Rule =>
  (finding) =>
    pattern.test(innermost(finding)) ? confidence : 0;

const goFields = /go ?build ?id|go\.buildid|buildinfo|buildvcs|vcs\.(?:revision|time|modified)|-trimpath/i;
const debugFields = /debug|DW_AT|comp_dir|rpath|runpath/i;
/** Names of months and days that are no other words. */
const english =
  /\b(?:January|February|March|June|July|August|September|October|November|December|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b/;
const marks = /[.,'\u00a0\u202f ]/g;

/** Whether one side is a pointer of LFS, and the other what it stands for. */
function isPointer({ a = "", b = "", facts }: Finding): boolean {
  const pointer = /^version https:\/\/|^76657273696f6e2068747470733a2f2f/;
  return pointer.test(a) !== pointer.test(b) && Number(facts?.[pointer.test(a) ? "sizeA" : "sizeB"] ?? 0) < 256;
}

const withoutReturn = (text: string): string => text.replaceAll(/\r|\\u\{d\}|\\r/g, "");

const temporary = /(?:\btmp[._-]?|\.(?=\d*[A-Za-z]))[A-Za-z0-9]{6,10}\b|\/tmp\/[\w.-]+|\bcc[A-Za-z0-9]{6}\.[os]\b/;

const fixedPath = {
  any: "build {path} in one directory on all machines, or map it away: `-ffile-prefix-map=$PWD=.`",
  lockstep: "build {path} in the directory that steps have, or add `-ffile-prefix-map=$PWD=.` to its flags in {where}",
} as const;

export const languageCauses: readonly Cause[] = [
  {
    id: "L1",
    title: "the packages were resolved anew: versions of npm packages differ",
    seen: "versions in package.json files below node_modules differ, or packages are there on one side only",
    grade: "content",
    fix: {
      any: "use `npm ci` with a committed package-lock.json in {where}",
      lockstep: "build both from one commit of package-lock.json, and run `lockstep pin`",
      buildkit: "use `npm ci` in place of `npm install` in {where}, with the lock file copied before",
      docker: "use `npm ci` in place of `npm install` in {where}, with the lock file copied before",
    },
    rules: {
      content: (finding, survey) => {
        const { path = "", field } = finding.where;
        if (/(?:^|\/)package-lock\.json$/.test(path) && /\.(?:version|integrity|resolved)$/.test(field))
          return survey.layer(finding).versions.npm > 0 ? 0.87 : 0.5;
        if (!/(?:^|\/)node_modules\//.test(path)) return 0;
        // npm's own copy of the lock follows from what it installed.
        if (path.endsWith("/.package-lock.json") && survey.layer(finding).versions.npm > 0) return 0.97;
        if (!path.endsWith("package.json")) return survey.layer(finding).versions.npm > 0 ? 0.87 : 0;
        return has(finding, "version") || /version/.test(field) ? 0.94 : 0.45;
      },
      "entry.presence": ({ where }) => (/(?:^|\/)node_modules\/[^.]/.test(where.path ?? "") ? 0.6 : 0),
    },
  },
  {
    id: "L2",
    title: "npm's copy of the lock file is in node_modules",
    seen: "`node_modules/.package-lock.json` differs: it has the name of the project's directory",
    grade: "cosmetic",
    fix: {
      any: "remove node_modules/.package-lock.json at the end of {where}",
      lockstep: "the `npm` layer makes no such file: rebuild {where} with this version",
    },
    places: { confidence: 0.96, names: [".package-lock.json", ".yarn-integrity", ".yarn-state.yml", ".modules.yaml"] },
  },
  {
    id: "L3",
    title: "caches, logs or notices of npm are in the image",
    seen: "a file below `.npm`, `_cacache`, `_logs` or of the update notifier differs or is there on one side",
    grade: "cosmetic",
    fix: { any: "remove it at the end of {where}: `npm cache clean --force; rm -rf ~/.npm`" },
    places: {
      confidence: 0.96,
      components: [
        ".npm",
        "_cacache",
        "_logs",
        ".yarn-cache",
        ".pnpm-store",
        "npm-cache",
        ".node-gyp",
        "node-compile-cache",
      ],
      names: ["_update-notifier-last-checked", ".yarnrc.lock"],
      below: ["root/.config/configstore", "usr/local/share/.cache"],
    },
  },
  {
    id: "L4",
    title: "another version of npm wrote the lock file",
    seen: "a package-lock.json in the image differs in its form or in flags such as `peer`",
    grade: "cosmetic",
    fix: { any: "use one version of npm on all machines, and `npm ci`, which does not write the file" },
    places: { confidence: 0.8, names: ["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"] },
    rules: {
      content: (finding) =>
        innermost(finding).endsWith("package-lock.json") && /\bpeer\b|lockfileVersion|\bdev\b/.test(finding.where.field)
          ? 0.95
          : 0,
    },
  },
  {
    id: "L5",
    title: "optional packages follow the machine that installed",
    seen: "a package for one operating system, processor or C library is there on one side only",
    grade: "content",
    fix: {
      any: "install for the target: `npm ci --os=linux --cpu=… --libc=…`",
      lockstep: "the `npm` layer chooses by platform and `libc`: give both specs the same",
    },
    rules: {
      "entry.presence": ({ where }) =>
        /node_modules\/.*(?:linux|darwin|win32|android|freebsd)-(?:x64|arm64|arm|ia32|ppc64|s390x|riscv64)(?:-(?:gnu|musl|msvc))?(?:\/|$)|fsevents/.test(
          where.path ?? "",
        )
          ? 0.93
          : 0,
    },
  },
  {
    id: "L6",
    title: "install scripts of packages made or fetched something",
    seen: "files that npm packages do not have are there, as binaries or downloads below node_modules",
    grade: "content",
    fix: { any: "install with `--ignore-scripts` in {where}, and make what is needed in a step of its own" },
    rules: {
      content: ({ where }) =>
        /node_modules\/.*\/(?:vendor|prebuilds|\.local|downloads?|bin)\//.test(where.path ?? "") ? 0.5 : 0,
      "entry.presence": ({ where }) =>
        /node_modules\/.*\/(?:vendor|\.local-chromium|downloads?)\//.test(where.path ?? "") ? 0.65 : 0,
    },
  },
  {
    id: "L7",
    title: "node-gyp compiled an addon, with paths and settings of the machine",
    seen: "a file of a `build` directory of node-gyp differs: config.gypi, Makefile or the addon",
    grade: "content",
    fix: {
      any: "take a prebuilt addon, or compile in one directory and remove all of `build` but build/Release/*.node in {where}",
    },
    places: { confidence: 0.94, names: ["config.gypi", "binding.Makefile", "gyp-mac-tool"], ends: [".target.mk"] },
    rules: {
      content: ({ where }) =>
        /node_modules\/.*\/build\/(?:Release|Debug|Makefile|.*\.gypi?)/.test(where.path ?? "") ? 0.94 : 0,
      "entry.presence": ({ where }) =>
        /node_modules\/.*\/build\/(?:Release|Debug|Makefile|.*\.gypi?)/.test(where.path ?? "") ? 0.85 : 0,
    },
  },
  {
    id: "L8",
    title: "a bundler wrote paths, numbers of chunks or dates",
    seen: "bundled JavaScript or CSS differs, or its files have other hashes in their names",
    grade: "content",
    fix: {
      any: "build the bundle of {where} in one directory with deterministic ids (`optimization.moduleIds: deterministic`) and without a date in its banner",
    },
    rules: {
      content: (finding) => {
        if (!isScript(finding) || innermost(finding).endsWith(".map")) return 0;
        const bundled =
          finding.format === "bundle" ||
          factOf(finding, "bundler") !== undefined ||
          /(?:^|\/)(?:dist|build|out|public|static|assets|\.next|chunks?)\//.test(finding.where.path ?? "");
        if (has(finding, "path", "time", "order", "random")) return bundled ? 0.94 : 0.6;
        return bundled ? 0.5 : 0;
      },
      "entry.presence": (finding) => {
        const hashed = /[.-][0-9a-zA-Z_-]{8,20}\.(?:m?js|css)(?:\.map)?$/.test(finding.where.path ?? "");
        return hashed ? (factOf(finding, "sameContentAs") === undefined ? 0.8 : 0.9) : 0;
      },
    },
  },
  {
    id: "L9",
    title: "source maps have paths of the machine",
    seen: "paths in a source map differ",
    grade: "cosmetic",
    fix: {
      any: "write paths of source maps in {where} relative to the project (`sourceRoot`, `devtoolModuleFilenameTemplate`)",
    },
    rules: {
      content: (finding) =>
        innermost(finding).endsWith(".map") || finding.format === "source map"
          ? has(finding, "path") || /^sources\b|sourceRoot/.test(finding.where.field)
            ? 0.96
            : 0.7
          : 0,
    },
  },
  {
    id: "L10",
    title: "an installer of Python packages left traces",
    seen: "direct_url.json, INSTALLER, REQUESTED or the order of RECORD of an installed package differs",
    grade: "cosmetic",
    fix: {
      any: "install by hash from an index, with `pip install --no-compile --require-hashes` in {where}, and remove direct_url.json",
      lockstep: "the `python` layer has its own INSTALLER and a sorted RECORD: rebuild {where} with this version",
    },
    places: {
      confidence: 0.94,
      names: ["direct_url.json", "INSTALLER", "REQUESTED", "RECORD"],
      components: ["pip-cache"],
    },
    rules: { content: at(/\.dist-info\/RECORD$/, 0.9) },
  },
  {
    id: "L11",
    title: "Go's compiler wrote paths, its build id or the state of the checkout",
    seen: "the build id, the build information or paths in a Go program differ",
    grade: "content",
    fix: {
      any: "build {path} with `go build -trimpath -buildvcs=false -ldflags=-buildid=`",
      lockstep: "add `-trimpath -buildvcs=false -ldflags=-buildid=` to `go build` in {where}",
      ko: "build {path} without settings of ko that take `-trimpath` away",
    },
    rules: {
      content: (finding, survey) => {
        // With another version of Go all else follows.
        if (survey.layer(finding).goVersions.has(finding.where.path ?? "")) return 0.3;
        // The ids are hashes over it all, also over a time that is no doing of Go's.
        if (/build ?id/i.test(finding.where.field) && survey.naturesOf(finding).has("time")) return 0.4;
        if (goFields.test(finding.where.field) || (isProgram(finding) && factOf(finding, "language") === "go"))
          return 0.96;
        if (!survey.layer(finding).goPrograms.has(finding.where.path ?? "")) return 0;
        // The linker's id is a hash over it all.
        if (has(finding, "path") || /build id|debug information/.test(finding.where.field)) return 0.96;
        return finding.where.inside?.some((name) => /^\.(?:note\.)?go/.test(name)) === true ? 0.96 : 0.3;
      },
    },
  },
  {
    id: "L12",
    title: "Rust's compiler wrote paths, or cut the program in another way",
    seen: "paths of cargo or rustc in a program differ",
    grade: "content",
    fix: { any: "build {path} with `--remap-path-prefix`, `-C codegen-units=1` and CARGO_INCREMENTAL=0" },
    rules: {
      content: (finding, survey) => {
        if (factOf(finding, "language") === "rust") return 0.94;
        if (!isProgram(finding)) return 0;
        // A unit of code generation is named after a hash over its crate and path.
        if (rustText.test(`${finding.a} ${finding.b}`)) return 0.96;
        const rust = survey.layer(finding).rustPrograms.has(finding.where.path ?? "");
        return rust && has(finding, "machine code", "random") ? 0.9 : 0;
      },
    },
  },
  {
    id: "L13",
    title: "archives of object files have dates or ids",
    seen: "the date, owner or mode of a member of an `ar` archive differs",
    grade: "clock",
    fix: { any: "make {path} with `ar -D` and `ranlib -D`" },
    rules: {
      content: (finding) => {
        if (finding.format === "ar")
          return has(finding, "time", "identity") || fieldsOfAr.test(finding.where.field) ? 0.96 : 0.6;
        if (finding.where.path?.endsWith(".a") !== true) return 0;
        // A line of the archive's own: name, date, owner, group, mode, size.
        const header = /\s\d+\s+\d+\s+\d+\s+\d*\s+\d+\s+`/;
        return fieldsOfAr.test(finding.where.field) || has(finding, "time") || header.test(finding.a ?? "") ? 0.93 : 0;
      },
    },
  },
  {
    id: "L14",
    title: "the path of the build is in debug information or data",
    seen: "a path in a program or in its debug information differs",
    grade: "cosmetic",
    fix: fixedPath,
    rules: {
      content: (finding, survey) => {
        // Where the time of the source differs as well, that goes first: a fixed directory alone would not help.
        if (finding.format === "pyc")
          return has(finding, "path") ? (survey.naturesOf(finding).has("time") ? 0.9 : 0.95) : 0;
        if (!isProgram(finding)) return 0;
        if (has(finding, "path")) return 0.94;
        return debugFields.test(finding.where.field) || /\.debug/.test((finding.where.inside ?? []).join(" "))
          ? 0.85
          : 0;
      },
      "entry.target": ({ a = "", b = "" }) =>
        /^\/(?:home|root|build|builds|workspace|tmp|usr\/src)\//.test(a) && b.startsWith("/") ? 0.6 : 0,
    },
  },
  {
    id: "L15",
    title: "the linker's build id differs",
    seen: "the note `.note.gnu.build-id` of a program differs; it is a hash over what was linked, with its paths",
    grade: "cosmetic",
    fix: { ...fixedPath, any: "link {path} with the same inputs in one directory, or with `-Wl,--build-id=none`" },
    rules: {
      content: (finding, survey) => {
        if (
          !/build[- ]?id/i.test(`${finding.where.field} ${(finding.where.inside ?? []).join(" ")}`) ||
          /go/i.test(finding.where.field)
        )
          return 0;
        return survey.othersOf(finding) > 0 ? 0.75 : 0.96;
      },
    },
  },
  {
    id: "L16",
    title: "a generator wrote what a hash table gives, in its order",
    seen: "a file has the same lines or members in another order",
    grade: "content",
    fix: { any: "sort the output of what makes {path} in {where}, and set PYTHONHASHSEED=0 for Python" },
    rules: {
      content: (finding) => {
        if (!has(finding, "order")) return 0;
        return finding.format === "pyc" ? 0.95 : isProgram(finding) ? 0.6 : 0.88;
      },
    },
  },
  {
    id: "L17",
    title: "the output depends on the number of processors",
    seen: "generated code or data differs, without dates, paths or ids in it",
    grade: "content",
    fix: { any: "build {path} with one job (`-j1`) or with a number that is fixed" },
    rules: {
      content: (finding) =>
        /\b(?:nproc|jobs?|threads?|workers?|cpus?|cores?)\b/i.test(shownText(finding)) && has(finding, "number")
          ? 0.75
          : 0,
      "entry.presence": (finding, survey) => {
        const { onlyA, onlyB, numbered } = survey.layer(finding);
        if ((onlyA.length > 0 && onlyB.length > 0) || survey.step(finding) === "copy") return 0;
        return (numbered.get(numberless(finding.where.path ?? "")) ?? 0) > 1 ? 0.7 : 0;
      },
    },
  },
  {
    id: "L18",
    title: "code was tuned on the machine that built",
    seen: "machine code of a program differs, or a profile or tuning file",
    grade: "content",
    fix: { any: "build {path} without profiles and tuning of the machine" },
    places: { confidence: 0.85, ends: [".gcda", ".profdata", ".profraw"], names: ["fftw-wisdom", "wisdom"] },
    rules: { content: (finding) => (has(finding, "machine code") ? 0.45 : 0) },
  },
  {
    id: "L19",
    title: "code was compiled for the processor of the machine",
    seen: "machine code or the notes about instruction sets differ",
    grade: "content",
    fix: { any: "compile {path} for a fixed baseline (`-march=x86-64-v2`) in place of `-march=native`" },
    rules: {
      content: (finding, survey) => {
        const { field, inside = [] } = finding.where;
        if (/x86.*isa|gnu\.property|cpu features?|target-cpu/i.test(field) || inside.includes(".note.gnu.property"))
          return 0.94;
        if (/-m(?:arch|tune|cpu)=/.test(shownText(finding))) return 0.97;
        if (!has(finding, "machine code")) return 0;
        // With another compiler the note about it would differ too.
        return survey.naturesOf(finding).has("version") ? 0.4 : 0.74;
      },
    },
  },
  {
    id: "L20",
    title: "a temporary name got into what was made",
    seen: "a name as mktemp makes it differs in a file, or is that of a file",
    grade: "cosmetic",
    fix: { any: "give the temporary file of {where} a fixed name, or do not write its name into {path}" },
    rules: {
      content: (finding) => {
        const { a = "", b = "" } = finding;
        if (!temporary.test(a) || !temporary.test(b)) return 0;
        // A path below /tmp may be one that somebody chose.
        return has(finding, "random") || /tmp\.|\bcc\w{6}\./.test(a) ? 0.9 : 0.6;
      },
      "entry.presence": (finding, survey) => {
        const name = innermost(finding).slice(innermost(finding).lastIndexOf("/") + 1);
        const { onlyA, onlyB } = survey.layer(finding);
        const looks =
          /(?:^tmp|\.|[-_])(?=[A-Za-z0-9_]*[A-Z0-9])[A-Za-z0-9_]{6,12}$/.test(name) && !/\.\w{1,4}$/.test(name);
        // Where temporary files are, they were left; elsewhere the name was given.
        if (looks && /^(?:var\/)?tmp\//.test(finding.where.path ?? "")) return 0.6;
        if (!looks || onlyA.length === 0 || onlyB.length === 0)
          return /^tmp\.?[A-Za-z0-9_]{6,12}$/.test(name) ? 0.7 : 0;
        return 0.94;
      },
      "entry.target": ({ a = "", b = "" }) => (temporary.test(a) && temporary.test(b) ? 0.85 : 0),
    },
  },
  {
    id: "L21",
    title: "numbers or dates were written by the rules of the user's language",
    seen: "text differs in marks of decimals or thousands, or in names of days and months",
    grade: "cosmetic",
    fix: { any: "run what writes {path} with LC_ALL=C.UTF-8 and format without what the engine knows of languages" },
    rules: {
      content: (finding) => {
        const { a = "", b = "" } = finding;
        // The same digits with other marks between them: 12,345 and 12.345.
        if (/\d[.,']\d/.test(a) && a !== b && a.replaceAll(marks, "") === b.replaceAll(marks, "")) return 0.95;
        if (kindsOf(finding).includes("date") && has(finding, "language")) return 0.93;
        if (english.test(a) !== english.test(b) && a.split(" ").length === b.split(" ").length) return 0.85;
        return has(finding, "language") ? 0.5 : 0;
      },
    },
  },
  {
    id: "L22",
    title: "an asset was compressed by another compressor or version of it",
    seen: "a compressed file differs, and its content does not",
    grade: "encoding",
    fix: { any: "pin what compresses {path} in {where}, or serve it uncompressed" },
    rules: {
      content: (finding) => {
        if (has(finding, "encoder")) return 0.95;
        return /^(?:gzip|zstd|brotli|xz|bzip2|deflate)$/.test(finding.format ?? "") &&
          /encoder|compress|stream|level|frame/i.test(finding.where.field)
          ? 0.93
          : 0;
      },
    },
  },
  {
    id: "L23",
    title: "a tool for pictures, fonts or documents wrote dates or ids",
    seen: "a date or an id in the metadata of a picture, font or document differs",
    grade: "clock",
    fix: {
      any: "make {path} with SOURCE_DATE_EPOCH set, or strip its metadata (`exiftool -all=`, `qpdf --deterministic-id`)",
    },
    rules: {
      content: (finding) => {
        const media =
          /^(?:png|pdf|jpeg|gif|tiff|webp|svg|ttf|otf|woff2?|font|epub|postscript)$/i.test(finding.format ?? "") ||
          /\.(?:png|pdf|jpe?g|gif|tiff?|webp|svg|[ot]tf|woff2?|ps)$/i.test(innermost(finding));
        return media ? (has(finding, "time", "random", "version") ? 0.95 : 0.45) : 0;
      },
    },
  },
  {
    id: "L24",
    title: "git's own data is in the image",
    seen: "a file below `.git` differs or is there on one side",
    grade: "content",
    fix: {
      any: "leave .git out of {where} (.dockerignore)",
      lockstep: "file sets leave .git out: rebuild {where} with this version",
      buildkit: "add `.git` to .dockerignore",
      docker: "add `.git` to .dockerignore",
    },
    places: { confidence: 0.97, components: [".git", ".hg", ".svn", ".bzr"] },
  },
  {
    id: "L25",
    title: "attributes or settings of git changed files in the checkout",
    seen: "line ends or expanded keywords of text differ, or a file is a pointer of LFS on one side",
    grade: "content",
    fix: {
      any: "check out with `core.autocrlf=false` and without filters before {where} is copied",
      lockstep: "take the files with a `git` layer, which reads them as they are committed",
    },
    rules: {
      content: (finding) => {
        if (factOf(finding, "lineEnds") !== undefined || /line ends?\b|CRLF/i.test(finding.where.field)) return 0.96;
        if (isPointer(finding)) return 0.93;
        // A carriage return more, in a format that has no line ends.
        const { a, b } = finding;
        if (a !== undefined && b !== undefined && a !== b && withoutReturn(a) === withoutReturn(b)) return 0.93;
        if (/git-lfs/.test(shownText(finding))) return 0.95;
        if (/\$(?:Id|Format|Revision|Date)\b/.test(shownText(finding))) return 0.9;
        return has(finding, "white space") && finding.format === "text" ? 0.6 : 0;
      },
    },
  },
  {
    id: "L26",
    title: "the state of submodules, or how much history a clone has, shows",
    seen: "text as `git describe` gives it differs, or the files of a submodule are there on one side",
    grade: "content",
    fix: {
      any: "lock the commit and hand its id in, in place of `git describe`; update submodules before {where} is copied",
    },
    rules: {
      content: (finding) => {
        const described = /\b(?:v?\d+(?:\.\d+)+-\d+-g[0-9a-f]{7,40}|[0-9a-f]{7,40})(?:-dirty|\+dirty)?\b/;
        const { a = "", b = "" } = finding;
        const one = /-\d+-g[0-9a-f]{7,40}|[-+]dirty\b/;
        return one.test(a) || one.test(b)
          ? 0.9
          : described.test(a) && described.test(b) && /commit|revision|git|sha/i.test(`${finding.where.field} ${a}`)
            ? 0.6
            : 0;
      },
      "entry.presence": (finding, survey) => {
        if (/(?:^|\/)\.gitmodules$/.test(finding.where.path ?? "")) return 0.7;
        // A whole directory of the sources is missing on one side.
        const { onlyA, onlyB, directoriesOnly } = survey.layer(finding);
        return survey.step(finding) === "copy" &&
          !directoriesOnly &&
          (onlyA.length === 0 || onlyB.length === 0) &&
          onlyA.length + onlyB.length > 2
          ? 0.5
          : 0;
      },
    },
  },
];

const fieldsOfAr = /ar_date|ar_uid|ar_gid|ar_mode|\b(?:date|mtime|uid|gid|mode|owner)\b/i;
