/** Applies the rules to one file. */
import type { Extent } from "../shell/syntax.ts";
import { parseDockerfile } from "../dockerfile/parser.ts";
import { readJson } from "../dockerfile/json.ts";
import type { FileKind } from "./kinds.ts";
import { readEntries } from "./lines.ts";
import type { Finding, Found, Kind, OwnRule, Rule, SourceFile, Subjects } from "./rule.ts";
import { notUnderstood } from "./rules/own.ts";
import { rulesOn } from "./rules/rules.ts";
import { dockerfileScripts, gitlabScripts, packageScripts, tektonScripts, workflowScripts } from "./scripts.ts";
import { readScript, type Script } from "./shell/script.ts";
import { verbatim } from "../dockerfile/text.ts";
import { DocumentError, get, textOf, type YamlReader } from "../dockerfile/tree.ts";

class Analysis {
  readonly findings: Finding[] = [];
  readonly #file: SourceFile;
  readonly #seen = new Set<string>();

  constructor(file: SourceFile) {
    this.#file = file;
  }

  add(rule: Rule | OwnRule, { fix, ...found }: Found, { image = true, editable = true } = {}): void {
    // A script within a word is read with the word and again as a script: one finding a place.
    const key = `${rule.id} ${found.at}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const severity = image ? rule.severity : (rule.elsewhere ?? rule.severity);
    this.findings.push({
      ...found,
      ...(fix !== undefined && editable ? { fix } : {}),
      rule,
      severity,
      file: this.#file.path,
    });
  }

  unread(message: string, { at, end }: Extent): void {
    this.add(notUnderstood, { message: `this is not checked: ${message}`, at, end });
  }

  on<K extends Kind>(kind: K, subject: Subjects[K], where: { image?: boolean; editable?: boolean } = {}): void {
    for (const rule of rulesOn(kind)) {
      // A rule is one of the union although its kind is known here only by name.
      for (const found of rule.check(subject, this.#file)) this.add(rule as unknown as Rule, found, where);
    }
  }

  scripts(scripts: readonly Script[]): void {
    for (const script of scripts) {
      const where = { image: script.setting.kind === "dockerfile", editable: script.setting.editable };
      for (const { message, ...place } of script.problems) this.unread(message, place);
      this.on("script", script, where);
      for (const command of script.commands) this.on("command", command, where);
    }
  }
}

function manifest(analysis: Analysis, text: string, readYaml: YamlReader): void {
  // Templates are not YAML before they are filled in.
  if (!/^apiVersion:/m.test(text) || !/^kind:/m.test(text) || text.includes("{{")) return;
  for (const document of readYaml(text)) {
    const version = textOf(get(document, "apiVersion")) ?? "";
    if (!version.startsWith("tekton.dev/")) {
      analysis.on("kubernetes", document);
      continue;
    }
    analysis.on("tekton", document);
    analysis.scripts(tektonScripts(text, document));
  }
}

function analyseKind(analysis: Analysis, { text }: SourceFile, kind: FileKind, readYaml: YamlReader): void {
  switch (kind) {
    case "dockerfile": {
      const file = parseDockerfile(text);
      // What is not a Dockerfile at all is told once.
      for (const { message, ...place } of file.problems.slice(0, 1)) analysis.unread(message, place);
      analysis.on("dockerfile", file);
      analysis.scripts(dockerfileScripts(text, file));
      return;
    }
    case "script":
      analysis.scripts([readScript(verbatim(text, 0), { text, kind: "script", editable: true, variables: new Map() })]);
      return;
    case "package": {
      const file = readJson(text);
      analysis.on("package", file);
      analysis.scripts(packageScripts(text, file));
      return;
    }
    case "package-lock":
      analysis.on("package-lock", readJson(text));
      return;
    case "npmrc":
      analysis.on("npmrc", readEntries(text, false));
      return;
    case "requirements":
      analysis.on("requirements", readEntries(text, true));
      return;
    case "manifest":
      manifest(analysis, text, readYaml);
      return;
    case "workflow":
    case "gitlab":
    case "compose":
    case "spec":
      for (const document of readYaml(text)) {
        analysis.on(kind, document);
        if (kind === "workflow") analysis.scripts(workflowScripts(text, document));
        if (kind === "gitlab") analysis.scripts(gitlabScripts(text, document));
      }
  }
}

/** The findings of one file in the order of their places, suppressed ones included; never throws for what is in the file. */
export function analyse(file: SourceFile, kind: FileKind, readYaml: YamlReader): readonly Finding[] {
  const analysis = new Analysis(file);
  if (!file.complete) {
    analysis.unread("it is too large", { at: 0, end: 0 });
    return analysis.findings;
  }
  try {
    analyseKind(analysis, file, kind, readYaml);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    analysis.unread(error.message, { at: error.at, end: error.at });
  }
  return analysis.findings.toSorted((a, b) => a.at - b.at || (a.rule.id < b.rule.id ? -1 : 1));
}
