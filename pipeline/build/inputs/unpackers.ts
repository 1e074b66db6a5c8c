/** The table of the ways to unpack an input, by the plan's word for it. */
import type { Decoders } from "../../source/decompress.ts";
import type { EntrySink, InputBlob } from "../../source/archive/sink.ts";
import type { PlannedInput } from "../plan.ts";

type Recipe<Way extends PlannedInput["unpack"]> = Omit<Extract<PlannedInput, { unpack: Way }>, "section" | "key">;

interface Unpacker<Way extends PlannedInput["unpack"]> {
  /** Whether entries keep the times that the input has for them, or all get the epoch. */
  readonly times: "own" | "epoch";
  /**
   * Gives every entry to the sink, with paths relative to where the input goes. What it may read is the blob alone, and must have been
   * checked by digest before this returns. Loaded on use.
   */
  unpack(blob: InputBlob, sink: EntrySink, input: Recipe<Way>, decoders: Decoders): Promise<void>;
}

const unpackers: { readonly [Way in PlannedInput["unpack"]]: Unpacker<Way> } = {
  file: {
    times: "epoch",
    async unpack(blob, sink, input) {
      const { unpackFile } = await import("../../source/archive/file.ts");
      await unpackFile(blob, sink, input);
    },
  },
  git: {
    times: "own",
    async unpack(blob, sink, input) {
      const { unpackCommit } = await import("../../source/git/unpack.ts");
      await unpackCommit(blob, sink, input);
    },
  },
  tar: {
    times: "own",
    async unpack(blob, sink, input, decoders) {
      const { unpackTar } = await import("../../source/archive/tar.ts");
      await unpackTar(blob, sink, input, decoders);
    },
  },
  npm: {
    times: "own",
    async unpack(blob, sink, input) {
      const { unpackTarball } = await import("../../source/npm/tarball.ts");
      await unpackTarball(blob, sink, input);
    },
  },
  "npm-git": {
    times: "own",
    async unpack(blob, sink, input) {
      const { unpackNpmCommit } = await import("../../source/npm/commit.ts");
      await unpackNpmCommit(blob, sink, input);
    },
  },
  wheel: {
    times: "epoch",
    async unpack(blob, sink, input) {
      const { unpackWheel } = await import("../../source/python/wheel.ts");
      await unpackWheel(blob, sink, input);
    },
  },
  zip: {
    times: "own",
    async unpack(blob, sink, input) {
      const { unpackZip } = await import("../../source/archive/zip.ts");
      await unpackZip(blob, sink, input);
    },
  },
};

/** The unpacker of a way, to be given inputs of that way. */
export function unpackerOf(way: PlannedInput["unpack"]): Unpacker<PlannedInput["unpack"]> {
  return unpackers[way] as Unpacker<PlannedInput["unpack"]>;
}
