/** What a file is, by its path and its first line. */

export type FileKind =
  | "dockerfile"
  | "script"
  | "spec"
  | "package"
  | "package-lock"
  | "npmrc"
  | "requirements"
  | "workflow"
  | "gitlab"
  | "compose"
  | "manifest";

const yaml = /\.ya?ml$/;

/** `Dockerfile`, `Dockerfile.prod`, `prod.dockerfile`; not sources of programs that are about Dockerfiles, nor templates. */
function isDockerfile(name: string): boolean {
  if (/\.(?:dockerfile|containerfile)$/i.test(name)) return true;
  if (/^(?:dockerfile|containerfile)$/i.test(name)) return true;
  return (
    /^(?:Dockerfile|Containerfile)[.-][\w.-]+$/.test(name) &&
    !/\.(?:dockerignore|[cm]?[jt]sx?|go|py|rb|rs|md|txt|json|ya?ml|toml|j2|tmpl|tpl|erb)$/.test(name)
  );
}

/** By the path alone; `perhaps` means that the first line tells whether it is a script. */
export function kindOfPath(path: string): FileKind | "perhaps" | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isDockerfile(name)) return "dockerfile";
  if (/^images\/[^/]+\/image\.yaml$/.test(path)) return "spec";
  if (name === "package.json") return "package";
  if (name === "package-lock.json" || name === "npm-shrinkwrap.json") return "package-lock";
  if (name === ".npmrc") return "npmrc";
  if (/^(?:[\w.-]+[-_.])?(?:requirements|constraints)(?:[-_.][\w.-]+)?\.txt$/.test(name)) return "requirements";
  if (/(?:^|\/)requirements\/[^/]+\.txt$/.test(path)) return "requirements";
  if (yaml.test(name)) {
    if (/(?:^|\/)\.github\/workflows\/[^/]+$/.test(path) || /^action\.ya?ml$/.test(name)) return "workflow";
    if (name === ".gitlab-ci.yml" || /(?:^|\/)\.gitlab\/ci\/[^/]+$/.test(path)) return "gitlab";
    if (/^(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$/.test(name)) return "compose";
    return "manifest";
  }
  if (/\.(?:sh|bash|ksh)$/.test(name)) return "script";
  return name.includes(".") && !name.startsWith(".") ? undefined : "perhaps";
}

/** Whether a text begins as a shell script does. */
export function isShellScript(text: string): boolean {
  return /^#![ \t]*(?:\S*\/)?(?:env[ \t]+(?:-S[ \t]+)?)?(?:ba|da|a|k)?sh(?:[ \t\r]|\n|$)/.test(text.slice(0, 200));
}

/** Whether a text names another interpreter in its first line. */
export function isOtherScript(text: string): boolean {
  return text.startsWith("#!") && !isShellScript(text);
}
