/** The formats that contents are compared by, the surest to be told first; the first that accepts both sides and finds something is taken. */
import { accounts } from "./accounts.ts";
import { elf } from "./elf.ts";
import type { Format } from "./format.ts";
import { gzip, xz, zstd } from "./streams.ts";
import { json } from "./json.ts";
import { text } from "./text.ts";

export const formats: readonly Format[] = [elf, gzip, zstd, xz, accounts, json, text];
