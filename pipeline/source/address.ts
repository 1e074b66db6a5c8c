/** Addresses of files below a mirror's base. */

/** The address of a path below a base, each component escaped as apt does (a `+` would be a blank to some servers). */
export function addressBelow(base: string, path: string): string {
  return `${base}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** An address as it may be shown: without a user name and password. */
export function shownAddress(address: string): string {
  return address.replace(/^([a-z]+:\/\/)[^/@]*@/, "$1");
}
