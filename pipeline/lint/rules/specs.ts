/** Rules about image specs of Lockstep. What is wrong in them is for the spec's own checks; these are about what is allowed and unwise. */
import { isMoving } from "../image-reference.ts";
import type { Rule } from "../rule.ts";
import { entries, get, items, type Node, type Scalar, scalar } from "../../dockerfile/tree.ts";
import { found, isMovingAddress } from "./tools.ts";

function spec(rest: string): string {
  return `name: app\nplatforms: [linux/amd64]\nlayers:\n${rest}`;
}

const layer = "  - symlinks: [{ path: /app, target: /opt/app }]\n";

function https(file: Node): readonly Node[] {
  return items(get(file, "layers")).flatMap((layer) => get(layer, "http") ?? []);
}

/** The address of an `http` layer, or those for each platform. */
function urls(layer: Node): readonly Scalar[] {
  const url = get(layer, "url");
  const all = url?.kind === "map" ? entries(url).map(({ value }) => value) : [url];
  return all.flatMap((each) => scalar(each) ?? []);
}

export const specRules: readonly Rule[] = [
  {
    id: "LK3001",
    title: "everything beside the spec goes into the image",
    severity: "warning",
    rows: ["L24", "P1"],
    why: "`from: .` takes the spec itself and whatever lies around in the working directory, whether Git knows it or not.",
    remedy: "Put what goes into the image into a folder of its own, and name that; or exclude what is not meant.",
    example: {
      file: "images/app/image.yaml",
      bad: spec("  - files: { from: ., into: /app }\n"),
      good: spec("  - files: { from: app, into: /app }\n"),
    },
    on: "spec",
    check: (file) =>
      items(get(file, "layers")).flatMap((each) => {
        const from = scalar(get(each, "files", "from"));
        return from !== undefined && /^\.\/*$/.test(from.text) && get(each, "files", "exclude") === undefined
          ? [found(from, "whatever lies in this folder goes into the image")]
          : [];
      }),
  },
  {
    id: "LK3002",
    title: "label that has to be changed by hand",
    severity: "warning",
    rows: ["T8", "T9", "I2"],
    why: "A time or a number of a build in a label is wrong in the next build, or changes the digest of every one.",
    remedy:
      "Leave it out. The epoch of the image is in its configuration, and who built it is in the signed statement.",
    example: {
      file: "images/app/image.yaml",
      bad: spec(`${layer}config:\n  labels: { org.opencontainers.image.created: "2026-01-01T00:00:00Z" }\n`),
      good: spec(`${layer}config:\n  labels: { org.opencontainers.image.title: app }\n`),
    },
    on: "spec",
    check: (file) =>
      entries(get(file, "config", "labels")).flatMap(({ key, keyExtent }) =>
        /(?:^|[._-])(?:created|build[._-]?(?:date|time|number|id|host)|timestamp|vcs-date)$/i.test(key)
          ? [found(keyExtent, `${key} is about one build`)]
          : [],
      ),
  },
  {
    id: "LK3003",
    title: "secret in the environment of an image",
    severity: "error",
    rows: ["E12"],
    why: "Everybody who has the image, or the repository, can read it.",
    remedy: "Give it to the container when it starts.",
    example: {
      file: "images/app/image.yaml",
      bad: spec(`${layer}config:\n  env: { API_TOKEN: abc123 }\n`),
      good: spec(`${layer}config:\n  env: { API_ADDRESS: "https://api.example" }\n`),
    },
    on: "spec",
    check: (file) =>
      entries(get(file, "config", "env")).flatMap(({ key, keyExtent, value }) =>
        /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY|CREDENTIALS?)$/i.test(key) &&
        scalar(value)?.text !== ""
          ? [found(keyExtent, `${key} is in the image for everybody to read`)]
          : [],
      ),
  },
  {
    id: "LK3004",
    title: "locale that the image does not have",
    severity: "note",
    rows: ["S19", "E1"],
    why: "Locales other than `C.UTF-8` are made by a program at installation, which Lockstep does not run; without them programs fall back to another one, each in its way.",
    remedy: "Use `C.UTF-8`.",
    example: {
      file: "images/app/image.yaml",
      bad: spec(`${layer}config:\n  env: { LANG: en_US.UTF-8 }\n`),
      good: spec(`${layer}config:\n  env: { LANG: C.UTF-8 }\n`),
    },
    on: "spec",
    check: (file) =>
      entries(get(file, "config", "env")).flatMap(({ key, value }) => {
        const locale = scalar(value);
        return /^(?:LANG|LANGUAGE|LC_\w+)$/.test(key) &&
          locale !== undefined &&
          /^[a-z]{2,3}(?:_[A-Z]{2})?(?:\.|@|$)/.test(locale.text)
          ? [found(locale, `${locale.text} has to be made in the image`)]
          : [];
      }),
  },
  {
    id: "LK3005",
    title: "base image that every pin takes anew",
    severity: "note",
    rows: ["I10", "I11"],
    why: "The lock holds the digest, so builds do not change. But `pin` takes whatever `latest` means on that day, another major version too, and the spec does not say what it was meant for.",
    remedy: "Name the version: `name:13.2`.",
    example: {
      file: "images/app/image.yaml",
      bad: 'name: app\nfrom: { image: "registry.example/base:latest" }\n',
      good: 'name: app\nfrom: { image: "registry.example/base:13.2" }\n',
    },
    on: "spec",
    check(file) {
      const image = scalar(get(file, "from", "image"));
      return image !== undefined && isMoving(image.text)
        ? [found(image, `${image.text} is another image at every pin`)]
        : [];
    },
  },
  {
    id: "LK3006",
    title: "address whose file will be another one",
    severity: "warning",
    rows: ["E6", "I11"],
    why: "The lock holds the hash of the file. After the next release the address has another file, and who does not have the old one in the store cannot build any more.",
    remedy: "Name the version or the commit in the address.",
    example: {
      file: "images/app/image.yaml",
      bad: spec(
        `  - http: { url: "https://files.example/tool/latest/tool", sha256: ${"0".repeat(64)}, into: /opt/tool }\n`,
      ),
      good: spec(
        `  - http: { url: "https://files.example/tool/1.2.0/tool", sha256: ${"0".repeat(64)}, into: /opt/tool }\n`,
      ),
    },
    on: "spec",
    check: (file) =>
      https(file).flatMap((layer) =>
        urls(layer).flatMap((url) =>
          isMovingAddress(url.text) ? [found(url, "this address has another file after the next release")] : [],
        ),
      ),
  },
  {
    id: "LK3007",
    title: "file whose first download is believed",
    severity: "note",
    rows: ["E6", "X4"],
    why: "Without `sha256` in the spec the lock holds what the server sent when `pin` asked first, and what it sends at every later pin.",
    remedy: "Write the hash that the publisher names into the spec.",
    example: {
      file: "images/app/image.yaml",
      bad: spec(`  - http: { url: "https://files.example/tool-1.2.0", into: /opt/tool }\n`),
      good: spec(`  - http: { url: "https://files.example/tool-1.2.0", sha256: ${"0".repeat(64)}, into: /opt/tool }\n`),
    },
    on: "spec",
    check: (file) =>
      https(file).flatMap((layer) =>
        get(layer, "sha256") === undefined
          ? urls(layer)
              .slice(0, 1)
              .map((url) => found(url, "no hash says what the file should be"))
          : [],
      ),
  },
  {
    id: "LK3008",
    title: "commit that every pin takes anew",
    severity: "note",
    rows: ["L26"],
    why: "The lock holds the commit, so builds do not change. But `pin` takes the newest one of the branch, and the spec does not say which it was meant for.",
    remedy: "Name a tag, or the whole id of a commit.",
    example: {
      file: "images/app/image.yaml",
      bad: spec("  - git: { repository: https://git.example/tool.git, ref: main, into: /opt/tool }\n"),
      good: spec("  - git: { repository: https://git.example/tool.git, ref: v1.2.0, into: /opt/tool }\n"),
    },
    on: "spec",
    check: (file) =>
      items(get(file, "layers")).flatMap((each) => {
        const ref = scalar(get(each, "git", "ref"));
        return ref !== undefined && /^(?:HEAD|main|master|develop|dev|trunk|refs\/heads\/.*)$/.test(ref.text)
          ? [found(ref, `${ref.text} is another commit at every pin`)]
          : [];
      }),
  },
];
