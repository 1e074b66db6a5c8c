/** What `build` gives: images as layouts, and what can be asked of them. */
import { type Container, dag, type Directory, type File, func, object, type Secret } from "@dagger.io/dagger";
import { anew, places, withLogin, withSigner } from "./program.ts";
import { afterOf, stdoutOf } from "./command.ts";

interface BuiltImage {
  readonly image: string;
  readonly digest: string;
}

/** The images in the document of `lockstep build --json`. */
function imagesIn(document: string): readonly BuiltImage[] {
  const { result } = JSON.parse(document) as { readonly result: { readonly images: readonly BuiltImage[] } };
  return result.images;
}

/** Images that were built. */
@object()
export class Build {
  /** The images' names and the digests of their indexes, one a line. */
  @func() digests: string;

  /** The document of `lockstep build --json`: digests, layers, sizes, what maintainer scripts left undone. */
  @func() report: string;

  private after: Container;

  private node: string;
  private secrets?: Secret;

  constructor(after: Container, node: string, report: string, secrets?: Secret) {
    this.after = after;
    this.node = node;
    if (secrets !== undefined) this.secrets = secrets;
    this.report = report;
    this.digests = imagesIn(report)
      .map(({ image, digest }) => `${image} ${digest}\n`)
      .join("");
  }

  private one(image: string | undefined): BuiltImage {
    const images = imagesIn(this.report);
    const [found, ...others] = images.filter((item) => image === undefined || item.image === image);
    if (found !== undefined && others.length === 0) return found;
    const names = images.map((item) => item.image).join(", ");
    if (image !== undefined) throw new Error(`LS9004 image "${image}" was not built; these were: ${names}`);
    throw new Error(`LS9004 several images were built: ${names}; say which one with --image`);
  }

  /** The container after a command about the images that were built. */
  private run(name: string, options: readonly string[], from: Container = this.after): Promise<Container> {
    const images = imagesIn(this.report).map(({ image }) => image);
    const { node, secrets } = this;
    return afterOf({ from, node, name, args: [...options, "--quiet", ...images], images, secrets });
  }

  /**
   * The digest of an image's index, which stands for the image on all platforms.
   * @param image The image; needed when several were built.
   */
  @func() digest(image?: string): string {
    return this.one(image).digest;
  }

  /**
   * The index of an image: the JSON whose SHA-256 is the digest.
   * @param image The image; needed when several were built.
   */
  @func() index(image?: string): File {
    const { image: name, digest } = this.one(image);
    return this.after.file(`${places.out}/images/${name}/blobs/sha256/${digest.slice("sha256:".length)}`);
  }

  /**
   * The OCI layout of an image.
   * @param image The image; needed when several were built.
   */
  @func() layout(image?: string): Directory {
    return this.after.directory(`${places.out}/images/${this.one(image).image}`);
  }

  /** The layouts of all images that were built, a directory for each. */
  @func() layouts(): Directory {
    return this.after.directory(`${places.out}/images`);
  }

  /** An SPDX document for each image and platform. */
  @func() async sbom(): Promise<Directory> {
    return (await this.run("sbom", ["--out", places.out])).directory(`${places.out}/sbom`);
  }

  /**
   * Signed statements about the images, after rebuilding each: nothing is signed about an image that does not come out the same again.
   * @param key The signing key: P-256, PKCS #8, PEM.
   * @param identityToken An identity token to sign with in place of a key, with the two files.
   * @param signingConfig The services that sign: a SigningConfig of Sigstore.
   * @param trustedRoot What the signature has to verify with: a TrustedRoot of Sigstore.
   */
  @func({ cache: "never" })
  async provenance(key?: Secret, identityToken?: Secret, signingConfig?: File, trustedRoot?: File): Promise<Directory> {
    const [from, options] = withSigner(anew(this.after), key, identityToken, signingConfig, trustedRoot);
    const signed = await this.run("attest", ["--out", places.out, ...options], from);
    return signed.directory(`${places.out}/attestations`);
  }

  /**
   * Pushes the images to a registry: what is missing, by digest, tags last.
   * @param to The repository, with a tag or without; `{image}` in it is the image's name.
   * @param tag Tags to give besides the one in `to`.
   * @param expect What each tag must be before, or `absent`.
   * @param login Logins of registries, in the form of docker's `config.json`.
   */
  @func({ cache: "never" })
  async publish(to: string, tag: string[] = [], expect?: string, login?: Secret): Promise<string> {
    const named = [...tag.flatMap((name) => ["--tag", name]), ...(expect === undefined ? [] : ["--expect", expect])];
    const args = ["--out", `${places.out}/images`, "--to", to, ...named];
    return stdoutOf(await this.run("publish", args, withLogin(anew(this.after), login)));
  }

  /** Rebuilds the images in other surroundings, from downloads alone, and compares. Fails when a digest differs. */
  @func() async verify(): Promise<string> {
    return stdoutOf(await this.run("verify", ["--out", `${places.out}/images`, "--again"]));
  }

  /**
   * An image as a container, to run, serve or look into. It is for use in Dagger: publishing it from there would give other bytes.
   * @param image The image; needed when several were built.
   */
  @func() asContainer(image?: string): Container {
    const { image: name } = this.one(image);
    const archive = "/archive.tar";
    const packed = this.after
      .withExec(["tar", "-cf", archive, "-C", `${places.out}/images/${name}`, "."])
      .file(archive);
    return dag.container().import_(packed);
  }
}
