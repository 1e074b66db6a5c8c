/** The table of all rules. */
import type { Kind, OwnRule, Rule, RuleOf } from "../rule.ts";
import { archiveRules } from "./archives.ts";
import { baseImageRules } from "./base-images.ts";
import { debianPackageRules } from "./debian-packages.ts";
import { dockerfileRules } from "./dockerfile.ts";
import { downloadRules } from "./downloads.ts";
import { javascriptRules } from "./javascript.ts";
import { languageRules } from "./languages.ts";
import { machineRules } from "./machine.ts";
import { manifestRules } from "./manifests.ts";
import { npmFileRules } from "./npm-files.ts";
import { ownRules } from "./own.ts";
import { pythonRules } from "./python.ts";
import { repositoryRules } from "./repositories.ts";
import { requirementRules } from "./requirements.ts";
import { specRules } from "./specs.ts";
import { systemPackageRules } from "./system-packages.ts";
import { timeRules } from "./time.ts";
import { workflowRules } from "./workflows.ts";

const fileRules: readonly Rule[] = [
  ...baseImageRules,
  ...dockerfileRules,
  ...timeRules,
  ...machineRules,
  ...archiveRules,
  ...debianPackageRules,
  ...systemPackageRules,
  ...downloadRules,
  ...repositoryRules,
  ...javascriptRules,
  ...pythonRules,
  ...languageRules,
  ...specRules,
  ...npmFileRules,
  ...requirementRules,
  ...workflowRules,
  ...manifestRules,
];

/** In the order of their ids. */
export const rules: readonly (Rule | OwnRule)[] = [...fileRules, ...ownRules].toSorted((a, b) =>
  a.id < b.id ? -1 : 1,
);

const byKind = Map.groupBy(fileRules, ({ on }) => on);

/** The rules about one kind of thing. */
export function rulesOn<K extends Kind>(kind: K): readonly RuleOf<K>[] {
  return (byKind.get(kind) ?? []) as unknown as readonly RuleOf<K>[];
}
