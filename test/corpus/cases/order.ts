/** Pairs for the rows O of the catalogue. */
import type { TarItem } from "../../verify/tar-of.ts";
import { tarOf } from "../../verify/tar-of.ts";
import { adding, both, changed, each, epoch, files, image, isDirectory, isFile, noise, prose } from "../base.ts";
import type { Case } from "../case.ts";

type Items = readonly TarItem[];

/** As a file system may list them: parents first, otherwise by a hash of the name. */
const listed = (items: Items): Items => {
  const rank = (name: string): number =>
    [...name].reduce((hash, letter) => (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0, 7);
  const known = new Set(items.map(({ name }) => name));
  const parent = (name: string): string => name.slice(0, name.replace(/\/$/, "").lastIndexOf("/") + 1);
  const children = (inside: (name: string) => boolean): Items =>
    items
      .filter(({ name }) => inside(name))
      .toSorted((a, b) => rank(a.name) - rank(b.name))
      .flatMap((item) => (isDirectory(item) ? [item, ...children((name) => parent(name) === item.name)] : [item]));
  return children((name) => !known.has(parent(name)));
};

const mixed = adding(
  { name: "app/lib/Zebra.js", content: "1\n" },
  { name: "app/lib/_private.js", content: "2\n" },
  { name: "app/lib/apple.js", content: "3\n" },
  { name: "app/lib/Banana.js", content: "4\n" },
);
const byLanguage = (items: Items): Items => items.toSorted((a, b) => new Intl.Collator("en").compare(a.name, b.name));
/** Only one directory level here, so that sorting by names keeps parents first. */
const rename = (change: (name: string) => string) => each(({ name }) => ({ name: change(name) }));

const long = `app/${"deep/".repeat(20)}a-file-with-a-name-beyond-the-hundred-bytes-of-the-field.txt`;
const longItem: TarItem = { name: long.slice(0, 100), content: "long\n", mtime: epoch, pax: { path: long } };

const sparseMap = "2\n0\n512\n1048064\n512\n";
const holes = Buffer.concat([Buffer.alloc(512, 97), Buffer.alloc(1_048_064 - 512), Buffer.alloc(512, 98)]);
const sparse: TarItem = {
  name: "GNUSparseFile.0/disk.img",
  mtime: epoch,
  content: Buffer.concat([Buffer.from(sparseMap.padEnd(512, "\0")), Buffer.alloc(512, 97), Buffer.alloc(512, 98)]),
  pax: {
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": "opt/disk.img",
    "GNU.sparse.realsize": "1048576",
  },
};

const pair = (first: TarItem, second: TarItem) =>
  both({ items: { built: adding(first) } }, { items: { built: adding(second) } });

export const orderCases: readonly Case[] = [
  {
    cause: "O1",
    what: "entries in the order of a directory",
    ...changed({ items: { sources: listed, built: listed } }),
  },
  {
    cause: "O1",
    what: "files of one directory in two orders of creation",
    ...both(
      { items: { sources: listed } },
      {
        items: {
          sources: (items) =>
            [...items].toReversed().toSorted((a, b) => Number(isDirectory(b)) - Number(isDirectory(a))),
        },
      },
    ),
  },
  {
    cause: "O2",
    what: "sorted by the rules of English on one side",
    ...both({ items: { sources: mixed } }, { items: { sources: (items) => byLanguage(mixed(items)) } }),
  },
  {
    cause: "O3",
    what: "no entries for directories on one side",
    ...changed({ items: { built: (items) => items.filter((item) => !isDirectory(item)) } }),
  },
  {
    cause: "O3",
    what: "directories after what is in them",
    ...changed({
      items: { built: (items) => [...items.filter((item) => !isDirectory(item)), ...items.filter(isDirectory)] },
    }),
  },
  {
    cause: "O3",
    what: "a directory twice",
    ...changed({ items: { built: (items) => [...items, ...items.filter(({ name }) => name === "opt/")] } }),
  },
  { cause: "O4", what: "names with ./ before them", ...changed({ items: { sources: rename((name) => `./${name}`) } }) },
  {
    cause: "O4",
    what: "names with a slash before them",
    ...changed({ items: { sources: rename((name) => `/${name}`) } }),
  },
  {
    cause: "O4",
    what: "directories without a slash at the end",
    ...changed({
      items: { sources: each(({ name }) => ({ name: name.slice(0, -1), flag: "5", mode: 0o755 }), isDirectory) },
    }),
  },
  {
    cause: "O5",
    what: "a hard link for a copy",
    ...both(
      {
        items: {
          built: adding({ name: "opt/tool/a", content: prose(500) }, { name: "opt/tool/b", content: prose(500) }),
        },
      },
      {
        items: {
          built: adding(
            { name: "opt/tool/a", content: prose(500) },
            { name: "opt/tool/b", flag: "1", target: "opt/tool/a" },
          ),
        },
      },
    ),
  },
  {
    cause: "O5",
    what: "the other of two names is the file",
    ...both(
      {
        items: {
          built: adding(
            { name: "opt/tool/a", content: prose(500) },
            { name: "opt/tool/b", flag: "1", target: "opt/tool/a" },
          ),
        },
      },
      {
        items: {
          built: (items) => [
            ...items,
            { name: "opt/tool/b", content: prose(500), mtime: epoch },
            { name: "opt/tool/a", flag: "1", target: "opt/tool/b", mtime: epoch },
          ],
        },
      },
    ),
  },
  {
    cause: "O6",
    what: "a file with holes stored sparse",
    ...both(
      { items: { built: adding({ name: "opt/disk.img", content: holes }) } },
      { items: { built: (items) => [...items, sparse] } },
    ),
  },
  {
    cause: "O7",
    what: "GNU's dialect for ustar",
    ...changed({ items: { sources: each(() => ({ dialect: "gnu" })) } }),
  },
  {
    cause: "O7",
    what: "the old form without magic for ustar",
    ...changed({ items: { built: each(() => ({ dialect: "v7" })) } }),
  },
  {
    cause: "O7",
    what: "PAX headers for everything, also where ustar would do",
    ...changed({
      items: { sources: each(({ name, mtime = epoch }) => ({ pax: { path: name, mtime: String(mtime) } })) },
    }),
  },
  {
    cause: "O8",
    what: "modes with the bits of the file type",
    ...changed({
      items: {
        sources: each(
          (item) => ({
            mode: (isDirectory(item) ? 0o40755 : 0o100000) | (isDirectory(item) ? 0 : (item.mode ?? 0o644)),
          }),
          (item) => item.flag !== "2",
        ),
      },
    }),
  },
  {
    cause: "O9",
    what: "names of extended headers with a process number",
    ...both(
      { items: { sources: each(() => ({ pax: { comment: "x" }, paxName: "./PaxHeaders.1234/file" })) } },
      { items: { sources: each(() => ({ pax: { comment: "x" }, paxName: "./PaxHeaders.98765/file" })) } },
    ),
  },
  {
    cause: "O10",
    what: "keys of extended headers in another order",
    ...both(
      { items: { sources: each(({ name }) => ({ pax: { "SCHILY.xattr.user.a": "1", comment: name } })) } },
      { items: { sources: each(({ name }) => ({ pax: { comment: name, "SCHILY.xattr.user.a": "1" } })) } },
    ),
  },
  {
    cause: "O11",
    what: "names of owners on one side",
    ...changed({ items: { sources: each(() => ({ user: "root", group: "root" })) } }),
  },
  {
    cause: "O11",
    or: ["P4"],
    what: "other names for the same numbers",
    ...both(
      { items: { built: each(() => ({ user: "build", group: "build" })) } },
      { items: { built: each(() => ({ user: "jenkins", group: "jenkins" })) } },
    ),
  },
  {
    cause: "O12",
    what: "padded to 10 KiB",
    ...changed({
      layer: {
        sources: (items) => {
          const plain = tarOf(items);
          return { tar: Buffer.concat([plain, Buffer.alloc((10_240 - (plain.length % 10_240)) % 10_240)]) };
        },
      },
    }),
  },
  {
    cause: "O12",
    what: "no end of the archive",
    ...changed({ layer: { built: (items) => ({ tar: tarOf(items, { zeros: 0 }) }) } }),
  },
  {
    cause: "O13",
    what: "device numbers of ordinary files",
    ...changed({ items: { sources: each(() => ({ major: 8, minor: 1 }), isFile) } }),
  },
  {
    cause: "O14",
    what: "a device that one side alone has",
    ...changed({ items: { packages: adding({ name: "dev/null", flag: "3", mode: 0o666, major: 1, minor: 3 }) } }),
  },
  {
    cause: "O14",
    what: "a pipe that one side alone has",
    ...changed({ items: { built: adding({ name: "opt/tool/control", flag: "6" }) } }),
  },
  {
    cause: "O15",
    what: "modes of symbolic links as the host has them",
    ...changed({
      items: {
        packages: each(
          () => ({ mode: 0o755 }),
          ({ flag }) => flag === "2",
        ),
      },
    }),
  },
  {
    cause: "O15",
    what: "times of symbolic links of another build",
    ...changed({
      items: {
        packages: each(
          () => ({ mtime: epoch + 999 }),
          ({ flag }) => flag === "2",
        ),
      },
    }),
  },
  {
    cause: "O16",
    what: "two inputs have one file, in another order",
    ...both(
      {
        items: {
          sources: (items) => [
            ...items,
            { name: "app/config.json", content: '{"a":1}\n', mtime: epoch },
            { name: "app/config.json", content: '{"b":2}\n', mtime: epoch },
          ],
        },
      },
      {
        items: {
          sources: (items) => [
            ...items,
            { name: "app/config.json", content: '{"b":2}\n', mtime: epoch },
            { name: "app/config.json", content: '{"a":1}\n', mtime: epoch },
          ],
        },
      },
    ),
  },
  {
    cause: "O17",
    what: "a whiteout for each file against an opaque directory",
    ...both(
      { items: { built: adding({ name: "app/lib/.wh.main.js" }, { name: "app/lib/.wh.routes.js" }) } },
      { items: { built: adding({ name: "app/lib/.wh..wh..opq" }) } },
    ),
  },
  {
    cause: "O18",
    what: "what was in two layers is in one",
    a: image(),
    b: (() => {
      const whole = image();
      const [first, second, third, fourth] = whole.layers;
      return {
        ...whole,
        layers: [
          { items: first?.items ?? [] },
          { items: second?.items ?? [] },
          { items: [...(third?.items ?? []), ...(fourth?.items ?? [])] },
        ],
      };
    })(),
  },
  {
    cause: "O19",
    what: "a name in another Unicode form",
    ...pair({ name: "opt/tool/caf\u00e9.txt", content: "x\n" }, { name: "opt/tool/cafe\u0301.txt", content: "x\n" }),
  },
  {
    cause: "O19",
    what: "a name in other case",
    ...pair({ name: "opt/tool/README", content: "x\n" }, { name: "opt/tool/Readme", content: "x\n" }),
  },
  {
    cause: "O20",
    what: "a name in Latin-1",
    ...both(
      { items: { built: adding({ name: "opt/tool/caf\u00e9", content: "x\n" }) } },
      {
        items: {
          built: (items) => [
            ...items,
            {
              name: "opt/tool/caf",
              content: "x\n",
              mtime: epoch,
              pax: { hdrcharset: "BINARY", path: Buffer.from("opt/tool/caf\xe9", "latin1") },
            },
          ],
        },
      },
    ),
  },
  {
    cause: "O21",
    what: "a long name cut at the field",
    ...both(
      { items: { built: (items) => [...items, longItem] } },
      { items: { built: (items) => [...items, { name: long.slice(0, 100), content: "long\n", mtime: epoch }] } },
    ),
  },
  {
    cause: "O21",
    what: "a long target cut at the field",
    ...both(
      {
        items: {
          built: (items) => [
            ...items,
            {
              name: "opt/link",
              flag: "2",
              mode: 0o777,
              mtime: epoch,
              target: long.slice(0, 100),
              pax: { linkpath: long },
            },
          ],
        },
      },
      {
        items: {
          built: (items) => [
            ...items,
            { name: "opt/link", flag: "2", mode: 0o777, mtime: epoch, target: long.slice(0, 100) },
          ],
        },
      },
    ),
  },
  {
    cause: "O22",
    what: "a layer that adds nothing on one side",
    a: image(),
    b: { ...image(), layers: [...image().layers, { items: [] }] },
  },
  {
    cause: "O22",
    what: "an empty step counted as a layer",
    a: image({
      config: (value) => {
        value["history"] = [
          ...(value["history"] as readonly object[]),
          { created: "2024-01-01T00:00:00Z", created_by: "ENV A=1", empty_layer: true },
        ];
      },
    }),
    b: (() => {
      const withStep = image({
        config: (value) => {
          value["history"] = [
            ...(value["history"] as readonly object[]),
            { created: "2024-01-01T00:00:00Z", created_by: "ENV A=1" },
          ];
        },
      });
      return { ...withStep, layers: [...withStep.layers, { items: [] }] };
    })(),
  },
  {
    cause: "O23",
    what: "symbolic links became copies",
    ...both(
      {
        items: {
          built: adding(
            { name: "opt/tool/lib.so.1", content: noise(800) },
            { name: "opt/tool/lib.so", flag: "2", mode: 0o777, target: "lib.so.1" },
            { name: "opt/tool/libz.so", flag: "2", mode: 0o777, target: "lib.so.1" },
          ),
        },
      },
      {
        items: {
          built: adding(
            { name: "opt/tool/lib.so.1", content: noise(800) },
            { name: "opt/tool/lib.so", content: noise(800) },
            { name: "opt/tool/libz.so", content: noise(800) },
          ),
        },
      },
    ),
  },
  {
    cause: "O23",
    what: "all symbolic links were lost",
    ...both(
      {
        items: {
          built: adding(
            { name: "opt/tool/a", flag: "2", mode: 0o777, target: "tool" },
            { name: "opt/tool/b", flag: "2", mode: 0o777, target: "tool" },
          ),
        },
      },
      {},
    ),
  },
  {
    cause: "source",
    what: "one line of a source changed",
    ...files(
      "sources",
      "app/lib/main.js",
      "export const start = (port) => listen(port);\n",
      "export const start = (port) => listen(port, '::');\n",
    ),
  },
  {
    cause: "source",
    what: "a file was added to the sources",
    ...files("sources", "app/lib/extra.js", undefined, "export const extra = 1;\n"),
  },
];
