/** `lockstep attest`: signs what is known of each image, rebuilding first so that the statement can say whether it was reproduced. */
import { resolve } from "node:path";
import { attestImages } from "../evidence/record.ts";
import type { Sign } from "../evidence/sign.ts";
import { LockstepError } from "../host/errors.ts";
import { verifyImages } from "../verify/verify.ts";
import { buildAll } from "./build.ts";
import { type CommandModule, type Context, namedPath, outputDirectory, shown, shownSigner } from "./command.ts";
import { describeVerdict, exitOf } from "./verify.ts";
import type { AttestDocument } from "./documents/build.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[image...]", "images to attest; all when none is named")
    .option("--signing-config <file>", "sign as an identity, with the services that this file names")
    .option("--trusted-root <file>", "what such a signature has to verify with")
    .option("--identity-token <file>", "the identity token; from the environment unless given")
    .option("-o, --out <directory>", "where everything goes (usually out in the repository)");
};

export const examples: CommandModule["examples"] = [
  "lockstep attest",
  "lockstep attest web",
  "lockstep attest --signing-config signing-config.json --trusted-root trusted-root.json",
];

/** Who signs: an identity when its files are named, else nobody said who, and it is the local key. LS1002 when one of the files is missing. */
async function signerOf(context: Context, options: Readonly<Record<string, unknown>>): Promise<Sign | undefined> {
  const [signingConfig, trustedRoot, identityToken] = ["signingConfig", "trustedRoot", "identityToken"].map((name) =>
    namedPath(context, options[name]),
  );
  if (signingConfig === undefined && trustedRoot === undefined && identityToken === undefined) return undefined;
  if (signingConfig === undefined || trustedRoot === undefined) {
    throw new LockstepError({
      code: "LS1002",
      message: "to sign as an identity takes both --signing-config and --trusted-root",
      hint: "without any of them and --identity-token the local key signs",
    });
  }
  const { keylessSigner } = await import("../evidence/keyless.ts");
  const files = { signingConfig, trustedRoot, ...(identityToken === undefined ? {} : { identityToken }) };
  return keylessSigner(context.host, files, context.signal);
}

export const run: CommandModule["run"] = async (context, options, names) => {
  const { host, store, report, root, signal } = context;
  const sign = await signerOf(context, options);
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
  const attested = await attestImages(host, repository, planned, images, directories, sign);
  const text = attested
    .map(
      ({ image, path, signer, issuer }) =>
        `${image}  ${shown(context, path)}  verified, ${shownSigner(signer, issuer)}\n`,
    )
    .join("");
  return { exit: 0, result: { attestations: attested } satisfies AttestDocument, text };
};
