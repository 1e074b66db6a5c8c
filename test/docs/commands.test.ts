import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../pipeline/cli/commands.ts";
import { root, run } from "../support.ts";

const store = mkdtempSync(join(tmpdir(), "lockstep-help-"));
afterAll(() => rmSync(store, { recursive: true, force: true }));

const folder = join(root, "docs/commands");
const page = (name: string): string => readFileSync(join(folder, `${name}.md`), "utf8");

/** The text below a heading of the second level, up to the next one; empty when there is no such heading. */
function section(text: string, title: string): string {
  return text.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
}

/** The content of the first fenced block of some text. */
function block(text: string): string {
  return /^```\w*\n([^]*?)^```$/m.exec(text)?.[1] ?? "";
}

/** The first column of a table's rows, without back quotes. */
function firstColumn(text: string): readonly string[] {
  const rows = [...text.matchAll(/^\| (.*?) \|/gm)].map(([, cell = ""]) => cell.replaceAll("`", ""));
  return rows.slice(2);
}

/** What `--help` lists below a heading: the text before two spaces, wrapped descriptions left out. */
function listed(help: string, title: string): readonly string[] {
  const part = new RegExp(String.raw`^${title}:\n((?:  .*\n)+)`, "m").exec(help)?.[1] ?? "";
  return [...part.matchAll(/^ {2}(\S(?:.*?\S)?)(?: {2}|$)/gm)].map(([, name = ""]) => name);
}

describe.each(commands.map(({ name, summary, load }) => ({ name, summary, load })))(
  "the page of lockstep $name",
  ({ name, summary, load }) => {
    let help = "";

    beforeAll(() => {
      const env = { HOME: "/nonexistent", LOCKSTEP_STORE: store };
      const result = run(process.execPath, [join(root, "pipeline/cli/main.ts"), name, "--help"], { cwd: root, env });
      expect(result.status).toBe(0);
      help = result.stdout.toString();
    });

    it("has the command's name, summary and synopsis", () => {
      const text = page(name);
      const [title, , sentence = ""] = text.split("\n");
      expect(title).toBe(`# lockstep ${name}`);
      expect(sentence.replaceAll("`", "").toLowerCase()).toBe(`${summary}.`.toLowerCase());
      expect(block(section(text, "Synopsis"))).toBe(`${/^Usage: (.*)$/m.exec(help)?.[1] ?? ""}\n`);
    });

    it("names exactly the options and arguments that the help names", () => {
      const text = page(name);
      const options = listed(help, "Options");
      expect(options).toContain("--json");
      expect(firstColumn(section(text, "Options")).toSorted()).toEqual(options.toSorted());
      expect(firstColumn(section(text, "Arguments"))).toEqual(listed(help, "Arguments"));
    });

    it("has the examples of the help", async () => {
      const { examples } = await load();
      expect(block(section(page(name), "Examples"))).toBe(`${examples.join("\n")}\n`);
    });
  },
);

describe("docs/commands", () => {
  it("has a page for each command, no other, and an index in the order of the help", () => {
    const names = commands.map(({ name }) => name);
    const files = readdirSync(folder);
    expect(files.toSorted()).toEqual([...names.map((name) => `${name}.md`), "README.md"].toSorted());
    const linked = [...page("README").matchAll(/^\| \[`(\w+)`\]\((\w+)\.md\)/gm)];
    expect(linked.map(([, name]) => name)).toEqual(names);
    expect(linked.map(([, , target]) => target)).toEqual(names);
  });
});
