import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../pipeline/build/config.ts";
import type { RuntimeConfig } from "../../pipeline/image/oci.ts";
import type { ConfigSpec } from "../../pipeline/spec/types.ts";

const nothing: ConfigSpec = { ports: [], env: {}, labels: {}, volumes: [] };
const base: RuntimeConfig = {
  User: "1:1",
  ExposedPorts: { "80/tcp": {} },
  Env: ["PATH=/bin", "A=1=2", "B=2"],
  Entrypoint: ["/e"],
  Cmd: ["c"],
  Volumes: { "/v": {} },
  WorkingDir: "/w",
  Labels: { a: "1", b: "2" },
  StopSignal: "SIGINT",
};

describe("resolveConfig", () => {
  it("of an image that says nothing is its base's, or empty", () => {
    expect(resolveConfig(nothing)).toEqual({});
    expect(resolveConfig(nothing, base)).toEqual(base);
  });

  it("lets the image win, variable by variable and label by label, in the base's order", () => {
    const own: ConfigSpec = {
      ports: ["8080/tcp", "443/tcp"],
      env: { B: "3", C: "", A: "x=y" },
      labels: { b: "3" },
      volumes: ["/a"],
      user: "2",
      workdir: "/x",
      stopSignal: "SIGTERM",
      cmd: ["d"],
    };
    expect(resolveConfig(own, base)).toEqual({
      User: "2",
      ExposedPorts: { "443/tcp": {}, "80/tcp": {}, "8080/tcp": {} },
      Env: ["PATH=/bin", "A=x=y", "B=3", "C="],
      Entrypoint: ["/e"],
      Cmd: ["d"],
      Volumes: { "/a": {}, "/v": {} },
      WorkingDir: "/x",
      Labels: { a: "1", b: "3" },
      StopSignal: "SIGTERM",
    });
  });

  it("does not give the base's command to another program", () => {
    expect(resolveConfig({ ...nothing, entrypoint: ["/other"] }, base)).not.toHaveProperty("Cmd");
    expect(resolveConfig({ ...nothing, entrypoint: ["/other"], cmd: ["x"] }, base).Cmd).toEqual(["x"]);
  });
});
