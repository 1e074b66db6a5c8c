/** `lockstep attest`: signs what is known of each image, rebuilding first so that the statement can say whether it was reproduced. */
import { resolve } from "node:path";
import { attestImages } from "../evidence/record.ts";
import { verifyImages } from "../verify/verify.ts";
import { buildAll } from "./build.ts";
import { type CommandModule, outputDirectory, shown } from "./command.ts";
import { describeVerdict, exitOf } from "./verify.ts";
import type { AttestDocument } from "./documents/build.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[image...]", "images to attest; all when none is named")
    .option("-o, --out <directory>", "where everything goes (usually out in the repository)");
};

export const examples: CommandModule["examples"] = ["lockstep attest", "lockstep attest web"];

export const run: CommandModule["run"] = async (context, options, names) => {
  const { host, store, report, root, signal } = context;
  const out = outputDirectory(context, options, "out");
  const { repository, planned, images } = await buildAll(context, names, resolve(out, "images"));
  const verdicts = await verifyImages(host, store, report, images, { root, planned, again: false, signal });
  const differing = verdicts.filter(({ verdict }) => verdict !== "reproduced");
  // Nothing is signed about an image that does not come out the same again.
  if (differing.length > 0)
    return {
      exit: exitOf(verdicts),
      result: { verdicts } satisfies AttestDocument,
      text: differing.map(describeVerdict).join(""),
    };
  const directories = { sboms: resolve(out, "sbom"), attestations: resolve(out, "attestations") };
  const attested = await attestImages(host, repository, planned, images, directories);
  const text = attested
    .map(({ image, path, signer }) => `${image}  ${shown(context, path)}  verified, key ${signer}\n`)
    .join("");
  return { exit: 0, result: { attestations: attested } satisfies AttestDocument, text };
};
