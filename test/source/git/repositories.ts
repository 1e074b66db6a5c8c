/** Git repositories for tests, made with plumbing so that they may be sound, odd or hostile; dates and names are fixed. */
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { run } from "../../support.ts";

const environment = {
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.org",
};

/** An item of a tree: the content of a file, a link, the id of a submodule's commit, or a tree. */
export type Item =
  | string
  | Uint8Array
  | { readonly executable: string }
  | { readonly link: string }
  | { readonly submodule: string }
  | { readonly tree: Tree }
  /** Any mode and any object, however wrong. */
  | { readonly mode: string; readonly id: string };
export type Tree = Readonly<Record<string, Item>>;

export interface TestRepository {
  readonly directory: string;
  /** `file://` address. */
  readonly url: string;
  git(args: readonly string[], input?: Uint8Array): string;
  /** The id of a new object, whatever is wrong with it. */
  object(type: string, content: Uint8Array | string): string;
  tree(tree: Tree | readonly (readonly [string | Buffer, Item])[]): string;
  /** The id of a new commit of a tree. */
  commit(
    tree: Parameters<TestRepository["tree"]>[0],
    options?: { readonly time?: number; readonly parent?: string },
  ): string;
  /** Lets a ref name a commit. */
  ref(name: string, id: string): void;
  /** A tag with a message. */
  tag(name: string, id: string): void;
}

export function testRepository(parent: string, name: string, format: "sha1" | "sha256" = "sha1"): TestRepository {
  const directory = join(parent, name);
  mkdirSync(directory, { recursive: true });
  const gitBytes = (args: readonly string[], input?: Uint8Array, more: Record<string, string> = {}): Buffer => {
    const { status, stdout, stderr } = run("git", ["-C", directory, ...args], {
      env: { ...environment, ...more },
      ...(input === undefined ? {} : { input }),
    });
    if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr.toString("utf8")}`);
    return stdout;
  };
  const git = (args: readonly string[], input?: Uint8Array): string => gitBytes(args, input).toString("utf8").trim();
  git(["init", "--quiet", "--bare", "--initial-branch=main", `--object-format=${format}`]);
  const object: TestRepository["object"] = (type, content) =>
    git(["hash-object", "-w", "--literally", "-t", type, "--stdin"], Buffer.from(content));
  const itemOf = (item: Item): readonly [string, string] => {
    if (typeof item === "string" || item instanceof Uint8Array) return ["100644", object("blob", item)];
    if ("executable" in item) return ["100755", object("blob", item.executable)];
    if ("link" in item) return ["120000", object("blob", item.link)];
    if ("submodule" in item) return ["160000", item.submodule];
    if ("tree" in item) return ["40000", tree(item.tree)];
    return [item.mode, item.id];
  };
  const tree: TestRepository["tree"] = (given) => {
    const items = (Array.isArray(given) ? given : Object.entries(given as Tree)) as readonly (readonly [
      string | Buffer,
      Item,
    ])[];
    const rows = items.map(([name, item]) => {
      const [mode, id] = itemOf(item);
      const key = mode === "40000" ? Buffer.concat([Buffer.from(name), Buffer.from("/")]) : Buffer.from(name);
      return {
        key,
        bytes: Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(id, "hex")]),
      };
    });
    return object(
      "tree",
      Buffer.concat(rows.toSorted((a, b) => Buffer.compare(a.key, b.key)).map(({ bytes }) => bytes)),
    );
  };
  return {
    directory,
    url: `file://${directory}`,
    git,
    object,
    tree,
    commit: (given, { time = 1767323045, parent: above } = {}) => {
      const parents = above === undefined ? "" : `parent ${above}\n`;
      const who = `A <a@example.org> ${time} +0000`;
      return object("commit", `tree ${tree(given)}\n${parents}author ${who}\ncommitter ${who}\n\nmessage\n`);
    },
    ref: (name, id) => void git(["update-ref", name, id]),
    tag: (name, id) => {
      const tag = object(
        "tag",
        `object ${id}\ntype commit\ntag ${name}\ntagger A <a@example.org> 1767323045 +0000\n\nm\n`,
      );
      git(["update-ref", `refs/tags/${name}`, tag]);
    },
  };
}
