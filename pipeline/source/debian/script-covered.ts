/** Commands that cannot be decided from the script alone and that Lockstep answers for, each with what it does instead. */

interface Cover {
  readonly package: string;
  readonly script: "preinst" | "postinst";
  /** The whole command. A new version of the script with another command is noticed, because nothing here matches it. */
  readonly command: RegExp;
  readonly what: string;
}

const covers: readonly Cover[] = [
  {
    package: "ca-certificates",
    script: "postinst",
    command: /^\(echo \$CERTS_ENABLED \| tr .* \| sed .* \| sort \| uniq -c \| sed .* >> \/etc\/ca-certificates\.conf$/,
    what: "list every certificate of /usr/share/ca-certificates in /etc/ca-certificates.conf, all enabled",
  },
  {
    package: "tzdata",
    script: "postinst",
    command: /^ln -nsf "\/usr\/share\/zoneinfo\/\$TIMEZONE" "\$DPKG_ROOT\/etc\/localtime\.dpkg-new"$/,
    what: "ln -s /usr/share/zoneinfo/Etc/UTC /etc/localtime",
  },
  {
    package: "tzdata",
    script: "postinst",
    command: /^mv -f \/etc\/localtime\.dpkg-new \/etc\/localtime$/,
    what: "ln -s /usr/share/zoneinfo/Etc/UTC /etc/localtime",
  },
  {
    package: "libpam-runtime",
    script: "postinst",
    command: /^pam-auth-update --root '' --package --force$/,
    what: "write /etc/pam.d/common-* from the profiles in /usr/share/pam-configs that are on by default",
  },
];

/** What is done in place of a command; undefined when nothing is. */
export function covered(packageName: string, script: string, command: string): string | undefined {
  return covers.find((cover) => cover.package === packageName && cover.script === script && cover.command.test(command))
    ?.what;
}
