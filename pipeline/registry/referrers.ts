/** What refers to a manifest: the referrers API of distribution-spec 1.1, and the tag that stands in for it on registries without it. */
import { LockstepError } from "../host/errors.ts";
import { canonicalJson } from "../store/canonical-json.ts";
import { type Digest, hexOf } from "../store/digest.ts";
import { readBody } from "./answer.ts";
import type { Client } from "./client.ts";
import { isIndexType, largestManifest, type Manifest, parseManifest, type RemoteDescriptor } from "./manifest.ts";
import type { Repository } from "./repository.ts";

const indexType = "application/vnd.oci.image.index.v1+json";
/** More pages than this are no list but a trap. */
const pageLimit = 100;
const updateTries = 8;

/** The tag that stands in for the API ("Referrers Tag Schema"). */
function fallbackTag(digest: Digest): string {
  return `sha256-${hexOf(digest)}`;
}

/** The address of the next page (RFC 8288). */
function nextPage(link: string | string[] | undefined): string | undefined {
  return [link ?? []].flat().flatMap((text) => /<([^>]*)>[^,]*;\s*rel="?next"?/.exec(text)?.[1] ?? [])[0];
}

/** The list of the API; undefined on a registry without it. */
async function fromApi(
  client: Client,
  digest: Digest,
  artifactType: string | undefined,
): Promise<RemoteDescriptor[] | undefined> {
  const found: RemoteDescriptor[] = [];
  let to: string | URL = `referrers/${digest}`;
  for (let page = 0; page < pageLimit; page++) {
    const answer = await client.request({
      method: "GET",
      to,
      ...(artifactType === undefined || page > 0 ? {} : { query: { artifactType } }),
      what: `what refers to ${digest}`,
      headers: { accept: indexType },
      // Registries without the API answer so: they take the path for one of something else.
      expected: page === 0 ? [200, 400, 404, 405] : [200],
      action: "pull",
    });
    if (answer.status !== 200 || !(answer.headers["content-type"] ?? "").startsWith(indexType)) {
      answer.body.resume();
      return undefined;
    }
    const bytes = await readBody(answer, largestManifest);
    found.push(...parseManifest(bytes, indexType, `${client.name}: what refers to ${digest}`).manifests);
    const next = nextPage(answer.headers.link);
    if (next === undefined) return found;
    to = client.connection.target(next, client.address({ to }));
  }
  throw new LockstepError({
    code: "LS3220",
    message: `${client.name}: what refers to ${digest} has more than ${pageLimit} pages`,
    hint: "ask whoever runs the registry",
  });
}

async function fallbackIndex(repository: Repository, digest: Digest): Promise<Manifest | undefined> {
  const index = await repository.findManifest(fallbackTag(digest));
  return index !== undefined && isIndexType(index.descriptor.mediaType) ? index : undefined;
}

export async function listReferrers(
  client: Client,
  repository: Repository,
  digest: Digest,
  artifactType?: string,
): Promise<readonly RemoteDescriptor[]> {
  const listed =
    (await fromApi(client, digest, artifactType)) ?? (await fallbackIndex(repository, digest))?.manifests ?? [];
  return artifactType === undefined ? listed : listed.filter((item) => item.artifactType === artifactType);
}

/** What the list says of a manifest: its type is that of its config when it does not name one. */
function listing({ descriptor, artifactType, blobs, annotations }: Manifest): RemoteDescriptor {
  const type = artifactType ?? (isIndexType(descriptor.mediaType) ? undefined : blobs[0]?.mediaType);
  return {
    ...descriptor,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

async function stillThere(
  repository: Repository,
  list: readonly RemoteDescriptor[],
): Promise<readonly RemoteDescriptor[]> {
  const there: RemoteDescriptor[] = [];
  for (const item of list) if ((await repository.digestOf(item.digest)) !== undefined) there.push(item);
  return there;
}

/**
 * Lists a manifest for its subject under the tag that stands in for the API: read, added to, written, read again, and from the start when
 * another writer was there between. Does nothing where the registry has the API. Throws LS3221 when others are always faster.
 */
export async function addReferrer(
  client: Client,
  repository: Repository,
  subject: Digest,
  manifest: Manifest,
): Promise<void> {
  if ((await fromApi(client, subject, undefined)) !== undefined) return;
  const tag = fallbackTag(subject);
  const { digest } = manifest.descriptor;
  const isListed = (index: Manifest | undefined): boolean =>
    index?.manifests.some((item) => item.digest === digest) === true;
  let pruned = false;
  for (let attempt = 1; attempt <= updateTries; attempt++) {
    const before = await fallbackIndex(repository, subject);
    if (isListed(before)) return;
    const others = before?.manifests ?? [];
    const manifests = [...(pruned ? await stillThere(repository, others) : others), listing(manifest)];
    const bytes = Buffer.from(canonicalJson({ manifests, mediaType: indexType, schemaVersion: 2 }));
    const index = parseManifest(bytes, indexType, repository.place(tag));
    try {
      await repository.tag(index, tag, before?.descriptor.digest ?? "absent");
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      // Some registries take no list that names what was removed.
      const names: boolean = error.code === "LS3207" && !pruned;
      if (!names && error.code !== "LS3216") throw error;
      pruned ||= names;
      await client.pause(attempt, undefined);
      continue;
    }
    // One that had read before us may write after us: it is given the time to, and then looked at again.
    await client.pause(1, undefined);
    if (isListed(await fallbackIndex(repository, subject))) return;
  }
  throw new LockstepError({
    code: "LS3221",
    message: `${repository.place(tag)}: others changed it ${updateTries} times while ${digest} was to be added`,
    hint: "run the command again when nobody else writes there",
  });
}
