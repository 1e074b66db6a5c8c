/** Where programs that only tests need are kept between runs: outside the checkout, by version. */
import { dirname, join } from "node:path";
import { createHost } from "../pipeline/host/host.ts";

export const toolsDirectory = join(dirname(createHost().cacheDirectory), "lockstep-test-tools");
