/** What an installed system leaves behind and an image must not have. Rows S and T15 of docs/catalogue.md. */
import { expect, it } from "vitest";
import type { Samples } from "./samples.ts";

const forbidden: readonly (readonly [string, RegExp])[] = [
  ["S1: no identity of a machine", /^etc\/machine-id$|^var\/lib\/dbus\/machine-id$/],
  ["S2: no name of a host", /^etc\/(hostname|mailname)$/],
  ["S3: no addresses of name servers and hosts", /^etc\/(resolv\.conf|hosts)$/],
  [
    "S4: no seeds and no private keys",
    /^var\/lib\/(systemd|urandom)\/random-seed$|^etc\/ssh\/ssh_host_|snakeoil|^etc\/ssl\/private\/./,
  ],
  ["S5: no copies and locks of account files", /^etc\/(passwd|shadow|group|gshadow|subuid|subgid)-$|\/\.pwd\.lock$/],
  ["S7: no auxiliary cache of the linker", /^var\/cache\/ldconfig\//],
  [
    "S9: no copies and locks of dpkg's database",
    /^var\/lib\/dpkg\/(status-old|available|available-old|lock|lock-frontend|diversions-old|statoverride-old)$/,
  ],
  ["S10: no logs of an installation", /^var\/log\/(dpkg|alternatives|bootstrap|fontconfig)\.log|^var\/log\/apt\/./],
  ["S11: no lists and caches of apt", /^var\/lib\/apt\/(lists\/.|extended_states)|^var\/cache\/apt\/.*\.(deb|bin)$/],
  ["S12: no settings of a tool that builds", /^etc\/apt\/(sources\.list|apt\.conf\.d\/99)|mmdebstrap|debootstrap/],
  ["S13: no copies of debconf's answers", /^var\/cache\/debconf\/.*-old$/],
  ["T15: no compiled Python", /\.pyc$|(^|\/)__pycache__(\/|$)/],
];

/** Files that packages' scripts make and that have to be there, empty. */
const empty: readonly (readonly [string, RegExp])[] = [
  ["S6: no ranges of subordinate ids", /^etc\/sub[ug]id$/],
  ["S23: no records of log-ins", /^var\/log\/./],
];

export function stateTests(samples: () => Samples): void {
  for (const [what, pattern] of forbidden) {
    it(what, async () => {
      for (const { layer, entries } of await samples().archives()) {
        const found = entries.map(({ name }) => name).filter((name) => pattern.test(name));
        expect(found, layer.name).toEqual([]);
      }
    });
  }

  for (const [what, pattern] of empty) {
    it(what, async () => {
      for (const { layer, entries } of await samples().archives()) {
        const found = entries.filter(({ name, size }) => pattern.test(name) && size > 0).map(({ name }) => name);
        expect(found, layer.name).toEqual([]);
      }
    });
  }
}
