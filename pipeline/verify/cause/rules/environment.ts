/** Causes that are something of the machine or its environment: rows E of the catalogue. */
import { type Cause, factOf, has, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";
import { isGoVersion } from "../survey.ts";
import { kindsOf, shownText } from "./look.ts";

/** `TZ` of the field `config.Env.TZ`. */
const variableOf = ({ where }: Finding): string => /^config\.Env\.(.+)$/.exec(where.field)?.[1] ?? "";

const variable =
  (pattern: RegExp, confidence: number): Rule =>
  (finding) =>
    pattern.test(variableOf(finding)) ? confidence : 0;

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/i;
const kernel =
  /\b\d\.\d{1,3}\.\d{1,3}(?:-\d+)*[-+.](?:generic|amd64|arm64|cloud|aws|azure|gcp|lts|rt|microsoft|linuxkit|el\d|fc\d\d|arch|default|wsl)\w*|Linux version \d|\/proc\/|\bcgroup\b|\buname\b/i;
const machineSize =
  /\b(?:nproc|cpus?|cores?|processors?|MemTotal|memory|cpuinfo|model name|-j ?\d+|--jobs|MAKEFLAGS|parallel)/i;
const secret = /(?:^|[_\W])(?:token|secret|passw(?:or)?d|api[_-]?key|credential|private[_-]?key)s?(?:$|[_\W\d])/i;
const homes =
  /(?:^|[^\w/])(?:\/home\/[^/\s"']+|\/root|\/Users\/[^/\s"']+|\/build(?:s|er)?|\/workspace|\/tmp|\/var\/tmp|\/github|\/runner)(?:\/|\b)/;
const tool =
  /\b(?:gcc|clang|ld|binutils|rustc|go(?:lang)?|node|npm|python|pip|cargo|make|cmake|java|javac|jdk|maven|gradle)\b/i;

/** Where text says who made something. */
const maker =
  /^(?:Built-By|Packager|Build-User|Built-On-Host)\b|\b(?:built|made|compiled|packaged|generated|created) by\b|\buid\b|\b(?:user(?:name)?|login|author)\b *[=:]/i;

/** An address of a network, and no name. */
const isAddress = (finding: Finding): boolean => {
  const kinds = kindsOf(finding);
  return kinds.includes("address") && !kinds.some((kind) => /^(?:host|container|account)$/.test(kind));
};

const inContent = (finding: Finding, confidence: number, pattern: RegExp): number =>
  pattern.test(shownText(finding)) ? confidence : 0;

const unset = {
  any: "run what writes {path} with an environment that is set, nothing inherited",
  lockstep: "steps have a fixed environment: say what is needed under `env` of {where}",
} as const;

export const environmentCauses: readonly Cause[] = [
  {
    id: "E1",
    title: "language, time zone or terminal of the machine show",
    seen: "TZ, LANG, LC_…, COLUMNS or TERM differs in the configuration, or text differs as these make it",
    grade: "cosmetic",
    fix: { ...unset, any: "set TZ=UTC, LC_ALL=C.UTF-8 and COLUMNS=80 for what makes {where}" },
    rules: {
      "config.config": variable(/^(?:TZ|LANG|LANGUAGE|LC_\w+|COLUMNS|LINES|TERM|COLORTERM)$/, 0.96),
      content: (finding) => {
        if (/\b(?:LANG|LC_[A-Z]+|TZ|COLUMNS|TERM)=|\bLC_ALL\b/.test(shownText(finding))) return 0.93;
        if (factOf(finding, "wrapped") !== undefined) return 0.93;
        if (!has(finding, "language")) return 0;
        return kindsOf(finding).includes("date") ? 0.6 : 0.9;
      },
    },
  },
  {
    id: "E2",
    title: "home, user or directory of the build show",
    seen: "HOME, USER, PWD or TMPDIR differs in the configuration, or a path of the building machine in a file",
    grade: "cosmetic",
    fix: { ...unset, any: "build {where} in one directory and with one HOME on all machines" },
    rules: {
      "config.config": (finding, survey) =>
        Math.max(
          variable(/^(?:HOME|USER|LOGNAME|PWD|OLDPWD|TMPDIR|SHELL|XDG_\w+)$/, 0.96)(finding, survey),
          /^config\.WorkingDir$/.test(finding.where.field) && homes.test(shownText(finding)) ? 0.6 : 0,
        ),
      content: (finding) => {
        if (has(finding, "path")) return 0.82;
        return homes.test(finding.a ?? "") && homes.test(finding.b ?? "") ? 0.6 : 0;
      },
      "entry.target": ({ a = "", b = "" }) => (homes.test(a) && homes.test(b) ? 0.85 : 0),
      "config.history": ({ a = "", b = "", where }) =>
        /created_by/.test(where.field) && homes.test(a) && homes.test(b) ? 0.4 : 0,
    },
  },
  {
    id: "E3",
    title: "the name of the host, or of the container, shows",
    seen: "a host name or an id of a container differs in a file or in the configuration",
    grade: "cosmetic",
    fix: { ...unset, any: "give what makes {where} a fixed host name (`--hostname`), or do not write it into {path}" },
    rules: {
      "config.config": (finding, survey) =>
        Math.max(
          variable(/^(?:HOSTNAME|HOST|CONTAINER_ID)$/, 0.96)(finding, survey),
          /^config\.(?:Hostname|Domainname)$/.test(finding.where.field) ? 0.97 : 0,
        ),
      "config.container": () => 0.97,
      "config.container_config": ({ where }) => (/Hostname|Domainname/.test(where.field) ? 0.97 : 0.6),
      content: (finding) => {
        if (!has(finding, "host")) return 0;
        return isAddress(finding) ? 0.6 : 0.92;
      },
    },
  },
  {
    id: "E4",
    title: "the kernel of the machine shows",
    seen: "a version of Linux, or what /proc says, differs in a file",
    grade: "cosmetic",
    fix: { ...unset, any: "do not write `uname` or /proc into {path}" },
    rules: { content: (finding) => inContent(finding, 0.94, kernel) },
  },
  {
    id: "E5",
    title: "number or model of processors, or the amount of memory, shows",
    seen: "numbers differ beside words such as processors, cores, jobs or memory",
    grade: "cosmetic",
    fix: { ...unset, any: "give what makes {path} a fixed number of jobs, and do not write it down" },
    rules: {
      content: (finding) => (machineSize.test(shownText(finding)) ? (has(finding, "number") ? 0.9 : 0.6) : 0),
      "config.config": variable(/^(?:MAKEFLAGS|NPROC|NUM_?(?:CPUS?|JOBS|THREADS)|GOMAXPROCS|OMP_NUM_THREADS)$/, 0.93),
    },
  },
  {
    id: "E6",
    title: "a step fetched something from the network, and it has changed",
    seen: "files of a layer differ that a command downloads",
    grade: "content",
    fix: {
      any: "fetch by a hash that is checked, before {where} runs",
      lockstep: "take it as an input: an `http` or `git` layer, which the lock pins",
      buildkit: "fetch with `ADD --checksum=sha256:… URL` in place of {where}",
    },
    rules: {
      content: (finding, survey) =>
        /\b(?:curl|wget|git clone|pip install|npm install|go install|gem install|cargo install)\b/.test(
          survey.made(finding).text ?? "",
        )
          ? has(finding, "time", "random", "order", "path")
            ? 0.2
            : 0.75
          : 0,
      "entry.presence": (finding, survey) =>
        /\b(?:curl|wget|git clone|pip install|npm install|go install|gem install|cargo install)\b/.test(
          survey.made(finding).text ?? "",
        )
          ? 0.45
          : 0,
    },
  },
  {
    id: "E7",
    title: "proxies or addresses of the network show",
    seen: "a proxy in the environment, or an address of the network in a file, differs",
    grade: "cosmetic",
    fix: {
      ...unset,
      any: "hand proxies in as build arguments that are not kept, and do not write addresses into {path}",
    },
    rules: {
      "config.config": variable(/^(?:https?|ftp|no|all)_proxy$/i, 0.96),
      content: (finding) => {
        if (/\b(?:https?|no|all|ftp)_proxy\b/i.test(shownText(finding))) return 0.93;
        return isAddress(finding) ? 0.9 : has(finding, "host") ? 0.5 : 0;
      },
    },
  },
  {
    id: "E8",
    title: "the user who built shows",
    seen: "the name or number of a user differs in a file",
    grade: "cosmetic",
    fix: {
      ...unset,
      any: "run what makes {where} as one user on all machines, and do not write who it was into {path}",
    },
    rules: {
      content: (finding) => {
        if (/^etc\/(?:passwd|group|shadow|gshadow)-?$/.test(finding.where.path ?? "")) return 0;
        if (has(finding, "identity")) return 0.93;
        return maker.test(finding.a ?? "") && maker.test(finding.b ?? "") && has(finding, "text") ? 0.85 : 0;
      },
      "config.author": () => 0.8,
    },
  },
  {
    id: "E10",
    title: "something was made by chance: a UUID, a token, a salt",
    seen: "values differ that have no order and no meaning, such as UUIDs",
    grade: "content",
    fix: {
      any: "give what makes {path} a seed, or derive the id from what it is about",
      lockstep: "derive the id in {where} from its inputs (UUID version 5), or make it when the container starts",
    },
    rules: {
      content: (finding) => {
        const { a = "", b = "", where } = finding;
        // Objects for link-time optimisation have sections that are named by chance, unless -frandom-seed is given.
        if (where.inside?.some((name) => /^\.gnu\.(?:debug)?lto_.*\.[0-9a-f]{6,16}$/.test(name)) === true) return 0.95;
        if (uuid.test(a) && uuid.test(b)) return 0.93;
        return has(finding, "random") ? 0.86 : 0;
      },
      "config.config": ({ a = "", b = "", where }) =>
        uuid.test(a) && uuid.test(b) && /^config\.(?:Labels|Env)/.test(where.field) ? 0.9 : 0,
      "manifest.annotations": ({ a = "", b = "" }) => (uuid.test(a) && uuid.test(b) ? 0.9 : 0),
    },
  },
  {
    id: "E11",
    title: "one side was built under emulation",
    seen: "text or notes of a program name qemu, or another machine type than the platform's",
    grade: "content",
    fix: { any: "build {where} on a machine of its architecture, or under emulation on both sides" },
    rules: {
      content: (finding) => inContent(finding, 0.93, /\bqemu\b|binfmt/i),
      "entry.presence": ({ where }) => (/qemu-\w+(?:-static)?$/.test(where.path ?? "") ? 0.95 : 0),
    },
  },
  {
    id: "E12",
    title: "a secret, or the path of one, got into the image",
    seen: "a value whose name says it is a secret differs, or a private key is there",
    grade: "content",
    fix: {
      any: "take the secret out of {where} and replace it where it is used: it is known to all who have the image; hand it in as a mount that is not kept",
      buildkit:
        "take the secret out of {where} and replace it where it is used; hand it in with `RUN --mount=type=secret`",
    },
    rules: {
      "config.config": (finding) => (secret.test(variableOf(finding)) ? 0.95 : 0),
      content: (finding) => {
        if (factOf(finding, "secret") !== undefined) return 0.9;
        if (/(?:^|\/)(?:shadow|gshadow)-?$/.test(finding.where.path ?? "")) return 0;
        return secret.test(finding.where.field) ||
          /(?:^|\/)(?:\.netrc|\.npmrc|\.pypirc|\.docker\/config\.json|\.git-credentials|\.aws\/credentials|id_(?:rsa|ed25519|ecdsa))$/.test(
            finding.where.path ?? "",
          )
          ? 0.94
          : 0;
      },
      "entry.presence": ({ where }) =>
        /(?:^|\/)(?:\.netrc|\.npmrc|\.pypirc|\.docker\/config\.json|\.git-credentials|\.aws\/credentials|id_(?:rsa|ed25519|ecdsa))$|^run\/secrets\//.test(
          where.path ?? "",
        )
          ? 0.95
          : 0,
      "config.history": ({ a = "", b = "" }) => (secret.test(a) && secret.test(b) && a !== b ? 0.3 : 0),
    },
  },
  {
    id: "E13",
    title: "umask, limits or priority of the shell that built show",
    seen: "a mask or a limit differs in a file",
    grade: "cosmetic",
    fix: { ...unset, any: "set umask and limits at the start of what makes {where}" },
    rules: {
      content: (finding) => inContent(finding, 0.88, /\b(?:umask|ulimit|RLIMIT|nice(?:ness)?|max open files)\b/i),
    },
  },
  {
    id: "E14",
    title: "the tools that built have other versions",
    seen: "the version of a compiler or a tool differs in what it made",
    grade: "content",
    fix: {
      any: "pin the versions of the tools that make {path}: a base image by digest, packages by version",
      lockstep: "pin the image that {where} runs in by digest, and build both from one lock",
    },
    rules: {
      content: (finding, survey) => {
        const { field, inside = [] } = finding.where;
        if (
          /^(?:\.comment|producer|DW_AT_producer|generator|creator|tool|Created-By|Build-Jdk.*|Generator|engine)$/i.test(
            field,
          ) ||
          inside.includes(".comment")
        )
          return 0.95;
        if (finding.format === "pyc" && field === "magic") return 0.96;
        if (finding.format === "pyc" && survey.naturesOf(finding).has("version")) return 0.95;
        if (survey.layer(finding).goVersions.has(finding.where.path ?? "")) return isGoVersion(finding) ? 0.98 : 0.9;
        if (!has(finding, "version"))
          return has(finding, "machine code") ? (survey.naturesOf(finding).has("version") ? 0.9 : 0.6) : 0;
        return tool.test(shownText(finding)) ? 0.85 : 0.4;
      },
      "config.config": variable(/^(?:NODE|PYTHON|GO(?:LANG)?|RUST|JAVA|PIP|NPM|YARN)_?\w*VERSION$/, 0.85),
    },
  },
];
