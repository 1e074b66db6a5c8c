/** Causes that are no row of the catalogue, and those of its rows X that two images can show. */
import { always, type Cause, factOf, has, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";
import type { Survey } from "../survey.ts";
import { innermost } from "./look.ts";

/** Kinds of layers of Lockstep that are made of inputs of the lock. */
const lockedLayer = /^lockstep: (?:debian|http|git|npm|python)\b/;

const isLocked = (finding: Finding, survey: Survey): boolean => lockedLayer.test(survey.made(finding).text ?? "");

const isPython = /(?:site|dist)-packages\//;

/** What is told by better rules when it has one of these natures. */
const special = (finding: Finding): boolean =>
  has(finding, "time", "order", "random", "path", "host", "identity", "version", "language", "form", "encoder");

const sourceLike =
  /\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|c|h|cc|cpp|hpp|sh|html?|css|scss|md|txt|ya?ml|json|toml|ini|conf|cfg|xml|sql|php|pl|lua|properties|env)$/;

const source: Rule = (finding, survey) => {
  if (isLocked(finding, survey)) return 0.3;
  const copied = survey.step(finding) === "copy";
  if (special(finding)) return copied ? 0.6 : 0.25;
  if (copied) return 0.9;
  return has(finding, "text", "number") || sourceLike.test(innermost(finding)) ? 0.7 : 0.4;
};

const input: Rule = (finding, survey) => (isLocked(finding, survey) ? (special(finding) ? 0.6 : 0.85) : 0.2);

/** A word that is a value: an assignment, a path, a number, a hash, a version. */
const valued = /[=/\d]/;

/** Whether two lines of the history are of the same command with other values. */
function sameCommand(a: string, b: string): boolean {
  const [x, y] = [a.split(/\s+/), b.split(/\s+/)];
  return (
    x.length === y.length &&
    x.every((word, index) => word === y[index] || (valued.test(word) && valued.test(y[index] ?? "")))
  );
}

const setting: Rule = ({ where }) => (/^config\.(?:Labels|Env)/.test(where.field) ? 0.65 : 0.85);

/** Sections of a program that hold where things are, and what else follows from its code. */
const tables =
  /^\.(?:eh_frame(?:_hdr)?|dynamic|dynsym|rela?(?:\..*)?|got(?:\..*)?|plt(?:\..*)?|symtab|init_array|fini_array|gcc_except_table|data\.rel\.ro.*|gnu\.hash)$/;

function isTable({ where, natures = [] }: Finding): boolean {
  if (natures.some((nature) => nature !== "number")) return false;
  return where.field === "e_entry" || (where.inside ?? []).some((name) => tables.test(name));
}

export const generalCauses: readonly Cause[] = [
  {
    id: "X13",
    title: "the images were built with other versions of the builder",
    seen: "the format that Lockstep notes in the image differs, or is there on one side only",
    grade: "encoding",
    fix: {
      any: "build both with one version of the tool",
      lockstep:
        "build both with one version of Lockstep, or rebuild with the format that the image names: each past format stays buildable",
    },
    rules: {
      "manifest.annotations": ({ where }) => (/dev\.lockstep\.format/.test(where.field) ? 0.98 : 0),
      "index.annotations": ({ where }) => (/dev\.lockstep\.format/.test(where.field) ? 0.98 : 0),
    },
  },
  {
    id: "X16",
    title: "a cache gave the result of another build",
    seen: "texts of the history, settings and times are the same, and the files of a layer are others",
    grade: "content",
    fix: { any: "build both without a cache, and find the input that its key leaves out" },
    rules: {
      content: (_finding, survey) => (survey.sameDocuments ? 0.28 : 0),
      "entry.presence": (_finding, survey) => (survey.sameDocuments ? 0.28 : 0),
    },
  },
  {
    id: "X17",
    title: "data of the build cache is in the image",
    seen: "`moby.buildkit.cache` or `moby.buildkit.buildinfo` of the configuration differs or is there on one side",
    grade: "cosmetic",
    fix: { any: "export the cache on its own (`--cache-to type=registry`), not inline" },
    rules: {
      "config.moby": ({ where }) => (/moby\.buildkit/.test(where.field) ? 0.97 : 0),
      "config.config": ({ where, a = "", b = "" }) =>
        /BUILDKIT_INLINE_CACHE|moby\.buildkit/.test(`${where.field} ${a} ${b}`) ? 0.97 : 0,
      "config.history": ({ a = "", b = "" }) => (/BUILDKIT_INLINE_CACHE/.test(`${a} ${b}`) ? 0.95 : 0),
    },
  },
  {
    id: "source",
    title: "the files that were copied are others",
    seen: "files of a layer differ in more than times, orders, ids or paths, or are there on one side only",
    grade: "content",
    fix: {
      any: "build both from one commit: compare {path} in both",
      lockstep: "build both from one commit: compare the file of {where} in both, as `git diff` shows it",
    },
    rules: {
      content: source,
      "entry.presence": (finding, survey) =>
        isLocked(finding, survey) ? 0.3 : survey.step(finding) === "copy" ? 0.85 : 0.5,
      "entry.target": (finding, survey) => (isLocked(finding, survey) ? 0.3 : 0.65),
      "entry.type": () => 0.5,
    },
  },
  {
    id: "input",
    title: "an input of the build is another",
    seen: "files differ in a layer that is made of inputs from outside",
    grade: "content",
    fix: {
      any: "pin the inputs of {where} by hash, and build both from the same",
      lockstep: "build both from one commit of lockstep.lock: the entries for {where} differ",
    },
    rules: {
      content: input,
      "entry.presence": input,
      "entry.target": input,
      "entry.type": input,
      "entry.mtime": (finding, survey) => (isLocked(finding, survey) ? 0.5 : 0),
    },
  },
  {
    id: "package",
    title: "other versions of packages are installed",
    seen: "versions in the metadata of installed packages differ, and files of theirs",
    grade: "content",
    fix: {
      any: "pin the packages of {where} by version and hash",
      lockstep: "build both from one commit of lockstep.lock and of the files of requirements",
    },
    rules: {
      content: (finding, survey) => {
        const { path = "" } = finding.where;
        if (/\.(?:dist|egg)-info\/(?:METADATA|PKG-INFO)$/.test(path) && has(finding, "version")) return 0.93;
        if (isPython.test(path) && survey.layer(finding).versions.python > 0) return 0.8;
        return has(finding, "version") ? 0.5 : 0;
      },
      "entry.presence": (finding, survey) => {
        const { path = "" } = finding.where;
        if (/(?:site|dist)-packages\/[^/]+\.(?:dist|egg)-info(?:\/|$)/.test(path)) return 0.92;
        return isPython.test(path) && survey.layer(finding).infoAlone ? 0.88 : 0;
      },
    },
  },
  {
    id: "settings",
    title: "the images are given other settings",
    seen: "command, user, environment, ports, volumes or labels of the configuration differ",
    grade: "privilege",
    fix: {
      any: "compare what sets them in both builds: ENTRYPOINT, CMD, USER, ENV, EXPOSE, VOLUME, LABEL",
      lockstep: "compare `config` of both specs, and of the images they are from",
    },
    rules: { "config.config": setting, "manifest.annotations": always(0.5), "index.annotations": always(0.5) },
  },
  {
    id: "steps",
    title: "the images were made with other steps",
    seen: "a layer or a line of the history is there on one side only, or is that of another command",
    grade: "content",
    fix: {
      any: "compare the steps of both builds as their histories have them",
      lockstep: "compare `layers` of both specs",
    },
    rules: {
      "layer.presence": always(0.7),
      "layer.boundaries": always(0.75),
      "config.history": ({ where, a, b }, survey) => {
        if (a === undefined || b === undefined)
          return /^history\[\d+\]$/.test(where.field) ? (survey.layersAlone ? 0.85 : 0.7) : 0.2;
        return where.field.endsWith("created_by") && !sameCommand(a, b) ? 0.87 : 0.1;
      },
    },
  },
  {
    id: "platform",
    title: "the images are for other platforms",
    seen: "architecture or operating system differ, or a platform is there on one side only",
    grade: "privilege",
    fix: {
      any: "compare images of one platform (`--platform`), and build both for the same ones",
      lockstep: "give both specs the same `platforms`",
    },
    rules: {
      "config.architecture": always(0.97),
      "config.os": ({ where }) => (where.field === "os" ? 0.97 : 0.2),
      "index.manifests": ({ where, a, b }) => {
        if (/platform\.(?:os|architecture)$/.test(where.field)) return 0.95;
        return /^manifests\[\d+\]$/.test(where.field) && (a === undefined || b === undefined) ? 0.85 : 0.1;
      },
      "index.presence": always(0.5),
      "manifest.presence": ({ grade }) => (grade === "encoding" ? 0.3 : 0.85),
    },
  },
  {
    id: "consequence",
    title: "follows from other differences",
    seen: "digests and sizes of what differs",
    grade: "encoding",
    fix: { any: "nothing by itself: it goes when the other differences do" },
    rules: {
      "config.rootfs": always(0.9),
      "manifest.config": ({ where }) => (/digest|size/.test(where.field) ? 0.9 : 0),
      "manifest.layers": ({ where }) => (/digest|size/.test(where.field) ? 0.9 : 0),
      "index.manifests": ({ where }) => (/digest|size/.test(where.field) ? 0.9 : 0),
      "layer.padding": (finding, survey) => (survey.layer(finding).resized ? 0.9 : 0),
      // What an encoder and its level write into the header goes with them.
      "layer.gzip": (finding, survey) =>
        finding.where.field !== "gzip.mtime" && survey.layer(finding).fields.has("encoder") ? 0.97 : 0,
      // Of one family the type says no more than the compression.
      "layer.mediaType": ({ a = "", b = "" }, survey) =>
        survey.recompressed && a.includes("docker") === b.includes("docker") ? 0.9 : 0,
      "config.id": always(0.9),
      "config.parent": always(0.9),
      "config.config": ({ where }) => (where.field === "config.Image" ? 0.5 : 0),
      content: (finding, survey) => {
        if (factOf(finding, "consequence") !== undefined) return 0.95;
        // Sections move when one before them gets longer, and tables say where code is.
        if (finding.format === "ar" && finding.where.field === "symbol table")
          return survey.naturesOf(finding).has("order") || survey.othersOf(finding) > 1 ? 0.95 : 0;
        if (finding.format !== "elf" || survey.othersOf(finding) === 0) return 0;
        if (/build ?id$/i.test(finding.where.field) && survey.naturesOf(finding).has("time")) return 0.9;
        if (/^(?:section|program) headers$/.test(finding.where.field)) return 0.95;
        return isTable(finding) && survey.naturesOf(finding).has("machine code") ? 0.9 : 0;
      },
    },
  },
];

/** What is said when no rule has anything to say. */
export const unknownCause: Cause = {
  id: "unknown",
  title: "no known cause fits",
  seen: "no rule of this page sees anything",
  grade: "content",
  fix: { any: "look at the difference itself: what wrote {path} in {where}?" },
};
