import { afterAll, beforeAll, describe } from "vitest";
import { containerTests } from "./containers.ts";
import { documentTests } from "./documents.ts";
import { layerTests } from "./layers.ts";
import { readerTests } from "./readers.ts";
import { rootTests } from "./roots.ts";
import { Samples } from "./samples.ts";
import { skopeoTests } from "./skopeo.ts";
import { stateTests } from "./state.ts";

/** All that needs the sample images is one file, so that they are built once. */
let built: Samples | undefined;

function samples(): Samples {
  if (built === undefined) throw new Error("the samples are not built yet");
  return built;
}

beforeAll(async () => {
  built = await Samples.build();
});

afterAll(async () => {
  await built?.remove();
});

describe("layers of the samples", () => {
  layerTests(samples);
  readerTests(samples);
});
describe("documents of the samples", () => documentTests(samples));
describe("skopeo", () => skopeoTests(samples));
describe("traces of an installation", () => stateTests(samples));
describe("unpacked samples", () => rootTests(samples));
describe("running samples", () => containerTests(samples));
