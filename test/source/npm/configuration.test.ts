import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Host } from "../../../pipeline/host/host.ts";
import { readNpmConfiguration, tarballAddress } from "../../../pipeline/source/npm/configuration.ts";
import { hasProgram, scene } from "../../support.ts";

/** A project with these settings, on a machine with no others than those given. */
function project(npmrc: string, user = "", environment: Readonly<Record<string, string>> = {}) {
  const { host, directory } = scene({
    PATH: process.env["PATH"] ?? "",
    npm_config_userconfig: "/nowhere",
    npm_config_globalconfig: "/nowhere",
    ...environment,
  });
  writeFileSync(join(directory, ".npmrc"), npmrc);
  writeFileSync(join(directory, "user.npmrc"), user);
  const settings = { ...host.environment(), HOME: directory, npm_config_userconfig: join(directory, "user.npmrc") };
  return { host: { ...host, environment: () => settings }, directory };
}

const read = ({ host, directory }: { readonly host: Host; readonly directory: string }) =>
  readNpmConfiguration(host, directory);

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((each: unknown) => each);
  return error instanceof Error ? error.message : "it did not fail";
}

describe.skipIf(!hasProgram("npm"))("npm's configuration (needs npm)", () => {
  it("says which registry a package is in, by its scope where one is set", async () => {
    const { registryOf } = await read(
      project("registry=https://registry.example/npm/\n@acme:registry = https://acme.example\n"),
    );
    expect(["left-pad", "@acme/a", "@other/a"].map(registryOf)).toEqual([
      "https://registry.example/npm",
      "https://acme.example",
      "https://registry.example/npm",
    ]);
    expect(tarballAddress(registryOf("@other/a"), "@other/a", "1.0.0+b")).toBe(
      "https://registry.example/npm/@other/a/-/a-1.0.0%2Bb.tgz",
    );
  });

  it("gives tokens and passwords to the addresses they are for, and to no others", async () => {
    const basic = Buffer.from("me:pass word").toString("base64");
    const password = Buffer.from("pass word").toString("base64");
    const npmrc = [
      "registry=https://registry.example/",
      "; //registry.example/:_authToken=comment",
      "//registry.example/:_authToken=${TOKEN} # of the machine",
      '//registry.example/private/:_authToken="quoted"',
      `//basic.example/:_auth=${basic}`,
      "//named.example/npm/:username=me",
      `//named.example/npm/:_password=${password}`,
      "//unset.example/:_authToken=${UNSET}",
      "//optional.example/:_authToken=${UNSET?}",
    ].join("\n");
    const { authorizationOf } = await read(project(npmrc, "//registry.example/:_authToken=user\n", { TOKEN: "a$&b" }));
    const of = (address: string) => authorizationOf(new URL(address));
    expect(of("https://registry.example/a/-/a-1.0.0.tgz")).toBe("Bearer a$&b");
    expect(of("https://registry.example/private/a")).toBe("Bearer quoted");
    expect(of("https://registry.example:8443/a")).toBe(undefined);
    expect(of("https://registry.example.org/a")).toBe(undefined);
    expect(of("https://basic.example/a")).toBe(`Basic ${basic}`);
    expect(of("https://named.example/npm/a")).toBe(`Basic ${basic}`);
    expect(of("https://named.example/other")).toBe(undefined);
    expect(of("https://unset.example/a")).toBe("Bearer ${UNSET}");
  });

  it("takes the environment before the project, and the project before the user", async () => {
    const at = project(
      "//a.example/:_authToken=project\n",
      "//a.example/:_authToken=user\n//b.example/:_authToken=user\n",
      {
        "npm_config_//c.example/:_authToken": "environment",
      },
    );
    const { authorizationOf } = await read(at);
    const of = (host: string) => authorizationOf(new URL(`https://${host}/x`));
    expect(["a.example", "b.example", "c.example"].map(of)).toEqual([
      "Bearer project",
      "Bearer user",
      "Bearer environment",
    ]);
  });

  it("brings certificates besides the usual ones", async () => {
    const at = project("");
    writeFileSync(join(at.directory, "own.pem"), "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    writeFileSync(join(at.directory, ".npmrc"), `cafile=${join(at.directory, "own.pem")}\n`);
    const { ca = [] } = await read(at);
    expect(ca.length).toBeGreaterThan(50);
    expect(ca.at(-1)).toContain("BEGIN CERTIFICATE");
  });

  it("LS2509: is refused when it cannot be used, without a secret in the message", async () => {
    const secret = await read(project("registry=https://me:hush@registry.example/\n"));
    const message = await failure(Promise.resolve().then(() => secret.registryOf("a")));
    expect(message).toMatch(
      /^LS2509 npm does not tell its setting "registry", as when it has a user name or a password in it/,
    );
    expect(message).not.toContain("hush");
    expect(await failure(read(project("cafile=/nowhere/at/all.pem\n")))).toMatch(/^LS2509 npm's setting "cafile"/);
    const { host, directory } = project("");
    expect(await failure(readNpmConfiguration({ ...host, findProgram: () => undefined }, directory))).toMatch(
      /^LS2509 npm is not installed/,
    );
  });
});
