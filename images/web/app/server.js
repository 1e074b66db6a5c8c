/** Entry point: settings from the environment, signals, exit code. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { createService } from "./service.js";

/** A whole number from the environment; anything else is a mistake worth stopping for. */
function setting(name, fallback, least, most) {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    process.stderr.write(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}\n`);
    process.exit(2);
  }
  return value;
}

const port = setting("PORT", 8080, 0, 65_535);
const drain = setting("DRAIN_MS", 0, 0, 600_000);
const grace = setting("GRACE_MS", 10_000, 0, 600_000);
const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
const service = createService({ hostname: hostname(), version, log: (line) => process.stdout.write(`${line}\n`) });

let ending = false;
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, async () => {
    // A second signal means now.
    if (ending) process.exit(1);
    ending = true;
    await service.close({ drain, grace });
    process.exitCode = 0;
  });
}

try {
  // "::" also takes IPv4, except where IPv6 is switched off altogether.
  await service.listen(port).catch((error) => {
    if (error.code !== "EAFNOSUPPORT" && error.code !== "EADDRNOTAVAIL") throw error;
    return service.listen(port, "0.0.0.0");
  });
} catch (error) {
  process.stderr.write(`cannot listen on port ${port}: ${error.message}\n`);
  process.exit(1);
}
