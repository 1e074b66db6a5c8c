/** Rules about commands that put something of the machine into what they make. */
import type { Rule } from "../rule.ts";
import { found, foundCommand, has, insertAfter, isImage, isKnown, optionValue } from "./tools.ts";

const base = `FROM registry.example/debian@sha256:${"0".repeat(64)}\n`;

export const machineRules: readonly Rule[] = [
  {
    id: "LK2009",
    title: "identity of a machine in an image",
    severity: "error",
    elsewhere: "warning",
    rows: ["S1"],
    why: "`/etc/machine-id` is random, and every container of the image would be the same machine.",
    remedy: "Leave the file empty or away; systemd and dbus make it when the system starts.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN systemd-machine-id-setup\n`,
      good: `${base}RUN : > /etc/machine-id\n`,
    },
    on: "command",
    check: ({ name, ...command }) =>
      name === "systemd-machine-id-setup" || name === "dbus-uuidgen"
        ? [found(command.word ?? command, `${name} makes a random identity`)]
        : [],
  },
  {
    id: "LK2010",
    title: "name of the machine in a build",
    severity: "warning",
    rows: ["S2", "E3"],
    why: "The host name is that of the builder, or the random id of its container.",
    remedy: "Write a fixed name.",
    example: {
      file: "build.sh",
      bad: '#!/bin/sh\necho "builder=$(hostname)" > build-info\n',
      good: '#!/bin/sh\necho "builder=ci" > build-info\n',
    },
    on: "script",
    check: (script) => [
      ...script.uses.flatMap((use) =>
        use.name === "HOSTNAME" && !script.assigned.has("HOSTNAME") && !script.setting.variables.has("HOSTNAME")
          ? [found(use, "$HOSTNAME is the name of the builder")]
          : [],
      ),
      ...script.commands.flatMap((command) => {
        const names =
          (command.name === "hostname" && command.args.every(({ value }) => value.startsWith("-"))) ||
          command.name === "hostnamectl" ||
          (command.name === "uname" && has(command, "-n", "--nodename"));
        return names ? [foundCommand(command, `${command.name} tells the name of the builder`)] : [];
      }),
    ],
  },
  {
    id: "LK2011",
    title: "kernel or processor of the builder",
    severity: "warning",
    rows: ["E4", "E5"],
    why: "The version of the kernel and what `/proc` tells are those of the machine that builds, not of the one that runs the image.",
    remedy: "Do not decide or record anything by them. `uname -m` and `uname -s` are the platform, and fine.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\nuname -a > build-info\n",
      good: "#!/bin/sh\nuname -m > build-info\n",
    },
    on: "command",
    check(command) {
      const { name } = command;
      if (name === "uname" && has(command, "-a", "-r", "-v", "--all", "--kernel-release", "--kernel-version"))
        return [foundCommand(command, "uname tells the kernel of the builder")];
      if (/^(?:lscpu|lshw|lspci|dmidecode)$/.test(name))
        return [foundCommand(command, `${name} tells the hardware of the builder`)];
      const files = [...command.args, ...command.redirects.map(({ target }) => target)];
      const file = files.find(({ value }) =>
        /^\/proc\/(?:cpuinfo|meminfo|version|uptime|loadavg|self\/mountinfo|mounts)$/.test(value),
      );
      return file === undefined ? [] : [found(file, `${file.value} tells of the machine that builds`)];
    },
  },
  {
    id: "LK2012",
    title: "number of processors in a build",
    severity: "note",
    rows: ["L17", "E5"],
    why: "Some tools split their work, and so their output, by the number of jobs. Most do not; this is a note to look.",
    remedy: "Where the output depends on it, give a fixed number of jobs.",
    example: {
      file: "build.sh",
      bad: '#!/bin/sh\nbundle-assets --chunks "$(nproc)"\n',
      good: "#!/bin/sh\nbundle-assets --chunks 4\n",
    },
    on: "command",
    check: (command) =>
      command.name === "nproc" ||
      (command.name === "getconf" && command.args.some(({ value }) => /_NPROCESSORS_/.test(value)))
        ? [foundCommand(command, `${command.name} tells how many processors the builder has`)]
        : [],
  },
  {
    id: "LK2013",
    title: "code for the processor of the builder",
    severity: "error",
    rows: ["L19"],
    why: "`native` means the processor of the machine that builds. Another builder makes other code, and it may not run elsewhere.",
    remedy: "Name the baseline that the image is for, such as `-march=x86-64-v2`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\ncc -O2 -march=native -c app.c\n",
      good: "#!/bin/sh\ncc -O2 -march=x86-64-v2 -c app.c\n",
    },
    on: "command",
    check(command) {
      const native = /(?:^|[\s'"=])(?:-m(?:arch|tune|cpu)=native\b|target-cpu=native\b|-xHost\b)/;
      const word = command.args.find(({ value }) => native.test(value));
      if (word !== undefined)
        return /^(?:echo|printf|grep|sed)$/.test(command.name)
          ? []
          : [found(word, "code is made for the processor of the builder")];
      const variable = command.variables.find(({ value }) => native.test(value));
      return variable === undefined
        ? []
        : [found(command, `${variable.name} asks for code for the processor of the builder`)];
    },
  },
  {
    id: "LK2014",
    title: "environment written to a file",
    severity: "warning",
    rows: ["E1", "E2", "E12"],
    why: "The environment has names, paths and sometimes secrets of the machine that builds.",
    remedy: "Write the variables that are meant, by name.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\nprintenv > build-info\n",
      good: "#!/bin/sh\nprintf 'version=%s\\n' \"$VERSION\" > build-info\n",
    },
    on: "command",
    check(command) {
      const dump =
        (command.name === "printenv" && command.args.length === 0) ||
        (command.name === "env" && command.args.every(({ value }) => value.startsWith("-"))) ||
        (command.name === "export" && command.args.length === 1 && command.args[0]?.value === "-p") ||
        (command.name === "set" && command.args.length === 0);
      let end = command;
      while (end.after !== undefined) end = end.after;
      const file = end.redirects.find(
        ({ operator, target }) => operator.includes(">") && !/^(?:\/dev\/|&?\d)/.test(target.value),
      );
      const kept = file !== undefined || (end.name === "tee" && end.args.length > 0);
      return dump && kept ? [foundCommand(command, "the whole environment of the builder is written to a file")] : [];
    },
  },
  {
    id: "LK2015",
    title: "file that the container runtime writes",
    severity: "warning",
    rows: ["S2", "S3"],
    why: "During a build `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` are those of the builder. What is written there is lost, and what is copied from there is the builder's.",
    remedy: "Set names and name servers where the container is run.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN echo 192.0.2.1 db >> /etc/hosts\n`,
      good: `${base}RUN echo 192.0.2.1 db >> /etc/app/hosts\n`,
    },
    on: "command",
    check(command) {
      if (!isImage(command)) return [];
      const special = /^\/etc\/(?:hosts|hostname|resolv\.conf)$/;
      const target = command.redirects.find(
        ({ operator, target: file }) => operator.startsWith(">") && special.test(file.value),
      );
      const word = /^(?:cp|mv|tee|ln|install)$/.test(command.name)
        ? command.args.find(({ value }) => special.test(value))
        : undefined;
      const place = target?.target ?? word;
      return place === undefined ? [] : [found(place, `${place.value} belongs to the machine that builds or runs`)];
    },
  },
  {
    id: "LK2016",
    title: "cache made by a tool",
    severity: "note",
    rows: ["S18"],
    why: "Caches of fonts, manual pages, icons and types hold times and the order of directories.",
    remedy: "Remove the cache in the same step, or check that it is the same in two builds.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN fc-cache -f\n`,
      good: `${base}COPY fonts /usr/share/fonts/app\n`,
    },
    on: "command",
    check: (command) =>
      isImage(command) &&
      /^(?:fc-cache|mandb|gtk-update-icon-cache|update-icon-caches|update-mime-database|update-desktop-database|glib-compile-schemas|gdk-pixbuf-query-loaders|iconvconfig)$/.test(
        command.name,
      )
        ? [foundCommand(command, `${command.name} makes a cache with times or an order of its own`)]
        : [],
  },
  {
    id: "LK2017",
    title: "locale archive",
    severity: "note",
    rows: ["S19"],
    why: "The archive that `locale-gen` and `localedef` write depends on what was in it before and on the order of additions.",
    remedy: "Use `C.UTF-8`, which needs no files, or `localedef --no-archive`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN localedef -i de_DE -f UTF-8 de_DE.UTF-8\n`,
      good: `${base}RUN localedef --no-archive -i de_DE -f UTF-8 de_DE.UTF-8\n`,
    },
    on: "command",
    check: (command) =>
      command.name === "locale-gen" || (command.name === "localedef" && !has(command, "--no-archive", "--list-archive"))
        ? [foundCommand(command, `${command.name} adds to the locale archive`)]
        : [],
  },
  {
    id: "LK2018",
    title: "compiled Python with the time of its source",
    severity: "warning",
    rows: ["T15"],
    why: "A `.pyc` holds the modification time of its source unless it is told to hold a hash.",
    remedy: "Add `--invalidation-mode unchecked-hash`, or do not compile.",
    fix: "Adds `--invalidation-mode unchecked-hash`.",
    example: {
      file: "Dockerfile",
      bad: `${base}RUN python3 -m compileall /app\n`,
      good: `${base}RUN python3 -m compileall --invalidation-mode unchecked-hash /app\n`,
    },
    on: "command",
    check(command) {
      const at = command.args.findIndex(
        ({ value }, index) => value === "compileall" && command.args[index - 1]?.value === "-m",
      );
      const word = command.args[at];
      if (!/^python[\d.]*$/.test(command.name) || word === undefined) return [];
      const mode = optionValue(command, "--invalidation-mode");
      if (mode !== undefined && (mode !== "timestamp" || !isKnown(mode))) return [];
      const fix = mode === undefined ? insertAfter(command, word, " --invalidation-mode unchecked-hash") : undefined;
      return [found(word, "compiled files hold the times of their sources", fix)];
    },
  },
];
