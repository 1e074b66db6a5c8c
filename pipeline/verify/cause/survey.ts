/** What all findings of a layer show together: whether times differ by one step, modes by one mask, owners by one pair. */
import type { Finding, Nature } from "../compare/finding.ts";
import { archiveOf, entryPath, topicOf, type Topic } from "./cause.ts";
import { type Made, madeOf, stepOf } from "./makers.ts";
import type { Scene, SideFacts } from "./scene.ts";

/** The values of a field on one side, as far as they are numbers. */
class Range {
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  #only: string | undefined;
  #several = false;

  add(text: string): number {
    const value = Number(text);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    if (this.#only === undefined) this.#only = text;
    else if (this.#only !== text) this.#several = true;
    return value;
  }

  /** The one value that all have. */
  get only(): string | undefined {
    return this.#several ? undefined : this.#only;
  }
}

/** The times of a layer that differ. */
class Times {
  count = 0;
  directories = 0;
  links = 0;
  readonly a = new Range();
  readonly b = new Range();
  #step: number | undefined;
  #steps = false;

  add({ a = "", b = "", facts }: Finding): void {
    this.count++;
    if (facts?.["type"] === "directory") this.directories++;
    if (facts?.["type"] === "symbolic link") this.links++;
    const step = this.b.add(b) - this.a.add(a);
    if (this.#step === undefined) this.#step = step;
    else if (Math.abs(this.#step - step) > 1e-6) this.#steps = true;
  }

  /** By how many seconds B is later, when that is so for all. */
  get step(): number | undefined {
    return this.#steps ? undefined : this.#step;
  }
}

/** The modes of a layer that differ. */
class Modes {
  count = 0;
  directories = 0;
  /** All bits that differ anywhere. */
  bits = 0;
  /** Pairs such as `0644 0664`, with how often they occur. */
  readonly pairs = new Map<string, number>();

  add({ a = "", b = "", facts }: Finding): void {
    this.count++;
    if (facts?.["type"] === "directory") this.directories++;
    this.bits |= Number.parseInt(a, 8) ^ Number.parseInt(b, 8);
    const pair = `${a} ${b}`;
    this.pairs.set(pair, (this.pairs.get(pair) ?? 0) + 1);
  }
}

export class LayerSurvey {
  /** What differs of the archive as a whole. */
  readonly fields = new Set<string>();
  /** Paths that the archives name more than once, in another way. */
  readonly again = new Set<string>();
  /** Entries that are of another type. */
  readonly retyped = new Set<string>();
  /** Whether all entries that one side alone has are symbolic links. */
  linksOnly = true;
  readonly times = new Times();
  readonly modes = new Modes();
  /** Pairs `1000 0` of owners, with how often they occur; at most 16 of them. */
  readonly owners = new Map<string, number>();
  /** Paths that one side has and the other has not. */
  readonly onlyA: string[] = [];
  readonly onlyB: string[] = [];
  directoriesOnly = true;
  /** Paths whose content differs, with how many findings there are in each. */
  readonly contents = new Map<string, number>();
  /** Natures of all that differs in the content of a path. */
  readonly natures = new Map<string, Set<Nature>>();
  /** Programs that Go made. */
  readonly goPrograms = new Set<string>();
  /** Programs that two versions of Go made. */
  readonly goVersions = new Set<string>();
  /** Programs that Rust's compiler made, as far as what differs in them shows it. */
  readonly rustPrograms = new Set<string>();
  /** How many paths that one side alone has are the same but for a number. */
  readonly numbered = new Map<string, number>();
  /** How many versions of packages differ, by what installs them. */
  readonly versions = { system: 0, npm: 0, python: 0 };
  /** Whether one side has entries in the dialect of Version 7, which has no names. */
  oldDialect = false;
  /** Whether one side alone has the metadata of a Python package. */
  infoAlone = false;

  /** Whether something of it may have made the archive longer or shorter. */
  get resized(): boolean {
    return this.contents.size > 0 || this.onlyCount > 0 || this.fields.has("dialect");
  }

  get onlyCount(): number {
    return this.onlyA.length + this.onlyB.length;
  }

  add(finding: Finding, topic: Topic): void {
    const { where, a, b } = finding;
    if (topic.startsWith("layer.")) {
      this.fields.add(where.field);
      if (where.field === "dialect" && (/\bv7\b/.test(a ?? "") || /\bv7\b/.test(b ?? ""))) this.oldDialect = true;
      if (where.field === "repeated") this.again.add(String(finding.facts?.["example"] ?? ""));
    }
    if (topic === "entry.type") this.retyped.add(entryPath(finding));
    else if (topic === "entry.mtime") this.times.add(finding);
    else if (topic === "entry.mode") this.modes.add(finding);
    else if (topic === "entry.uid" || topic === "entry.gid") {
      const pair = `${a} ${b}`;
      if (this.owners.size < 16 || this.owners.has(pair)) this.owners.set(pair, (this.owners.get(pair) ?? 0) + 1);
    } else if (topic === "entry.presence") {
      const path = entryPath(finding);
      (a === undefined ? this.onlyB : this.onlyA).push(path);
      const stem = numberless(path);
      if (stem !== path) this.numbered.set(stem, (this.numbered.get(stem) ?? 0) + 1);
      const type = a ?? b ?? "";
      if (type !== "directory") this.directoriesOnly = false;
      if (!type.startsWith("symbolic link")) this.linksOnly = false;
      if (/-packages\/[^/]+\.(?:dist|egg)-info\/METADATA$/.test(path)) this.infoAlone = true;
    } else if (topic === "content") {
      const path = where.path ?? "";
      this.contents.set(path, (this.contents.get(path) ?? 0) + 1);
      const natures = this.natures.get(path);
      if (natures === undefined) this.natures.set(path, new Set(finding.natures));
      else for (const nature of finding.natures ?? []) natures.add(nature);
      if (goPart.test(where.field) || where.inside?.some((name) => goPart.test(name)) === true)
        this.goPrograms.add(path);
      if (isGoVersion(finding)) this.goVersions.add(path);
      if (rustText.test(`${a ?? ""} ${b ?? ""}`) && finding.format === "elf") this.rustPrograms.add(path);
      if (a === undefined || b === undefined) return;
      if (finding.natures?.includes("version") !== true) return;
      for (const [kind, pattern] of packageDatabases) if (pattern.test(path)) this.versions[kind]++;
    }
  }
}

/** Sections and notes that Go's linker makes. */
const goPart = /^\.(?:note\.go|go\.|gopclntab|gosymtab|typelink|itablink)|^Go build/;

/** Whether what Go's linker notes of itself is another. */
export const isGoVersion = ({ a = "", b = "" }: Finding): boolean => /^go1\.\d/.test(a) && /^go1\.\d/.test(b);

/** What rustc and cargo leave in the symbols and data of a program. */
export const rustText = /\.cargo\/|\brustc\b|\/cargo\/registry|-cgu\.\d|17h[0-9a-f]{16}E\b/;

/** `part-#.o` of `part-3.o`. */
export function numberless(path: string): string {
  return path.replace(/\d+(?=[^/\d]*$)/, "#");
}

/** Where the versions of what is installed are written down. */
const packageDatabases = [
  [
    "system",
    /^(?:var\/lib\/dpkg\/(?:status$|status\.d\/)|(?:usr\/)?lib\/apk\/db\/installed$|(?:var\/lib|usr\/lib\/sysimage)\/rpm\/)/,
  ],
  ["npm", /(?:^|\/)node_modules\/.*package\.json$/],
  ["python", /\.(?:dist|egg)-info\/(?:METADATA|PKG-INFO)$/],
] as const;

/** All that rules may ask for, besides the finding at hand. */
export class Survey {
  readonly a: SideFacts;
  readonly b: SideFacts;
  readonly findings: readonly Finding[];
  readonly now: number | undefined;
  /** What rules are asked about each finding. */
  readonly topics: readonly Topic[];
  readonly #layers = new Map<string, Map<string, LayerSurvey>>();
  /** Whether one side has layers that the other has not, or cuts them at other places. */
  layersAlone = false;
  /** Whether some layer is compressed by another algorithm, and whether the manifest is written in another form. */
  recompressed = false;
  rewritten = false;
  /** Whether manifests are of Docker's types on one side and of OCI's on the other. */
  otherFamily = false;
  /** Whether the images say that they are on two bases. */
  baseMoved = false;
  /** Whether one side lacks documents: it is an archive of `docker save`, or a layer. */
  documentsMissing = false;
  /** Whether a layer could not be followed on one side. */
  unread = false;
  readonly #created: number[] = [];
  #clocks: boolean | undefined;
  #firstCopy: number | undefined;
  #same: boolean | undefined;
  readonly #made = new Map<number | undefined, Made>();
  #twins: { readonly a: ReadonlyMap<string, string>; readonly b: ReadonlyMap<string, string> } | undefined;

  constructor(scene: Scene) {
    this.a = scene.a;
    this.b = scene.b;
    this.findings = scene.findings;
    this.now = scene.now;
    this.topics = scene.findings.map((finding) => {
      const topic = topicOf(finding);
      const { part, field } = finding.where;
      if (part === "layer" && (field === "presence" || field === "boundaries")) this.layersAlone = true;
      if (part === "layer" && field === "compression") this.recompressed = true;
      if (part === "layer" && field === "unread") this.unread = true;
      if (part === "manifest" && field === "mediaType") this.otherFamily = true;
      if (part === "manifest" && field === "form") this.rewritten = true;
      if (/base\.digest\b|dev\.lockstep\.base/.test(field) && part !== "entry")
        this.baseMoved ||= finding.a !== undefined && finding.b !== undefined;
      if (part === "entry" || part === "layer") this.layer(finding).add(finding, topic);
      else if (field === "presence" && finding.grade === "encoding") this.documentsMissing = true;
      else if (/(?:^|\.)created$/.test(field)) this.#created.push(secondsBetween(finding));
      return topic;
    });
  }

  /** What is known of the layer, or the archive within a file of it, that a finding is in. */
  layer(finding: Finding): LayerSurvey {
    const { where } = finding;
    const platform = where.platform ?? "";
    const number = [where.layer ?? 0, ...(archiveOf(finding) ?? [])].join("\0");
    let layers = this.#layers.get(platform);
    if (layers === undefined) this.#layers.set(platform, (layers = new Map<string, LayerSurvey>()));
    let layer = layers.get(number);
    if (layer === undefined) layers.set(number, (layer = new LayerSurvey()));
    return layer;
  }

  /** Natures of all that differs in the content of the same path. */
  naturesOf(finding: Finding): ReadonlySet<Nature> {
    return this.layer(finding).natures.get(finding.where.path ?? "") ?? new Set();
  }

  /** How many more findings there are in the content of the same path. */
  othersOf(finding: Finding): number {
    return (this.layer(finding).contents.get(finding.where.path ?? "") ?? 1) - 1;
  }

  /** The first layer of files that were copied; those before it may be of the base. */
  get firstCopy(): number {
    this.#firstCopy ??= [...this.a.madeBy]
      .filter(([, text]) => stepOf({ maker: "unknown", text }) === "copy")
      .reduce((first, [layer]) => Math.min(first, layer), Number.POSITIVE_INFINITY);
    return this.#firstCopy;
  }

  made(finding: Finding): Made {
    const { layer } = finding.where;
    let made = this.#made.get(layer);
    if (made === undefined) this.#made.set(layer, (made = madeOf(finding, this)));
    return made;
  }

  step(finding: Finding): ReturnType<typeof stepOf> {
    return stepOf(this.made(finding));
  }

  /** Whether the images say the same of themselves: no document differs. */
  get sameDocuments(): boolean {
    this.#same ??= this.findings.every(({ where: { part } }) => part === "layer" || part === "entry");
    return this.#same && this.a.madeBy.size > 0;
  }

  /**
   * Whether times of documents and entries of each image are of several readings of one clock: all are seconds apart on both sides, and in
   * more than one way.
   */
  get severalClocks(): boolean {
    if (this.#clocks === undefined) {
      const steps = [...this.#created];
      for (const layers of this.#layers.values())
        for (const { times } of layers.values())
          if (times.count > 0) steps.push(times.step ?? times.b.max - times.a.max, times.b.min - times.a.min);
      const entries = steps.length > this.#created.length;
      this.#clocks =
        entries && this.#created.length > 0 && new Set(steps).size > 1 && steps.every((step) => Math.abs(step) <= 60);
    }
    return this.#clocks;
  }

  /** The one time that both images have as theirs, in seconds since 1970. */
  get epoch(): number | undefined {
    return this.a.created === this.b.created ? this.a.created : undefined;
  }

  /**
   * What the other side alone has that is the same path: `moved` for the very same, in another layer; `form` for one that is the same but
   * for case or Unicode form.
   */
  twin(finding: Finding): "moved" | "form" | undefined {
    if (this.#twins === undefined) {
      const sides = { a: new Map<string, string>(), b: new Map<string, string>() };
      this.findings.forEach((finding, index) => {
        if (this.topics[index] !== "entry.presence") return;
        const path = entryPath(finding);
        (finding.a === undefined ? sides.b : sides.a).set(folded(path), path);
      });
      this.#twins = sides;
    }
    const path = entryPath(finding);
    const other = (finding.a === undefined ? this.#twins.a : this.#twins.b).get(folded(path));
    if (other === undefined) return undefined;
    return other === path ? "moved" : "form";
  }
}

function secondsBetween({ a = "", b = "" }: Finding): number {
  return (Date.parse(b) - Date.parse(a)) / 1000;
}

function folded(path: string): string {
  return path.normalize("NFC").toLowerCase();
}
