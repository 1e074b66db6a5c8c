/** Links of update-alternatives(1) and its records, as the tool would have left them after every package offered its own. */
import type { Alternative, ImageModel } from "../../source/debian/script-model.ts";
import { comparePaths } from "../../tree/entry.ts";
import { symlink, textFile } from "./generated.ts";
import type { ScriptNote } from "./types.ts";

interface Group {
  readonly name: string;
  readonly link: string;
  /** Slave links by name, sorted. */
  readonly slaves: ReadonlyMap<string, string>;
  /** Sorted by path; of two offers of one path the later counts. */
  readonly choices: readonly Alternative[];
}

function sorted<T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...map].toSorted(([a], [b]) => comparePaths(a, b)));
}

/** What is offered, by name of the master link. */
function groups(offers: readonly Alternative[]): readonly Group[] {
  const byName = new Map<string, Alternative[]>();
  for (const offer of offers) byName.set(offer.name, [...(byName.get(offer.name) ?? []), offer]);
  return [...sorted(byName)].map(([name, all]) => {
    const choices = sorted(new Map(all.map((offer) => [offer.path, offer])));
    const slaves = new Map(all.flatMap((offer) => offer.slaves.map((slave) => [slave.name, slave.link] as const)));
    return { name, link: all.at(-1)?.link ?? "", slaves: sorted(slaves), choices: [...choices.values()] };
  });
}

/** The choice of the highest priority; of several the first by path, as update-alternatives takes it (peers.md S16). */
function best(choices: readonly Alternative[]): Alternative | undefined {
  return choices.reduce<Alternative | undefined>(
    (chosen, choice) => (chosen === undefined || choice.priority > chosen.priority ? choice : chosen),
    undefined,
  );
}

/** The record of one group in dpkg's form: mode, links, an empty line, then path, priority and slave paths of every choice. */
function record({ link, slaves, choices }: Group): string {
  const lines = ["auto", link];
  for (const [name, slaveLink] of slaves) lines.push(name, slaveLink);
  lines.push("");
  for (const { path, priority, slaves: offered } of choices) {
    lines.push(path, String(priority));
    for (const name of slaves.keys()) lines.push(offered.find((slave) => slave.name === name)?.path ?? "");
  }
  return `${lines.join("\n")}\n\n`;
}

/** Puts `link` → /etc/alternatives/name → path; false when a package ships something else at the link. */
function place(model: ImageModel, link: string, name: string, path: string): boolean {
  const there = model.find(link, false);
  if (there?.shipped === true && there.target !== `/etc/alternatives/${name}`) return false;
  if (there?.shipped !== true) model.put(link, symlink(`/etc/alternatives/${name}`));
  model.put(`etc/alternatives/${name}`, symlink(path));
  return true;
}

/** Makes all links and records; what a package's own file stands in the way of is told as not done. */
export function writeAlternatives(model: ImageModel): readonly ScriptNote[] {
  const refused: ScriptNote[] = [];
  for (const group of groups(model.alternatives)) {
    const choice = best(group.choices);
    if (choice === undefined) continue;
    if (!place(model, group.link, group.name, choice.path)) {
      refused.push({
        package: choice.origin,
        script: "postinst",
        commands: [`update-alternatives --install ${group.link} ${group.name} ${choice.path} ${choice.priority}`],
      });
      continue;
    }
    for (const [name, link] of group.slaves) {
      const slave = choice.slaves.find((each) => each.name === name);
      // A slave whose file is not in the image (manual pages, for example) has no link.
      if (slave !== undefined && model.find(slave.path) !== undefined) place(model, link, name, slave.path);
    }
    model.put(`var/lib/dpkg/alternatives/${group.name}`, textFile(record(group)));
  }
  return refused;
}
