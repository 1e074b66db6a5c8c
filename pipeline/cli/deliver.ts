/** `lockstep deliver`: moves the branch that Argo CD or Flux follows to the commit that is checked out, when its images are there. */
import { resolve } from "node:path";
import { openRepository } from "../build/repository.ts";
import { branchReference } from "../deliver/branch.ts";
import { type Delivered, deliver, followed } from "../deliver/deliver.ts";
import { imagesOf, readModel, renderTree } from "../deliver/delivery.ts";
import { type Attestations, trustedKeys } from "../deliver/gate.ts";
import { Delivering, readAuthorization, remoteAt } from "../deliver/remote.ts";
import type { Trusted } from "../evidence/verify.ts";
import { formatProblem, LockstepError } from "../host/errors.ts";
import { buildAll } from "./build.ts";
import {
  collect,
  type CommandModule,
  type Context,
  namedPath,
  outputDirectory,
  shownSigner,
  texts,
} from "./command.ts";
import type { DeliverDocument } from "./documents/deliver.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .requiredOption("--branch <name>", "the branch to move")
    .option("--remote <address>", "the repository that has it (usually that of manifests/delivery.yaml)")
    .option("--attestations <directory>", "want a statement about each image that holds, from this directory")
    .option("--key <file>", "a public key to trust for it; may be there several times (usually your own)", collect)
    .option("--trusted-root <file>", "what the statement of an identity has to verify with")
    .option("--signer <subject>", "the identity to trust for it, exactly as certificates have it")
    .option("--issuer <address>", "who vouches for the identity")
    .option("--token <file>", "a token for the remote (usually LOCKSTEP_GIT_TOKEN, or what git knows)")
    .option("--dry-run", "look at everything, and move nothing")
    .option("-o, --out <directory>", "where layouts go (usually out/images in the repository)");
};

export const examples: CommandModule["examples"] = [
  "lockstep deliver --branch delivered",
  "lockstep deliver --branch delivered --attestations out/attestations",
  "lockstep deliver --branch delivered --dry-run --json",
];

type Options = Readonly<Record<string, unknown>>;

/** The identity that is trusted, when its three options are there. LS1002 for some of them. */
async function identityOf(context: Context, options: Options): Promise<Trusted["keyless"]> {
  const { signer: subject, issuer } = options;
  const file = namedPath(context, options["trustedRoot"]);
  if (file === undefined && subject === undefined && issuer === undefined) return undefined;
  if (file === undefined || typeof subject !== "string" || typeof issuer !== "string") {
    throw new LockstepError({
      code: "LS1002",
      message: "to trust an identity takes --trusted-root, --signer and --issuer",
      hint: "without any of them keys are trusted",
    });
  }
  const { readTrustedRoot } = await import("../evidence/trusted-root.ts");
  return { root: await readTrustedRoot(file), identities: [{ subject, issuer }] };
}

async function attestationsOf(context: Context, options: Options): Promise<Attestations | undefined> {
  const directory = namedPath(context, options["attestations"]);
  const files = texts(options["key"]).map((file) => resolve(context.host.cwd, file));
  const keyless = await identityOf(context, options);
  if (directory !== undefined) {
    // Whoever names an identity does not mean the key of this machine as well.
    const keys = keyless !== undefined && files.length === 0 ? [] : await trustedKeys(context.host, files);
    return { directory, keys, ...(keyless === undefined ? {} : { keyless }) };
  }
  if (files.length === 0 && keyless === undefined) return undefined;
  throw new LockstepError({
    code: "LS1002",
    message: "it is said whose attestations are trusted, and no attestations are asked for",
    hint: "name their directory with --attestations",
  });
}

function shown({ outcome, commit, before, images, problems }: Delivered, remote: string, branch: string): string {
  const gate = images.map(({ reference, published, signer, issuer }) => {
    const statement = signer === undefined ? "" : `, attested by ${shownSigner(signer, issuer)}`;
    return `${reference}  ${published ? "published" : "not as it was built"}${statement}\n`;
  });
  const where = `${branch} of ${remote}`;
  const way = before === undefined ? `new, at ${commit}` : `from ${before} to ${commit}`;
  const last = {
    moved: `moved ${where}: ${way}\n`,
    "would-move": `would move ${where}: ${way}\n`,
    current: `nothing to do: ${where} is at ${commit}\n`,
    refused: `${where} is left as it is\n`,
  }[outcome];
  return [...gate, ...problems.map((problem) => `problem ${formatProblem(problem)}\n`), last].join("");
}

export const run: CommandModule["run"] = async (context, options) => {
  const { host, report, root, signal } = context;
  const reference = branchReference(String(options["branch"]));
  const model = await readModel(await openRepository(context.store, root));
  if (model === undefined) {
    throw new LockstepError({
      code: "LS7013",
      message: "there is nothing to deliver",
      place: { file: "manifests/delivery.yaml" },
      hint: "say in it where images and the repository are; see docs/deliver.md",
    });
  }
  const { settings } = model;
  const remote = remoteAt(typeof options["remote"] === "string" ? options["remote"] : settings.repository.url);
  const authorization = await readAuthorization(host, remote, namedPath(context, options["token"]));
  const attestations = await attestationsOf(context, options);
  const follows = followed(settings);
  if (follows !== undefined && follows !== reference)
    report.warn(`manifests/delivery.yaml has Argo CD or Flux follow ${follows}, and ${reference} is delivered`);
  const { images } = await buildAll(context, imagesOf(model), outputDirectory(context, options, "out/images"));
  const git = new Delivering(host, root, signal, remote, authorization);
  const dryRun = options["dryRun"] === true;
  const delivering = { host, report, signal, attestations, root, git, reference, dryRun };
  const delivered = await deliver(delivering, renderTree(model, images), images);
  const { outcome, commit, before, problems } = delivered;
  const result: DeliverDocument = {
    outcome,
    remote: remote.url,
    branch: reference,
    commit,
    ...(before === undefined ? {} : { before }),
    ...(follows === undefined ? {} : { followed: follows }),
    images: delivered.images.map(({ image, reference: name, index, published, signer, issuer }) => ({
      image,
      reference: name,
      digest: index.digest,
      size: index.size,
      published,
      ...(signer === undefined ? {} : { signer }),
      ...(issuer === undefined ? {} : { issuer }),
    })),
    problems,
  };
  const exit = problems.length === 0 ? 0 : new LockstepError(problems).exitCode;
  return { exit, result, text: shown(delivered, remote.url, reference) };
};
