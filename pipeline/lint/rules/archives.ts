/** Rules about archives, compression and order. */
import { hole } from "../shell/argument.ts";
import type { ShellCommand } from "../shell/script.ts";
import type { Rule } from "../rule.ts";
import {
  found,
  foundCommand,
  has,
  insertAfter,
  insertBefore,
  isExact,
  isSet,
  knowsEpoch,
  operands,
  replace,
} from "./tools.ts";

/** The key letters of `tar` and `ar`: those of the first word, with or without a hyphen. */
function key(command: ShellCommand): string {
  return command.args[0]?.value.replace(/^-(?!-)/, "") ?? "";
}

function creates(command: ShellCommand): boolean {
  if (!/^(?:tar|gtar|bsdtar)$/.test(command.name)) return false;
  const first = command.args[0]?.value ?? "";
  if (has(command, "--create")) return true;
  return command.args.some(
    ({ value }, index) =>
      (index === 0 && /^[A-Za-z]+$/.test(first) ? /^[A-Za-z]*c[A-Za-z]*$/ : /^-[A-Za-z]*c[A-Za-z]*$/).test(value) &&
      !/^-?[A-Za-z]*[xt]/.test(value),
  );
}

function extracts({ name, args }: ShellCommand): boolean {
  return (
    /^(?:tar|gtar|bsdtar)$/.test(name) && args.some(({ value }) => /^-?[A-Za-z]*x[A-Za-z]*$|^--extract$/.test(value))
  );
}

/** Programs whose result depends on the order of what they are given. */
const ordered = /^(?:tar|gtar|bsdtar|cpio|zip|cat|ar|ld|gcc|cc|sha\d+sum|md5sum|b2sum|tee|jq|paste)$/;

function consumesInOrder(command: ShellCommand): boolean {
  return ordered.test(command.name) || (command.wrappers.includes("xargs") && ordered.test(command.name));
}

export const archiveRules: readonly Rule[] = [
  {
    id: "LK2101",
    title: "tar archive that depends on the checkout",
    severity: "warning",
    rows: ["T1", "T5", "O1", "O11", "P1", "P4"],
    why: "Left alone, `tar` stores the order of the directory, times, and the user who runs it.",
    remedy:
      "Set all of them: `--sort=name --mtime=@$SOURCE_DATE_EPOCH --owner=0 --group=0 --numeric-owner`. For PAX archives also `--pax-option=delete=atime,delete=ctime`.",
    fix: "Adds the options that are missing, in scripts that use or set `SOURCE_DATE_EPOCH`.",
    example: {
      file: "pack.sh",
      bad: "#!/bin/sh\n: ${SOURCE_DATE_EPOCH:?}\ntar -cf app.tar app\n",
      good: "#!/bin/sh\n: ${SOURCE_DATE_EPOCH:?}\ntar -cf app.tar app --sort=name --mtime=@${SOURCE_DATE_EPOCH:?} --owner=0 --group=0 --numeric-owner\n",
    },
    on: "command",
    check(command) {
      // A tree that is copied through a pipe leaves no archive.
      if (!creates(command) || (command.after !== undefined && extracts(command.after))) return [];
      const missing = [
        ["--sort", "--sort=name"],
        ["--mtime", "--mtime=@${SOURCE_DATE_EPOCH:?}"],
        ["--owner", "--owner=0"],
        ["--group", "--group=0"],
        ["--numeric-owner", "--numeric-owner"],
      ].filter(([option = ""]) => !has(command, option));
      if (missing.length === 0 || command.args.some(({ value }) => value === hole && missing.length < 5)) return [];
      const last = command.args.at(-1);
      const told = knowsEpoch(command) || !missing.some(([option]) => option === "--mtime");
      const fix =
        !told || has(command, "--")
          ? undefined
          : insertAfter(command, last, ` ${missing.map(([, text]) => text).join(" ")}`);
      const names = missing.map(([option]) => option).join(", ");
      return [foundCommand(command, `tar is not told ${names}`, fix)];
    },
  },
  {
    id: "LK2102",
    title: "gzip with name and time",
    severity: "warning",
    rows: ["T7", "Z1"],
    why: "The header of a gzip file holds the name and the modification time of what was compressed.",
    remedy: "Add `-n`.",
    fix: "Adds `-n`.",
    example: {
      file: "pack.sh",
      bad: "#!/bin/sh\ngzip -9 app.tar\n",
      good: "#!/bin/sh\ngzip -n -9 app.tar\n",
    },
    on: "command",
    check(command) {
      if (!/^(?:gzip|pigz)$/.test(command.name)) return [];
      if (
        has(
          command,
          "-n",
          "--no-name",
          "-d",
          "--decompress",
          "--uncompress",
          "-l",
          "--list",
          "-t",
          "--test",
          "-h",
          "--help",
          "-V",
          "--version",
          "-L",
        )
      )
        return [];
      // Options in a variable may have it.
      if (command.args.length > 1 && command.args[0]?.value === hole) return [];
      // From a pipe there is neither a name nor a time.
      const piped = command.before !== undefined && !command.wrappers.includes("xargs");
      if (piped && operands(command).every(({ value }) => value === "-")) return [];
      return [foundCommand(command, "gzip stores name and time", insertAfter(command, command.word, " -n"))];
    },
  },
  {
    id: "LK2103",
    title: "zip or jar with times of now",
    severity: "warning",
    rows: ["T17", "O1"],
    why: "Zip entries hold local times and, by default, extra fields with owners; `-r` takes files in the order of the directory.",
    remedy:
      "Set the times of the files first, sort the names, and leave out extra fields: `find . | LC_ALL=C sort | TZ=UTC zip -X app.zip -@`. `jar` has `--date`.",
    example: {
      file: "pack.sh",
      bad: "#!/bin/sh\nzip -r app.zip app\n",
      good: "#!/bin/sh\nfind app -type f | LC_ALL=C sort | TZ=UTC zip -X app.zip -@\n",
    },
    on: "command",
    check(command) {
      if (
        command.name === "zip" &&
        !has(command, "-h", "-T", "-v") &&
        (has(command, "-r", "--recurse-paths") || !has(command, "-X", "--no-extra"))
      )
        return [foundCommand(command, "zip stores times of the machine and the order of the directory")];
      const jar = command.name === "jar" && (has(command, "--create") || /^[a-zA-Z0]*c/.test(key(command)));
      return jar && !has(command, "--date") ? [foundCommand(command, "jar stores the time of now")] : [];
    },
  },
  {
    id: "LK2104",
    title: "static library with times and owners",
    severity: "warning",
    rows: ["L13"],
    why: "Without `D` an `ar` archive may hold times, owners and modes of the objects; whether it does is a choice of who compiled `ar`.",
    remedy: "Add `D` to the key, and do not use `U`.",
    fix: "Adds `D`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\nar rcs libapp.a a.o b.o\n",
      good: "#!/bin/sh\nar Drcs libapp.a a.o b.o\n",
    },
    on: "command",
    check(command) {
      if (!/^(?:[\w.-]+-)?ar$/.test(command.name)) return [];
      const letters = key(command);
      const [word] = command.args;
      if (!/^[a-zA-Z]+$/.test(letters) || !/[rqs]/.test(letters) || (letters.includes("D") && !letters.includes("U")))
        return [];
      const fixed = letters.includes("U") ? letters.replaceAll("U", "D") : `D${letters}`;
      const hyphen = word?.value.startsWith("-") === true ? "-" : "";
      return [foundCommand(command, "ar may store times and owners", replace(command, word, `${hyphen}${fixed}`))];
    },
  },
  {
    id: "LK2105",
    title: "files in the order of the directory",
    severity: "warning",
    rows: ["O1", "O2"],
    why: "`find` and `ls -U` list files as the file system keeps them, which differs between machines and checkouts.",
    remedy: "Sort by bytes before the order matters: `| LC_ALL=C sort`.",
    fix: "Adds `| LC_ALL=C sort` behind `find`, with `-z` behind `-print0`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\nfind src -name '*.js' | xargs cat > bundle.js\n",
      good: "#!/bin/sh\nfind src -name '*.js' | LC_ALL=C sort | xargs cat > bundle.js\n",
    },
    on: "command",
    check(command) {
      const lists = command.name === "find" || (command.name === "ls" && has(command, "-U", "-f"));
      const { after, within } = command;
      if (!lists) return [];
      const message = "files come in the order of the directory";
      if (after !== undefined && consumesInOrder(after)) {
        const zero = has(command, "-print0") ? " -z" : "";
        return [
          foundCommand(command, message, [{ at: command.end, end: command.end, text: ` | LC_ALL=C sort${zero}` }]),
        ];
      }
      const plus = command.name === "find" && command.args.at(-1)?.value === "+";
      const inner = command.args.findIndex(({ value }) => value === "-exec");
      if (plus && inner >= 0 && ordered.test(command.args[inner + 1]?.value ?? ""))
        return [foundCommand(command, message)];
      return after === undefined && within !== undefined && ordered.test(within.name)
        ? [foundCommand(command, message)]
        : [];
    },
  },
  {
    id: "LK2106",
    title: "sort by the rules of a language",
    severity: "note",
    rows: ["O2", "E1"],
    why: "`sort` orders by the locale of the machine: upper and lower case, punctuation and accents change places.",
    remedy: "Sort by bytes: `LC_ALL=C sort`, or set `LC_ALL=C` for the whole script.",
    fix: "Puts `LC_ALL=C` before `sort`.",
    example: {
      file: "build.sh",
      bad: "#!/bin/sh\nsort names.txt > sorted.txt\n",
      good: "#!/bin/sh\nLC_ALL=C sort names.txt > sorted.txt\n",
    },
    on: "command",
    check(command) {
      if (command.name !== "sort" || isSet(command, "LC_ALL", "LC_COLLATE")) return [];
      if (
        has(
          command,
          "-n",
          "-g",
          "-h",
          "-V",
          "-R",
          "--numeric-sort",
          "--version-sort",
          "--human-numeric-sort",
          "--version",
          "--help",
        )
      )
        return [];
      const fix = command.wrappers.length === 0 ? insertBefore(command, command.word, "LC_ALL=C ") : undefined;
      return [foundCommand(command, "sort uses the locale of the machine", fix)];
    },
  },
  {
    id: "LK2107",
    title: "cpio archive with numbers of the file system",
    severity: "warning",
    rows: ["O5", "O13", "T1"],
    why: "A cpio archive holds inode and device numbers of the machine unless it is told otherwise.",
    remedy: "Add `--reproducible`, and give it a sorted list.",
    fix: "Adds `--reproducible`.",
    example: {
      file: "pack.sh",
      bad: "#!/bin/sh\ncpio -o -H newc < list > initramfs\n",
      good: "#!/bin/sh\ncpio --reproducible -o -H newc < list > initramfs\n",
    },
    on: "command",
    check(command) {
      if (
        command.name !== "cpio" ||
        !has(command, "-o", "--create") ||
        has(command, "--reproducible", "-i", "--extract")
      )
        return [];
      return isExact(command, command.word)
        ? [
            found(
              command.word,
              "cpio stores inode and device numbers",
              insertAfter(command, command.word, " --reproducible"),
            ),
          ]
        : [foundCommand(command, "cpio stores inode and device numbers")];
    },
  },
];
