/** The order of Python's versions (PEP 440, now the version specifiers specification of PyPA). */

interface Version {
  readonly epoch: bigint;
  readonly release: readonly bigint[];
  /** Rank of a, b and rc with the number; absent when it is no pre-release. */
  readonly pre?: readonly [rank: number, number: bigint];
  readonly post?: bigint;
  readonly dev?: bigint;
  readonly local: readonly (string | bigint)[];
}

const pattern = new RegExp(
  [
    /^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)/,
    /(?:[-_.]?(?<preName>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?<pre>\d+)?)?/,
    /(?:-(?<postShort>\d+)|[-_.]?(?<postName>post|rev|r)[-_.]?(?<post>\d+)?)?/,
    /(?:[-_.]?(?<devName>dev)[-_.]?(?<dev>\d+)?)?/,
    /(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/,
  ]
    .map(({ source }) => source)
    .join(""),
);

const ranks: Readonly<Record<string, number>> = { a: 0, alpha: 0, b: 1, beta: 1, c: 2, rc: 2, pre: 2, preview: 2 };

function parse(text: string): Version | undefined {
  const groups = pattern.exec(text.trim().toLowerCase())?.groups;
  if (groups === undefined) return undefined;
  const release = (groups["release"] ?? "").split(".").map(BigInt);
  // Zeros at the end say nothing: 1.0 is 1.
  while (release.length > 1 && release.at(-1) === 0n) release.pop();
  const { preName, postName, postShort, devName, local } = groups;
  const rank = preName === undefined ? undefined : ranks[preName];
  return {
    epoch: BigInt(groups["epoch"] ?? 0),
    release,
    ...(rank === undefined ? {} : { pre: [rank, BigInt(groups["pre"] ?? 0)] }),
    ...(postName === undefined && postShort === undefined ? {} : { post: BigInt(postShort ?? groups["post"] ?? 0) }),
    ...(devName === undefined ? {} : { dev: BigInt(groups["dev"] ?? 0) }),
    local: local === undefined ? [] : local.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? BigInt(part) : part)),
  };
}

type Item = bigint | number | string;

function compareItems(a: Item | undefined, b: Item | undefined): number {
  if (a === b) return 0;
  // In a local version more parts are newer, numbers newer than words; a release is filled up with zeros before.
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  if (typeof a === "string" || typeof b === "string") {
    if (typeof a !== typeof b) return typeof a === "string" ? -1 : 1;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareLists(a: readonly Item[], b: readonly Item[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const order = compareItems(a[i], b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Where a version stands among pre-releases of its release: a development release of nothing else comes before all of them. */
function preKey({ pre, post, dev }: Version): readonly Item[] {
  if (pre !== undefined) return [1, ...pre];
  return post === undefined && dev !== undefined ? [0] : [2];
}

/** Negative, zero or positive as `a` is older than, the same as or newer than `b`; undefined when one of them is no version. */
export function comparePep440(a: string, b: string): number | undefined {
  const x = parse(a);
  const y = parse(b);
  if (x === undefined || y === undefined) return undefined;
  // A release without a post number is before those with one; without a dev number after those with one.
  const post = ({ post }: Version): readonly Item[] => (post === undefined ? [0] : [1, post]);
  const dev = ({ dev }: Version): readonly Item[] => (dev === undefined ? [1] : [0, dev]);
  return (
    compareItems(x.epoch, y.epoch) ||
    compareLists(x.release, y.release) ||
    compareLists(preKey(x), preKey(y)) ||
    compareLists(post(x), post(y)) ||
    compareLists(dev(x), dev(y)) ||
    compareLists(x.local, y.local)
  );
}
