/** Rules about commands that put a time or something random into what they make. */
import { hole } from "../shell/argument.ts";
import type { ShellCommand } from "../shell/script.ts";
import type { Found, Rule } from "../rule.ts";
import { found, foundCommand, has, insertAfter, isSet, knowsEpoch, operands, optionValue } from "./tools.ts";

/** Whether `date` is told which time to show. */
function isFixed(command: ShellCommand): boolean {
  // `-Iseconds` holds letters that are options elsewhere.
  if (command.args.some(({ value }) => /^(?:-[uR]*[rfs].*|--(?:reference|file|set)(?:=.*)?)$/.test(value))) return true;
  const value = dateValue(command);
  return value !== undefined && (value.startsWith("@") || /\d{4}/.test(value) || value.includes(hole));
}

/** What `-d` of `date` says, also in `-ud`. */
function dateValue(command: ShellCommand): string | undefined {
  const bundle = command.args.findIndex(({ value }) => /^-[uR]+d/.test(value));
  if (bundle < 0) return optionValue(command, "-d", "--date");
  const joined = command.args[bundle]?.value.replace(/^-[uR]+d/, "") ?? "";
  return joined === "" ? command.args[bundle + 1]?.value : joined;
}

function uses(names: RegExp, message: (name: string) => string): (script: ShellCommand["script"]) => readonly Found[] {
  return (script) =>
    script.uses.flatMap((use) =>
      names.test(use.name) && !script.assigned.has(use.name) ? [found(use, message(use.name))] : [],
    );
}

export const timeRules: readonly Rule[] = [
  {
    id: "LK2001",
    title: "date without a fixed time",
    severity: "warning",
    rows: ["T8", "T10", "T13"],
    why: "`date` prints the time of the build. Whatever it is written to differs with every build.",
    remedy:
      "Print the time of the source: `date -u -d @$SOURCE_DATE_EPOCH`. In a Dockerfile declare `ARG SOURCE_DATE_EPOCH`; elsewhere set it to the time of the commit.",
    fix: "Adds `-u -d @${SOURCE_DATE_EPOCH:?}` in scripts that use or set the variable; elsewhere somebody has to decide where it comes from.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\nSOURCE_DATE_EPOCH=$(git log -1 --format=%ct)\ndate +%Y-%m-%d > version.txt\n",
      good: "#!/bin/sh\nSOURCE_DATE_EPOCH=$(git log -1 --format=%ct)\ndate -u -d @${SOURCE_DATE_EPOCH:?} +%Y-%m-%d > version.txt\n",
    },
    on: "command",
    check(command) {
      if (command.name !== "date" || isFixed(command)) return [];
      const utc = has(command, "-u", "--utc", "--universal") ? "" : " -u";
      const fix =
        dateValue(command) === undefined && knowsEpoch(command)
          ? insertAfter(command, command.word, `${utc} -d @\${SOURCE_DATE_EPOCH:?}`)
          : undefined;
      return [foundCommand(command, "date prints the time of the build", fix)];
    },
  },
  {
    id: "LK2002",
    title: "date in the zone of the machine",
    severity: "warning",
    rows: ["T13", "E1"],
    why: "Without `-u` the same instant is another date and another hour on a machine in another time zone.",
    remedy: "Set `TZ=UTC` for the whole script, or add `-u` where nothing reads the result as local time again.",
    example: {
      file: "build.sh",
      bad: '#!/bin/sh\ndate -d "@$SOURCE_DATE_EPOCH" +%F > version.txt\n',
      good: '#!/bin/sh\ndate -u -d "@$SOURCE_DATE_EPOCH" +%F > version.txt\n',
    },
    on: "command",
    check(command) {
      if (command.name !== "date" || !isFixed(command) || has(command, "-u", "--utc", "--universal", "-s", "--set"))
        return [];
      if (isSet(command, "TZ") || command.args.some(({ value }) => /^\+%s$/.test(value))) return [];
      return [foundCommand(command, "date uses the time zone of the machine")];
    },
  },
  {
    id: "LK2003",
    title: "random number of the shell",
    severity: "warning",
    rows: ["E10"],
    why: "`$RANDOM` is another number at every run, and what is made from it differs.",
    remedy: "Use a fixed value, or one that follows from the content: a checksum of the input.",
    example: {
      file: "build.sh",
      bad: '#!/bin/bash\necho "seed=$RANDOM" > app.conf\n',
      good: '#!/bin/bash\necho "seed=$(sha256sum < input | cut -c1-8)" > app.conf\n',
    },
    on: "script",
    check: uses(/^S?RANDOM$/, (name) => `$${name} is another number at every run`),
  },
  {
    id: "LK2004",
    title: "clock of the shell",
    severity: "warning",
    rows: ["T10", "T13"],
    why: "`$EPOCHSECONDS`, `$EPOCHREALTIME` and `printf '%(…)T'` read the clock as `date` does.",
    remedy: "Use `$SOURCE_DATE_EPOCH`, the time of the source.",
    example: {
      file: "build.sh",
      bad: '#!/bin/bash\necho "built=$EPOCHSECONDS" > app.conf\n',
      good: '#!/bin/bash\necho "built=$SOURCE_DATE_EPOCH" > app.conf\n',
    },
    on: "script",
    check(script) {
      const printed = script.commands.flatMap((command) => {
        const [format, time] = operands(command);
        const clock = command.name === "printf" && /%(?:-?\d*)\([^)]*\)T/.test(format?.value ?? "");
        return clock && (time === undefined || /^-[12]$/.test(time.value))
          ? [foundCommand(command, "printf %(…)T prints the time of the build")]
          : [];
      });
      return [
        ...uses(/^EPOCH(?:SECONDS|REALTIME)$/, (name) => `$${name} is the time of the build`)(script),
        ...printed,
      ];
    },
  },
  {
    id: "LK2005",
    title: "process id in a script",
    severity: "note",
    rows: ["O9", "E3"],
    why: "`$$`, `$PPID` and `$BASHPID` differ at every run. A file name or a text that holds one ends up in the image.",
    remedy: "Use a fixed name in a directory that only this build uses.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\nmkdir -p /opt/app/work.$$\n",
      good: "#!/bin/sh\nmkdir -p /opt/app/work\n",
    },
    on: "script",
    check: uses(/^(?:\$|PPID|BASHPID)$/, (name) => `$${name} is the number of a process`),
  },
  {
    id: "LK2006",
    title: "random bytes, names or order",
    severity: "warning",
    rows: ["E10", "S4"],
    why: "A new UUID, bytes of `/dev/urandom`, or a shuffled list differ at every run.",
    remedy:
      "Derive the value from content, make it when the container starts, or give `shuf` a fixed `--random-source`.",
    example: {
      file: "Dockerfile",
      bad: `FROM registry.example/debian@sha256:${"0".repeat(64)}\nRUN uuidgen > /etc/app-id\n`,
      good: `FROM registry.example/debian@sha256:${"0".repeat(64)}\nRUN echo app-1 > /etc/app-id\n`,
    },
    on: "command",
    check(command) {
      const { name } = command;
      const files = [...command.args, ...command.redirects.map(({ target }) => target)];
      const device = files.find(({ value }) => /^(?:if=)?\/dev\/u?random$|^\/proc\/sys\/kernel\/random\//.test(value));
      if (device !== undefined && !/^(?:test|\[|\[\[|ls|chmod|chown|mknod|rm|ln)$/.test(name))
        return [found(device, `${device.value.replace(/^if=/, "")} is different at every run`)];
      const random =
        /^(?:uuidgen|mcookie|pwgen|apg|makepasswd)$/.test(name) ||
        (name === "shuf" && !has(command, "--random-source")) ||
        (name === "sort" && has(command, "-R", "--random-sort") && !has(command, "--random-source")) ||
        (name === "openssl" && command.args[0]?.value === "rand") ||
        (name === "gpg" && has(command, "--gen-random"));
      return random ? [foundCommand(command, `${name} gives something else at every run`)] : [];
    },
  },
  {
    id: "LK2007",
    title: "temporary name that may stay",
    severity: "note",
    rows: ["L20", "S24"],
    why: "The name that `mktemp` makes up is random. Tools write such names into what they make, and files left behind are part of the layer.",
    remedy: "In an image build use a fixed path, and remove it in the same step.",
    example: {
      file: "Dockerfile",
      bad: `FROM registry.example/debian@sha256:${"0".repeat(64)}\nRUN cd "$(mktemp -d)" && configure-app\n`,
      good: `FROM registry.example/debian@sha256:${"0".repeat(64)}\nRUN mkdir /build && cd /build && configure-app && rm -rf /build\n`,
    },
    on: "command",
    check: (command) =>
      command.name === "mktemp" || command.name === "tempfile"
        ? [foundCommand(command, `${command.name} makes up a random name`)]
        : [],
  },
  {
    id: "LK2008",
    title: "key or certificate made in a build",
    severity: "error",
    elsewhere: "warning",
    rows: ["S4", "T16", "E12"],
    why: "A key is different at every build, and everybody who has the image has the same private key.",
    remedy:
      "Make keys when the container starts, or mount them. What must be in the image comes from a file under version control.",
    example: {
      file: "Dockerfile",
      bad: `FROM registry.example/debian@sha256:${"0".repeat(64)}\nRUN ssh-keygen -A\n`,
      good: `FROM registry.example/debian@sha256:${"0".repeat(64)}\nCOPY start.sh /start.sh\n`,
    },
    on: "command",
    check(command) {
      const { name, args } = command;
      const first = args[0]?.value ?? "";
      const makes =
        (name === "ssh-keygen" && !has(command, "-l", "-y", "-F", "-R", "-H", "-e", "-i", "-Y", "-s", "-L")) ||
        (name === "openssl" && /^(?:genrsa|gendsa|genpkey|dhparam|ecparam)$/.test(first) && !has(command, "-check")) ||
        (name === "openssl" && first === "req" && has(command, "-x509", "-newkey", "-new")) ||
        (/^gpg2?$/.test(name) &&
          has(
            command,
            "--gen-key",
            "--generate-key",
            "--full-generate-key",
            "--quick-generate-key",
            "--quick-gen-key",
          )) ||
        (name === "keytool" && has(command, "-genkeypair", "-genkey", "-genseckey")) ||
        (name === "wg" && (first === "genkey" || first === "genpsk")) ||
        name === "make-ssl-cert" ||
        name === "mkcert";
      return makes ? [foundCommand(command, `${name} makes a key that differs at every build`)] : [];
    },
  },
];
