import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prepareSteps } from "../../../pipeline/build/build.ts";
import { hermeticDockerfile } from "../../../pipeline/build/step/dockerfile.ts";
import { writeContext } from "../../../pipeline/build/step/context.ts";
import { secretsVariable } from "../../../pipeline/build/step/open.ts";
import { asEver } from "../../../pipeline/build/step/surroundings.ts";
import { checkPlan, secretsOf } from "../../../pipeline/build/step/secrets.ts";
import type { StepLayer } from "../../../pipeline/build/plan.ts";
import { LockstepError } from "../../../pipeline/host/errors.ts";
import { silent } from "../../../pipeline/report/report.ts";
import type { TinyDeb } from "../../source/debian/tiny-deb.ts";
import { run, scene, temporaryDirectory } from "../../support.ts";
import { image, type TinyOptions } from "../tiny-repository.ts";
import { canUnpack, stepScene } from "./step-scene.ts";

const shell: TinyDeb = {
  name: "shell",
  architecture: "all",
  data: ["sh", "env", "timeout"].map((name) => ({ name: `./usr/bin/${name}`, content: "#!", mode: 0o755 })),
};
/** As nothing else in the layers begins or ends. */
const value = 'correct-"horse"-battery';

const app = (more = ""): TinyOptions => ({
  images: { app: image("shell", `  - run: { script: fetch-it, secrets: [token, other]${more} }\n`) },
  packages: [shell],
});

function given(content: string): string {
  const path = join(temporaryDirectory(), "secrets.json");
  writeFileSync(path, content);
  return path;
}

async function withValues(values: Readonly<Record<string, string>>, options = app()) {
  const environment = { [secretsVariable]: given(JSON.stringify(values)) };
  return stepScene({ ...options, environment });
}

async function problemsOf(working: Promise<unknown>): Promise<readonly string[]> {
  try {
    await working;
    return [];
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.problems.map(({ code, message }) => `${code} ${message}`);
  }
}

const values = { token: value, other: "0123456789abcdef" };

/** A step of a plan that needs secrets. */
async function layerOf(options = app()): Promise<StepLayer> {
  const [planned] = await (await withValues(values, options)).plan();
  const layer = planned?.plan.layers.at(-1);
  if (layer?.kind !== "step") throw new Error("no step");
  return layer;
}

describe("a step with secrets", () => {
  it("counts by their names alone: whatever the values are, it is the same step", async () => {
    const hashes = await Promise.all(
      [values, { token: "another-value", other: "yet-another" }].map(
        async (each) => (await (await withValues(each)).plan())[0]?.hash,
      ),
    );
    expect(hashes[0]).toBe(hashes[1]);
    expect((await layerOf()).command.secrets).toEqual(["other", "token"]);
    expect(JSON.stringify(await layerOf())).not.toContain("horse");
  });

  it("is given them as files that its user alone can read, and nothing of them is in the context", async () => {
    const at = await withValues(values, app(', user: "7:8"'));
    const [step] = await prepareSteps(at.host, { inputs: at.store, results: at.store }, silent, await at.plan(), {
      every: false,
    });
    if (step === undefined) throw new Error("no step is open");
    const directory = join(at.directory, "context");
    await writeContext(at.host, at.store, step, directory, { nonce: "first", otherwise: asEver });
    const text = readFileSync(join(directory, "Dockerfile"), "utf8");
    expect(text).toContain("USER 7:8\nRUN --network=none --mount=type=secret,id=other,required=true,uid=7,gid=8 ");
    expect(text).toContain("--mount=type=secret,id=token,required=true,uid=7,gid=8 [");
    expect(run("grep", ["-r", "horse", directory]).status).toBe(1);
  });

  it.each([
    ["which is not given", undefined, "needs the secret other, which is not given"],
    ["of another name", '{ "token": "long enough" }', "needs the secret other, which is not given"],
    ["too short to be looked for", '{ "token": "long enough", "other": " short\\n" }', "is shorter than 8 bytes"],
    ["in no JSON", "token=x", "is not JSON"],
    ["in a list", "[]", "is no JSON object"],
    ["that is no string", '{ "token": 7 }', 'the secret "token" is no string'],
  ])("LS9016: has none %s", async (_, content, message) => {
    const environment: Record<string, string> = content === undefined ? {} : { [secretsVariable]: given(content) };
    const [problem] = await problemsOf(secretsOf(scene(environment).host, await layerOf()));
    expect(problem).toMatch(/^LS9016 /);
    expect(problem).toContain(message);
  });

  it("LS9015: is not run when the plan has a value, in its command or in the config of the image", async () => {
    const config = `config: { labels: { a: "x ${value.replaceAll('"', '\\"')} y" } }\n`;
    for (const options of [
      app(`, env: { A: '${value}' }`),
      { ...app(), images: { app: `${app().images["app"] ?? ""}${config}` } },
    ]) {
      const at = await withValues(values, options);
      const [planned] = await at.plan();
      const layer = planned?.plan.layers.at(-1);
      if (planned === undefined || layer?.kind !== "step") throw new Error("no step");
      const secrets = await secretsOf(at.host, layer);
      expect(await problemsOf((async () => checkPlan(secrets, planned.plan, layer))())).toEqual([
        "LS9015 image.yaml: the value of the secret token is in the plan (lockstep: run fetch-it)",
      ]);
    }
  });

  it.skipIf(!canUnpack)(
    "LS9015: leaves no value in its layer, with every path where one is (needs root, tar)",
    async () => {
      const at = await withValues(values);
      const bytes = Buffer.from(value);
      await at.step((directory) => {
        mkdirSync(join(directory, "srv"));
        const write = (name: string, content: string | Buffer) => writeFileSync(join(directory, "srv", name), content);
        write("sound", "nothing of it, correct-horse-battery");
        write("plain", `a=${value}\n`);
        // Where two reads of a large file meet.
        write("large", Buffer.concat([Buffer.alloc((1 << 20) - 5), bytes, Buffer.alloc(1 << 20)]));
        write("hex", bytes.toString("hex"));
        for (const shift of [0, 1, 2])
          write(
            `base64-${shift}`,
            Buffer.concat([Buffer.alloc(shift, "u"), bytes, Buffer.from("rest")]).toString("base64"),
          );
        write("json", JSON.stringify({ password: value }));
        symlinkSync(value, join(directory, "srv/link"));
        write(`0123456789abcdef.txt`, "");
      });
      const problems = await problemsOf(at.build());
      const named = "in the name, the link or an attribute of a file";
      expect(problems).toEqual(
        [
          `the value of the secret other is ${named}`,
          ...["base64-0", "base64-1", "base64-2", "hex", "json", "large"].map(
            (name) => `the value of the secret token is in /srv/${name}`,
          ),
          `the value of the secret token is ${named}`,
          "the value of the secret token is in /srv/plain",
        ].map((message) => `LS9015 lockstep: run fetch-it: ${message}`),
      );
      expect(problems.join("\n")).not.toContain("horse");
    },
  );

  it.skipIf(!canUnpack)("LS9016: becomes no layer when nobody can look for the values (needs root, tar)", async () => {
    const at = await stepScene(app());
    await at.step(() => {});
    expect((await problemsOf(at.build()))[0]).toContain(
      "LS9016 lockstep: run fetch-it: the step needs the secret other",
    );
  });
});

describe("a Dockerfile with secrets", () => {
  const problems = (mount: string, secrets: readonly string[] = ["token"]): readonly string[] => {
    try {
      const command = { args: {}, images: {}, secrets };
      hermeticDockerfile(`FROM scratch\nRUN ${mount} a\n`, "Dockerfile", command, {}, [], [], {
        timeout: 1,
        nonce: "n",
      });
      return [];
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      return error.problems.map(({ code, message }) => `${code} ${message}`);
    }
  };

  it("LS2059: has those that the spec names, as files where nothing stays, and not as variables", () => {
    expect(problems("--mount=type=secret,id=token")).toEqual([]);
    expect(problems("--mount=type=secret,id=token,target=/run/x")).toEqual([]);
    expect(problems("--mount=type=secret,id=other")).toEqual([
      "LS2059 RUN --mount=type=secret,id=other, which is not among its secrets",
    ]);
    for (const option of ["env=TOKEN", "target=/srv/netrc", "dst=/etc/x"])
      expect(problems(`--mount=type=secret,id=token,${option}`)).toEqual([
        "LS2059 RUN --mount=type=secret,id=token is no file in /run/secrets",
      ]);
  });
});
