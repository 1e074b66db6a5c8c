import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commitMessage, type Delivery } from "../../pipeline/deliver/commit-message.ts";
import { displayWidth, printable } from "../../pipeline/report/format.ts";
import type { RecordedImage } from "../../pipeline/verify/recorded.ts";
import type { Waiver } from "../../pipeline/verify/waivers/parse.ts";
import { hasProgram, run } from "../support.ts";

const git = hasProgram("git");

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const named = (image: string, tag: string, letter: string, registry = "registry.example/team"): RecordedImage => ({
  repository: `${registry}/${image}`,
  image,
  tag,
  digest: digest(letter),
});
const waiver = (more: Partial<Waiver> = {}): Waiver => ({
  image: "web",
  path: "/var/log/dpkg.log",
  cause: "S10",
  reason: "the base has it",
  owner: "team-web",
  expires: "2026-12-31",
  place: { file: "waivers.yaml", line: 2, column: 5 },
  ...more,
});
const message = (delivery: Partial<Delivery>): string =>
  commitMessage({ before: [], after: [], reproduced: new Set(), waivers: [], ...delivery });

/** What Git takes for trailers of a message, each in one line. */
function trailers(text: string): readonly string[] {
  const { status, stdout, stderr } = run("git", ["interpret-trailers", "--parse"], { input: Buffer.from(text) });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout
    .toString()
    .replace(/\n$/, "")
    .split("\n")
    .filter((line) => line !== "");
}

const subject = (text: string): string => text.split("\n")[0] ?? "";

describe("the message of a commit", () => {
  it("says for each image that changes what it was and is, and whether it came out again", () => {
    const before = [
      named("api", "1.0.0", "1"),
      named("old", "3.0.0", "2"),
      named("same", "1.0.0", "3"),
      named("web", "0.1.0", "4"),
    ];
    const after = [
      named("api", "1.0.0", "5"),
      named("new", "0.1.0", "6"),
      named("same", "1.0.0", "3"),
      named("web", "0.2.0", "7"),
    ];
    const waivers = [
      waiver(),
      waiver({ image: "same", path: undefined, field: "config.created", platform: "linux/arm64", layer: 2 }),
      waiver({ image: "old" }),
    ];
    expect(message({ before, after, waivers, reproduced: new Set(["web", "same"]) }))
      .toBe(`Deliver api 1.0.0, new 0.1.0, web 0.2.0

api 1.0.0, another digest
  was registry.example/team/api:1.0.0@${digest("1")}
  now registry.example/team/api:1.0.0@${digest("5")}
  not verified: no rebuild that gave this digest is known here

new 0.1.0, new
  now registry.example/team/new:0.1.0@${digest("6")}
  not verified: no rebuild that gave this digest is known here

old 3.0.0, not delivered any more
  was registry.example/team/old:3.0.0@${digest("2")}

web 0.1.0 -> 0.2.0
  was registry.example/team/web:0.1.0@${digest("4")}
  now registry.example/team/web:0.2.0@${digest("7")}
  reproduced: a rebuild in other surroundings gave the same digest

Lockstep-Image: registry.example/team/api:1.0.0@${digest("5")}
Lockstep-Image: registry.example/team/new:0.1.0@${digest("6")}
Lockstep-Image: registry.example/team/web:0.2.0@${digest("7")}
Lockstep-Waiver: same linux/arm64 layer 2 config.created S10 until
 2026-12-31 owner team-web: the base has it
Lockstep-Waiver: web /var/log/dpkg.log S10 until 2026-12-31 owner
 team-web: the base has it
`);
  });

  it("has a subject of at most 72 columns, however many images there are", () => {
    const many = (count: number): readonly RecordedImage[] =>
      Array.from({ length: count }, (_, index) => named(`image-${index}`, "1.0.0", "1"));
    expect(subject(message({ after: many(200) }))).toBe(
      "Deliver image-0 1.0.0, image-1 1.0.0, image-10 1.0.0 and 197 more",
    );
    expect(subject(message({ after: [named("a".repeat(128), "1.0.0", "1")] }))).toBe("Deliver 1 image");
    expect(subject(message({ before: many(2) }))).toBe("Stop delivering image-0, image-1");
    expect(message({ before: many(2), after: many(2) })).toBe("Render the manifests anew\n\nNo image changes.\n");
    const text = message({ after: many(200) });
    expect(text).toContain("\n150 more, which the trailers name\n");
    expect(text.match(/^Lockstep-Image: /gm)).toHaveLength(200);
  });

  it("tells a registry that changes, and an image that is there with several tags", () => {
    const moved = message({
      before: [named("web", "1.0.0", "1")],
      after: [named("web", "1.0.0", "1", "elsewhere.example")],
    });
    expect(moved).toContain("\nweb 1.0.0, from another registry\n");
    const two = message({
      before: [named("web", "1.0.0", "1")],
      after: [named("web", "1.0.1", "1"), named("web", "1.0.0", "1")],
    });
    expect(two).toContain("\nweb 1.0.0 -> 1.0.0, 1.0.1\n");
  });

  it("is the same in whatever order values come, and says nothing twice", () => {
    const after = [named("b", "1.0.0", "1"), named("a", "1.0.0", "2"), named("b", "1.0.0", "1")];
    const waivers = [waiver({ image: "b" }), waiver({ image: "a" })];
    const text = message({ after, waivers });
    expect(message({ after: after.toReversed(), waivers: waivers.toReversed() })).toBe(text);
    expect(text.match(/^Lockstep-Image: \S+\/b:/gm)).toHaveLength(1);
  });

  it.skipIf(!git)("has trailers that Git reads back as they are meant (needs git)", () => {
    const text = message({
      after: [named("web", "0.2.0", "7")],
      waivers: [waiver({ field: "line 3", owner: "Team: Web" })],
    });
    expect(trailers(text)).toEqual([
      `Lockstep-Image: registry.example/team/web:0.2.0@${digest("7")}`,
      'Lockstep-Waiver: web /var/log/dpkg.log "line 3" S10 until 2026-12-31 owner "Team: Web": the base has it',
    ]);
    for (const other of [message({}), message({ before: [named("web", "0.1.0", "1")] })])
      expect(trailers(other)).toEqual([]);
  });

  const hostile = [
    "x\n\nSigned-off-by: Somebody <a@b.example>",
    "x\r\nLockstep-Image: registry.example/evil:1@sha256:0",
    "---\ndiff --git a/x b/x",
    "\u001b[2K\u0000\u0085Reviewed-by: nobody",
    "x\u2028Acked-by: nobody",
    "\u202egnihton",
    "# comment",
    "-- ",
    "Signed-off-by:",
    '"',
    "a".repeat(1000),
    "word ".repeat(199),
    "界".repeat(200),
  ];

  it.skipIf(!git)("lets nothing in a waiver become a line or a trailer of its own (needs git)", () => {
    for (const one of hostile) {
      const all = { owner: one, reason: one, path: `/${one}`, field: one };
      const text = message({ after: [named("web", "0.2.0", "7")], waivers: [waiver(all)] });
      const read = trailers(text);
      expect(read.map((line) => line.split(" ")[0])).toEqual(["Lockstep-Image:", "Lockstep-Waiver:"]);
      expect(text.split("\n\n")).toHaveLength(3);
      expect(printable(text.replaceAll("\n", ""))).toBe(text.replaceAll("\n", ""));
    }
  });

  it.skipIf(!git)("gives Git each value in one trailer, whatever text it is (needs git)", () => {
    const text = fc
      .oneof(fc.constantFrom(...hostile), fc.string({ unit: "binary", maxLength: 200 }))
      .filter((value) => /\S/.test(value));
    const many = fc.array(fc.record({ path: text, owner: text, reason: text }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(many, (values) => {
        const waivers = values.map((value) => waiver({ ...value, path: `/${value.path}` }));
        const written = message({ after: [named("web", "0.2.0", "7")], waivers });
        const read = trailers(written).slice(1);
        expect(read).toHaveLength(waivers.length);
        // Folded at spaces and nowhere else: put together again it is what Git reads.
        const lines = written
          .slice(written.lastIndexOf("\n\n") + 2)
          .replaceAll("\n ", " ")
          .split("\n")
          .slice(1, -1);
        expect(read).toEqual(lines);
        for (const { reason } of waivers) {
          const said = printable(reason.trim().replaceAll(/\s+/g, " "));
          expect(read.some((line) => line.endsWith(`: ${said}`))).toBe(true);
        }
        for (const line of written.split("\n"))
          expect(
            displayWidth(line) <= 72 ||
              /^ ?\S+$|^ {2}\S+ \S+$|^Lockstep-Image: \S+$|"|^Lockstep-Waiver: web \S+$/.test(line),
          ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
