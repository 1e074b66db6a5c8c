/** The formats that contents are compared by, the surest to be told first; the first that accepts both sides and finds something is taken. */
import { accounts } from "./accounts.ts";
import { ar } from "./ar.ts";
import { certificates } from "./certificates.ts";
import { elf } from "./elf.ts";
import type { Format } from "./format.ts";
import { javascript } from "./javascript.ts";
import { jks } from "./jks.ts";
import { json } from "./json.ts";
import { ldCache } from "./ld-cache.ts";
import { pdf } from "./pdf.ts";
import { png } from "./png.ts";
import { pyc } from "./pyc.ts";
import { sqlite } from "./sqlite.ts";
import { stanzas } from "./stanzas.ts";
import { brotli, bzip2, gzip, xz, zstd } from "./streams.ts";
import { tar } from "./tar.ts";
import { text } from "./text.ts";
import { zip } from "./zip.ts";

export const formats: readonly Format[] = [
  elf,
  zip,
  ar,
  gzip,
  zstd,
  xz,
  bzip2,
  brotli,
  tar,
  pyc,
  png,
  pdf,
  sqlite,
  jks,
  ldCache,
  certificates,
  accounts,
  stanzas,
  javascript,
  json,
  text,
];
