/** The `test` command of maintainer scripts, answered by the image (POSIX XCU 4, "test"). */
import type { Status } from "./script-evaluation.ts";
import type { Value } from "./script-expansion.ts";
import type { ImageModel, Node } from "./script-model.ts";

function not(status: Status): Status {
  return status === undefined ? undefined : !status;
}

function file(operator: string, value: Value, model: ImageModel): Status {
  if (value === undefined) return undefined;
  // Devices are there wherever an image runs, and are never part of it.
  if (value === "/dev/null") return "-e-r-w-c".includes(operator);
  if (!value.startsWith("/")) return value === "" ? false : undefined;
  const node: Node | undefined = model.find(value, operator !== "-L" && operator !== "-h");
  if (node === undefined) return false;
  switch (operator) {
    case "-e":
    case "-r":
    case "-w":
      return true;
    case "-f":
      return node.type === "file" || node.type === "hardlink";
    case "-d":
      return node.type === "directory";
    case "-L":
    case "-h":
      return node.type === "symlink";
    case "-x":
      return (node.mode & 0o111) !== 0;
    case "-s":
      return node.content === undefined ? undefined : node.content.length > 0;
    case "-p":
      return node.type === "fifo";
    case "-u":
      return (node.mode & 0o4000) !== 0;
    case "-g":
      return (node.mode & 0o2000) !== 0;
    // Sockets and devices are not in packages.
    default:
      return false;
  }
}

const fileOperators = new Set("-e -f -d -L -h -r -w -x -s -p -S -b -c -u -g -k".split(" "));

function compare(left: Value, operator: string, right: Value): Status {
  if (left === undefined || right === undefined) return undefined;
  switch (operator) {
    case "=":
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    default: {
      if (!/^-?\d+$/.test(left) || !/^-?\d+$/.test(right)) return undefined;
      const difference = Number(left) - Number(right);
      switch (operator) {
        case "-eq":
          return difference === 0;
        case "-ne":
          return difference !== 0;
        case "-lt":
          return difference < 0;
        case "-le":
          return difference <= 0;
        case "-gt":
          return difference > 0;
        default:
          return difference >= 0;
      }
    }
  }
}

const comparisons = new Set("= == != -eq -ne -lt -le -gt -ge".split(" "));

/** The value of an expression without the closing bracket; undefined when it depends on what is unknown. */
export function testExpression(args: readonly Value[], model: ImageModel): Status {
  let at = 0;
  const primary = (): Status => {
    const first = args[at];
    const second = args[at + 1];
    if (args.length - at >= 3 && second !== undefined && comparisons.has(second)) {
      at += 3;
      return compare(first, second, args[at - 1]);
    }
    if (first === "!" && args.length - at > 1) {
      at++;
      return not(primary());
    }
    if (first === "(" && args.length - at > 2) {
      at++;
      const value = or();
      at++;
      return value;
    }
    if (first !== undefined && args.length - at >= 2) {
      if (fileOperators.has(first)) {
        at += 2;
        return file(first, second, model);
      }
      if (first === "-n" || first === "-z") {
        at += 2;
        return second === undefined ? undefined : (second === "") === (first === "-z");
      }
      // Terminals, process ids and times are the machine's.
      if (/^-[tNGO]$/.test(first)) {
        at += 2;
        return undefined;
      }
      if (second === "-nt" || second === "-ot" || second === "-ef") {
        at += 3;
        return undefined;
      }
    }
    at++;
    return first === undefined ? undefined : first !== "";
  };
  const and = (): Status => {
    let value = primary();
    while (args[at] === "-a" && at < args.length) {
      at++;
      const next = primary();
      value = value === false || next === false ? false : value === undefined ? undefined : next;
    }
    return value;
  };
  const or = (): Status => {
    let value = and();
    while (args[at] === "-o" && at < args.length) {
      at++;
      const next = and();
      value = value === true || next === true ? true : value === undefined ? undefined : next;
    }
    return value;
  };
  if (args.length === 0) return false;
  const value = or();
  return at === args.length ? value : undefined;
}
