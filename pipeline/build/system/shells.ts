/** /etc/shells and its state, as update-shells(8) of debianutils keeps them. */
import type { ImageModel } from "../../source/debian/script-model.ts";
import { parentOf } from "../../tree/entry.ts";
import { textFile } from "./generated.ts";

function lines(model: ImageModel, path: string): readonly string[] {
  const text = model.find(path)?.content?.toString("utf8") ?? "";
  return text
    .split("\n")
    .map((line) => line.replace(/#.*$/, ""))
    .filter((line) => line !== "");
}

/** A shell as it is named, and where it is when its directory is a link. */
function names(model: ImageModel, shell: string): readonly string[] {
  const path = shell.slice(1);
  const real = model.resolve(parentOf(path), true);
  return [shell, `/${real === undefined || real === "" ? "" : `${real}/`}${path.slice(path.lastIndexOf("/") + 1)}`];
}

/** Adds the shells that packages bring. Without debianutils nobody keeps the file, as on Debian. */
export function writeShells(model: ImageModel): void {
  const template = model.find("usr/share/debianutils/shells")?.content?.toString("utf8");
  if (template === undefined) return;
  const sources = ["/usr/share/debianutils/shells", ...model.glob("/usr/share/debianutils/shells.d/", /\.d\/[^/]+$/)];
  const packaged = sources.flatMap((path) => lines(model, path)).filter((shell) => shell.startsWith("/"));
  const all = [...new Set([...packaged, ...model.shells].flatMap((shell) => names(model, shell)))];
  const start = model.find("etc/shells")?.content?.toString("utf8") ?? template;
  const there = new Set(start.split("\n"));
  const added = all.filter((shell) => !there.has(shell)).map((shell) => `${shell}\n`);
  model.put("etc/shells", textFile(start + added.join("")));
  model.put("var/lib/shells.state", textFile(all.map((shell) => `${shell}\n`).join("")));
}
