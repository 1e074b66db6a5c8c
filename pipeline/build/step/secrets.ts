/** Secrets of steps: their values are given beside everything else, and must not be in what is built (docs/steps.md, "Secrets"). */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LockstepError, type Problem } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { canonicalJson } from "../../store/canonical-json.ts";
import type { Plan, StepLayer } from "../plan.ts";
import type { StepChange } from "./change.ts";
import { secretsVariable } from "./open.ts";

/** Shorter values are in files by chance. */
const shortest = 8;

/** Values by name. */
export type Secrets = ReadonlyMap<string, string>;

/** A value never gets into a message, nor does what is around it. */
function unusable(message: string, hint: string): LockstepError {
  return new LockstepError({ code: "LS9016", message, hint });
}

const form = 'write a JSON object of strings: { "token": "…" }';

async function readSecrets(path: string): Promise<Secrets> {
  const text = await readFile(path, "utf8").catch(() => {
    throw unusable("the file with the secrets cannot be read", `${secretsVariable} names it`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable("the file with the secrets is not JSON", form);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unusable("the file with the secrets is no JSON object", form);
  const entries = Object.entries(value);
  for (const [name, secret] of entries)
    if (typeof secret !== "string") throw unusable(`the secret ${JSON.stringify(name)} is no string`, form);
  return new Map(entries as readonly (readonly [string, string])[]);
}

/** The values of what a step needs; LS9016 where one is not given, or is too short to be looked for. */
export async function secretsOf(host: Host, { title, command }: StepLayer): Promise<Secrets> {
  const { secrets: names = [] } = command;
  if (names.length === 0) return new Map();
  const path = host.env(secretsVariable);
  const given = path === undefined ? new Map<string, string>() : await readSecrets(path);
  const values = names.map((name) => {
    const value = given.get(name);
    if (value === undefined) {
      const hint = "give it to the module: dagger call --secrets file://secrets.json …";
      throw unusable(`${title}: the step needs the secret ${name}, which is not given`, hint);
    }
    if (Buffer.byteLength(value.trim()) < shortest) {
      const message = `${title}: the secret ${name} is shorter than ${shortest} bytes, so nobody could tell whether it is in the result`;
      throw unusable(message, "use a longer one");
    }
    return [name, value] as const;
  });
  return new Map(values);
}

/** What a value looks like in files: as it is, in hexadecimal digits, and in base64 wherever it begins within three bytes. */
function formsOf(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value.trim());
  const hex = bytes.toString("hex");
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first and last digits have bits of what is around the value.
    return text.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3));
  });
  const url = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const quoted = JSON.stringify(value.trim()).slice(1, -1);
  const texts = new Set([hex, hex.toUpperCase(), ...base64, ...url, quoted]);
  return [bytes, ...[...texts].map((text) => Buffer.from(text))];
}

interface Wanted {
  readonly name: string;
  readonly forms: readonly Buffer[];
}

function found(wanted: readonly Wanted[], bytes: Buffer): readonly string[] {
  return wanted.filter(({ forms }) => forms.some((form) => bytes.includes(form))).map(({ name }) => name);
}

/** Names of the secrets whose value is in a file. */
async function foundIn(path: string, wanted: readonly Wanted[]): Promise<ReadonlySet<string>> {
  const overlap = Math.max(...wanted.flatMap(({ forms }) => forms.map(({ length }) => length))) - 1;
  const names = new Set<string>();
  let before: Buffer = Buffer.alloc(0);
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = Buffer.concat([before, piece as Buffer]);
    for (const name of found(wanted, bytes)) names.add(name);
    before = bytes.subarray(Math.max(0, bytes.length - overlap));
  }
  return names;
}

function left(title: string, name: string, where: string, hint: string): Problem {
  return { code: "LS9015", message: `${title}: the value of the secret ${name} is ${where}`, hint };
}

function wantedOf(secrets: Secrets): readonly Wanted[] {
  return [...secrets].map(([name, value]) => ({ name, forms: formsOf(value) }));
}

/** LS9015 when the plan of an image, which has its config too, has the value of a secret that a step of it needs. */
export function checkPlan(secrets: Secrets, plan: Plan, { title }: StepLayer): void {
  const names = found(wantedOf(secrets), Buffer.from(canonicalJson(plan)));
  if (names.length === 0) return;
  const hint = "specs are committed, and plans are in images: read the secret from /run/secrets, and make a new one";
  throw new LockstepError(names.map((name) => left("image.yaml", name, `in the plan (${title})`, hint)));
}

/** LS9015 for every path of a step's layer that has the value of a secret: in its content, its name, its link's text or an attribute. */
export async function checkChange(
  secrets: Secrets,
  { title }: StepLayer,
  { directories, items }: StepChange,
  directory: string,
): Promise<void> {
  if (secrets.size === 0) return;
  const wanted = wantedOf(secrets);
  const problems: Problem[] = [];
  for (const { entry, from, sha256 } of [
    ...directories.map((entry) => ({ entry, from: "", sha256: undefined })),
    ...items,
  ]) {
    const texts = [entry.path, "target" in entry ? entry.target : "", ...Object.keys(entry.xattrs ?? {})];
    const about = Buffer.concat([Buffer.from(texts.join("\0")), ...Object.values(entry.xattrs ?? {})]);
    const names = new Set(found(wanted, about));
    // A path with the value in it is not shown.
    const where = names.size > 0 ? "in the name, the link or an attribute of a file" : `in /${entry.path}`;
    if (sha256 !== undefined) for (const name of await foundIn(join(directory, from), wanted)) names.add(name);
    for (const name of names)
      problems.push(left(title, name, where, "do not write it, or remove it at the end of the step"));
  }
  if (problems.length > 0) throw new LockstepError(problems);
}
