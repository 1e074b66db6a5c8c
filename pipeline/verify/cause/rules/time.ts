/** Causes that have to do with time: rows T of the catalogue. */
import { always, type Cause, factOf, fieldIs, has, type Rule } from "../cause.ts";
import { whiteoutOf } from "../../../tree/whiteout.ts";
import type { Finding } from "../../compare/finding.ts";
import type { Survey } from "../survey.ts";
import { innermost, kindsOf, outermost } from "./look.ts";

const year = 366 * 86_400;
/** Times before it are none that a clock shows today: 2001. */
const plausible = 1_000_000_000;
/** What eleven octal digits hold. */
const octalLimit = 8_589_934_591;

const seconds = (text: string | undefined): number => Number(text ?? "NaN");

const fractional: Rule = ({ a = "", b = "" }) =>
  a.split(".")[0] === b.split(".")[0] && (a.includes(".") || b.includes(".")) ? 0.95 : 0;

const ends: Rule = ({ a, b }) => ([seconds(a), seconds(b)].some((time) => time < 0 || time >= octalLimit) ? 0.93 : 0);

const isWhiteout = ({ where: { path = "" } }: Finding): boolean => whiteoutOf(path) !== undefined;

const directoriesOnly: Rule = (finding, survey) => {
  const { times } = survey.layer(finding);
  if (factOf(finding, "type") !== "directory") return 0;
  if (times.directories === times.count) return 0.92;
  return 0.35;
};

/** All that differs is older than the epoch: a clamp let it through. Without a trace of a clamp it may be any times. */
const older: Rule = (finding, survey) => {
  const { epoch } = survey;
  const { times } = survey.layer(finding);
  if (epoch === undefined || epoch < plausible || times.a.max > epoch || times.b.max > epoch) return 0;
  const cut = String(epoch);
  if ((times.a.only === cut) !== (times.b.only === cut)) return 0.93;
  return clamping.has(survey.made(finding).maker) ? 0.92 : 0.6;
};

/** Tools that cut times at the epoch and leave older ones. */
const clamping: ReadonlySet<string> = new Set(["buildkit", "docker"]);

const day = 86_400;

/** Later than the clock of whoever looks, or, where none is at hand, than anything else by more than a year. */
const future: Rule = ({ a, b }, survey) => {
  const [x, y] = [seconds(a), seconds(b)];
  if (Math.max(x, y) >= octalLimit) return 0.5;
  if (survey.now !== undefined) return Math.max(x, y) > survey.now + day ? 0.95 : 0;
  const known = Math.max(survey.a.created ?? 0, survey.b.created ?? 0, Math.min(x, y));
  return known >= plausible && Math.max(x, y) > known + year && survey.epoch !== undefined ? 0.91 : 0;
};

const modification: Rule = (finding, survey) => {
  if (isWhiteout(finding)) return 0.3;
  // A changed file has another time as well; then the time is not what is wrong first.
  return survey.layer(finding).contents.has(finding.where.path ?? "") ? 0.75 : 0.9;
};

const dayText = (text: string): string => {
  const date = new Date(Number(text) * 1000);
  return Number.isNaN(date.getTime()) ? text : date.toISOString().slice(0, 19).replace("T", " ");
};

/** What the times of each layer show. */
function timesOf(findings: readonly Finding[], survey: Survey): readonly string[] {
  const seen = new Set<unknown>();
  const sentences: string[] = [];
  for (const finding of findings) {
    if (finding.where.field !== "mtime") continue;
    const layer = survey.layer(finding);
    if (seen.has(layer)) continue;
    seen.add(layer);
    const { times } = layer;
    const where = finding.where.layer === undefined ? "" : ` of layer ${finding.where.layer}`;
    const { step, a, b } = times;
    if (times.count > 1 && step !== undefined)
      sentences.push(
        `${times.count} times${where} differ, all by ${step > 0 ? "+" : ""}${Number(step.toFixed(6))} seconds`,
      );
    else if (a.only !== undefined && times.count > 1)
      sentences.push(`A has ${dayText(a.only)} for all ${times.count} times${where} that differ, B has several`);
    else if (b.only !== undefined && times.count > 1)
      sentences.push(`B has ${dayText(b.only)} for all ${times.count} times${where} that differ, A has several`);
    else if (times.count > 1)
      sentences.push(
        `${times.count} times${where} differ: A's are from ${dayText(String(a.min))} to ${dayText(String(a.max))}, B's from ${dayText(String(b.min))} to ${dayText(String(b.max))}`,
      );
    if (sentences.length === 3) break;
  }
  return sentences;
}

const inContent =
  (confidence: number, path: RegExp): Rule =>
  (finding) =>
    has(finding, "time") && path.test(finding.where.path ?? "") ? confidence : 0;

const setTimes = {
  any: "give every entry of {where} one time, that of SOURCE_DATE_EPOCH, when the archive is written",
  lockstep:
    "rebuild {where} with this version of Lockstep: format 1 gives file sets the epoch and cuts times of packages at it",
  buildkit: "build with SOURCE_DATE_EPOCH set, and export with `rewrite-timestamp=true` so that {where} gets it too",
  docker:
    "build {where} with a builder that sets times: BuildKit with SOURCE_DATE_EPOCH and `rewrite-timestamp=true`, or buildah with `--timestamp`",
  umoci: "set the times of the root file system (`find … -exec touch -hd @EPOCH`) before {where} is packed",
  jib: "leave `filesModificationTime` of jib at EPOCH_PLUS_SECOND, or set it to a fixed date",
  ko: "build with SOURCE_DATE_EPOCH, and KO_DATA_DATE_EPOCH for files of kodata",
} as const;

const stepEpoch = {
  any: "give the program that writes {path} SOURCE_DATE_EPOCH, or remove the date after it ran",
  lockstep: "add `SOURCE_DATE_EPOCH` to what makes {where}, or remove the date of {path} in the same step",
  buildkit: "add `ARG SOURCE_DATE_EPOCH` before {where}, so that the command sees it, and build with it set",
  docker:
    "add `ARG SOURCE_DATE_EPOCH` before {where}, so that the command sees it, and build with `--build-arg SOURCE_DATE_EPOCH=…`",
} as const;

export const timeCauses: readonly Cause[] = [
  {
    id: "T1",
    title: "modification times of files come from the checkout or the build",
    seen: "modification times of files in a layer differ, in whole seconds",
    grade: "clock",
    fix: setTimes,
    rules: { "entry.mtime": modification },
    evidence: timesOf,
  },
  {
    id: "T2",
    title: "times older than the epoch are let through where later ones are cut",
    seen: "all times that differ are older than the `created` that both images have",
    grade: "clock",
    fix: { ...setTimes, any: "set the times of what is copied into {where}, and cut only those of packages" },
    rules: { "entry.mtime": older },
    evidence: timesOf,
  },
  {
    id: "T3",
    title: "times are in the future, or a clock was behind",
    seen: "a time is later than the clock of whoever looks",
    grade: "clock",
    fix: {
      ...setTimes,
      any: "cut times of {where} that are later than the epoch, and set the clock of the machine that has them",
    },
    rules: { "entry.mtime": future },
    evidence: timesOf,
  },
  {
    id: "T4",
    title: "times have fractions of seconds",
    seen: "modification times have the same second, and one or both a fraction",
    grade: "clock",
    fix: {
      any: "write whole seconds into {where}: for GNU tar `--pax-option=delete=mtime` or the ustar dialect",
      lockstep: setTimes.lockstep,
    },
    rules: { "entry.mtime": fractional, "entry.pax": fieldIs(/^pax\.mtime$/, 0.95) },
  },
  {
    id: "T5",
    title: "times of access or change are in extended headers",
    seen: "the keys `atime` or `ctime` of a PAX header differ",
    grade: "clock",
    fix: {
      any: "leave atime and ctime out of {where}: for GNU tar `--pax-option=delete=atime,delete=ctime`",
      lockstep: setTimes.lockstep,
    },
    rules: { "entry.pax": fieldIs(/^pax\.(?:atime|ctime)$/, 0.97) },
  },
  {
    id: "T6",
    title: "a time of creation is in extended headers",
    seen: "the key `LIBARCHIVE.creationtime` of a PAX header, or another for the time of birth, differs",
    grade: "clock",
    fix: {
      any: "leave keys of libarchive out of {where}: write it with a tar that has only the keys of POSIX",
      lockstep: setTimes.lockstep,
    },
    rules: { "entry.pax": fieldIs(/^pax\..*(?:creationtime|birthtime|crtime)$/i, 0.97) },
  },
  {
    id: "T7",
    title: "the gzip header has the time of compression",
    seen: "the field MTIME of the gzip header differs",
    grade: "clock",
    fix: { any: "compress {where} with `gzip -n`, or with a library and no time in the header" },
    rules: {
      "layer.gzip": fieldIs(/^gzip\.mtime$/, 0.98),
      content: ({ format, where }) => (format === "gzip" && /^(?:gzip\.)?mtime$/i.test(where.field) ? 0.95 : 0),
    },
  },
  {
    id: "T8",
    title: "the configuration says when the image was made",
    seen: "`created` of the configuration or of its history differs",
    grade: "clock",
    fix: {
      any: "build with SOURCE_DATE_EPOCH, so that `created` and the history have that time",
      lockstep: "`created` follows from the inputs: pin the same inputs, or set SOURCE_DATE_EPOCH for both builds",
      buildkit: "build with `--build-arg SOURCE_DATE_EPOCH=…`",
      docker: "build with `buildah build --timestamp …`, or with BuildKit and SOURCE_DATE_EPOCH",
      umoci: "give umoci the time: `--created` and `--history.created`",
      ko: "build with SOURCE_DATE_EPOCH",
      jib: "leave `creationTime` of jib at EPOCH, or set it to a fixed date",
    },
    rules: {
      "config.created": always(0.97),
      "config.history": fieldIs(/\.created$/, 0.97),
    },
  },
  {
    id: "T9",
    title: "an annotation or a label has the time of the build",
    seen: "a time in annotations of the index or manifest, or in a label, differs",
    grade: "clock",
    fix: { any: "leave the date out of annotations and labels, or write that of SOURCE_DATE_EPOCH" },
    rules: {
      "manifest.annotations": timedText(0.95),
      "index.annotations": timedText(0.95),
      "index.manifests": (finding, survey) =>
        /annotations/.test(finding.where.field) ? timedText(0.95)(finding, survey) : 0,
      "manifest.layers": (finding, survey) =>
        /annotations/.test(finding.where.field) ? timedText(0.95)(finding, survey) : 0,
      "config.config": (finding, survey) =>
        finding.where.field.startsWith("config.Labels") ? timedText(0.9)(finding, survey) : 0,
    },
  },
  {
    id: "T10",
    title: "the clock was read at several places of one build",
    seen: "times in documents and layers of one image are some seconds apart, in another way in each image",
    grade: "clock",
    fix: { any: "read the clock once and hand the time on, or use SOURCE_DATE_EPOCH everywhere" },
    rules: {
      "config.created": (_finding, survey) => (survey.severalClocks ? 0.7 : 0.15),
      "config.history": ({ where }, survey) =>
        where.field.endsWith(".created") ? (survey.severalClocks ? 0.7 : 0.15) : 0,
      "entry.mtime": (_finding, survey) => (survey.severalClocks ? 0.7 : 0),
    },
  },
  {
    id: "T11",
    title: "a step does not know the epoch",
    seen: "times within files of a layer that a command made differ, while `created` is the same in both images",
    grade: "clock",
    fix: stepEpoch,
    rules: {
      "entry.mtime": (finding, survey) => (survey.step(finding) === "run" && survey.epoch !== undefined ? 0.4 : 0),
      content: (finding, survey) => {
        if (!has(finding, "time")) return 0;
        return survey.step(finding) === "run" && survey.epoch !== undefined ? 0.6 : 0.25;
      },
    },
  },
  {
    id: "T12",
    title: "accounts have the day on which they were made",
    seen: "the day of the last change of a password in `shadow` differs",
    grade: "clock",
    fix: {
      any: "set the third field of the new lines of /etc/shadow to a fixed day (`chage -d 0 …` or sed) in {where}",
      lockstep: "declare the account under `users` of the spec: its line has no day",
      buildkit: "add `chage -d 19000 USER` to {where}, or use a shadow that knows SOURCE_DATE_EPOCH",
      docker: "add `chage -d 19000 USER` to {where}, or use a shadow that knows SOURCE_DATE_EPOCH",
    },
    rules: {
      content: (finding) => {
        const path = finding.where.path ?? "";
        if (!/^etc\/g?shadow-?$/.test(path)) return 0;
        if (/last ?change|lstchg|changed/i.test(finding.where.field) || has(finding, "time")) return 0.97;
        return 0.4;
      },
    },
  },
  {
    id: "T13",
    title: "a date is written into files, of the clock or without a zone",
    seen: "text with dates differs",
    grade: "clock",
    fix: stepEpoch,
    rules: {
      content: (finding) => {
        if (!has(finding, "time")) return 0;
        const { a = "", b = "" } = finding;
        // The same moment in two zones: whole quarters of hours apart, or another name of a zone.
        return zoned(a) !== zoned(b) ? 0.85 : 0.8;
      },
    },
  },
  {
    id: "T14",
    title: "the compiler wrote the time of compilation into the program",
    seen: "a date in the read-only data of a program differs (`__DATE__`, `__TIME__`)",
    grade: "clock",
    fix: {
      any: "compile {path} with SOURCE_DATE_EPOCH set, and without __DATE__ and __TIME__ (`-Werror=date-time` finds them)",
      lockstep: "add `SOURCE_DATE_EPOCH` to {where}, and compile with `-Werror=date-time`",
    },
    rules: {
      content: (finding) =>
        has(finding, "time") && (finding.format === "elf" || finding.format === "pe" || finding.format === "mach-o")
          ? 0.93
          : 0,
    },
  },
  {
    id: "T15",
    title: "compiled Python holds the time of its source",
    seen: "the header of a .pyc file differs, or one image alone has compiled Python",
    grade: "clock",
    fix: {
      any: "compile with `python -m compileall --invalidation-mode unchecked-hash`, or remove __pycache__ at the end of {where}",
      lockstep: "set `PYTHONDONTWRITEBYTECODE=1` in {where}, or compile with `--invalidation-mode unchecked-hash`",
      buildkit: "add `ENV PYTHONDONTWRITEBYTECODE=1` before {where}, or run pip with `--no-compile`",
      docker: "add `ENV PYTHONDONTWRITEBYTECODE=1` before {where}, or run pip with `--no-compile`",
    },
    places: { confidence: 0.93, components: ["__pycache__"], ends: [".pyc", ".pyo"] },
  },
  {
    id: "T16",
    title: "a Java key store has the dates of its entries",
    seen: "a key store of Java (`cacerts`, .jks) differs",
    grade: "clock",
    fix: { any: "make {path} with a tool that takes SOURCE_DATE_EPOCH, or as PKCS #12 from sorted certificates" },
    places: { confidence: 0.93, names: ["cacerts"], ends: [".jks", ".keystore", ".p12", ".pfx"] },
    rules: { content: ({ format = "" }) => (/^(?:jks|java key ?store)$/i.test(format) ? 0.95 : 0) },
  },
  {
    id: "T17",
    title: "a zip or jar file has the times of its members",
    seen: "the time of a member of a zip archive differs, or a date that its tool wrote into the manifest",
    grade: "clock",
    fix: {
      any: "make {path} with fixed times: `SOURCE_DATE_EPOCH` for Python's wheels and gradle's `preserveFileTimestamps = false`, `project.build.outputTimestamp` for Maven",
    },
    rules: {
      content: (finding) => {
        const zip = /\.(?:jar|war|ear|zip|whl|egg|apk|aar|xpi|docx|xlsx|epub)$/.test(outermost(finding));
        // Where the first member's header has its time (APPNOTE, 4.3.7), for archives that were not looked into.
        if (zip && /^bytes 1[0-3]$/.test(finding.where.field)) return 0.85;
        if (!has(finding, "time")) return 0;
        if (finding.format === "zip" || finding.format === "jar") return 0.95;
        return zip && /MANIFEST\.MF|pom\.properties|\.properties$/.test(innermost(finding)) ? 0.88 : zip ? 0.5 : 0;
      },
    },
  },
  {
    id: "T18",
    title: "the database of a package manager has times of installation",
    seen: "a time in the database of apk or rpm differs",
    grade: "clock",
    fix: {
      any: "install the packages of {where} with SOURCE_DATE_EPOCH set, by a package manager that takes it, or remove the database",
    },
    places: {
      confidence: 0.75,
      names: ["rpmdb.sqlite-wal", "rpmdb.sqlite-shm"],
      exact: ["lib/apk/db/scripts.tar", "usr/lib/apk/db/scripts.tar"],
    },
    rules: {
      content: inContent(0.95, /^(?:(?:usr\/)?lib\/apk\/|var\/lib\/rpm\/|usr\/lib\/sysimage\/|var\/lib\/dnf\/)/),
    },
  },
  {
    id: "T19",
    title: "something expires: a certificate or a token was made anew",
    seen: "the dates from and until when a certificate is valid differ",
    grade: "content",
    fix: { any: "make the certificate once and take it as an input of {where}, or make it when the container starts" },
    rules: {
      content: (finding) => {
        if (/notBefore|notAfter|validity|valid (?:from|until)|expir/i.test(finding.where.field)) return 0.92;
        const inText = finding.format === "text" && /\.(?:crt|cer|pem)$/.test(innermost(finding));
        return inText && kindsOf(finding).some((kind) => kind === "base64" || kind === "word") ? 0.88 : 0;
      },
    },
  },
  {
    id: "T20",
    title: "a time or size is beyond what a header field holds",
    seen: "a time before 1970 or after the year 2242 is on one side, and what a writer made of it on the other",
    grade: "clock",
    fix: { any: "write {where} with a tar that puts what ustar cannot hold into PAX headers" },
    rules: { "entry.mtime": ends, "entry.pax": fieldIs(/^pax\.size$/, 0.85) },
  },
  {
    id: "T21",
    title: "whiteouts have the time of the build",
    seen: "the times of entries that delete something (`.wh.…`) differ",
    grade: "clock",
    fix: setTimes,
    rules: { "entry.mtime": (finding) => (isWhiteout(finding) ? 0.96 : 0) },
    evidence: timesOf,
  },
  {
    id: "T22",
    title: "times of directories changed when something was written into them",
    seen: "of all entries of a layer only directories have other times",
    grade: "clock",
    fix: {
      ...setTimes,
      any: "set the times of the directories of {where} last, after all that is in them",
    },
    rules: { "entry.mtime": directoriesOnly },
    evidence: timesOf,
  },
];

function timedText(confidence: number): Rule {
  return (finding) => {
    const { a = "", b = "" } = finding;
    if (has(finding, "time") || /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(a || b)) return confidence;
    return /created|\bdate|time(?:stamp)?$/i.test(finding.where.field) ? confidence * 0.9 : 0;
  };
}

function zoned(text: string): string {
  return /\b(?:UTC|GMT|Z|C?E?[SD]T|[A-Z]{3,4}T|[+-]\d\d:?\d\d)\b/.exec(text)?.[0] ?? "";
}
