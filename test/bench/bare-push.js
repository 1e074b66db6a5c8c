/**
 * What an unchanged push asks of a registry, and nothing else: the least time that a program of Node can take for it. In plain JavaScript and
 * without modules of its own, because loading is what is to be left out. Arguments: layout, registry, repository, tag.
 */
const { createHash } = process.getBuiltinModule("node:crypto");
const { readFileSync } = process.getBuiltinModule("node:fs");
const { Agent, request } = process.getBuiltinModule("node:http");

const [layout = "", registry = "", repository = "", tag = ""] = process.argv.slice(2);
const [entry] = JSON.parse(readFileSync(`${layout}/index.json`, "utf8")).manifests;
const bytes = readFileSync(`${layout}/blobs/sha256/${entry.digest.slice("sha256:".length)}`);
if (`sha256:${createHash("sha256").update(bytes).digest("hex")}` !== entry.digest) throw new Error("another manifest");
const { config, layers } = JSON.parse(bytes.toString("utf8"));

const agent = new Agent({ keepAlive: true });

/** Asks whether something is there, and whether it is what it shall be. */
function ask(path, digest) {
  return new Promise((resolve, reject) => {
    const headers = { accept: entry.mediaType };
    const sent = request(`http://${registry}/v2/${repository}/${path}`, { method: "HEAD", agent, headers });
    sent.on("error", reject);
    sent.on("response", (answer) => {
      answer.resume();
      const right = answer.statusCode === 200 && answer.headers["docker-content-digest"] === digest;
      if (right) resolve();
      else reject(new Error(`${path}: ${answer.statusCode}`));
    });
    sent.end();
  });
}

await Promise.all([
  ask(`manifests/${entry.digest}`, entry.digest),
  ...[config, ...layers].map(({ digest }) => ask(`blobs/${digest}`, digest)),
]);
await ask(`manifests/${tag}`, entry.digest);
agent.destroy();
