/** Versions of Python packages and what specifiers say of them (version specifiers specification, formerly PEP 440). */

export interface PythonVersion {
  readonly epoch: number;
  readonly release: readonly number[];
  /** `a`, `b` or `rc`, with its number. */
  readonly pre?: readonly [letter: string, number: number];
  readonly post?: number;
  readonly dev?: number;
  readonly local: readonly (string | number)[];
}

const pattern =
  /^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?(?:[-_.]?(dev)[-_.]?([0-9]*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;

const letters: Readonly<Record<string, string>> = { alpha: "a", beta: "b", c: "rc", pre: "rc", preview: "rc" };

/** Reads a version; undefined when it is none. Numbers beyond 2^53 count as none. */
export function parseVersion(text: string): PythonVersion | undefined {
  const match = pattern.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  const [, epoch, release = "", letter, preNumber, dashPost, post, postNumber, dev, devNumber, local] = match;
  const numbers = release.split(".").map(Number);
  const all = [
    Number(epoch ?? 0),
    ...numbers,
    ...[preNumber, dashPost, postNumber, devNumber].map((it) => Number(it ?? 0)),
  ];
  if (!all.every(Number.isSafeInteger)) return undefined;
  return {
    epoch: Number(epoch ?? 0),
    release: numbers,
    ...(letter === undefined ? {} : { pre: [letters[letter] ?? letter, Number(preNumber ?? 0)] as const }),
    ...(dashPost === undefined && post === undefined ? {} : { post: Number(dashPost ?? postNumber ?? 0) }),
    ...(dev === undefined ? {} : { dev: Number(devNumber ?? 0) }),
    local: local === undefined ? [] : local.split(/[-_.]/).map((part) => (/^[0-9]+$/.test(part) ? Number(part) : part)),
  };
}

function compareNumbers(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function compareReleases(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const order = compareNumbers(a[i] ?? 0, b[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** Where the stage before a release comes: a lone dev release before all of them, the release itself after. */
function stage({ pre, post, dev }: PythonVersion): readonly [number, number] {
  if (pre !== undefined) return [["a", "b", "rc"].indexOf(pre[0]) + 1, pre[1]];
  return post === undefined && dev !== undefined ? [0, 0] : [4, 0];
}

function compareLocal(a: PythonVersion["local"], b: PythonVersion["local"]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y) continue;
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    // Numbers come after words.
    if (typeof x !== typeof y) return typeof x === "number" ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return 0;
}

export function compareVersions(a: PythonVersion, b: PythonVersion): number {
  const [x, y] = [stage(a), stage(b)];
  return (
    compareNumbers(a.epoch, b.epoch) ||
    compareReleases(a.release, b.release) ||
    compareNumbers(x[0], y[0]) ||
    compareNumbers(x[1], y[1]) ||
    compareNumbers(a.post ?? -1, b.post ?? -1) ||
    compareNumbers(a.dev ?? Number.POSITIVE_INFINITY, b.dev ?? Number.POSITIVE_INFINITY) ||
    compareLocal(a.local, b.local)
  );
}

function withoutLocal(version: PythonVersion): PythonVersion {
  return { ...version, local: [] };
}

/** Whether the version begins with what stands before `.*`. */
function hasPrefix(version: PythonVersion, prefix: PythonVersion): boolean {
  if (version.epoch !== prefix.epoch) return false;
  const release = version.release.concat(
    Array<number>(Math.max(0, prefix.release.length - version.release.length)).fill(0),
  );
  if (!prefix.release.every((number, i) => release[i] === number)) return false;
  return prefix.pre === undefined || (version.pre?.[0] === prefix.pre[0] && version.pre[1] === prefix.pre[1]);
}

const clausePattern = /^(===|==|~=|!=|<=|>=|<|>)\s*([^\s]+)$/;

function holds(version: PythonVersion, written: string, clause: string): boolean | undefined {
  const [, operator = "", text = ""] = clausePattern.exec(clause) ?? [];
  if (operator === "===") return written.trim().toLowerCase() === text.toLowerCase();
  const wild = text.endsWith(".*");
  if (wild && operator !== "==" && operator !== "!=") return undefined;
  const other = parseVersion(wild ? text.slice(0, -2) : text);
  if (other === undefined) return undefined;
  // A local version is looked at only where the specifier has one.
  const mine = other.local.length === 0 ? withoutLocal(version) : version;
  const order = compareVersions(mine, other);
  switch (operator) {
    case "==":
      return wild ? hasPrefix(version, other) : order === 0;
    case "!=":
      return wild ? !hasPrefix(version, other) : order !== 0;
    case "<=":
      return compareVersions(withoutLocal(version), other) <= 0;
    case ">=":
      return compareVersions(withoutLocal(version), other) >= 0;
    case "<":
      // What comes before a release is not meant by "before" it, unless it is named.
      return order < 0 && !(isPre(version) && !isPre(other) && compareReleases(version.release, other.release) === 0);
    case ">":
      return (
        compareVersions(withoutLocal(version), other) > 0 &&
        !(
          version.post !== undefined &&
          other.post === undefined &&
          compareReleases(version.release, other.release) === 0
        )
      );
    case "~=":
      if (other.release.length < 2) return undefined;
      return (
        compareVersions(withoutLocal(version), other) >= 0 &&
        hasPrefix(version, { epoch: other.epoch, release: other.release.slice(0, -1), local: [] })
      );
    default:
      return undefined;
  }
}

function isPre({ pre, dev }: PythonVersion): boolean {
  return pre !== undefined || dev !== undefined;
}

/** Whether a version is one that a specifier (`>=3.8, !=3.9.*`) allows, with releases before the final one; undefined when either is malformed. */
export function allows(specifier: string, version: string): boolean | undefined {
  const parsed = parseVersion(version);
  if (parsed === undefined) return undefined;
  const clauses = specifier
    .split(",")
    .map((clause) => clause.trim())
    .filter((clause) => clause !== "");
  const held = clauses.map((clause) => holds(parsed, version, clause));
  return held.includes(undefined) ? undefined : held.every((answer) => answer === true);
}

/** Whether two texts are one version; false when either is none. */
export function sameVersion(a: string, b: string): boolean {
  const [x, y] = [parseVersion(a), parseVersion(b)];
  return x !== undefined && y !== undefined && compareVersions(x, y) === 0;
}
