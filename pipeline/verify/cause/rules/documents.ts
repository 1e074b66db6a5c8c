/** Causes that are in the documents of an image: rows I of the catalogue. */
import type { Finding } from "../../compare/finding.ts";
import { always, type Cause, has, type Rule } from "../cause.ts";

const builders =
  /buildah|podman|buildkit|buildx|kaniko|\bjib\b|bazel|umoci|\bko\b|apko|melange|buildpacks|builder|generator|docker_version|dev\.lockstep/i;

const field =
  (pattern: RegExp, confidence: number): Rule =>
  ({ where }) =>
    pattern.test(where.field) ? confidence : 0;

const ordered =
  (confidence: number, pattern = /./): Rule =>
  (finding) =>
    has(finding, "order") && pattern.test(finding.where.field) ? confidence : 0;

/** Which of two media types is Docker's. */
const docker = /vnd\.docker\./;

/** An archive of `docker save` has Docker's types whatever was pushed: there they follow from what is compared. */
const otherFamily: Rule = ({ a = "", b = "" }, survey) =>
  docker.test(a) === docker.test(b) ? 0.4 : survey.documentsMissing ? 0.7 : 0.97;

const own = "rebuild with this version of Lockstep: documents are canonical JSON with OCI's media types only";

/** As `field`, where both sides name a base: one that has none was not moved. */
const moved = (pattern: RegExp, confidence: number): Rule => {
  const rule = field(pattern, confidence);
  return (finding, survey) =>
    Math.min(rule(finding, survey), finding.a === undefined || finding.b === undefined ? 0.2 : 1);
};

/** Layers of the base differ, or may: its digest does, and nothing was copied into them. */
const ofBase: Rule = (finding, survey) => {
  if (survey.made(finding).text?.startsWith("lockstep: base ") === true) return survey.baseMoved ? 0.95 : 0.7;
  return survey.baseMoved && (finding.where.layer ?? 0) < survey.firstCopy ? 0.93 : 0;
};

const attestation = /attestation|vnd\.docker\.reference|in-toto|unknown\/unknown/;

const hashes = /\b[0-9a-f]{32,64}\b/;
const withoutHashes = (text: string): string => text.replaceAll(new RegExp(hashes, "g"), "#");

/** Whether a member is there on one side only, and says nothing. */
const isEmpty = ({ a, b }: Finding): boolean =>
  (a === undefined) !== (b === undefined) && /^(?:|""|false|null|0|\[\]|\{\})$/.test(a ?? b ?? "");

export const documentCauses: readonly Cause[] = [
  {
    id: "I1",
    title: "the same document is written as JSON in another way",
    seen: "order of members, white space, escapes or forms of numbers differ, and no value",
    grade: "encoding",
    fix: {
      any: "write documents in the canonical form of RFC 8785, and copy their bytes without reading and writing them anew",
      lockstep: own,
    },
    rules: { "config.form": always(0.97), "manifest.form": always(0.97), "index.form": always(0.97) },
  },
  {
    id: "I2",
    title: "the history has hashes, paths or values of arguments",
    seen: "`created_by` differs for steps that did the same",
    grade: "cosmetic",
    fix: {
      any: "leave the history out, or write a text that follows from the steps alone",
      lockstep: "texts of the history follow from the spec: give both specs the same layers",
      docker:
        "build with BuildKit, which writes no hashes over files into the history, or with `buildah build --omit-history`",
      buildkit: "give both builds the same arguments: values of ARG are in the history",
    },
    rules: {
      "config.history": ({ where, a = "", b = "" }) => {
        if (/comment$|author$/.test(where.field)) return 0.6;
        if (!where.field.endsWith("created_by")) return 0;
        if (hashes.test(a) && withoutHashes(a) === withoutHashes(b)) return 0.92;
        return 0.85;
      },
      "config.config": field(/^config\.Image$/, 0.75),
      "config.container_config": always(0.65),
      "config.comment": always(0.7),
    },
  },
  {
    id: "I3",
    title: "name or version of the builder is in the image",
    seen: "a label, an annotation or a field that a builder writes differs",
    grade: "cosmetic",
    fix: {
      any: "leave the builder's labels out (`buildah build --identity-label=false`), or build with one version",
      lockstep: "build both with one version of Lockstep: its format is an annotation",
    },
    rules: {
      "config.config": ({ where }) =>
        where.field.startsWith("config.Labels") && builders.test(where.field) ? 0.96 : 0,
      "config.docker_version": always(0.97),
      "config.author": always(0.5),
      "manifest.annotations": ({ where, a = "", b = "" }) =>
        builders.test(where.field) || builders.test(`${a}${b}`) ? 0.9 : 0,
      "index.annotations": ({ where, a = "", b = "" }) =>
        builders.test(where.field) || builders.test(`${a}${b}`) ? 0.9 : 0,
    },
  },
  {
    id: "I4",
    title: "the variant of the platform is stated on one side only",
    seen: "`variant`, `os.version` or `os.features` is there on one side only",
    grade: "cosmetic",
    fix: { any: "state the variant (`linux/arm64/v8`) on both sides or on neither", lockstep: own },
    rules: {
      "config.variant": always(0.97),
      "config.os": field(/^os(?:\.|\[")(?:version|features)/, 0.9),
      "index.manifests": field(/platform(?:\.variant|\.os\.|\["os\.)/, 0.96),
    },
  },
  {
    id: "I5",
    title: "media types are Docker's on one side and OCI's on the other",
    seen: "`mediaType` of a document or a layer differs",
    grade: "encoding",
    fix: {
      any: "build and push with OCI's media types (`oci-mediatypes=true`, `--format oci`), and copy without converting",
      lockstep: own,
    },
    rules: {
      // What Docker's configuration has and OCI's has not.
      "config.config": (finding, survey) => (survey.otherFamily && isEmpty(finding) ? 0.98 : 0),
      "manifest.mediaType": otherFamily,
      "index.mediaType": otherFamily,
      "index.manifests": (finding, survey) =>
        finding.where.field.endsWith("mediaType") ? otherFamily(finding, survey) : 0,
      "manifest.config": (finding, survey) =>
        finding.where.field.endsWith("mediaType") ? otherFamily(finding, survey) : 0,
      "manifest.layers": (finding, survey) =>
        finding.where.field.endsWith("mediaType") ? otherFamily(finding, survey) : 0,
      "manifest.mediaType (as named)": otherFamily,
      "config.mediaType (as named)": otherFamily,
      "layer.mediaType": otherFamily,
      "manifest.schemaVersion": always(0.9),
      "index.schemaVersion": always(0.9),
    },
  },
  {
    id: "I6",
    title: "the index lists its manifests in another order",
    seen: "the same manifests come in another order",
    grade: "encoding",
    fix: { any: "sort the manifests of the index by platform", lockstep: own },
    rules: { "index.manifests": ordered(0.97) },
  },
  {
    id: "I7",
    title: "evidence is inside of the index",
    seen: "the index has manifests of attestations, or has them on one side only",
    grade: "cosmetic",
    fix: {
      any: "build with `--provenance=false --sbom=false` and attach evidence as referrers, or compare the manifests of the platforms",
      lockstep: own,
    },
    rules: {
      "index.manifests": ({ where, a = "", b = "" }) => {
        if (attestation.test(`${where.field} ${a} ${b}`)) return 0.96;
        return 0;
      },
      // A builder wraps a single image in an index to have a place for evidence.
      "index.presence": always(0.6),
      "manifest.presence": ({ where, a = "", b = "" }) =>
        attestation.test(`${where.platform ?? ""} ${a} ${b}`) ? 0.96 : 0,
    },
  },
  {
    id: "I8",
    title: "variables, ports, volumes or labels are in another order",
    seen: "a list of the configuration has the same items in another order",
    grade: "cosmetic",
    fix: {
      any: "write variables in the order of the build file, and ports, volumes and labels sorted",
      lockstep: "write `env` in the same order in both specs; all else is sorted",
    },
    rules: {
      "config.config": ordered(0.97),
      "config.container_config": ordered(0.8),
      "manifest.annotations": ordered(0.8),
    },
  },
  {
    id: "I9",
    title: "what is inherited from the base differs",
    seen: "the history has another number of lines, or settings of the base are there on one side only",
    grade: "content",
    fix: {
      any: "build both on one base by digest, with one tool",
      lockstep: "pin one digest of the base in both locks",
    },
    rules: {
      "config.history": ({ where, a, b }, survey) => {
        if (!/^history(?:\[\d+\])?$/.test(where.field)) return 0;
        // As many layers on both sides: the line is one of the base that was not taken along.
        return (a === undefined || b === undefined) && !survey.layersAlone ? 0.85 : 0.72;
      },
      "config.config": ({ a, b }) => (a === undefined || b === undefined ? 0.35 : 0),
      "layer.presence": always(0.45),
    },
  },
  {
    id: "I11",
    title: "the base was published again under its tag",
    seen: "the annotation with the digest of the base differs, or layers of the base do",
    grade: "content",
    fix: {
      any: "name the base by digest (`FROM name@sha256:…`), and the same one on both sides",
      lockstep: "build both from one commit of lockstep.lock: it pins the base by digest",
    },
    rules: {
      "manifest.annotations": moved(/image\.base\.(?:digest|name)|dev\.lockstep\.base/, 0.96),
      "index.annotations": moved(/image\.base\.(?:digest|name)/, 0.96),
      "config.config": moved(/^config\.Labels.*base\.(?:digest|name)/, 0.95),
      "entry.presence": ofBase,
      "entry.mtime": ofBase,
      "entry.target": ofBase,
      content: ofBase,
    },
  },
  {
    id: "I12",
    title: "a registry or a client converted the manifest",
    seen: "types and notation of the manifest differ, and the layers are the same",
    grade: "encoding",
    fix: {
      any: "push with a client that refuses to convert (`skopeo copy --preserve-digests`), and compare the digest after the push",
    },
    rules: {
      "manifest.mediaType": always(0.6),
      "manifest.form": always(0.5),
      "index.mediaType": always(0.5),
      "manifest.presence": always(0.3),
    },
  },
  {
    id: "I14",
    title: "another image refers, or what it refers to differs",
    seen: "`subject` or `artifactType` of the manifest differs",
    grade: "cosmetic",
    fix: { any: "compare the images, not what refers to them" },
    rules: { "manifest.subject": always(0.8), "manifest.artifactType": always(0.8), "index.subject": always(0.8) },
  },
  {
    id: "I15",
    title: "a layer lies elsewhere, to be fetched from a URL",
    seen: "`urls` of a layer differ, or its media type is that of a layer that may not be passed on",
    grade: "content",
    fix: { any: "push the layer itself, or build on a base without such layers" },
    rules: {
      "manifest.layers": field(/\.urls\b/, 0.96),
      "layer.mediaType": ({ a = "", b = "" }) => (/foreign|nondistributable/.test(`${a}${b}`) ? 0.97 : 0),
    },
  },
];
