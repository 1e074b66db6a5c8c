/** What `publish` and `copy` do: ends by their names, one copy with its progress, and everything closed again. */
import { resolve } from "node:path";
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { refuseInjected } from "../image/injected.ts";
import type { Report } from "../report/report.ts";
import type { Digest } from "../store/digest.ts";
import { isDigest } from "../store/digest.ts";
import type { Store } from "../store/store.ts";
import { type Copied, copyImage } from "./copy.ts";
import type { Expected, ImageSource, ImageTarget } from "./ends.ts";
import { layoutSource, layoutTarget } from "./layout-end.ts";
import { formatReference, isTag, parseReference, type Reference } from "./reference.ts";
import { registrySource, registryTarget } from "./registry-end.ts";
import { openRepository } from "./repository.ts";
import { readRegistrySettings } from "./settings.ts";

export interface Transfer {
  readonly host: Host;
  readonly store: Store;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface TransferOptions {
  /** Names besides the one in the destination. */
  readonly tags?: readonly string[];
  readonly expected?: Expected;
  readonly platform?: string;
  readonly referrers?: boolean;
}

export interface Transferred extends Copied {
  readonly from: string;
  /** Whole name of what was written, with its digest. */
  readonly to: string;
  readonly tags: readonly string[];
}

/** Where an image is: `oci:directory:name`, or a reference. */
type Location =
  | { readonly kind: "layout"; readonly directory: string; readonly name?: string }
  | { readonly kind: "registry"; readonly reference: Reference };

async function locate({ host }: Transfer, text: string): Promise<Location> {
  if (!text.startsWith("oci:")) {
    return { kind: "registry", reference: parseReference(text, await readRegistrySettings(host)) };
  }
  const rest = text.slice("oci:".length);
  // The name has no slash, so that a directory with a colon in it can still be written.
  const [, path = rest, name] = /^(.+):([^/:]+)$/.exec(rest) ?? [];
  if (path === "")
    throw new LockstepError({
      code: "LS1002",
      message: `"${text}" names no directory`,
      hint: "write oci:directory:name",
    });
  return { kind: "layout", directory: resolve(host.cwd, path), ...(name === undefined ? {} : { name }) };
}

/** `--expect`: a digest, or `absent`. */
export function parseExpected(text: string): Expected {
  if (text === "absent" || isDigest(text)) return text;
  throw new LockstepError({
    code: "LS1002",
    message: `--expect ${text} is neither a digest nor "absent"`,
    hint: "write sha256: and 64 hexadecimal digits, or absent when the tag must not be there",
  });
}

export interface Opened<End> {
  readonly end: End;
  close(): void;
}

const nothing = { close: () => {} };

async function openSource(run: Transfer, at: Location, onBytes: (count: number) => void): Promise<Opened<ImageSource>> {
  if (at.kind === "layout") return { end: layoutSource(at.directory, at.name), ...nothing };
  const { tag, digest } = at.reference;
  const name = digest ?? tag;
  if (name === undefined) {
    throw new LockstepError({
      code: "LS3201",
      message: `${formatReference(at.reference)} has neither a tag nor a digest`,
      hint: "name what is to be copied",
    });
  }
  const repository = await openRepository(run.host, at.reference, run);
  return { end: registrySource(repository, name, run.store, onBytes), close: () => repository.close() };
}

/** Opens an image to read by its name: `oci:directory:name`, or a reference with a tag or digest. Throws LS1002, LS3201. */
export async function openImage(run: Transfer, text: string): Promise<Opened<ImageSource>> {
  return openSource(run, await locate(run, text), () => {});
}

async function openTarget(run: Transfer, at: Location): Promise<Opened<ImageTarget>> {
  if (at.kind === "layout") return { end: layoutTarget(run.host, at.directory), ...nothing };
  const repository = await openRepository(run.host, at.reference, run);
  return { end: registryTarget(repository), close: () => repository.close() };
}

function written(text: string, at: Location, digest: Digest): string {
  if (at.kind === "layout") return text;
  return formatReference({ host: at.reference.host, repository: at.reference.repository, digest });
}

/** The names a destination gets, each checked. Throws LS3201, LS1002. */
function namesOf(text: string, at: Location, { tags = [], expected }: TransferOptions): readonly string[] {
  if (at.kind === "registry" && at.reference.digest !== undefined) {
    throw new LockstepError({
      code: "LS3201",
      message: `${text} has a digest, which only the content can decide`,
      hint: "name the repository and a tag",
    });
  }
  const own = at.kind === "layout" ? at.name : at.reference.tag;
  const names = [...new Set([...(own === undefined ? [] : [own]), ...tags])];
  for (const name of names)
    if (!isTag(name))
      throw new LockstepError({
        code: "LS3201",
        message: `"${name}" is not a tag`,
        hint: "a tag has letters, digits and . _ -",
      });
  if (at.kind === "layout" && names.length === 0)
    throw new LockstepError({
      code: "LS1002",
      message: `${text} gives the image no name`,
      hint: "write oci:directory:name",
    });
  if (expected !== undefined && names.length === 0)
    throw new LockstepError({
      code: "LS1002",
      message: "--expect says what a tag must be, and there is no tag",
      hint: "name one",
    });
  return names;
}

/** Copies an image from one place to another. Throws LS1002 and LS3201 for what is written wrong, and what `copyImage` throws. */
export async function transfer(
  run: Transfer,
  from: string,
  to: string,
  options: TransferOptions = {},
): Promise<Transferred> {
  const [source, target] = [await locate(run, from), await locate(run, to)];
  const tags = namesOf(to, target, options);
  // What was spoiled on purpose may be looked at, and goes nowhere.
  if (source.kind === "layout") await refuseInjected(source.directory);
  let total = 0;
  let done = 0;
  const task = run.report.task(`copying ${from}`, "bytes");
  const onBytes = (count: number): void => {
    done += count;
    task.progress(done, total);
  };
  const opened: Opened<unknown>[] = [];
  try {
    const reading = await openSource(run, source, onBytes);
    opened.push(reading);
    const writing = await openTarget(run, target);
    opened.push(writing);
    const { expected, platform, referrers } = options;
    const copied = await copyImage(reading.end, writing.end, {
      tags,
      onBytes,
      onTotal: (bytes) => (total = bytes),
      ...(expected === undefined ? {} : { expected }),
      ...(platform === undefined ? {} : { platform }),
      ...(referrers === undefined ? {} : { referrers }),
    });
    return { ...copied, from, to: written(to, target, copied.digest), tags };
  } finally {
    for (const { close } of opened) close();
    task.done();
  }
}
