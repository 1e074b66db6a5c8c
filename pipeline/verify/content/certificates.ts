/**
 * Compares certificates in PEM or DER (RFC 7468, RFC 5280), alone or in bundles, and says of private keys only that they differ.
 *
 * The names within are subjects of certificates. Fields: `notBefore`, `notAfter`, `serialNumber`, `issuer`, `subject`, `subjectPublicKey`, `subjectAltName`,
 * `signature` (all else that is signed is the same or follows), `presence`, `order`, `private key`, `text between blocks`, or the label of another block.
 * Facts: `renewed: true` where one subject has another certificate; `count` of certificates.
 */
import { X509Certificate } from "node:crypto";
import type { Nature } from "../compare/finding.ts";
import { shown } from "../compare/shown.ts";
import type { Format, Looker, Pair } from "./format.ts";
import { wholeOf } from "./windows.ts";

const largest = 16 << 20;

/** Blocks with their labels, and what stands between them. Throws for one that does not end. */
function blocksOf(text: string): { readonly blocks: readonly (readonly [string, string])[]; readonly between: string } {
  const blocks: (readonly [string, string])[] = [];
  let between = "";
  let at = 0;
  for (;;) {
    const start = text.indexOf("-----BEGIN ", at);
    if (start < 0) return { blocks, between: (between + text.slice(at)).trim() };
    const label = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text.slice(start, start + 60))?.[1];
    const ending = `-----END ${label}-----`;
    const end = label === undefined ? -1 : text.indexOf(ending, start);
    if (label === undefined || end < 0) throw new Error("a block of it does not end");
    between += text.slice(at, start);
    at = end + ending.length;
    blocks.push([label, text.slice(start, at)]);
  }
}

interface Bundle {
  readonly certificates: readonly X509Certificate[];
  readonly keys: readonly string[];
  readonly others: ReadonlyMap<string, string>;
  /** What stands between blocks. */
  readonly between: string;
}

function read(bytes: Buffer): Bundle {
  const certificates: X509Certificate[] = [];
  const keys: string[] = [];
  const others = new Map<string, string>();
  if (bytes[0] === 0x30) {
    const certificate = new X509Certificate(bytes);
    if (!certificate.raw.equals(bytes)) throw new Error("something follows the certificate");
    return { certificates: [certificate], keys, others, between: "" };
  }
  const { blocks, between } = blocksOf(bytes.toString("latin1"));
  for (const [label, all] of blocks) {
    if (/^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label)) certificates.push(new X509Certificate(all));
    else if (label.endsWith("PRIVATE KEY")) keys.push(all);
    else others.set(label, `${others.get(label) ?? ""}${all}`);
  }
  if (certificates.length + keys.length + others.size === 0) throw new Error("no block of it is whole");
  return { certificates, keys, others, between };
}

const subjectOf = ({ subject }: X509Certificate): string => (subject ?? "").replaceAll("\n", ", ") || "no subject";

const fields: readonly (readonly [string, (certificate: X509Certificate) => string, readonly Nature[]])[] = [
  ["notBefore", ({ validFrom }) => validFrom, ["time"]],
  ["notAfter", ({ validTo }) => validTo, ["time"]],
  ["serialNumber", ({ serialNumber }) => serialNumber, ["random"]],
  ["issuer", ({ issuer }) => (issuer ?? "").replaceAll("\n", ", "), ["text"]],
  ["subject", subjectOf, ["text"]],
  ["subjectAltName", ({ subjectAltName }) => subjectAltName ?? "", ["host"]],
  ["subjectPublicKey", (certificate) => `SHA-256 ${digest(certificate)}`, ["random"]],
];

/** Of the key; a certificate with a key of a kind that is not known has none. */
function digest(certificate: X509Certificate): string {
  try {
    const key = certificate.publicKey.export({ format: "der", type: "spki" });
    return key.toString("hex").slice(-64);
  } catch {
    return "unknown";
  }
}

function compareCertificates(a: X509Certificate, b: X509Certificate, looker: Looker): void {
  let count = 0;
  const facts = { renewed: true };
  for (const [field, get, natures] of fields) {
    const [x, y] = [get(a), get(b)];
    if (x === y) continue;
    count++;
    const key = field === "subjectPublicKey";
    looker.found(field, {
      grade: "content",
      natures,
      a: key ? "one key" : shown(x),
      b: key ? "another key" : shown(y),
      facts,
    });
  }
  if (count === 0)
    looker.found("signature", {
      grade: "content",
      natures: ["random"],
      a: `${a.raw.length} bytes`,
      b: `${b.raw.length} bytes`,
      facts,
    });
}

function compareBundles(a: Bundle, b: Bundle, looker: Looker): void {
  const id = ({ fingerprint256 }: X509Certificate): string => fingerprint256;
  const [inA, inB] = [new Set(a.certificates.map(id)), new Set(b.certificates.map(id))];
  const [onlyA, onlyB] = [
    a.certificates.filter((one) => !inB.has(id(one))),
    b.certificates.filter((one) => !inA.has(id(one))),
  ];
  const left = [...onlyB];
  for (const one of onlyA) {
    const index =
      a.certificates.length === 1 && left.length === 1
        ? 0
        : left.findIndex((other) => subjectOf(other) === subjectOf(one));
    const other = index < 0 ? undefined : left.splice(index, 1)[0];
    const inner = a.certificates.length === 1 ? looker : looker.within(subjectOf(one));
    if (other === undefined) inner.found("presence", { grade: "content", a: shown(subjectOf(one)) });
    else compareCertificates(one, other, inner);
  }
  for (const one of left)
    looker.within(subjectOf(one)).found("presence", { grade: "content", b: shown(subjectOf(one)) });
  const [x, y] = [
    a.certificates.map(id).filter((one) => inB.has(one)),
    b.certificates.map(id).filter((one) => inA.has(one)),
  ];
  if (x.join() !== y.join())
    looker.found("order", {
      grade: "cosmetic",
      natures: ["order"],
      a: `${x.length} certificates in one order`,
      b: `${y.length} certificates in another`,
      facts: { count: x.length },
    });
}

function comparePem({ a, b }: Pair, looker: Looker): void {
  const [x, y] = [read(wholeOf(a, largest)), read(wholeOf(b, largest))];
  compareBundles(x, y, looker);
  if (x.keys.join() !== y.keys.join())
    looker.found("private key", {
      grade: "content",
      natures: ["random"],
      a: `${x.keys.length} that are not shown`,
      b: `${y.keys.length} that are not shown`,
    });
  for (const label of new Set([...x.others.keys(), ...y.others.keys()])) {
    const [p, q] = [x.others.get(label), y.others.get(label)];
    if (p !== q)
      looker.found(label, {
        grade: "content",
        natures: ["random"],
        a: `${p?.length ?? 0} characters`,
        b: `${q?.length ?? 0} characters`,
      });
  }
  if (x.between !== y.between)
    looker.found("text between blocks", {
      grade: "cosmetic",
      natures: ["text"],
      a: `${x.between.length} characters`,
      b: `${y.between.length} characters`,
    });
}

export const certificates: Format = {
  name: "x509",
  accepts: ({ path, a, b }) =>
    Math.max(a.size, b.size) <= largest &&
    [a, b].every((side) => {
      const head = side.read(0, 1 << 16);
      return head.includes("-----BEGIN ") || (head[0] === 0x30 && /\.(?:crt|cer|der)$/.test(path));
    }),
  compare: comparePem,
};
