/** `lockstep steps`: what an engine needs to run the steps of images, one build context for each. */
import { join } from "node:path";
import { prepareSteps } from "../build/build.ts";
import { fetchLocked } from "../build/repository.ts";
import { placeOf, withUses } from "../build/step/open.ts";
import { asEver } from "../build/step/surroundings.ts";
import { LockstepError } from "../host/errors.ts";
import { table } from "../report/table.ts";
import { capsuleOption, fetchAll } from "./build.ts";
import { type CommandModule, outputDirectory, shown } from "./command.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("[image...]", "images whose steps are prepared; all when none is named")
    .option("-o, --out <directory>", "where contexts go (usually out/steps in the repository)")
    .option("--again <word>", "prepare what has to be run again for verify, so that an engine runs it for each word")
    .option("--perturb <which>", "what to change for steps that are run again, as verify takes it")
    .option("--capsule <path>", "take every input from this capsule, and nothing from the network")
    .option("--offline", "never touch the network");
};

export const examples: CommandModule["examples"] = ["lockstep steps hello", "lockstep steps --again second --json"];

export const run: CommandModule["run"] = async (context, options, names) => {
  const { host, store, report, signal } = context;
  const out = outputDirectory(context, options, "out/steps");
  const offline = options["offline"] === true;
  const again = typeof options["again"] === "string" ? options["again"] : undefined;
  if (again !== undefined && !/^[A-Za-z0-9-]{1,64}$/.test(again)) {
    const hint = "write letters, digits and hyphens, at most 64";
    throw new LockstepError({ code: "LS1002", message: "--again needs a word", hint });
  }
  const { repository, planned } = await fetchAll(context, names, store, offline, capsuleOption(options));
  const used = withUses(planned).filter((image) => !planned.includes(image));
  await fetchLocked(host, store, report, repository, used, { signal, offline });
  const { perturb } = options;
  const { choosePerturbations } = await import("../verify/perturb/choose.ts");
  const chosen = await choosePerturbations(host, typeof perturb === "string" ? perturb : "usual", store.directory);
  const every = again !== undefined;
  const prepared = await prepareSteps(host, { inputs: store, results: store }, report, planned, { every, signal });
  const { examineSteps } = await import("../verify/perturb/examine-steps.ts");
  // What was never run comes first: the rest is held against it.
  const first = prepared
    .filter(({ made }) => made === undefined)
    .map((step) => ({ step, run: undefined, perturbations: [] }));
  const next = (await examineSteps(host, store, prepared, chosen.steps)).flatMap(({ step, finding }) =>
    finding.kind === "open" ? [{ step, ...finding }] : [],
  );
  const [{ writeContext }, { checkPlan, secretsOf }] = await Promise.all([
    import("../build/step/context.ts"),
    import("../build/step/secrets.ts"),
  ]);
  const steps = [];
  for (const { step, run, perturbations } of [...first, ...next]) {
    const { image, plan } = step.image;
    const place = placeOf(step.image, step.index, run);
    const directory = join(out, place);
    const names = perturbations.map(({ name }) => name);
    const running =
      run === undefined
        ? { nonce: "first", otherwise: asEver }
        : { nonce: `${again ?? ""}-${run}`, otherwise: new Set(names) };
    const layer = plan.layers[step.index];
    const secrets = layer?.kind === "step" ? (layer.command.secrets ?? []) : [];
    if (layer?.kind === "step") checkPlan(await secretsOf(host, layer), plan, layer);
    const notes = await writeContext(host, store, step, directory, running);
    for (const note of notes) report.warn(`${image}: ${note}`);
    const rerun = run === undefined ? "" : `, run again${names.length > 0 ? ` with ${names.join(", ")}` : ""}`;
    const title = `${layer?.title ?? ""}${rerun}`;
    steps.push({ place, image, platform: plan.platform, title, perturbations: names, directory, notes, secrets });
  }
  const text =
    steps.length === 0
      ? "no step is open\n"
      : table(steps, [
          { title: "image", value: ({ image }) => image },
          { title: "platform", value: ({ platform }) => platform },
          { title: "step", value: ({ title }) => title.replace("lockstep: ", "") },
          { title: "context", value: ({ directory }) => shown(context, directory) },
        ]);
  return { exit: 0, result: { steps }, text };
};
