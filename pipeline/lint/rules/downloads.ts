/** Rules about downloads, in commands. */
import type { Edit, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/script.ts";
import {
  isExact,
  found,
  foundCommand,
  has,
  isMovingAddress,
  optionValue,
  operands,
  isKnown,
  perScript,
} from "./tools.ts";

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

function removal(command: ShellCommand, option: RegExp): readonly Edit[] | undefined {
  const word = command.args.find(({ value }) => option.test(value));
  return isExact(command, word) ? [{ at: word.at - 1, end: word.end, text: "" }] : undefined;
}

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
      if (address !== undefined && (isLocal(address.value) || isMovingAddress(address.value))) return [];
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
            isMovingAddress(address.value) && !isLocal(address.value)
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
];
