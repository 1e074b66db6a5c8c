/** Pairs for the rows T of the catalogue. */
import { adding, both, changed, each, epoch, files, image, isDirectory } from "../base.ts";
import type { Case } from "../case.ts";
import { certificates } from "../formats/certificates.ts";
import { elf } from "../formats/elf.ts";
import { jks } from "../formats/jks.ts";
import { pyc } from "../formats/pyc.ts";
import { zip } from "../formats/zip.ts";

const hours = 3600;
const later = (seconds: number) => each(({ mtime = epoch }) => ({ mtime: mtime + seconds }));
const everyStep = (created: (index: number) => string) => (value: Record<string, unknown>) => {
  value["history"] = (value["history"] as readonly object[]).map((line, index) => ({
    ...line,
    created: created(index),
  }));
};

export const timeCases: readonly Case[] = [
  { cause: "T1", what: "sources checked out an hour later", ...changed({ items: { sources: later(hours) } }) },
  {
    cause: "T1",
    what: "each file of the checkout has the time at which git wrote it",
    ...both(
      { items: { sources: each((_, index) => ({ mtime: epoch + 5000 + index * 2 })) } },
      { items: { sources: each((_, index) => ({ mtime: epoch + 96_000 + index * 3 })) } },
    ),
  },
  {
    cause: "T1",
    what: "one file of the sources was touched",
    ...changed({
      items: {
        sources: each(
          () => ({ mtime: epoch + 77 }),
          ({ name }) => name === "app/run.sh",
        ),
      },
    }),
  },
  {
    cause: "T1",
    what: "all layers were written by a build a day later",
    ...changed({
      items: { packages: later(86_400), dependencies: later(86_400), sources: later(86_400), built: later(86_400) },
    }),
  },
  {
    cause: "T2",
    what: "clamped to the epoch, but older times of two checkouts survive",
    ...both(
      { items: { sources: each((_, index) => ({ mtime: epoch - 90_000 - index * 1000 })) } },
      { items: { sources: each((_, index) => ({ mtime: epoch - 400_000 - index * 500 })) } },
    ),
  },
  {
    cause: "T3",
    what: "a machine whose clock is in 2037",
    ...changed({ items: { built: each(() => ({ mtime: 2_120_000_000 })) } }),
  },
  {
    cause: "T4",
    what: "a writer that keeps nanoseconds",
    ...changed({
      items: { sources: each((_, index) => ({ pax: { mtime: `${epoch}.${String(123456789 + index * 1111)}` } })) },
    }),
  },
  {
    cause: "T5",
    what: "times of access and change in PAX headers of two builds",
    ...both(
      {
        items: { built: each((_, index) => ({ pax: { atime: `${epoch + 9 + index}.5`, ctime: `${epoch + 4}.25` } })) },
      },
      {
        items: {
          built: each((_, index) => ({ pax: { atime: `${epoch + 900 + index}.75`, ctime: `${epoch + 850}.5` } })),
        },
      },
    ),
  },
  {
    cause: "T5",
    what: "times of access on one side only",
    ...changed({ items: { sources: each(() => ({ pax: { atime: String(epoch + 60) } })) } }),
  },
  {
    cause: "T6",
    what: "libarchive's time of creation",
    ...both(
      { items: { sources: each(() => ({ pax: { "LIBARCHIVE.creationtime": String(epoch + 3) } })) } },
      { items: { sources: each(() => ({ pax: { "LIBARCHIVE.creationtime": String(epoch + 8000) } })) } },
    ),
  },
  {
    cause: "T8",
    what: "created is the time of the build",
    ...changed({ config: (value) => (value["created"] = "2024-01-01T10:20:30.123456789Z") }),
  },
  {
    cause: "T8",
    what: "created and all lines of history are of another build",
    ...both(
      {
        config: (value) => {
          value["created"] = "2024-03-01T10:00:09.5Z";
          everyStep((index) => `2024-03-01T10:00:0${index}.5Z`)(value);
        },
      },
      {
        config: (value) => {
          value["created"] = "2024-03-02T11:00:09.5Z";
          everyStep((index) => `2024-03-02T11:00:0${index}.5Z`)(value);
        },
      },
    ),
  },
  {
    cause: "T9",
    what: "an annotation of the manifest with the date",
    ...both(
      { manifest: (value) => (value["annotations"] = { "org.opencontainers.image.created": "2024-01-05T00:00:00Z" }) },
      { manifest: (value) => (value["annotations"] = { "org.opencontainers.image.created": "2024-02-09T13:14:15Z" }) },
    ),
  },
  {
    cause: "T9",
    what: "a label with the date",
    ...both(
      {
        config: (value) =>
          Object.assign(value["config"] as object, {
            Labels: { "org.opencontainers.image.created": "2024-01-05T00:00:00Z" },
          }),
      },
      {
        config: (value) =>
          Object.assign(value["config"] as object, {
            Labels: { "org.opencontainers.image.created": "2024-02-09T13:14:15Z" },
          }),
      },
    ),
  },
  {
    cause: "T9",
    what: "an annotation of the index with the date",
    a: {
      images: [image()],
      index: (value) => (value["annotations"] = { "org.opencontainers.image.created": "2024-01-05T00:00:00Z" }),
    },
    b: {
      images: [image()],
      index: (value) => (value["annotations"] = { "org.opencontainers.image.created": "2024-01-06T10:00:00Z" }),
    },
  },
  {
    cause: "T10",
    what: "each document and layer has its own reading of the clock",
    ...both(
      {
        items: { sources: each(() => ({ mtime: epoch + 100 })), built: each(() => ({ mtime: epoch + 102 })) },
        config: (value) => {
          value["created"] = "2024-01-01T00:01:43Z";
          everyStep((index) => `2024-01-01T00:01:4${index}Z`)(value);
        },
      },
      {
        items: { sources: each(() => ({ mtime: epoch + 100 })), built: each(() => ({ mtime: epoch + 103 })) },
        config: (value) => {
          value["created"] = "2024-01-01T00:01:45Z";
          everyStep((index) => `2024-01-01T00:01:4${index + 1}Z`)(value);
        },
      },
    ),
  },
  {
    cause: "T11",
    or: ["T13"],
    what: "a step stamps its output, and created is the epoch on both sides",
    ...files(
      "built",
      "opt/tool/build-info.json",
      '{"name":"tool","built":"2024-05-02T10:11:12Z"}\n',
      '{"name":"tool","built":"2024-06-30T08:00:01Z"}\n',
    ),
  },
  {
    cause: "T12",
    what: "useradd on another day",
    ...files(
      "packages",
      "etc/shadow",
      "root:*:19700:0:99999:7:::\napp:!:19701:0:99999:7:::\n",
      "root:*:19700:0:99999:7:::\napp:!:19702:0:99999:7:::\n",
    ),
  },
  {
    cause: "T13",
    or: ["T11"],
    what: "documents say when they were made, without a zone",
    ...files(
      "built",
      "opt/tool/manual.html",
      "<html><!-- generated Mon Jan 15 12:03:44 2024 --><p>tool</p></html>\n",
      "<html><!-- generated Mon Jan 15 14:03:44 2024 --><p>tool</p></html>\n",
    ),
  },
  {
    cause: "T14",
    what: "__DATE__ and __TIME__ in a program",
    ...files(
      "built",
      "opt/tool/tool",
      elf({ rodata: "tool 1.2 (Jan 15 2024 12:03:44)\0usage: tool\0" }),
      elf({ rodata: "tool 1.2 (Feb 02 2024 09:41:07)\0usage: tool\0" }),
    ),
  },
  {
    cause: "T15",
    what: "compiled Python with the time of its source",
    ...files(
      "packages",
      "usr/lib/python3/dist-packages/__pycache__/app.cpython-311.pyc",
      pyc(epoch, 120),
      pyc(epoch + 4000, 120),
    ),
  },
  {
    cause: "T15",
    what: "compiled Python on one side only",
    ...files("packages", {
      "usr/lib/python3/dist-packages/app.py": ["x = 1\n", "x = 1\n"],
      "usr/lib/python3/dist-packages/__pycache__/app.cpython-311.pyc": [undefined, pyc(epoch, 6)],
    }),
  },
  {
    cause: "T16",
    what: "a key store of Java with the dates of its entries",
    ...files("packages", "etc/ssl/certs/java/cacerts", jks(1_700_000_000_000), jks(1_700_086_400_000)),
  },
  {
    cause: "T17",
    what: "a jar with the times of its members",
    ...files(
      "built",
      "opt/tool/tool.jar",
      zip([
        ["META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n", epoch],
        ["Main.class", "cafebabe", epoch],
      ]),
      zip([
        ["META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n", epoch + 4000],
        ["Main.class", "cafebabe", epoch + 4002],
      ]),
    ),
  },
  {
    cause: "T18",
    what: "apk's database has the time of installation",
    ...files(
      "packages",
      "lib/apk/db/installed",
      "P:musl\nV:1.2.5-r9\nt:1704067201\nC:Q1abc=\n\n",
      "P:musl\nV:1.2.5-r9\nt:1704090000\nC:Q1abc=\n\n",
    ),
    or: ["T13"],
  },
  {
    cause: "T19",
    what: "a certificate made anew, valid from and until other dates",
    ...files("built", "opt/tool/server.crt", certificates.march, certificates.april),
  },
  {
    cause: "T20",
    what: "a time beyond the field: PAX on one side, cut on the other",
    ...both(
      {
        items: {
          sources: each(
            () => ({ mtime: 0, pax: { mtime: "12345678901" } }),
            ({ name }) => name === "app/README.md",
          ),
        },
      },
      {
        items: {
          sources: each(
            () => ({ mtime: 8_589_934_591 }),
            ({ name }) => name === "app/README.md",
          ),
        },
      },
    ),
  },
  {
    cause: "T20",
    what: "a time before 1970: PAX on one side, 0 on the other",
    ...both(
      {
        items: {
          sources: each(
            () => ({ mtime: 0, pax: { mtime: "-86400" } }),
            ({ name }) => name === "app/README.md",
          ),
        },
      },
      {
        items: {
          sources: each(
            () => ({ mtime: 0 }),
            ({ name }) => name === "app/README.md",
          ),
        },
      },
    ),
  },
  {
    cause: "T21",
    what: "whiteouts have the time of the build",
    ...both(
      {
        items: {
          built: adding({ name: "app/lib/.wh.routes.js", mtime: epoch }, { name: "app/.wh.README.md", mtime: epoch }),
        },
      },
      {
        items: {
          built: adding(
            { name: "app/lib/.wh.routes.js", mtime: epoch + 500 },
            { name: "app/.wh.README.md", mtime: epoch + 500 },
          ),
        },
      },
    ),
  },
  {
    cause: "T22",
    what: "directories have the time of the last write into them",
    ...changed({
      items: {
        sources: each(() => ({ mtime: epoch + 40 }), isDirectory),
        built: each(() => ({ mtime: epoch + 41 }), isDirectory),
      },
    }),
  },
];
