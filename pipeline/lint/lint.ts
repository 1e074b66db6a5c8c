/** Determinism lint over Dockerfiles, scripts, workflows and the files of package managers: reads them, applies the rules and suppressions, and mends what can be mended. */
import { isUtf8 } from "node:buffer";
import { constants } from "node:fs";
import { chmod, lstat, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Host } from "../host/host.ts";
import { inParallel } from "../host/parallel.ts";
import { writeFileAtomically } from "../store/store.ts";
import { matchesAny } from "../tree/glob.ts";
import { analyse } from "./analyse.ts";
import type { YamlReader } from "../dockerfile/tree.ts";
import { findFiles } from "./files.ts";
import { fixText } from "./fix.ts";
import { type FileKind, isShellScript, kindOfPath } from "./kinds.ts";
import type { Finding, SourceFile } from "./rule.ts";
import { withoutEffect } from "./rules/own.ts";
import { rules } from "./rules/rules.ts";
import { noSettings, readSettings, type Settings, settingsFile } from "./settings.ts";
import { readSuppressions, suppress } from "./suppress.ts";

export interface LintedFile {
  readonly path: string;
  readonly text: string;
  readonly findings: readonly Finding[];
}

export interface LintResult {
  /** Files that were read and have findings, suppressed ones included. */
  readonly files: readonly LintedFile[];
  /** How many files were checked. */
  readonly checked: number;
  /** Files that were changed, sorted. */
  readonly fixed: readonly string[];
}

export interface LintOptions {
  /** Files and directories, relative to where the user is; the whole repository when empty. */
  readonly paths?: readonly string[];
  readonly fix?: boolean;
}

const known: ReadonlySet<string> = new Set(rules.map(({ id }) => id));

/** Kinds without comments, whose findings are suppressed in the settings. */
const withoutComments = new Set<FileKind>(["package", "package-lock"]);
const withYaml = new Set<FileKind>(["spec", "workflow", "gitlab", "compose", "manifest"]);

/** Bytes of the largest file that is read. Lock files are long, and read by a simpler reader. */
const sizeLimit = 1 << 20;
const lockSizeLimit = 64 << 20;

/** How many files are open at once. */
const concurrency = 16;

interface Read {
  readonly text: string;
  /** Whether all of it was read. */
  readonly complete: boolean;
  /** Whether its bytes are those of the text. */
  readonly exact: boolean;
}

/** A plain file up to a size; links are not followed, and binary files are left out. */
async function readText(path: string, limit: number): Promise<Read | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (file === undefined) return undefined;
  try {
    const info = await file.stat();
    if (!info.isFile()) return undefined;
    if (info.size > limit) return { text: "", complete: false, exact: false };
    const bytes = await file.readFile();
    return bytes.includes(0) ? undefined : { text: bytes.toString("utf8"), complete: true, exact: isUtf8(bytes) };
  } finally {
    await file.close();
  }
}

/** Findings of one text, with its own suppressions and those of the settings. */
export function lintText(
  file: SourceFile,
  kind: FileKind,
  settings: Settings,
  readYaml: YamlReader,
): readonly Finding[] {
  const found = analyse(file, kind, readYaml);
  const listed = settings.suppress.filter(({ file: path }) => path === file.path);
  const marked = found.map((finding): Finding => {
    const by = listed.find(({ rule }) => rule === finding.rule.id);
    return by === undefined ? finding : { ...finding, suppressed: by.reason };
  });
  return withoutComments.has(kind) ? marked : suppress(marked, readSuppressions(file.text), known, file);
}

/** Entries of the settings that nothing needed. */
function idleSettings(settings: Settings, paths: readonly string[], files: readonly LintedFile[]): readonly Finding[] {
  const about = (message: string, { at, end }: { readonly at: number; readonly end: number }): Finding => ({
    rule: withoutEffect,
    severity: withoutEffect.severity,
    file: settingsFile,
    message,
    at,
    end,
  });
  return [
    ...settings.ignore
      .filter(({ globs }) => !paths.some((path) => matchesAny(globs, path)))
      .map((each) => about("no file is there that this would ignore", each)),
    ...settings.suppress
      .filter(
        ({ file, rule }) =>
          !files.some(({ path, findings }) => path === file && findings.some((each) => each.rule.id === rule)),
      )
      .map((each) => about(`nothing of ${each.rule} is found in ${each.file}`, each)),
  ];
}

async function write(host: Host, path: string, text: string): Promise<void> {
  const { mode } = await lstat(path);
  await writeFileAtomically(host, path, text, mode & 0o777);
  await chmod(path, mode & 0o7777);
}

/** Lints, and fixes when asked to. Throws LS8001 (settings), LS8002 (paths), LS8003 (too many files) and LS1004. */
export async function lint(host: Host, root: string, options: LintOptions = {}): Promise<LintResult> {
  const { paths = [], fix = false } = options;
  const all = await findFiles(host, root, paths);
  const present = new Set(paths.length === 0 ? all : await findFiles(host, root, []));
  const kinds = all.flatMap((path) => {
    const kind = kindOfPath(path);
    return kind === undefined || path === settingsFile ? [] : [{ path, kind }];
  });
  const settingsText = (await readText(join(root, settingsFile), sizeLimit))?.text;
  // Reading YAML takes a tenth of a second to begin with, which only those pay who have any.
  const yaml = kinds.some(({ kind }) => kind !== "perhaps" && withYaml.has(kind)) || settingsText !== undefined;
  const readYaml: YamlReader = yaml ? (await import("./yaml.ts")).readYamlDocuments : () => [];
  const settings = settingsText === undefined ? noSettings : readSettings(settingsText, readYaml, known);
  const wanted = kinds.filter(({ path }) => !settings.ignore.some(({ globs }) => matchesAny(globs, path)));

  const ignoreFiles = new Map<string, string | undefined>();
  for (const path of present)
    if (path.endsWith(".dockerignore")) ignoreFiles.set(path, (await readText(join(root, path), sizeLimit))?.text);
  const fixed: string[] = [];
  const linted = await inParallel(wanted, concurrency, async ({ path, kind: guess }) => {
    const limit = guess === "package-lock" ? lockSizeLimit : sizeLimit;
    const read = await readText(join(root, path), limit);
    if (read === undefined || (guess === "perhaps" && !isShellScript(read.text))) return undefined;
    const { text, complete, exact } = read;
    const kind = guess === "perhaps" ? "script" : guess;
    const folder = dirname(path);
    const source = (content: string): SourceFile => ({
      path,
      text: content,
      complete,
      beside: (name) => present.has(join(folder, name)),
      readBeside: (name) => ignoreFiles.get(join(folder, name)),
    });
    const find = (content: string): readonly Finding[] => lintText(source(content), kind, settings, readYaml);
    const after =
      fix && exact
        ? fixText(text, (content) =>
            find(content).flatMap((each) =>
              each.fix === undefined || each.suppressed !== undefined ? [] : [each.fix],
            ),
          )
        : text;
    if (after !== text) {
      await write(host, join(root, path), after);
      fixed.push(path);
    }
    return { path, text: after, findings: find(after) };
  });
  const files = linted.filter((each) => each !== undefined);
  const idle = paths.length === 0 ? idleSettings(settings, all, files) : [];
  const own = idle.length === 0 ? [] : [{ path: settingsFile, text: settings.text, findings: idle }];
  return {
    files: [...files.filter(({ findings }) => findings.length > 0), ...own],
    checked: files.length,
    fixed: fixed.toSorted(),
  };
}
