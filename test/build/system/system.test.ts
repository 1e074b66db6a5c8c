import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { divertedEntries } from "../../../pipeline/build/system/diversions.ts";
import { infoFiles } from "../../../pipeline/build/system/info.ts";
import { systemFiles, unfinishedScripts } from "../../../pipeline/build/system/system.ts";
import type { SystemInput, SystemResult } from "../../../pipeline/build/system/types.ts";
import { formatProblem } from "../../../pipeline/host/errors.ts";
import type { PackageFacts } from "../../../pipeline/source/debian/facts.ts";
import type { GeneratedFile } from "../../../pipeline/tree/generated.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { madeFacts } from "../../source/debian/made-facts.ts";

const basePasswd = madeFacts("base-passwd", {
  files: {
    "usr/share/base-passwd/passwd.master":
      "root:*:0:0:root:/root:/bin/bash\ndaemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "usr/share/base-passwd/group.master": "root:*:0:\ndaemon:*:1:\nshadow:*:42:\nnogroup:*:65534:\n",
  },
});

const nonroot = {
  name: "nonroot",
  uid: 65532,
  gid: 65532,
  home: "/home/nonroot",
  shell: "/usr/sbin/nologin",
  gecos: "nonroot",
};
const nonrootGroup = { name: "nonroot", gid: 65532, members: [] };

function system(packages: readonly PackageFacts[], input: Partial<SystemInput> = {}): SystemResult {
  return systemFiles({
    packages,
    architecture: "amd64",
    users: [],
    groups: [],
    file: "images/made/image.yaml",
    ...input,
  });
}

function fileOf(result: SystemResult, path: string): GeneratedFile | undefined {
  return result.files.find((file) => file.path === path);
}

function textOf(result: SystemResult, path: string): string | undefined {
  const file = fileOf(result, path);
  return file?.type === "file" ? Buffer.from(file.content).toString("utf8") : undefined;
}

/** Writes what was generated below a directory. */
function write(directory: string, files: readonly GeneratedFile[]): void {
  for (const file of files) {
    const path = join(directory, file.path);
    if (file.type === "directory") mkdirSync(path, { recursive: true });
    else {
      mkdirSync(join(path, ".."), { recursive: true });
      if (file.type === "file") writeFileSync(path, file.content);
      else symlinkSync(file.target, path);
    }
  }
}

function script(line: string): string {
  return `#!/bin/sh\nset -e\n${line}\n`;
}

function install(line: string): string {
  return script(`if [ "$1" = configure ]; then\n  update-alternatives ${line}\nfi`);
}

describe("accounts", () => {
  it("are Debian's, those of packages and those of the spec", () => {
    const daemon = madeFacts("made", {
      files: {
        "usr/lib/sysusers.d/made.conf":
          '# made\ng render -\nu made - "Made, daemon" /var/lib/made\nu fixed 77:daemon\nm made render\n',
      },
    });
    const result = system([basePasswd, daemon], { users: [nonroot], groups: [nonrootGroup] });
    expect(textOf(result, "etc/passwd")).toBe(
      [
        "root:x:0:0:root:/root:/bin/bash",
        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
        "fixed:x:77:1::/:/usr/sbin/nologin",
        "made:x:801:801:Made, daemon:/var/lib/made:/usr/sbin/nologin",
        "nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin",
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
        "",
      ].join("\n"),
    );
    expect(textOf(result, "etc/group")).toMatch(/^render:x:\d+:made$/m);
    expect(textOf(result, "etc/shadow")).toContain("nonroot:*::0:99999:7:::\n");
    expect(textOf(result, "etc/gshadow")).toContain("shadow:*::\n");
    expect(fileOf(result, "etc/shadow")).toMatchObject({ mode: 0o640, uid: 0, gid: 42 });
    expect(fileOf(result, "etc/passwd")).toMatchObject({ mode: 0o644 });
    expect(fileOf(result, "home/nonroot")).toMatchObject({ type: "directory", mode: 0o700, uid: 65532, gid: 65532 });
  });

  it("are the few that every system has when base-passwd is not there", () => {
    expect(textOf(system([]), "etc/group")).toBe("root:x:0:\nshadow:x:42:\nnogroup:x:65534:\n");
  });

  it("of the spec give a package's account an explicit id", () => {
    const daemon = madeFacts("made", { files: { "usr/lib/sysusers.d/made.conf": "u made - - /var/lib/made\n" } });
    const group = { name: "made", gid: 1234, members: [] };
    const user = { ...nonroot, name: "made", uid: 1234, gid: 1234 };
    expect(textOf(system([basePasswd, daemon], { users: [user], groups: [group] }), "etc/passwd")).toContain(
      "made:x:1234:1234:",
    );
  });

  it("that contradict each other are told all at once", () => {
    const users = [
      { ...nonroot, name: "root", uid: 5 },
      { ...nonroot, name: "web", uid: 65534 },
    ];
    const groups = [
      { name: "shadow", gid: 43, members: [] },
      { name: "staff", gid: 1, members: [] },
    ];
    expect(() => system([basePasswd], { users, groups })).toThrow(
      [
        'LS2402 images/made/image.yaml group "shadow" has gid 43, but base-passwd gives it gid 42; use gid 42, or another name',
        'LS2401 images/made/image.yaml groups "staff" and "daemon" (base-passwd) both have gid 1; choose a gid that no other group has; 1000 to 59999 are free for your own',
        'LS2402 images/made/image.yaml user "root" has uid 5, but base-passwd gives it uid 0; use uid 0, or another name',
        'LS2401 images/made/image.yaml users "web" and "nobody" (base-passwd) both have uid 65534; choose a uid that no other user has; 1000 to 59999 are free for your own',
      ].join("\n"),
    );
  });

  it("of the system end with a code when no id is free", () => {
    const lines = Array.from({ length: 901 }, (_, index) => `g g${index} -\n`).join("");
    const facts = madeFacts("made", { files: { "usr/lib/sysusers.d/made.conf": lines } });
    expect(() => system([basePasswd, facts])).toThrow(
      /^LS2403 no id from 100 to 999 is free for the account "g900" of made/,
    );
  });

  it("leave a home directory to the layer that brings it", () => {
    const result = system([basePasswd], {
      users: [nonroot],
      groups: [nonrootGroup],
      existing: new Set(["home/nonroot"]),
    });
    expect(fileOf(result, "home/nonroot")).toBeUndefined();
  });
});

describe("files that a machine gets when it starts", () => {
  it("are not in the image (peers.md S1 to S3)", () => {
    const postinst =
      "#!/bin/sh\nset -e\nfor f in hosts hostname resolv.conf machine-id networks; do echo x > /etc/$f; done\n";
    const result = system([basePasswd, madeFacts("made", { scripts: { postinst } })]);
    expect(result.files.map(({ path }) => path).filter((path) => /hosts|hostname|resolv|machine/.test(path))).toEqual(
      [],
    );
    expect(textOf(result, "etc/networks")).toBe("x\n");
  });
});

describe("merged /usr", () => {
  it("links are made where no package ships them", () => {
    const result = system([madeFacts("made", { files: { "usr/bin/": "", "usr/lib/": "", lib: "-> usr/lib" } })]);
    expect(fileOf(result, "bin")).toMatchObject({ type: "symlink", target: "usr/bin" });
    expect(fileOf(result, "lib")).toBeUndefined();
    expect(fileOf(result, "lib32")).toBeUndefined();
  });
});

describe("a package's directory", () => {
  it("that a script replaces is told, and the link is among the files", () => {
    const postinst = "#!/bin/sh\nif [ ! -L /var/run ]; then rmdir /var/run; ln -s /run /var/run; fi\nrmdir /var/old\n";
    const facts = madeFacts("base-files", {
      scripts: { postinst },
      files: { "var/": "", "var/run/": "", "var/old/": "" },
    });
    const result = system([facts]);
    expect(result.removed).toEqual(["var/old", "var/run"]);
    expect(fileOf(result, "var/run")).toMatchObject({ type: "symlink", target: "/run" });
  });
});

describe("diversions", () => {
  it("move the files of other packages, but not those of aliased directories", () => {
    const one = madeFacts("one", {
      scripts: {
        preinst: script(
          "dpkg-divert --package one --no-rename --divert /usr/bin/tool.real --add /usr/bin/tool\ndpkg-divert --divert /bin/x.real /bin/x",
        ),
      },
      files: { "usr/bin/tool": "one" },
    });
    const two = madeFacts("two", { files: { "usr/bin/tool": "two", "usr/bin/x": "x" } });
    expect(divertedEntries([one, two], system([one, two]).diversions)).toEqual([
      [],
      [["usr/bin/tool", "usr/bin/tool.real"]],
    ]);
    expect(divertedEntries([two], system([two]).diversions)).toEqual([[]]);
    expect(textOf(system([one, two]), "var/lib/dpkg/diversions")).toBe(
      "/bin/x\n/bin/x.real\none\n/usr/bin/tool\n/usr/bin/tool.real\none\n",
    );
  });
});

describe("alternatives", () => {
  const nano = madeFacts("nano", {
    scripts: {
      postinst: install(
        "--install /usr/bin/editor editor /bin/nano 40 \\\n --slave /usr/share/man/man1/editor.1.gz editor.1.gz /usr/share/man/man1/nano.1.gz",
      ),
    },
    files: { "usr/": "", "usr/bin/": "", "usr/bin/nano": "", "usr/share/man/man1/nano.1.gz": "", bin: "-> usr/bin" },
  });
  const vim = madeFacts("vim", {
    scripts: {
      postinst: install(
        "--quiet --install /usr/bin/editor editor /usr/bin/vim 30 --slave /usr/bin/view view /usr/bin/vim",
      ),
    },
    files: { "usr/bin/vim": "", bin: "-> usr/bin" },
  });
  const ed = madeFacts("ed", {
    scripts: { postinst: install("--install /usr/bin/editor editor /bin/ed 40") },
    files: { "usr/bin/ed": "" },
  });

  it("have the link of the highest priority, of several the first by path", () => {
    const result = system([vim, nano, ed]);
    expect(fileOf(result, "usr/bin/editor")).toMatchObject({ type: "symlink", target: "/etc/alternatives/editor" });
    expect(fileOf(result, "etc/alternatives/editor")).toMatchObject({ target: "/bin/ed" });
    expect(fileOf(result, "etc/alternatives/editor.1.gz")).toBeUndefined();
    expect(fileOf(system([vim, nano]), "etc/alternatives/editor.1.gz")).toMatchObject({
      target: "/usr/share/man/man1/nano.1.gz",
    });
    expect(fileOf(system([vim, nano]), "etc/alternatives/view")).toBeUndefined();
  });

  it.skipIf(!hasProgram("update-alternatives"))("are records that update-alternatives reads (needs dpkg)", () => {
    const directory = temporaryDirectory();
    write(directory, system([vim, nano]).files);
    symlinkSync("usr/bin", join(directory, "bin"));
    for (const name of ["nano", "vim"]) writeFileSync(join(directory, "usr/bin", name), "");
    const query = run("update-alternatives", ["--root", directory, "--query", "editor"]);
    expect(query.stderr.toString()).toBe("");
    expect(query.stdout.toString()).toMatch(
      /Name: editor\nLink: \/usr\/bin\/editor\nSlaves:\n editor\.1\.gz .*\n view .*\nStatus: auto\nBest: \/bin\/nano\n/,
    );
    expect(query.stdout.toString()).toMatch(
      /Alternative: \/usr\/bin\/vim\nPriority: 30\nSlaves:\n view \/usr\/bin\/vim\n/,
    );
  });

  it("do not replace what a package ships", () => {
    const other = madeFacts("other", { files: { "usr/bin/editor": "real" } });
    const result = system([nano, other]);
    expect(fileOf(result, "usr/bin/editor")).toBeUndefined();
    expect(result.notDone).toEqual([
      {
        package: "nano",
        script: "postinst",
        commands: ["update-alternatives --install /usr/bin/editor editor /bin/nano 40"],
      },
    ]);
  });
});

describe("shells", () => {
  it("are listed as update-shells lists them", () => {
    const debianutils = madeFacts("debianutils", {
      files: {
        "usr/": "",
        "usr/bin/": "",
        bin: "-> usr/bin",
        "usr/share/debianutils/shells": "# /etc/shells\n/bin/sh\n",
      },
    });
    const bash = madeFacts("bash", { files: { "usr/share/debianutils/shells.d/bash": "/bin/bash#GNU\n" } });
    const old = madeFacts("old", { scripts: { postinst: "#!/bin/sh\nadd-shell /usr/bin/old\n" } });
    expect(textOf(system([debianutils, bash, old]), "etc/shells")).toBe(
      "# /etc/shells\n/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n/usr/bin/old\n",
    );
    expect(fileOf(system([bash]), "etc/shells")).toBeUndefined();
  });
});

describe("dpkg's database", () => {
  const tool = madeFacts("tool", {
    control: {
      "Multi-Arch": "same",
      Essential: "yes",
      Depends: "libc6 (>=2.3),  a|b",
      Homepage: "https://example.org",
      Description: "short\n Long.\n .",
    },
    files: { "etc/": "", "etc/tool.conf": "conf\n", "usr/": "", "usr/bin/": "", "usr/bin/tool": "tool\n" },
    conffiles: ["/etc/tool.conf"],
    md5: { "etc/tool.conf": "60ef1f29c33c8bd23a9e9a5c6ed5e2eb", "usr/bin/tool": "3ea5b1d2ef1b1ae8e4d1ee2a5b4c0d11" },
  });
  const half = madeFacts("half", { scripts: { postinst: "#!/bin/sh\nfrobnicate\n" } });

  it("has the fields in dpkg's order and tells what is not done", () => {
    const result = system([tool, half]);
    const status = textOf(result, "var/lib/dpkg/status") ?? "";
    expect(status).toContain(
      "Package: tool\nEssential: yes\nStatus: install ok installed\nMaintainer: Nobody <nobody@example.org>\nArchitecture: amd64\n" +
        "Multi-Arch: same\nVersion: 1.0-1\nDepends: libc6 (>= 2.3), a | b\nConffiles:\n /etc/tool.conf 60ef1f29c33c8bd23a9e9a5c6ed5e2eb\n" +
        "Description: short\n Long.\n .\nHomepage: https://example.org\n\n",
    );
    expect(status).toMatch(/^Package: half\nStatus: install ok unpacked\n/);
    expect(unfinishedScripts(result, "images/made/image.yaml").map(formatProblem)).toEqual([
      "LS2405 images/made/image.yaml postinst of half would have run: frobnicate; do in a files, directories or symlinks layer what the image needs of it",
    ]);
    expect(result.files.map(({ path }) => path).filter((path) => /-old$|lock|available|log|lists/.test(path))).toEqual(
      [],
    );
  });

  it.skipIf(!hasProgram("dpkg"))("is read by dpkg (needs dpkg)", () => {
    const directory = temporaryDirectory();
    const { files } = system([tool]);
    write(directory, [...files, ...infoFiles(tool)]);
    const dpkg = (...args: string[]): string => {
      const { stdout, stderr } = run("dpkg", [`--root=${directory}`, ...args], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
      });
      return stdout.toString() + stderr.toString();
    };
    expect(dpkg("-l")).toMatch(/^ii {2}tool:amd64 +1\.0-1 +amd64 +short$/m);
    expect(dpkg("--audit")).toBe("");
    expect(dpkg("-S", "/usr/bin/tool")).toBe("tool:amd64: /usr/bin/tool\n");
    expect(dpkg("-L", "tool")).toBe("/.\n/etc\n/etc/tool.conf\n/usr\n/usr/bin\n/usr/bin/tool\n");
    mkdirSync(join(directory, "usr/bin"), { recursive: true });
    expect(dpkg("--verify")).toBe("missing   c /etc/tool.conf\nmissing     /usr/bin/tool\n");
    expect(dpkg("-s", "tool")).toContain("Conffiles:\n /etc/tool.conf 60ef1f29c33c8bd23a9e9a5c6ed5e2eb\n");
  });

  it("has scripts and triggers only when dpkg itself is in the image", () => {
    const scripted = madeFacts("scripted", {
      scripts: { prerm: "#!/bin/sh\n:\n", triggers: "interest-noawait /usr/x\ninterest named\n" },
    });
    const dpkg = madeFacts("dpkg", { files: { "usr/bin/dpkg": "" } });
    expect(textOf(system([scripted]), "var/lib/dpkg/info/scripted.prerm")).toBeUndefined();
    const result = system([scripted, dpkg]);
    expect(fileOf(result, "var/lib/dpkg/info/scripted.prerm")).toMatchObject({ mode: 0o755 });
    expect(textOf(result, "var/lib/dpkg/triggers/File")).toBe("/usr/x scripted/noawait\n");
    expect(textOf(result, "var/lib/dpkg/triggers/named")).toBe("scripted\n");
  });
});

describe("everything", () => {
  it("is the same whatever the order of packages, and sorted", () => {
    const packages = [
      basePasswd,
      madeFacts("a", { scripts: { postinst: "#!/bin/sh\nadduser --system a\n" } }),
      madeFacts("b"),
    ];
    const one = system(packages);
    expect(system(packages.toReversed())).toEqual(one);
    const paths = one.files.map(({ path }) => path);
    expect(paths).toEqual(paths.toSorted());
  });
});
