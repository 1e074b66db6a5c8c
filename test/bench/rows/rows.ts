/** All experiments, in the order of their rows. */
import type { Experiment } from "../model.ts";
import { explain } from "./explain.ts";
import { file } from "./file.ts";
import { fleet } from "./fleet.ts";
import { gzip } from "./gzip.ts";
import { image } from "./image.ts";
import { lint } from "./lint.ts";
import { memory } from "./memory.ts";
import { npmLayer } from "./npm.ts";
import { pin } from "./pin.ts";
import { registry } from "./registry.ts";
import { unchanged } from "./unchanged.ts";
import { upgrade } from "./upgrade.ts";

export const experiments: readonly Experiment[] = [
  image,
  upgrade,
  unchanged,
  file,
  fleet,
  memory,
  pin,
  gzip,
  npmLayer,
  registry,
  lint,
  explain,
];
