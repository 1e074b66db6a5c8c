import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rules } from "../../pipeline/lint/rules/rules.ts";
import { lintText } from "../../pipeline/lint/lint.ts";
import { noSettings } from "../../pipeline/lint/settings.ts";
import { findingsOf, fixed, found, idsOf } from "./lint-text.ts";

const script = (text: string): readonly string[] => idsOf("build.sh", `#!/bin/bash\n${text}\n`);

describe("commands", () => {
  it.each([
    ["sudo -u root -E apt-get update", ["LK2201"]],
    ["env -i A=b nice -n 5 timeout -k 5 60 date", ["LK2001"]],
    ["find . | LC_ALL=C sort | xargs -0 -n 1 -P4 gzip", ["LK2102"]],
    ["sh -ec 'date'", ["LK2001"]],
    ['bash -c "date; echo $X"', ["LK2001"]],
    ["su - app -c 'npm install'", ["LK2401"]],
    ["eval 'date'", ["LK2001"]],
    ["bash -euo pipefail <<'X'\ndate\nX", ["LK2001"]],
    ['echo "built $(date)" `date`', ["LK2001", "LK2001"]],
    ["if ! date; then :; elif date; then :; else date; fi", ["LK2001", "LK2001", "LK2001"]],
    ["f() { date; }; (date) & { date; } > x", ["LK2001", "LK2001", "LK2001"]],
    ["case $(date) in a) date ;; esac; for i in $(date); do date; done", ["LK2001", "LK2001", "LK2001", "LK2001"]],
    ["/usr/bin/date && \\date && 'da'te", ["LK2001", "LK2001", "LK2001"]],
    ["a=$(date) b=(x $(date)) c", ["LK2001", "LK2001"]],
    ["diff <(date) x", ["LK2001"]],
    ["find . -name x -exec date \\; -print", ["LK2001"]],
    ["export T=$(date)", ["LK2001"]],
    ['echo $((RANDOM % 6)) ${RANDOM:0:2} "$RANDOM"', ["LK2003", "LK2003", "LK2003"]],
    ["curl -fsSL https://x.example/i | sudo -E bash -s -- -y", ["LK2301"]],
    ['bash <(curl -fsSL https://x.example/i); sh -c "$(wget -qO- https://x.example/i)"', ["LK2301", "LK2301"]],
    ['source <(curl -s https://x.example/i); eval "$(curl -s https://x.example/i)"', ["LK2301", "LK2301"]],
    ["curl -s https://x.example/k | gpg --dearmor -o k", ["LK2302"]],
    ["date -d yesterday; date -d 'now' -u", ["LK2001", "LK2001"]],
    ["date -Iseconds", ["LK2001"]],
    ["python3 -m pip install -U pip", ["LK2404"]],
    ["pip install 'flask>=3' requests==2.32.5", ["LK2404"]],
    ["uv pip install ruff; pipx install poetry", ["LK2404", "LK2404"]],
    ["go install example.com/x@main; go build .", ["LK2412", "LK2413"]],
    ["yarn && yarn add left-pad && yarn global add serve", ["LK2403", "LK2402", "LK2402"]],
    ["tar -czf x.tgz . --sort=name --mtime=@0", ["LK2101"]],
    ["tar cf - a | gzip > x.gz", ["LK2101"]],
    ["useradd -r -s /bin/false -g 100 x; adduser x; groupadd x", ["LK2211", "LK2211", "LK2211"]],
    ["git -C x clone https://x.example/y; git clone -b v1 https://x.example/z /opt/z", ["LK2305", "LK2305"]],
    ["uname -r; hostname -f; cat /proc/cpuinfo; nproc", ["LK2011", "LK2010", "LK2011", "LK2012"]],
    ["printf '%(%F)T\\n' -1; echo $EPOCHSECONDS", ["LK2004", "LK2004"]],
  ])("%j are found wherever they stand", (text, expected) => {
    expect(script(text).toSorted()).toEqual(expected.toSorted());
  });

  it.each([
    "# date; apt-get update",
    "echo 'apt-get update; date; curl x | sh' \"npm install\"",
    "cat <<'X' > script\ndate\ncurl https://x.example | sh\nX",
    "cat <<X > notes\nuse date and npm install\nX",
    "python3 - <<'X'\nimport random\nX",
    "ssh host <<'X'\ndate\nX",
    "grep date file; man date; which npm; command -v apt-get; type pip",
    "update=date; apt=update; npm_install=1; RANDOM=4; echo $RANDOM",
    "date -u -d @0; date -ud @$SOURCE_DATE_EPOCH +%F; date -u -r file; TZ=UTC date -d @1; date -d @1 +%s",
    "LC_ALL=C sort x; sort -n x; export LC_ALL=C; sort y",
    "gzip -n x; gzip -dc x; gzip -9n x; tar cf - x --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner | gzip > y",
    "tar xzf x; tar -tf x; tar --extract --file x; tar -C /tmp -xf x",
    "npm ci; npm run build; npm test; npx tsc; yarn install --immutable; pnpm i --frozen-lockfile; npm install --package-lock-only",
    "pip install --require-hashes -r requirements.txt; pip install --no-index --find-links wheels flask; pip install --no-deps .; pip list",
    "useradd -u 10 x; groupadd -g 10 x; adduser --uid 10 x; useradd -D; adduser app docker; usermod -aG docker app",
    "curl -fsS http://localhost:8080/health; curl -I https://x.example; curl -X POST https://x.example/hook; wget --spider https://x.example",
    'curl -fsSLo x https://x.example/x; echo "abc  x" | sha256sum -c',
    "wget https://x.example/x https://x.example/x.asc; gpg --verify x.asc x",
    "git clone https://x.example/y && cd y && git checkout 0123456789012345678901234567890123456789",
    'git clone ../local; git clone "$URL" && git checkout "$COMMIT"; git submodule update --init',
    'docker pull x@sha256:1111111111111111111111111111111111111111111111111111111111111111; docker pull "$IMAGE"; docker build .',
    "ssh-keygen -lf key; ssh-keygen -y -f key; openssl x509 -in c -noout; openssl dgst -sha256 x",
    "find . -name x -delete; find . | LC_ALL=C sort | xargs cat; find . -type f -exec chmod 644 {} +; find . | wc -l",
    "uname -m; uname -s; uname -sm; getconf PAGESIZE",
    "ar t x.a; ar Drcs x.a y.o; ar x x.a; ranlib x.a",
    "go build -trimpath ./...; GOFLAGS=-trimpath go build .; go test ./...; go version",
    "cargo build --locked; cargo fmt; cargo install --locked just --version 1.0.0; cargo test",
    "helm install x ./chart; kubectl apply -f x.yaml; helm repo update; kubectl get pods",
    "env FOO=bar make; env; printenv HOME; set -eu; env | sort -n",
    "apt-get --snapshot 20260101T000000Z update; apt-get install --no-install-recommends -y curl",
    "dnf clean all; yum repolist; apk info; pacman -Q; pacman -Scc",
  ])("%j are none of the kinds that are looked for", (text) => {
    expect(script(text)).toEqual([]);
  });

  it("tell where they are, in quotes of quotes too", () => {
    expect(found("build.sh", "#!/bin/sh\ntrue &&\n  sh -c 'echo x; date'\n")).toEqual(["LK2001 3:18"]);
    expect(found("package.json", '{ "scripts": { "b": "sh -c \\"date\\" && uuidgen" } }\n')).toEqual([
      "LK2001 1:30",
      "LK2006 1:40",
    ]);
    expect(
      found(
        ".github/workflows/a.yml",
        "jobs:\n  a:\n    steps:\n      - run: |\n          true\n          x=${{ a.b }} date\n",
      ),
    ).toEqual(["LK2001 6:24"]);
    expect(found("Dockerfile", 'FROM scratch\nRUN a && \\\n  # c\n\n  b "$(date)"\n')).toEqual(["LK2001 5:8"]);
  });
});

describe("scripts in other files", () => {
  it("of workflows are read where a shell reads them", () => {
    const workflow = (step: string): string => `jobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - ${step}\n`;
    expect(idsOf(".github/workflows/a.yml", workflow("run: npm install"))).toEqual(["LK2401"]);
    expect(idsOf(".github/workflows/a.yml", workflow("{ run: date, shell: pwsh }"))).toEqual([]);
    expect(idsOf(".github/workflows/a.yml", workflow("{ run: date, shell: 'bash -e {0}' }"))).toEqual(["LK2001"]);
    expect(
      idsOf(".github/workflows/a.yml", workflow('run: "sort x"').replace("jobs:", "env: { LC_ALL: C }\njobs:")),
    ).toEqual([]);
    expect(idsOf("action.yml", "runs:\n  using: composite\n  steps:\n    - { run: date, shell: bash }\n")).toEqual([
      "LK2001",
    ]);
    expect(idsOf(".gitlab-ci.yml", "a:\n  script:\n    - |\n      date\n    - echo $RANDOM\n")).toEqual([
      "LK2001",
      "LK2003",
    ]);
    const task =
      "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n    - script: |\n        #!/bin/sh\n        echo $(params.x)\n        date\n";
    expect(idsOf("task.yaml", task)).toEqual(["LK2001"]);
    expect(idsOf("task.yaml", task.replace("/bin/sh", "/usr/bin/env python3"))).toEqual([]);
  });

  it("are mended where text may be put in without becoming something else", () => {
    const workflow = (step: string): string =>
      `env: { SOURCE_DATE_EPOCH: 1 }\njobs:\n  a:\n    steps:\n      - ${step}\n`;
    const mended = "date -u -d @${SOURCE_DATE_EPOCH:?}";
    for (const form of ["run: X", 'run: "X"', "{ run: 'X' }", "run: |\n          true\n          X"])
      expect(fixed(".github/workflows/a.yml", workflow(form.replace("X", "date")))).toBe(
        workflow(form.replace("X", mended)),
      );
    for (const form of [
      "{ run: date }",
      "run: >\n          true;\n          date",
      'run: "\\x64ate"',
      "run: true;\n          date",
    ]) {
      const text = workflow(form);
      expect(idsOf(".github/workflows/a.yml", text)).toEqual(["LK2001"]);
      expect(fixed(".github/workflows/a.yml", text)).toBe(text);
    }
    expect(fixed(".gitlab-ci.yml", "a: { script: [gzip x] }\n")).toBe("a: { script: [gzip x] }\n");
    const script = '{ "scripts": { "a": "sh -c \\"gzip x\\"" } }\n';
    expect(fixed("package.json", script)).toBe(script.replace("gzip", "gzip -n"));
  });

  it("are not mended where somebody has to decide", () => {
    for (const [path, content] of [
      ["a.sh", "#!/bin/sh\nbegin=$(date +%s)\nnpm install\n"],
      ["a.sh", '#!/bin/sh\ntouch -t "$(date -d @1 +%Y%m%d%H%M)" x\ntar cf backup.tar x\n'],
      ["package.json", '{ "scripts": { "setup": "npm install" } }\n'],
    ] as const)
      expect(fixed(path, content)).toBe(content);
  });

  it("of templates, of other kinds of YAML, and of other languages are left alone", () => {
    expect(idsOf("chart/pod.yaml", "apiVersion: v1\nkind: Pod\nspec: {{ .Values.spec }}\n")).toEqual([]);
    expect(idsOf("config.yml", "image: debian\nscript: date\n")).toEqual([]);
    expect(idsOf("compose.yml", "services:\n  a: { image: '${IMAGE}' }\n  b: { build: ., image: b }\n")).toEqual([]);
  });
});

describe("files that are hostile", () => {
  const paths = [
    "Dockerfile",
    "a.sh",
    "package.json",
    "package-lock.json",
    ".npmrc",
    "requirements.txt",
    "a.yaml",
    ".gitlab-ci.yml",
    "compose.yaml",
    ".github/workflows/a.yml",
    "images/a/image.yaml",
  ];
  const snippets = fc.constantFrom(...rules.flatMap(({ example }) => [example.bad, example.good]));
  const noise = fc.constantFrom(
    "\\\n",
    "<<EOF",
    "EOF\n",
    "${",
    "$(",
    "`",
    "'",
    '"',
    "[",
    "{",
    "&a *a",
    "|\n",
    "\t",
    "#",
    "\r\n",
    "ONBUILD ",
    "\u0000",
    "\ud800",
  );
  const text = fc.oneof(
    fc.array(fc.oneof(snippets, noise, fc.string({ maxLength: 8 })), { maxLength: 8 }).map((list) => list.join("")),
    fc.tuple(snippets, fc.nat(400), fc.nat(400)).map(([from, a, b]) => from.slice(0, a) + from.slice(b)),
    fc.string({ unit: "binary" }),
  );

  it("give findings that lie in them, or none, and never an error", () => {
    fc.assert(
      fc.property(fc.constantFrom(...paths), text, (path, content) => {
        for (const { at, end, fix } of findingsOf(path, content))
          for (const place of [{ at, end }, ...(fix ?? [])]) {
            expect(place.at).toBeGreaterThanOrEqual(0);
            expect(place.end).toBeGreaterThanOrEqual(place.at);
            expect(place.end).toBeLessThanOrEqual(content.length);
          }
      }),
      { numRuns: 4000 },
    );
  });

  it("are understood no worse once they are mended", () => {
    const unread = (path: string, content: string): number =>
      idsOf(path, content).filter((id) => id === "LK9004").length;
    fc.assert(
      fc.property(fc.constantFrom(...paths), text, (path, content) => {
        const once = fixed(path, content);
        expect(unread(path, once)).toBeLessThanOrEqual(unread(path, content));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["Dockerfile", "RUN a \\\n".repeat(50_000)],
    ["Dockerfile", "RUN <<A <<B <<C\n".repeat(2_000)],
    ["Dockerfile", `LABEL ${"a".repeat(300_000)}`],
    ["Dockerfile", `FROM \${a:-${"${a:-".repeat(10_000)}`],
    ["a.sh", `sh -c '${'sh -c "'.repeat(1_000)}`],
    ["a.sh", `${"a | ".repeat(20_000)}b`],
    ["package.json", "[".repeat(100_000)],
    ["requirements.txt", `${" ".repeat(200_000)}x`],
    ["a.yaml", `apiVersion: v1\nkind: X\na: ${"[".repeat(5_000)}`],
    [
      "a.yaml",
      "apiVersion: v1\nkind: X\na: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: &d [*c, *c, *c, *c]\n",
    ],
    ["compose.yaml", "services: &a { a: *a }\n"],
  ])("%s of unusual shape is read in reasonable time", (path, content) => {
    expect(Array.isArray(findingsOf(path, content))).toBe(true);
  });
});

describe("Dockerfiles", () => {
  const digest = `sha256:${"1".repeat(64)}`;
  const base = `FROM registry.example/a@${digest} AS base\n`;

  it.each([
    [
      "stages inherit what the stages they are from have set",
      `${base}ENV LC_ALL=C\nWORKDIR /x\nFROM base AS b\nWORKDIR y\nFROM B\nRUN sort z\n`,
    ],
    [
      "a clone is held by a checkout of a later step",
      `${base}RUN git clone https://git.example/x\nRUN git -C x checkout $COMMIT\n`,
    ],
    ["a tree may be copied through a pipe", `${base}RUN tar -cf - a | tar -C /b -xf -\n`],
    ["what eval is given at run time is not guessed", `${base}RUN eval A=\\\${B$C} && true\n`],
    [
      "images of Windows have no shell that is read",
      `FROM registry.example/windows/nanoserver@${digest}\nRUN icacls C:\\a /grant "A":(OI)(CI)F && date\n`,
    ],
    [
      "stages, numbers and scratch are no images",
      `${base}FROM scratch\nCOPY --from=0 /a /a\nCOPY --from=BASE /b /b\nRUN --mount=type=bind,from=base,target=/c true\n`,
    ],
    [
      "a default makes a base known",
      `ARG B=registry.example/a@${digest}\nFROM \${B:-x}\nFROM \${C:-registry.example/a@${digest}}\n`,
    ],
    ["what is not set by ARG may have a digest all the same", `ARG R\nFROM \${R}/a@${digest}\n`],
  ])("%s", (_, text) => {
    expect(idsOf("Dockerfile", text)).toEqual([]);
  });

  it("say where in the file, whatever is in between", () => {
    const text = `${base}RUN true; \\\n  # one\n\n  true; \\\n  date\nRUN <<A\ntrue\nuuidgen\nA\nRUN ["sh", "-c", "a; date"]\nONBUILD RUN \\\n date\n`;
    expect(found("Dockerfile", text)).toEqual(["LK2001 6:3", "LK2006 9:1", "LK2001 11:22", "LK2001 13:2"]);
    expect(found("Dockerfile", text.replaceAll("\n", "\r\n"))).toEqual(found("Dockerfile", text));
  });

  it("are kept out of .git by their .dockerignore", () => {
    const lint = (ignored: string | undefined): readonly string[] =>
      lintText(
        {
          path: "a/Dockerfile",
          text: `${base}COPY . /app\n`,
          complete: true,
          beside: () => false,
          readBeside: (name) => (name === ".dockerignore" ? ignored : undefined),
        },
        "dockerfile",
        noSettings,
        () => [],
      ).map(({ rule }) => rule.id);
    expect(lint(undefined)).toEqual(["LK1007"]);
    expect(lint("node_modules\n")).toEqual(["LK1007"]);
    for (const text of [".git\n", "**/.git\n", "# all\n*\n!src\n", "/.git/\r\n", ".*\n"])
      expect(lint(text)).toEqual([]);
    expect(lint("*\n!.git\n")).toEqual(["LK1007"]);
  });
});
