/** The control member of a .deb: fields, conffiles, checksums and maintainer scripts, read and never run. */
import { LockstepError, type Place } from "../../host/errors.ts";
import { ByteReader } from "../../tree/bytes.ts";
import { TarReader } from "../../tree/tar-reader.ts";
import { type ScriptName, scriptNames } from "./facts.ts";

/** The largest control member, uncompressed, in bytes: the largest of Debian's have a few megabytes of checksums. */
export const controlLimit = 64 << 20;

export interface Control {
  readonly fields: Readonly<Record<string, string>>;
  readonly conffiles: readonly string[];
  /** By path, from the md5sums member. */
  readonly md5: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Partial<Record<ScriptName, string>>>;
}

/** One deb822 stanza; values keep their continuation lines as written. */
function parseFields(text: string, place: Place): Record<string, string> {
  const fields: Record<string, string> = {};
  let last: string | undefined;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    if (/^[ \t]/.test(line) && last !== undefined) {
      fields[last] += `\n${line}`;
      continue;
    }
    const match = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line);
    const name = match?.[1];
    if (name === undefined || name in fields) {
      throw new LockstepError({
        code: "LS4002",
        message: `control file has an unusable line ${JSON.stringify(line)}`,
        place,
      });
    }
    fields[name] = match?.[2] ?? "";
    last = name;
  }
  return fields;
}

/** Fields that name a package, and become names of files (Debian Policy, sections 5.6.7, 5.6.8 and 5.6.12). */
const identity = {
  Package: /^[a-z0-9][a-z0-9+.-]+$/,
  Version: /^(?:[0-9]+:)?[0-9][A-Za-z0-9.+~:-]*$/,
  Architecture: /^[a-z0-9][a-z0-9-]*$/,
} as const;

function parseSums(text: string): Record<string, string> {
  const sums: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]{32}) [ *](?:\.\/)?(.+)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) sums[match[2]] = match[1];
  }
  return sums;
}

/** Reads control.tar; LS4002 when it has no usable control file. */
export async function readControl(tar: AsyncIterable<Uint8Array>, place: Place): Promise<Control> {
  const members = new Map<string, string>();
  const bytes = new ByteReader(tar, place);
  const reader = new TarReader(bytes, { entries: 1000, content: controlLimit });
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      if (entry.type !== "file") continue;
      if (members.has(entry.path))
        throw new LockstepError({ code: "LS4006", message: `control member ${entry.path} is there twice`, place });
      members.set(entry.path, (await reader.readAll(controlLimit)).toString("utf8"));
    }
  } finally {
    await bytes.close();
  }
  const control = members.get("control");
  if (control === undefined) throw new LockstepError({ code: "LS4002", message: "has no control file", place });
  const fields = parseFields(control, place);
  for (const [name, pattern] of Object.entries(identity)) {
    const value = fields[name] ?? "";
    if (!pattern.test(value)) {
      const message = `control file has an unusable ${name} ${JSON.stringify(value)}`;
      throw new LockstepError({ code: "LS4002", message, place });
    }
  }
  const scripts: Partial<Record<ScriptName, string>> = {};
  for (const name of scriptNames) {
    const text = members.get(name);
    if (text !== undefined) scripts[name] = text;
  }
  return {
    fields,
    conffiles: (members.get("conffiles") ?? "").split("\n").filter((line) => line.startsWith("/")),
    md5: parseSums(members.get("md5sums") ?? ""),
    scripts,
  };
}
