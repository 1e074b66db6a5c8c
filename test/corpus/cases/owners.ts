/** Pairs for the rows P of the catalogue. */
import { adding, both, changed, each, files, isDirectory, isFile } from "../base.ts";
import type { Case } from "../case.ts";

/** Version 2 of file capabilities, with `cap_net_bind_service` allowed and effective. */
const bindService = Buffer.from("0100000200040000000000000000000000000000", "hex");
const rawSockets = Buffer.from("0100000200200000000000000000000000000000", "hex");
const acl = Buffer.from(
  "0200000001000600ffffffff02000600e803000004000400ffffffff10000600ffffffff20000400ffffffff",
  "hex",
);

const history = (text: (index: number, line: string) => string) => (value: Record<string, unknown>) => {
  value["history"] = (value["history"] as readonly { readonly created_by: string }[]).map((line, index) => ({
    ...line,
    created_by: text(index, line.created_by),
  }));
};

export const ownerCases: readonly Case[] = [
  {
    cause: "P1",
    what: "a checkout with umask 002",
    ...changed({
      items: { sources: each((item) => ({ mode: (item.mode ?? (isDirectory(item) ? 0o755 : 0o644)) | 0o020 })) },
    }),
  },
  {
    cause: "P1",
    or: ["P2"],
    what: "a checkout with umask 077",
    ...changed({
      items: { sources: each((item) => ({ mode: (item.mode ?? (isDirectory(item) ? 0o755 : 0o644)) & 0o700 })) },
    }),
  },
  {
    cause: "P2",
    what: "npm ci under umask 077",
    ...changed({ items: { dependencies: each((item) => ({ mode: isDirectory(item) ? 0o700 : 0o600 })) } }),
  },
  {
    cause: "P2",
    what: "make install under umask 027",
    ...changed({
      items: { built: each((item) => ({ mode: (item.mode ?? (isDirectory(item) ? 0o755 : 0o644)) & 0o750 })) },
    }),
  },
  {
    cause: "P3",
    what: "directories inherited setgid",
    ...changed({ items: { sources: each(() => ({ mode: 0o2755 }), isDirectory) } }),
  },
  {
    cause: "P4",
    what: "files of the person who built",
    ...changed({ items: { sources: each(() => ({ uid: 1000, gid: 1000 })) } }),
  },
  {
    cause: "P4",
    what: "two people built",
    ...both(
      { items: { sources: each(() => ({ uid: 1000, gid: 1000 })) } },
      { items: { sources: each(() => ({ uid: 1001, gid: 1001 })) } },
    ),
  },
  {
    cause: "P5",
    what: "the hash of the copied files in the history has the owner in it",
    ...both(
      {
        config: history((index, line) =>
          index === 2
            ? "/bin/sh -c #(nop) COPY dir:52f0fa5b7b1c5e1b8d1f0dd8e4b1ef3b5a54a2f9e3e4e8f9d1e7b0a1c2d3e4f5 in /app "
            : line,
        ),
      },
      {
        config: history((index, line) =>
          index === 2
            ? "/bin/sh -c #(nop) COPY dir:91aa0b5e7c2d4f6a8b1c3e5d7f9a0b2c4d6e8f1a3b5c7d9e0f2a4b6c8d0e1f3a in /app "
            : line,
        ),
      },
    ),
  },
  {
    cause: "P6",
    what: "ids of services in the order of installation",
    ...files("packages", {
      "etc/passwd": [
        "root:x:0:0:root:/root:/bin/bash\nmessagebus:x:100:102::/nonexistent:/usr/sbin/nologin\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n",
        "root:x:0:0:root:/root:/bin/bash\nmessagebus:x:101:102::/nonexistent:/usr/sbin/nologin\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n",
      ],
    }),
  },
  {
    cause: "P6",
    what: "files of services with the other's id",
    ...both(
      {
        items: {
          packages: adding(
            { name: "var/lib/dbus/", uid: 100, gid: 102 },
            { name: "var/lib/redis/", uid: 101, gid: 103 },
          ),
        },
      },
      {
        items: {
          packages: adding(
            { name: "var/lib/dbus/", uid: 101, gid: 103 },
            { name: "var/lib/redis/", uid: 100, gid: 102 },
          ),
        },
      },
    ),
  },
  {
    cause: "P7",
    what: "a program became setuid",
    ...changed({
      items: {
        built: each(
          () => ({ mode: 0o4755 }),
          ({ name }) => name === "opt/tool/tool",
        ),
      },
    }),
  },
  {
    cause: "P7",
    what: "a setuid bit was lost",
    ...changed({
      items: {
        packages: each(
          () => ({ mode: 0o755 }),
          ({ name }) => name === "usr/bin/su",
        ),
      },
    }),
  },
  {
    cause: "P8",
    what: "a capability on one side",
    ...changed({
      items: {
        built: each(
          () => ({ pax: { "SCHILY.xattr.security.capability": bindService } }),
          ({ name }) => name === "opt/tool/tool",
        ),
      },
    }),
  },
  {
    cause: "P8",
    what: "another capability",
    ...both(
      {
        items: {
          built: each(
            () => ({ pax: { "SCHILY.xattr.security.capability": bindService } }),
            ({ name }) => name === "opt/tool/tool",
          ),
        },
      },
      {
        items: {
          built: each(
            () => ({ pax: { "SCHILY.xattr.security.capability": rawSockets } }),
            ({ name }) => name === "opt/tool/tool",
          ),
        },
      },
    ),
  },
  {
    cause: "P9",
    what: "labels of SELinux on one side",
    ...changed({
      items: {
        sources: each(() => ({ pax: { "SCHILY.xattr.security.selinux": "unconfined_u:object_r:user_home_t:s0\0" } })),
      },
    }),
  },
  {
    cause: "P9",
    what: "an attribute of the user",
    ...changed({
      items: {
        sources: each(
          () => ({ pax: { "SCHILY.xattr.user.xdg.origin.url": "https://files.example/a.tar" } }),
          ({ name }) => name === "app/README.md",
        ),
      },
    }),
  },
  {
    cause: "P10",
    what: "an access control list on one side",
    ...changed({ items: { sources: each(() => ({ pax: { "SCHILY.xattr.system.posix_acl_access": acl } }), isFile) } }),
  },
  {
    cause: "P11",
    what: "flags of files in the archive",
    ...changed({ items: { sources: each(() => ({ pax: { "SCHILY.fflags": "nodump" } }), isFile) } }),
  },
  {
    cause: "P12",
    what: "owners of a user name space without mapping",
    ...changed({ items: { sources: each(() => ({ uid: 65534, gid: 65534 })) } }),
  },
  {
    cause: "P12",
    what: "owners of the subordinate range",
    ...changed({ items: { built: each(() => ({ uid: 100_000, gid: 100_000 })) } }),
  },
  {
    cause: "permissions",
    or: ["source"],
    what: "a file of the sources may be written by all",
    ...changed({
      items: {
        sources: each(
          () => ({ mode: 0o666 }),
          ({ name }) => name === "app/lib/main.js",
        ),
      },
    }),
  },
];
