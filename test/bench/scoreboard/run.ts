/** `npm run scoreboard`: treats a checkout in eleven ways that must not matter, and prints what Lockstep and the tools of the machine make of it. */
import { lstatSync, lutimesSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../pipeline/host/errors.ts";
import { createHost } from "../../../pipeline/host/host.ts";
import { type Perturbation, perturbations } from "../../peers/perturbations.ts";
import { replaceMarked } from "../report.ts";
import { type Board, boardMarkdown, type Cell, isFull, type Row } from "./board.ts";
import { type Contender, contenders, type Made, treated, unpack, writeReport } from "./contenders.ts";

/** The eleven, as test/peers/perturbations.ts calls them. */
const eleven = [
  "older times, with fractions",
  "times of access",
  "a checkout with umask 077",
  "setgid and sticky directories",
  "another owner (needs root)",
  "a sparse file for a dense one",
  "extended attributes (needs python3, and a file system with user attributes)",
  "a hard link for a copy",
  "files created in another order",
  "process umask 077",
  "time zone and language",
];

const marker = "<!-- begin: npm run scoreboard -- --write docs/perturbations.md -->";
const base = mkdtempSync(join(tmpdir(), "lockstep-scoreboard-"));
const privileged = createHost().uid === 0;
let count = 0;

const times = new Set(eleven.slice(0, 2));

/** All checkouts are of one time, so that the times of files show in the rows about times and in no other. */
function settle(files: string): void {
  for (const name of [...readdirSync(files, { recursive: true, encoding: "utf8" }), "."])
    lutimesSync(join(files, name), 1_700_000_000, 1_700_000_000);
}

/** Makes files, treats them, and has a contender make a layer of them. */
async function make(
  { make: made }: Contender,
  perturbation?: Perturbation,
): Promise<Made & { readonly files: string }> {
  const given = treated(join(base, String(++count)), perturbation?.reverse === true);
  settle(given.files);
  perturbation?.perturb?.(given.files);
  if (perturbation !== undefined && !times.has(perturbation.what)) settle(given.files);
  const { before = [], env = {} } = perturbation ?? {};
  return { ...(await made({ ...given, before, env })), files: given.files };
}

/** What is in a directory: type, content and whether its owner may run it, by path. */
function contents(directory: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const path = join(directory, name);
    const info = lstatSync(path);
    if (info.isSymbolicLink()) found.set(name, `link ${readlinkSync(path)}`);
    else if (info.isDirectory()) found.set(name, "directory");
    else found.set(name, `${(info.mode & 0o100) === 0 ? "file" : "program"} ${readFileSync(path).toString("base64")}`);
  }
  return found;
}

/** Paths of the files that a layer has not, or has otherwise. */
function lostIn(made: Made & { readonly files: string }): readonly string[] {
  const [before, after] = [contents(made.files), contents(unpack(made, join(base, "unpacked")))];
  return [...before].filter(([path, what]) => after.get(path) !== what).map(([path]) => path);
}

function cell(one: string | undefined, other: string | undefined): Cell {
  if (one === undefined || other === undefined) return "–";
  return one === other ? "same" : "differs";
}

async function measure(): Promise<Board> {
  const all = contenders(privileged);
  const able = all.filter(({ lacking }) => lacking === undefined);
  const skipped = all.flatMap(({ name, lacking }) => (lacking === undefined ? [] : [`${name}: ${lacking}`]));
  const known = new Map(perturbations(base).map((perturbation) => [perturbation.what, perturbation]));
  const references = await Promise.all(able.map((contender) => make(contender)));
  const lost = references.map(lostIn);
  const rows: Row[] = [];
  for (const what of eleven) {
    const perturbation = known.get(what);
    if (perturbation === undefined) throw new Error(`there is no treatment "${what}"`);
    if (perturbation.skip === true) {
      skipped.push(`${what}: this machine cannot do it`);
      continue;
    }
    process.stderr.write(`${what}\n`);
    const [layers, images]: [Cell[], Cell[]] = [[], []];
    for (const [index, contender] of able.entries()) {
      const made = await make(contender, perturbation);
      layers.push(cell(references[index]?.layer, made.layer));
      images.push(cell(references[index]?.image, made.image));
    }
    rows.push({ what: what.replace(/ \(needs.*/, ""), layers, images });
  }
  return { contenders: able.map(({ name }) => name), rows, lost, skipped };
}

try {
  const board = await measure();
  const markdown = boardMarkdown(board);
  process.stdout.write(markdown);
  const [option, path] = process.argv.slice(2);
  if (option === "--write" && path !== undefined)
    writeReport(path, replaceMarked(readFileSync(path, "utf8"), markdown.trimEnd(), marker));
  if (!isFull(board)) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(base, { recursive: true, force: true });
}
