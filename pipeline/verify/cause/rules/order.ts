/** Causes that have to do with the order and structure of archives: rows O of the catalogue. */
import { whiteoutOf } from "../../../tree/whiteout.ts";
import { always, type Cause, factOf, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";
import type { Survey } from "../survey.ts";

const own = "rebuild {where} with this version of Lockstep: format 1 has one dialect and one order of entries";

const sorted = (finding: Finding): readonly [string, string] => [
  factOf(finding, "sortedA") ?? "no",
  factOf(finding, "sortedB") ?? "no",
];

const byLanguage = (order: string): boolean => order === "language" || order === "locale";

/** What the notations of two headers say of the extended headers before an entry: their names, and their keys. */
function extended(notation: string | undefined): { readonly names: string; readonly keys: readonly string[] } {
  const headers = [...(notation ?? "").matchAll(/[xg]:([^;|]*?):([^:;|]*);/g)];
  return { names: headers.map(([, name]) => name).join(), keys: headers.map(([, , keys = ""]) => keys) };
}

const headers = (finding: Finding) =>
  [extended(factOf(finding, "valueA")), extended(factOf(finding, "valueB"))] as const;

const sortedKeys = (keys: readonly string[]): string => keys.map((each) => each.split(",").toSorted().join()).join(";");

const otherNames: Rule = (finding) => {
  const [a, b] = headers(finding);
  return a.names !== b.names && sortedKeys(a.keys) === sortedKeys(b.keys) ? 0.95 : 0;
};

const otherKeyOrder: Rule = (finding) => {
  const [a, b] = headers(finding);
  return a.names === b.names && a.keys.join(";") !== b.keys.join(";") && sortedKeys(a.keys) === sortedKeys(b.keys)
    ? 0.95
    : 0;
};

const typed = /mode with file type/;

const pathOf = ({ where: { path = "" } }: Finding): string => path;
const kindOf = ({ a, b }: Finding): string => a ?? b ?? "";

const special = /device|pipe|fifo|socket/;

function orderEvidence(findings: readonly Finding[]): readonly string[] {
  return findings.slice(0, 3).flatMap((finding) => {
    if (finding.where.field !== "order") return [];
    const [a, b] = sorted(finding);
    const moved = factOf(finding, "moved");
    const say = (order: string): string =>
      order === "no"
        ? "in no order"
        : byLanguage(order)
          ? "sorted as a language does"
          : order === "tree"
            ? "sorted directory by directory"
            : "sorted by bytes";
    const where = finding.where.layer === undefined ? "the archive" : `layer ${finding.where.layer}`;
    return [
      `${moved === undefined ? "the entries" : `${moved} entries`} of ${where} are at another place: A is ${say(a)}, B is ${say(b)}`,
    ];
  });
}

/** The oldest dialect has no names. */
const namesOfDialect: Rule = (finding, survey) =>
  survey.layer(finding).oldDialect && (finding.a === "" || finding.b === "") ? 0.96 : 0;

export const orderCauses: readonly Cause[] = [
  {
    id: "O1",
    title: "entries are in the order in which directories list them",
    seen: "the same entries come in another order, and one archive is not sorted",
    grade: "encoding",
    fix: {
      any: "sort the entries of {where} by the bytes of their paths: for GNU tar `--sort=name` with LC_ALL=C",
      lockstep: own,
    },
    rules: {
      "layer.order": (finding, survey) => {
        const [a, b] = sorted(finding);
        const { fields } = survey.layer(finding);
        // Where directories are late or named again, that is why the order is another.
        if (fields.has("late parents") || fields.has("repeated")) return 0.6;
        if (a === "no" || b === "no") return 0.93;
        return byLanguage(a) || byLanguage(b) ? 0.4 : 0.8;
      },
      // Members of archives that are none of tar.
      content: ({ format, where }) => (where.field === "order" && (format === "zip" || format === "ar") ? 0.93 : 0),
    },
    evidence: orderEvidence,
  },
  {
    id: "O2",
    title: "entries are sorted by the rules of a language",
    seen: "the same entries come in another order, and one archive is sorted without regard to case and punctuation",
    grade: "encoding",
    fix: { any: "sort the entries of {where} with LC_ALL=C", lockstep: own },
    rules: {
      "layer.order": (finding) => {
        const [a, b] = sorted(finding);
        return byLanguage(a) !== byLanguage(b) ? (a === "no" || b === "no" ? 0.6 : 0.95) : byLanguage(a) ? 0.7 : 0;
      },
    },
    evidence: orderEvidence,
  },
  {
    id: "O3",
    title: "directories are missing in the archive, named twice or named after what is in them",
    seen: "one archive lacks entries of directories that others are in, or has them late or repeatedly",
    grade: "encoding",
    fix: { any: "write every directory of {where} once, before what is in it", lockstep: own },
    rules: {
      "layer.parents": always(0.96),
      "layer.late parents": always(0.95),
      "layer.order": (finding, survey) => {
        const { fields } = survey.layer(finding);
        return fields.has("late parents") || fields.has("parents") ? 0.9 : fields.has("repeated") ? 0.7 : 0;
      },
      "layer.repeated": (finding) => (finding.facts?.["directories"] === true ? 0.9 : 0.45),
      "entry.presence": (finding, survey) => {
        const layer = survey.layer(finding);
        if (kindOf(finding) !== "directory" || !layer.directoriesOnly) return 0;
        // Directories that something is in are there whether the archive names them or not.
        return layer.onlyCount > 1 || layer.contents.size === 0 ? 0.8 : 0.5;
      },
    },
  },
  {
    id: "O4",
    title: "paths are written in several forms",
    seen: "names begin with `./` or `/`, or end with a slash, on one side only",
    grade: "encoding",
    fix: {
      any: "write all names of {where} in one form: for GNU tar `-C directory` with names and without `./`, or `--transform='s,^\\./,,'`",
      lockstep: own,
    },
    rules: { "layer.prefix": always(0.97) },
  },
  {
    id: "O5",
    title: "a file with several names is stored as links on one side and as copies on the other",
    seen: "an entry is a hard link on one side and a file with the same content on the other, or links to another of its names",
    grade: "cosmetic",
    fix: {
      any: "write the first name of {where} in sorted order as the file and the others as links, or all as files",
      lockstep: "format 1 takes each name of a checkout as a file of its own: rebuild {where} with this version",
    },
    rules: {
      "entry.type": ({ a, b }) => (a === "hard link" || b === "hard link" ? 0.95 : 0),
      "entry.target": (finding) => (factOf(finding, "type") === "hard link" ? 0.95 : 0),
    },
  },
  {
    id: "O6",
    title: "a file with holes is stored as sparse on one side",
    seen: "an entry is sparse on one side and dense on the other, or is sparse in another way",
    grade: "encoding",
    fix: { any: "write {where} without `--sparse`, so that holes become zeros", lockstep: own },
    rules: {
      "entry.sparse": always(0.97),
      "entry.pax": ({ where }) => (where.field.startsWith("pax.GNU.sparse.") ? 0.95 : 0),
      // The bytes of a sparse file are another selection of its content.
      content: ({ format, a = "", b = "" }) =>
        format === undefined && a.endsWith(" bytes") && b.endsWith(" bytes") ? 0.4 : 0,
    },
  },
  {
    id: "O7",
    title: "the archives are in other dialects of tar",
    seen: "headers are of ustar, PAX, GNU or the old form, or their numbers are written in another way",
    grade: "encoding",
    fix: {
      any: "write {where} in one dialect whatever its paths are: for GNU tar `--format=posix` or `--format=ustar`",
      lockstep: own,
    },
    rules: {
      "layer.dialect": always(0.96),
      "layer.header": (finding) => (typed.test(`${finding.a} ${finding.b}`) ? 0 : 0.75),
      // Python's PAX writes whole seconds with a fraction of none.
      "entry.mtime": ({ a, b }) => (a !== b && Number(a) === Number(b) ? 0.96 : 0),
      "entry.user": namesOfDialect,
      "entry.group": namesOfDialect,
      "entry.header": always(0.75),
      "entry.pax": ({ where }) =>
        /^pax\.(?:path|linkpath|size|uid|gid|SCHILY\.(?:dev|ino|nlink|filetype))$/.test(where.field) ? 0.8 : 0.3,
    },
  },
  {
    id: "O8",
    title: "the mode field has the bits of the file type on one side",
    seen: "modes are equal in their twelve bits, and one side has more above them",
    grade: "encoding",
    fix: { any: "write only the permission bits into the headers of {where}", lockstep: own },
    rules: {
      "layer.header": ({ a, b }) => (typed.test(a ?? "") !== typed.test(b ?? "") ? 0.97 : 0),
      "entry.mode": ({ a = "", b = "" }) => {
        const [x, y] = [Number.parseInt(a, 8), Number.parseInt(b, 8)];
        return (x & 0o7777) === (y & 0o7777) && x !== y ? 0.97 : 0;
      },
    },
  },
  {
    id: "O9",
    title: "names of extended headers have the number of a process or a temporary name",
    seen: "the names of PAX headers differ, and their keys do not",
    grade: "encoding",
    fix: {
      any: "give PAX headers of {where} a constant name: for GNU tar `--pax-option=exthdr.name=%d/PaxHeaders/%f`",
      lockstep: own,
    },
    rules: { "layer.header": otherNames, "entry.header": otherNames, "layer.dialect": otherNames },
  },
  {
    id: "O10",
    title: "keys of extended headers are in another order",
    seen: "PAX headers have the same keys in another order",
    grade: "encoding",
    fix: { any: "sort the keys of PAX headers of {where}", lockstep: own },
    rules: { "layer.header": otherKeyOrder, "entry.header": otherKeyOrder },
  },
  {
    id: "O11",
    title: "names of owners are in the archive on one side",
    seen: "names of users or groups are there on one side and empty on the other, or are others for the same numbers",
    grade: "cosmetic",
    fix: { any: "write numbers only into {where}: for GNU tar `--numeric-owner`", lockstep: own },
    rules: {
      "entry.user": namesOfOwners,
      "entry.group": namesOfOwners,
      "entry.pax": ({ where }) => (/^pax\.[ug]name$/.test(where.field) ? 0.95 : 0),
    },
  },
  {
    id: "O12",
    title: "the archive is padded to another length",
    seen: "the number of zero blocks at the end differs, or something follows them",
    grade: "encoding",
    fix: { any: "end {where} with two zero blocks and nothing more: for GNU tar `--blocking-factor=1`", lockstep: own },
    rules: {
      // Writers fill up to whole records: an archive that is longer for another reason ends elsewhere.
      "layer.padding": (finding, survey) => (survey.layer(finding).resized ? 0.5 : 0.97),
      "layer.trailing": always(0.6),
    },
  },
  {
    id: "O13",
    title: "entries that are no devices have device numbers",
    seen: "the fields devmajor or devminor of ordinary entries differ",
    grade: "encoding",
    fix: { any: "write 0 as device numbers for all but devices of {where}", lockstep: own },
    rules: {
      "entry.device": ({ grade }) => (grade === "encoding" ? 0.95 : 0.3),
      "entry.pax": ({ where }) => (/^pax\.SCHILY\.(?:dev|ino|devm)/.test(where.field) ? 0.85 : 0),
    },
  },
  {
    id: "O14",
    title: "devices, pipes or sockets are in the image",
    seen: "an entry is a device or a pipe on one side only, or is another device",
    grade: "privilege",
    fix: {
      any: "leave devices and pipes out of {where}: the runtime makes /dev",
      lockstep: "file sets refuse devices: rebuild {where} with this version",
    },
    rules: {
      "entry.device": ({ grade }) => (grade === "encoding" ? 0.1 : 0.95),
      "entry.presence": (finding) => (special.test(kindOf(finding)) ? 0.95 : 0),
      "entry.type": ({ a = "", b = "" }) => (special.test(a) || special.test(b) ? 0.95 : 0),
    },
  },
  {
    id: "O15",
    title: "symbolic links have modes or times of their own",
    seen: "of symbolic links the mode or the time differs, and of nothing else",
    grade: "cosmetic",
    fix: { any: "write symbolic links of {where} with the mode 0777 and the time of the epoch", lockstep: own },
    rules: {
      "entry.mode": (finding, survey) =>
        factOf(finding, "type") === "symbolic link" && !survey.layer(finding).retyped.has(pathOf(finding)) ? 0.96 : 0,
      "entry.mtime": (finding, survey) => {
        const { times } = survey.layer(finding);
        return factOf(finding, "type") === "symbolic link" && times.links === times.count ? 0.94 : 0;
      },
    },
  },
  {
    id: "O16",
    title: "several inputs have one path, and which one wins differs",
    seen: "an archive names a path twice",
    grade: "content",
    fix: {
      any: "let one input alone bring {path} in {where}",
      lockstep: "two parts of one layer with one path are refused (LS4201): rebuild {where} with this version",
    },
    rules: {
      "layer.repeated": (finding) => (finding.facts?.["directories"] === true ? 0.4 : 0.94),
      "layer.order": (finding, survey) => (survey.layer(finding).fields.has("repeated") ? 0.65 : 0),
      content: (finding, survey) => (survey.layer(finding).again.has(pathOf(finding)) ? 0.95 : 0),
    },
  },
  {
    id: "O17",
    title: "deletions are written in another way",
    seen: "one side has a whiteout for each file (`.wh.name`) and the other an opaque directory, or one side has none",
    grade: "content",
    fix: { any: "make {where} with one storage driver, or with one tool that writes whiteouts by rule", lockstep: own },
    rules: {
      "entry.presence": (finding) => (whiteoutOf(pathOf(finding)) === undefined ? 0 : 0.95),
      "entry.xattr": ({ where }) => (/overlay\.(?:opaque|redirect|metacopy|origin)/.test(where.field) ? 0.95 : 0),
    },
  },
  {
    id: "O18",
    title: "the image is cut into layers at other places",
    seen: "what one image has in one layer the other has in another, or in several",
    grade: "encoding",
    fix: {
      any: "let the list of steps decide the layers, not sizes or a cache: build both without one (`--no-cache`)",
      lockstep: "give both specs the same `layers` and the same `split`",
    },
    rules: {
      "layer.boundaries": (finding, survey) => (survey.layer(finding).onlyCount === 0 ? 0.96 : 0.6),
      "layer.presence": always(0.5),
      "entry.presence": (finding, survey) => (survey.twin(finding) === "moved" ? 0.93 : 0),
    },
  },
  {
    id: "O19",
    title: "names differ in their Unicode form or in case",
    seen: "each side has a path alone that is the other's in another Unicode form or in other case",
    grade: "content",
    fix: {
      any: "take names of {where} as git has them, on a file system that keeps them (`core.precomposeUnicode`, `core.ignoreCase`)",
    },
    rules: { "entry.presence": (finding, survey) => (survey.twin(finding) === "form" ? 0.95 : 0) },
  },
  {
    id: "O20",
    title: "names are not UTF-8",
    seen: "a name has bytes that are no UTF-8, or a header says another character set",
    grade: "content",
    fix: {
      any: "rename {path} so that its name is UTF-8",
      lockstep: "names that are not UTF-8 are refused: rename {path}",
    },
    rules: {
      "entry.presence": (finding) => (/\\x[89a-f][0-9a-f]|\uFFFD/.test(pathOf(finding)) ? 0.94 : 0),
      "entry.pax": ({ where }) => (/hdrcharset/i.test(where.field) ? 0.95 : 0),
    },
  },
  {
    id: "O21",
    title: "a long name or target is cut or written in another way",
    seen: "a name or target on one side is the beginning of the other side's, at a limit of the header",
    grade: "content",
    fix: { any: "write {where} with a tar that puts long names into PAX headers", lockstep: own },
    rules: {
      "entry.target": ({ a = "", b = "" }) =>
        a !== b && (a.startsWith(b) || b.startsWith(a)) && Math.min(a.length, b.length) >= 99 ? 0.9 : 0,
      "entry.presence": (finding) => ([99, 100, 155, 255, 256].includes(Buffer.byteLength(pathOf(finding))) ? 0.7 : 0),
      "layer.dialect": ({ a = "", b = "" }) => (/long names/.test(a) !== /long names/.test(b) ? 0.5 : 0),
    },
  },
  {
    id: "O22",
    title: "a layer that adds nothing is there on one side",
    seen: "one image has an empty layer more, or counts another number of lines of history as empty",
    grade: "encoding",
    fix: {
      any: "leave steps out that change nothing, or keep their empty layers in both builds",
      lockstep: "give both specs the same `layers`",
    },
    rules: {
      "config.history": ({ where }) => (/empty_layer/.test(where.field) ? 0.95 : 0),
      "layer.presence": (finding, survey) => (survey.layer(finding).onlyCount === 0 ? 0.95 : 0),
    },
  },
  {
    id: "O23",
    title: "links, attributes or owners were lost on the way",
    seen: "one side has links as files or lacks all links of a layer",
    grade: "content",
    fix: { any: "make {where} with a tool that keeps symbolic links, hard links and attributes" },
    rules: {
      "entry.type": ({ a = "", b = "" }) => (a === "symbolic link" || b === "symbolic link" ? 0.9 : 0.2),
      "entry.mode": (finding, survey) => (survey.layer(finding).retyped.has(pathOf(finding)) ? 0.97 : 0),
      "entry.presence": (finding, survey) => {
        const { onlyA, onlyB, linksOnly } = survey.layer(finding);
        if (!kindOf(finding).startsWith("symbolic link") || (onlyA.length > 0 && onlyB.length > 0)) return 0;
        return linksOnly && onlyA.length + onlyB.length > 1 ? 0.88 : 0.3;
      },
    },
  },
];

function namesOfOwners(finding: Finding, survey: Survey): number {
  const { a = "", b = "" } = finding;
  if (a === "" || b === "") return 0.95;
  return survey.layer(finding).owners.size === 0 ? 0.92 : 0.6;
}
