/** What an installed system leaves behind and an image must not have. Rows S, T12 and T15 of docs/catalogue.md. */
import { expect, it } from "vitest";
import type { Samples } from "./samples.ts";

/** Paths by the row of the catalogue that forbids them. */
const forbidden: Readonly<Record<string, RegExp>> = {
  S1: /^etc\/machine-id$|^var\/lib\/dbus\/machine-id$/,
  S2: /^etc\/hostname$|^etc\/mailname$/,
  S3: /^etc\/resolv\.conf$|^etc\/hosts$/,
  S4: /^var\/lib\/(systemd|urandom)\/random-seed$|^etc\/ssh\/ssh_host_|snakeoil|^etc\/ssl\/private\/.*\.(key|pem)$/,
  S5: /^etc\/(passwd|shadow|group|gshadow|subuid|subgid)-$|\/\.pwd\.lock$/,
  S7: /^var\/cache\/ldconfig\//,
  S9: /^var\/lib\/dpkg\/(status-old|available|available-old|lock|lock-frontend|diversions-old|statoverride-old)$/,
  S10: /^var\/log\/(dpkg|alternatives|bootstrap|fontconfig)\.log|^var\/log\/apt\/./,
  S11: /^var\/lib\/apt\/(lists\/.|extended_states)|^var\/cache\/apt\/.*\.(deb|bin)$/,
  S12: /^etc\/apt\/(sources\.list|apt\.conf\.d\/99)|mmdebstrap|debootstrap/,
  S13: /^var\/cache\/debconf\/.*-old$/,
  T15: /\.pyc$|(^|\/)__pycache__(\/|$)/,
};

export function stateTests(samples: () => Samples): void {
  it.each(Object.entries(forbidden))("%s: are in no layer", async (_, pattern) => {
    for (const { layer, entries } of await samples().archives()) {
      expect(
        entries.map(({ name }) => name).filter((name) => pattern.test(name)),
        layer.name,
      ).toEqual([]);
    }
  });

  it("S23: are there only as the empty files that packages make (records of log-ins)", async () => {
    for (const { layer, entries } of await samples().archives()) {
      const records = entries.filter(({ name }) => /^var\/log\/./.test(name));
      expect(
        records.filter(({ size }) => size > 0).map(({ name }) => name),
        layer.name,
      ).toEqual([]);
    }
  });
}
