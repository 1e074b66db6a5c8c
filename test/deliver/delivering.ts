/** A repository that is built, published and committed, and a remote to deliver it to, for the tests of `deliver`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run as runDeliver } from "../../pipeline/cli/deliver.ts";
import type { DeliverDocument } from "../../pipeline/cli/documents/deliver.ts";
import { run as runPublish } from "../../pipeline/cli/publish.ts";
import { run as runRender } from "../../pipeline/cli/render.ts";
import { provenanceType, statementType } from "../../pipeline/evidence/evidence.ts";
import { localSigningKey } from "../../pipeline/evidence/keys.ts";
import { type Sign, signStatement } from "../../pipeline/evidence/sign.ts";
import type { Host } from "../../pipeline/host/host.ts";
import { silent } from "../../pipeline/report/report.ts";
import { canonicalJson } from "../../pipeline/store/canonical-json.ts";
import { hexOf } from "../../pipeline/store/digest.ts";
import { image, tinyRepository } from "../build/tiny-repository.ts";
import { startRegistry } from "../registry/registry.ts";
import { run } from "../support.ts";
import { appText } from "./samples.ts";

const spec = image(
  "tool",
  '  - files: { from: app, into: /app }\nconfig:\n  user: "65532:65532"\n  ports: [8080/tcp]\n',
);

const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];

/** git with settings of nobody; throws with what it says when it fails. */
export function git(directory: string, ...args: readonly string[]): string {
  const env = { PATH: process.env["PATH"] ?? "", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
  const { status, stdout, stderr } = run("git", ["-C", directory, ...identity, ...args], { env });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString().trim();
}

/** Everything is done that comes before `deliver`, but for what the test leaves out. */
export async function delivering({ publish = true, settings = "argocd: {}\n" } = {}) {
  const registry = await startRegistry();
  const repository = await tinyRepository({
    images: { web: spec, api: spec },
    packages: [{ name: "tool", data: [{ name: "./usr/bin/tool", content: "x", mode: 0o755 }] }],
    environment: { PATH: process.env["PATH"] ?? "", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    files: {
      "images/web/app/a": "web\n",
      "images/api/app/a": "api\n",
      "manifests/delivery.yaml": `images: ${registry.host}/team\nrepository:\n  url: https://git.example/team/repository.git\n  revision: refs/heads/delivered\n${settings}`,
      "manifests/apps/web.yaml": appText(),
      "manifests/apps/api.yaml": appText({ "name: web": "name: api", "image: web": "image: api" }),
      ".gitignore": "out/\n",
    },
  });
  const { root, store, directory } = repository;
  const host: Host = { ...repository.host, cwd: root };
  const warnings: string[] = [];
  const contextOn = (on: Host, at = root) => ({
    host: on,
    report: { ...silent, warn: (text: string) => void warnings.push(text) },
    store,
    root: at,
    signal: new AbortController().signal,
  });
  const context = contextOn(host);
  const render = () => runRender(context, {}, []);
  const publishAll = () => runPublish(context, { to: `${registry.host}/team/{image}:1.2.3` }, []);
  const commit = (message = "change"): string => {
    git(root, "add", "--all");
    git(root, "commit", "--quiet", "--allow-empty", "--message", message);
    return git(root, "rev-parse", "HEAD");
  };
  await render();
  if (publish) await publishAll();
  git(root, "init", "--quiet", "--initial-branch=main");
  const first = commit("first");
  const bare = join(directory, "remotes/remote.git");
  mkdirSync(bare, { recursive: true });
  git(bare, "init", "--quiet", "--bare", "--initial-branch=main");
  git(bare, "config", "http.receivepack", "true");
  const remote = `file://${bare}`;
  const references = () => git(bare, "for-each-ref", "--format=%(refname) %(objectname)").split("\n").filter(Boolean);
  /** Signs a statement about an image, by the local key of some host unless said otherwise, as a bundle in `out/attestations`. */
  const attest = async (name: string, on: Host = host, sign?: Sign): Promise<string> => {
    const built = (await repository.build()).find((each) => each.image === name);
    const digest = { sha256: hexOf(built?.index.descriptor.digest ?? "sha256:") };
    const statement = {
      _type: statementType,
      subject: [{ name, digest }],
      predicateType: provenanceType,
      predicate: {},
    };
    const bytes = Buffer.from(canonicalJson(statement));
    const { bundle } = await (sign?.(bytes) ?? signStatement(await localSigningKey(on, root), bytes));
    const file = join(root, `out/attestations/${name}.sigstore.json`);
    mkdirSync(join(root, "out/attestations"), { recursive: true });
    writeFileSync(file, bundle);
    return file;
  };
  const deliver = async (options: Readonly<Record<string, unknown>> = {}, on: Host = host, at = root) => {
    const { exit, result, text } = await runDeliver(contextOn(on, at), { branch: "delivered", remote, ...options }, []);
    return { exit, text, result: result as DeliverDocument };
  };
  return {
    ...repository,
    host,
    registry,
    warnings,
    render,
    publishAll,
    commit,
    first,
    bare,
    remote,
    references,
    attest,
    deliver,
  };
}

export type DeliveringScene = Awaited<ReturnType<typeof delivering>>;
