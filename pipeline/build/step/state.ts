/** State that a step leaves behind and that is no part of an image: what is not looked at, what is left out, what is refused. */

/** A rule for paths, with the row of the catalogue that it is about. */
interface Rule {
  readonly row: string;
  readonly paths: RegExp;
  /** What it is, for people. */
  readonly what: string;
}

/** Of the container that the step ran in: nothing of it is compared. */
const ofTheContainer: readonly Rule[] = [
  { row: "S2", paths: /^etc\/hostname$/, what: "the name of the host" },
  { row: "S3", paths: /^etc\/(?:hosts|resolv\.conf)$/, what: "addresses" },
  { row: "S25", paths: /^(?:proc|sys|dev)(?:\/|$)/, what: "what the kernel shows" },
  { row: "S25", paths: /^run\//, what: "state of running programs" },
  { row: "S24", paths: /^(?:tmp|var\/tmp)\//, what: "temporary files" },
  { row: "S25", paths: /^\.(?:init|dockerenv)$/, what: "the mark of a container" },
];

/** Made or changed, it is not taken; removed, it is gone. */
const leftOut: readonly Rule[] = [
  { row: "S5", paths: /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/, what: "a copy of a file of accounts" },
  { row: "S5", paths: /^etc\/\.pwd\.lock$/, what: "the lock of the files of accounts" },
  { row: "S7", paths: /^var\/cache\/ldconfig(?:\/|$)/, what: "the auxiliary cache of the linker" },
  {
    row: "S9",
    paths: /^var\/lib\/dpkg\/(?:.*-old|lock|lock-frontend|available|triggers\/Lock)$/,
    what: "a copy or lock of dpkg's",
  },
  { row: "S10", paths: /^var\/log\//, what: "a log" },
  { row: "S11", paths: /^var\/(?:lib\/apt\/lists|cache\/apt)\//, what: "a list or cache of apt" },
  { row: "S13", paths: /^var\/cache\/debconf\/.*-old$/, what: "a copy of debconf's answers" },
  { row: "S18", paths: /^var\/cache\/(?:fontconfig|man)\//, what: "a cache with times in it" },
  {
    row: "S24",
    paths:
      /^root\/(?:\.cache|\.npm|\.config\/configstore)(?:\/|$)|^root\/\.(?:wget-hsts|lesshst|viminfo|rnd|(?:bash|python|node_repl)_history)$/,
    what: "a cache or history of a user",
  },
];

/** It would make two images differ, or give something away. */
const refused: readonly Rule[] = [
  { row: "S1", paths: /^(?:etc|var\/lib\/dbus)\/machine-id$/, what: "the identity of a machine" },
  { row: "S4", paths: /^etc\/ssh\/ssh_host_[^/]*key(?:\.pub)?$/, what: "a host key" },
  {
    row: "S4",
    paths: /^etc\/ssl\/(?:private\/ssl-cert-snakeoil\.key|certs\/ssl-cert-snakeoil\.pem)$/,
    what: "a key that was made up",
  },
  { row: "S4", paths: /^var\/lib\/(?:systemd|urandom)\/random-seed$/, what: "a random seed" },
  { row: "S20", paths: /^boot\/initrd/, what: "an initial file system of a kernel" },
];

/** Files that are made from the spec and the packages of an image. */
const ofLockstep = /^(?:etc\/(?:passwd|group|shadow|gshadow)$|var\/lib\/dpkg\/)/;

function ruleFor(rules: readonly Rule[], path: string): string | undefined {
  return rules.find(({ paths }) => paths.test(path))?.what;
}

/** Whether a path belongs to the container that a step ran in. */
export function isOfTheContainer(path: string): boolean {
  return ruleFor(ofTheContainer, path) !== undefined;
}

/** What a path is that is not taken; undefined for one that is. */
export function isLeftOut(path: string): boolean {
  return ruleFor(leftOut, path) !== undefined;
}

/** What a path is that must not be in an image; undefined for one that may. */
export function isRefused(path: string): string | undefined {
  return ruleFor(refused, path);
}

/** Whether Lockstep makes a file itself, in images that have packages. */
export function isMadeByLockstep(path: string): boolean {
  return ofLockstep.test(path);
}
