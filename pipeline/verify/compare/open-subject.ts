/** Opens what the user names: a layout, an archive or any file by its path, an image of a registry by its reference. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { LockstepError } from "../../host/errors.ts";
import type { Host } from "../../host/host.ts";
import { layoutSource } from "../../registry/layout-end.ts";
import type { Report } from "../../report/report.ts";
import type { Store } from "../../store/store.ts";
import { Spool } from "../archive/spool.ts";
import { fileSubject } from "./archive-subject.ts";
import { imageSubject } from "./image-subject.ts";
import type { Subject } from "./subject.ts";

export interface SubjectRun {
  readonly host: Host;
  readonly store: Store;
  readonly report: Report;
  readonly signal: AbortSignal;
}

async function kindOf(path: string): Promise<"file" | "directory" | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return undefined;
  return info.isDirectory() ? "directory" : info.isFile() ? "file" : undefined;
}

/** A path on disk, with the name of one of several images after a colon; undefined when nothing is there. */
async function onDisk(host: Host, text: string): Promise<{ readonly path: string; readonly tag?: string } | undefined> {
  const whole = resolve(host.cwd, text);
  if ((await kindOf(whole)) !== undefined) return { path: whole };
  const [, before, tag] = /^(.+):([^/:]+)$/.exec(text) ?? [];
  if (before === undefined || tag === undefined) return undefined;
  const path = resolve(host.cwd, before);
  return (await kindOf(path)) === undefined ? undefined : { path, tag };
}

/**
 * Opens a subject. `text` is a path (a layout's directory, an archive, a layer, a file; `PATH:NAME` for one of several images), with or
 * without `oci:`, `oci-archive:` or `docker-archive:` before it, or a reference. `platform` narrows an index; unpacked archives go into
 * `scratch`. Throws LS5101 when nothing is there, LS5102 and LS5103 (see there), and what the registry client throws.
 */
async function openSubject(
  run: SubjectRun,
  text: string,
  options: { readonly platform?: string; readonly scratch: string },
): Promise<Subject> {
  const [, scheme, rest = text] = /^(oci|oci-archive|docker-archive):(.+)$/s.exec(text) ?? [];
  const found = await onDisk(run.host, rest);
  if (found !== undefined) {
    const { path, tag } = found;
    if ((await kindOf(path)) === "directory")
      return imageSubject(layoutSource(path, tag), text, options.platform, () => {});
    return fileSubject(path, text, { ...options, ...(tag === undefined ? {} : { tag }) }, async () => {});
  }
  if (scheme !== undefined || /^[./~]/.test(text))
    throw new LockstepError({
      code: "LS5101",
      message: `there is nothing at ${rest}`,
      hint: "name a layout, an archive, a layer, or a reference with a tag or digest",
    });
  // The client of registries is only loaded when one is asked.
  const { openImage } = await import("../../registry/transfer.ts");
  const { end, close } = await openImage(run, text);
  try {
    return await imageSubject(end, text, options.platform, close);
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Opens two subjects for as long as `use` takes. `again` opens one of them narrowed to a platform, for as long. Temporary files lie beside
 * the store and are removed. Throws what `openSubject` and `use` throw.
 */
export async function withSubjects<Result>(
  run: SubjectRun,
  [nameA, nameB]: readonly [string, string],
  options: { readonly platform?: string },
  use: (
    subjects: readonly [Subject, Subject],
    spool: Spool,
    again: (side: 0 | 1, platform: string) => Promise<Subject>,
  ) => Promise<Result>,
): Promise<Result> {
  const spool = await Spool.open(run.host, run.store.directory);
  const opened: Subject[] = [];
  const open = async (name: string, narrowed: { readonly platform?: string }): Promise<Subject> => {
    const subject = await openSubject(run, name, { ...narrowed, scratch: spool.directory });
    opened.push(subject);
    return subject;
  };
  try {
    const subjects = [await open(nameA, options), await open(nameB, options)] as const;
    return await use(subjects, spool, (side, platform) => open(side === 0 ? nameA : nameB, { platform }));
  } finally {
    for (const subject of opened) await subject.close();
    await spool.close();
  }
}
