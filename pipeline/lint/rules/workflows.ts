/** Rules about workflows of GitHub, and pipelines of GitLab and Tekton. */
import { isPinned } from "../image-reference.ts";
import type { Found, Rule } from "../rule.ts";
import { entries, get, items, maps, type Node, type Scalar, scalar, scalars, textOf } from "../../dockerfile/tree.ts";
import { found } from "./tools.ts";

const commit = "0123456789".repeat(4);
const digest = `sha256:${"0".repeat(64)}`;

function workflow(step: string): string {
  return `on: push\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n${step}`;
}

function jobs(file: Node): readonly Node[] {
  return entries(get(file, "jobs")).map(({ value }) => value);
}

/** Steps of a workflow, or of an action of its own. */
function steps(file: Node): readonly Node[] {
  return [...jobs(file).flatMap((job) => items(get(job, "steps"))), ...items(get(file, "runs", "steps"))];
}

function uses(file: Node): readonly Scalar[] {
  return [...jobs(file), ...steps(file)].flatMap((node) => scalar(get(node, "uses")) ?? []);
}

/** Images under a key, without those that only the run knows. */
function unpinned(nodes: readonly (Node | undefined)[]): readonly Found[] {
  return nodes.flatMap((node) => {
    const image = scalar(node);
    const known = image !== undefined && image.text !== "" && !/\$[({A-Z]/.test(image.text);
    return !known || isPinned(image.text.replace(/^docker:\/\//, ""))
      ? []
      : [found(image, `${image.text} is another image when its tag is published again`)];
  });
}

/** `image: x` and `image: { name: x }`. */
function imageOf(node: Node | undefined): Node | undefined {
  return node?.kind === "map" ? (get(node, "name") ?? get(node, "image")) : node;
}

export const workflowRules: readonly Rule[] = [
  {
    id: "LK5001",
    title: "action by tag or branch",
    severity: "error",
    rows: ["E14", "X4"],
    why: "Whoever can move the tag decides what runs in your build, with your secrets.",
    remedy: "Name the commit by its full id, and the version in a comment.",
    example: {
      file: ".github/workflows/build.yml",
      bad: workflow("      - uses: example/checkout@v5\n"),
      good: workflow(`      - uses: example/checkout@${commit} # v5.0.0\n`),
    },
    on: "workflow",
    check: (file) =>
      uses(file).flatMap((use) =>
        /^\.{1,2}\/|^docker:|^\$\{\{/.test(use.text) || /@[0-9a-f]{40}$/.test(use.text)
          ? []
          : [found(use, `${use.text} is what its tag or branch points to`)],
      ),
  },
  {
    id: "LK5002",
    title: "image without a digest in a workflow",
    severity: "warning",
    rows: ["I10", "I11", "E14"],
    why: "The job runs in whatever image the tag means today.",
    remedy: "Name the image by digest.",
    example: {
      file: ".github/workflows/build.yml",
      bad: workflow("      - uses: docker://registry.example/tool:1.2\n"),
      good: workflow(`      - uses: docker://registry.example/tool@${digest}\n`),
    },
    on: "workflow",
    check: (file) =>
      unpinned([
        ...uses(file).filter(({ text }) => text.startsWith("docker://")),
        ...jobs(file).flatMap((job) => [
          imageOf(get(job, "container")),
          ...entries(get(job, "services")).map(({ value }) => imageOf(value)),
        ]),
        ...(textOf(get(file, "runs", "image"))?.startsWith("docker:") === true ? [get(file, "runs", "image")] : []),
      ]),
  },
  {
    id: "LK5003",
    title: "runner that moves",
    severity: "warning",
    rows: ["E14"],
    why: "`-latest` is another operating system from one day to the next.",
    remedy: "Name the version: `ubuntu-24.04`.",
    example: {
      file: ".github/workflows/build.yml",
      bad: "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps: []\n",
      good: "on: push\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps: []\n",
    },
    on: "workflow",
    check: (file) =>
      jobs(file).flatMap((job) =>
        scalars(get(job, "runs-on")).flatMap((runner) =>
          /-latest(?:-|$)/.test(runner.text)
            ? [found(runner, `${runner.text} is another system from one day to the next`)]
            : [],
        ),
      ),
  },
  {
    id: "LK5004",
    title: "tool without an exact version in a workflow",
    severity: "warning",
    rows: ["E14", "L4"],
    why: "`20`, `3.x` or `lts/*` is the newest of its kind on the day of the run.",
    remedy: "Name the exact version, or let the action read it from a file of the repository.",
    example: {
      file: ".github/workflows/build.yml",
      bad: workflow(`      - uses: example/setup-node@${commit}\n        with: { node-version: 24 }\n`),
      good: workflow(`      - uses: example/setup-node@${commit}\n        with: { node-version: 24.11.1 }\n`),
    },
    on: "workflow",
    check: (file) =>
      steps(file).flatMap((step) =>
        /setup|install|toolchain/.test(textOf(get(step, "uses")) ?? "")
          ? entries(get(step, "with")).flatMap(({ key, value }) =>
              /(?:^|-)version$|^toolchain$/.test(key)
                ? scalars(value).flatMap((version) =>
                    /\d+\.\d+\.\d+|^\d+\.\d+-|\$\{\{|^$|^[0-9a-f]{7,}$/.test(version.text)
                      ? []
                      : [found(version, `${key} ${version.text} is the newest of its kind`)],
                  )
                : [],
            )
          : [],
      ),
  },
  {
    id: "LK5005",
    title: "cache that does not depend on its inputs",
    severity: "warning",
    rows: ["X1", "X16"],
    why: "A key without a hash of the inputs gives every run what some earlier run left.",
    remedy: "Put `${{ hashFiles('**/package-lock.json') }}` or the like into the key.",
    example: {
      file: ".github/workflows/build.yml",
      bad: workflow(`      - uses: example/cache@${commit}\n        with: { path: deps, key: deps-v1 }\n`),
      good: workflow(
        `      - uses: example/cache@${commit}\n        with: { path: deps, key: "deps-\${{ hashFiles('lock') }}" }\n`,
      ),
    },
    on: "workflow",
    check: (file) =>
      steps(file).flatMap((step) => {
        const key = scalar(get(step, "with", "key"));
        const cache = /(?:^|\/)cache(?:\/(?:restore|save))?@/.test(textOf(get(step, "uses")) ?? "");
        return !cache || key === undefined || /hashFiles|github\.sha|outputs\./.test(key.text)
          ? []
          : [found(key, "the key does not depend on what is cached")];
      }),
  },
  {
    id: "LK5006",
    title: "number of the run in the build",
    severity: "warning",
    rows: ["E3", "I2", "V5"],
    why: "Run number, attempt and runner are others at every run, so what is built from them never comes out again.",
    remedy: "Use the commit, `github.sha`. What run it was belongs in the provenance.",
    example: {
      file: ".github/workflows/build.yml",
      bad: workflow('      - run: ./build.sh "${{ github.run_number }}"\n'),
      good: workflow('      - run: ./build.sh "${{ github.sha }}"\n'),
    },
    on: "workflow",
    check: (file) =>
      steps(file).flatMap((step) =>
        [
          get(step, "run"),
          get(step, "with", "build-args"),
          ...entries(get(step, "env")).map(({ value }) => value),
        ].flatMap((node) => {
          const value = scalar(node);
          const name = /\$\{\{[^}]*\b(github\.run_(?:id|number|attempt)|runner\.name)\b/.exec(value?.text ?? "")?.[1];
          return value === undefined || name === undefined ? [] : [found(value, `${name} is another one at every run`)];
        }),
      ),
  },
  {
    id: "LK5007",
    title: "image without a digest in a GitLab pipeline",
    severity: "warning",
    rows: ["I10", "I11", "E14"],
    why: "The job runs in whatever image the tag means today.",
    remedy: "Name the image by digest.",
    example: {
      file: ".gitlab-ci.yml",
      bad: "build:\n  image: registry.example/build:1.2\n  script: [./build.sh]\n",
      good: `build:\n  image: registry.example/build@${digest}\n  script: [./build.sh]\n`,
    },
    on: "gitlab",
    check: (file) =>
      unpinned(
        [file, ...entries(file).map(({ value }) => value)].flatMap((job) => [
          imageOf(get(job, "image")),
          ...items(get(job, "services")).map(imageOf),
        ]),
      ),
  },
  {
    id: "LK5008",
    title: "included pipeline that moves",
    severity: "error",
    rows: ["E14", "X4"],
    why: "A branch of another project, or an address, decides what your pipeline does.",
    remedy: "Name the commit: `ref: <full id>`; a `remote` also takes `integrity`.",
    example: {
      file: ".gitlab-ci.yml",
      bad: "include:\n  - project: group/templates\n    ref: main\n    file: build.yml\n",
      good: `include:\n  - project: group/templates\n    ref: ${commit}\n    file: build.yml\n`,
    },
    on: "gitlab",
    check: (file) => {
      const include = get(file, "include");
      return (include?.kind === "map" ? [include] : items(include)).flatMap((each) => {
        if (get(each, "remote") !== undefined && get(each, "integrity") === undefined)
          return [found(get(each, "remote") ?? each, "the pipeline is what the server sends")];
        if (get(each, "project") === undefined) return [];
        const ref = scalar(get(each, "ref"));
        return ref !== undefined && /^[0-9a-f]{40}$|\$/.test(ref.text)
          ? []
          : [found(ref ?? each, "the pipeline is what the branch points to")];
      });
    },
  },
  {
    id: "LK5009",
    title: "image without a digest in a Tekton task",
    severity: "warning",
    rows: ["I10", "I11", "E14"],
    why: "The step runs in whatever image the tag means today.",
    remedy: "Name the image by digest.",
    example: {
      file: "task.yaml",
      bad: "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n    - { name: build, image: registry.example/build:1.2 }\n",
      good: `apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n    - { name: build, image: "registry.example/build@${digest}" }\n`,
    },
    on: "tekton",
    check: (file) =>
      [...maps(file)].flatMap(({ node }) =>
        unpinned(
          [...items(get(node, "steps")), ...items(get(node, "sidecars")), get(node, "stepTemplate")].map((step) =>
            get(step, "image"),
          ),
        ),
      ),
  },
  {
    id: "LK5010",
    title: "remote task or pipeline that moves",
    severity: "error",
    rows: ["E14", "X4"],
    why: "A bundle by tag or a branch of a repository decides what your pipeline does.",
    remedy: "Name the bundle by digest, and the revision by commit.",
    example: {
      file: "pipeline.yaml",
      bad: "apiVersion: tekton.dev/v1\nkind: Pipeline\nspec:\n  tasks:\n    - name: build\n      taskRef:\n        resolver: git\n        params: [{ name: revision, value: main }]\n",
      good: `apiVersion: tekton.dev/v1\nkind: Pipeline\nspec:\n  tasks:\n    - name: build\n      taskRef:\n        resolver: git\n        params: [{ name: revision, value: "${commit}" }]\n`,
    },
    on: "tekton",
    check: (file) =>
      [...maps(file)].flatMap(({ key, node }) => {
        if (!/^(?:task|pipeline|step|action)Ref$|^ref$/.test(key)) return [];
        const resolver = textOf(get(node, "resolver"));
        return items(get(node, "params")).flatMap((param) => {
          const name = textOf(get(param, "name"));
          const value = scalar(get(param, "value"));
          if (value === undefined || /\$\(/.test(value.text)) return [];
          const moves =
            (resolver === "git" && name === "revision" && !/^[0-9a-f]{40}$/.test(value.text)) ||
            (resolver === "bundles" && name === "bundle" && !isPinned(value.text));
          return moves ? [found(value, `${value.text} is another one when it is published again`)] : [];
        });
      }),
  },
];
