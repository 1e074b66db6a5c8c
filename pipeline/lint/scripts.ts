/** Finds the shell scripts in files of other kinds: RUN instructions, steps of workflows, scripts of package.json. */
import { type Dockerfile, scriptOf } from "../dockerfile/parser.ts";
import { environments } from "../dockerfile/variables.ts";
import { isOtherScript } from "./kinds.ts";
import { emptyScript, readScript, type Script, ScriptReader, type Setting } from "./shell/script.ts";
import { type Slice, SliceBuilder } from "../dockerfile/text.ts";
import { entries, get, items, maps, type Node, scalar, scalars, textOf } from "../dockerfile/tree.ts";

const posixShell = /^(?:\S*\/)?(?:ba|da|a|k|z)?sh$/;

/** The scripts of RUN. What CMD and ENTRYPOINT run decides nothing about the image. */
export function dockerfileScripts(text: string, file: Dockerfile): readonly Script[] {
  const variables = environments(file);
  const none: ReadonlyMap<string, string | undefined> = new Map();
  /** Whether the stage was told to use a shell that is not read. */
  let foreign = false;
  return file.instructions.flatMap((instruction) => {
    const { keyword, json } = instruction;
    if (keyword === "FROM" && !instruction.onbuild)
      foreign = /windows|nanoserver|servercore/i.test(instruction.body.text);
    if (keyword === "SHELL") foreign = !posixShell.test(json?.[0]?.text ?? "");
    if (keyword !== "RUN") return [];
    const run = { instruction, file };
    const setting: Setting = {
      text,
      kind: "dockerfile",
      editable: true,
      run,
      variables: variables.get(instruction) ?? none,
    };
    if (json !== undefined) {
      const script = emptyScript(setting, instruction.body);
      new ScriptReader(script).exec(json.map(({ slice }) => slice));
      return [script];
    }
    if (foreign) return [];
    const slice = scriptOf(instruction);
    return isOtherScript(slice.text) ? [] : [readScript(slice, setting)];
  });
}

/** Expressions of GitHub become a variable of the same length, which is what a shell sees in their place: something unknown. */
function withoutExpressions(slice: Slice): Slice {
  const text = slice.text.replaceAll(/\$\{\{[^]*?\}\}/g, (written) => `\${${"_".repeat(written.length - 3)}}`);
  return { text, origin: slice.origin };
}

function variablesOf(...nodes: readonly (Node | undefined)[]): ReadonlyMap<string, string | undefined> {
  return new Map(nodes.flatMap((node) => entries(node).map(({ key, value }) => [key, textOf(value)] as const)));
}

/** The `run` steps of a workflow or of an action, as far as a shell runs them. */
export function workflowScripts(text: string, file: Node): readonly Script[] {
  const jobs = entries(get(file, "jobs")).map(({ value }) => value);
  const groups = [
    ...jobs.map((job) => ({ job, steps: items(get(job, "steps")) })),
    { job: undefined, steps: items(get(file, "runs", "steps")) },
  ];
  return groups.flatMap(({ job, steps }) =>
    steps.flatMap((step) => {
      const run = scalar(get(step, "run"));
      const shell = textOf(
        get(step, "shell") ?? get(job, "defaults", "run", "shell") ?? get(file, "defaults", "run", "shell"),
      );
      const windows = scalars(get(job, "runs-on")).some((runner) => /windows/i.test(runner.text));
      if (run === undefined || (shell === undefined ? windows : !posixShell.test(shell.split(" ")[0] ?? ""))) return [];
      const variables = variablesOf(get(file, "env"), get(job, "env"), get(step, "env"));
      return [readScript(withoutExpressions(run.slice), { text, kind: "workflow", editable: run.editable, variables })];
    }),
  );
}

/** The lines of `script` and its like of a GitLab job are one script each. */
export function gitlabScripts(text: string, file: Node): readonly Script[] {
  return [file, ...entries(file).map(({ value }) => value)].flatMap((job) =>
    ["before_script", "script", "after_script"].flatMap((key) => {
      const lines = scalars(get(job, key));
      if (lines.length === 0) return [];
      const builder = new SliceBuilder();
      for (const line of lines) {
        builder.addSlice(line.slice);
        builder.add("\n", line.end);
      }
      const variables = variablesOf(get(file, "variables"), get(job, "variables"));
      const editable = lines.every((line) => line.editable);
      return [readScript(builder.build(), { text, kind: "workflow", editable, variables })];
    }),
  );
}

/** The `script` of the steps of Tekton tasks. */
export function tektonScripts(text: string, file: Node): readonly Script[] {
  return [...maps(file)].flatMap(({ node }) =>
    [...items(get(node, "steps")), ...items(get(node, "sidecars"))].flatMap((step) => {
      const script = scalar(get(step, "script"));
      if (script === undefined || isOtherScript(script.text)) return [];
      // `$(params.name)` is put in before a shell sees it.
      const plain = script.slice.text.replaceAll(
        /\$\([a-zA-Z][\w-]*\.[\w.[\]"'*-]*\)/g,
        (written) => `\${${"_".repeat(written.length - 3)}}`,
      );
      return [
        readScript(
          { text: plain, origin: script.slice.origin },
          { text, kind: "workflow", editable: script.editable, variables: new Map() },
        ),
      ];
    }),
  );
}

/** The scripts of package.json. */
export function packageScripts(text: string, file: Node): readonly Script[] {
  return entries(get(file, "scripts")).flatMap(({ value }) => {
    const script = scalar(value);
    return script === undefined
      ? []
      : [readScript(script.slice, { text, kind: "package", editable: true, variables: new Map() })];
  });
}
