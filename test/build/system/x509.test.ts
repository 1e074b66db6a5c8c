import { createHash } from "node:crypto";
import { readFileSync, readdirSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeCertificates } from "../../../pipeline/build/system/certificates.ts";
import { DerError, readCertificate, subjectHash } from "../../../pipeline/build/system/x509.ts";
import { ImageModel } from "../../../pipeline/source/debian/script-model.ts";
import { hasProgram, run, temporaryDirectory } from "../../support.ts";
import { madeFacts } from "../../source/debian/made-facts.ts";

const openssl = hasProgram("openssl");
const installed = "/usr/share/ca-certificates/mozilla";

/** A self-signed certificate with a subject of OpenSSL's `/CN=…` form. */
function certificate(directory: string, subject: string, options: readonly string[] = []): string {
  const out = join(directory, `${createHash("sha256").update(subject).digest("hex").slice(0, 12)}.crt`);
  const key = join(directory, "key.pem");
  if (!existsSync(key)) {
    const made = run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key]);
    expect(made.status, made.stderr.toString()).toBe(0);
  }
  const { status, stderr } = run("openssl", [
    "req",
    "-x509",
    "-new",
    "-key",
    key,
    "-subj",
    subject,
    "-utf8",
    ...options,
    "-out",
    out,
  ]);
  expect(status, stderr.toString()).toBe(0);
  return out;
}

function opensslHash(path: string): string {
  return run("openssl", ["x509", "-noout", "-subject_hash", "-in", path]).stdout.toString().trim();
}

describe("subject hashes", () => {
  it.skipIf(!openssl)("are OpenSSL's for subjects of every kind (needs openssl)", () => {
    const directory = temporaryDirectory();
    for (const subject of [
      "/CN=Plain",
      "/C=DE/O=  Many   Blanks  /CN=UPPER lower",
      "/O=Ünïcödé Ärger GmbH/CN=ΑΒΓ αβγ/emailAddress=A@Example.ORG",
      "/O=First+OU=Second/CN=multi valued",
      "/DC=org/DC=example/serialNumber=12345/CN=x",
      `/CN=${"long ".repeat(12)}`,
    ]) {
      const path = certificate(directory, subject, ["-multivalue-rdn"].slice(subject.includes("+") ? 0 : 1));
      expect(subjectHash(readCertificate(readFileSync(path, "utf8"))), subject).toBe(opensslHash(path));
    }
  });

  it.skipIf(!openssl || !existsSync(installed))(
    "are OpenSSL's for authorities of this machine (needs openssl and ca-certificates)",
    () => {
      const names = readdirSync(installed).toSorted();
      for (const name of names.filter((_, index) => index % 6 === 0)) {
        const path = join(installed, name);
        expect(subjectHash(readCertificate(readFileSync(path, "latin1"))), name).toBe(opensslHash(path));
      }
    },
  );

  it.each([
    ["nothing", ""],
    ["two certificates", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".repeat(2)],
    ["no DER", "-----BEGIN CERTIFICATE-----\n////\n-----END CERTIFICATE-----\n"],
    ["an empty sequence", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"],
    ["a cut off sequence", "-----BEGIN CERTIFICATE-----\nMIIBAA==\n-----END CERTIFICATE-----\n"],
  ])("are refused for %s", (_, pem) => {
    expect(() => subjectHash(readCertificate(pem))).toThrow(DerError);
  });
});

describe("/etc/ssl/certs", () => {
  it.skipIf(!openssl)("has the links that openssl rehash makes (needs openssl)", () => {
    const directory = temporaryDirectory();
    // Two keys, one name: the hash is the same and the links are numbered.
    const first = readFileSync(certificate(directory, "/CN=Same"), "utf8");
    const twin = join(directory, "twin");
    mkdirSync(twin);
    const second = readFileSync(certificate(twin, "/CN=Same"), "utf8");
    const other = readFileSync(certificate(directory, "/CN=Other"), "utf8").trimEnd();
    const base = "usr/share/ca-certificates/made";
    const facts = madeFacts("ca-certificates", {
      files: {
        [`${base}/A (odd), name.crt`]: other,
        [`${base}/b.crt`]: first,
        [`${base}/c.crt`]: second,
        [`${base}/d.crt`]: first,
      },
    });
    const model = new ImageModel([facts], "amd64");
    writeCertificates(model);
    const certs = join(directory, "certs");
    mkdirSync(certs);
    const links = new Map<string, string>();
    for (const [path, node] of model.made) {
      const name = /^etc\/ssl\/certs\/(.*)$/.exec(path)?.[1];
      if (name === undefined || node.target === undefined) continue;
      if (name.endsWith(".pem")) {
        writeFileSync(join(certs, name), model.find(node.target)?.content ?? "");
      } else links.set(name, node.target);
    }
    expect(run("openssl", ["rehash", certs]).status).toBe(0);
    const hashed = readdirSync(certs).filter((name) => !name.endsWith(".pem"));
    expect([...links.keys()].toSorted()).toEqual(hashed.toSorted());
    for (const name of hashed) {
      expect(
        run("readlink", [join(certs, name)])
          .stdout.toString()
          .trim(),
        name,
      ).toBe(links.get(name));
    }
    expect([...links.values()]).toContain("A_=odd=__name.pem");
    const bundle = model.find("etc/ssl/certs/ca-certificates.crt")?.content?.toString() ?? "";
    expect(bundle).toBe(`${other}\n${first}${second}${first}`);
    expect(model.find("etc/ca-certificates.conf")?.content?.toString()).toMatch(
      /^# This file[^!]*!.*\n#\nmade\/A \(odd\), name\.crt\nmade\/b\.crt\nmade\/c\.crt\nmade\/d\.crt\n$/s,
    );
  });

  it("is refused with a code when a file holds no certificate", () => {
    const facts = madeFacts("ca-certificates", { files: { "usr/share/ca-certificates/x.crt": "nonsense\n" } });
    expect(() => writeCertificates(new ImageModel([facts], "amd64"))).toThrow(
      "LS2404 /usr/share/ca-certificates/x.crt holds 0 certificates where one is expected",
    );
  });
});
