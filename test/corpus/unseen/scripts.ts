/** Pairs that were made, and measured, before any rule was written with them at hand; by what they are about. */
import type { Script } from "../real/pairs.ts";
import { archiveScripts } from "./archives.ts";
import { bundleScripts } from "./bundles.ts";
import { imageScripts } from "./images.ts";
import { javaScripts } from "./java.ts";
import { packageScripts } from "./packages.ts";
import { programScripts } from "./programs.ts";
import { pythonScripts } from "./python.ts";
import { systemScripts } from "./system.ts";

export const unseenScripts: Readonly<Record<string, readonly Script[]>> = {
  "JavaScript and npm": bundleScripts,
  Python: pythonScripts,
  Java: javaScripts,
  "C, Go and Rust": programScripts,
  "packages and file systems": packageScripts,
  "operating system and documents": systemScripts,
  "archives and compressors": archiveScripts,
  "images of buildah, crane, ko, umoci": imageScripts,
};
