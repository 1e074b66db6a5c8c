/** The table of commands, in the order in which `--help` shows them. */
import type { CommandEntry } from "./command.ts";

export const commands: readonly CommandEntry[] = [
  {
    name: "ship",
    summary: "check, build, verify, describe, sign and render everything",
    load: () => import("./ship.ts"),
  },
  {
    name: "pin",
    summary: "resolve what the specs ask for and write it to lockstep.lock",
    load: () => import("./pin.ts"),
  },
  {
    name: "outdated",
    summary: "list locked inputs of which there is something newer",
    load: () => import("./outdated.ts"),
  },
  { name: "build", summary: "build images from locked inputs", load: () => import("./build.ts") },
  {
    name: "verify",
    summary: "rebuild images in other surroundings and compare digests",
    load: () => import("./verify.ts"),
  },
  {
    name: "explain",
    summary: "say how two images, layers or files differ, and why",
    load: () => import("./explain.ts"),
  },
  {
    name: "report",
    summary: "say how two releases differ in size, packages and files",
    load: () => import("./report.ts"),
  },
  {
    name: "steps",
    summary: "prepare steps that run code for an engine",
    load: () => import("./steps.ts"),
  },
  {
    name: "rebase",
    summary: "put the own layers of a built image onto another base image",
    load: () => import("./rebase.ts"),
  },
  {
    name: "capsule",
    summary: "put every locked input of images into one artefact; say what one has, and check it",
    load: () => import("./capsule.ts"),
  },
  { name: "sbom", summary: "write an SPDX document for each image and platform", load: () => import("./sbom.ts") },
  {
    name: "attest",
    summary: "sign what is known of each image, and verify the signature",
    load: () => import("./attest.ts"),
  },
  { name: "publish", summary: "build images and push them to a registry", load: () => import("./publish.ts") },
  {
    name: "copy",
    summary: "copy an image between registries and layouts",
    load: () => import("./copy.ts"),
  },
  {
    name: "render",
    summary: "write the Kubernetes manifests with the images' digests",
    load: () => import("./render.ts"),
  },
  {
    name: "deliver",
    summary: "move the branch that Argo CD or Flux follows to the commit, when its images are there",
    load: () => import("./deliver.ts"),
  },
  {
    name: "check",
    summary: "check specs, lock, scripts and rendered manifests, and lint the repository",
    load: () => import("./check.ts"),
  },
  {
    name: "lock",
    summary: "merge the lock of two branches, as Git's merge driver, and show how locks differ",
    load: () => import("./lock.ts"),
  },
  {
    name: "store",
    summary: "look after the store, and share it: gc, check, du, push, pull",
    load: () => import("./store.ts"),
  },
  {
    name: "schema",
    summary: "print the JSON Schema of image.yaml or of what a command prints",
    load: () => import("./schema.ts"),
  },
];
