/** Causes that have to do with owners, modes and attributes: rows P of the catalogue. */
import { type Cause, factOf, has, type Rule } from "../cause.ts";
import type { Finding } from "../../compare/finding.ts";
import type { Survey } from "../survey.ts";

const bits = ({ a = "0", b = "0" }: Finding): number => Number.parseInt(a, 8) ^ Number.parseInt(b, 8);
const either = ({ a = "0", b = "0" }: Finding): number => Number.parseInt(a, 8) | Number.parseInt(b, 8);
const isDirectory = (finding: Finding): boolean => factOf(finding, "type") === "directory";

/** Bits that a umask takes away: for group and others, reading, writing and, where the owner may, executing. */
const maskable = 0o077;

/** 664 for 644: what umask 002 leaves. */
const groupWrite: Rule = (finding, survey) => {
  const { modes } = survey.layer(finding);
  const differ = bits(finding);
  if (differ === 0 || (differ & ~maskable) !== 0 || (differ & 0o011) === differ) return 0;
  // A umask changes a whole tree; one file that others may write was made so by hand.
  if (modes.count === 1 && (differ & 0o022) === 0o022) return 0.6;
  const step = survey.step(finding);
  const whole = (modes.bits & ~0o7077) === 0;
  const wide = (differ & 0o055) !== 0;
  if (step === "run") return 0.45;
  if (step === "copy") return whole ? 0.95 : 0.8;
  return wide ? 0.6 : whole ? 0.9 : 0.7;
};

/** 600 and 700 for all of a tree: what umask 077 leaves of what a command wrote. */
const processMask: Rule = (finding, survey) => {
  const differ = bits(finding);
  if (differ === 0 || (differ & ~maskable) !== 0 || (differ & 0o011) === differ) return 0;
  const step = survey.step(finding);
  if (step === "run") return 0.94;
  if (step === "copy") return 0.4;
  return (differ & 0o055) !== 0 ? 0.85 : 0.5;
};

const number = (text: string | undefined): number => Number(text ?? "NaN");
const between = (value: number, from: number, to: number): boolean => value >= from && value <= to;

/** Ids that systems give to services. */
const isService = (value: number): boolean => between(value, 100, 999);
const isPerson = (value: number): boolean => between(value, 1000, 60_000);
/** Ids that a user name space maps to: of nobody, or of ranges of subordinate ids. */
const isMapped = (value: number): boolean => value === 65_534 || value >= 100_000;

const checkoutOwner: Rule = ({ a, b }, _survey) => {
  const [x, y] = [number(a), number(b)];
  if (isMapped(x) || isMapped(y)) return 0.4;
  if (isService(x) && isService(y)) return 0.35;
  return isPerson(x) || isPerson(y) ? 0.95 : 0.7;
};

const ownerName: Rule = (finding, survey) => {
  const { a = "", b = "" } = finding;
  if (a === "" || b === "") return 0.2;
  return survey.layer(finding).owners.size > 0 ? 0.9 : 0.7;
};

const allocated: Rule = ({ a, b }) => {
  const [x, y] = [number(a), number(b)];
  if (isService(x) && isService(y)) return 0.93;
  return isPerson(x) && isPerson(y) && Math.abs(x - y) <= 20 ? 0.5 : 0;
};

const mapped: Rule = ({ a, b }) => (isMapped(number(a)) !== isMapped(number(b)) ? 0.94 : 0);

const attribute =
  (pattern: RegExp, confidence: number): Rule =>
  ({ where }) =>
    pattern.test(where.field) ? confidence : 0;

function modesOf(findings: readonly Finding[], survey: Survey): readonly string[] {
  const seen = new Set<unknown>();
  const sentences: string[] = [];
  for (const finding of findings) {
    if (finding.where.field !== "mode") continue;
    const layer = survey.layer(finding);
    if (seen.has(layer)) continue;
    seen.add(layer);
    const { modes } = layer;
    const where = finding.where.layer === undefined ? "" : ` of layer ${finding.where.layer}`;
    const pairs = [...modes.pairs]
      .toSorted(([x, i], [y, j]) => j - i || (x < y ? -1 : 1))
      .slice(0, 3)
      .map(([pair, count]) => `${pair.replace(" ", " against ")} (${count})`);
    sentences.push(
      `${modes.count} modes${where} differ: ${pairs.join(", ")}${modes.pairs.size > 3 ? " and others" : ""}`,
    );
    if (sentences.length === 3) break;
  }
  return sentences;
}

function ownersOf(findings: readonly Finding[], survey: Survey): readonly string[] {
  const [first] = findings;
  if (first === undefined || !/^[ug]id$/.test(first.where.field)) return [];
  const pairs = [...survey.layer(first).owners]
    .toSorted(([x, i], [y, j]) => j - i || (x < y ? -1 : 1))
    .slice(0, 3)
    .map(([pair, count]) => `${pair.replace(" ", " against ")} (${count})`);
  const where = first.where.layer === undefined ? "" : ` of layer ${first.where.layer}`;
  return [`numbers of owners${where} differ: ${pairs.join(", ")}`];
}

const gitModes = {
  any: "copy into {where} with modes that are set, not taken from the checkout: 644 and 755",
  lockstep: "{where} was made with the modes of a checkout: use those of git (644 and 755), or say `mode:` in the spec",
  buildkit:
    "add `--chmod=` to {where}, or set modes before the build (`git ls-files -z | xargs -0 chmod …` by git's own modes)",
  docker: "check out with umask 022 before {where} is copied, or build with a tool that has `COPY --chmod`",
  umoci: "set the modes of the root file system before it is packed",
} as const;

const zeroOwner = {
  any: "write owner 0:0, or one that is named, into {where}: for GNU tar `--owner=0 --group=0 --numeric-owner`",
  lockstep: "say `owner:` for {where} in the spec; without it the owner is 0:0",
  buildkit: "add `--chown=0:0` to {where}",
  docker: "add `--chown=0:0` to {where}",
} as const;

/** Whether a member of a zip archive has another mode, as a umask makes it. */
function isZipMode(finding: Finding): boolean {
  if (finding.format !== "zip" || finding.where.field !== "mode") return false;
  const differ = bits(finding);
  return differ !== 0 && (differ & ~maskable) === 0;
}

export const ownerCauses: readonly Cause[] = [
  {
    id: "P1",
    title: "modes come from the umask of the checkout",
    seen: "modes of copied files differ by bits that a umask takes away: 664 for 644, 775 for 755",
    grade: "privilege",
    fix: gitModes,
    rules: { "entry.mode": groupWrite, content: (finding) => (isZipMode(finding) ? 0.9 : 0) },
    evidence: modesOf,
  },
  {
    id: "P2",
    title: "modes come from the umask of the process that built",
    seen: "modes of a whole tree, or of what a command wrote, differ by bits that a umask takes away: 600 for 644, 700 for 755",
    grade: "privilege",
    fix: {
      any: "set `umask 022` before what makes {where}",
      lockstep: "steps run with umask 022: rebuild {where} with this version",
      buildkit: "begin the command of {where} with `umask 022 &&`",
      docker: "begin the command of {where} with `umask 022 &&`",
    },
    rules: { "entry.mode": processMask },
    evidence: modesOf,
  },
  {
    id: "P3",
    title: "directories inherited the setgid bit",
    seen: "of directories the setgid bit differs",
    grade: "privilege",
    fix: { ...gitModes, any: "take the setgid bit from the directories that are copied into {where} (`chmod g-s`)" },
    rules: {
      "entry.mode": (finding) =>
        isDirectory(finding) && (bits(finding) & 0o2000) !== 0 && (bits(finding) & 0o4000) === 0 ? 0.95 : 0,
    },
    evidence: modesOf,
  },
  {
    id: "P4",
    title: "the owner is that of the checkout or of the user who built",
    seen: "owners differ between 0 and the id of a person, or between two of those",
    grade: "privilege",
    fix: zeroOwner,
    rules: {
      "entry.uid": checkoutOwner,
      "entry.gid": checkoutOwner,
      "entry.user": ownerName,
      "entry.group": ownerName,
    },
    evidence: ownersOf,
  },
  {
    id: "P5",
    title: "the owner of the checkout is in the text of the history",
    seen: "lines of the history differ in a hash over files, and what is in the layers does not, or in owners alone",
    grade: "cosmetic",
    fix: {
      any: "build from files that one owner has, or leave the history out (`--omit-history`)",
      lockstep: "texts of the history come from the spec: rebuild with this version",
    },
    rules: {
      "config.history": (finding, survey) => {
        const { a = "", b = "", where } = finding;
        if (!/created_by/.test(where.field)) return 0;
        const hashed = /\b(?:file|dir|multi):[0-9a-f]{64}/;
        return hashed.test(a) && hashed.test(b)
          ? survey.findings.some(({ where: { part } }) => part === "entry")
            ? 0.5
            : 0.94
          : 0;
      },
    },
  },
  {
    id: "P6",
    title: "ids of system accounts follow from the order of installation",
    seen: "owners, or lines of passwd and group, differ between two ids of services (100 to 999)",
    grade: "privilege",
    fix: {
      any: "make accounts of {where} with ids that are given: `useradd --uid … --gid …`, or sysusers.d",
      lockstep: "declare the account with its ids under `users` and `groups` of the spec",
      buildkit: "give ids in {where}: `useradd --system --uid … --gid …`",
      docker: "give ids in {where}: `useradd --system --uid … --gid …`",
    },
    rules: {
      "entry.uid": allocated,
      "entry.gid": allocated,
      content: (finding) => {
        if (!/^etc\/(?:passwd|group)$/.test(finding.where.path ?? "")) return 0;
        if (/uid|gid|\bid\b/i.test(finding.where.field)) return 0.95;
        return has(finding, "identity", "order") ? 0.9 : finding.where.field === "presence" ? 0.6 : 0.35;
      },
    },
    evidence: ownersOf,
  },
  {
    id: "P7",
    title: "a file is setuid or setgid on one side",
    seen: "of a file the setuid or setgid bit differs",
    grade: "privilege",
    fix: {
      any: "find out who set the bit of {path}: a package brings it, a checkout must not; take it away in {where} where it is not meant",
    },
    rules: {
      "entry.mode": (finding) => {
        if ((bits(finding) & 0o6000) === 0) return 0;
        return isDirectory(finding) ? ((bits(finding) & 0o4000) !== 0 ? 0.9 : 0.1) : 0.97;
      },
      "entry.presence": (finding) => {
        const mode = factOf(finding, "mode");
        return mode !== undefined &&
          (Number.parseInt(mode, 8) & 0o6000) !== 0 &&
          (finding.a ?? finding.b) !== "directory"
          ? 0.6
          : 0;
      },
    },
    evidence: modesOf,
  },
  {
    id: "P8",
    title: "capabilities of a file differ",
    seen: "the attribute `security.capability` differs or is there on one side only",
    grade: "privilege",
    fix: {
      any: "set the capabilities of {path} in a step of the build that keeps attributes, and copy with a tool that keeps them",
      lockstep: "capabilities come from packages only: make them in the package of {path}",
    },
    rules: {
      "entry.xattr": attribute(/^xattr\.security\.capability$/, 0.97),
      "entry.pax": attribute(/security\.capability$/, 0.97),
    },
  },
  {
    id: "P9",
    title: "extended attributes of the machine got into the image",
    seen: "attributes of users, of SELinux or of a file system differ",
    grade: "content",
    fix: {
      any: "leave attributes out of {where} but capabilities: for GNU tar no `--xattrs`, or `--xattrs-include=security.capability`",
      lockstep: "format 1 takes no attributes of a checkout: rebuild {where} with this version",
    },
    rules: {
      "entry.xattr": ({ where }) =>
        where.field === "xattr.security.capability" || /posix_acl|overlay\./.test(where.field) ? 0 : 0.95,
      "entry.pax": attribute(/^pax\.(?:RHT\.security\.selinux|LIBARCHIVE\.xattr|SCHILY\.xattr)/, 0.9),
    },
  },
  {
    id: "P10",
    title: "access control lists got into the image",
    seen: "attributes or records of POSIX or NFSv4 access control lists differ",
    grade: "privilege",
    fix: { any: "remove the lists before {where} is made (`setfacl -bR`), or write it without `--acls`" },
    rules: { "entry.xattr": attribute(/posix_acl|nfs4_acl/, 0.97), "entry.pax": attribute(/\bacl\b/i, 0.97) },
  },
  {
    id: "P11",
    title: "flags of files such as immutable are in the archive",
    seen: "the record `SCHILY.fflags` differs",
    grade: "cosmetic",
    fix: { any: "write {where} without flags of files: for bsdtar `--no-fflags`" },
    rules: { "entry.pax": attribute(/fflags/, 0.97) },
  },
  {
    id: "P12",
    title: "owners are as a user name space maps them",
    seen: "owners are 65534 or beyond 100000 on one side",
    grade: "privilege",
    fix: {
      ...zeroOwner,
      any: "read owners inside of the name space that built {where} (`buildah unshare`, `podman unshare`), or write 0:0",
    },
    rules: { "entry.uid": mapped, "entry.gid": mapped },
    evidence: ownersOf,
  },
  {
    id: "permissions",
    title: "somebody changed permissions",
    seen: "modes differ in a way that no umask explains",
    grade: "privilege",
    fix: {
      any: "find the command or the commit that changed the mode of {path}, and let both builds have it",
      lockstep: "compare the executable bit of {path} in both commits, and `mode:` in both specs",
    },
    rules: {
      "entry.mode": (finding) => {
        const differ = bits(finding);
        if (differ !== 0 && (differ & ~0o111) === 0) return 0.8;
        return (either(finding) & 0o6000) !== 0 ? 0.3 : (differ & 0o022) === 0o022 ? 0.7 : 0.55;
      },
    },
    evidence: modesOf,
  },
];
