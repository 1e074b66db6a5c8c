/** `lockstep ship`: the whole road, from the lock to rendered manifests; does only what is not done yet. */
import { resolve } from "node:path";
import type { BuiltImage } from "../build/build.ts";
import { scriptWarnings } from "../build/scripts-check.ts";
import { imagesOf, readModel, renderTree } from "../deliver/delivery.ts";
import { writeRendered } from "../deliver/tree.ts";
import { attestImages } from "../evidence/record.ts";
import { formatProblem } from "../host/errors.ts";
import { humanBytes } from "../report/format.ts";
import { table } from "../report/table.ts";
import type { Verdict } from "../verify/judge.ts";
import { verifyImages } from "../verify/verify.ts";
import { buildAll, describeImage } from "./build.ts";
import { type CommandModule, outputDirectory, shown } from "./command.ts";
import { describeVerdict, exitOf } from "./verify.ts";
import type { ShipDocument } from "./documents/build.ts";

export const define: CommandModule["define"] = (command) => {
  command.option("-o, --out <directory>", "where layouts, SBOMs and attestations go (usually out in the repository)");
};

export const examples: CommandModule["examples"] = ["lockstep ship", "lockstep ship --json"];

function summary(images: readonly BuiltImage[], verdicts: readonly Verdict[]): string {
  const rows = images.flatMap(({ image, platforms }) => {
    const verdict = verdicts.find((item) => item.image === image)?.verdict;
    const reproduced = verdict === "reproduced" ? "yes" : verdict === "differs" ? "no" : "unknown";
    return platforms.map((built) => ({ image, built, reproduced }));
  });
  return table(rows, [
    { title: "image", value: ({ image }) => image },
    { title: "platform", value: ({ built }) => built.platform },
    { title: "digest", value: ({ built }) => built.manifest.descriptor.digest },
    { title: "size", value: ({ built }) => humanBytes(built.size), align: "right" },
    { title: "packages", value: ({ built }) => String(built.packages), align: "right" },
    { title: "reproduced", value: ({ reproduced }) => reproduced },
    { title: "seconds", value: ({ built }) => (built.duration / 1000).toFixed(2), align: "right" },
  ]);
}

/** What manifests and statements name: the digest over all platforms. */
function indexes(images: readonly BuiltImage[]): string {
  return table(images, [
    { title: "image", value: ({ image }) => image },
    { title: "index of all platforms", value: ({ index }) => index.descriptor.digest },
  ]);
}

export const run: CommandModule["run"] = async (context, options) => {
  const { host, store, report, root, signal } = context;
  const out = outputDirectory(context, options, "out");
  const directories = {
    images: resolve(out, "images"),
    sboms: resolve(out, "sbom"),
    attestations: resolve(out, "attestations"),
  };
  const { repository, planned, images } = await buildAll(context, [], directories.images);
  const verdicts = await verifyImages(host, store, report, images, { root, planned, again: false, signal });
  const differing = verdicts.filter(({ verdict }) => verdict !== "reproduced");
  const described = images.map(describeImage);
  if (differing.length > 0) {
    // Nothing is signed or rendered about images that do not come out the same again.
    return {
      exit: exitOf(verdicts),
      result: { images: described, verdicts } satisfies ShipDocument,
      text: `${summary(images, verdicts)}\n${differing.map(describeVerdict).join("")}`,
    };
  }
  const attested = await attestImages(host, repository, planned, images, directories);
  const model = await readModel(repository);
  const wanted = imagesOf(model);
  const files = renderTree(
    model,
    images.filter(({ image }) => wanted.includes(image)),
  );
  const rendered = await writeRendered(host, root, files);
  const nothingToDo =
    images.every(({ unchanged, platforms }) => unchanged && platforms.every(({ cached }) => cached)) &&
    verdicts.every(({ known }) => known) &&
    attested.every(({ reused }) => reused) &&
    rendered.written.length + rendered.removed.length === 0;
  const places = [
    ["layouts", directories.images],
    ["SBOMs", directories.sboms],
    ["attestations", directories.attestations],
    ...(model === undefined ? [] : [["manifests", resolve(root, "manifests/rendered")]]),
  ].map(([what = "", path = ""]) => `${what.padEnd(13)} ${shown(context, path)}\n`);
  for (const problem of scriptWarnings(images)) report.warn(formatProblem(problem));
  const commit =
    rendered.written.length + rendered.removed.length > 0
      ? "\nthe rendered manifests changed: commit them; `lockstep render --message -` has the text of the commit\n"
      : "";
  const idle = nothingToDo ? "\nnothing changed: no work was done\n" : "";
  return {
    exit: 0,
    result: {
      unchanged: nothingToDo,
      images: described,
      verdicts,
      attestations: attested,
      rendered,
    } satisfies ShipDocument,
    text: `${summary(images, verdicts)}\n${indexes(images)}\n${places.join("")}${commit}${idle}`,
  };
};
