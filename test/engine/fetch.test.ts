import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { build, fetchInputs } from "../peers/builds.ts";
import { root, run } from "../support.ts";
import { type Called, engineMissing, Module, topLayer } from "./engine.ts";

const minutes = 60_000;
const file = "https://files.example/source.txt";

/** Images with one step that fetches the file; what each tries besides. */
const scripts: Readonly<Record<string, string>> = {
  fetching: `mkdir /srv/got && cd /srv/got && curl -sSf ${file} > curl && curl -sSf --proxy-insecure ${file} | cmp - curl && test -f /run/lockstep-fetch/authority.pem`,
  // It goes on without, and is refused all the same.
  greedy: `curl -sSf ${file} > /srv/x; curl -sS 'https://files.example/other?a=b' > /srv/y || true`,
  // Past the proxy there is no way out: not to an address, not to a name, not to the engine's own resolver, not by taking the proxy away.
  direct: [
    `curl -sSf ${file} > /srv/x`,
    "for url in http://192.0.2.1/ https://files.example/ http://10.87.0.1/ http://169.254.169.254/; do",
    "  ! curl -sS --noproxy '*' -m 5 $url 2>> /srv/said || exit 9",
    "done",
    "! umount /run/lockstep-fetch 2> /tmp/no && ! touch /run/lockstep-fetch/x 2> /tmp/no || exit 8",
    "kill -KILL 1; sleep 1",
    "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' ' > /srv/interfaces",
  ].join("\n"),
  idle: "true",
  user: "id -u > /tmp/id && mkdir /srv/own/d && cp /tmp/id /srv/own/d/id && id -G > /srv/own/groups && echo $HOME $USER > /srv/own/home",
};

/** Images with one step that is given a secret, as root and as another user. */
const secret = "correct-horse-battery-staple";
const secretScripts: Readonly<Record<string, string>> = {
  secret:
    "sha256sum < /run/secrets/token > /srv/own/sum; stat -c '%u:%g %a' /run/secrets/token > /srv/own/mode; ls /run/secrets > /srv/own/list",
  leaky: "cp /run/secrets/token /srv/own/leak; base64 < /run/secrets/token > /srv/own/coded",
  loud: 'echo "it is $(cat /run/secrets/token)." >&2; exit 3',
};

describe.skipIf(engineMissing !== undefined)(
  `steps that fetch, on a real engine (needs ${engineMissing ?? "nothing more"})`,
  () => {
    let directory: string;
    let repository: string;
    let capsule: string;
    let module: Module;

    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    };
    const call = (image: string, ...args: readonly string[]): Promise<Called> =>
      module.call(["build", "--source", repository, "--capsule", capsule, "--image", image, ...args]);
    const lockstep = (args: readonly string[]): void => {
      const env = { ...process.env, XDG_CONFIG_HOME: join(directory, "config") };
      const done = run(join(root, "lockstep"), [...args, "--quiet", "-C", repository], {
        env: env as Record<string, string>,
      });
      expect(done.status, done.stderr.toString("utf8")).toBe(0);
    };
    /** A file of an image, read in the engine. */
    const fileOf = async (image: string, path: string): Promise<string> => {
      const { code, stdout, stderr } = await call(image, "as-container", "file", "--path", path, "contents");
      expect(code, stderr).toBe(0);
      return stdout;
    };

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "lockstep-fetch-"));
      repository = join(directory, "repository");
      capsule = join(directory, "capsule");
      const inputs = (await fetchInputs([])).store.directory;
      const [toolbox] = await build({ inputs, work: join(directory, "local"), images: ["toolbox"] });
      module = await Module.prepare(directory, toolbox?.layout ?? "");
      write(
        "images/tools/image.yaml",
        "name: tools\nplatforms: [linux/amd64]\nlayers:\n  - debian: { suite: trixie, packages: [coreutils, curl, dash, diffutils, mount] }\n  - directories: [{ path: /srv/own, owner: '1234:70000' }]\n",
      );
      for (const [image, script] of Object.entries(scripts)) {
        const more = image === "user" ? "user: '1234:70000'" : `fetch: [{ url: "${file}" }]`;
        write(
          `images/${image}/image.yaml`,
          `name: ${image}\nplatforms: [linux/amd64]\nfrom: tools\nlayers:\n  - run: { script: ${JSON.stringify(script)}, ${more} }\n`,
        );
      }
      for (const [image, script] of Object.entries(secretScripts))
        write(
          `images/${image}/image.yaml`,
          `name: ${image}\nplatforms: [linux/amd64]\nfrom: tools\nlayers:\n  - run: { script: ${JSON.stringify(script)}, secrets: [token], user: '1234:70000' }\n`,
        );
      write("secrets.json", JSON.stringify({ token: secret, other: "0123456789" }));
      write(
        "images/dockerfile/image.yaml",
        `name: dockerfile\nplatforms: [linux/amd64]\nfrom: tools\nlayers:\n  - dockerfile: { context: app, images: [tools], fetch: [{ url: "${file}" }] }\n`,
      );
      write(
        "images/dockerfile/app/Dockerfile",
        `FROM tools\nUSER 1234:70000\nRUN curl -sSf ${file} > /srv/own/got\nRUN ["/usr/bin/curl", "-sSfo", "/srv/own/more", "${file}"]\n`,
      );
      write("files/source.txt", "from the lock\n");
      const settings = join(directory, "config/lockstep");
      mkdirSync(settings, { recursive: true });
      writeFileSync(
        join(settings, "config.yaml"),
        `http: { mirrors: { "https://files.example/": ["file://${join(repository, "files")}/"] } }\n`,
      );
      lockstep(["pin"]);
      lockstep(["capsule", "create", "--out", capsule]);
    }, 15 * minutes);

    afterAll(async () => {
      await rm(directory, { recursive: true, force: true });
    });

    it(
      "get what the lock has, and leave nothing of what served it",
      async () => {
        expect(await fileOf("fetching", "/srv/got/curl")).toBe("from the lock\n");
        const listed = await call("fetching", "as-container", "directory", "--path", "/run", "entries");
        expect(listed.stdout).not.toContain("lockstep");
        const verified = await module.call([
          "verify",
          "--source",
          repository,
          "--capsule",
          capsule,
          "--image",
          "fetching",
          "--again",
        ]);
        expect(verified.stdout, verified.stderr).toMatch(/^fetching: reproduced sha256:\w+/);
      },
      12 * minutes,
    );

    it(
      "LS9013: fail when they ask for anything else, and it is named",
      async () => {
        const called = await call("greedy", "digests");
        expect(called.code).not.toBe(0);
        expect(called.stderr).toMatch(
          /LS9013 lockstep: run curl .*: the step asked for https:\/\/files\.example\/other\?a=b, which is not among what it fetches; add it to fetch:/,
        );
      },
      12 * minutes,
    );

    it(
      "reach nothing past the proxy, cannot take it away, and have no interface but the one to themselves",
      async () => {
        expect(await fileOf("direct", "/srv/interfaces")).toBe("lo\n");
        const said = (await fileOf("direct", "/srv/said")).trim().split("\n");
        expect(said).toHaveLength(4);
        for (const line of said) expect(line).toMatch(/^curl: \((?:6|7|28)\) /);
      },
      12 * minutes,
    );

    it(
      "LS9014: fail when they do not ask for what they fetch",
      async () => {
        const called = await call("idle", "digests");
        expect(called.stderr).toContain(
          `LS9014 lockstep: run true: the step did not ask for ${file}; remove it from fetch:`,
        );
      },
      12 * minutes,
    );

    it(
      "work in Dockerfiles, for every form of RUN and any user",
      async () => {
        expect(await fileOf("dockerfile", "/srv/own/got")).toBe("from the lock\n");
        expect(await fileOf("dockerfile", "/srv/own/more")).toBe("from the lock\n");
      },
      12 * minutes,
    );

    it(
      "have the secrets that they name as files, leave none behind, and print none",
      async () => {
        const withSecrets = (image: string, ...args: readonly string[]): Promise<Called> =>
          module.call(
            ["--secrets", `file://${join(repository, "secrets.json")}`, "build", "--source", repository].concat(
              ["--capsule", capsule, "--image", image],
              args,
            ),
          );
        const out = join(directory, "secret");
        const called = await withSecrets("secret", "layout", "export", "--path", out);
        expect(called.code, called.stderr).toBe(0);
        const contents = Object.fromEntries((await topLayer(out)).map(({ path, content }) => [path, content]));
        expect(contents["srv/own/sum"]).toBe(`${hexOf(digestOf(secret))}  -\n`);
        expect(contents["srv/own/mode"]).toBe("1234:70000 400\n");
        expect(contents["srv/own/list"]).toBe("token\n");
        const leaky = await withSecrets("leaky", "digests");
        for (const path of ["/srv/own/coded", "/srv/own/leak"])
          expect(leaky.stderr).toContain(`: the value of the secret token is in ${path}; `);
        const loud = await withSecrets("loud", "digests");
        expect(loud.stderr).toMatch(/LS9007 .* ended with code 3:\nit is \*+\./);
        for (const { stdout, stderr } of [called, leaky, loud]) expect(stdout + stderr).not.toContain(secret);
      },
      12 * minutes,
    );

    it(
      "run as another user, whose files are theirs in the layer",
      async () => {
        expect(await fileOf("user", "/srv/own/d/id")).toBe("1234\n");
        expect(await fileOf("user", "/srv/own/groups")).toBe("70000\n");
        expect(await fileOf("user", "/srv/own/home")).toBe("/tmp 1234\n");
        const out = join(directory, "user");
        const called = await call("user", "layout", "export", "--path", out);
        expect(called.code, called.stderr).toBe(0);
        const entries = await topLayer(out);
        expect(entries.map(({ path, type, uid, gid }) => `${path} ${type} ${uid}:${gid}`)).toEqual([
          "srv/own/d directory 1234:70000",
          "srv/own/d/id file 1234:70000",
          "srv/own/groups file 1234:70000",
          "srv/own/home file 1234:70000",
        ]);
      },
      12 * minutes,
    );
  },
);
