/** What goes into the commit of a rendered tree: what the last commit delivers, what is known of the images now, and the message. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuiltImage } from "../build/build.ts";
import { LockstepError } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { localGit } from "../source/git/local.ts";
import type { Store } from "../store/store.ts";
import { knownVerdict } from "../verify/known.ts";
import { type RecordedImage, recordedImages } from "../verify/recorded.ts";
import { readWaivers } from "../verify/waivers/read.ts";
import { commitMessage } from "./commit-message.ts";
import { type RenderedFile, renderedDirectory } from "./model.ts";
import { filesOfTree } from "./tree.ts";

/** What is asked for a message. */
interface CommitRun {
  readonly host: Host;
  readonly store: Store;
  /** The repository's root directory. */
  readonly root: string;
  readonly signal: AbortSignal;
}

/** Lines of manifests that name images. */
const imageLines = "^[[:space:]]*(-[[:space:]]+)?image:";

async function deliveredOnDisk(root: string): Promise<readonly RecordedImage[]> {
  const texts = (await filesOfTree(root)).map((path) => readFile(join(root, path), "utf8"));
  return (await Promise.all(texts)).flatMap(recordedImages);
}

/**
 * The images that the rendered tree of the last commit names: that is what a new commit differs from, however often the tree was rendered
 * since. Where nothing is under Git, what is on disk. LS7105 when Git cannot say it, LS7104 as for `writeRendered`.
 */
async function deliveredBefore(host: Host, root: string, signal: AbortSignal): Promise<readonly RecordedImage[]> {
  // A clone may lack blobs that it would fetch; rendering uses no network.
  const variables = { GIT_NO_LAZY_FETCH: "1" };
  const head = await localGit(host, root, ["rev-parse", "--verify", "--quiet", "HEAD"], signal, variables);
  if (head === undefined || (head.code !== 0 && head.stderr.includes("not a git repository")))
    return deliveredOnDisk(root);
  // No commit yet.
  if (head.code === 1) return [];
  const settings = ["--no-color", "--no-line-number", "--no-column", "--no-recurse-submodules", "--no-textconv"];
  const pattern = ["-h", "-a", "-E", "-e", imageLines, "HEAD", "--", `${renderedDirectory}/`];
  const said =
    head.code === 0 ? await localGit(host, root, ["grep", ...settings, ...pattern], signal, variables) : head;
  // A file that it cannot read is told, and left out of what is found.
  const failed = said === undefined || !(said.code === 0 || said.code === 1) || /^(?:error|fatal):/m.test(said.stderr);
  if (!failed) return recordedImages(said.stdout.toString("utf8"));
  throw new LockstepError({
    code: "LS7105",
    message: `Git does not say what the last commit delivers: ${said?.stderr ?? "it is not on PATH any more"}`,
    place: { file: renderedDirectory },
    hint: "`git log -1` in the repository must work",
  });
}

/**
 * The message for the commit of the files that were rendered of these images; to be asked for before the tree is written. Throws what
 * `readWaivers` throws, LS7104 and LS7105.
 */
export async function messageOfCommit(
  { host, store, root, signal }: CommitRun,
  files: readonly RenderedFile[],
  images: readonly BuiltImage[],
): Promise<string> {
  const [before, waivers, verdicts] = await Promise.all([
    deliveredBefore(host, root, signal),
    readWaivers(root),
    Promise.all(images.map((image) => knownVerdict(store, image))),
  ]);
  return commitMessage({
    before,
    after: files.flatMap(({ text }) => recordedImages(text)),
    reproduced: new Set(verdicts.flatMap((verdict) => (verdict?.verdict === "reproduced" ? [verdict.image] : []))),
    waivers,
  });
}
