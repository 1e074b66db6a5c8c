import { describe, expect, it } from "vitest";
import { readDescriptor } from "../../pipeline/image/descriptor.ts";

const good = { mediaType: "application/x", digest: `sha256:${"ab".repeat(32)}`, size: 0 };

describe("a descriptor", () => {
  it("has what every descriptor has, and nothing else is taken from it", () => {
    expect(readDescriptor({ ...good, size: 7, annotations: { a: "b" }, wrong: "x" })).toEqual({ ...good, size: 7 });
  });

  it.each([
    ["is not a descriptor", undefined],
    ["is not a descriptor", null],
    ["is not a descriptor", [good]],
    ["is not a descriptor", "sha256:"],
    ["has no media type", { ...good, mediaType: 1 }],
    ['has the digest "sha512:00", which is no SHA-256', { ...good, digest: "sha512:00" }],
    ["has the digest undefined, which is no SHA-256", { ...good, digest: undefined }],
    ["has no usable size", { ...good, size: -1 }],
    ["has no usable size", { ...good, size: 1.5 }],
    ["has no usable size", { ...good, size: "1" }],
    ["has no usable size", { ...good, size: 2 ** 53 }],
  ])("%s", (wrong, value) => {
    expect(readDescriptor(value)).toEqual({ wrong });
  });
});
