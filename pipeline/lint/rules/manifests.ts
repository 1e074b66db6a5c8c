/** Rules about Kubernetes manifests and compose files. */
import { isPinned } from "../image-reference.ts";
import type { Found, Rule } from "../rule.ts";
import { entries, get, items, maps, type Node, scalar } from "../../dockerfile/tree.ts";
import { found } from "./tools.ts";

const digest = `sha256:${"0".repeat(64)}`;

function image(node: Node | undefined): readonly Found[] {
  const value = scalar(node);
  return value === undefined || value.text === "" || /\$[{(A-Z]|\{\{/.test(value.text) || isPinned(value.text)
    ? []
    : [found(value, `${value.text} is another image when its tag is published again`)];
}

export const manifestRules: readonly Rule[] = [
  {
    id: "LK5101",
    title: "image without a digest in a compose file",
    severity: "warning",
    rows: ["I10", "I11"],
    why: "Every machine runs what it pulled under that tag, some time ago or today.",
    remedy: "Name the image by digest.",
    example: {
      file: "compose.yaml",
      bad: "services:\n  db:\n    image: registry.example/postgres:18\n",
      good: `services:\n  db:\n    image: registry.example/postgres:18@${digest}\n`,
    },
    on: "compose",
    check: (file) =>
      entries(get(file, "services")).flatMap(({ value }) =>
        // What is built here has its tag from here.
        get(value, "build") === undefined ? image(get(value, "image")) : [],
      ),
  },
  {
    id: "LK5102",
    title: "image without a digest in a manifest",
    severity: "warning",
    rows: ["I10", "I11"],
    why: "Two nodes run two images under one tag, and a rollback rolls back to another one.",
    remedy: "Name the image by digest; `lockstep render` writes such manifests.",
    example: {
      file: "pod.yaml",
      bad: "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - { name: app, image: registry.example/app:1.2 }\n",
      good: `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - { name: app, image: "registry.example/app:1.2@${digest}" }\n`,
    },
    on: "kubernetes",
    check: (file) =>
      [...maps(file)].flatMap(({ node }) =>
        ["containers", "initContainers", "ephemeralContainers"].flatMap((key) =>
          items(get(node, key)).flatMap((container) => image(get(container, "image"))),
        ),
      ),
  },
];
