/** Entry point: port from the environment, orderly end. */
import { createService } from "./service.js";

const port = Number(process.env.PORT ?? 8080);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write(`PORT must be a whole number from 0 to 65535, not ${JSON.stringify(process.env.PORT)}\n`);
  process.exit(2);
}

const service = createService({ logger: true });
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void service.close());
await service.listen({ port, host: "::" });
