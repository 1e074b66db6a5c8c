/** The distribution protocol of the registry for tests (OCI distribution-spec 1.1, all four categories). */
import type { IncomingMessage } from "node:http";
import {
  type Content,
  digestWith,
  isKnownDigest,
  type ManifestDocument,
  matches,
  type RepositoryContent,
} from "./content.ts";

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface ProtocolOptions {
  /** Whether the referrers API is there; true unless given. */
  readonly referrers?: boolean;
  /** Whether `If-Match` and `If-None-Match` are heeded when a tag is pushed; true unless given. */
  readonly conditions?: boolean;
  /** The `OCI-Chunk-Min-Length` it asks for. */
  readonly leastChunk?: number;
  /** Referrers a page; 100 unless given. */
  readonly page?: number;
  /** What it makes of a manifest that is pushed: as a registry that converts. */
  readonly converts?: (bytes: Buffer) => Buffer;
}

export interface ProtocolRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

const indexType = "application/vnd.oci.image.index.v1+json";

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

export function fault(status: number, code: string, message: string): Reply {
  return json(status, { errors: [{ code, message }] });
}

const unknownBlob = fault(404, "BLOB_UNKNOWN", "blob unknown to registry");
const unknownManifest = fault(404, "MANIFEST_UNKNOWN", "manifest unknown");
const unknownUpload = fault(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
const invalidDigest = fault(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
const notAllowed = fault(405, "UNSUPPORTED", "the operation is unsupported");

/** `bytes=10-` and `bytes=10-19`. */
function ranged(bytes: Buffer, range: string | undefined, headers: Readonly<Record<string, string>>): Reply {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === undefined) return { status: 200, headers, body: bytes };
  const start = Number(from);
  const end = Math.min(to === "" || to === undefined ? bytes.length - 1 : Number(to), bytes.length - 1);
  if (start >= bytes.length || end < start)
    return { status: 416, headers: { "content-range": `bytes */${bytes.length}` } };
  const part = bytes.subarray(start, end + 1);
  return { status: 206, headers: { ...headers, "content-range": `bytes ${start}-${end}/${bytes.length}` }, body: part };
}

export class Protocol {
  readonly #content: Content;
  readonly #options: ProtocolOptions;

  constructor(content: Content, options: ProtocolOptions) {
    this.#content = content;
    this.#options = options;
  }

  answer(request: ProtocolRequest): Reply {
    const path = decodeURIComponent(request.url.pathname);
    if (path === "/v2" || path === "/v2/") return json(200, {});
    const [, name = "", kind = "", rest = ""] =
      /^\/v2\/(.+?)\/(blobs|manifests|tags|referrers)\/(.*)$/.exec(path) ?? [];
    if (!/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/.test(name))
      return fault(kind === "" ? 404 : 400, "NAME_INVALID", "invalid repository name");
    if (kind === "manifests") return this.#manifests(request, name, rest);
    if (kind === "tags" && rest === "list") return this.#tags(request, name);
    if (kind === "referrers" && this.#options.referrers !== false) return this.#referrers(request, name, rest);
    if (kind === "blobs" && rest.startsWith("uploads/"))
      return this.#uploads(request, name, rest.slice("uploads/".length));
    if (kind === "blobs") return this.#blobs(request, name, rest);
    return fault(404, "UNSUPPORTED", "not found");
  }

  #blobs({ method, headers }: ProtocolRequest, name: string, digest: string): Reply {
    const { blobs } = this.#content.repository(name);
    if (!isKnownDigest(digest)) return fault(400, "DIGEST_INVALID", "not a digest");
    const bytes = blobs.get(digest);
    if (bytes === undefined) return unknownBlob;
    const own = {
      "content-type": "application/octet-stream",
      "docker-content-digest": digest,
      "accept-ranges": "bytes",
    };
    if (method === "GET" || method === "HEAD") return ranged(bytes, headers.range, own);
    if (method !== "DELETE") return notAllowed;
    blobs.delete(digest);
    return { status: 202 };
  }

  #uploads(request: ProtocolRequest, name: string, id: string): Reply {
    const { method, url, body } = request;
    if (id === "") return method === "POST" ? this.#beginUpload(request, name) : notAllowed;
    const upload = this.#content.uploads.get(id);
    if (upload === undefined || upload.repository !== name) return unknownUpload;
    const progress = {
      location: `/v2/${name}/blobs/uploads/${id}`,
      range: `0-${Math.max(0, upload.size - 1)}`,
    };
    if (method === "GET") return { status: 204, headers: progress };
    if (method === "DELETE") {
      this.#content.uploads.delete(id);
      return { status: 204 };
    }
    if (method !== "PATCH" && method !== "PUT") return notAllowed;
    const start = /^(\d+)-\d+$/.exec(request.headers["content-range"] ?? "")?.[1];
    if (start !== undefined && Number(start) !== upload.size) return { status: 416, headers: progress };
    upload.pieces.push(body);
    upload.size += body.length;
    if (method === "PATCH")
      return { status: 202, headers: { ...progress, range: `0-${Math.max(0, upload.size - 1)}` } };
    this.#content.uploads.delete(id);
    return this.#store(name, url.searchParams.get("digest") ?? "", Buffer.concat(upload.pieces));
  }

  #beginUpload({ url, body }: ProtocolRequest, name: string): Reply {
    const mount = url.searchParams.get("mount");
    const from = url.searchParams.get("from");
    const holders = from === null ? [...this.#content.repositories.values()] : [this.#content.repository(from)];
    const bytes =
      mount === null ? undefined : holders.map(({ blobs }) => blobs.get(mount)).find((blob) => blob !== undefined);
    if (mount !== null && bytes !== undefined) return this.#store(name, mount, bytes);
    const digest = url.searchParams.get("digest");
    if (digest !== null) return this.#store(name, digest, body);
    const id = this.#content.beginUpload(name);
    const { leastChunk } = this.#options;
    return {
      status: 202,
      headers: {
        location: `/v2/${name}/blobs/uploads/${id}`,
        range: "0-0",
        ...(leastChunk === undefined ? {} : { "oci-chunk-min-length": String(leastChunk) }),
      },
    };
  }

  #store(name: string, digest: string, bytes: Buffer): Reply {
    if (!matches(digest, bytes)) return invalidDigest;
    this.#content.repository(name).blobs.set(digest, bytes);
    return { status: 201, headers: { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest } };
  }

  #manifests(request: ProtocolRequest, name: string, reference: string): Reply {
    const repository = this.#content.repository(name);
    const { method } = request;
    if (method === "PUT") return this.#putManifest(request, name, reference);
    const manifest = repository.find(reference);
    if (manifest === undefined) return unknownManifest;
    if (method === "DELETE") {
      if (reference === manifest.digest) {
        repository.manifests.delete(reference);
        for (const [tag, digest] of repository.tags) if (digest === reference) repository.tags.delete(tag);
      } else repository.tags.delete(reference);
      return { status: 202 };
    }
    if (method !== "GET" && method !== "HEAD") return notAllowed;
    return {
      status: 200,
      headers: {
        "content-type": manifest.mediaType,
        "docker-content-digest": manifest.digest,
        etag: `"${manifest.digest}"`,
      },
      body: manifest.bytes,
    };
  }

  #putManifest(request: ProtocolRequest, name: string, reference: string): Reply {
    const repository = this.#content.repository(name);
    const byDigest = reference.includes(":");
    if (byDigest ? !isKnownDigest(reference) : !/^\w[\w.-]{0,127}$/.test(reference))
      return fault(400, "MANIFEST_INVALID", "not a tag and not a digest");
    if (request.body.length > 4 << 20) return fault(413, "SIZE_INVALID", "the manifest is too large");
    const bytes = this.#options.converts?.(request.body) ?? request.body;
    if (byDigest && this.#options.converts === undefined && !matches(reference, bytes)) return invalidDigest;
    let document: ManifestDocument;
    try {
      document = JSON.parse(bytes.toString()) as ManifestDocument;
    } catch {
      return fault(400, "MANIFEST_INVALID", "not JSON");
    }
    const mediaType = request.headers["content-type"] ?? document.mediaType ?? "";
    if (document.mediaType !== undefined && document.mediaType !== mediaType)
      return fault(400, "MANIFEST_INVALID", "the media type is another than that of the document");
    const missing = missingBlob(repository, document);
    if (missing !== undefined) return fault(404, "MANIFEST_BLOB_UNKNOWN", `${missing} is not there`);
    if (!byDigest && !this.#mayTag(request, repository, reference))
      return fault(412, "DENIED", "the tag is another than expected");
    const digest = digestWith(byDigest ? (reference.split(":")[0] ?? "") : "sha256", bytes);
    repository.manifests.set(digest, { digest, mediaType, bytes });
    if (!byDigest) repository.tags.set(reference, digest);
    const subject = this.#options.referrers === false ? undefined : document.subject?.digest;
    return {
      status: 201,
      headers: {
        location: `/v2/${name}/manifests/${reference}`,
        "docker-content-digest": digest,
        ...(subject === undefined ? {} : { "oci-subject": subject }),
      },
    };
  }

  #mayTag({ headers }: ProtocolRequest, { tags }: RepositoryContent, tag: string): boolean {
    if (this.#options.conditions === false) return true;
    const now = tags.get(tag);
    const wanted = headers["if-match"];
    if (wanted !== undefined && wanted !== `"${now ?? ""}"`) return false;
    return headers["if-none-match"] !== "*" || now === undefined;
  }

  #tags({ method, url }: ProtocolRequest, name: string): Reply {
    if (method !== "GET") return notAllowed;
    if (!this.#content.repositories.has(name))
      return fault(404, "NAME_UNKNOWN", "repository name not known to registry");
    const last = url.searchParams.get("last") ?? "";
    const count = Number(url.searchParams.get("n") ?? 1000);
    const after = [...this.#content.repository(name).tags.keys()].toSorted().filter((tag) => tag > last);
    const tags = after.slice(0, count);
    const more = after.length > tags.length && tags.length > 0;
    const next = `</v2/${name}/tags/list?n=${count}&last=${tags.at(-1) ?? ""}>; rel="next"`;
    return json(200, { name, tags }, more ? { link: next } : {});
  }

  #referrers({ method, url }: ProtocolRequest, name: string, digest: string): Reply {
    if (method !== "GET") return notAllowed;
    if (!isKnownDigest(digest)) return fault(400, "DIGEST_INVALID", "not a digest");
    const type = url.searchParams.get("artifactType");
    const skip = Number(url.searchParams.get("skip") ?? 0);
    const page = this.#options.page ?? 100;
    const all = this.#content
      .repository(name)
      .referrers(digest)
      .filter((item) => type === null || item.artifactType === type);
    const more = all.length > skip + page;
    const filter = type === null ? "" : `&artifactType=${encodeURIComponent(type)}`;
    return json(
      200,
      { schemaVersion: 2, mediaType: indexType, manifests: all.slice(skip, skip + page) },
      {
        "content-type": indexType,
        ...(type === null ? {} : { "oci-filters-applied": "artifactType" }),
        ...(more ? { link: `</v2/${name}/referrers/${digest}?skip=${skip + page}${filter}>; rel="next"` } : {}),
      },
    );
  }
}

/** A blob or manifest that a manifest needs and the repository does not have; layers that must not be distributed are not asked for. */
function missingBlob({ blobs, manifests }: RepositoryContent, document: ManifestDocument): string | undefined {
  const layers = (document.layers ?? []).filter(({ mediaType }) => mediaType?.includes("nondistributable") !== true);
  const needed = [...(document.config === undefined ? [] : [document.config]), ...layers];
  return (
    needed.find(({ digest }) => !blobs.has(digest))?.digest ??
    document.manifests?.find(({ digest }) => !manifests.has(digest))?.digest
  );
}
