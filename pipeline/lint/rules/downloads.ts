/** Rules about what is taken from the network: downloads, repositories, images, charts. */
import { isPinned, parseReference } from "../image-reference.ts";
import type { ShellCommand } from "../shell/script.ts";
import type { Edit, Rule } from "../rule.ts";
import { found, foundCommand, has, isExact, isKnown, operands, optionValue, perScript, subcommand } from "./tools.ts";

const base = `FROM registry.example/debian@sha256:${"0".repeat(64)}\n`;

const shells = /^(?:sh|bash|dash|ash|ksh|zsh|python[\d.]*|perl|ruby|node|php)$/;

function isDownload({ name }: ShellCommand): boolean {
  return /^(?:curl|wget|aria2c|fetch|axel)$/.test(name);
}

function addresses(
  command: ShellCommand,
): readonly { readonly value: string; readonly at: number; readonly end: number }[] {
  return command.args.filter(({ value }) => /^(?:https?|ftp):\/\//.test(value));
}

/** Whether something is checked against a hash or a signature in a script. */
const verifies = perScript(({ commands }): boolean =>
  commands.some(
    (command) =>
      (/^(?:sha\d*sum|md5sum|b2sum|b3sum|shasum|cksum)$/.test(command.name) && has(command, "-c", "--check")) ||
      (/^gpg2?$/.test(command.name) && has(command, "--verify")) ||
      /^(?:gpgv|sqv|minisign|signify|cosign|slsa-verifier|rekor-cli)$/.test(command.name) ||
      (command.name === "openssl" && command.args.some(({ value }) => value === "dgst") && has(command, "-verify")) ||
      (command.name === "gh" && command.args[0]?.value === "attestation") ||
      // [ "$(sha256sum < f)" = … ]
      (/^sha\d+sum$/.test(command.name) &&
        command.within !== undefined &&
        /^(?:\[|\[\[|test)$/.test(command.within.name)),
  ),
);

/** Whether a download is kept, and not only looked at. */
function keeps(command: ShellCommand): boolean {
  if (command.name === "curl") {
    if (has(command, "-I", "--head") || has(command, "-X", "--request", "-d", "--data", "-F", "--form", "-T"))
      return false;
    const output = optionValue(command, "-o", "--output");
    if (output === "/dev/null" || output === "-") return false;
    return (
      output !== undefined ||
      has(command, "-o", "-O", "--remote-name") ||
      command.redirects.some(({ operator, target }) => operator.startsWith(">") && target.value !== "/dev/null") ||
      (command.after !== undefined &&
        /^(?:tar|gtar|bsdtar|unzip|gunzip|gzip|xz|zstd|cpio|tee|dpkg|rpm|gpg|apt-key|sudo)$/.test(command.after.name))
    );
  }
  return (
    !has(command, "--spider", "--help", "--version") && optionValue(command, "-O", "--output-document") !== "/dev/null"
  );
}

/** Whether what a command gives is run: by a shell behind it, or as words of one. */
function runsAtOnce({ after, at, within }: ShellCommand): boolean {
  let next = after;
  while (next !== undefined && !shells.test(next.name)) next = next.after;
  const around = within?.name ?? "";
  // `$(curl …)` where a command is expected.
  if (within?.word !== undefined && within.name === "" && at >= within.word.at && at < within.word.end) return true;
  return next !== undefined || shells.test(around) || /^(?:eval|source|\.)$/.test(around);
}

function isLocal(address: string): boolean {
  return /^\w+:\/\/(?:localhost|127\.|\[::1\]|0\.0\.0\.0)/.test(address);
}

/** `…/releases/latest/…`, `…/main/…`: addresses that mean something else tomorrow. */
const moving = /\/(?:latest|master|main|HEAD|nightly|stable|current|snapshot)(?:\/|$|[-_.][^/]*$)|[-_]latest[-_.]/i;

function removal(command: ShellCommand, option: RegExp): readonly Edit[] | undefined {
  const word = command.args.find(({ value }) => option.test(value));
  return isExact(command, word) ? [{ at: word.at - 1, end: word.end, text: "" }] : undefined;
}

/** A full id, or what only running tells. */
function isCommit(value: string): boolean {
  return !isKnown(value) || /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(value);
}

const laterCheckout = /\bgit\b[^\n]*\b(?:checkout|reset|switch|fetch)\b[^\n]*(?:\b[0-9a-f]{40}\b|\$\{?[A-Za-z_])/;

/** Whether a commit is checked out somewhere in a script, or in another step of the same Dockerfile. */
const checksOut = perScript(
  ({ commands, setting }): boolean =>
    commands.some(
      ({ name, args }) =>
        name === "git" &&
        args.some(({ value }) => /^(?:checkout|reset|switch|fetch)$/.test(value)) &&
        args.some(({ value }) => isCommit(value)),
    ) ||
    (setting.kind === "dockerfile" && laterCheckout.test(setting.text)),
);

/** Options of `git clone` whose value is the next word. */
const cloneValues =
  /^-[Ccbjou]$|^--(?:branch|config|depth|filter|jobs|origin|reference|revision|separate-git-dir|shallow-(?:since|exclude)|template|upload-pack)$/;

export const downloadRules: readonly Rule[] = [
  {
    id: "LK2301",
    title: "download that is run at once",
    severity: "error",
    rows: ["E6", "X4"],
    why: "`curl | sh` runs whatever the server sends today, half of it when the connection breaks, and keeps no trace of what it was.",
    remedy: "Download to a file, check it against a hash that is in your repository, then run it.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN curl -fsSL https://files.example/install.sh | sh\n`,
      good: `${base}RUN curl -fsSLo install.sh https://files.example/install.sh && echo "${"0".repeat(64)}  install.sh" | sha256sum -c && sh install.sh\n`,
    },
    on: "command",
    check(command) {
      if (!isDownload(command)) return [];
      return runsAtOnce(command) ? [foundCommand(command, "what the server sends is run at once")] : [];
    },
  },
  {
    id: "LK2302",
    title: "download that nothing checks",
    severity: "warning",
    rows: ["E6", "X4"],
    why: "A server may send other bytes tomorrow, or an error page, and the build goes on with them.",
    remedy:
      "Check the file against a hash that is in your repository (`sha256sum -c`), or its signature; in a Dockerfile `ADD --checksum=sha256:…` does both at once.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN curl -fsSLo tool https://files.example/tool-1.2.0\n`,
      good: `${base}RUN curl -fsSLo tool https://files.example/tool-1.2.0 && echo "${"0".repeat(64)}  tool" | sha256sum -c\n`,
    },
    on: "command",
    check(command) {
      if (!isDownload(command) || !keeps(command) || verifies(command.script)) return [];
      const [address] = addresses(command);
      if (address !== undefined && (isLocal(address.value) || moving.test(address.value))) return [];
      if (runsAtOnce(command)) return [];
      const opaque =
        address === undefined && operands(command).every(({ value }) => isKnown(value) && !value.includes("."));
      return opaque ? [] : [foundCommand(command, "nothing checks what the server sends")];
    },
  },
  {
    id: "LK2303",
    title: "address that moves",
    severity: "warning",
    rows: ["E6", "I11"],
    why: "`latest`, a branch, or `stable` in an address is another file after the next release.",
    remedy: "Name the version or the commit in the address, and check the hash.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN curl -fsSLo tool https://files.example/tool/releases/latest/tool\n`,
      good: `${base}RUN curl -fsSLo tool https://files.example/tool/releases/1.2.0/tool && echo "${"0".repeat(64)}  tool" | sha256sum -c\n`,
    },
    on: "command",
    check: (command) =>
      isDownload(command)
        ? addresses(command).flatMap((address) =>
            moving.test(address.value.replace(/^\w+:\/\/[^/]*/, "")) && !isLocal(address.value)
              ? [found(address, "this address is another file after the next release")]
              : [],
          )
        : [],
  },
  {
    id: "LK2304",
    title: "certificate of the server not checked",
    severity: "error",
    rows: ["X4", "E6"],
    why: "Without that anybody on the way may send anything.",
    remedy: "Install the certificate authority that the server has, and remove the option.",
    fix: "Removes `-k`, `--insecure`, `--no-check-certificate` where it stands alone.",
    example: {
      file: "fetch.sh",
      bad: "#!/bin/sh\ncurl --insecure -fsS https://files.example/status\n",
      good: "#!/bin/sh\ncurl -fsS https://files.example/status\n",
    },
    on: "command",
    check(command) {
      const message = "the certificate of the server is not checked";
      if (command.name === "curl" && has(command, "-k", "--insecure"))
        return [foundCommand(command, message, removal(command, /^(?:-k|--insecure)$/))];
      if (command.name === "wget" && has(command, "--no-check-certificate"))
        return [foundCommand(command, message, removal(command, /^--no-check-certificate$/))];
      const settings =
        (command.name === "git" && command.args.some(({ value }) => /^http\.sslVerify=(?:false|0)$/i.test(value))) ||
        (command.name === "git" &&
          command.args.some(
            ({ value }, at) => value === "http.sslVerify" && /^(?:false|0)$/.test(command.args[at + 1]?.value ?? ""),
          )) ||
        (command.name === "npm" &&
          command.args.some(
            ({ value }, at) =>
              value === "strict-ssl=false" || (value === "strict-ssl" && command.args[at + 1]?.value === "false"),
          )) ||
        (/^pip[\d.]*$/.test(command.name) && has(command, "--trusted-host")) ||
        [
          ...command.variables,
          ...(command.name === "export"
            ? command.args.map(({ value }) => ({ name: value.split("=")[0] ?? "", value: value.split("=")[1] ?? "" }))
            : []),
        ].some(
          ({ name, value }) =>
            (name === "GIT_SSL_NO_VERIFY" && value !== "" && value !== "0") ||
            (name === "NODE_TLS_REJECT_UNAUTHORIZED" && value === "0") ||
            (name === "PYTHONHTTPSVERIFY" && value === "0"),
        );
      return settings ? [foundCommand(command, message)] : [];
    },
  },
  {
    id: "LK2305",
    title: "clone without a commit",
    severity: "error",
    elsewhere: "warning",
    rows: ["L26", "E6"],
    why: "A branch moves, and a tag can be moved. The clone is what they point to today.",
    remedy: "Check out a commit by its full id after cloning, or clone with `--revision=<commit>`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN git clone https://git.example/tool.git\n`,
      good: `${base}RUN git clone https://git.example/tool.git && git -C tool checkout ${"0123456789".repeat(4)}\n`,
    },
    on: "command",
    check(command) {
      const clone = command.name === "git" ? subcommand(command, ["clone"], cloneValues) : undefined;
      if (clone === undefined) return [];
      const revision = optionValue(command, "--revision");
      if (revision !== undefined && isCommit(revision)) return [];
      const pinned = checksOut(command.script);
      const local = /^[./]|^file:/.test(clone.rest[0]?.value ?? "");
      return pinned || local ? [] : [foundCommand(command, "the clone is whatever the branch or tag points to today")];
    },
  },
  {
    id: "LK2306",
    title: "repository brought to its newest state",
    severity: "error",
    elsewhere: "warning",
    rows: ["L26", "E6"],
    why: "`git pull` and `git submodule update --remote` take what is newest.",
    remedy: "Check out commits by their ids; `git submodule update --init` takes those that are recorded.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN git submodule update --init --remote\n`,
      good: `${base}RUN git submodule update --init\n`,
    },
    on: "command",
    check(command) {
      if (command.name !== "git") return [];
      if (subcommand(command, ["pull"], /^-[Cc]$/) !== undefined && !checksOut(command.script))
        return [foundCommand(command, "git pull takes what is newest")];
      return subcommand(command, ["submodule"], /^-[Cc]$/) !== undefined && has(command, "--remote")
        ? [foundCommand(command, "submodules are brought to their newest commits")]
        : [];
    },
  },
  {
    id: "LK2307",
    title: "version from the history of the checkout",
    severity: "warning",
    rows: ["L26"],
    why: "`git describe` and counts of commits differ in a shallow clone, in one without tags, and after a tag was added.",
    remedy: "Write the version into a file, or use the id of the commit: `git rev-parse HEAD`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\ngit describe --tags > version.txt\n",
      good: "#!/bin/sh\ngit rev-parse HEAD > version.txt\n",
    },
    on: "command",
    check(command) {
      if (command.name !== "git") return [];
      const describe = subcommand(command, ["describe"], /^-[Cc]$/);
      const count = subcommand(command, ["rev-list", "shortlog"], /^-[Cc]$/);
      if (describe !== undefined) return [foundCommand(command, "git describe depends on tags and depth of the clone")];
      return count !== undefined && has(command, "--count")
        ? [foundCommand(command, "the number of commits depends on the depth of the clone")]
        : [];
    },
  },
  {
    id: "LK2308",
    title: "image by tag in a command",
    severity: "warning",
    rows: ["I10", "I11"],
    why: "A tag is another image tomorrow, or on another machine that pulled it earlier.",
    remedy: "Name the image by digest: `name@sha256:…`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\ndocker pull registry.example/tool:1.2\n",
      good: `#!/bin/sh\ndocker pull registry.example/tool@sha256:${"0".repeat(64)}\n`,
    },
    on: "command",
    check(command) {
      if (!/^(?:docker|podman|nerdctl|crane|buildah)$/.test(command.name)) return [];
      const pull = subcommand(command, ["pull", "from"]);
      const images = pull?.rest ?? [];
      return images.slice(0, 1).flatMap((word) => {
        const { value } = word;
        if (!isKnown(value) || value === "scratch" || isPinned(value)) return [];
        return [found(word, `${value} is another image when its tag moves`)];
      });
    },
  },
  {
    id: "LK2309",
    title: "manifest or chart without a version",
    severity: "warning",
    rows: ["E6", "E14"],
    why: "A manifest at an address changes, and a chart without a version is the newest one.",
    remedy: "Keep the manifest in your repository; give charts `--version` and keep their lock.",
    example: {
      file: "deploy.sh",
      bad: "#!/bin/sh\nhelm upgrade --install db charts/postgresql\n",
      good: "#!/bin/sh\nhelm upgrade --install db charts/postgresql --version 16.4.1\n",
    },
    on: "command",
    check(command) {
      if (command.name === "kubectl" && subcommand(command, ["apply", "create", "replace"]) !== undefined) {
        const file = optionValue(command, "-f", "--filename", "-k") ?? "";
        return /^https?:/.test(file) ? [foundCommand(command, "the manifest is what the server sends today")] : [];
      }
      const chart =
        command.name === "helm" ? subcommand(command, ["install", "upgrade", "pull", "template"]) : undefined;
      if (chart === undefined || has(command, "--version")) return [];
      const local = chart.rest.some(
        ({ value }) =>
          /^\.{0,2}\/|^\.$|\.tgz$/.test(value) || !isKnown(value) || parseReference(value).digest !== undefined,
      );
      return local ? [] : [foundCommand(command, "the chart is the newest one")];
    },
  },
];
