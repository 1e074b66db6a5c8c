import { readdirSync, rmSync, statSync, utimesSync, writeFileSync, mkdirSync, readFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Host } from "../../pipeline/host/host.ts";
import { type Report, silent } from "../../pipeline/report/report.ts";
import { backOff } from "../../pipeline/host/back-off.ts";
import { type FetchOptions, type Wanted, fetchBlobs } from "../../pipeline/source/fetch.ts";
import { digestOf, hexOf } from "../../pipeline/store/digest.ts";
import { type Scene, scene } from "../support.ts";
import { type Handler, type WebServer, serveBytes, startWebServer } from "./web-server.ts";

async function server(): Promise<WebServer> {
  const started = await startWebServer();
  onTestFinished(() => started.close());
  return started;
}

function content(name: string, size = 3000): Buffer {
  return Buffer.from(`${name}\n`.repeat(size)).subarray(0, size);
}

function wantedOf(name: string, bytes: Uint8Array): Wanted {
  return { digest: digestOf(bytes), size: bytes.length, name };
}

/** A host that does not wait, and writes down how long it would have. */
function hurried(from: Scene): { readonly host: Host; readonly waits: number[] } {
  const waits: number[] = [];
  const sleep = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  return { host: { ...from.host, sleep }, waits };
}

async function fetchFrom(
  from: Scene,
  bases: readonly string[],
  wanted: readonly Wanted[],
  options: FetchOptions = {},
  report = silent,
): Promise<string> {
  const { host } = hurried(from);
  return await fetchBlobs(
    host,
    from.store,
    report,
    wanted,
    ({ name }) => bases.map((base) => `${base}/${name}`),
    options,
  ).then(
    ({ files, bytes }) => `${files} files, ${bytes} bytes`,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

function temporaries({ store }: Scene): readonly string[] {
  return readdirSync(join(store.directory, "tmp")).toSorted();
}

/** Answers the first `count` requests with `first`, later ones with `then`. */
function firstly(count: number, first: Handler, then: Handler): Handler {
  let asked = 0;
  return (request, response) => (asked++ < count ? first : then)(request, response);
}

function cutAfter(bytes: Uint8Array, count: number): Handler {
  return (_, response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, count), () => response.destroy());
  };
}

const status =
  (code: number): Handler =>
  (_, response) =>
    void response.writeHead(code).end();

function noMirrors(): never {
  throw new Error("asked for mirrors");
}

describe("downloading", () => {
  it("brings everything into the store, once, several at a time", async () => {
    const at = scene();
    const web = await server();
    const files = Array.from({ length: 20 }, (_, i) => ({ name: `f${i}`, bytes: content(`f${i}`, 1000 + i) }));
    let now = 0;
    let most = 0;
    // The first answers wait for each other, so that how many are asked for at once does not depend on how fast the machine is.
    const held: (() => void)[] = [];
    for (const { name, bytes } of files) {
      web.files.set(`/${name}`, (request, response) => {
        most = Math.max(most, ++now);
        held.push(() => {
          now--;
          serveBytes(bytes, request, response);
        });
        if (most === 8) for (const answer of held.splice(0)) answer();
      });
    }
    const wanted = files.map(({ name, bytes }) => wantedOf(name, bytes));
    expect(await fetchFrom(at, [web.base], [...wanted, ...wanted])).toBe("20 files, 20190 bytes");
    for (const { bytes } of files) expect(await at.store.read(digestOf(bytes))).toEqual(bytes);
    expect(most).toBe(8);
    expect(temporaries(at)).toEqual([]);
    expect(statSync(at.store.pathOf(digestOf(content("f0", 1000)))).mode & 0o777).toBe(0o444);

    web.requests.length = 0;
    expect(await fetchFrom(at, [web.base], wanted)).toBe("0 files, 0 bytes");
    expect(web.requests).toEqual([]);
  });

  it("may be done by several processes at once on one store", async () => {
    const at = scene();
    const web = await server();
    const files = Array.from({ length: 6 }, (_, i) => ({ name: `f${i}`, bytes: content(`f${i}`, 200_000) }));
    for (const { name, bytes } of files) {
      // Every other answer breaks off, so that partial files change hands.
      let asked = 0;
      web.files.set(`/${name}`, (request, response) => {
        if (asked++ % 2 === 0) cutAfter(bytes, 90_000)(request, response);
        else serveBytes(bytes, request, response);
      });
    }
    const wanted = files.map(({ name, bytes }) => wantedOf(name, bytes));
    const results = await Promise.all([1, 2, 3].map(() => fetchFrom(at, [web.base], wanted, { tries: 8 })));
    for (const result of results) expect(result).toMatch(/^\d files, \d+ bytes$/);
    for (const { bytes } of files) expect((await at.store.read(digestOf(bytes))).equals(bytes)).toBe(true);
  });

  it("tells its progress in bytes", async () => {
    const at = scene();
    const web = await server();
    const bytes = content("a", 100_000);
    web.files.set(
      "/a",
      firstly(1, cutAfter(bytes, 40_000), (request, response) => serveBytes(bytes, request, response)),
    );
    const seen: string[] = [];
    const report = {
      ...silent,
      task: (title: string) => ({
        progress: (done: number, total: number) => seen.push(`${title} ${done}/${total}`),
        done: () => seen.push("done"),
      }),
    };
    await fetchBlobs(hurried(at).host, at.store, report, [wantedOf("a", bytes)], () => [`${web.base}/a`]);
    expect(seen.slice(-2)).toEqual(["downloading 1 files 100000/100000", "done"]);
    expect(seen.every((line) => line === "done" || / (\d+)\/100000$/.test(line))).toBe(true);
  });

  it("goes on where a connection broke, on another mirror too", async () => {
    const at = scene();
    const [one, two] = [await server(), await server()];
    const bytes = content("a", 100_000);
    one.files.set("/a", cutAfter(bytes, 40_000));
    two.files.set("/a", bytes);
    expect(await fetchFrom(at, [one.base, two.base], [wantedOf("a", bytes)])).toBe("1 files, 100000 bytes");
    expect(two.requests[0]).toMatch(/^\/a bytes=\d+-$/);
    expect(await at.store.read(digestOf(bytes))).toEqual(bytes);
  });

  it("goes on where another process was interrupted or killed", async () => {
    const bytes = content("a", 50_000);
    const hex = hexOf(digestOf(bytes));
    for (const [name, age] of [
      [`partial-${hex}`, 0],
      [`partial-${hex}.0123456789ab`, 600],
    ] as const) {
      const at = scene();
      const web = await server();
      web.files.set("/a", bytes);
      mkdirSync(join(at.store.directory, "tmp"), { recursive: true });
      const path = join(at.store.directory, "tmp", name);
      writeFileSync(path, bytes.subarray(0, 20_000));
      const seconds = at.host.now() / 1000 - age;
      utimesSync(path, seconds, seconds);
      expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)])).toBe("1 files, 50000 bytes");
      expect(web.requests).toEqual(["/a bytes=20000-"]);
      expect(temporaries(at)).toEqual([]);
    }
  });

  it("leaves alone what another process may be writing", async () => {
    const at = scene();
    const web = await server();
    const bytes = content("a");
    web.files.set("/a", bytes);
    const path = join(at.store.directory, "tmp", `partial-${hexOf(digestOf(bytes))}.0123456789ab`);
    mkdirSync(join(at.store.directory, "tmp"), { recursive: true });
    writeFileSync(path, bytes.subarray(0, 1000));
    expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)])).toBe("1 files, 3000 bytes");
    expect(web.requests).toEqual(["/a"]);
    expect(readFileSync(path).length).toBe(1000);
  });

  it("begins again when its own file was taken while it slept", async () => {
    const at = scene();
    const web = await server();
    const bytes = content("a");
    web.files.set(
      "/a",
      firstly(
        1,
        (request, response) => {
          for (const name of temporaries(at)) rmSync(join(at.store.directory, "tmp", name));
          serveBytes(bytes, request, response);
        },
        (request, response) => serveBytes(bytes, request, response),
      ),
    );
    expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)])).toBe("1 files, 3000 bytes");
    expect(await at.store.read(digestOf(bytes))).toEqual(bytes);
  });

  it("starts anew when what was left is wrong, too long, or the server knows no ranges", async () => {
    const bytes = content("a");
    for (const [left, handler] of [
      [Buffer.alloc(1000), undefined],
      [Buffer.alloc(3000), undefined],
      [Buffer.alloc(9000), undefined],
      [
        bytes.subarray(0, 1000),
        (_: unknown, response: Parameters<Handler>[1]) => void response.writeHead(200).end(bytes),
      ],
      [bytes.subarray(0, 1000), firstly(1, status(416), (request, response) => serveBytes(bytes, request, response))],
    ] as const) {
      const at = scene();
      const web = await server();
      web.files.set("/a", handler ?? bytes);
      mkdirSync(join(at.store.directory, "tmp"), { recursive: true });
      writeFileSync(join(at.store.directory, "tmp", `partial-${hexOf(digestOf(bytes))}`), left);
      expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)])).toBe("1 files, 3000 bytes");
      expect(temporaries(at)).toEqual([]);
    }
  });

  it("tries again after a wait that doubles, with a spread", async () => {
    const at = scene();
    const web = await server();
    const bytes = content("a");
    web.files.set(
      "/a",
      firstly(3, status(503), (request, response) => serveBytes(bytes, request, response)),
    );
    const { host, waits } = hurried(at);
    await fetchBlobs(host, at.store, silent, [wantedOf("a", bytes)], () => [`${web.base}/a`]);
    expect(waits).toHaveLength(3);
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** i);
      expect(wait).toBeLessThanOrEqual(750 * 2 ** i);
    }
    const spread = new Set(Array.from({ length: 20 }, () => backOff(at.host, 1)));
    expect(spread.size).toBeGreaterThan(5);
  });

  it("follows redirects, reads files, and goes through a proxy", async () => {
    const at = scene();
    const web = await server();
    const bytes = content("a");
    web.files.set("/real", bytes);
    web.files.set("/a", (_, response) => void response.writeHead(302, { location: "/real" }).end());
    web.files.set("/loop", (_, response) => void response.writeHead(302, { location: "/loop" }).end());
    expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)])).toBe("1 files, 3000 bytes");
    expect(await fetchFrom(scene(), [web.base], [wantedOf("loop", bytes)], { tries: 1 })).toContain(
      "more than 5 redirects",
    );

    const local = scene();
    writeFileSync(join(local.directory, "a"), bytes);
    const base = pathToFileURL(local.directory).href;
    expect(await fetchFrom(local, [base], [wantedOf("a", bytes)])).toBe("1 files, 3000 bytes");
    expect(await fetchFrom(scene(), [base], [wantedOf("none", bytes)])).toContain(
      "LS3103 none: no mirror has it any more (file:",
    );

    const through: string[] = [];
    const proxy = createServer((request, response) => {
      through.push(request.url ?? "");
      httpRequest(request.url ?? "", (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }).end();
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, "127.0.0.1", resolve);
    });
    onTestFinished(() => void proxy.close());
    const address = proxy.address();
    const port = address === null || typeof address === "string" ? 0 : address.port;
    expect(
      await fetchFrom(scene({ http_proxy: `http://127.0.0.1:${port}` }), [web.base], [wantedOf("real", bytes)]),
    ).toBe("1 files, 3000 bytes");
    expect(through).toEqual([`${web.base}/real`]);
  });

  it("needs neither network nor mirrors when the store has everything", async () => {
    const at = scene();
    const bytes = content("a");
    await at.store.put(bytes);
    expect(await fetchBlobs(at.host, at.store, silent, [wantedOf("a", bytes)], noMirrors, { offline: true })).toEqual({
      files: 0,
      bytes: 0,
    });
  });

  it("downloads anew what lies in the store with another size", async () => {
    const at = scene();
    const web = await server();
    const bytes = content("a");
    web.files.set("/a", bytes);
    const path = at.store.pathOf(digestOf(bytes));
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "short");
    expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)])).toBe("1 files, 3000 bytes");
    expect(await at.store.read(digestOf(bytes))).toEqual(bytes);
  });
});

describe("what goes wrong", () => {
  it("is told with both digests and the mirror when bytes are others, and another mirror is tried", async () => {
    const [one, two] = [await server(), await server()];
    const bytes = content("a");
    const wanted = wantedOf("a", bytes);
    one.files.set("/a", Buffer.from(bytes).fill(1, 5, 6));
    two.files.set("/a", bytes);
    expect(await fetchFrom(scene(), [one.base, two.base], [wanted])).toBe("1 files, 3000 bytes");
    const at = scene();
    const other = digestOf(Buffer.from(bytes).fill(1, 5, 6));
    expect(await fetchFrom(at, [one.base], [wanted])).toBe(
      `LS3104 a: ${one.base}/a has ${other} instead of ${wanted.digest} (expected ${wanted.digest}, 3000 bytes); ` +
        "use another mirror; if every mirror has these bytes, the archive has replaced the file: run `lockstep pin` and look at the difference",
    );
    expect(one.requests).toHaveLength(2);
    expect(temporaries(at)).toEqual([]);
  });

  it("stops a file that is longer than it may be", async () => {
    const web = await server();
    const wanted = wantedOf("a", content("a"));
    web.files.set("/a", content("a", 3001));
    web.files.set("/endless", (_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (response.write(Buffer.alloc(1 << 16)));
        response.once("drain", more);
      };
      more();
    });
    expect(await fetchFrom(scene(), [web.base], [wanted])).toContain(`${web.base}/a has 3001 bytes instead of 3000`);
    expect(await fetchFrom(scene(), [web.base], [{ ...wanted, name: "endless" }])).toContain("LS3104 endless: ");
  });

  it("points to pin when the archive no longer has a file, and lists all such files", async () => {
    const web = await server();
    expect(await fetchFrom(scene(), [web.base], [wantedOf("a", content("a")), wantedOf("b", content("b"))])).toBe(
      ["a", "b"]
        .map(
          (name) =>
            `LS3103 ${name}: no mirror has it any more (${web.base}/${name} answers 404); run \`lockstep pin\`, which looks for what the archive has now`,
        )
        .join("\n"),
    );
  });

  it("lists what is missing and what is there without a network", async () => {
    const at = scene();
    await at.store.put(content("here"));
    const gone = await startWebServer();
    await gone.close();
    const wanted = ["here", "x", "y"].map((name) => wantedOf(name, content(name)));
    const [, x, y] = wanted;
    expect(await fetchFrom(at, [gone.base], wanted)).toBe(
      `LS3102 2 of 3 files cannot be downloaded: ${gone.base}/x ECONNREFUSED; ${gone.base}/y ECONNREFUSED\n` +
        `  missing: x (3000 bytes, ${x?.digest})\n  missing: y (3000 bytes, ${y?.digest})\n  in the store: here\n` +
        "  run the command again when the network or a mirror is there; what was downloaded is kept",
    );
    expect(await fetchFrom(at, [gone.base], wanted, { offline: true })).toContain(
      "LS3102 2 of 3 files cannot be downloaded: the network is not to be used\n  missing: x",
    );
  });

  it("does not wait for every file in turn when nothing answers", async () => {
    const at = scene();
    const gone = await startWebServer();
    await gone.close();
    const { host, waits } = hurried(at);
    const wanted = Array.from({ length: 100 }, (_, i) => wantedOf(`f${i}`, content(`f${i}`)));
    await expect(fetchBlobs(host, at.store, silent, wanted, ({ name }) => [`${gone.base}/${name}`])).rejects.toThrow(
      "LS3102 100 of 100",
    );
    expect(waits.length).toBeLessThanOrEqual(8 * 3);
  });

  it("gives up a server that says nothing more", async () => {
    const web = await server();
    const bytes = content("a");
    web.files.set("/mute", () => {});
    web.files.set("/stalls", (_, response) => {
      response.writeHead(200, { "content-length": 3000 });
      response.write(bytes.subarray(0, 100));
    });
    const limits = { tries: 1, answerLimit: 50, stallLimit: 100 };
    expect(await fetchFrom(scene(), [web.base], [wantedOf("mute", bytes)], limits)).toContain(
      "/mute no answer within 0.05 seconds",
    );
    expect(await fetchFrom(scene(), [web.base], [wantedOf("stalls", bytes)], limits)).toContain("/stalls ");
  });

  it("keeps what was downloaded when it is interrupted", async () => {
    const at = scene();
    const web = await server();
    const bytes = content("a", 100_000);
    const interrupt = new AbortController();
    web.files.set("/a", (_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 50_000));
    });
    const progress = (done: number): void => void (done === 50_000 && interrupt.abort());
    const report: Report = { ...silent, task: () => ({ progress, done: () => {} }) };
    const { signal } = interrupt;
    expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)], { signal }, report)).toBe(
      "LS1003 interrupted; what was downloaded is kept",
    );
    expect(temporaries(at)).toEqual([`partial-${hexOf(digestOf(bytes))}`]);
    web.files.set("/a", bytes);
    web.requests.length = 0;
    expect(await fetchFrom(at, [web.base], [wantedOf("a", bytes)])).toBe("1 files, 100000 bytes");
    expect(web.requests[0]).toBe("/a bytes=50000-");
  });

  it("stops everything when the disk cannot be written", async () => {
    const at = scene();
    const web = await server();
    web.files.set("/a", content("a"));
    mkdirSync(at.store.directory, { recursive: true });
    writeFileSync(join(at.store.directory, "tmp"), "not a directory");
    expect(await fetchFrom(at, [web.base], [wantedOf("a", content("a"))])).toMatch(
      /^LS1004 .* a file stands where a directory is needed/,
    );
  });
});
