import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseScript } from "../../pipeline/shell/parser.ts";
import { type Command, ScriptSyntaxError, type Word } from "../../pipeline/shell/syntax.ts";
import { hasProgram, run } from "../support.ts";

/** Every simple command of a tree with its words, in the order of the script. */
function* simples(command: Command): Generator<Extract<Command, { kind: "simple" }>> {
  const inWord = function* (word: Word): Generator<Extract<Command, { kind: "simple" }>> {
    for (const part of word) {
      if (part.kind === "substitution") yield* simples(part.body);
      if (part.kind === "parameter") yield* inWord(part.argument ?? []);
    }
  };
  switch (command.kind) {
    case "simple":
      yield command;
      for (const word of command.words) yield* inWord(word);
      for (const { value, elements } of command.assignments)
        for (const word of [value, ...(elements ?? [])]) yield* inWord(word);
      for (const { target } of command.redirects) yield* inWord(target);
      return;
    case "pipeline":
    case "sequence":
      for (const each of command.commands) yield* simples(each);
      return;
    case "and":
    case "or":
      yield* simples(command.left);
      yield* simples(command.right);
      return;
    case "not":
      yield* simples(command.command);
      return;
    case "if":
      for (const { condition, body } of command.branches) {
        yield* simples(condition);
        yield* simples(body);
      }
      if (command.otherwise !== undefined) yield* simples(command.otherwise);
      return;
    case "case":
      for (const { body } of command.items) yield* simples(body);
      return;
    case "for":
      for (const word of command.words ?? []) yield* inWord(word);
      yield* simples(command.body);
      return;
    case "loop":
      yield* simples(command.condition);
      yield* simples(command.body);
      return;
    case "group":
    case "function":
      yield* simples(command.body);
  }
}

/** The first words of all commands, as they are written. */
function names(script: string): readonly string[] {
  return [...simples(parseScript(script, "bash"))].flatMap(({ words: [word = []] }) => {
    const [first] = word;
    const last = word.at(-1);
    return first === undefined || last === undefined ? [] : [script.slice(first.at, last.end)];
  });
}

describe("a script in bash", () => {
  it.each([
    ["[[ a < b && ( -f c || $d =~ ^(x|y z)$ ) ]] && one", ["[[", "one"]],
    ["if (( a > 1 )); then one; fi; for ((i=0; i<3; i++)); do two; done", ["(( a > 1 ))", "one", "two"]],
    ["a=(one two $(three)); declare -A m=([k]=v); b+=x; c[1]=$(four)", ["three", "declare", "four"]],
    ["diff <(one) <(two) > >(three)", ["diff", "one", "two", "three"]],
    ["one |& two &>log; three &>>log; four <<<word; exec {fd}>file", ["one", "two", "three", "four", "exec"]],
    ["function f { one; }; function g() { two; }; h-i () { three; }", ["one", "two", "three"]],
    ["echo ${a[@]} ${!b} ${c//x/$(one)} ${d:1:2} ${e^^} ${f@Q} ${#g[@]} ${#}", ["echo", "one"]],
    ["case $a in x) one ;;& y) two ;& *) three ;; esac", ["one", "two", "three"]],
    [
      "select x in a b; do one; done; time { two; }; coproc three; until four; do five; done",
      ["one", "two", "three", "four", "five"],
    ],
    ["echo $'it\\'s' $\"text\" $[1 + 2] @(a|b) !(c)", ["echo"]],
    ["echo $((1 + (2 * 3))) $( (one); two ) `three \\`four\\``", ["echo", "one", "two", "three", "four"]],
    ["cat <<A; one <<-'B'\n$(two)\nA\n\t$(three)\n\tB\nfour", ["cat", "two", "one", "four"]],
    ["# one\necho '# two' \"$(three)\" # four\nfive", ["echo", "three", "five"]],
  ])("%j runs what it runs", (script, expected) => {
    expect(names(script)).toEqual(expected);
  });

  it("is not what a script for dash may have in it", () => {
    for (const script of ["a=(b c)", "f() { a; } <(b)", "cat <<<x", "for ((;;)); do a; done"])
      expect(() => parseScript(script)).toThrow(ScriptSyntaxError);
  });

  it("is reported with the place at which it stops being one", () => {
    const script = "one\ntwo | | three\n";
    try {
      parseScript(script, "bash");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ScriptSyntaxError);
      expect(error).toMatchObject({ line: 2, at: script.indexOf("| three") });
    }
  });
});

describe("places in a script", () => {
  it("are those of the words, in substitutions, backquotes and here-documents too", () => {
    const script = 'a "b $(c d)" `e \\`f\\` g` <<X\n$(h)\nX\n\tcat <<-Y\n\t\ti $(j)\n\tY\nk\n';
    for (const { words } of simples(parseScript(script, "bash")))
      for (const word of words)
        for (const part of word)
          if (part.kind === "text" && part.text !== "") expect(script.slice(part.at, part.end)).toBe(part.text);
    expect(names(script)).toEqual(["a", "c", "e", "f", "h", "cat", "j", "k"]);
  });

  it("lie in the script whatever is in it, and reading it ends", () => {
    const pieces = fc.constantFrom(
      ..."a;b|c&&d||e\n(f){ g; }$(`\"'\\ <<X\nX\n${h:-i}[[ ]]((1)) case esac if then fi for do done while # <( >( $' =( ;; & ! \t".split(
        "",
      ),
      ..."$( ${ [[ ]] (( )) <<A <<-A\n A\n if then fi case in esac do done while for function { } ;; ;& |& &> <<< a=( \\\n".split(
        " ",
      ),
    );
    const script = fc.oneof(
      fc.array(pieces, { maxLength: 60 }).map((list) => list.join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(script, (text) => {
        try {
          for (const { at, end, words } of simples(parseScript(text, "bash")))
            for (const place of [{ at, end }, ...words.flat()]) {
              expect(place.at).toBeGreaterThanOrEqual(0);
              expect(place.end).toBeGreaterThanOrEqual(place.at);
              expect(place.end).toBeLessThanOrEqual(text.length);
            }
        } catch (error) {
          if (!(error instanceof ScriptSyntaxError)) throw error;
          expect(error.at).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it.each(["((\\", "$'\\", "a=(\\", "`\\", '"\\'])("are told where a script ends in an escape: %s", (script) => {
    expect(() => parseScript(script, "bash")).toThrow(expect.objectContaining({ at: script.length, line: 1 }));
  });

  it.each(["(", "$(", "${a:-", "[[ ", "((", "a=(", "<(", "{ ", "if ", '"$(', "case a in b) "])(
    "of ten thousand times %j are not looked for without end",
    (piece) => {
      expect(() => parseScript(piece.repeat(10_000), "bash")).toThrow(ScriptSyntaxError);
    },
  );
});

function firstBytes(path: string): string {
  const bytes = Buffer.alloc(40);
  const file = openSync(path, "r");
  try {
    return bytes.toString("latin1", 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** Shell scripts of this machine. */
function machineScripts(): readonly string[] {
  const folders = ["/etc", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share"];
  const found: string[] = [];
  const visit = (folder: string, depth: number): void => {
    let names: readonly string[] = [];
    try {
      names = readdirSync(folder);
    } catch {
      return;
    }
    for (const name of names) {
      const path = join(folder, name);
      const info = statSync(path, { throwIfNoEntry: false });
      if (info?.isDirectory() === true && depth < 3 && !/node_modules|python/.test(name)) visit(path, depth + 1);
      if (info?.isFile() !== true || info.size > 300_000 || found.length > 1500) continue;
      if (/^#! ?\/(?:usr\/)?bin\/(?:env )?(?:ba|da)?sh\b/.test(firstBytes(path))) found.push(path);
    }
  };
  for (const folder of folders) visit(folder, 0);
  return found;
}

describe("the scripts of this machine", () => {
  it.skipIf(!hasProgram("bash"))("are read where bash reads them (needs bash)", () => {
    const scripts = machineScripts();
    expect(scripts.length).toBeGreaterThan(20);
    const refused = scripts.flatMap((path) => {
      try {
        parseScript(readFileSync(path, "utf8"), "bash");
        return [];
      } catch (error) {
        return run("bash", ["-n", path]).status === 0 ? [`${path}: ${String(error)}`] : [];
      }
    });
    expect(refused).toEqual([]);
  });
});
