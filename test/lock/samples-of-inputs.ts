/** Entries of every section of inputs, together with every field that one may have: a new kind of input adds its own here. */
import type { LockedInputs } from "../../pipeline/lock/types.ts";

export const inputSamples: LockedInputs = {
  http: new Map([
    ["https://files.example/a?b=1", { size: 5, sha256: "12".repeat(32) }],
    [
      "https://files.example/tool.tar.gz",
      { size: 77, sha256: "34".repeat(32), signedBy: "minisign 0123456789ABCDEF", signingKey: "56".repeat(32) },
    ],
  ]),
  npm: new Map([
    ["@s/a@1.0.0-rc.1", { size: 9, sha256: "78".repeat(32), integrity: `sha512-${"A".repeat(86)}==` }],
    [
      "b@2.0.0#0123456789ab",
      {
        size: 10,
        sha256: "9a".repeat(32),
        integrity: `sha1-${"B".repeat(27)}=`,
        from: "https://files.example/b.tgz",
        scripts: ["preinstall: a", "install: node-gyp rebuild", "postinstall: b"],
      },
    ],
  ]),
};
