import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildImages, prepareSteps } from "../../../pipeline/build/build.ts";
import { writeContext } from "../../../pipeline/build/step/context.ts";
import { asEver } from "../../../pipeline/build/step/surroundings.ts";
import { silent } from "../../../pipeline/report/report.ts";
import { servedAt } from "../../../pipeline/inside/served.ts";
import { hasProgram, run } from "../../support.ts";
import { damage, image, type TinyOptions, tinyRepository } from "../tiny-repository.ts";
import { sha256Of, type TinyDeb } from "../../source/debian/tiny-deb.ts";
import { canUnpack, stepScene } from "./step-scene.ts";

const shell: TinyDeb = {
  name: "shell",
  architecture: "all",
  data: ["sh", "env", "timeout"].map((name) => ({ name: `./usr/bin/${name}`, content: "#!", mode: 0o755 })),
};
const [one, two] = ["https://files.example/one", "https://files.example/two"] as const;
const http = { [one]: Buffer.from("1"), [two]: Buffer.from("2") };

const app = (step: string, more: Partial<TinyOptions> = {}): TinyOptions => ({
  images: { app: image("shell", `  - ${step}\n`) },
  packages: [shell],
  http,
  ...more,
});
const both = `run: { argv: [/bin/x], fetch: [{ url: "${two}" }, { url: "${one}" }] }`;
const dockerfile: TinyOptions = app(`dockerfile: { context: app, images: [], fetch: [{ url: "${one}" }] }`, {
  http: { [one]: http[one] },
  files: { "images/app/app/Dockerfile": 'FROM scratch\nRUN --mount=type=tmpfs,target=/t a\nRUN ["/b"]\n' },
});

/** The context of the only step. */
async function context(options: TinyOptions) {
  const at = await tinyRepository(options);
  const [step] = await prepareSteps(at.host, { inputs: at.store, results: at.store }, silent, await at.plan(), {
    every: false,
  });
  if (step === undefined) throw new Error("no step is open");
  const directory = join(at.directory, "context");
  await writeContext(at.host, at.store, step, directory, { nonce: "first", otherwise: asEver });
  return { at, directory, dockerfile: readFileSync(join(directory, "Dockerfile"), "utf8") };
}

/** The words of the only RUN that is written as a list. */
function wordsOf(text: string): readonly string[] {
  const [, json = "[]"] = /^RUN .*?(\[.*\])$/m.exec(text) ?? [];
  return JSON.parse(json) as readonly string[];
}

describe("a step that fetches", () => {
  it("has what it fetches in its plan, sorted, with the variables by which programs find it", async () => {
    const [planned] = await (await tinyRepository(app(both))).plan();
    expect(planned?.plan.layers.at(-1)).toMatchObject({
      kind: "step",
      command: {
        network: "none",
        fetch: [
          { url: one, sha256: sha256Of(http[one]) },
          { url: two, sha256: sha256Of(http[two]) },
        ],
        env: { https_proxy: "http://127.0.0.1:9013", SSL_CERT_FILE: "/run/lockstep-fetch/authority.pem" },
      },
    });
  });

  it("is another step for other bytes, and one that fetches nothing has nothing of it", async () => {
    const hash = async (options: TinyOptions) => (await (await tinyRepository(options)).plan())[0];
    const [first, second] = await Promise.all([
      hash(app(both)),
      hash(app(both, { http: { ...http, [two]: Buffer.from("other") } })),
    ]);
    expect(first?.hash).not.toBe(second?.hash);
    const plain = await hash(app("run: { argv: [/bin/x] }", { http: {} }));
    expect(JSON.stringify(plain?.plan)).not.toMatch(/fetch|proxy/);
  });

  it("LS2201: is not planned when the lock has nothing for it", async () => {
    const at = await tinyRepository(app(both, { http: { [one]: http[one] } }));
    await expect(at.plan()).rejects.toThrow(/LS2201 .*files\.example\/two/);
  });

  it("is started beside the proxy, which has the bytes of the lock and lies where nothing of it stays", async () => {
    const { directory, dockerfile: text } = await context(app(both));
    expect(text).toContain(`RUN --network=none --mount=type=bind,source=lockstep-fetch,target=${servedAt} [`);
    const words = wordsOf(text);
    const start = words.indexOf(`${servedAt}/serve.ts`);
    expect(words.slice(start + 1, start + 3)).toEqual(["/usr/bin/timeout", "-k"]);
    const at = join(directory, "lockstep-fetch");
    const blobs = Object.values(http).map((bytes) => [sha256Of(bytes), bytes.toString()] as const);
    expect(readdirSync(join(at, "blobs")).toSorted()).toEqual(blobs.map(([name]) => name).toSorted());
    for (const [name, text] of blobs) expect(readFileSync(join(at, "blobs", name), "utf8")).toBe(text);
  });

  it.skipIf(!hasProgram("curl"))(
    "gets them from what is written there alone, by the loader and libraries beside it (needs curl)",
    async () => {
      const { directory, dockerfile: text } = await context(app(both));
      const at = join(directory, "lockstep-fetch");
      const words = wordsOf(text).map((word) => word.replaceAll(servedAt, at));
      const start = words.findIndex((word) => word.startsWith(`${at}/ld-`));
      const [loader = "", ...args] = words.slice(start, words.indexOf(`${at}/serve.ts`) + 1);
      const maps = `grep -o '[^ ]*/[^ /]*\\.so[^ ]*$' /proc/$PPID/maps | sort -u; curl -sSf ${one} ${two}`;
      const { stdout, stderr, status } = run(loader, [...args, "/bin/sh", "-c", maps], {
        env: {
          PATH: process.env["PATH"] ?? "",
          https_proxy: "http://127.0.0.1:9013",
          CURL_CA_BUNDLE: join(at, "authority.pem"),
        },
      });
      expect(stderr.toString("utf8")).toBe("");
      expect(status).toBe(0);
      const lines = stdout.toString("utf8").split("\n");
      expect(lines.pop()).toBe("12");
      expect(lines.length).toBeGreaterThan(3);
      expect(lines.filter((path) => !path.startsWith(at))).toEqual([]);
      expect(existsSync(join(at, basename(loader)))).toBe(true);
    },
  );

  it("LS3001: is not given a file that the store has spoiled", async () => {
    const at = await tinyRepository(app(both));
    const [step] = await prepareSteps(at.host, { inputs: at.store, results: at.store }, silent, await at.plan(), {
      every: false,
    });
    if (step === undefined) throw new Error("no step is open");
    damage(at.store, `sha256:${sha256Of(http[two])}`);
    await expect(
      writeContext(at.host, at.store, step, join(at.directory, "c"), { nonce: "n", otherwise: asEver }),
    ).rejects.toThrow("LS3001");
  });

  it.skipIf(!canUnpack)("becomes a layer that is proven to be made of what it fetched (needs root, tar)", async () => {
    const at = await stepScene(app(both));
    await at.step(() => {});
    const planned = await at.plan();
    const built = await at.build();
    expect(built).toHaveLength(1);
    // Without the step in the plan, what it fetches would be an entry that nothing was made of.
    const short = planned.map((item) => ({ ...item, plan: { ...item.plan, layers: item.plan.layers.slice(0, 1) } }));
    const stores = { inputs: at.store, results: at.store };
    await expect(buildImages(at.host, stores, silent, short, { out: at.out })).rejects.toThrow(
      /LS2704 .*files\.example/,
    );
  });
});

describe("a Dockerfile that fetches", () => {
  it("has the proxy in every RUN, and starts every program beside it", async () => {
    const { directory, dockerfile: text } = await context(dockerfile);
    const mount = `--mount=type=bind,source=lockstep-fetch,target=${servedAt}`;
    expect(text).toContain(`RUN --network=none ${mount} --mount=type=tmpfs,target=/t a\n`);
    expect(text).toContain(`RUN --network=none ${mount} ["${servedAt}/ld-`);
    expect(text).toMatch(
      /^SHELL \["\/run\/lockstep-fetch\/ld-[^\]]*"\/run\/lockstep-fetch\/serve\.ts","\/usr\/bin\/timeout"/m,
    );
    const { every } = JSON.parse(readFileSync(join(directory, "lockstep-fetch/files.json"), "utf8")) as {
      readonly every: boolean;
    };
    expect(every).toBe(false);
  });
});
