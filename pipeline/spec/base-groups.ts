/**
 * Groups that are there without being declared: gids of Debian's base-passwd, which have been the same since 2013 and never change
 * (Debian Policy 9.2.2, "UID and GID classes": 0-99 and 65534).
 */
export const debianGids: ReadonlySet<number> = new Set([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 20, 21, 22, 24, 25, 26, 27, 29, 30, 33, 34, 37, 38, 39, 40, 42, 43, 44,
  45, 46, 50, 60, 100, 65_534,
]);

/** Users of base-passwd that a declared group may have as members. */
export const debianUsers: ReadonlySet<string> = new Set([
  "root",
  "daemon",
  "bin",
  "sys",
  "sync",
  "games",
  "man",
  "lp",
  "mail",
  "news",
  "uucp",
  "proxy",
  "www-data",
  "backup",
  "list",
  "irc",
  "_apt",
  "nobody",
]);

/** Without Debian packages there are these only. */
export const minimalGids: ReadonlySet<number> = new Set([0, 65_534]);
export const minimalUsers: ReadonlySet<string> = new Set(["root", "nobody"]);
