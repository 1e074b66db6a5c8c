import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PackageFacts } from "../../../pipeline/source/debian/facts.ts";
import { parseGroup, parsePasswd } from "../../../pipeline/source/debian/accounts.ts";
import { evaluateScript } from "../../../pipeline/source/debian/script-evaluator.ts";
import { ImageModel } from "../../../pipeline/source/debian/script-model.ts";
import { parseScript } from "../../../pipeline/shell/parser.ts";
import { ScriptSyntaxError } from "../../../pipeline/shell/syntax.ts";
import { debconfDefaults, readScripts } from "../../../pipeline/source/debian/scripts.ts";
import { hasProgram, run } from "../../support.ts";
import { madeFacts } from "./made-facts.ts";

interface Told {
  readonly done: readonly string[];
  /** A question mark stands before what only perhaps runs. */
  readonly left: readonly string[];
  readonly model: ImageModel;
}

/** What is done and what is left of a postinst on a fresh system with a few files. */
function postinst(body: string, files: Readonly<Record<string, string>> = {}, templates?: string): Told {
  const facts = madeFacts("made", {
    scripts: { postinst: `#!/bin/sh\nset -e\n${body}\n`, ...(templates === undefined ? {} : { templates }) },
    files: { "etc/": "", "usr/bin/": "", "usr/bin/tool": "", bin: "-> usr/bin", ...files },
  });
  const model = new ImageModel([facts], "amd64");
  for (const user of parsePasswd("root:x:0:0::/root:/bin/sh\nmail:x:8:8::/:/bin/false\n", "made"))
    model.accounts.addUser(user);
  for (const group of parseGroup("root:x:0:\nmail:x:8:\nnogroup:x:65534:\n", "made")) model.accounts.addGroup(group);
  const reports = readScripts(model);
  return {
    done: reports.flatMap(({ done }) => done),
    left: reports.flatMap(({ residual }) =>
      residual.map(({ command, certain }) => (certain ? command : `? ${command}`)),
    ),
    model,
  };
}

describe("conditions of a fresh installation", () => {
  it.each([
    ['[ "$1" = configure ]', true],
    ['[ "$1" = triggered ] || [ "$1" = "abort-upgrade" ]', false],
    ['[ -n "$2" ]', false],
    ['[ -z "$2" -a "$1" = configure ]', true],
    ['! test -n "$2"', true],
    ["[ ! -e /etc/none -o -e /etc/none ]", true],
    ["[ -d /etc ] && [ -x /usr/bin/tool ] && [ -x /bin/tool ]", true],
    ["[ -f /etc ]", false],
    ["[ -L /bin ]", true],
    ["[ -d /run/systemd/system ]", false],
    ['[ -x "`command -v tool`" ]', true],
    ['[ -x "$(command -v absent)" ]', false],
    ["which tool > /dev/null 2>&1", true],
    ['dpkg --compare-versions "$2" lt 2.0', true],
    ['dpkg --compare-versions "$2" lt-nl 2.0', false],
    ["dpkg --compare-versions 1.10 gt 1.9", true],
    ['[ -z "${DPKG_ROOT:-}" ]', true],
    ['[ "${DPKG_MAINTSCRIPT_PACKAGE##*d}" = e ]', true],
    ['[ "$(dpkg --print-architecture)" = amd64 ]', true],
    ["getent passwd mail >/dev/null", true],
    ["getent group nobody >/dev/null", false],
    ["getent group mail | grep -q '^mail:x:8'", true],
    ['case "$1" in configure|reconfigure) ;; *) false ;; esac', true],
    ["dpkg-query -L made | grep -qxF /usr/bin/tool", true],
    ["dpkg-query -S /usr/bin/tool >/dev/null 2>&1", true],
    ["dpkg -S /bin/tool", true],
    ["dpkg-query --search /bin", true],
    ["dpkg-query -S /lib64", false],
    ["dpkg-query -S /usr/bin/tool /usr/bin/other", false],
    ["dpkg -S /usr/bin/tool | grep -q '^made: /usr/bin/tool'", true],
  ])("%s is %s", (condition, expected) => {
    expect(postinst(`if ${condition}; then first; else second; fi`).left).toEqual([expected ? "first" : "second"]);
  });

  it("stay open when only running could tell, and both ways are told", () => {
    expect(postinst('if pidof daemon; then one; elif [ -n "$2" ]; then two; else three; fi; four').left).toEqual([
      "? one",
      "? three",
      "four",
    ]);
  });

  it("make what follows uncertain when a branch may leave the script", () => {
    expect(postinst("if pidof daemon; then exit 0; fi; one").left).toEqual(["? one"]);
    // Leaving with a failure would have failed the installation.
    expect(postinst("if pidof daemon; then exit 1; fi; one").left).toEqual(["one"]);
  });

  it("are those of debconf's defaults", () => {
    const templates = "Template: made/yes\nType: boolean\nDefault: true\n\nTemplate: made/no\nType: boolean\n";
    const body =
      '. /usr/share/debconf/confmodule\ndb_get made/yes\n[ "$RET" = true ] && one\ndb_get made/no\n[ "$RET" = true ] && two\n' +
      'db_get made/unknown\n[ "$RET" = true ] && three';
    expect(postinst(body, {}, templates).left).toEqual(["one", "? three"]);
    expect([...debconfDefaults(templates)]).toEqual([
      ["made/yes", "true"],
      ["made/no", "false"],
    ]);
  });
});

describe("versions", () => {
  it.skipIf(!hasProgram("dpkg"))("are compared as dpkg compares them (needs dpkg)", () => {
    const relations = "lt le eq ne ge gt lt-nl le-nl ge-nl gt-nl < << <= = >= >> >".split(" ");
    for (const [a, b] of [
      ["", ""],
      ["", "1.0"],
      ["1.0", ""],
      ["1.0~rc1", "1.0"],
      ["1:1.0", "2.0"],
      ["1.10-1", "1.9-2"],
    ] as const) {
      for (const relation of relations) {
        const { status } = run("dpkg", ["--compare-versions", a, relation, b]);
        const body = `if dpkg --compare-versions '${a}' '${relation}' '${b}'; then yes; else no; fi`;
        expect(postinst(body).left, `${a} ${relation} ${b}`).toEqual([status === 0 ? "yes" : "no"]);
      }
    }
  });
});

describe("commands", () => {
  it("that mean nothing in an image fall away", () => {
    const body = `
      deb-systemd-helper unmask 'a.service' >/dev/null || true
      if deb-systemd-helper --quiet was-enabled 'a.service'; then deb-systemd-helper enable a.service; else deb-systemd-helper update-state a.service; fi
      if [ -d /run/systemd/system ]; then systemctl --system daemon-reload; fi
      dpkg-maintscript-helper rm_conffile /etc/old 1.0~ -- "$@"
      update-rc.d made defaults >/dev/null; invoke-rc.d made start || exit 1
      echo "Done." >&2`;
    expect(postinst(body)).toMatchObject({ done: [], left: [] });
  });

  it("that change files are carried out on the model", () => {
    const { model, left, done } = postinst(`
      umask 077
      install_dir() { if [ ! -d "$1" ]; then mkdir -p "$1"; chown "root:$2" "$1"; chmod 2775 "$1"; fi; }
      install_dir /var/mail mail
      [ -e /var/spool/mail ] || ln -s ../mail /var/spool/mail
      touch /etc/secret
      cat > /etc/made.conf <<-EOF
	name=$DPKG_MAINTSCRIPT_PACKAGE
	EOF
      echo more >> /etc/made.conf
      rm -f /etc/absent /etc/*.old
      chmod u+s /usr/bin/tool`);
    expect(left).toEqual([]);
    expect(done).toContain("chown root:mail /var/mail");
    expect(model.find("var/mail")).toMatchObject({ type: "directory", mode: 0o2775, gid: 8 });
    expect(model.find("var/spool/mail", false)).toMatchObject({ target: "../mail" });
    expect(model.find("etc/secret")).toMatchObject({ mode: 0o600, shipped: false });
    expect(model.find("etc/made.conf")?.content?.toString()).toBe("name=made\nmore\n");
    expect(model.overrides).toEqual([{ path: "usr/bin/tool", mode: 0o4755 }]);
  });

  it("that add accounts get ids that depend on the name alone", () => {
    const one = postinst("addgroup --system alpha; adduser --system --group --home /var/lib/beta beta").model;
    const other = postinst("useradd -r -g nogroup gamma; adduser --system --group --no-create-home beta").model;
    expect(one.accounts.user("beta")?.uid).toBe(other.accounts.user("beta")?.uid);
    expect(one.accounts.user("beta")?.gid).toBe(one.accounts.group("beta")?.gid);
    expect(one.find("var/lib/beta")).toMatchObject({ type: "directory", uid: one.accounts.user("beta")?.uid });
    expect(other.accounts.user("gamma")?.gid).toBe(65534);
  });

  it("that divert and override are recorded", () => {
    const { model } = postinst(`
      dpkg-divert --quiet --add --no-rename --divert /usr/bin/sh.real /usr/bin/sh
      dpkg-divert --package other --no-rename --divert /x.other --add /x
      if ! dpkg-statoverride --list /usr/bin/tool >/dev/null; then dpkg-statoverride --update --add root mail 2755 /usr/bin/tool; fi`);
    expect(model.diversions).toEqual([
      { from: "/usr/bin/sh", to: "/usr/bin/sh.real", by: "made" },
      { from: "/x", to: "/x.other", by: "other" },
    ]);
    expect([...model.statOverrides]).toEqual([["/usr/bin/tool", { user: "root", group: "mail", mode: "2755" }]]);
    expect(model.overrides).toEqual([{ path: "usr/bin/tool", uid: 0, gid: 8, mode: 0o2755 }]);
  });

  it("that nobody understands are reported with what is known of them", () => {
    const body = `
      NAME=world
      frobnicate --name "$NAME" "two words"
      frobnicate "$(date)" > /etc/x
      echo a | tr a b | frobnicate
      rm -f /usr/bin/tool
      while read line; do frobnicate "$line"; done < /etc/list`;
    expect(postinst(body).left).toEqual([
      "frobnicate --name world 'two words'",
      'frobnicate "$(date)" > /etc/x',
      "echo a | tr a b | frobnicate",
      "rm -f /usr/bin/tool",
      '? frobnicate "$line"',
    ]);
  });

  it("that only perhaps run change nothing", () => {
    const { model, left } = postinst("if pidof daemon; then mkdir /opt; fi");
    expect(left).toEqual(["? mkdir /opt"]);
    expect(model.find("opt")).toBeUndefined();
  });

  it("of scripts for other interpreters are not guessed at", () => {
    const facts = madeFacts("made", { scripts: { postinst: "#!/usr/bin/perl\nunlink '/etc/passwd';\n" } });
    const [report] = readScripts(new ImageModel([facts], "amd64"));
    expect(report?.residual).toEqual([{ command: "a script for /usr/bin/perl", certain: true }]);
  });
});

function left(...packages: readonly PackageFacts[]): readonly string[] {
  return readScripts(new ImageModel(packages, "amd64")).flatMap(({ residual }) =>
    residual.map(({ command }) => command),
  );
}

describe("triggers", () => {
  it("call the postinst of a package when another one sets them off", () => {
    const waiting = madeFacts("waiting", {
      scripts: {
        triggers: "interest-noawait /usr/share/things\ninterest named\n",
        postinst: '#!/bin/sh\nif [ "$1" = triggered ]; then refresh "$2"; fi\n',
      },
    });
    const shipping = madeFacts("shipping", { files: { "usr/share/things/a": "" } });
    const naming = madeFacts("naming", { scripts: { postinst: "#!/bin/sh\ndpkg-trigger named\n" } });
    expect(left(waiting)).toEqual([]);
    expect(left(waiting, shipping)).toEqual(["refresh /usr/share/things"]);
    expect(left(waiting, shipping, naming)).toEqual(["refresh '/usr/share/things named'"]);
  });
});

describe("hostile scripts", () => {
  it.each([
    ["endless recursion", "f() { f; f; }; f"],
    [
      "endless loops",
      "for a in 1 2 3 4 5 6 7 8 9; do for b in 1 2 3 4 5 6 7 8 9; do ".repeat(4) + ":; done; done; ".repeat(4),
    ],
    ["deep nesting", `${"if true; then ".repeat(200)}:${"; fi".repeat(200)}`],
    ["endless substitution", "a=$(b=$(c=$(f))); ".repeat(50)],
    ["values without end", `a=xxxxxxxx; ${"a=$a$a; ".repeat(60)} frobnicate "$a"`],
    ["command lines without end", `set -- a b; ${'set -- "$@" "$@"; '.repeat(40)}`],
    [
      "costly patterns",
      `a=${"a".repeat(4000)}; case "$a" in ${"*a".repeat(30)}*b) one;; esac; echo "\${a##${"*a".repeat(30)}b}"`,
    ],
    ["long paths", `mkdir -p ${"/a".repeat(50_000)}`],
    ["long chains", `${": && ".repeat(100_000)}:`],
    ["links in circles", "ln -s /a /b; ln -s /b /a; cat /a; mkdir /a/c"],
  ])("with %s come to an end", (_, body) => {
    expect(postinst(body)).toBeDefined();
  });

  it("never throw anything but a syntax error", () => {
    const characters = "$`\"'\\(){}<>|&;\n #=*?[]!/-a".split("");
    const words = "$( ${a $(( <<E\n if; then; fi; case in; esac ;; for do; done while E\n".split(" ");
    const pieces = [...characters, ...words.map((word) => word.replace(/;$/, " "))];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (parts) => {
        try {
          parseScript(parts.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(ScriptSyntaxError);
        }
        const model = new ImageModel([], "amd64");
        evaluateScript(`#!/bin/sh\n${parts.join("")}`, {
          model,
          args: [],
          variables: {},
          command: () => ({ kind: "unknown" }),
        });
      }),
      { numRuns: 2000 },
    );
  });
});

/** Snippets without effects, whose output the shell and the evaluator must agree on. */
const snippets = [
  'echo "$1" "$#" "$@"',
  'a=\'x y\'; for b in $a "$a"; do echo "<$b>"; done',
  'a=; echo "${a:-one}" "${a:+two}" "${b-three}" "${#a}"',
  'a=/usr/lib/x.tar.gz; echo "${a##*/}" "${a#*/}" "${a%.*}" "${a%%.*}" "${#a}"',
  'f() { echo "$1-$#"; return 3; }; f a b || echo failed',
  "case abc in a*) echo one;; *) echo two;; esac; case x in [ab]|[!a-w]) echo set;; esac",
  "true && false || echo or; ! false && echo not",
  "echo $(echo `echo deep`)",
  "cat <<E\na $1 \\$1 `echo b`\nE\ncat <<'E'\n$1\nE",
  "set -- a 'b c'; echo \"$2\"; shift; echo $1 $#",
  "if [ a = a ] && [ ! b = a ]; then echo yes; fi; [ 1 -lt 2 -a 2 -ge 2 ] && echo num",
  "x=1; (x=2; echo $x); echo $x; { x=3; }; echo $x",
  "printf '%s-%s\\n' a b c; printf 'x%%\\n'",
  "for a in 1 2 3; do [ $a = 2 ] && continue; [ $a = 3 ] && break; echo $a; done",
  'echo "a\\"b\\$c" \'d"e\' f\\ g',
  "basename /a/b.c .c; dirname /a/b/; dirname a",
  'echo a # comment\necho "b # no comment"',
  "printf 'one\\ntwo\\n' | grep -v one",
  "seq 3 -1 1",
];

describe("a shell", () => {
  it.skipIf(!hasProgram("dash"))("prints what the evaluator says (needs dash)", () => {
    for (const snippet of snippets) {
      const expected = run("dash", ["-c", snippet, "sh", "configure", ""], { env: { PATH: "/usr/bin:/bin" } });
      const model = new ImageModel([], "amd64");
      const facts = madeFacts("made", { scripts: { postinst: `#!/bin/sh\n${snippet}\n` } });
      const told = evaluateText(facts.scripts.postinst ?? "", model);
      expect(told, snippet).toBe(expected.stdout.toString());
    }
  });

  const info = "/var/lib/dpkg/info";
  it.skipIf(!hasProgram("dpkg"))("script of every package of this machine can be read (needs dpkg)", () => {
    const names = readdirSync(info).filter((name) => /\.(?:preinst|postinst|prerm|postrm|config)$/.test(name));
    const unread: string[] = [];
    for (const name of names.toSorted()) {
      const text = readFileSync(join(info, name), "utf8");
      if (!/^#! ?\/bin\/(?:sh|dash)\b/.test(text)) continue;
      try {
        parseScript(text);
      } catch (error) {
        unread.push(`${name}: ${String(error)}`);
      }
    }
    expect(unread).toEqual([]);
  });
});

/** What a script writes to its standard output. */
function evaluateText(text: string, model: ImageModel): string {
  const wrapped = text.replace(/^(#!.*\n)/, "$1{\n").replace(/$/, "\n} > /output\n");
  const caller = madeFacts("made", { scripts: { postinst: wrapped } });
  const own = new ImageModel([caller], model.architecture);
  readScripts(own);
  return own.find("output")?.content?.toString("utf8") ?? "nothing";
}
